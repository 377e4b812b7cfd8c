"""Menus, recent files, drops, and files that change on disk while their model is open."""

import json
import os
import shutil
import threading

import numpy as np
import pytest
import torch
from PySide6.QtCore import QMimeData, QObject, QPoint, QPointF, Qt, QUrl, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QToolBar
from small_models import make_generator

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.direction_files import DIRECTIONS_FILE, save_directions
from ganexplorer.core.directions import Direction
from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.render import Renderer
from ganexplorer.ui import theme
from ganexplorer.ui.files import file_watch, opening, recent
from ganexplorer.ui.files.file_watch import FileWatch
from ganexplorer.ui.files.opening import OpenRequest
from ganexplorer.ui.main_window import MainWindow
from ganexplorer.ui.work.workers import JobResult

NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch):
    """The file is looked at every 20 ms instead of every second."""
    monkeypatch.setattr(file_watch, "POLL_MILLISECONDS", 20)


@pytest.fixture
def save(tmp_path):
    """Write a model's file; returns its path."""

    def write(name, **changes):
        path = tmp_path / f"{name}.safetensors"
        Checkpoint(make_generator(**changes)).save(path)
        return path

    return write


@pytest.fixture
def other(save):
    return save("other", seed=2, z_dim=8, prior=Prior.uniform(), image_shape=(3, 16, 16))


@pytest.fixture
def file(model_path):
    """The file of the model that the window opens on."""
    return model_path / "generator.safetensors"


def wait_name(shot, name):
    shot.qtbot.waitUntil(lambda: shot.document.subject.name == name, timeout=10_000)


def wait_notice(shot, words):
    shot.qtbot.waitUntil(lambda: words in shot.window.notices.text, timeout=10_000)


def look_often(shot, count=4):
    """Let the file be looked at `count` times, and what follows from it happen."""
    seen = []
    shot.window.job_thread.job_done.connect(lambda result: seen.append(result.name))
    shot.qtbot.waitUntil(lambda: seen.count("look") >= count, timeout=10_000)


def row_of(window, name):
    """The row of a model in the list."""
    (item,) = [item for item in window.models._items() if item.text().startswith(f"{name}\n")]
    return item


class Pause:
    """Keeps the job thread busy until it is over."""

    def __init__(self, window):
        self._begun, self._over = threading.Event(), threading.Event()
        window.job_thread.submit("pause", self._wait, first=True)
        assert self._begun.wait(10)

    def _wait(self):
        self._begun.set()
        self._over.wait(10)

    def end(self):
        self._over.set()


@pytest.fixture
def pause(window):
    pause = Pause(window)
    yield pause
    pause.end()


# -- menus -------------------------------------------------------------------------------------------------


def menu(window, title):
    (found,) = [action.menu() for action in window.menuBar().actions() if action.text().replace("&", "") == title]
    return found


def texts(actions):
    return [action.text().replace("&", "") for action in actions if not action.isSeparator()]


def test_the_menus_hold_every_command_with_its_key(window):
    assert texts(window.menuBar().actions()) == ["File", "Edit", "View"]
    assert texts(menu(window, "File").actions()) == [
        "Open…", "Open run…", "Open recent", "Reopen last session", "Reload",
        "Save picture…", "Save session…", "Save model…", "Quit",
    ]  # fmt: skip
    assert texts(menu(window, "Edit").actions()) == [
        "Undo", "Redo", "Copy latent", "Paste latent", "Bookmark", "Random", "Zero",
    ]  # fmt: skip
    assert texts(menu(window, "View").actions()) == [
        "Models", "Latent", "Directions", "Train", "Morph", "Gallery", "Basket", "Memory", "Reset panels", "Theme",
        "Compare…", "Import sheet",
    ]  # fmt: skip
    keys = {
        "open": "Ctrl+O", "reload": "F5", "save_picture": "Ctrl+S", "save_model": "Ctrl+Shift+S", "show_sheet": "F6",
        "quit": "Ctrl+Q", "undo": "Ctrl+Z", "save_session": "Ctrl+Alt+S", "copy": "Ctrl+C", "paste": "Ctrl+V",
        "bookmark": "Ctrl+D", "compare": "F8", "reopen_session": "Ctrl+Shift+T",
    }  # fmt: skip
    for name, key in keys.items():
        assert QKeySequence(key) in getattr(window.commands, name).shortcuts()


