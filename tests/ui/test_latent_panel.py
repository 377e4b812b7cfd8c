"""The sliders: search, locks, solo, wheel and keys; the head; what a step changes, laid over the picture."""

import math
import time

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QObject, QPersistentModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QDoubleSpinBox
from small_models import make_generator

from ganexplorer.core.latent import Prior, truncate
from ganexplorer.core.render import Renderer
from ganexplorer.core.spec import NetworkSpec
from ganexplorer.ui import theme
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.latent import latent_delegate
from ganexplorer.ui.latent.difference import DELAY, LEAST, OPACITY, STEP, changes, signed_difference
from ganexplorer.ui.latent.latent_delegate import lock_rect, name_rect, solo_rect
from ganexplorer.ui.latent.latent_panel import LatentPanel
from ganexplorer.ui.latent.latent_search import Row, Search
from ganexplorer.ui.latent.prior_gauge import CALM, PriorGauge
from ganexplorer.ui.parts.bipolar import NEGATIVE, POSITIVE, bipolar
from ganexplorer.ui.parts.figures import ordinal, percentile_words
from ganexplorer.ui.picture.move_tool import EDIT_PAUSE
from ganexplorer.ui.work.studio import Sight, Studio

LEFT = Qt.MouseButton.LeftButton
NONE, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
Key = Qt.Key


@pytest.fixture
def panel(bench, qtbot):
    panel = LatentPanel(bench.document, bench.studio, theme.DARK)
    qtbot.addWidget(panel)
    panel.resize(340, 640)
    with qtbot.waitExposed(panel):
        panel.show()
    panel.activateWindow()
    panel.view.setFocus()
    return panel


@pytest.fixture
def document(bench):
    return bench.document


class Other:
    """A panel on another generator, its studio stopped at the end."""

    def __init__(self, qtbot, request, **arguments):
        spec = make_generator(**arguments).spec
        self.document, studio = Document(), Studio()
        request.addfinalizer(studio.stop)
        self.document.show(Subject("other", spec))
        studio.use(Sight(Renderer(make_generator(**arguments)), None))
        self.panel = LatentPanel(self.document, studio, theme.LIGHT)
        qtbot.addWidget(self.panel)
        self.panel.resize(340, 640)
        with qtbot.waitExposed(self.panel):
            self.panel.show()


def hover(widget, point):
    position = QPointF(point)
    button = Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, position, QPointF(widget.mapToGlobal(position)), button, button, NONE)
    QApplication.sendEvent(widget, event)


def turn(widget, point, notches=1.0, modifier=NONE):
    position = QPointF(point)
    event = QWheelEvent(
        position, QPointF(widget.mapToGlobal(position)), QPoint(), QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton, modifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def row_rect(panel, row):
    return panel.view.visualRect(panel.model.index(row))


def bar(panel, row):
    return panel.view.track_rect(row).center()


def pixels_of(image):
    """(H, W, 4), 0 to 255."""
    data = image.convertToFormat(QImage.Format.Format_RGB32).constBits()
    return np.frombuffer(data, np.uint8).reshape(image.height(), image.width(), 4).astype(int)


def undo_all(document):
    count = 0
    while document.can_undo:
        document.undo()
        count += 1
    return count


# -- search ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", range(8)),
        ("  ", range(8)),
        ("3", [3]),
        ("z3", [3]),
        ("Z3, 5", [3, 5]),
        ("2-4", [2, 3, 4]),
        ("4-2", [2, 3, 4]),
        ("z2-z4 7", [2, 3, 4, 7]),
        (">2", [6, 7]),
        ("<-1.5", [0]),
        (">-1 <1", [2, 3, 4]),
        ("locked", [1, 2]),
        ("lo", [1, 2]),
        ("outside", [0, 7]),
        ("outside >0", [7]),
        ("1-3 locked", [1, 2]),
        ("3-", range(8)),  # half typed
        (">", range(8)),
        (">-", range(8)),
        ("z", range(8)),
        ("99", []),
        ("foo", []),
        ("12a", []),
    ],
)
def test_a_search_finds(text, found):
    values = [-4, -1, -0.5, 0, 0.5, 1.5, 2.5, 4]
    rows = [Row(i, value, i in (1, 2), abs(value) > 3.5) for i, value in enumerate(values)]
    assert [row.dimension for row in rows if Search(text).matches(row)] == list(found)


