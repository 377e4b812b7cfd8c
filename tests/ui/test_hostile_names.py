"""Names and lists that mean harm, in the window: shown as they are, and never waited for."""

import json
import os

import pytest
import torch
from PySide6.QtGui import Qt
from quick_children import program

from ganexplorer.core import zoo
from ganexplorer.core.foreign import guard
from ganexplorer.ui.files import recent
from ganexplorer.ui.files.models_panel import ModelsPanel
from ganexplorer.ui.files.recent import RecentMenu
from ganexplorer.ui.parts.tips import plain_tip


@pytest.mark.parametrize("text", ["/a/<img src='/etc/x'>.pt", "<b>x</b>", "a & <i>b"])
def test_a_tooltip_shows_what_looks_like_html_as_it_is(text):
    assert "<img" not in plain_tip(text)
    assert "<b>" not in plain_tip(text)
    assert Qt.mightBeRichText(plain_tip(text))  # so that what was escaped is shown as it was


@pytest.mark.parametrize("text", ["/a/model.pt", "a < b", "生成器 & co"])
def test_another_tooltip_stays_as_it_is(text):
    assert plain_tip(text) == text


def test_the_name_of_a_file_is_no_html_in_lists(qtbot, tmp_path, home):
    path = tmp_path / "<img src=x>.pt"
    torch.save({"0.weight": torch.ones(9, 5), "2.weight": torch.ones(16, 9)}, path)
    panel = ModelsPanel()
    qtbot.addWidget(panel)
    panel.show_entries([zoo.ModelEntry("<img>", path)])
    recent.remember(path)
    menu = RecentMenu(panel)
    for tip in (panel.list.item(0).toolTip(), menu.actions()[0].toolTip()):
        assert "&lt;img src=x&gt;" in tip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_list_of_recent_files_that_is_a_pipe_or_a_device_is_empty(tmp_path):
    os.mkfifo(recent.recent_file())
    assert recent.read() == []
    recent.remember(tmp_path / "m.pt")
    assert recent.read() == [tmp_path / "m.pt"]
    recent.recent_file().unlink()
    recent.recent_file().symlink_to("/dev/zero")
    assert recent.read() == []


@pytest.mark.parametrize("name", ["\ud800", "x" * 5000, "a\0b", "", 3])
def test_what_can_be_no_path_is_not_in_the_list_of_recent_files(name, tmp_path):
    recent.recent_file().write_text(json.dumps([name, str(tmp_path)]))
    assert recent.read() == [tmp_path]


def test_a_strangers_file_among_the_models_is_not_read_by_the_thread_of_the_window(qtbot, tmp_path, monkeypatch):
    path = tmp_path / "generator.safetensors"
    torch.save({"0.weight": torch.ones(9, 5), "2.weight": torch.ones(16, 9)}, path)
    panel = ModelsPanel()
    qtbot.addWidget(panel)
    entry = zoo.ModelEntry("odd", path)
    monkeypatch.setattr(guard, "read", None)
    panel.show_entries([entry])
    assert panel.list.item(0).text() == "odd\nnot by ganexplorer"
    monkeypatch.undo()
    entry.load()
    panel.add(entry)
    assert panel.list.item(0).text() == "odd\nz 5, 4x4, MLP"


def test_a_screenshot_of_a_file_that_is_refused_shows_why_and_fails(tmp_path):
    (tmp_path / "x.pt").write_bytes(b"")
    words = ["gui", "--model", str(tmp_path / "x.pt"), "--screenshot", str(tmp_path / "window.png")]
    result = program(tmp_path, *words)
    assert result.returncode == 2
    assert result.stderr.endswith(f"ganexplorer: {tmp_path / 'x.pt'}: is empty. Copy or download it again.\n")
    assert (tmp_path / "window.png").exists()