def test_the_toolbar_holds_the_same_actions_and_fits(window, qtbot):
    bar = window.findChild(QToolBar)
    assert texts(bar.actions()) == ["Open…", "Save picture…", "Random", "Zero", "Undo", "Redo"]
    in_menus = [*menu(window, "File").actions(), *menu(window, "Edit").actions()]
    assert all(action in in_menus for action in bar.actions() if not action.isSeparator())
    assert window.size().width() == 1280
    assert bar.sizeHint().width() <= bar.width()


def test_the_view_menu_hides_and_shows_a_panel(window):
    (models, *_) = menu(window, "View").actions()
    models.trigger()
    assert not window.models.isVisible()
    models.trigger()
    assert window.models.isVisible()


def test_undo_and_redo_are_enabled_where_there_is_something_to_undo(window):
    undo, redo, *_ = menu(window, "Edit").actions()
    assert not undo.isEnabled()
    window.commands.random.trigger()
    assert undo.isEnabled()
    undo.trigger()
    assert not undo.isEnabled()
    assert redo.isEnabled()


def test_quit_closes_the_window(window):
    window.commands.quit.trigger()
    assert not window.isVisible()


def test_open_asks_for_every_kind_of_file(shot, other, monkeypatch):
    asked = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *words: asked.append(words) or (str(other), ""))
    shot.window.commands.open.trigger()
    wait_name(shot, "other")
    kinds, models, sessions, everything = asked[0][-1].split(";;")
    for suffix in ("safetensors", "pt", "pth", "ckpt", "bin", "pkl", "tar"):
        assert f"*.{suffix}" in kinds
        assert f"*.{suffix}" in models
    for suffix in ("ganexplorer", "png", "npy"):
        assert f"*.{suffix}" in kinds
    assert sessions == "Sessions (*.ganexplorer)"
    assert everything == "All files (*)"
    assert recent.read()[0] == other


def test_a_dialog_that_is_left_changes_nothing(shot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *words: ("", ""))
    shot.window.commands.open.trigger()
    assert not shot.window.opener.is_busy


# -- recent files ------------------------------------------------------------------------------------------


def recent_entries(window):
    """The recent files as the menu shows them, Clear and its like left out."""
    window.recent.aboutToShow.emit()
    return [action for action in window.recent.actions() if action.toolTip().startswith(os.sep)]


def test_what_a_person_named_is_recent_and_a_click_on_a_listed_model_is_not(shot, save, model_path):
    assert recent.read() == [model_path]  # from the command line
    first, second = save("first", seed=1), save("second", seed=2)
    for path in (first, second, first):
        shot.window.open(str(path))
        wait_name(shot, path.stem)
    shot.window.models.list.itemClicked.emit(row_of(shot.window, "mnist-mlp-64"))
    wait_name(shot, "mnist-mlp-64")
    assert recent.read() == [first, second, model_path]
    assert [action.toolTip() for action in recent_entries(shot.window)] == [str(first), str(second), str(model_path)]


def test_the_name_of_a_model_and_a_file_that_cannot_be_opened_are_not_recent(shot, home, tmp_path, model_path):
    zoo.save_model(home / "models" / "mine", Checkpoint(make_generator(seed=1)))
    shot.window.open("mine")
    wait_name(shot, "mine")
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"not a model")
    shot.window.open(str(bad))
    wait_notice(shot, "bad.pt")
    assert recent.read() == [model_path]