def test_what_is_typed_filters_the_rows_and_escape_shows_all(panel, qtbot):
    qtbot.keyClick(panel.view, Key.Key_F, CONTROL)
    assert panel.search.hasFocus()
    qtbot.keyClicks(panel.search, "3-9 12")
    assert panel.model.shown == [3, 4, 5, 6, 7, 8, 9, 12]
    assert panel.model.rowCount() == 8
    qtbot.keyClick(panel.search, Key.Key_Escape)
    assert panel.search.text() == ""
    assert panel.model.rowCount() == 64
    qtbot.keyClick(panel.search, Key.Key_Return)
    assert panel.view.hasFocus()
    assert panel.view.currentIndex().isValid()


def test_the_current_dimension_stays_current_over_sorting_and_searching(panel):
    panel.view.setCurrentIndex(panel.model.index(20))
    held = QPersistentModelIndex(panel.model.index(33))

    def current():
        index = panel.view.currentIndex()
        return panel.model.dimension(index.row()) if index.isValid() else None

    panel.model.set_effects(torch.rand(64, generator=torch.Generator().manual_seed(3)))
    assert current() == 20
    assert panel.model.dimension(held.row()) == 33
    panel.search.setText("20-40")
    assert current() == 20
    assert panel.model.dimension(held.row()) == 33
    panel.search.setText("50")  # leaves it out
    assert current() is None
    assert not held.isValid()
    panel.order.setCurrentIndex(1)
    panel.search.setText("")
    assert current() == 20
    assert panel.view.selectionModel().isSelected(panel.view.currentIndex())


def test_a_row_that_is_searched_for_its_value_stays_while_it_is_dragged(panel, document, qtbot):
    document.set_dimension(5, 2.5)
    panel.search.setText(">2.4")
    row = panel.model.row(5)
    track, viewport = panel.view.track_rect(row), panel.view.viewport()
    shown = panel.model.shown
    qtbot.mousePress(viewport, LEFT, NONE, bar(panel, row))
    assert float(document.z[5]) == pytest.approx(0, abs=0.05)
    assert panel.model.shown == shown
    qtbot.mouseRelease(viewport, LEFT, NONE, track.center())
    assert panel.model.row(5) == -1


def test_what_is_left_out_still_moves_and_is_undone(panel, document):
    panel.search.setText("3")
    document.set_dimension(7, 1.25)
    document.undo()
    document.redo()
    panel.search.setText("")
    assert panel.model.value(panel.model.row(7)) == 1.25


def test_a_search_that_finds_nothing_says_so(panel, qtbot):
    before = panel.view.grab().toImage()
    panel.search.setText("foo")
    assert panel.model.rowCount() == 0
    assert panel.view.grab().toImage() != before
    qtbot.keyClick(panel.view, Key.Key_Right)  # nothing in hand


# -- locks and solo ----------------------------------------------------------------------------------------


def test_a_click_on_the_padlock_locks_and_nothing_moves_the_row(panel, document, qtbot):
    start, viewport = document.z, panel.view.viewport()
    row, dimension = 3, panel.model.dimension(3)
    qtbot.mouseClick(viewport, LEFT, NONE, lock_rect(row_rect(panel, row)).center())
    assert document.locked == {dimension}
    qtbot.mouseClick(viewport, LEFT, NONE, bar(panel, row) + QPoint(20, 0))
    qtbot.mouseDClick(viewport, LEFT, NONE, bar(panel, row) + QPoint(20, 0))
    turn(viewport, bar(panel, row), 3, CONTROL)
    panel.view.setCurrentIndex(panel.model.index(row))
    for key, modifier in (
        (Key.Key_Right, NONE), (Key.Key_Delete, NONE), (Key.Key_End, CONTROL), (Key.Key_PageUp, CONTROL),
        (Key.Key_Return, NONE), (Key.Key_F2, NONE),
    ):  # fmt: skip
        qtbot.keyClick(panel.view, key, modifier)
    qtbot.mouseClick(viewport, LEFT, NONE, panel.view.number_rect(row).center())
    assert viewport.findChild(QDoubleSpinBox) is None
    assert torch.equal(document.z, start)
    panel.reset_all.trigger()
    assert document.z.nonzero().flatten().tolist() == [dimension]
    assert float(document.z[dimension]) == float(start[dimension])
    document.undo()
    assert undo_all(document) == 1  # the lock
    assert not document.locked


def test_l_locks_and_unlocks_the_current_row(panel, document, qtbot):
    panel.view.setCurrentIndex(panel.model.index(6))
    qtbot.keyClick(panel.view, Key.Key_L)
    assert document.locked == {6}
    assert "locked" in panel.model.index(6).data(Qt.ItemDataRole.AccessibleTextRole)
    qtbot.keyClick(panel.view, Key.Key_L)
    assert document.locked == frozenset()


