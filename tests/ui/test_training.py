"""Training from the window: Start, curves, previews, exploring the generator in training, Stop, closing."""

import dataclasses
import gc
import time

import numpy as np
import pytest
import torch
from PIL import Image
from PySide6.QtCore import Qt, QThread, QTimer
from PySide6.QtWidgets import QWidget
from quick_children import children, trainers
from shiboken6 import isValid

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.train.recipes import recipe
from ganexplorer.train.runs import read_log

LEFT = Qt.MouseButton.LeftButton
PATIENCE = 60_000  # a child process that imports torch, on a busy machine


def choose(window, name, data=None):
    window.train.setup.recipe.setCurrentText(name)
    if data is not None:
        window.train.setup.choose_data(data)


def start(window, qtbot):
    qtbot.mouseClick(window.train.controls.start, LEFT)
    assert window.train.session.is_running


def wait_end(window, qtbot):
    qtbot.waitUntil(lambda: not window.train.session.is_running, timeout=PATIENCE)


def run_folder(tmp_path):
    (folder,) = (tmp_path / "runs").iterdir()
    return folder


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(0)
    for i in range(6):
        Image.fromarray(random.integers(0, 255, (20, 24), np.uint8)).save(folder / f"{i}.png")
    return folder


@pytest.mark.usefixtures("spawned_children")
def test_start_on_toy_1010_yields_curves_a_preview_and_a_loadable_model(window, qtbot, tmp_path, quick_recipe):
    quick_recipe("pattern-1010", steps=400, log_every=10)
    choose(window, "pattern-1010")
    assert window.train.setup.data_ref == "toy:1010"
    start(window, qtbot)
    wait_end(window, qtbot)
    run = run_folder(tmp_path)
    records = read_log(run)
    steps, d, g = window.train.plots.points
    assert steps.tolist() == [r.step for r in records] == list(range(10, 401, 10))
    assert d.tolist() == [r.d_loss for r in records]
    assert g.tolist() == [r.g_loss for r in records]
    assert window.train.samples.step == 400
    assert Checkpoint.load(run / "snapshots" / "00000400.safetensors").generator.spec.z_dim == 1
    assert window.train.status.text().startswith("Finished at step 400")
    assert any(entry.path.name == "00000400.safetensors" for entry in window.models.entries)
    with qtbot.waitSignal(window.document.subject_changed, timeout=10_000):
        window.open(str(run))
    assert window.document.subject.spec.image_shape == (1, 1, 4)
    qtbot.waitUntil(lambda: window.canvas.stamp == window.stamp)
    assert window.canvas.frame.values.shape == (1, 1, 4)
    # a run that is opened shows its curves again
    window.train.plots.clear()
    window.open(str(run))
    qtbot.waitUntil(lambda: window.train.plots.points[0].tolist() == steps.tolist(), timeout=10_000)
    assert window.train.status.text() == "Finished at step 400, saved"


def test_explore_this_shows_the_generator_in_training_with_the_latent_of_the_person(
    window, shot, qtbot, tmp_path, pictures, quick_recipe
):
    quick_recipe("mlp-64-stable", g_widths=(16,), d_widths=(16,), image_size=28, batch_size=4, steps=10**6)
    choose(window, "mlp-64-stable", f"folder:{pictures}")
    start(window, qtbot)
    qtbot.waitUntil(window.train.controls.explore.isEnabled, timeout=PATIENCE)
    z = window.document.z
    qtbot.mouseClick(window.train.controls.explore, LEFT)
    qtbot.waitUntil(lambda: window.document.subject.step is not None, timeout=PATIENCE)
    first = window.document.subject.step
    qtbot.waitUntil(lambda: (window.document.subject.step or 0) > first, timeout=PATIENCE)
    assert "training, step" in window.document.subject.label
    assert torch.equal(window.document.z, z)
    window.document.random()  # the sliders stay live
    z = window.document.z
    qtbot.waitUntil(lambda: window.canvas.stamp == window.stamp, timeout=PATIENCE)
    assert torch.equal(window.document.z, z)
    qtbot.mouseClick(window.train.controls.explore, LEFT)
    assert window.document.subject.step is None
    assert window.document.subject.name == "small"
    qtbot.mouseClick(window.train.controls.explore, LEFT)
    qtbot.waitUntil(lambda: window.document.subject.step is not None, timeout=PATIENCE)
    qtbot.mouseClick(window.train.controls.stop, LEFT)
    wait_end(window, qtbot)
    # the run was being explored: now its last snapshot is
    run = run_folder(tmp_path)
    qtbot.waitUntil(lambda: window.document.subject.name == run.name and window.document.subject.step is None)
    assert torch.equal(window.document.z, z)
    last = Checkpoint.load(next((run / "snapshots").iterdir())).generator
    assert np.array_equal(shot.settled(), shot.expected(last))


