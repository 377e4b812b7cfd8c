"""What happens when two things happen at once: overlapping edits, models that change under a gesture, waiting jobs."""

import threading

import pytest
import torch
from PySide6.QtCore import QPersistentModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QDoubleSpinBox
from small_models import make_generator
from test_exploring import LEFT, NONE, drag, move, track

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.latent import Prior
from ganexplorer.core.render import Renderer
from ganexplorer.ui.editing.latent_space import LatentSpace, carry
from ganexplorer.ui.picture.move_tool import EDIT_PAUSE
from ganexplorer.ui.work.workers import RenderThread

NORMAL_64 = LatentSpace(64, Prior.normal())


@pytest.fixture
def other(tmp_path):
    """The path of a model of another latent space: 8 dimensions, uniform."""
    generator = make_generator(seed=2, z_dim=8, prior=Prior.uniform(), image_shape=(3, 16, 16))
    return str(zoo.save_model(tmp_path / "other", Checkpoint(generator)).path)


def turn_wheel(widget):
    centre = QPointF(widget.rect().center())
    event = QWheelEvent(
        centre, widget.mapToGlobal(centre), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, NONE,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def open_and_wait(shot, path):
    with shot.qtbot.waitSignal(shot.document.subject_changed, timeout=10_000):
        shot.window.open(path)


def undo_all(document):
    """How many steps there are to undo."""
    count = 0
    while document.can_undo:
        document.undo()
        count += 1
    return count


def playing(shot):
    """A window that plays from A to B, with an empty history before that."""
    document, morph = shot.document, shot.window.morph
    document.keep_as_a()
    document.random()
    document.keep_as_b()
    shot.qtbot.mouseClick(morph.play, LEFT)
    seen = []
    document.t_changed.connect(seen.append)
    shot.qtbot.waitUntil(lambda: len(seen) > 3, timeout=5000)
    return morph


# -- edits that overlap ------------------------------------------------------------------------------------


def test_a_drag_that_begins_while_the_wheel_comes_to_rest_is_still_one_undo_step(shot, qtbot):
    start = shot.document.z
    turn_wheel(shot.window.canvas)
    rect, viewport = track(shot, 0)
    qtbot.mousePress(viewport, LEFT, NONE, rect.center())
    qtbot.wait(EDIT_PAUSE + 100)
    for i in range(10):
        move(viewport, rect.center() + QPoint(3 * i, 0))
    qtbot.mouseRelease(viewport, LEFT, NONE, rect.center() + QPoint(27, 0))
    assert undo_all(shot.document) <= 2
    assert torch.equal(shot.document.z, start)


def test_a_drag_in_mid_play_does_not_fill_the_history_with_frames(shot, qtbot):
    playing(shot)
    rect, viewport = track(shot, 0)
    drag(qtbot, viewport, rect.center(), rect.center() + QPoint(20, 0))
    qtbot.wait(300)
    shot.window.morph.stop()
    assert undo_all(shot.document) <= 5  # A, the random sample, B, play, the drag


def test_undo_in_mid_play_ends_it_where_it_began(shot, qtbot):
    morph = playing(shot)
    before = shot.document.b
    shot.document.undo()
    qtbot.wait(100)
    assert torch.equal(shot.document.z, before)
    assert not morph.play.isChecked()
    assert shot.document.can_redo


def test_what_a_person_does_in_mid_play_ends_it(shot, qtbot):
    morph = playing(shot)
    shot.document.random()
    z = shot.document.z
    qtbot.wait(100)
    assert torch.equal(shot.document.z, z)
    assert not morph.play.isChecked()


def test_play_goes_on_over_another_generator_of_the_same_latent(shot, tmp_path, qtbot):
    twin = zoo.save_model(tmp_path / "twin", Checkpoint(make_generator(seed=1)))
    morph = playing(shot)
    open_and_wait(shot, str(twin.path))
    assert morph.play.isChecked()


def test_undo_in_mid_drag_goes_back_and_the_rest_of_the_drag_is_one_step(shot, qtbot):
    start = shot.document.z
    canvas = shot.window.canvas
    centre = canvas.rect().center()
    qtbot.mousePress(canvas, LEFT, NONE, centre)
    move(canvas, centre + QPoint(30, 0))
    shot.document.undo()
    assert torch.equal(shot.document.z, start)
    for i in range(10):
        move(canvas, centre + QPoint(40 + i, 0))
    qtbot.mouseRelease(canvas, LEFT, NONE, centre + QPoint(50, 0))
    assert undo_all(shot.document) == 1
    assert torch.equal(shot.document.z, start)


def test_a_random_sample_soon_after_the_wheel_is_a_step_of_its_own(shot):
    turn_wheel(shot.window.canvas)
    turned = shot.document.z
    shot.document.random()
    shot.document.undo()
    assert torch.equal(shot.document.z, turned)


def test_a_double_click_that_did_not_move_the_slider_leaves_the_step_before_it_alone(shot, qtbot):
    shot.document.random()
    drawn = shot.document.z
    rect, viewport = track(shot, 2)
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.mouseClick(viewport, LEFT, shift, rect.center())
    qtbot.mouseDClick(viewport, LEFT, shift, rect.center())
    shot.document.undo()
    assert torch.equal(shot.document.z, drawn)


def test_escape_in_the_spin_box_takes_the_visit_back(shot, qtbot):
    view, start = shot.window.latent.view, shot.document.z
    qtbot.mouseClick(view.viewport(), LEFT, pos=view.number_rect(0).center() - QPoint(12, 0))
    box = view.viewport().findChild(QDoubleSpinBox)
    box.setValue(2.5)
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: view.viewport().findChild(QDoubleSpinBox) is None)
    assert torch.equal(shot.document.z, start)
    assert not shot.document.can_undo