def test_a_locked_row_looks_locked(panel, document):
    before = panel.view.viewport().grab(row_rect(panel, 2)).toImage()
    document.set_locks(frozenset({2}))
    assert panel.view.viewport().grab(row_rect(panel, 2)).toImage() != before


def test_the_menu_locks_what_is_shown_and_unlocks_all(panel, document):
    panel.search.setText("3-5")
    panel.more.menu().aboutToShow.emit()
    assert panel.lock_shown.isEnabled()
    assert not panel.unlock_all.isEnabled()
    panel.lock_shown.trigger()
    assert document.locked == {3, 4, 5}
    panel.more.menu().aboutToShow.emit()
    assert not panel.lock_shown.isEnabled()
    panel.search.setText("locked")
    assert panel.model.shown == [3, 4, 5]
    panel.unlock_all.trigger()
    assert not document.locked
    assert panel.model.shown == []
    assert undo_all(document) == 2


@pytest.mark.parametrize("way", ["key", "button"])
def test_solo_and_back(panel, document, qtbot, way):
    start = document.z
    panel.view.setCurrentIndex(panel.model.index(4))

    def solo():
        if way == "key":
            qtbot.keyClick(panel.view, Key.Key_S)
        else:
            qtbot.mouseClick(panel.view.viewport(), LEFT, NONE, solo_rect(row_rect(panel, 4)).center())

    solo()
    assert document.z.nonzero().flatten().tolist() == [4]
    assert float(document.z[4]) == float(start[4])
    assert panel.model.soloed == 4
    solo()
    assert torch.equal(document.z, start)
    assert panel.model.soloed == -1
    document.undo()
    document.undo()
    assert document.z is start


def test_letters_on_the_rows_are_no_shortcuts_of_the_window(panel):
    for key, is_ours in ((Key.Key_L, True), (Key.Key_S, True), (Key.Key_D, True), (Key.Key_R, False)):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, NONE)
        event.ignore()
        QApplication.sendEvent(panel.view, event)
        assert event.isAccepted() == is_ours


# -- wheel and keys ----------------------------------------------------------------------------------------


def test_the_wheel_with_control_turns_a_slider_in_one_undo_step(panel, document, qtbot):
    start, viewport = document.z, panel.view.viewport()
    for _ in range(5):
        turn(viewport, bar(panel, 2), 1, CONTROL)
    turn(viewport, bar(panel, 2), -1, CONTROL | SHIFT)
    assert float(document.z[2]) == pytest.approx(float(start[2]) + 0.48, abs=1e-5)
    assert document.z.ne(start).nonzero().flatten().tolist() == [2]
    qtbot.waitSignal(document.history_changed, timeout=10 * EDIT_PAUSE).wait()
    assert undo_all(document) == 1
    assert document.z is start


def test_turns_of_two_sliders_are_two_steps(panel, document):
    for row in (2, 2, 3):
        turn(panel.view.viewport(), bar(panel, row), 1, CONTROL)
    assert undo_all(document) == 2


def test_the_plain_wheel_scrolls_but_turns_the_current_slider_under_it(panel, document, qtbot, monkeypatch):
    start, viewport = document.z, panel.view.viewport()
    panel.view.setCurrentIndex(panel.model.index(2))
    turn(viewport, bar(panel, 2), 1)
    assert float(document.z[2]) == pytest.approx(float(start[2]) + 0.1, abs=1e-5)
    moved = document.z
    turn(viewport, bar(panel, 5), -1)
    assert document.z is moved
    scrolled = panel.view.verticalScrollBar().value()
    assert scrolled > 0
    panel.view.setCurrentIndex(panel.model.index(9))
    turn(viewport, bar(panel, 9), -1)  # in the middle of scrolling
    assert document.z is moved
    assert panel.view.verticalScrollBar().value() > scrolled
    qtbot.wait(EDIT_PAUSE + 50)
    turn(viewport, bar(panel, 9), -1)
    assert document.z is not moved


def test_scrolling_leaves_nothing_of_a_row_that_was_pointed_at(panel):
    def on_screen():  # not `grab`, which would paint it anew
        QApplication.processEvents()
        return panel.screen().grabWindow(panel.winId()).toImage()

    viewport, place = panel.view.viewport(), bar(panel, 4)
    still = on_screen()
    hover(viewport, place)
    assert on_screen() != still
    turn(viewport, place, -1)
    scrolled = on_screen()
    viewport.update()
    assert on_screen() == scrolled