def test_a_chosen_recent_file_opens(shot, other, model_path):
    recent.remember(other)
    recent_entries(shot.window)[0].trigger()
    wait_name(shot, "other")
    assert recent.read() == [other, model_path]


def test_a_recent_file_that_is_missing_is_told_and_dropped_from_the_list(shot, other, model_path):
    recent.remember(other)
    other.unlink()
    recent_entries(shot.window)[0].trigger()
    assert str(other) in shot.window.notices.text
    assert "not there any more" in shot.window.notices.text
    assert recent.read() == [model_path]
    assert shot.document.subject.name == "small"


def test_the_last_ten_are_kept_the_newest_first(tmp_path):
    paths = [tmp_path / f"{i}.pt" for i in range(13)]
    for path in paths:
        recent.remember(path)
    assert recent.read() == paths[:2:-1]
    recent.remember(paths[5])
    assert recent.read() == [paths[5], *[path for path in paths[:2:-1] if path != paths[5]]]


def test_clear_empties_the_list(shot):
    assert recent_entries(shot.window)
    (clear,) = [action for action in shot.window.recent.actions() if action.text() == "&Clear"]
    clear.trigger()
    assert recent.read() == []
    assert not recent_entries(shot.window)
    assert texts(shot.window.recent.actions()) == ["No files yet", "Clear"]
    assert not any(action.isEnabled() for action in shot.window.recent.actions() if not action.isSeparator())


def test_a_path_of_odd_letters_is_shown_and_opened(shot, save, model_path):
    folder = os.fsencode(recent.recent_file().parent) + b"/a & b \xff"
    os.mkdir(folder)
    path = os.fsdecode(folder + b"/m.safetensors")
    shutil.copy(save("m"), path)
    shot.window.open(path)
    shot.qtbot.waitUntil(lambda: str(recent.read()[0]) == path)
    assert "a && b ?" in recent_entries(shot.window)[0].text()
    wait_name(shot, "m")
    shot.window.open(str(model_path))
    wait_name(shot, "small")
    recent_entries(shot.window)[1].trigger()
    wait_name(shot, "m")


@pytest.mark.parametrize("content", ["", "{", "{}", '[1, null, "", "a\\u0000b"]', "\xff", "[" * 100_000])
def test_a_damaged_list_is_ignored_and_written_anew(tmp_path, content):
    recent.recent_file().write_text(content, encoding="latin-1")
    assert recent.read() == []
    recent.remember(tmp_path / "m.pt")
    assert json.loads(recent.recent_file().read_text()) == [str(tmp_path / "m.pt")]


