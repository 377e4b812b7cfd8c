"""Gestures, players, sessions and trainings that get in each other's way."""

import json
import math
import threading
import time

import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog
from small_models import make_discriminator, make_generator

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint, fingerprint
from ganexplorer.core.judge import Judge
from ganexplorer.core.latent import Prior
from ganexplorer.core.media import Origin, save_png
from ganexplorer.core.render import Renderer
from ganexplorer.core.session import load_session
from ganexplorer.ui.editing.document import Subject
from ganexplorer.ui.picture.axes import AxisChoice
from ganexplorer.ui.training import exploring
from ganexplorer.ui.work.studio import Sight

LEFT = Qt.MouseButton.LeftButton


def show(shot, generator, step=None, name="other", discriminator=None):
    """Put a generator on show, as the window itself does."""
    sight = Sight(Renderer(generator), None if discriminator is None else Judge(discriminator), fingerprint(generator))
    shot.window._show_subject(Subject(name, generator.spec, step), sight)


def still_generator(value, **of):
    """A generator whose every picture is of one value."""
    generator = make_generator(**of)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.fill_(value)
    return generator


def dock(window, title):
    return next(dock for dock in window.panels.docks if dock.windowTitle() == title)


def keep_a_path(document):
    document.random()
    document.keep_as_a()
    document.random()
    document.keep_as_b()


# -- the morph ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, math.nan])
def test_equal_steps_of_a_picture_that_never_changes_are_those_of_t(shot, qtbot, value):
    window, document = shot.window, shot.document
    keep_a_path(document)
    document.set_morph(even=True)
    study = window.morph._study
    for _ in range(2):  # once more, with what was measured of the model before
        show(shot, still_generator(value))
        qtbot.waitUntil(lambda: study._paced is not None and study._paced[1] is shot.window.studio.sight)
    assert document.path.pace is None
    assert window.morph.even.text() == "Even"
    assert not window.notices.text.startswith("ValueError")


def test_undoing_the_path_while_the_slider_is_held_ends_the_gesture(shot, qtbot):
    document, slider = shot.document, shot.window.morph.slider
    keep_a_path(document)
    place = slider.rect().center()
    qtbot.mousePress(slider, LEFT, pos=place)
    while document.path is not None:
        document.undo()
    qtbot.mouseRelease(slider, LEFT, pos=place)
    z = document.z
    document.keep_as_a()
    document.set_z(z + 1)
    document.undo()  # each is a step of its own
    assert torch.equal(document.z, z)
    assert document.a is z


@pytest.mark.qt_log_ignore("does not support", extend=True)  # of windows that float
@pytest.mark.parametrize("is_floating", [True, False])
def test_the_keys_of_the_morph_work_while_its_panel_is_away(shot, qtbot, is_floating):
    window = shot.window
    if is_floating:
        dock(window, "Morph").setFloating(True)
    else:
        dock(window, "Morph").close()
    window.activateWindow()
    window.canvas.setFocus()
    qtbot.keyClick(window.canvas, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: shot.document.a is not None)
    qtbot.keyClick(window.canvas, Qt.Key.Key_K)
    assert shot.document.state.middle
    dock(window, "Morph").setFloating(False)


# -- the picture -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", [Prior.normal(), Prior.uniform(0.0, 1.0), Prior.constant(2.0)])
def test_the_map_of_one_dimension_is_a_line_on_either_axis(shot, qtbot, prior):
    tool = shot.window.move_tool
    tool.show_map(True)
    show(shot, make_generator(z_dim=1, prior=prior))
    for _ in range(2):
        tool.chooser.choose(0, AxisChoice("dimension", 0))
        shot.window.canvas.grab()
        tool.chooser.swap()
        tool.axes = tool.axes[:1]
        shot.window.canvas.grab()
    tool.chooser.pair = (None, tool.axes[0])  # nothing to the right
    tool.chooser.changed.emit()
    shot.window.canvas.grab()
    assert tool.map.plane.outline() is None


def test_z_never_overflows(shot):
    document = shot.document
    far = torch.full_like(document.z, 3e38)
    document.leap(far)
    document.scale(2.0)
    document.set_z(far * 10)
    document.leap(far * math.nan)
    document.set_truncation(1.5)
    document.set_truncation(0.5)
    document.keep_as_a()
    assert document.z.isfinite().all()
    document.random()
    document.keep_as_b()
    assert document.path is not None
    for t in (-0.5, 0.3, 0.7, 1.5):
        document.set_t(t)
        assert document.z.isfinite().all()


def test_a_verdict_of_the_last_discriminator_is_not_shown_for_the_next(shot):
    window, generator = shot.window, make_generator(seed=3)
    show(shot, generator, discriminator=make_discriminator(generator.spec))
    shot.qtbot.waitUntil(lambda: "%" in window.panels.verdict.text)
    late = window.stamp
    show(shot, generator, discriminator=make_discriminator(generator.spec))
    window.panels.verdict.show_verdict(late, 0.123456)
    assert window.panels.verdict._verdict is None
    shot.qtbot.waitUntil(lambda: window.panels.verdict._verdict is not None)