def test_rows_that_are_kept_as_pictures_look_as_if_painted_anew(panel, document, qtbot):
    viewport, delegate = panel.view.viewport(), panel.view.itemDelegate()

    def both():
        """The rows with what is kept of them, twice, and each painted anew."""
        kept = [viewport.grab().toImage() for _ in range(2)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delegate, "_forget_outdated", lambda option: setattr(delegate, "_pixels", 0.0))
            anew = viewport.grab().toImage()
        return [pixels_of(image) for image in (*kept, anew)]

    seen = []
    for change in (
        lambda: None,
        document.random,
        lambda: panel.model.set_effects(torch.linspace(9, 0, len(document.z))),
        lambda: panel.view.toggle_lock(3),
        lambda: panel.view.setCurrentIndex(panel.model.index(2)),
        lambda: hover(viewport, row_rect(panel, 4).center()),
        lambda: hover(viewport, lock_rect(row_rect(panel, 1)).center()),
        lambda: hover(viewport, solo_rect(row_rect(panel, 5)).center()),
        lambda: document.solo(5),
        lambda: document.set_dimension(5, 40.0),
        lambda: panel.resize(420, 640),
        lambda: panel.set_theme(theme.LIGHT),
    ):
        change()
        QApplication.processEvents()
        first, again, anew = both()
        assert (first == again).all()
        assert abs(first - anew).max() <= 2  # of 255, where thin lines are blended
        assert not any(np.array_equal(first, other) for other in seen)
        seen.append(first)
    assert len(delegate._kept) <= panel.model.rowCount()  # those of the theme before are gone


def test_rows_are_kept_while_a_training_shows_its_weights_and_take_little_memory(panel, document, monkeypatch):
    delegate, spec = panel.view.itemDelegate(), document.subject.spec
    panel.view.viewport().grab()
    kept = dict(delegate._kept)
    assert kept
    document.show(Subject("the same, newer", NetworkSpec.from_json(spec.to_json())))
    panel.view.viewport().grab()
    assert all(delegate._kept[key] is pixmap for key, pixmap in kept.items())
    monkeypatch.setattr(latent_delegate, "KEPT_BYTES", 4 * 5 * 340 * 26)
    for _ in range(3):
        panel.view.viewport().grab()
        assert len(delegate._kept) <= 8


def test_a_mark_of_many_values_fits(qtbot, request):
    other = Other(qtbot, request, z_dim=1024)
    other.document.set_z(torch.full((1024,), 4.0))
    QApplication.processEvents()
    assert other.panel.outside.text() == "1024 outside"
    assert other.panel.outside.width() >= other.panel.outside.sizeHint().width()


def test_keys_move_the_current_slider_and_not_others(panel, document, qtbot):
    start = document.z
    panel.view.setCurrentIndex(panel.model.index(4))
    value = float(start[4])
    for key, modifier, expected in (
        (Key.Key_Right, NONE, value + 0.1),
        (Key.Key_Left, SHIFT, value + 0.08),
        (Key.Key_PageUp, CONTROL, value + 1.08),
        (Key.Key_PageDown, CONTROL, value + 0.08),
        (Key.Key_End, CONTROL, 3.5),
        (Key.Key_Home, CONTROL, -3.5),
        (Key.Key_Delete, NONE, 0.0),
    ):
        qtbot.keyClick(panel.view, key, modifier)
        assert float(document.z[4]) == pytest.approx(expected, abs=1e-5)
    assert panel.view.currentIndex().row() == 4
    qtbot.keyClick(panel.view, Key.Key_Down)
    assert panel.view.currentIndex().row() == 5
    assert undo_all(document) == 7
    assert document.z is start


def test_a_step_is_a_part_of_the_priors_standard_deviation(qtbot, request):
    other = Other(qtbot, request, z_dim=5, prior=Prior.uniform(0.0, 6.0))
    document, panel = other.document, other.panel
    start = float(document.z[1])
    turn(panel.view.viewport(), bar(panel, 1), 1, CONTROL)
    assert float(document.z[1]) == pytest.approx(start + 0.1 * 6 / math.sqrt(12), abs=1e-5)


class PaintedRects(QObject):
    """The parts of a widget that were painted."""

    def __init__(self, widget):
        super().__init__(widget)
        self.rects = []
        widget.installEventFilter(self)

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            self.rects.append(event.rect())
        return False