def test_a_list_that_cannot_be_written_keeps_nothing_from_opening(shot, other, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GANEXPLORER_HOME", str(tmp_path / "file" / "home"))
    shot.window.open(str(other))
    wait_name(shot, "other")
    assert "recent" not in shot.window.notices.text
    assert recent.read() == []


def test_two_windows_share_the_list(shot, save, qtbot, tmp_path, model_path):
    first, second = save("first", seed=1), save("second", seed=2)
    beside = MainWindow(theme.DARK, str(first), "cpu", tmp_path / "runs")
    qtbot.addWidget(beside)
    qtbot.waitUntil(lambda: beside.document.subject is not None, timeout=10_000)
    shot.window.open(str(second))
    wait_name(shot, "second")
    expected = [str(second), str(first), str(model_path)]
    for window in (shot.window, beside):
        assert [action.toolTip() for action in recent_entries(window)] == expected
    beside.close()


# -- dropping ----------------------------------------------------------------------------------------------


def files(*paths):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def text(words):
    mime = QMimeData()
    mime.setText(words)
    return mime


COPY_OR_MOVE = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
LEFT = Qt.MouseButton.LeftButton


def enter(widget, mime, actions=COPY_OR_MOVE):
    """Drag over a widget; returns the event of entering. The caller holds on to `mime`: events do not."""
    event = QDragEnterEvent(widget.rect().center(), actions, mime, LEFT, NONE)
    event.setDropAction(Qt.DropAction.MoveAction)
    QApplication.sendEvent(widget, event)
    QApplication.sendEvent(widget, QDragMoveEvent(QPoint(5, 5), actions, mime, LEFT, NONE))
    return event


def drop(widget, mime, actions=COPY_OR_MOVE):
    enter(widget, mime, actions)
    event = QDropEvent(QPointF(widget.rect().center()), actions, mime, LEFT, NONE)
    event.setDropAction(Qt.DropAction.MoveAction)
    QApplication.sendEvent(widget, event)
    return event


def test_a_dropped_file_opens_and_is_recent(shot, other):
    event = drop(shot.window, files(other))
    assert event.isAccepted()
    assert event.dropAction() == Qt.DropAction.CopyAction  # after a move the other program would delete the file
    wait_name(shot, "other")
    assert recent.read()[0] == other


def test_a_dropped_folder_opens(shot, tmp_path):
    folder = zoo.save_model(tmp_path / "a model", Checkpoint(make_generator(seed=1))).path.parent
    drop(shot.window, files(folder))
    wait_name(shot, "a model")
    assert recent.read()[0] == folder


def test_of_several_dropped_files_the_first_opens_and_that_is_told(shot, save, other):
    twin = save("twin", seed=1)
    drop(shot.window, files(twin, other, other))
    wait_name(shot, "twin")
    assert shot.window.notices.text == "3 files were dropped: the first, twin.safetensors, was opened."
    drop(shot.window, files(other, twin))
    wait_name(shot, "other")
    assert "the first, other.safetensors, was opened. z has 8 dimensions instead of 64" in shot.window.notices.text


def test_while_a_file_is_dragged_the_canvas_says_that_dropping_opens_it(shot, other):
    canvas = shot.window.canvas
    shot.settled()
    before = canvas.grab().toImage()
    assert enter(shot.window, files(other)).isAccepted()
    assert canvas.hint == "Drop to open"
    assert canvas.grab().toImage() != before
    QApplication.sendEvent(shot.window, QDragLeaveEvent())
    assert canvas.hint == ""
    assert canvas.grab().toImage() == before
    drop(shot.window, files(other))
    assert canvas.hint == ""


def test_what_is_no_local_file_is_not_accepted(shot):
    link = QMimeData()
    link.setUrls([QUrl("https://example.com/model.safetensors")])
    for mime in (text("/tmp/model.safetensors"), link, QMimeData()):
        assert not enter(shot.window, mime).isAccepted()
        assert shot.window.canvas.hint == ""
        assert not drop(shot.window, mime).isAccepted()
    assert not drop(shot.window, files("/tmp/model.safetensors"), Qt.DropAction.MoveAction).isAccepted()
    assert not shot.window.opener.is_busy


def test_a_file_dropped_on_a_panel_or_a_field_of_text_opens_too(shot, save):
    field = shot.window.latent.findChild(QLineEdit)
    words = field.text()
    places = [shot.window.canvas, shot.window.latent.view.viewport(), shot.window.train.plots.losses.viewport(), field]
    for number, place in enumerate(places):
        path = save(f"m{number}", seed=number)
        mime = files(path)
        event = QDragEnterEvent(QPoint(5, 5), COPY_OR_MOVE, mime, LEFT, NONE)
        QApplication.sendEvent(place, event)
        assert event.isAccepted()
        assert shot.window.canvas.hint
        drop(place, mime)
        wait_name(shot, f"m{number}")
    assert field.text() == words


# -- opening -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [UserError("bad.pt: holds code. Save a state_dict."), RuntimeError("bad.pt: out of luck")]
)
def test_a_file_that_fails_to_load_leaves_the_open_model_live(shot, generator, tmp_path, monkeypatch, error):
    def fail(entry):
        raise error

    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"PK\x03\x04")
    z = shot.document.z
    monkeypatch.setattr(zoo.ModelEntry, "load", fail)
    shot.window.open(str(bad))
    wait_notice(shot, str(error))
    assert shot.document.subject.name == "small"
    assert torch.equal(shot.document.z, z)
    assert not shot.window.opener.is_busy
    shot.document.random()
    assert np.array_equal(shot.settled(), shot.expected(generator))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"\x80\x02}q\x00.", b"\x89PNG", b"\0" * 4096])
