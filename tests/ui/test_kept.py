"""What a window leaves for the next one: place, panels, theme, session."""

import json
import os
import re

import pytest
import torch
from PySide6.QtCore import QByteArray, QRect, QSize, Qt
from PySide6.QtWidgets import QDockWidget, QWidget
from small_models import make_generator

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.session import SUFFIX, last_session, load_session, save_session
from ganexplorer.ui import kept, theme
from ganexplorer.ui.files import recent
from ganexplorer.ui.main_window import MainWindow
from ganexplorer.ui.opening_window import OpeningWindow


@pytest.fixture
def start(qtbot, model_path, tmp_path):
    """Show a window that keeps; returns it once its first picture is there."""

    def show(model=model_path):
        window = MainWindow(theme.DARK, str(model), "cpu", tmp_path / "runs", keeps=True)
        qtbot.addWidget(window)
        with qtbot.waitSignal(window.first_image, timeout=20_000):
            window.show()
        return window

    return show


def dock(window, title):
    return window.findChild(QDockWidget, title)


def titled(window):
    """The panels whose title is shown, floating or docked."""
    return {panel.windowTitle() for panel in window.panels.docks if panel.titleBarWidget() is None}


def is_near(place, was):
    """Whether a panel is where it was and as large, within 20 pixels."""
    return max(abs(a - b) for a, b in zip(place.getRect(), was.getRect(), strict=True)) < 20


@pytest.mark.qt_log_ignore("does not support raise", extend=True)
def test_a_window_begins_with_the_panels_as_the_last_one_left_them(start, window):
    first = start()
    dock(first, "Models").close()
    dock(first, "Train").setFloating(True)
    first.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock(first, "Memory"))
    first.close()
    second = start()
    assert dock(second, "Models").isHidden()
    assert dock(second, "Train").isFloating()
    assert second.dockWidgetArea(dock(second, "Memory")) == Qt.DockWidgetArea.RightDockWidgetArea
    assert not dock(window, "Models").isHidden()  # one that is made for a picture, say, keeps nothing
    window.close()
    assert dock(start(), "Models").isHidden()


@pytest.mark.qt_log_ignore("does not support raise", extend=True)
def test_reset_panels_puts_all_back_in_a_window_of_the_same_size(start, qtbot):
    window = start()
    size, places = window.size(), {panel.windowTitle(): panel.geometry() for panel in window.panels.docks}
    titles = titled(window)
    assert titles == {"Models", "Train"}  # the others have tabs
    dock(window, "Models").close()
    dock(window, "Train").setFloating(True)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock(window, "Memory"))
    window.commands.reset_panels.trigger()
    qtbot.waitUntil(lambda: not dock(window, "Train").isFloating())
    assert window.size() == size
    assert titled(window) == titles
    for title in ("Models", "Latent", "Morph", "Train"):
        assert dock(window, title).isVisible()
        qtbot.waitUntil(lambda title=title: is_near(dock(window, title).geometry(), places[title]))
    assert {panel.windowTitle() for panel in window.tabifiedDockWidgets(dock(window, "Morph"))} == {
        "Gallery", "Basket", "Memory",
    }  # fmt: skip


def test_what_stands_there_first_has_the_place_of_the_last_window(qtbot):
    window, opening = QWidget(), OpeningWindow(theme.DARK, QSize(1280, 800))
    for widget in (window, opening):
        qtbot.addWidget(widget)
    window.setGeometry(40, 60, 640, 500)
    window.show()
    kept.keep_layout(window, QByteArray(b"panels"))
    kept.restore_geometry(opening)
    assert opening.geometry() == QRect(40, 60, 640, 500)
    assert kept.read_panels() == QByteArray(b"panels")


def test_at_first_there_is_nothing(qtbot):
    assert (kept.read_theme(), kept.read_panels().isEmpty(), last_session().exists()) == ("system", True, False)
    opening = OpeningWindow(theme.DARK, QSize(700, 500))
    qtbot.addWidget(opening)
    kept.restore_geometry(opening)
    assert opening.size() == QSize(700, 500)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\xff",
        b"[" * 100_000,
        b"[1, 2]",
        b'{"theme": ["dark"], "geometry": 7, "panels": null}',
        b'{"theme": "pink", "geometry": "AAAA", "panels": "AAAA", "check": 0}',
        b" " * (kept.MAX_BYTES + 1) + b"{}",
    ],
    ids=["empty", "binary", "deep", "list", "odd types", "unchecked", "too long"],
)
def test_a_damaged_file_is_as_if_it_were_absent(content):
    kept.kept_file().write_bytes(content)
    assert (kept.read_theme(), kept.read_panels().isEmpty()) == ("system", True)
    kept.keep_theme("light")
    assert kept.read_theme() == "light"


