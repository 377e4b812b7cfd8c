"""Two models, or two snapshots of a run, under one latent."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from small_models import make_generator

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.latent import Prior
from ganexplorer.core.render import to_pixels
from ganexplorer.ui.editing.latent_space import LatentSpace, carry
from ganexplorer.ui.picture.comparing import snapshots_of
from ganexplorer.ui.picture.comparison import GRIP

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def other(tmp_path):
    """A second model of the same latent space."""
    return zoo.save_model(tmp_path / "models" / "other", Checkpoint(make_generator(seed=5), card={"name": "other"}))


@pytest.fixture
def compared(shot, other):
    """The window comparing small with other."""
    shot.window.models.add(other)
    shot.window.commands.compare.trigger()
    shot.window.comparison.open(other)
    shot.qtbot.waitUntil(lambda: shot.window.canvas.second is not None, timeout=10_000)
    return shot


def second_settled(shot, expected):
    """Wait until the second picture is `expected`."""

    def is_there():
        second = shot.window.canvas.second
        return second is not None and second.image is not None and np.array_equal(pixels_of(second.values), expected)

    shot.qtbot.waitUntil(is_there, timeout=10_000)


def pixels_of(values):
    return to_pixels(torch.from_numpy(values)[None])[0]


def test_both_models_render_the_same_latent(compared, generator):
    for _ in range(3):
        compared.document.random()
        assert np.array_equal(compared.settled(), compared.expected(generator))
        second_settled(compared, compared.expected(make_generator(seed=5)))


def test_the_first_picture_keeps_to_the_left_half_and_comes_back(compared):
    canvas = compared.window.canvas
    assert canvas.picture_rect().right() < canvas.width() / 2
    compared.window.commands.compare.trigger()
    assert canvas.second is None
    assert abs(canvas.picture_rect().center().x() - canvas.width() / 2) <= 1
    assert compared.window.panels.compare_bar.isHidden()
    compared.document.random()
    compared.settled()
    assert canvas.second is None


def test_the_wipe_shows_the_first_left_of_its_line_and_the_second_right_of_it(compared, generator):
    window = compared.window
    compared.qtbot.mouseClick(window.panels.compare_bar.wipe, LEFT)
    second_settled(compared, compared.expected(make_generator(seed=5)))
    first = compared.settled()
    second = pixels_of(window.canvas.second.values)
    image = window.canvas.grab().toImage()
    rect = window.canvas.picture_rect()
    zoom = rect.width() / first.shape[1]
    for row in (3, 20):
        for column in (2, 8, 20, 25):
            x, y = rect.left() + (column + 0.5) * zoom, rect.top() + (row + 0.5) * zoom
            expected = first if column < 14 else second
            assert image.pixelColor(int(x), int(y)).red() == expected[row, column], (row, column)


def test_the_line_is_dragged_without_moving_z(compared):
    window, canvas, qtbot = compared.window, compared.window.canvas, compared.qtbot
    qtbot.mouseClick(window.panels.compare_bar.wipe, LEFT)
    z = compared.document.z
    rect = canvas.picture_rect()
    start = QPoint(int(rect.left() + rect.width() / 2), int(rect.top() + 10))
    goal = QPoint(int(rect.left() + rect.width() / 4), start.y())
    qtbot.mousePress(canvas, LEFT, pos=start)
    qtbot.mouseMove(canvas, goal)
    qtbot.mouseRelease(canvas, LEFT, pos=goal)
    assert window.panels.compare_bar.split.share == pytest.approx(0.25, abs=0.02)
    assert compared.document.z is z
    away = QPoint(goal.x() + 3 * GRIP, goal.y())
    qtbot.mousePress(canvas, LEFT, pos=away)
    qtbot.mouseMove(canvas, away + QPoint(20, 0))
    qtbot.mouseRelease(canvas, LEFT, pos=away + QPoint(20, 0))
    assert compared.document.z is not z


def test_a_model_of_another_latent_space_gets_the_latent_carried_over(shot, tmp_path):
    strange = make_generator(seed=3, z_dim=10, prior=Prior.uniform(), image_shape=(3, 16, 16))
    entry = zoo.save_model(tmp_path / "models" / "strange", Checkpoint(strange))
    shot.window.models.add(entry)
    shot.window.comparison.start_with(shot.window.models.entries, entry)
    here, there = shot.document.subject.space, LatentSpace(10, Prior.uniform())
    second_settled(shot, shot.expected(strange, carry(shot.document.z[None], here, there)[0]))
    assert "10 dimensions instead of 64" in shot.window.notices.text
    shot.document.random()
    second_settled(shot, shot.expected(strange, carry(shot.document.z[None], here, there)[0]))


def test_two_snapshots_of_one_run(shot, tmp_path, generator):
    folder = tmp_path / "runs" / "a-run" / "snapshots"
    folder.mkdir(parents=True)
    (folder.parent / "config.json").write_text("{}")
    networks = {step: make_generator(seed=step) for step in (100, 200, 300)}
    for step, network in networks.items():
        Checkpoint(network).save(folder / f"{step:08d}.safetensors")
    entry = zoo.ModelEntry("a-run", folder / "00000300.safetensors")
    assert [e.path.stem for e in snapshots_of(entry)] == ["00000100", "00000200", "00000300"]
    window = shot.window
    window.comparison.start_with([entry], entry)
    second_settled(shot, shot.expected(networks[300]))
    assert window.canvas.second.label == "a-run, step 300"
    window.panels.compare_bar.snapshot.setCurrentIndex(0)
    window.panels.compare_bar.snapshot.activated.emit(0)
    second_settled(shot, shot.expected(networks[100]))
    assert window.canvas.second.label == "a-run, step 100"


def test_a_second_model_that_cannot_be_opened_is_told_and_the_last_one_stays(compared, tmp_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing")
    compared.window.comparison.open(zoo.ModelEntry("broken", broken))
    compared.qtbot.waitUntil(lambda: "Not compared" in compared.window.notices.text, timeout=10_000)
    compared.document.random()
    second_settled(compared, compared.expected(make_generator(seed=5)))


def test_a_picture_of_bars_stands_beside_another(shot, tmp_path):
    """Images of one line cannot be wiped."""
    entries = []
    for seed in (1, 2):
        network = make_generator(seed=seed, z_dim=1, prior=Prior.constant(0.5), image_shape=(1, 1, 4))
        entries.append(zoo.save_model(tmp_path / "models" / f"bars{seed}", Checkpoint(network)))
    shot.window.open_entry(entries[0])
    shot.qtbot.waitUntil(lambda: shot.document.subject.name == "bars1", timeout=10_000)
    shot.window.comparison.start_with(entries, entries[1])
    shot.qtbot.waitUntil(lambda: shot.window.canvas.second is not None, timeout=10_000)
    shot.qtbot.mouseClick(shot.window.panels.compare_bar.wipe, LEFT)
    first, second = shot.window.canvas._rooms()
    assert not first.intersects(second)


def test_one_model_alone_is_not_compared_with_itself(shot):
    only = shot.window.exploring.entry
    shot.window.models.show_entries([only])
    shot.window.commands.compare.trigger()
    assert "no second model" in shot.window.notices.text
    assert not shot.window.commands.compare.isChecked()
    assert shot.window.panels.compare_bar.isHidden()
    assert shot.window.canvas.second is None


def test_a_run_alone_is_compared_with_its_snapshot_before(shot, tmp_path):
    folder = tmp_path / "runs" / "a-run" / "snapshots"
    folder.mkdir(parents=True)
    (folder.parent / "config.json").write_text("{}")
    for step in (100, 200):
        Checkpoint(make_generator(seed=step)).save(folder / f"{step:08d}.safetensors")
    entry = zoo.ModelEntry("a-run", folder / "00000200.safetensors")
    shot.window.comparison.start([entry], entry)
    shot.qtbot.waitUntil(lambda: shot.window.canvas.second is not None, timeout=10_000)
    assert shot.window.canvas.second.label == "a-run, step 100"