def test_a_slider_in_hand_repaints_its_own_row_alone(panel, document, qtbot):
    painted = PaintedRects(panel.view.viewport())
    panel.view.viewport().update()
    qtbot.waitUntil(lambda: panel.view.viewport().rect() in painted.rects)
    qtbot.wait(50)
    painted.rects.clear()
    document.set_dimension(panel.model.dimension(1), 0.25)
    qtbot.waitUntil(lambda: bool(painted.rects))
    qtbot.wait(50)
    assert all(rect == row_rect(panel, 1) for rect in painted.rects)


def test_a_held_key_is_one_step(panel, document):
    start = document.z
    panel.view.setCurrentIndex(panel.model.index(4))
    for kind, is_repeat in [(QEvent.Type.KeyPress, i > 0) for i in range(10)] + [(QEvent.Type.KeyRelease, False)]:
        QApplication.sendEvent(panel.view, QKeyEvent(kind, Key.Key_PageUp, CONTROL, "", is_repeat))
    assert float(document.z[4]) == pytest.approx(float(start[4]) + 10, abs=1e-4)
    assert undo_all(document) == 1


# -- the head ----------------------------------------------------------------------------------------------


def test_a_value_outside_the_prior_moves_nothing_under_the_hand(panel, document):
    document.zero()
    QApplication.processEvents()
    hint, track = panel.minimumSizeHint().width(), panel.view.track_rect(0)
    document.set_z(torch.where(torch.arange(64) < 3, 3.6, document.z))
    QApplication.processEvents()
    assert panel.minimumSizeHint().width() == hint <= panel.sizeHint().width()
    assert panel.view.track_rect(0) == track


def test_what_is_outside_the_prior_is_counted_and_found(panel, document, qtbot):
    document.zero()
    assert not panel.outside.isVisible()
    document.set_z(torch.where(torch.arange(64) < 3, 3.6, document.z))
    assert panel.outside.isVisible()
    assert panel.outside.text() == "3 outside"
    panel.as_palette.click()
    qtbot.mouseClick(panel.outside, LEFT)
    assert panel.as_sliders.isChecked()
    assert panel.model.shown == [0, 1, 2]
    document.undo()
    assert panel.model.shown == []


def test_a_value_at_the_bound_that_float32_rounds_is_inside(qtbot, request):
    other = Other(qtbot, request, z_dim=1, prior=Prior.constant(0.1), image_shape=(1, 1, 4))
    document, panel = other.document, other.panel
    assert panel.model.outside == frozenset()
    document.set_dimension(0, 0.2)
    assert panel.model.outside == {0}


def caught_up(qtbot, gauge):
    qtbot.waitUntil(lambda: not gauge.is_behind)
    return gauge


def test_the_gauge_tells_norm_and_percentile(panel, document, qtbot):
    document.set_z(torch.full((64,), 1.0))
    caught_up(qtbot, panel.gauge)
    assert panel.gauge.norm == pytest.approx(8)
    # the chi-square distribution of 64 degrees of freedom has 52.35 % below 64
    assert panel.gauge.percentile == pytest.approx(52.35, abs=0.01)
    assert panel.gauge.text == f"|z| 8.00 · {ordinal(round(panel.gauge.percentile))} percentile"
    assert not panel.gauge.is_unusual
    samples = torch.randn(20_000, 64, generator=torch.Generator().manual_seed(0)).norm(dim=1)
    assert panel.gauge.percentile == pytest.approx(100 * float((samples < 8).float().mean()), abs=1.5)
    document.zero()
    assert caught_up(qtbot, panel.gauge).is_unusual
    assert panel.gauge.text == "|z| 0.00 · nearer than 99.9 % of samples"
    document.set_z(torch.full((64,), 3.0))
    assert caught_up(qtbot, panel.gauge).is_unusual
    assert "beyond 99.9 %" in panel.gauge.text


def test_the_gauge_follows_a_drag_calmly_and_ends_at_its_end(panel, document, qtbot, monkeypatch):
    caught_up(qtbot, panel.gauge)
    told = []
    monkeypatch.setattr(panel.gauge, "setToolTip", told.append)
    qtbot.wait(2 * CALM)
    for step in range(1, 41):
        document.set_dimension(0, step / 4)
    assert len(told) == 1  # the first at once
    assert caught_up(qtbot, panel.gauge).norm == pytest.approx(float(document.z.norm()))
    assert len(told) == 2