# -- sessions and trainings --------------------------------------------------------------------------------


def test_the_session_of_a_training_names_its_run_and_not_the_file_that_was_open(shot, qtbot, monkeypatch, tmp_path):
    window, document = shot.window, shot.document
    run, generator = tmp_path / "runs" / "mine", make_generator(seed=6, z_dim=10)
    (run / "snapshots").mkdir(parents=True)
    window.exploring._run = run
    show(shot, generator, 500, "mine")
    document.random()
    z, path = document.z, tmp_path / "s.ganexplorer"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    window.commands.save_session.trigger()
    qtbot.waitUntil(path.exists, timeout=10_000)
    session = load_session(path)
    assert (session.model, session.name) == (str(run), "mine")
    assert session.fingerprint == fingerprint(generator)
    Checkpoint(make_generator(seed=7, z_dim=10)).save(run / "snapshots" / "00000600.safetensors")  # trained on
    window.exploring.show_file()
    window.open(str(path))
    qtbot.waitUntil(lambda: "other weights" in window.notices.text, timeout=10_000)
    assert document.subject.name == "mine"
    assert torch.equal(document.z, z)


def test_a_file_is_saved_while_the_weights_of_a_training_come_faster_than_they_are_shown(
    shot, qtbot, monkeypatch, tmp_path
):
    window = shot.window
    pending = threading.Semaphore(0)

    def slow(*_):
        pending.release()
        time.sleep(0.05)
        return window.studio.sight

    class Began:
        run = tmp_path / "run"
        generator = make_generator().spec.to_json()

    class At:
        step = 1

    monkeypatch.setattr(exploring, "live_sight", slow)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "a.png"), ""))
    window.exploring._on_live_weights(Began, At)
    for round in range(20):
        assert pending.acquire(timeout=10)  # one is in hand
        if round == 1:
            window.save_picture()
        window.exploring._on_live_weights(Began, At)  # the next waits already
    assert (tmp_path / "a.png").exists()


def test_a_picture_whose_model_could_not_be_opened_does_not_come_back_later(shot, qtbot, tmp_path):
    window = shot.window
    entry = zoo.save_model(tmp_path / "models" / "other", Checkpoint(make_generator(seed=5)))
    good = entry.path.read_bytes()
    window.models.add(entry)
    picture = tmp_path / "a.png"
    still = Renderer(make_generator(seed=5)).render(torch.ones(1, 64))[0]
    save_png(picture, still, Origin("other", torch.ones(1, 64)))
    entry.path.write_bytes(b"broken")
    window.open_file(str(picture))
    qtbot.waitUntil(lambda: "other" in window.notices.text, timeout=10_000)
    entry.path.write_bytes(good)
    z = shot.document.z
    window.open_entry(zoo.ModelEntry(entry.name, entry.path))
    qtbot.waitUntil(lambda: shot.document.subject.name == "other", timeout=10_000)
    assert torch.equal(shot.document.z, z)


def test_a_session_that_cannot_be_written_says_why_in_a_sentence(shot, qtbot, monkeypatch, tmp_path):
    goal = tmp_path / "no such folder" / "s.ganexplorer"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(goal), ""))
    shot.window.commands.save_session.trigger()
    qtbot.waitUntil(lambda: "not written (No such file or directory)" in shot.window.notices.text, timeout=10_000)


def test_a_session_with_a_huge_history_keeps_the_newest_steps(shot, qtbot, tmp_path):
    window, path = shot.window, tmp_path / "s.ganexplorer"
    window.sessions.save(path, window.sessions.session(window.exploring.entry))
    qtbot.waitUntil(path.exists, timeout=10_000)
    data = json.loads(path.read_text())
    steps = [{"number": i, "parent": i - 1 if i else None, "z": data["z"]} for i in range(3000)]
    path.write_text(json.dumps(data | {"history": steps, "node": 2999}))
    window.open(str(path))
    qtbot.waitUntil(lambda: 2999 in shot.document.history, timeout=10_000)
    assert len(shot.document.history) == 500
    shot.document.random()
    assert shot.document.history[3000].parent == 2999
    window.panels.memory.grab()


# -- closing -----------------------------------------------------------------------------------------------


def test_a_window_that_plays_drags_compares_and_searches_can_be_closed(shot, qtbot):
    window, document = shot.window, shot.document
    keep_a_path(document)
    window.commands.compare.trigger()
    window.morph.play.click()
    qtbot.mousePress(window.canvas, LEFT, pos=QPoint(200, 200))
    qtbot.mouseMove(window.canvas, QPoint(230, 210))
    window.move_tool.chooser.choose(0, AxisChoice("local", 0))
    for action in window.panels.directions.menu.actions():
        action.trigger()
    window.close()
    document.random()  # what still comes in meets no thread
    show(shot, make_generator(seed=2, z_dim=3))
    qtbot.wait(50)