def test_a_bad_file_of_any_suffix_is_told_by_its_name(shot, tmp_path, content):
    path = tmp_path / "strange.pth"
    path.write_bytes(content)
    shot.window.open(str(path))
    wait_notice(shot, "strange.pth")
    assert "Traceback" not in shot.window.notices.text
    assert shot.document.subject.name == "small"


def test_opening_that_takes_a_while_is_told_in_the_status_bar(shot, other, pause):
    shot.window.open(str(other))
    assert shot.window.status.activity.text() == ""
    shot.qtbot.waitUntil(lambda: shot.window.status.activity.text() == "Opening other.safetensors…")
    pause.end()
    wait_name(shot, "other")
    assert shot.window.status.activity.text() == ""


def test_of_two_models_asked_for_only_the_last_is_shown(shot, save, other, monkeypatch):
    names, is_free, begun = [], threading.Event(), threading.Event()
    load = zoo.ModelEntry.load

    def slow(entry):
        if entry.name == "other":
            begun.set()
            is_free.wait(10)
        return load(entry)

    monkeypatch.setattr(zoo.ModelEntry, "load", slow)
    shot.document.subject_changed.connect(lambda subject: names.append(subject.name))
    shot.window.open(str(other))
    assert begun.wait(10)
    shot.window.open(str(save("twin", seed=1)))
    is_free.set()
    wait_name(shot, "twin")
    assert names == ["twin"]


def test_a_model_that_is_open_is_not_read_again_for_its_picture_in_the_list(shot, other, monkeypatch):
    read = []
    load, load_generator = zoo.ModelEntry.load, zoo.ModelEntry.load_generator
    monkeypatch.setattr(zoo.ModelEntry, "load", lambda entry: read.append(entry.name) or load(entry))
    monkeypatch.setattr(
        zoo.ModelEntry, "load_generator", lambda entry: read.append(entry.name) or load_generator(entry)
    )
    done = []
    shot.window.job_thread.job_done.connect(lambda result: done.append(result.name))
    shot.window.open(str(other))
    shot.qtbot.waitUntil(lambda: f"thumbnail {other}" in done, timeout=10_000)
    assert read.count("other") == 1  # shipped ones may still be read for theirs


@pytest.mark.parametrize("name", ["other", "strange"])
def test_the_picture_in_the_list_is_the_one_that_the_model_opens_with(save, foreign, name):
    entry = zoo.resolve(str(save("other", image_shape=(3, 16, 16)) if name == "other" else foreign))
    picture = opening.thumbnail(entry)
    shown = opening.thumbnail(entry, Renderer(entry.load().generator))
    assert np.ptp(picture) > 10
    assert np.abs(picture.astype(int) - shown).max() <= 1  # a renderer computes in another order


# -- files that change -------------------------------------------------------------------------------------


def replace(path, **changes):
    """As `Checkpoint.save` does: a new file takes the place of the old one at once."""
    Checkpoint(make_generator(**changes)).save(path)


def rewrite(path, **changes):
    """As a plain program does: the same file, written from its beginning."""
    spare = path.with_name("spare")
    replace(spare, **changes)
    inode = path.stat().st_ino
    with path.open("r+b") as file:
        file.write(spare.read_bytes())
        file.truncate()
    spare.unlink()
    assert path.stat().st_ino == inode