def test_the_mark_of_an_unusual_distance_is_amber(panel, document, qtbot):
    amber = QColor(theme.DARK.warning)

    def is_amber():
        image = caught_up(qtbot, panel.gauge).grab().toImage()
        colors = {image.pixelColor(x, image.height() - 10).rgb() for x in range(image.width())}
        return amber.rgb() in colors

    document.set_z(torch.full((64,), 1.0))
    assert not is_amber()
    document.set_z(torch.full((64,), 1.5))
    assert is_amber()


@pytest.mark.parametrize(
    "prior", [Prior.normal(), Prior.uniform(), Prior.uniform(0.0, 6.0), Prior.constant(0.5)], ids=str
)
@pytest.mark.parametrize("z_dim", [1, 2, 100])
def test_the_gauge_works_for_every_prior(qtbot, prior, z_dim):
    gauge = PriorGauge(theme.LIGHT)
    qtbot.addWidget(gauge)
    gauge.resize(300, 40)
    gauge.grab()  # before the first latent
    gauge.show_latent(torch.full((z_dim,), prior.center), prior)
    gauge.grab()
    assert caught_up(qtbot, gauge).norm == 0
    assert gauge.is_unusual == bool(prior.std)
    gauge.show_latent(torch.full((z_dim,), 40.0), prior)
    caught_up(qtbot, gauge).grab()
    assert gauge.is_unusual
    if prior.std:
        assert gauge.percentile == 100
    else:
        assert math.isnan(gauge.percentile)
        assert "one value" in gauge.text


def test_percentiles_in_words():
    ordinals = [1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 99, 101, 111]
    expected = "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 23rd 99th 101st 111th"
    assert " ".join(ordinal(i) for i in ordinals) == expected
    assert percentile_words(0.2) == "1st percentile"
    assert percentile_words(99.8) == "99th percentile"
    assert percentile_words(math.nan) == ""


# -- truncation --------------------------------------------------------------------------------------------


def test_a_drag_of_the_truncation_is_one_undo_step(panel, document, qtbot):
    start, slider = document.z, panel.truncation.slider
    y = slider.height() // 2
    x = round(4 + (slider.width() - 8) * 1.0 / 1.5)
    qtbot.mousePress(slider, LEFT, NONE, QPoint(x, y))
    assert slider.isSliderDown()
    for i in range(1, 9):
        event = QMouseEvent(
            QEvent.Type.MouseMove, QPointF(x - 8 * i, y), QPointF(slider.mapToGlobal(QPoint(x - 8 * i, y))),
            Qt.MouseButton.NoButton, LEFT, NONE,
        )  # fmt: skip
        QApplication.sendEvent(slider, event)
    qtbot.mouseRelease(slider, LEFT, NONE, QPoint(x - 64, y))
    truncation = document.truncation
    assert 0.4 < truncation < 0.9
    assert panel.truncation.number == f"{truncation:.2f}"
    assert torch.equal(document.z, truncate(start, document.prior, truncation))
    assert undo_all(document) == 1
    assert document.z is start
    assert document.truncation == 1
    assert panel.truncation.number == "1.00"
    assert slider.value() == 100


def test_keys_on_the_truncation_in_quick_succession_are_one_step_and_delete_resets(panel, document, qtbot):
    slider = panel.truncation.slider
    slider.setFocus()
    for _ in range(4):
        qtbot.keyClick(slider, Key.Key_Left)
    assert document.truncation == pytest.approx(0.96)
    qtbot.keyClick(slider, Key.Key_Delete)
    assert document.truncation == 1
    assert undo_all(document) == 2
    document.set_truncation(0.3)
    qtbot.mouseDClick(slider, LEFT, NONE, slider.rect().center())
    assert document.truncation == 1
    document.set_truncation(0.3)
    label = panel.truncation.layout().itemAt(2).widget()
    qtbot.mouseDClick(label, LEFT)
    assert document.truncation == 1


def test_a_truncation_off_the_slider_is_shown_and_kept(panel, document):
    document.set_truncation(1.777)
    assert panel.truncation.number == "1.78"
    assert document.truncation == 1.777