def test_of_a_layout_with_one_changed_letter_nothing_is_believed(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    kept.keep_theme("dark")
    kept.keep_layout(window, QByteArray(b"panels"))
    values = json.loads(kept.kept_file().read_text())
    assert not kept.read_panels().isEmpty()
    text = values["panels"]
    for place, letter in enumerate(text):
        values["panels"] = text[:place] + ("A" if letter != "A" else "B") + text[place + 1 :]
        kept.kept_file().write_text(json.dumps(values))
        assert kept.read_panels().isEmpty()
    assert kept.read_theme() == "dark"


def test_a_layout_of_another_qt_is_not_believed(qtbot, monkeypatch):
    window = QWidget()
    qtbot.addWidget(window)
    kept.keep_layout(window, QByteArray(b"panels"))
    monkeypatch.setattr(kept, "qVersion", lambda: "6.0.0")
    assert kept.read_panels().isEmpty()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_not_waited_for():
    os.mkfifo(kept.kept_file())
    assert kept.read_theme() == "system"


def test_a_folder_that_cannot_be_written_keeps_no_window_from_closing(start):
    kept.kept_file().mkdir()
    last_session().mkdir()
    window = start()
    window.document.random()
    window.close()
    assert not window.isVisible()
    assert list(last_session().iterdir()) == []


def test_the_theme_that_was_chosen_is_ticked(window):
    window.commands.show_theme("light")
    ticked = [action.data() for action in window.commands.themes.actions() if action.isChecked()]
    assert ticked == ["light"]


def test_the_last_session_is_kept_and_reopened(start, qtbot):
    first = start()
    first.document.random()
    first.panels.memory.bookmarks.bookmark()
    z, marks = first.document.z, first.document.state.bookmarks
    first.close()
    second = start()
    assert not torch.equal(second.document.z, z)
    second.commands.reopen_session.trigger()
    qtbot.waitUntil(lambda: torch.equal(second.document.z, z), timeout=20_000)
    assert [mark.name for mark in second.document.state.bookmarks] == [mark.name for mark in marks]
    assert len(second.document.history) == 2
    assert last_session() not in recent.read()  # it has a command of its own


def test_a_window_in_which_nothing_was_done_leaves_the_last_session_alone(start):
    window = start()
    window.document.random()
    window.close()
    before = last_session().read_bytes()
    start().close()
    assert last_session().read_bytes() == before


def test_what_a_reopened_session_replaces_is_kept_in_its_place(start, qtbot):
    first = start()
    first.document.random()
    old = first.document.z
    first.close()
    window = start()
    window.document.random()
    window.panels.memory.bookmarks.bookmark()
    new = window.document.z
    for z, marks in ((old, 0), (new, 1), (old, 0)):  # there and back again
        before = last_session().read_bytes()
        window.commands.reopen_session.trigger()
        qtbot.waitUntil(lambda z=z: torch.equal(window.document.z, z), timeout=20_000)
        qtbot.waitUntil(lambda before=before: last_session().read_bytes() != before, timeout=20_000)
        assert len(window.document.state.bookmarks) == marks


def test_a_session_that_is_opened_leaves_what_was_there_before_as_the_last_one(shot, qtbot, tmp_path):
    window = shot.window
    path = tmp_path / f"mine{SUFFIX}"
    save_session(path, window.sessions.session(window.exploring.entry))
    window.document.random()
    z = window.document.z
    window.open(str(path))
    qtbot.waitUntil(lambda: last_session().exists(), timeout=20_000)
    assert torch.equal(load_session(last_session()).state.z, z)
    assert "is kept" in window.notices.text


def test_a_session_that_cannot_be_gone_on_with_leaves_the_last_one_as_it_is(start, qtbot, model_path):
    window = start()
    window.document.random()
    window.close()
    before = last_session().read_bytes()
    Checkpoint(make_generator(z_dim=3)).save(model_path / "generator.safetensors")
    other = start()
    other.document.random()
    other.commands.reopen_session.trigger()
    qtbot.waitUntil(lambda: "another latent space" in other.notices.text, timeout=20_000)
    assert last_session().read_bytes() == before


@pytest.mark.parametrize(
    "touch",
    [
        lambda document: (document.random(), document.undo()),
        lambda document: document.set_morph(loop=True),
        lambda document: document.set_gallery(seed=3),
    ],
    ids=["undone", "morph", "gallery"],
)
def test_what_can_be_lost_is_worth_keeping(window, touch):
    assert window.sessions.worth_keeping(window.exploring.entry) is None
    touch(window.document)
    assert window.sessions.worth_keeping(window.exploring.entry) is not None


def test_no_two_commands_of_a_menu_have_one_letter(window):
    for title in window.menuBar().actions():
        letters = [re.search("&(.)", action.text()) for action in title.menu().actions() if "&" in action.text()]
        found = [letter.group(1).lower() for letter in letters]
        assert len(found) > 1
        assert len(set(found)) == len(found), title.text()


def test_where_no_session_was_kept_that_is_told(window):
    window.commands.reopen_session.trigger()
    assert "no last session yet" in window.notices.text
