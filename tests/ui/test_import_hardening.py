"""The import sheet where two things happen at once, and where what was asked for cannot be."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog
from sheets import choose, drawn, plain_network, wait_for
from small_models import make_generator
from test_opening import Pause, replace, wait_name, wait_notice
from torch import nn

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.foreign.opening import choices_file
from ganexplorer.core.render import Renderer
from ganexplorer.ui.editing.document import Subject
from ganexplorer.ui.files import file_watch
from ganexplorer.ui.work.studio import Sight


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch):
    monkeypatch.setattr(file_watch, "POLL_MILLISECONDS", 20)


@pytest.fixture
def second(tmp_path):
    """Another stranger's file, whose sheet has other fields: a batch norm, one set of weights."""
    path = tmp_path / "second.pt"
    torch.manual_seed(1)
    layers = [nn.Linear(6, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 25), nn.Tanh()]
    torch.save(nn.Sequential(*layers).state_dict(), path)
    return path


def kept(path):
    return json.loads(choices_file(path).read_text())["choices"] if choices_file(path).exists() else {}


def activated(shot):
    """Give the window the focus, as fields need to have it."""
    shot.window.activateWindow()
    shot.qtbot.waitUntil(shot.window.isActiveWindow)


def typed(shot, name, text):
    """Type into a field without ending it."""
    activated(shot)
    line = shot.window.sheet.fields[name].lineEdit()
    line.setFocus()
    line.selectAll()
    shot.qtbot.keyClicks(line, text)
    return line


def test_a_half_typed_value_does_not_go_to_the_next_file(opened, second):
    typed(opened, "slope", "0.7")
    opened.window.open(str(second))
    wait_name(opened, "second")
    opened.qtbot.waitUntil(lambda: not opened.window.opener.is_busy)
    QApplication.processEvents()
    assert not opened.window.opener.is_busy
    assert opened.window.sheet.fields["slope"].currentText() == "0.2"
    assert kept(second) == {}


def test_an_answer_does_not_overwrite_what_is_being_typed(opened, foreign):
    activated(opened)
    sheet = opened.window.sheet
    choose(opened, "activation", "leaky_relu")
    choose(opened, "output", "sigmoid")
    line = sheet.fields["slope"].lineEdit()
    line.setFocus()
    line.selectAll()
    opened.qtbot.keyClicks(line, "0.")
    opened.qtbot.waitUntil(lambda: kept(foreign) == {"output": "sigmoid"}, timeout=10_000)
    opened.qtbot.keyClicks(line, "5")
    opened.qtbot.keyClick(line, Qt.Key.Key_Return)
    opened.qtbot.waitUntil(lambda: kept(foreign) == {"output": "sigmoid", "slope": 0.5}, timeout=10_000)


def test_a_reload_does_not_overwrite_what_is_being_typed(opened):
    line = typed(opened, "slope", "0.4")
    opened.window.commands.reload.trigger()
    wait_notice(opened, "was read again")
    assert line.text() == "0.4"


def test_a_bad_choice_takes_no_good_one_with_it(opened, foreign):
    choose(opened, "activation", "relu")
    choose(opened, "output", "sigmoid")
    choose(opened, "image_shape", "3,9,9")
    wait_notice(opened, "3x9x9")
    wait_for(opened, drawn(opened, plain_network(out=nn.Sigmoid)))
    opened.qtbot.waitUntil(lambda: kept(foreign) == {"activation": "relu", "output": "sigmoid"}, timeout=10_000)
    assert opened.window.sheet.fields["image_shape"].currentText() == "1,5,5"
    assert "3x9x9" in opened.window.notices.text  # still told


def test_a_choice_that_is_taken_back_at_once_is_taken_back(opened, foreign):
    before = opened.settled()
    pause = Pause(opened.window)
    choose(opened, "activation", "relu")
    choose(opened, "activation", "leaky_relu")
    pause.end()
    opened.qtbot.waitUntil(lambda: not opened.window.opener.is_busy, timeout=10_000)
    assert opened.window.sheet.fields["activation"].currentText() == "leaky_relu"
    wait_for(opened, before)
    assert kept(foreign) == {}