# -- the difference ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 8, 6), (2, 5, 5), (1, 1, 4)])
def test_the_difference_is_that_of_two_pictures(shape):
    generator = make_generator(seed=3, z_dim=6, image_shape=shape)
    z = torch.randn(6, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        after, before = (generator((z + way * 0.4 * torch.eye(6)[2])[None])[0] for way in (1, -1))
    channels = 3 if shape[0] == 3 else 1
    expected = (after - before)[:channels].mean(0).numpy() / 2
    sight = Sight(Renderer(generator), None)
    found = changes(sight, z, 2, 0.4)
    assert np.allclose(found, expected, atol=1e-5)
    assert np.abs(found).max() > LEAST
    image = signed_difference(sight, z, 2, 0.4)
    assert (image.height(), image.width()) == shape[1:]
    strongest = np.abs(expected).max()
    for y in range(shape[1]):
        for x in range(shape[2]):
            color, value = image.pixelColor(x, y), expected[y, x]
            assert color.alpha() == pytest.approx(OPACITY * abs(value) / strongest, abs=1)
            if abs(value) > 0.01:
                assert color.rgb() & 0xFFFFFF == QColor(POSITIVE if value > 0 else NEGATIVE).rgb() & 0xFFFFFF


def test_a_change_that_cannot_be_seen_is_not_blown_up():
    generator = make_generator(seed=3, z_dim=6)
    image = signed_difference(Sight(Renderer(generator), None), torch.zeros(6), 2, 1e-5)
    assert max(image.pixelColor(x, y).alpha() for x in range(28) for y in range(28)) < 5


def test_the_two_hues_are_told_apart_without_red_or_green_and_are_not_those_of_d_and_g():
    # Viénot, Brettel and Mollon 1999, on linear RGB
    protan = torch.tensor([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]])
    deutan = torch.tensor([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])

    def linear(name):
        color = QColor(name)
        return torch.tensor([color.redF(), color.greenF(), color.blueF()]) ** 2.2

    for matrix in (torch.eye(3), protan, deutan):
        seen = {name: (matrix @ linear(name)).clamp(0, 1) ** (1 / 2.2) for name in (POSITIVE, NEGATIVE)}
        assert float((seen[POSITIVE] - seen[NEGATIVE]).norm()) > 0.4
    for ours in (POSITIVE, NEGATIVE):
        for theirs in (theme.D_COLOR, theme.G_COLOR):
            assert float((linear(ours) ** (1 / 2.2) - linear(theirs) ** (1 / 2.2)).norm()) > 0.3
    neutral = QColor(theme.DARK.track)
    assert bipolar(0.0, neutral) == neutral
    assert bipolar(2.0, neutral) == QColor(POSITIVE)
    assert bipolar(-1.0, neutral) == QColor(NEGATIVE)


@pytest.fixture
def told(panel):
    """What was laid over the picture, newest last."""
    told = []
    panel.overlay.connect(lambda image, caption: told.append((image, caption)))
    return told


def test_resting_on_a_bar_or_a_name_shows_the_difference_and_leaving_takes_it_away(panel, bench, told, qtbot):
    viewport = panel.view.viewport()
    hover(viewport, bar(panel, 3))
    assert told == []
    qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    image, caption = told[-1]
    assert caption.startswith("z3 +0.5 std")
    assert image == signed_difference(bench.sight, bench.document.z, 3, STEP)
    hover(viewport, name_rect(row_rect(panel, 4)).center())
    assert told[-1] == (None, "")
    qtbot.waitUntil(lambda: told[-1][0] is not None, timeout=10_000)
    assert told[-1][1].startswith("z4")
    QApplication.sendEvent(viewport, QEvent(QEvent.Type.Leave))
    assert told[-1] == (None, "")
    assert not bench.document.can_undo


@pytest.mark.parametrize("deed", ["press", "wheel", "edit"])
def test_the_difference_goes_when_anything_happens(panel, bench, told, qtbot, deed):
    viewport = panel.view.viewport()
    hover(viewport, bar(panel, 3))
    qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    if deed == "press":
        qtbot.mouseClick(viewport, LEFT, NONE, bar(panel, 3))
    elif deed == "wheel":
        turn(viewport, bar(panel, 3), 1, CONTROL)
    else:
        bench.document.random()
    assert told[-1] == (None, "")
    count = len(told)
    qtbot.wait(2 * DELAY)
    assert len(told) == count


def test_passing_over_the_rows_shows_nothing(panel, told, qtbot):
    for row in range(6):
        hover(panel.view.viewport(), bar(panel, row))
    hover(panel.view.viewport(), panel.view.number_rect(5).center())
    qtbot.wait(2 * DELAY)
    assert told == []


def test_holding_d_shows_the_difference_of_the_current_row(panel, bench, told, qtbot):
    panel.view.setCurrentIndex(panel.model.index(7))
    qtbot.keyPress(panel.view, Key.Key_D)
    qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    assert told[-1][1].startswith("z7")
    qtbot.keyRelease(panel.view, Key.Key_D)
    assert told[-1] == (None, "")
    assert len(told) == 2


