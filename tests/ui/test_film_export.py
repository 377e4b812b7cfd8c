"""Films from the morph panel: the same bytes as the command line writes, progress, cancelling, words."""

import dataclasses
import importlib.util
import shlex
import threading

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog
from small_models import make_discriminator, make_generator

from ganexplorer import cli
from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint, fingerprint
from ganexplorer.core.errors import UserError
from ganexplorer.core.judge import Judge
from ganexplorer.core.latent import Prior
from ganexplorer.core.media import load_latents, read_origin
from ganexplorer.core.paths import LatentPath
from ganexplorer.core.render import Renderer
from ganexplorer.ui import theme
from ganexplorer.ui.morph import film_writing
from ganexplorer.ui.morph.film_writing import Cancelled, Film, fitted_path, keys_path, model_argument, write
from ganexplorer.ui.morph.morph_panel import MorphPanel
from ganexplorer.ui.work.studio import Sight

LEFT = Qt.MouseButton.LeftButton
HAS_VIDEO = importlib.util.find_spec("imageio_ffmpeg") is not None
KINDS = [
    "GIF",
    "PNG, one sheet",
    "PNG, one a frame",
    pytest.param("MP4", marks=pytest.mark.skipif(not HAS_VIDEO, reason="needs imageio-ffmpeg")),
]


@pytest.fixture
def panel(bench, qtbot, model_path, generator):
    """A panel on a model that lies in a folder, with three keys."""
    entry = zoo.resolve(str(model_path))
    judge = Judge(make_discriminator(generator.spec))
    sight = Sight(Renderer(entry.load().generator), judge, fingerprint(entry.load().generator))
    bench.studio.use(sight)
    panel = MorphPanel(bench.document, bench.studio, theme.DARK)
    panel.set_source(entry, sight)
    qtbot.addWidget(panel)
    keys = Prior.normal().sample(3, 64, torch.Generator().manual_seed(3))
    bench.document.set_keys(keys[0], (keys[1],), keys[2])
    panel.show()
    yield panel
    panel.stop()
    bench.studio.stop()
    qtbot.wait(1)  # what its threads had found is on its way


def opened(panel, qtbot, out, kind="GIF", frames=6):
    """The dialog as a person fills it in."""
    qtbot.mouseClick(panel.export, LEFT)
    dialog = panel._dialog
    dialog.kind.setCurrentText(kind)
    dialog.frames.setValue(frames)
    dialog.file.setText(str(out))
    dialog.file.editingFinished.emit()
    qtbot.waitUntil(dialog.copy.isEnabled, timeout=10_000)
    return dialog


def written(panel, dialog, qtbot):
    """Press Write; returns the notice."""
    with qtbot.waitSignal(panel.notice, timeout=20_000) as notice:
        qtbot.mouseClick(dialog.go, LEFT)
    return notice.args[0]


def in_terminal(dialog, folder):
    """Run the command that the dialog shows, writing to another folder."""
    words = shlex.split(dialog.command.toPlainText())
    assert words[:2] == ["ganexplorer", "interpolate"]
    assert words[-2] == "-o"
    folder.mkdir()
    words[-1] = str(folder / words[-1].rpartition("/")[2])
    assert cli.main(words[1:]) == 0
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "morph",
    [
        {},
        {"mode": "lerp", "spline": True, "reach": 0.25},
        {"mode": "box", "loop": True, "ping_pong": False, "even": True},
    ],
)
def test_a_film_is_byte_for_byte_that_of_the_command_line(panel, bench, qtbot, tmp_path, kind, morph):
    bench.document.set_morph(**morph)
    folder = tmp_path / "window"
    folder.mkdir()
    dialog = opened(panel, qtbot, folder / "morph", kind)
    notice = written(panel, dialog, qtbot)
    assert str(folder / "morph") in notice
    films = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".npy"}
    count = 6 if morph.get("loop") else 10
    assert len(films) == (count if kind == "PNG, one a frame" else 1)
    assert f"{count} frames" in notice
    assert torch.equal(load_latents(folder / "morph-keys.npy", 64), torch.stack(bench.document.keys))
    assert in_terminal(dialog, tmp_path / "terminal") == films
    assert not dialog.isVisible()