def test_the_same_file_opened_again_does_not_drop_a_choice(opened, foreign):
    pause = Pause(opened.window)
    choose(opened, "activation", "relu")
    opened.window.open(str(foreign))
    pause.end()
    wait_for(opened, drawn(opened, plain_network()))
    opened.qtbot.waitUntil(lambda: kept(foreign) == {"activation": "relu"}, timeout=10_000)
    assert opened.window.sheet.fields["activation"].currentText() == "relu"


def test_the_complaint_about_a_choice_goes_when_the_next_one_is_good(opened):
    choose(opened, "slope", "steep")
    wait_notice(opened, "slope is a number")
    choose(opened, "slope", "0.5")
    wait_for(opened, drawn(opened, plain_network(lambda: nn.LeakyReLU(0.5))))
    assert opened.window.notices.text == ""


def test_a_choice_holds_though_a_bad_file_was_opened_meanwhile(opened, foreign, tmp_path):
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"not a model")
    pause = Pause(opened.window)
    choose(opened, "activation", "relu")
    opened.window.open(str(bad))
    pause.end()
    wait_notice(opened, "bad.pt")
    wait_for(opened, drawn(opened, plain_network()))
    opened.qtbot.waitUntil(lambda: kept(foreign) == {"activation": "relu"}, timeout=10_000)
    assert "bad.pt" in opened.window.notices.text


def test_a_choice_is_kept_though_another_model_was_opened_before_it_was_seen(opened, foreign, model_path):
    pause = Pause(opened.window)
    choose(opened, "activation", "relu")
    opened.window.open(str(model_path))
    pause.end()
    wait_name(opened, "small")
    opened.qtbot.waitUntil(lambda: kept(foreign) == {"activation": "relu"}, timeout=10_000)


def test_a_choice_is_kept_though_the_window_was_closed_at_once(opened, foreign):
    pause = Pause(opened.window)
    choose(opened, "activation", "relu")
    threading.Timer(0.2, pause.end).start()
    opened.window.close()
    assert kept(foreign) == {"activation": "relu"}


def test_a_choice_that_was_seen_is_kept_though_the_window_closes_before_it_is_written(opened, foreign):
    choose(opened, "activation", "relu")
    pauses = []
    opened.document.subject_changed.connect(lambda _: pauses.append(Pause(opened.window)))
    opened.qtbot.waitUntil(lambda: bool(pauses), timeout=10_000)
    QApplication.processEvents()
    threading.Timer(0.2, pauses[0].end).start()
    opened.window.close()
    assert kept(foreign) == {"activation": "relu"}


def test_usual_values_are_those_of_the_usual_network(shot, tmp_path):
    path = tmp_path / "two.pt"
    small, large = plain_network(), plain_network(sizes=(6, 9, 64))
    torch.save({"g_ema": small.state_dict(), "g": large.state_dict()}, path)
    shot.window.open(str(path))
    wait_name(shot, "two")
    choose(shot, "network", "g")
    shot.qtbot.waitUntil(lambda: shot.document.subject.spec.image_shape == (1, 8, 8), timeout=10_000)
    shot.qtbot.mouseClick(shot.window.sheet.usual, Qt.MouseButton.LeftButton)
    shot.qtbot.waitUntil(lambda: shot.document.subject.spec.image_shape == (1, 5, 5), timeout=10_000)
    assert not shot.window.sheet.usual.isEnabled()
    assert "1x8x8" not in shot.window.notices.text


def test_a_strangers_file_that_becomes_one_of_our_own_is_reloaded(opened, foreign):
    replace(foreign, seed=5)
    wait_notice(opened, "stranger changed on disk: reloaded.")
    assert np.array_equal(opened.settled(), opened.expected(make_generator(seed=5)))
    assert not opened.window.sheet.isVisible()