def test_stop_saves_a_model_of_a_folder_of_images(window, qtbot, tmp_path, pictures, quick_recipe):
    quick_recipe("mlp-96", g_widths=(16,), d_widths=(16,), image_size=16, batch_size=4, steps=10**6)
    choose(window, "mlp-96", f"folder:{pictures}")
    start(window, qtbot)
    qtbot.waitUntil(lambda: len(window.train.plots.points[0]) > 3, timeout=PATIENCE)
    assert window.train.samples.step is not None
    qtbot.mouseClick(window.train.controls.stop, LEFT)
    wait_end(window, qtbot)
    assert window.train.status.text().startswith("Stopped at step")
    run = run_folder(tmp_path)
    (snapshot,) = (run / "snapshots").iterdir()
    assert Checkpoint.load(snapshot).generator.spec.image_shape == (1, 16, 16)
    assert (run / "LATEST").read_text().strip() == snapshot.name
    assert window.train.controls.start.isEnabled()


def test_twenty_starts_and_stops_leave_no_thread_timer_or_widget_behind(window, qtbot, quick_recipe):
    quick_recipe("pattern-1010", steps=10**6)
    choose(window, "pattern-1010")
    counts = []
    for cycle in range(20):
        start(window, qtbot)
        if cycle % 2:  # also a stop that comes before the first step
            qtbot.waitUntil(window.train.controls.explore.isEnabled, timeout=PATIENCE)
        if cycle == 1:  # the chart is made when there is something to draw
            qtbot.waitUntil(lambda: bool(window.train.plots.made), timeout=PATIENCE)
        window.train.stop()
        wait_end(window, qtbot)
        if cycle in (9, 19):
            counts.append(census(qtbot))
    assert counts[0] == counts[1]
    assert len(children()) <= 1  # one trainer


def census(qtbot):
    qtbot.wait(50)  # deleteLater has its turn
    gc.collect()
    alive = [o for o in gc.get_objects() if issubclass(type(o), QThread | QTimer | QWidget) and isValid(o)]
    kinds = (QThread, QTimer, QWidget)
    return [sum(issubclass(type(o), kind) for o in alive) for kind in kinds]


def test_closing_the_window_in_mid_training_saves_and_ends_within_five_seconds(window, qtbot, tmp_path, quick_recipe):
    quick_recipe("pattern-1010", steps=10**7)
    choose(window, "pattern-1010")
    start(window, qtbot)
    qtbot.waitUntil(lambda: len(window.train.plots.points[0]) > 3, timeout=PATIENCE)
    begin = time.perf_counter()
    window.close()
    assert time.perf_counter() - begin < 5
    run = run_folder(tmp_path)
    (snapshot,) = (run / "snapshots").iterdir()
    assert int(snapshot.stem) >= read_log(run)[-1].step > 0
    Checkpoint.load(snapshot)
    assert children() == {}


def test_a_killed_training_process_is_told_and_the_window_lives(window, shot, generator, qtbot, quick_recipe):
    quick_recipe("pattern-1010", steps=10**7)
    choose(window, "pattern-1010")
    start(window, qtbot)
    qtbot.waitUntil(window.train.controls.explore.isEnabled, timeout=PATIENCE)
    for child in trainers():
        child.kill()
    wait_end(window, qtbot)
    assert "SIGKILL" in window.notices.text
    window.document.random()
    assert np.array_equal(shot.settled(), shot.expected(generator))
    start(window, qtbot)  # with a new process
    qtbot.waitUntil(window.train.controls.explore.isEnabled, timeout=PATIENCE)
    window.train.stop()
    wait_end(window, qtbot)
    assert window.train.status.text().startswith("Stopped")


def test_what_goes_wrong_appears_as_a_readable_notice(window, qtbot, tmp_path, quick_recipe):
    empty = tmp_path / "empty"
    empty.mkdir()
    wide = {"g_widths": (16384, 16384), "d_widths": (16384, 16384, 16384)}
    for data, changes, words in (
        (f"folder:{tmp_path / 'absent'}", {}, "no such folder"),
        (f"folder:{empty}", {}, "no pictures"),
        ("toy:digits", wide, "parameters are more than"),
    ):
        quick_recipe("mlp-96", **changes)
        choose(window, "mlp-100-smooth")
        choose(window, "mlp-96", data)
        start(window, qtbot)
        wait_end(window, qtbot)
        assert words in window.notices.text
        assert "Traceback" not in window.notices.text
        assert window.train.controls.start.isEnabled()
        window.notices.hide()
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").glob("*/snapshots/*"))


def test_the_form_gives_the_recipe_back(window):
    for name in ("mlp-64", "dcgan-64", "pattern-1010", "mlp-100-smooth"):
        window.train.setup.recipe.setCurrentText(name)
        assert window.train.form.config() == recipe(name).config


def test_what_is_typed_into_the_form_is_what_is_trained(window, qtbot, tmp_path, quick_recipe):
    quick_recipe("pattern-1010", steps=20)
    choose(window, "pattern-1010")
    window.train.form.set_value("g_lr", 0.5)
    window.train.form.set_value("d_widths", "5,4")
    expected = dataclasses.replace(recipe("pattern-1010").config, g_lr=0.5, d_widths=(5, 4))
    assert window.train.form.config() == expected
    window.train.form.set_value("d_widths", "wide")
    qtbot.mouseClick(window.train.controls.start, LEFT)
    assert "d_widths" in window.notices.text
    assert not window.train.session.is_running


def test_a_recipe_without_data_asks_for_a_folder(window, qtbot):
    choose(window, "dcgan-64")
    qtbot.mouseClick(window.train.controls.start, LEFT)
    assert "choose a folder" in window.notices.text
    assert not window.train.session.is_running