@pytest.mark.parametrize("write", [replace, rewrite])
def test_a_file_that_changes_on_disk_is_reloaded_under_the_same_latent(shot, file, write):
    document = shot.document
    document.keep_as_a()
    document.random()
    document.keep_as_b()
    document.random()
    kept = [document.z, document.a, document.b]
    values = [z.clone() for z in kept]
    write(file, seed=5)
    wait_notice(shot, "small changed on disk: reloaded.")
    assert all(a is b for a, b in zip([document.z, document.a, document.b], kept, strict=True))
    assert all(torch.equal(z, value) for z, value in zip(kept, values, strict=True))
    assert np.array_equal(shot.settled(), shot.expected(make_generator(seed=5)))
    document.undo()
    assert torch.equal(document.z, values[2])


def test_a_file_that_stays_as_it_is_is_not_read_again(shot, monkeypatch):
    monkeypatch.setattr(shot.window, "_reload", lambda news: pytest.fail("reloaded"))
    look_often(shot, 5)
    assert shot.window.notices.text == ""


def test_a_change_to_another_latent_is_carried_over_and_told(shot, file):
    z = shot.document.z
    replace(file, seed=5, z_dim=10)
    wait_notice(shot, "small changed on disk: reloaded. z has 10 dimensions instead of 64")
    assert torch.equal(shot.document.z, z[:10])
    assert row_of(shot.window, "small").text() == "small\nz 10, 28x28, MLP"
    shot.settled()


def test_a_reload_that_fails_is_told_once_and_tried_again_when_the_file_changes(shot, file, generator, monkeypatch):
    told, reads = [], []
    read_model = opening.read_model
    monkeypatch.setattr(opening, "read_model", lambda *words: reads.append(words) or read_model(*words))
    monkeypatch.setattr(shot.window.notices, "tell", told.append)
    file.write_bytes(b"half a model")
    shot.qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    look_often(shot)
    assert len(told) == len(reads) == 1
    assert told[0].startswith("small stays open as it was. ")
    assert str(file) in told[0]
    shot.document.random()
    assert np.array_equal(shot.settled(), shot.expected(generator))
    monkeypatch.undo()
    monkeypatch.setattr(file_watch, "POLL_MILLISECONDS", 20)
    replace(file, seed=5)
    wait_notice(shot, "small changed on disk: reloaded.")
    assert np.array_equal(shot.settled(), shot.expected(make_generator(seed=5)))


def test_a_removed_file_is_told_once_and_read_when_it_is_back(shot, file, generator, monkeypatch):
    told = []
    tell = shot.window.notices.tell
    monkeypatch.setattr(shot.window.notices, "tell", lambda words: told.append(words) or tell(words))
    file.unlink()
    wait_notice(shot, "is gone; the model stays open")
    look_often(shot)
    assert told == [f"{file} is gone; the model stays open."]
    shot.document.random()
    assert np.array_equal(shot.settled(), shot.expected(generator))
    replace(file, seed=5)
    wait_notice(shot, "reloaded")
    assert np.array_equal(shot.settled(), shot.expected(make_generator(seed=5)))
    file.unlink()
    wait_notice(shot, "is gone")


def test_a_file_that_was_moved_away_and_back_is_no_longer_called_gone(shot, file):
    away = file.with_name("away")
    os.replace(file, away)
    wait_notice(shot, "is gone")
    os.replace(away, file)
    wait_notice(shot, "reloaded")


def test_a_complaint_about_a_file_goes_when_another_model_is_opened(shot, file, save):
    file.unlink()
    wait_notice(shot, "is gone")
    shot.window.open(str(save("twin", seed=1)))
    wait_name(shot, "twin")
    assert shot.window.notices.text == ""


def test_a_change_while_the_file_is_read_is_seen(shot, save, monkeypatch):
    path = save("growing", seed=1)
    load = zoo.ModelEntry.load

    def load_and_change(entry):
        monkeypatch.undo()
        checkpoint = load(entry)
        replace(entry.path, seed=5)
        return checkpoint

    monkeypatch.setattr(zoo.ModelEntry, "load", load_and_change)
    shot.window.open(str(path))
    wait_notice(shot, "growing changed on disk: reloaded.")
    assert np.array_equal(shot.settled(), shot.expected(make_generator(seed=5)))