def test_choices_that_do_not_fit_the_new_content_of_a_file_do_not_keep_it_from_being_read(opened, foreign, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ganexplorer.core.foreign.opening.atomic_write", refuse)
    choose(opened, "image_shape", "1,25,1")
    wait_notice(opened, "cannot be kept")
    torch.save({"g_ema": plain_network(sizes=(6, 9, 64)).state_dict()}, foreign)
    wait_notice(opened, "stranger changed on disk: reloaded.")
    assert opened.document.subject.spec.image_shape == (1, 8, 8)


def test_a_run_that_is_saved_does_not_take_the_place_of_a_file_that_was_asked_for(shot, foreign, model_path, tmp_path):
    snapshot = tmp_path / "runs" / "run" / "snapshots" / "00000005.safetensors"
    snapshot.parent.mkdir(parents=True)
    Checkpoint(make_generator(seed=7)).save(snapshot)
    pause = Pause(shot.window)
    shot.window.open(str(foreign))
    shot.window._on_run_saved(snapshot, True)
    pause.end()
    wait_name(shot, "stranger")


def test_while_a_training_is_explored_the_sheet_is_away(opened):
    explore = opened.window.train.controls.explore
    explore.setEnabled(True)
    explore.setChecked(True)
    subject = opened.document.subject
    opened.window._show_subject(Subject("live", subject.spec, 5), opened.window.studio.sight)
    assert not opened.window.sheet.isVisible()
    assert not opened.window.commands.show_sheet.isEnabled()
    explore.setChecked(False)
    assert opened.window.sheet.isVisible()
    assert opened.window.commands.show_sheet.isEnabled()


def test_what_was_said_on_the_way_to_another_space_is_taken_back_on_the_way_home(opened):
    subject, spec = opened.document.subject, make_generator(z_dim=4).spec
    opened.window._show_subject(Subject("live", spec, 5), Sight(Renderer(make_generator(z_dim=4)), None))
    assert "z has 4 dimensions instead of 6" in opened.window.notices.text
    opened.window.exploring.show_file()
    assert opened.document.subject is subject
    assert opened.window.notices.text == ""


def test_a_letter_typed_on_a_list_chooses_from_it_and_triggers_no_command(opened):
    activated(opened)
    field = opened.window.sheet.fields["activation"]
    field.setFocus()
    z = opened.document.z
    opened.qtbot.keyClick(field, Qt.Key.Key_R)
    assert field.currentText() == "relu"
    opened.settled()
    assert opened.document.z is z


@pytest.mark.parametrize("where", ["mode", "order", "recipe"])
def test_a_letter_typed_on_any_other_list_triggers_no_command(shot, where):
    activated(shot)
    window = shot.window
    field = {"mode": window.morph.mode, "order": window.latent.order, "recipe": window.train.setup.recipe}[where]
    field.setFocus()
    for key in (Qt.Key.Key_R, Qt.Key.Key_B, Qt.Key.Key_0):
        shot.qtbot.keyClick(field, key)
    assert not shot.document.can_undo
    assert shot.document.b is None


def test_a_value_that_begins_like_an_offered_one_is_taken_as_it_was_typed(opened):
    line = typed(opened, "slope", "0")
    opened.qtbot.keyClick(line, Qt.Key.Key_Return)
    wait_for(opened, drawn(opened, plain_network(lambda: nn.LeakyReLU(0.0))))
    assert opened.window.sheet.fields["slope"].currentText() == "0"


def test_what_is_typed_into_a_field_triggers_no_command(opened):
    activated(opened)
    line = opened.window.sheet.fields["prior"].lineEdit()
    line.setFocus()
    line.selectAll()
    z = opened.document.z
    opened.qtbot.keyClicks(line, "0rabp")
    assert line.text() == "0rabp"
    assert opened.document.z is z
    assert opened.document.a is None


def test_a_file_dropped_on_a_field_is_not_taken_as_text(opened):
    line = opened.window.sheet.fields["slope"].lineEdit()
    assert not line.acceptDrops()


def test_the_fields_follow_the_buttons_in_the_order_of_tab(opened):
    sheet = opened.window.sheet
    chain, widget = [], sheet.usual
    for _ in range(60):
        widget = widget.nextInFocusChain()
        chain.append(widget)
    places = [chain.index(field) for field in sheet.fields.values()]
    assert places == sorted(places)
    assert places[0] < chain.index(opened.window.canvas)
    assert places[-1] < chain.index(opened.window.canvas)


def test_a_choice_of_other_weights_leaves_the_focus_where_it_was(shot, tmp_path):
    path = tmp_path / "two.pt"
    other = nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 64), nn.Tanh())
    torch.save({"g_ema": plain_network().state_dict(), "g": other.state_dict()}, path)
    shot.window.open(str(path))
    wait_name(shot, "two")
    activated(shot)
    shot.window.sheet.fields["network"].setFocus()
    choose(shot, "network", "g")
    shot.qtbot.waitUntil(lambda: "eps" in shot.window.sheet.fields, timeout=10_000)
    assert shot.window.sheet.fields["network"].hasFocus()


