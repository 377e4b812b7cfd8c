"""The sheet of what a stranger's file does not say: shown, changed, kept, refused, put back."""

from __future__ import annotations

import json

import numpy as np
import torch
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from sheets import choose, drawn, plain_network, wait_for
from torch import nn

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.foreign.opening import choices_file


def test_the_sheet_is_there_for_a_strangers_file_alone(opened, model_path):
    sheet = opened.window.sheet
    assert sheet.isVisible()
    assert sheet.fields["activation"].currentText() == "leaky_relu"
    assert sheet.fields["image_shape"].currentText() == "1,5,5"
    assert "eps" not in sheet.fields  # it has no batch norm
    assert not sheet.usual.isEnabled()
    opened.window.open(str(model_path))
    opened.qtbot.waitUntil(lambda: not sheet.isVisible(), timeout=10_000)
    assert not opened.window.commands.show_sheet.isEnabled()


def test_a_choice_redraws_the_picture_and_is_kept_beside_the_file(opened, foreign):
    z = opened.document.z
    choose(opened, "activation", "relu")
    wait_for(opened, drawn(opened, plain_network()))
    assert opened.document.z is z
    opened.qtbot.waitUntil(choices_file(foreign).exists, timeout=10_000)
    assert json.loads(choices_file(foreign).read_text())["choices"] == {"activation": "relu"}
    assert opened.window.sheet.usual.isEnabled()
    assert not opened.window.sheet.fields["slope"].isEnabled()


def test_several_quick_choices_all_take_effect(opened):
    choose(opened, "activation", "relu")
    choose(opened, "output", "sigmoid")
    choose(opened, "transpose", "yes")
    wait_for(opened, drawn(opened, plain_network(out=nn.Sigmoid)).T)
    assert opened.window.sheet.fields["transpose"].currentText() == "yes"


def test_a_value_can_be_typed(opened):
    choose(opened, "slope", "0.5")
    wait_for(opened, drawn(opened, plain_network(lambda: nn.LeakyReLU(0.5))))


def test_a_value_that_is_none_is_told_and_the_field_goes_back(opened):
    before = opened.settled()
    choose(opened, "slope", "steep")
    opened.qtbot.waitUntil(lambda: "slope is a number" in opened.window.notices.text, timeout=10_000)
    assert opened.window.sheet.fields["slope"].currentText() == "0.2"
    assert np.array_equal(opened.settled(), before)
    choose(opened, "image_shape", "3,9,9")
    opened.qtbot.waitUntil(lambda: "3x9x9" in opened.window.notices.text, timeout=10_000)
    assert opened.window.sheet.fields["image_shape"].currentText() == "1,5,5"
    opened.document.random()
    assert np.array_equal(opened.settled(), drawn(opened, plain_network(lambda: nn.LeakyReLU(0.2))))


def test_another_prior_carries_the_latent_over_and_says_so(opened):
    choose(opened, "prior", "uniform:0,1")
    opened.qtbot.waitUntil(lambda: opened.document.prior.kind == "uniform", timeout=10_000)
    assert 0 <= float(opened.document.z.min()) <= float(opened.document.z.max()) <= 1
    assert "The prior is uniform(0, 1) instead of normal(0, 1)" in opened.window.notices.text


def test_the_other_weights_of_the_file_can_be_chosen(opened):
    assert opened.window.sheet.fields["network"].currentText() == "g_ema"
    choose(opened, "activation", "relu")
    raw = plain_network()
    with torch.no_grad():
        raw[2].weight.mul_(-1)
    choose(opened, "network", "g")
    wait_for(opened, drawn(opened, raw))


def test_usual_values_puts_all_back_and_forgets_what_was_kept(opened, foreign):
    usual = opened.settled()
    choose(opened, "activation", "tanh")
    opened.qtbot.waitUntil(choices_file(foreign).exists, timeout=10_000)
    opened.qtbot.mouseClick(opened.window.sheet.usual, Qt.MouseButton.LeftButton)
    wait_for(opened, usual)
    opened.qtbot.waitUntil(lambda: not choices_file(foreign).exists(), timeout=10_000)
    assert not opened.window.sheet.usual.isEnabled()


def test_a_choice_is_there_again_when_the_file_is_opened_again(opened, foreign, model_path):
    choose(opened, "activation", "relu")
    opened.qtbot.waitUntil(choices_file(foreign).exists, timeout=10_000)
    opened.window.open(str(model_path))
    opened.qtbot.waitUntil(lambda: opened.document.subject.name == "small", timeout=10_000)
    opened.window.open(str(foreign))
    opened.qtbot.waitUntil(lambda: opened.document.subject.name == "stranger", timeout=10_000)
    assert np.array_equal(opened.settled(), drawn(opened, plain_network()))
    assert opened.window.sheet.fields["activation"].currentText() == "relu"


def test_the_sheet_closes_and_comes_back_from_the_menu(opened):
    opened.window.sheet.hide()
    choose(opened, "activation", "relu")  # by a script: the sheet stays closed
    wait_for(opened, drawn(opened, plain_network()))
    assert not opened.window.sheet.isVisible()
    opened.window.commands.show_sheet.trigger()
    assert opened.window.sheet.isVisible()


def test_the_wheel_over_a_field_changes_nothing(opened):
    from PySide6.QtCore import QPoint, QPointF
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    field = opened.window.sheet.fields["activation"]
    event = QWheelEvent(
        QPointF(5, 5), field.mapToGlobal(QPointF(5, 5)), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(field, event)
    assert field.currentText() == "leaky_relu"


def test_the_model_is_saved_as_one_of_our_own_with_its_choices(opened, tmp_path, monkeypatch):
    out = tmp_path / "own.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    choose(opened, "activation", "relu")
    wait_for(opened, drawn(opened, plain_network()))
    opened.qtbot.mouseClick(opened.window.sheet.save, Qt.MouseButton.LeftButton)
    opened.qtbot.waitUntil(out.exists, timeout=10_000)
    generator = Checkpoint.load(out).generator
    assert np.array_equal(opened.expected(generator), drawn(opened, plain_network()))


def test_a_file_whose_folder_cannot_be_written_to_is_told_and_the_choice_holds(opened, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ganexplorer.core.foreign.opening.atomic_write", refuse)
    choose(opened, "activation", "relu")
    opened.qtbot.waitUntil(lambda: "cannot be kept (Permission denied)" in opened.window.notices.text, timeout=10_000)
    assert np.array_equal(opened.settled(), drawn(opened, plain_network()))