def test_an_arrow_key_held_down_is_one_undo_step(shot, qtbot):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent

    view, start = shot.window.latent.view, shot.document.z
    view.setCurrentIndex(shot.window.latent.model.index(4))

    def key(kind, is_repeat):
        QApplication.sendEvent(view, QKeyEvent(kind, Qt.Key.Key_Right, NONE, "", is_repeat))

    key(QEvent.Type.KeyPress, False)
    for _ in range(20):
        key(QEvent.Type.KeyRelease, True)
        key(QEvent.Type.KeyPress, True)
    key(QEvent.Type.KeyRelease, False)
    assert undo_all(shot.document) == 1
    assert torch.equal(shot.document.z, start)


# -- a model that changes under a gesture ------------------------------------------------------------------


def test_a_drag_on_the_picture_ends_when_a_model_of_another_latent_opens(shot, other, qtbot):
    canvas = shot.window.canvas
    centre = canvas.rect().center()
    qtbot.mousePress(canvas, LEFT, NONE, centre)
    move(canvas, centre + QPoint(30, 0))
    open_and_wait(shot, other)
    z = shot.document.z
    move(canvas, centre + QPoint(60, 0))
    qtbot.mouseRelease(canvas, LEFT, NONE, centre + QPoint(60, 0))
    assert torch.equal(shot.document.z, z)


def test_the_picture_can_be_dragged_before_the_new_models_effects_are_measured(shot, other, qtbot, monkeypatch):
    canvas = shot.window.canvas
    monkeypatch.setattr(shot.window.effects, "measure", lambda renderer, space: None)
    open_and_wait(shot, other)
    centre = canvas.rect().center()
    drag(qtbot, canvas, centre, centre + QPoint(30, 0))
    assert shot.document.z.shape == (8,)


def test_a_slider_in_hand_is_let_go_when_a_model_of_another_latent_opens(shot, other, qtbot):
    row, start = 20, shot.document.z
    shot.window.latent.view.scrollTo(shot.window.latent.model.index(row))
    rect, viewport = track(shot, row)
    qtbot.mousePress(viewport, LEFT, NONE, rect.center())
    move(viewport, rect.center() + QPoint(10, 0))
    open_and_wait(shot, other)
    z = shot.document.z
    move(viewport, rect.center() + QPoint(30, 0))
    qtbot.mouseRelease(viewport, LEFT, NONE, rect.center() + QPoint(30, 0))
    assert torch.equal(shot.document.z, z)
    shot.document.undo()  # what the slider did before is a step
    assert torch.equal(shot.document.z, carry(start[None], NORMAL_64, shot.document.subject.space)[0])
    assert not shot.document.can_undo