def test_the_pictures_are_those_of_the_path(panel, bench, qtbot, tmp_path, generator):
    bench.document.set_morph(ping_pong=False)
    dialog = opened(panel, qtbot, tmp_path / "sheet", "PNG, one sheet", 5)
    written(panel, dialog, qtbot)
    origin = read_origin(tmp_path / "sheet.png")
    path = LatentPath(bench.document.keys, "slerp", Prior.normal())
    assert torch.equal(origin.z, path.at(torch.tensor([0, 0.25, 0.5, 0.75, 1], dtype=torch.float64)))
    assert origin.model == "small"
    assert origin.fingerprint == fingerprint(generator)


def test_the_dialog_begins_with_the_settings_of_play(panel, bench, qtbot):
    bench.document.set_morph(seconds=4.0, reach=0.5)
    qtbot.mouseClick(panel.export, LEFT)
    dialog = panel._dialog
    assert dialog.frames.value() == 4 * 2 * 30
    assert dialog.ping_pong.isChecked()
    assert dialog.length.text() == "478 in all, 15.9 s"
    bench.document.set_morph(loop=True)
    assert not dialog.ping_pong.isEnabled()
    assert dialog.film().ping_pong is False
    assert dialog.film().reach == 0
    dialog.kind.setCurrentText("PNG, one sheet")
    assert not dialog.fps.isEnabled()
    dialog.reject()
    qtbot.mouseClick(panel.export, LEFT)
    assert not dialog.ping_pong.isChecked()
    assert dialog.frames.value() == 4 * 30


def test_the_command_is_shown_and_copied(panel, bench, qtbot, tmp_path, model_path):
    bench.document.set_morph(mode="box", spline=True, reach=0.25)
    dialog = opened(panel, qtbot, tmp_path / "my film.gif")
    qtbot.mouseClick(dialog.copy, LEFT)
    assert shlex.split(QGuiApplication.clipboard().text()) == [
        "ganexplorer", "interpolate", str(model_path), "--z", str(tmp_path / "my film-keys.npy"), "--mode", "box",
        "--spline", "--ping-pong", "--extrapolate", "0.25", "--frames", "6", "--fps", "30",
        "-o", str(tmp_path / "my film.gif"),
    ]  # fmt: skip


def test_a_generator_in_training_has_no_command_but_a_film(panel, bench, qtbot, tmp_path):
    generator = make_generator(seed=4)
    bench.studio.use(Sight(Renderer(generator), None, fingerprint(generator)))
    bench.document.show(dataclasses.replace(bench.subject, name="run", step=100))
    qtbot.mouseClick(panel.export, LEFT)
    dialog = panel._dialog
    assert not dialog.copy.isEnabled()
    assert "no file yet" in dialog.command.toPlainText()
    dialog.kind.setCurrentText("PNG, one sheet")
    dialog.frames.setValue(4)
    dialog.file.setText(str(tmp_path / "live"))
    assert str(tmp_path / "live.png") in written(panel, dialog, qtbot)
    assert read_origin(tmp_path / "live.png").fingerprint == fingerprint(generator)


def test_keys_are_left_out_where_they_are_not_wanted(panel, qtbot, tmp_path):
    dialog = opened(panel, qtbot, tmp_path / "film.gif")
    dialog.with_keys.setChecked(False)
    written(panel, dialog, qtbot)
    assert [path.name for path in tmp_path.glob("film*")] == ["film.gif"]


def test_a_file_that_is_there_is_replaced_only_when_asked_twice(panel, qtbot, tmp_path):
    out = tmp_path / "film.gif"
    out.write_bytes(b"precious")
    dialog = opened(panel, qtbot, out)
    qtbot.mouseClick(dialog.go, LEFT)
    assert not dialog.is_running
    assert "film.gif is there already" in dialog.words.text()
    assert dialog.go.text() == "Replace"
    dialog.file.setText(str(tmp_path / "other.gif"))
    assert dialog.go.text() == "Write"
    dialog.file.setText(str(out))
    qtbot.mouseClick(dialog.go, LEFT)
    assert out.read_bytes() == b"precious"
    written(panel, dialog, qtbot)
    assert out.read_bytes().startswith(b"GIF89a")