def test_the_file_of_the_model_before_is_watched_no_more(shot, file, save):
    shot.window.open(str(save("twin", seed=1)))
    wait_name(shot, "twin")
    file.unlink()
    look_often(shot)
    assert shot.window.notices.text == ""


def test_reload_reads_the_file_at_once(shot, file, monkeypatch):
    monkeypatch.setattr(shot.window.watch, "_on_job_done", lambda result: None)
    z = shot.document.z
    shot.window.watch.stop()
    replace(file, seed=5)
    shot.window.commands.reload.trigger()
    wait_notice(shot, "small was read again.")
    assert shot.document.z is z
    assert np.array_equal(shot.settled(), shot.expected(make_generator(seed=5)))


def test_reload_of_a_file_that_is_gone_is_told(shot, file, generator):
    shot.window.watch.stop()
    file.unlink()
    shot.window.commands.reload.trigger()
    wait_notice(shot, "small stays open as it was. ")
    shot.document.random()
    assert np.array_equal(shot.settled(), shot.expected(generator))


def test_a_model_that_is_opened_while_a_reload_waits_is_the_one_on_show(shot, file, other, pause):
    names = []
    shot.document.subject_changed.connect(lambda subject: names.append(subject.name))
    shot.window.reload()
    shot.window.open(str(other))
    shot.window.reload()  # does not take the place of what was asked for
    pause.end()
    wait_name(shot, "other")
    look_often(shot)
    assert names == ["other"]


def test_a_reload_that_gave_way_to_a_bad_file_is_made_up_for(shot, file, tmp_path, pause):
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"not a model")
    replace(file, seed=5)
    shot.window.open(str(bad))
    pause.end()
    wait_notice(shot, "small changed on disk: reloaded.")
    assert np.array_equal(shot.settled(), shot.expected(make_generator(seed=5)))


def test_while_a_training_is_explored_nothing_is_reloaded(shot, file):
    shot.window.train.controls.explore.setEnabled(True)
    shot.window.train.controls.explore.setChecked(True)
    replace(file, seed=5)
    look_often(shot)
    assert shot.window.notices.text == ""
    shot.window.train.controls.explore.setChecked(False)
    wait_notice(shot, "small changed on disk: reloaded.")


class Jobs(QObject):
    """A job thread that does each job at once."""

    job_done = Signal(object)

    def submit(self, name, job, first=False):
        self.job_done.emit(JobResult(name, job()))


def test_a_file_that_is_still_being_written_is_left_alone_until_it_rests(qtbot, tmp_path):
    path = tmp_path / "growing"
    path.write_bytes(b"0")
    owner, jobs, changes = QObject(), Jobs(), []
    watch = FileWatch(jobs, owner)
    watch.stop()
    watch.changed.connect(lambda: changes.append(path.read_bytes()))
    watch.watch(path, file_watch.signature(path))
    for size in range(2, 6):
        path.write_bytes(b"0" * size)
        watch._look()
        assert changes == []
    watch._look()
    assert changes == [b"00000"]
    watch._look()
    assert len(changes) == 2  # nobody read it yet
    watch.note_read(file_watch.signature(path))
    watch._look()
    assert len(changes) == 2


def test_a_file_that_is_missing_for_a_moment_is_not_called_gone(qtbot, tmp_path):
    path = tmp_path / "flickering"
    path.write_bytes(b"0")
    owner, jobs, gone = QObject(), Jobs(), []
    watch = FileWatch(jobs, owner)
    watch.stop()
    watch.gone.connect(lambda: gone.append(True))
    watch.watch(path, file_watch.signature(path))
    path.unlink()
    watch._look()
    path.write_bytes(b"1")
    watch._look()
    assert not gone


