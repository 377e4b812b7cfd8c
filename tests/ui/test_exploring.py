"""Sliders, drags, slots and history, by real events on a shown window."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QDoubleSpinBox
from small_models import Z_DIM, make_generator

from ganexplorer.core import latent, zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.latent import Prior
from ganexplorer.core.media import read_origin

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


def drag(qtbot, widget, start, end, steps=8, modifier=NONE):
    """Press at start, move in steps, release at end: QPoints in the widget."""
    qtbot.mousePress(widget, LEFT, modifier, start)
    for i in range(1, steps + 1):
        point = start + (end - start) * (i / steps)
        move(widget, point, modifier)
    qtbot.mouseRelease(widget, LEFT, modifier, end)


def move(widget, point, modifier=NONE):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    position = QPointF(point)
    event = QMouseEvent(
        QEvent.Type.MouseMove, position, QPointF(widget.mapToGlobal(point)), Qt.MouseButton.NoButton, LEFT, modifier
    )
    QApplication.sendEvent(widget, event)


def track(shot, row):
    rect = shot.window.latent.view.track_rect(row)
    return rect, shot.window.latent.view.viewport()


def test_the_window_opens_on_an_image_of_the_plain_network(shot, generator):
    assert np.array_equal(shot.settled(), shot.expected(generator))
    assert np.array_equal(shot.document.z, latent.seeded(Prior.normal(), Z_DIM, 0)[0])


def test_there_is_a_slider_for_every_dimension(shot):
    assert shot.window.latent.model.rowCount() == Z_DIM
    dimensions = {shot.window.latent.model.dimension(row) for row in range(Z_DIM)}
    assert dimensions == set(range(Z_DIM))


def test_the_strongest_dimension_stands_on_top(shot):
    effects = shot.window.latent.model.effects
    shown = [float(effects[shot.window.latent.model.dimension(row)]) for row in range(Z_DIM)]
    assert shown == sorted(shown, reverse=True)
    shot.window.latent.order.setCurrentIndex(1)
    assert [shot.window.latent.model.dimension(row) for row in range(3)] == [0, 1, 2]


def test_dragging_a_slider_changes_the_pixels_to_those_of_the_final_value(shot, generator, qtbot):
    before = shot.settled()
    rect, viewport = track(shot, 0)
    drag(qtbot, viewport, rect.center(), QPoint(rect.right() - 3, rect.center().y()), steps=40)
    dimension = shot.window.latent.model.dimension(0)
    value = float(shot.document.z[dimension])
    low, high = Prior.normal().slider_range
    assert value == pytest.approx(low + (high - low) * (rect.width() - 4) / rect.width(), abs=0.02)
    after = shot.settled()
    assert not np.array_equal(before, after)
    assert np.array_equal(after, shot.expected(generator))


def test_only_the_dragged_dimension_changes(shot, qtbot):
    start = shot.document.z
    rect, viewport = track(shot, 3)
    drag(qtbot, viewport, rect.center(), rect.center() + QPoint(25, 0))
    changed = (shot.document.z != start).nonzero().flatten().tolist()
    assert changed == [shot.window.latent.model.dimension(3)]


def test_a_drag_is_one_undo_step(shot, qtbot):
    start = shot.document.z
    rect, viewport = track(shot, 1)
    drag(qtbot, viewport, rect.center(), rect.center() + QPoint(30, 0), steps=20)
    end = shot.document.z
    shot.document.undo()
    assert torch.equal(shot.document.z, start)
    assert not shot.document.can_undo
    shot.document.redo()
    assert torch.equal(shot.document.z, end)


def test_shift_drags_a_slider_finely(shot, qtbot):
    rect, viewport = track(shot, 0)
    dimension = shot.window.latent.model.dimension(0)
    start = float(shot.document.z[dimension])
    drag(qtbot, viewport, rect.center(), rect.center() + QPoint(20, 0), modifier=Qt.KeyboardModifier.ShiftModifier)
    low, high = Prior.normal().slider_range
    full = (high - low) * 20 / rect.width()
    assert float(shot.document.z[dimension]) - start == pytest.approx(0.2 * full, rel=0.05)


def test_a_double_click_resets_a_slider_in_one_undo_step(shot, qtbot):
    start = shot.document.z
    rect, viewport = track(shot, 2)
    dimension = shot.window.latent.model.dimension(2)
    point = rect.center() + QPoint(15, 0)
    qtbot.mouseClick(viewport, LEFT, pos=point)
    qtbot.mouseDClick(viewport, LEFT, pos=point)
    assert float(shot.document.z[dimension]) == 0
    shot.document.undo()
    assert torch.equal(shot.document.z, start)


def test_arrow_keys_move_the_slider_in_hand(shot, qtbot):
    view = shot.window.latent.view
    view.setCurrentIndex(shot.window.latent.model.index(4))
    dimension = shot.window.latent.model.dimension(4)
    start = float(shot.document.z[dimension])
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert float(shot.document.z[dimension]) == pytest.approx(start + 0.1)
    qtbot.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert float(shot.document.z[dimension]) == pytest.approx(start + 0.08)
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert float(shot.document.z[dimension]) == 0


def test_a_click_on_the_number_opens_a_spin_box_that_moves_the_picture(shot, generator, qtbot):
    view = shot.window.latent.view
    dimension = shot.window.latent.model.dimension(0)
    start = shot.document.z
    qtbot.mouseClick(view.viewport(), LEFT, pos=view.number_rect(0).center() - QPoint(12, 0))
    box = view.viewport().findChild(QDoubleSpinBox)
    assert box is not None
    box.setValue(2.5)
    assert float(shot.document.z[dimension]) == 2.5
    assert np.array_equal(shot.settled(), shot.expected(generator))
    box.setValue(-1)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: view.viewport().findChild(QDoubleSpinBox) is None)
    shot.document.undo()  # the visit was one step
    assert torch.equal(shot.document.z, start)


def test_dragging_the_picture_moves_along_the_two_strongest_directions(shot, generator, qtbot):
    canvas, start = shot.window.canvas, shot.document.z
    right, up = shot.window.move_tool.axes
    effects = shot.window.latent.model.effects
    assert [right.effect, up.effect] == pytest.approx(sorted(effects.tolist(), reverse=True)[:2])
    centre = canvas.rect().center()
    drag(qtbot, canvas, centre, centre + QPoint(60, -30))
    moved = shot.document.z - start
    along_right, along_up = float(moved @ right.vector), float(moved @ up.vector)
    rest = moved - along_right * right.vector - along_up * up.vector
    assert along_right > 0
    assert along_right == pytest.approx(2 * along_up, rel=1e-3)
    assert float(rest.abs().max()) < 1e-6
    assert np.array_equal(shot.settled(), shot.expected(generator))
    shot.document.undo()
    assert torch.equal(shot.document.z, start)


def test_shift_drags_the_picture_finely(shot, qtbot):
    canvas, start = shot.window.canvas, shot.document.z
    centre = canvas.rect().center()
    drag(qtbot, canvas, centre, centre + QPoint(50, 0))
    full = (shot.document.z - start).norm()
    shot.document.undo()
    drag(qtbot, canvas, centre, centre + QPoint(50, 0), modifier=Qt.KeyboardModifier.ShiftModifier)
    assert float((shot.document.z - start).norm() / full) == pytest.approx(0.2, rel=1e-3)


def test_the_wheel_scales_the_distance_from_the_centre_in_one_undo_step(shot, qtbot):
    canvas, start = shot.window.canvas, shot.document.z
    centre = QPointF(canvas.rect().center())
    for _ in range(3):
        event = QWheelEvent(
            centre, canvas.mapToGlobal(centre), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, NONE,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(canvas, event)
    assert torch.allclose(shot.document.z, start * 1.05**3, rtol=1e-5)
    with qtbot.waitSignal(shot.document.history_changed):
        pass  # a moment of quiet ends the turn
    shot.document.undo()
    assert torch.equal(shot.document.z, start)


def test_random_and_zero_and_their_undo(shot):
    start = shot.document.z
    shot.document.random()
    drawn = shot.document.z
    assert not torch.equal(drawn, start)
    shot.document.zero()
    assert not shot.document.z.any()
    shot.document.undo()
    assert torch.equal(shot.document.z, drawn)
    shot.document.undo()
    assert torch.equal(shot.document.z, start)
    shot.document.random()
    assert not shot.document.can_redo


def test_random_does_not_touch_the_global_random_state(shot):
    before = torch.random.get_rng_state()
    shot.document.random()
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("mode", ["lerp", "slerp", "box"])
def test_the_slider_between_a_and_b_renders_the_generator_at_the_path(shot, generator, qtbot, mode):
    window, document = shot.window, shot.document
    qtbot.mouseClick(window.morph.keep_a, LEFT)
    a = document.z
    document.random()
    qtbot.mouseClick(window.morph.keep_b, LEFT)
    b = document.z
    document.set_mode(mode)
    for value in (0, 250, 500, 1000):
        window.morph.slider.setValue(value)
        z = latent.interpolate(a, b, value / 1000, mode, Prior.normal())
        assert torch.equal(document.z, z)
        assert np.array_equal(shot.settled(), shot.expected(generator, z))
    assert torch.equal(document.z, b)


def test_both_slots_show_their_pictures(shot, generator, qtbot):
    morph = shot.window.morph
    for button, keep in ((morph.keep_a, shot.document.keep_as_a), (morph.keep_b, shot.document.keep_as_b)):
        empty = button.icon().pixmap(16, 16).toImage()
        keep()
        qtbot.waitUntil(lambda button=button, empty=empty: button.icon().pixmap(16, 16).toImage() != empty)


def test_play_runs_back_and_forth_and_is_one_undo_step(shot, qtbot):
    document, morph = shot.document, shot.window.morph
    document.keep_as_a()
    document.random()
    document.keep_as_b()
    start = document.z
    seen = []
    document.t_changed.connect(seen.append)
    qtbot.mouseClick(morph.play, LEFT)
    qtbot.waitUntil(lambda: len(seen) > 3 and seen[-1] > seen[0] + 0.05, timeout=5000)
    qtbot.mouseClick(morph.play, LEFT)
    count = len(seen)
    document.undo()
    assert torch.equal(document.z, start)
    assert len(seen) == count


def test_without_a_and_b_there_is_nothing_to_play(shot):
    assert not shot.window.morph.play.isEnabled()
    assert not shot.window.morph.slider.isEnabled()


def test_a_model_with_the_same_latent_keeps_it_and_another_gets_one_of_its_own_shape(shot, tmp_path, qtbot):
    z = shot.document.z
    twin = zoo.save_model(tmp_path / "twin", Checkpoint(make_generator(seed=1)))
    other = zoo.save_model(
        tmp_path / "other", Checkpoint(make_generator(seed=2, z_dim=8, prior=Prior.uniform(), image_shape=(3, 16, 16)))
    )
    with qtbot.waitSignal(shot.document.subject_changed, timeout=10_000):
        shot.window.open(str(twin.path))
    assert torch.equal(shot.document.z, z)
    assert np.array_equal(shot.settled(), shot.expected(make_generator(seed=1)))
    with qtbot.waitSignal(shot.document.subject_changed, timeout=10_000):
        shot.window.open(str(other.path.parent))
    assert shot.document.z.shape == (8,)
    assert shot.window.latent.model.rowCount() == 8
    assert shot.settled().shape == (16, 16, 3)


@pytest.mark.parametrize("content", [None, b"", b"not a model"])
def test_a_file_that_cannot_be_opened_is_told_and_the_model_stays(shot, tmp_path, qtbot, content):
    path = tmp_path / "broken.safetensors"
    if content is not None:
        path.write_bytes(content)
    shot.window.open(str(path))
    qtbot.waitUntil(lambda: "broken.safetensors" in shot.window.notices.text, timeout=10_000)
    assert shot.document.subject.name == "small"
    shot.document.random()
    shot.settled()


def test_a_failed_render_is_told_in_the_canvas_and_the_next_one_works(shot, generator, monkeypatch, qtbot):
    renderer = shot.window.renderer
    monkeypatch.setattr(renderer, "images", lambda z: (_ for _ in ()).throw(RuntimeError("no luck")))
    shot.document.random()
    qtbot.waitUntil(lambda: "no luck" in shot.window.canvas.message)
    monkeypatch.undo()
    shot.document.random()
    assert np.array_equal(shot.settled(), shot.expected(generator))
    assert shot.window.canvas.message == ""


def test_a_saved_picture_remembers_its_latent(shot, generator, tmp_path, monkeypatch, qtbot):
    from PIL import Image
    from PySide6.QtWidgets import QFileDialog

    path = tmp_path / "picture.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path), ""))
    shot.window.save_picture()
    qtbot.waitUntil(path.exists, timeout=5000)
    assert torch.equal(read_origin(path).z[0], shot.document.z)
    assert np.array_equal(np.asarray(Image.open(path)), shot.expected(generator))


def test_the_picture_is_shown_at_an_integer_zoom_in_the_middle(shot):
    canvas = shot.window.canvas
    rect = canvas.picture_rect()
    assert rect.width() % 28 == 0
    assert rect.width() == rect.height()
    assert abs(rect.center().x() - canvas.width() / 2) <= 1
    assert rect.height() + 28 > min(canvas.width(), canvas.height()) - 32
    shown = canvas.grab().toImage()
    ratio, zoom = canvas.devicePixelRatioF(), rect.width() / 28
    for row, column in ((0, 0), (13, 9), (27, 27)):
        x, y = rect.left() + (column + 0.5) * zoom, rect.top() + (row + 0.5) * zoom
        value = shown.pixelColor(int(x * ratio), int(y * ratio)).red()
        assert value == shot.settled()[row, column]