def test_a_chosen_name_gets_the_right_ending(panel, qtbot, tmp_path, monkeypatch):
    dialog = opened(panel, qtbot, tmp_path / "a.gif", "PNG, one a frame")
    assert dialog.file.text() == str(tmp_path / "a-%04d.png")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(tmp_path / "b"), ""))
    qtbot.mouseClick(dialog.choose, LEFT)
    assert dialog.file.text() == str(tmp_path / "b-%04d.png")
    dialog.kind.setCurrentText("MP4")
    assert dialog.file.text() == str(tmp_path / "b.mp4")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: ("", ""))
    qtbot.mouseClick(dialog.choose, LEFT)
    assert dialog.file.text() == str(tmp_path / "b.mp4")


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("a", "GIF", "a.gif"),
        ("a.GIF", "GIF", "a.gif"),
        ("a.b", "MP4", "a.b.mp4"),
        ("a.png", "PNG, one a frame", "a-%04d.png"),
        ("a%d.png", "PNG, one a frame", "a%d.png"),
        ("a-%04d.png", "PNG, one sheet", "a.png"),
        ("", "GIF", "morph.gif"),
        (".", "GIF", "morph.gif"),
        ("~nobody-is-called-so/a", "GIF", "a.gif"),
    ],
)
def test_names_of_films(text, kind, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = fitted_path(text, kind)
    assert path.name == name
    assert path.is_absolute()
    assert fitted_path(str(path), kind) == path
    assert "%" not in keys_path(path).name or "%d" in name


def test_what_cannot_be_written_is_told_in_words(panel, qtbot, tmp_path):
    dialog = opened(panel, qtbot, tmp_path / "nowhere" / "film.gif")
    qtbot.mouseClick(dialog.go, LEFT)
    qtbot.waitUntil(lambda: not dialog.is_running, timeout=10_000)
    assert dialog.isVisible()
    assert "its folder does not exist" in dialog.words.text()
    dialog.file.setText(str(tmp_path / "film.gif"))
    written(panel, dialog, qtbot)


def test_what_goes_wrong_unforeseen_is_told_too(panel, bench, qtbot, tmp_path, monkeypatch):
    dialog = opened(panel, qtbot, tmp_path / "film.gif")

    def fail(z):
        raise MemoryError("no room")

    monkeypatch.setattr(bench.studio.sight.renderer, "stills", fail)
    qtbot.mouseClick(dialog.go, LEFT)
    qtbot.waitUntil(lambda: not dialog.is_running, timeout=10_000)
    assert "MemoryError: no room" in dialog.words.text()
    assert not list(tmp_path.glob("*film*"))


@pytest.fixture
def slow(panel, bench, monkeypatch):
    """A renderer that stops after three pictures until it is let go on; returns what it waits for."""
    gate, renderer = threading.Event(), bench.studio.sight.renderer
    stills = renderer.stills

    def slowly(z):
        for number, picture in enumerate(stills(z)):
            if number == 3:
                gate.wait(10)
            yield picture

    monkeypatch.setattr(renderer, "stills", slowly)
    yield gate
    gate.set()


@pytest.mark.parametrize("kind", KINDS)
def test_cancel_leaves_no_file(panel, qtbot, tmp_path, slow, kind):
    folder = tmp_path / "films"
    folder.mkdir()
    dialog = opened(panel, qtbot, folder / "film", kind, 50)
    qtbot.mouseClick(dialog.go, LEFT)
    assert dialog.is_running
    assert not dialog.frames.isEnabled()
    qtbot.waitUntil(lambda: dialog.progress.value() > 0, timeout=10_000)
    assert dialog.progress.maximum() == 98
    qtbot.mouseClick(dialog.cancel, LEFT)
    slow.set()
    qtbot.waitUntil(lambda: not dialog.is_running, timeout=10_000)
    assert list(folder.iterdir()) == []
    assert "nothing was written" in dialog.words.text()
    assert dialog.frames.isEnabled()


def test_equal_steps_can_be_cancelled_while_they_are_measured(panel, bench, tmp_path):
    is_cancelled = threading.Event()
    calls = []

    class Watched(Renderer):
        def images(self, z):
            calls.append(len(z))
            is_cancelled.set()
            return super().images(z)

    film = Film(
        LatentPath(bench.document.keys, "slerp", Prior.normal()), Watched(make_generator()), "small", "",
        tmp_path / "film.gif", even=True,
    )  # fmt: skip
    with pytest.raises(Cancelled):
        write(film, lambda done, total: None, is_cancelled)
    assert len(calls) == 1
    assert not list(tmp_path.glob("film*"))


def test_the_window_that_closes_cancels_the_film_and_waits(panel, qtbot, tmp_path, slow):
    folder = tmp_path / "films"
    folder.mkdir()
    dialog = opened(panel, qtbot, folder / "film.gif", frames=50)
    qtbot.mouseClick(dialog.go, LEFT)
    qtbot.waitUntil(lambda: dialog.progress.value() > 0, timeout=10_000)
    threading.Timer(0.2, slow.set).start()
    panel.stop()
    assert not dialog.is_running
    assert not dialog.isVisible()
    assert list(folder.iterdir()) == []
    qtbot.wait(20)  # the end of the thread is news to nobody


def test_escape_in_mid_film_cancels_it(panel, qtbot, tmp_path, slow):
    folder = tmp_path / "films"
    folder.mkdir()
    dialog = opened(panel, qtbot, folder / "film.gif", frames=50)
    qtbot.mouseClick(dialog.go, LEFT)
    qtbot.waitUntil(lambda: dialog.progress.value() > 0, timeout=10_000)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    slow.set()
    qtbot.waitUntil(lambda: not dialog.is_running, timeout=10_000)
    assert not dialog.isVisible()
    assert list(folder.iterdir()) == []


def test_the_film_is_of_the_moment_that_write_was_pressed(panel, bench, qtbot, tmp_path, slow):
    dialog = opened(panel, qtbot, tmp_path / "film.png", "PNG, one sheet", 6)
    keys = torch.stack(bench.document.keys)
    qtbot.mouseClick(dialog.go, LEFT)
    bench.document.random()
    bench.document.keep_as_a()
    with qtbot.waitSignal(panel.notice, timeout=10_000):
        slow.set()
    assert torch.equal(read_origin(tmp_path / "film.png").z[0], keys[0])
    assert np.array_equal(load_latents(tmp_path / "film-keys.npy", 64), keys)


def test_without_a_path_there_is_nothing_to_write(panel, bench, qtbot, tmp_path):
    dialog = opened(panel, qtbot, tmp_path / "film.gif")
    bench.document.set_keys(None, (), bench.document.b)
    assert not dialog.go.isEnabled()
    assert "keep two samples" in dialog.words.text()
    bench.document.undo()
    assert dialog.go.isEnabled()
    assert dialog.words.text() == ""


def test_model_on_the_command_line(tmp_path, generator, home):
    named = zoo.save_model(home / "models" / "mine", Checkpoint(generator))
    folder = zoo.save_model(tmp_path / "models" / "there", Checkpoint(generator))
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(named.path.read_bytes())
    for entry in (named, folder, zoo.ModelEntry("copy", copy)):
        found = zoo.resolve(model_argument(entry))
        assert (found.name, found.path) == (entry.name, entry.path)
    assert model_argument(folder) == str(folder.path.parent)
    assert model_argument(zoo.ModelEntry("copy", copy)) == str(copy)


def test_a_thread_tells_of_progress_now_and_then(panel, bench, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(film_writing, "PROGRESS_SECONDS", 60.0)
    path = LatentPath(bench.document.keys, "slerp", Prior.normal())
    film = Film(path, bench.studio.sight.renderer, "small", "", tmp_path / "film.gif", frames=30)
    thread, told = film_writing.FilmThread(film), []
    thread.progressed.connect(lambda done, total: told.append((done, total)))
    thread.start()
    qtbot.waitUntil(lambda: thread.isFinished() and len(told) == 2, timeout=10_000)
    assert told == [(1, 30), (30, 30)]
    assert thread.error is None


def test_more_frames_than_a_film_can_have_are_refused_in_words(bench, tmp_path):
    path = LatentPath((torch.zeros(64), torch.ones(64)), "lerp", Prior.normal())
    film = Film(path, Renderer(make_generator()), "small", "", tmp_path / "film.gif", frames=1)
    with pytest.raises(UserError, match="at least 2"):
        write(film, lambda done, total: None, threading.Event())


def test_keys_of_another_film_are_replaced_only_when_asked_twice(panel, qtbot, tmp_path):
    keys = tmp_path / "film-keys.npy"
    keys.write_bytes(b"of film.mp4")
    dialog = opened(panel, qtbot, tmp_path / "film.gif")
    qtbot.mouseClick(dialog.go, LEFT)
    assert "film-keys.npy is there already" in dialog.words.text()
    assert keys.read_bytes() == b"of film.mp4"
    written(panel, dialog, qtbot)
    assert keys.read_bytes() != b"of film.mp4"
