"""Sessions and pictures that bring a state back."""

import json

import numpy as np
import pytest
import torch
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog
from small_models import make_generator

from ganexplorer import cli
from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.directions import Direction
from ganexplorer.core.state import Bookmark, Share
from ganexplorer.ui import theme
from ganexplorer.ui.main_window import MainWindow


def save(shot, monkeypatch, path, command):
    """Use a command of the menu that asks for a file."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    command.trigger()
    shot.qtbot.waitUntil(path.exists, timeout=10_000)


def drop(window, path):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    how = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(5, 5), *how))
    QApplication.sendEvent(window, QDropEvent(QPointF(5, 5), *how))


def fill(document):
    """Some of everything that a session keeps."""
    for _ in range(3):
        document.random()
    document.keep_as_a()
    document.undo()
    document.undo()
    document.random()
    document.keep_as_b()
    document.add_key()
    document.random()
    document.set_bookmarks([Bookmark("one", document.z)])
    document.set_directions([Direction.of("up", torch.arange(64.0))])
    document.set_stars([document.z])
    document.set_basket([Share(document.z, -2.0)])
    document.set_locks(frozenset({3}))
    document.set_morph(mode="lerp", spline=True)
    document.set_gallery(seed=7, truncation=0.5)
    document.set_truncation(0.75)


def test_a_saved_session_is_gone_on_with_in_another_window(shot, qtbot, monkeypatch, tmp_path):
    path = tmp_path / "mine.ganexplorer"
    fill(shot.document)
    save(shot, monkeypatch, path, shot.window.commands.save_session)
    other = MainWindow(theme.LIGHT, str(path), "cpu", tmp_path / "runs")
    qtbot.addWidget(other)
    with qtbot.waitSignal(other.first_image, timeout=20_000):
        other.show()
    here, there = shot.document, other.document
    assert torch.equal(here.z, there.z)
    assert here.state.node == there.state.node
    assert [(s.number, s.parent) for s in here.history] == [(s.number, s.parent) for s in there.history]
    assert all(torch.equal(a.z, b.z) for a, b in zip(here.history, there.history, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(here.keys, there.keys, strict=True))
    assert (here.morph, here.gallery, here.locked, here.truncation) == (
        there.morph,
        there.gallery,
        there.locked,
        there.truncation,
    )
    assert there.bookmarks[0].name == "one"
    assert there.directions[0].name == "up"
    assert torch.equal(there.stars[0], here.stars[0])
    assert there.basket[0].weight == -2.0
    assert not there.can_undo
    there.random()
    there.undo()
    assert torch.equal(here.z, there.z)


def test_window_and_command_line_make_the_same_bytes_of_a_session(shot, monkeypatch, tmp_path):
    fill(shot.document)
    session, picture, out = tmp_path / "s.ganexplorer", tmp_path / "a.png", tmp_path / "b.png"
    save(shot, monkeypatch, session, shot.window.commands.save_session)
    save(shot, monkeypatch, picture, shot.window.commands.save_picture)
    assert cli.main(["sample", "--session", str(session), "-o", str(out)]) == 0
    shot.qtbot.waitUntil(lambda: picture.stat().st_size > 0)
    assert picture.read_bytes() == out.read_bytes()


def test_a_name_without_the_suffix_gets_it(shot, monkeypatch, tmp_path):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "v1.2"), ""))
    shot.window.commands.save_session.trigger()
    shot.qtbot.waitUntil((tmp_path / "v1.2.ganexplorer").exists, timeout=10_000)
    shot.qtbot.waitUntil(lambda: "v1.2.ganexplorer" in shot.window.notices.text, timeout=10_000)


def test_a_session_whose_model_has_other_weights_says_so(shot, monkeypatch, tmp_path, model_path):
    path = tmp_path / "s.ganexplorer"
    shot.document.random()
    z = shot.document.z
    save(shot, monkeypatch, path, shot.window.commands.save_session)
    zoo.save_model(model_path, Checkpoint(make_generator(seed=4)))
    shot.document.random()
    shot.window.open(str(path))
    shot.qtbot.waitUntil(lambda: "other weights" in shot.window.notices.text, timeout=10_000)
    assert torch.equal(shot.document.z, z)


def test_a_session_whose_model_is_of_another_space_is_refused_and_nothing_is_lost(
    shot, monkeypatch, tmp_path, model_path
):
    path = tmp_path / "s.ganexplorer"
    save(shot, monkeypatch, path, shot.window.commands.save_session)
    zoo.save_model(model_path, Checkpoint(make_generator(z_dim=10)))
    shot.window.open(str(path))
    shot.qtbot.waitUntil(lambda: "another latent space" in shot.window.notices.text, timeout=10_000)
    assert len(shot.document.z) == 10


@pytest.mark.parametrize("text", ["", "{}", '{"format": "ganexplorer-session-1"}'])
def test_a_damaged_session_leaves_everything_as_it_is(shot, tmp_path, text):
    path = tmp_path / "bad.ganexplorer"
    path.write_text(text)
    fill(shot.document)
    state = shot.document.state
    shot.window.open(str(path))
    shot.qtbot.waitUntil(lambda: "bad.ganexplorer" in shot.window.notices.text, timeout=10_000)
    assert shot.document.state is state


def test_a_session_without_its_model_says_where_to_put_it(shot, monkeypatch, tmp_path):
    path = tmp_path / "s.ganexplorer"
    save(shot, monkeypatch, path, shot.window.commands.save_session)
    data = json.loads(path.read_text())
    data["model"] = "/nowhere/gone"
    path.write_text(json.dumps(data))
    shot.window.open(str(path))
    shot.qtbot.waitUntil(lambda: "/nowhere/gone is gone" in shot.window.notices.text, timeout=10_000)


# -- pictures ----------------------------------------------------------------------------------------------


def test_a_dropped_picture_brings_its_latent_back(shot, generator, monkeypatch, tmp_path):
    shot.document.random()
    z, path = shot.document.z, tmp_path / "p.png"
    save(shot, monkeypatch, path, shot.window.commands.save_picture)
    shot.document.random()
    drop(shot.window, path)
    assert torch.equal(shot.document.z, z)
    assert "p.png" in shot.window.notices.text
    assert np.array_equal(shot.settled(), shot.expected(generator))
    shot.document.undo()
    assert not torch.equal(shot.document.z, z)


def test_a_picture_opens_the_model_that_it_was_made_by(shot, monkeypatch, tmp_path):
    path = tmp_path / "p.png"
    shot.document.random()
    z = shot.document.z
    save(shot, monkeypatch, path, shot.window.commands.save_picture)
    other = zoo.save_model(tmp_path / "models" / "other", Checkpoint(make_generator(seed=5)))
    shot.window.open_entry(other)
    shot.qtbot.waitUntil(lambda: shot.document.subject.name == "other", timeout=10_000)
    shot.document.random()
    drop(shot.window, path)
    shot.qtbot.waitUntil(lambda: shot.document.subject.name == "small", timeout=10_000)
    shot.qtbot.waitUntil(lambda: torch.equal(shot.document.z, z), timeout=10_000)


def test_a_sheet_leads_to_its_first_sample(shot, model_path, tmp_path):
    path = tmp_path / "sheet.png"
    assert cli.main(["sample", str(model_path), "-n", "4", "--seed", "3", "-o", str(path)]) == 0
    drop(shot.window, path)
    assert torch.equal(shot.document.z, shot.document.prior.sample(1, 64, torch.Generator().manual_seed(3))[0])
    assert "4 samples" in shot.window.notices.text


def test_a_picture_of_an_unknown_model_and_one_of_no_model_are_told(shot, model_path, tmp_path):
    from PIL import Image

    z = shot.document.z
    strange = tmp_path / "strange.png"
    zoo.save_model(tmp_path / "unknown", Checkpoint(make_generator(seed=9)))
    assert cli.main(["sample", str(tmp_path / "unknown"), "-n", "1", "-o", str(strange)]) == 0
    drop(shot.window, strange)
    assert "unknown, which is not at hand" in shot.window.notices.text
    plain = tmp_path / "plain.png"
    Image.new("L", (4, 4)).save(plain)
    drop(shot.window, plain)
    assert "does not say which latent" in shot.window.notices.text
    assert shot.document.z is z
