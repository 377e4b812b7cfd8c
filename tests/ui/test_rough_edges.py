"""What a panel does with odd numbers, long words and a system that refuses."""

import math
import time

import pytest
from PySide6.QtCore import Qt
from test_interleavings import turn_wheel

from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import mlp_generator
from ganexplorer.core.spec import LeakyReLU, Tanh
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Scalars, Started
from ganexplorer.ui.work import workers

LEFT = Qt.MouseButton.LeftButton


def test_the_wheel_over_the_recipe_does_not_reset_the_form(window):
    window.train.form.set_value("g_lr", 0.123)
    before = window.train.setup.recipe.currentText(), window.train.setup.data_ref
    turn_wheel(window.train.setup.recipe)
    turn_wheel(window.train.setup.data)
    assert (window.train.setup.recipe.currentText(), window.train.setup.data_ref) == before
    assert window.train.form.config().g_lr == 0.123


def test_a_run_of_billions_of_steps_shows_its_progress(window, tmp_path):
    spec = mlp_generator(4, (8,), (1, 4, 4), Prior.normal(), LeakyReLU(0.2), Tanh())
    total = 6 * 10**9
    window.train.session.happened.emit(
        Started(
            tmp_path,
            "r",
            "d",
            "cpu",
            spec.to_json(),
            spec.to_json(),
            "bce",
            (1, 1),
            total // 2,
            total,
            1.0,
            TrainConfig(),
        )
    )
    assert window.train.progress.value() * 2 == window.train.progress.maximum()
    assert window.train.controls.explore.isEnabled()


@pytest.mark.parametrize("last", [math.nan, math.inf, -math.inf])
def test_losses_that_are_not_finite_are_left_out_of_the_plots(window, qtbot, last):
    window.train.plots.append([Scalars(1, 0, 1, 1, 1, 1, 0.5, 0.5, 0.5, 1), Scalars(2, 0, *[last] * 7, 1)])
    window.train.plots.redraw()
    qtbot.wait(50)  # painted: a warning would be an error
    assert window.train.plots.losses.end_labels == []


def test_a_training_process_that_cannot_be_started_is_told_and_start_works_again(window, qtbot, monkeypatch):
    def refuse():
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(workers, "TrainingHost", refuse)
    window.train.session.warm_up()
    window.train.setup.recipe.setCurrentText("pattern-1010")
    qtbot.mouseClick(window.train.controls.start, LEFT)
    qtbot.waitUntil(lambda: not window.train.session.is_running)
    assert "cannot be started (Resource temporarily unavailable)" in window.notices.text
    assert window.train.controls.start.isEnabled()


def test_a_folder_of_a_long_name_does_not_push_the_buttons_out_of_the_panel(window, qtbot):
    window.train.status.setText("1,000 pictures of /tmp/" + "a" * 200)
    qtbot.wait(50)
    explore = window.train.controls.explore
    assert explore.mapTo(window.train, explore.rect().topRight()).x() <= window.train.width()


def test_a_process_that_still_imports_does_not_hold_up_the_closing_window(window):
    window.train.session.warm_up()
    begin = time.perf_counter()
    window.close()
    assert time.perf_counter() - begin < 2.5