def test_new_weights_show_the_difference_anew(panel, bench, told, qtbot):
    hover(panel.view.viewport(), bar(panel, 3))
    qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    sight = Sight(Renderer(make_generator(seed=9)), None)
    bench.studio.use(sight)
    bench.document.show(Subject("small", sight.renderer.spec, step=7))
    qtbot.waitUntil(lambda: len(told) > 1, timeout=10_000)
    assert told[-1][0] == signed_difference(sight, bench.document.z, 3, STEP)


def test_an_answer_for_what_is_no_longer_pointed_at_is_dropped(panel, bench, told, qtbot):
    panel.lens.peek(2)
    panel.lens.peek(5)
    qtbot.waitUntil(lambda: bool(told), timeout=10_000)
    panel.lens.clear()
    assert [caption[:2] for image, caption in told if image is not None] == ["z5"]


def test_a_line_of_numbers_has_no_overlay(qtbot, request):
    panel = Other(qtbot, request, z_dim=1, prior=Prior.constant(0.5), image_shape=(1, 1, 4)).panel
    told = []
    panel.overlay.connect(lambda image, caption: told.append(image))
    panel.lens.peek(0)
    qtbot.wait(50)
    assert told == []


# -- models that come and go -------------------------------------------------------------------------------


def test_without_a_model_the_panel_says_what_to_do(qtbot, request):
    studio = Studio()
    request.addfinalizer(studio.stop)
    panel = LatentPanel(Document(), studio, theme.LIGHT)
    qtbot.addWidget(panel)
    panel.resize(340, 640)
    panel.show()
    assert panel.model.rowCount() == 0
    assert not panel.truncation.isEnabled()
    panel.grab()
    panel.as_palette.click()
    panel.grab()


@pytest.mark.parametrize(
    ("z_dim", "prior"), [(1, Prior.constant(0.5)), (1, Prior.normal()), (100, Prior.uniform()), (7, Prior.normal(1, 3))]
)
def test_another_latent_space_gets_rows_of_its_own(panel, bench, qtbot, z_dim, prior):
    panel.search.setText("60-63")
    generator = make_generator(seed=2, z_dim=z_dim, prior=prior)
    bench.studio.use(Sight(Renderer(generator), None))
    bench.document.show(Subject("other", generator.spec))
    panel.search.clear()
    assert panel.model.rowCount() == z_dim
    assert str(z_dim) in panel.search.placeholderText()
    panel.model.set_effects(torch.rand(z_dim))
    bench.document.set_dimension(z_dim - 1, 0.25)
    assert panel.model.value(panel.model.row(z_dim - 1)) == 0.25
    for page in (panel.as_palette, panel.as_sliders):
        page.click()
        panel.set_theme(theme.LIGHT)
        panel.grab()


def test_new_weights_of_the_same_latent_keep_row_search_and_locks(panel, bench):
    panel.search.setText("3-9")
    panel.view.setCurrentIndex(panel.model.index(2))
    bench.document.set_locks(frozenset({4}))
    bench.document.show(Subject("small", bench.subject.spec, step=12))
    assert panel.view.currentIndex().row() == 2
    assert panel.model.shown == list(range(3, 10))
    assert bench.document.locked == {4}


def test_a_hundred_rows_are_painted_in_a_moment(qtbot, request):
    panel = Other(qtbot, request, z_dim=100).panel
    panel.model.set_effects(torch.rand(100))
    panel.resize(340, 200 + 100 * 26)
    panel.view.grab()
    took = []
    for _ in range(5):
        begin = time.thread_time()  # others may keep the machine busy
        panel.view.grab()
        took.append(time.thread_time() - begin)
    assert min(took) < 0.1  # a bound against mistakes, not a measurement


def test_everything_has_a_name_and_a_tip_and_fits(panel):
    panel.model.set_effects(torch.rand(64))
    named = (panel.view, panel.gauge, panel.truncation.slider, panel.search, panel.order, panel.more,
             panel.as_sliders, panel.as_palette, panel.page.brush, panel.page.palette_view)  # fmt: skip
    assert all(widget.accessibleName() for widget in named)
    tipped = (panel.gauge, panel.truncation.slider, panel.search, panel.order, panel.more, panel.as_sliders,
              panel.as_palette, panel.page.brush, panel.outside)  # fmt: skip
    assert all(widget.toolTip() for widget in tipped)
    assert all(panel.model.index(row).data(Qt.ItemDataRole.ToolTipRole) for row in (0, 63))
    assert panel.minimumSizeHint().width() <= 360