def test_the_model_on_show_is_saved_though_its_file_is_gone(shot, model_path, generator, tmp_path, monkeypatch):
    out = tmp_path / "own.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    (model_path / "generator.safetensors").unlink()
    shot.window.commands.save_model.trigger()
    shot.qtbot.waitUntil(out.exists, timeout=10_000)
    assert np.array_equal(shot.expected(Checkpoint.load(out).generator), shot.expected(generator))


@pytest.mark.parametrize("command", ["save_model", "save_picture"])
def test_a_place_that_cannot_be_written_to_is_told_in_plain_words(shot, tmp_path, monkeypatch, command):
    out = tmp_path / "nowhere" / "m.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    getattr(shot.window.commands, command).trigger()
    wait_notice(shot, str(out))
    assert "Errno" not in shot.window.notices.text
    assert ".part" not in shot.window.notices.text


def test_news_leaves_a_complaint_that_is_still_there(window, qtbot):
    bar = window.notices
    bar._news.setInterval(10)
    bar.tell("The training failed.")
    bar.inform("All is well.")
    assert bar.text == "All is well."
    qtbot.waitUntil(lambda: bar.text == "The training failed.")
    bar.inform("All is well.")
    bar.withdraw("The training failed.")
    qtbot.waitUntil(lambda: bar.text == "")


def test_what_was_typed_last_is_saved_with_the_model(opened, tmp_path, monkeypatch):
    out = tmp_path / "own.safetensors"
    opener = opened.window.opener

    def ask(*_):
        opened.qtbot.waitUntil(lambda: not opener.is_busy, timeout=10_000)
        return str(out), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    typed(opened, "slope", "0.5")
    opened.qtbot.mouseClick(opened.window.sheet.save, Qt.MouseButton.LeftButton)
    opened.qtbot.waitUntil(out.exists, timeout=10_000)
    expected = drawn(opened, plain_network(lambda: nn.LeakyReLU(0.5)))
    assert np.array_equal(opened.expected(Checkpoint.load(out).generator), expected)


def test_usual_values_take_back_what_is_being_typed_too(opened, foreign):
    usual = opened.settled()
    line = typed(opened, "slope", "steep")
    choose(opened, "output", "sigmoid")
    opened.qtbot.mouseClick(opened.window.sheet.usual, Qt.MouseButton.LeftButton)
    wait_for(opened, usual)
    opened.qtbot.waitUntil(lambda: line.text() == "0.2", timeout=10_000)
    assert kept(foreign) == {}


def test_a_slope_that_is_being_typed_goes_when_there_is_no_slope_any_more(opened, foreign):
    opened.window.sheet.changed.emit("activation", "relu")
    line = typed(opened, "slope", "0.")
    opened.qtbot.waitUntil(lambda: not opened.window.sheet.fields["slope"].isEnabled(), timeout=10_000)
    assert line.text() == "0.2"
    opened.qtbot.waitUntil(lambda: kept(foreign) == {"activation": "relu"}, timeout=10_000)
    assert not opened.window.opener.is_busy


def test_in_a_narrow_window_the_fields_stand_in_more_rows_and_keep_their_width(opened, second):
    sheet, window = opened.window.sheet, opened.window
    width = window.minimumSizeHint().width()
    sheet.hide()
    assert window.minimumSizeHint().width() == width  # the sheet asks for no wider window
    sheet.show()
    for size in (1024, 1600, 1024):
        window.resize(size, 700)
        opened.qtbot.waitUntil(lambda size=size: window.width() <= max(size, width))
        QApplication.processEvents()
        assert all(field.width() >= 80 for field in sheet.fields.values())
        assert all(field.geometry().right() < sheet.width() for field in sheet.fields.values())
        assert sheet.fields["image_shape"].geometry().bottom() < sheet.height()