def test_an_open_spin_box_goes_when_a_model_of_another_latent_opens(shot, other, qtbot):
    view = shot.window.latent.view
    qtbot.mouseClick(view.viewport(), LEFT, pos=view.number_rect(0).center() - QPoint(12, 0))
    view.viewport().findChild(QDoubleSpinBox).setValue(2.5)
    open_and_wait(shot, other)
    qtbot.waitUntil(lambda: view.viewport().findChild(QDoubleSpinBox) is None)
    for _ in range(3):
        shot.document.random()
    assert undo_all(shot.document) == 4  # the visit to the spin box was one


def test_the_wheel_does_not_end_an_edit_of_the_next_model(shot, other, qtbot):
    turn_wheel(shot.window.canvas)
    open_and_wait(shot, other)
    assert undo_all(shot.document) == 1
    qtbot.wait(EDIT_PAUSE + 100)
    assert undo_all(shot.document) == 0


def test_a_request_that_waits_is_not_rendered_by_the_next_renderer(qtbot):
    thread, frames = RenderThread(), []
    thread.frame_ready.connect(frames.append)
    thread.use(Renderer(make_generator()), None)
    thread.request(1, torch.zeros(64))
    thread.use(Renderer(make_generator(z_dim=8)), None)
    thread.start()
    qtbot.wait(50)
    thread.request(2, torch.zeros(8))
    qtbot.waitUntil(lambda: any(frame.stamp == 2 for frame in frames))
    thread.finish()
    assert [(frame.stamp, frame.error) for frame in frames] == [(2, "")]


def test_sorting_keeps_each_persistent_index_on_its_dimension(shot):
    model = shot.window.latent.model
    held = [QPersistentModelIndex(model.index(row)) for row in range(model.rowCount())]
    dimensions = [model.dimension(index.row()) for index in held]
    shot.window.latent.order.setCurrentIndex(1)
    assert [model.dimension(index.row()) for index in held] == dimensions


def test_a_file_that_cannot_be_opened_leaves_the_open_model_selected(shot, tmp_path, qtbot):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"not a model")
    models = shot.window.models
    models.add(zoo.ModelEntry("broken", path))
    item = models.list.item(models.list.count() - 1)
    models.list.setCurrentItem(item)
    models.list.itemClicked.emit(item)
    qtbot.waitUntil(lambda: "broken.safetensors" in shot.window.notices.text, timeout=10_000)
    assert models.list.currentItem().text().startswith("small")


# -- jobs that wait ----------------------------------------------------------------------------------------


def test_a_slow_measurement_keeps_no_model_from_opening(shot, other, qtbot, monkeypatch):
    from ganexplorer.ui.work import measuring

    is_free = threading.Event()

    def slow(images, prior, z_dim):
        while not is_free.wait(0.02):
            images(torch.zeros(1, z_dim))
        return torch.ones(z_dim)

    monkeypatch.setattr(measuring, "dimension_effects", slow)
    try:
        shot.window.effects.measure(shot.window.renderer, shot.document.subject.space)
        open_and_wait(shot, other)
        shot.window.close()  # does not wait for it either
    finally:
        is_free.set()


def test_two_pictures_saved_in_a_row_are_both_written_even_if_the_window_closes(shot, tmp_path, qtbot, monkeypatch):
    from PySide6.QtWidgets import QFileDialog

    paths = [tmp_path / "first.png", tmp_path / "second.png"]
    is_free = threading.Event()
    shot.window.job_thread.submit("pause", lambda: is_free.wait(10))
    for path in paths:
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, path=path, **k: (str(path), ""))
        shot.window.save_picture()
    threading.Timer(0.3, is_free.set).start()
    shot.window.close()
    assert all(path.exists() for path in paths)


# -- words -------------------------------------------------------------------------------------------------


def test_a_notice_of_one_long_word_does_not_widen_the_window(shot, qtbot):
    before = shot.window.minimumSizeHint().width()
    shot.window.notices.tell("x" * 500 + " <b>cannot</b> be read")
    qtbot.wait(50)
    assert shot.window.minimumSizeHint().width() <= before
    assert shot.window.notices._label.textFormat() == Qt.TextFormat.PlainText