def test_news_goes_by_itself_and_a_complaint_stays(window, qtbot):
    bar = window.notices
    bar._news.setInterval(10)
    bar.inform("All is well.")
    assert bar.text == "All is well."
    qtbot.waitUntil(lambda: bar.text == "")
    bar.inform("All is well.")
    bar.tell("Nothing is well.")
    assert not bar._news.isActive()
    assert bar.text == "Nothing is well."


# -- files of strangers ------------------------------------------------------------------------------------


def save_foreign(path, seed):
    """A state_dict as tutorials save it: two linear layers, nothing said of what is between them."""
    layers = [module for module in make_generator(seed).modules() if isinstance(module, torch.nn.Linear)]
    torch.save(torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1]).state_dict(), path)


@pytest.fixture
def foreign(tmp_path):
    path = tmp_path / "stranger.pt"
    save_foreign(path, 1)
    return path


def test_a_strangers_file_opens_and_is_reloaded_like_any_other(shot, foreign):
    z = shot.document.z
    shot.window.open(str(foreign))
    wait_name(shot, "stranger")
    assert np.array_equal(shot.settled(), shot.expected(make_generator(1)))
    assert recent.read()[0] == foreign
    save_foreign(foreign, 5)
    wait_notice(shot, "stranger changed on disk: reloaded.")
    assert shot.document.z is z
    assert np.array_equal(shot.settled(), shot.expected(make_generator(5)))
    foreign.write_bytes(foreign.read_bytes()[:1000])
    wait_notice(shot, "stranger stays open as it was. ")
    shot.document.random()
    assert np.array_equal(shot.settled(), shot.expected(make_generator(5)))


def test_choices_for_a_strangers_file_are_shown_without_reading_it_and_outlive_a_reload(shot, foreign, monkeypatch):
    shot.window.open(str(foreign))
    wait_name(shot, "stranger")
    (entry,) = [entry for entry in shot.window.models.entries if entry.path == foreign]
    plain = shot.settled()
    monkeypatch.setattr("ganexplorer.core.foreign.guard.read", lambda path: pytest.fail("read again"))
    shot.window.opener.open(OpenRequest(entry, choices={"activation": "tanh"}))
    shot.qtbot.waitUntil(lambda: "tanh" in shot.document.subject.spec.to_json().split("linear")[1], timeout=10_000)
    chosen = shot.settled()
    assert not np.array_equal(chosen, plain)
    monkeypatch.undo()
    monkeypatch.setattr(file_watch, "POLL_MILLISECONDS", 20)
    save_foreign(foreign, 5)
    wait_notice(shot, "stranger changed on disk: reloaded.")
    save_foreign(foreign, 1)
    shot.qtbot.waitUntil(lambda: np.array_equal(shot.settled(), chosen), timeout=10_000)


# -- directions that come with a model ---------------------------------------------------------------------


def test_directions_come_and_go_with_their_model_and_are_no_undo_step(shot, save, other):
    twin = save("twin", seed=1)
    folder = zoo.save_model(twin.parent / "led", Checkpoint(make_generator(seed=2))).path.parent
    vectors = torch.eye(64)
    save_directions(folder / DIRECTIONS_FILE, [Direction.of("up", vectors[3]), Direction.of("down", -vectors[3])], 64)
    document = shot.document
    own = Direction.of("mine", vectors[5])
    document.set_directions([own])
    document.random()
    shot.window.open(str(folder))
    wait_name(shot, "led")
    assert [direction.name for direction in document.directions] == ["up", "down", "mine"]
    document.undo()  # the random
    assert [direction.name for direction in document.directions] == ["up", "down", "mine"]
    document.undo()  # mine
    assert [direction.name for direction in document.directions] == ["up", "down"]
    assert not document.can_undo
    document.redo()
    shot.window.open(str(twin))
    wait_name(shot, "twin")
    assert document.directions == [own]
