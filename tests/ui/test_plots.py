"""The charts of a run: what they show, and how a hand and the keys move about in them."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QToolButton, QVBoxLayout, QWidget

from ganexplorer.train.events import Scalars
from ganexplorer.train.losses import LossName
from ganexplorer.ui.parts.panel_parts import MINUS
from ganexplorer.ui.plots.chart_axis import ChartAxis
from ganexplorer.ui.plots.chart_words import NOT_FINITE, NOT_MEASURED, WIDEST, WORDS, number, place_words
from ganexplorer.ui.plots.end_labels import EndLabel, part
from ganexplorer.ui.plots.frame import STEPS, growing, padded
from ganexplorer.ui.plots.phase_chart import PhaseChart, trail
from ganexplorer.ui.plots.plots import TABS, LossPlots
from ganexplorer.ui.plots.read_out import ReadOut, Slot
from ganexplorer.ui.plots.record import FIELDS, Record
from ganexplorer.ui.plots.run_chart import RunChart
from ganexplorer.ui.plots.series import last_finite
from ganexplorer.ui.theme import D_COLOR, DARK, G_COLOR, LIGHT, REAL_COLOR

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


def point(step: int, **fields: float) -> Scalars:
    """A point whose losses and verdicts can be told from its step."""
    values = {"epoch": step / 100, "d_loss": 1 + math.sin(step / 50), "g_loss": 3 + math.cos(step / 70)}
    values |= {"d_real": 0.75, "d_fake_before": 0.25, "d_fake_after": 0.375, "seconds": step / 10}
    values |= {"d_grad": 2.0, "g_grad": 20.0, "diversity": 0.9}
    is_judged = step > 0 and step % 100 == 0  # measured seldom
    values |= {"distance": 9000 / step if is_judged else math.nan}
    judged = {"precision": 0.7, "recall": 0.4, "sure": 0.6}
    values |= judged if is_judged else dict.fromkeys(judged, math.nan)
    values |= fields
    return Scalars(step, **{name: values.get(name, 0.5) for name in FIELDS if name != "step"})


def points(first: int, stop: int) -> list[Scalars]:
    return [point(step) for step in range(first, stop)]


class Stage:
    """Charts on a panel of their own."""

    def __init__(self, qtbot: Any) -> None:
        self.qtbot = qtbot
        self.plots = LossPlots(DARK)
        self.host = QWidget()
        layout = QVBoxLayout(self.host)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.plots.widget)
        self.host.resize(480, 360)
        self.notices: list[str] = []
        self.plots.notice.connect(self.notices.append)
        self.host.show()
        qtbot.waitExposed(self.host)

    @property
    def chart(self) -> Any:
        return self.plots.current

    def show(self, title: str) -> Any:
        bar = self.plots.tabs
        self.qtbot.mouseClick(bar, LEFT, pos=bar.tabRect(TABS.index(title)).center())
        assert self.chart.isVisible()
        return self.chart

    def at(self, x: float, y: float) -> QPoint:
        """The pixel at a share of the width and of the height of the curves."""
        area = self.chart.frame.area
        return QPoint(round(area.left() + x * area.width()), round(area.top() + y * area.height()))

    def move(self, x: float, y: float = 0.5) -> None:
        self.qtbot.mouseMove(self.chart.viewport(), self.at(x, y))

    def drag(self, start: tuple[float, float], stop: tuple[float, float]) -> None:
        viewport = self.chart.viewport()
        self.qtbot.mousePress(viewport, LEFT, pos=self.at(*start))
        for share in (0.3, 0.7, 1.0):
            way = [a + share * (b - a) for a, b in zip(start, stop, strict=True)]
            self.qtbot.mouseMove(viewport, self.at(*way))
        self.qtbot.mouseRelease(viewport, LEFT, pos=self.at(*stop))

    def wheel(self, notches: int, x: float = 0.5) -> QWheelEvent:
        viewport, place = self.chart.viewport(), QPointF(self.at(x, 0.5))
        event = QWheelEvent(
            place, viewport.mapToGlobal(place), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, NONE,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(viewport, event)
        return event

    def key(self, *keys: Qt.Key) -> None:
        for key in keys:
            self.qtbot.keyClick(self.chart, key)

    def settle(self) -> None:
        """Wait until what came in is drawn."""
        self.qtbot.waitUntil(lambda: not self.plots._timer.isActive())


@pytest.fixture
def stage(qtbot: Any) -> Iterator[Stage]:
    stage = Stage(qtbot)
    yield stage
    stage.plots.stop_writing()
    stage.plots._timer.stop()
    stage.host.close()
    stage.host.deleteLater()


@pytest.fixture
def run(stage: Stage) -> Stage:
    """A run of 1,000 points."""
    stage.plots.append(points(1, 1001))
    stage.settle()
    return stage


def colors_of(image: QImage) -> set[str]:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32) & 0xFFFFFF
    return {f"#{color:06x}" for color in np.unique(pixels).tolist()}


# -- when charts are made and drawn ------------------------------------------------------------------------


def test_a_chart_is_made_when_it_is_first_shown_with_something_to_draw(stage: Stage) -> None:
    assert stage.plots.made == []
    stage.plots.append(points(1, 10))
    assert stage.plots.made == ["Losses"]
    stage.show("Gradients")
    assert stage.plots.made == ["Losses", "Gradients"]
    assert isinstance(stage.plots.losses, RunChart)
    assert isinstance(stage.plots.phase, PhaseChart)
    assert stage.plots.losses.viewport() is not None


def test_what_is_not_seen_is_not_drawn_and_news_are_drawn_together(run: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(RunChart, "_draw", lambda chart, frame: drawn.append(chart._page.title))
    for begin in range(1001, 1100, 10):
        run.plots.append(points(begin, begin + 10))
    run.settle()
    assert drawn == ["Losses"]
    run.show("Gradients")
    assert drawn == ["Losses", "Gradients"]
    run.host.hide()
    run.plots.append(points(2000, 2010))
    assert not run.plots._timer.isActive()
    run.host.show()
    assert drawn == ["Losses", "Gradients", "Gradients"]


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_every_chart_shows_its_colours_in_both_themes(run: Stage, theme: Any) -> None:
    run.plots.set_theme(theme)
    wanted = {
        "Losses": {D_COLOR, G_COLOR},
        "Phase": {theme.accent},
        "Verdicts": {G_COLOR},
        "Gradients": {D_COLOR, G_COLOR},
        "Quality": {G_COLOR, REAL_COLOR},
        "Distance": {G_COLOR},
    }
    for title in TABS:
        assert wanted[title] | {theme.surface} <= colors_of(run.show(title).grab().toImage())


@pytest.mark.parametrize("width", [340, 900])
def test_nothing_stands_out_of_a_narrow_or_wide_panel(run: Stage, width: int) -> None:
    run.host.resize(width, 290)
    for title in TABS:
        run.show(title)
        run.move(0.5)
        check_fit(run, width)


def check_fit(run: Stage, width: int) -> None:
    chart = run.chart
    assert run.host.width() == width
    for widget in (run.plots.settings, *run.plots.settings.findChildren(QWidget), run.plots.tabs, chart):
        if widget.isVisible() and widget.window() is run.host:
            right = widget.mapTo(run.host, QPoint(widget.width(), 0)).x()
            assert right <= width - 12, widget
    tabs = run.plots.tabs
    assert tabs.tabRect(tabs.count() - 1).right() < tabs.width()
    assert chart.frame.area.width() > 140
    if isinstance(chart, RunChart):
        metrics = QFontMetricsF(chart._small_font())
        for label in chart._ends:
            assert chart._end_x + 4 + metrics.horizontalAdvance(label.words) <= chart.width()


# -- what is read ------------------------------------------------------------------------------------------


def test_what_is_measured_seldom_is_read_as_it_was_last(run: Stage) -> None:
    chart = run.show("Distance")
    assert chart.end_labels == ["9.000"]  # of step 1,000
    run.plots.append([point(step, distance=math.nan) for step in range(1001, 1200)])
    run.plots.redraw()
    assert chart.end_labels == ["9.000"]
    index = 649
    assert chart._readings(index)[0] == number(9000 / 600)
    assert chart._readings(50)[0] == NOT_MEASURED  # before the first
    quality = run.show("Quality")
    assert quality._readings(index)[:3] == [number(0.9), number(0.7), number(0.4)]


@pytest.mark.parametrize(
    ("values", "within", "last"),
    [
        ([1.0, 2.0], None, 2.0),
        ([1.0, math.nan], None, 1.0),
        ([5.0] + [math.nan] * 5000, None, 5.0),
        ([5.0] + [math.nan] * 100, 64, math.nan),
        ([5.0] + [math.nan] * 63, 64, 5.0),
        ([math.inf, math.nan], None, math.nan),
        ([], None, math.nan),
    ],
)
def test_the_last_finite_number(values: list[float], within: int | None, last: float) -> None:
    assert last_finite(np.array(values), within) == pytest.approx(last, nan_ok=True)


def test_the_pointer_reads_the_values_of_the_nearest_point(run: Stage) -> None:
    for share in (0.01, 0.37, 0.9):
        run.move(share)
        step = 1 + round((run.at(share, 0).x() - run.chart.frame.area.left()) / run.chart.frame.area.width() * 999)
        expected = point(step)
        assert run.chart.hovered == step - 1
        assert run.chart.readings == [number(expected.d_loss), number(expected.g_loss), f"step {step:,}"]
        assert f"D {number(expected.d_loss)}" in run.chart.accessibleDescription()
    QApplication.sendEvent(run.chart, QEvent(QEvent.Type.Leave))
    assert run.chart.hovered is None


def test_the_read_out_keeps_its_places_whatever_it_says(run: Stage) -> None:
    chart = run.show("Verdicts")
    run.host.resize(345, 320)
    places = list(chart._read_out._places)
    assert len({place.y() for place in places}) == 2  # a second row, where one is too short
    run.plots.append([point(1001, d_real=-1.23e-5, d_fake_before=math.nan, d_fake_after=1e9), point(999_999)])
    run.settle()
    assert [(p.x(), p.y()) for p in places][:3] == [(p.x(), p.y()) for p in chart._read_out._places][:3]
    metrics = QFontMetricsF(chart._small_font())
    widest = max(map(metrics.horizontalAdvance, WIDEST))
    for value in (-1.234567e-5, 12345.678, -99999.9, 0.0, -1e30, math.nan):
        assert metrics.horizontalAdvance(number(value)) <= widest


def test_a_slot_that_does_not_fit_takes_another_row(qapp: QApplication) -> None:
    read_out, font = ReadOut(), qapp.font()
    slots = [Slot("D(x)", "#888888", WIDEST)] * 3
    read_out.lay_out(slots, font, 8, 2000)
    one = read_out.height
    read_out.lay_out(slots, font, 8, 150)
    assert read_out.height > 2.5 * one - 10
    assert {place.x() for place in read_out._places} == {8.0}


def test_what_is_not_finite_is_a_gap_and_is_said(stage: Stage) -> None:
    values = [1.0, 2.0, math.nan, 3.0, math.inf, 4.0, -math.inf]
    stage.plots.append([point(step, d_loss=value, d_grad=value) for step, value in enumerate(values, 1)])
    stage.settle()
    path = stage.chart._lines[0][0]
    moves = [path.elementAt(i) for i in range(path.elementCount()) if path.elementAt(i).isMoveTo()]
    assert len(moves) == 3  # 1 to 2, then 3 and 4 alone
    assert stage.chart.end_labels == [f"G {number(point(7).g_loss)}"]
    stage.chart.hover(2)
    assert stage.chart.readings[0] == NOT_FINITE
    chart = stage.show("Gradients")
    chart.hover(2)
    assert chart.readings[0] == NOT_MEASURED
    chart.hover(4)
    assert chart.readings[0] == NOT_FINITE
    assert chart._lines[0][0].elementCount() == 4  # what was not measured is passed over
    assert "D 4.000" in chart.end_labels


@pytest.mark.parametrize("title", TABS)
def test_odd_values_alone_are_shown_without_a_word(stage: Stage, title: str) -> None:
    stage.plots.append([point(1)])
    chart = stage.show(title)
    for value in (math.nan, math.inf, -math.inf, 0.0, -5.0, 1e300, -1e300, 1e-300):
        odd = {name: value for name in FIELDS if name not in ("step", "epoch", "seconds", "steps_per_second")}
        stage.plots.clear()
        stage.plots.append([point(5, **odd)])
        for axis, log in ((0, False), (2, True)):
            stage.plots.settings.axis.setCurrentIndex(axis)
            stage.plots.settings.log.setChecked(log)
            stage.plots.settings.smoothing.setValue(30)
            stage.plots.redraw()
            stage.move(0.5)
            stage.key(Qt.Key.Key_End, Qt.Key.Key_Left)
            chart.grab()
        stage.plots.append([point(6, **odd), point(6 * 10**12)])
        stage.plots.redraw()
        chart.grab()


def test_where_no_times_are_known_the_axis_of_time_says_so(stage: Stage) -> None:
    stage.plots.append([point(step, seconds=math.nan) for step in (1, 2)])
    stage.plots.settings.axis.setCurrentIndex(2)
    stage.settle()
    assert stage.chart._hint() == "no times in this log"
    stage.move(0.5)
    assert stage.chart.hovered is None
    assert not stage.wheel(1).isAccepted()
    stage.plots.append([point(3)])
    stage.settle()
    assert stage.chart._hint() == ""


def test_labels_at_the_ends_say_the_last_values_and_do_not_overlap(run: Stage) -> None:
    last = point(1000)
    assert run.chart.end_labels == [f"G {number(last.g_loss)}", f"D {number(last.d_loss)}"]
    run.plots.append([point(1001, d_loss=2.001, g_loss=2.0)])
    run.settle()
    assert run.chart.end_labels == ["D 2.001", "G 2.000"]
    (upper, lower) = run.chart._ends
    assert lower.y - upper.y >= QFontMetricsF(run.chart._small_font()).height() - 1e-6


@given(st.lists(st.floats(-50, 250), max_size=4))
def test_labels_are_parted_within_the_chart(heights: list[float]) -> None:
    found = part([EndLabel(y, str(i), "") for i, y in enumerate(heights)], 16, 0, 200)
    middles = [label.y for label in found]
    assert all(8 - 1e-9 <= y <= 192 + 1e-9 for y in middles)
    assert all(b - a >= 16 - 1e-9 for a, b in itertools.pairwise(middles))
    assert [label.words for label in found] == [str(i) for i in np.argsort(heights, kind="stable")]


@given(st.floats(-1e6, 1e6), st.floats(1, 1e9))
def test_a_range_that_grows_ends_a_hundredth_beyond_the_points_at_most(low: float, length: float) -> None:
    start, stop = growing(low, low + length)
    assert start == low
    assert low + length <= stop <= low + length + 1.001 * length / STEPS


def test_a_range_that_grows_keeps_its_end_for_a_while() -> None:
    assert {growing(0, last)[1] for last in range(513, 1024)} == set(range(516, 1025, 4))
    assert growing(1, 1) == padded(1, 1, 0.0)  # of one point


@pytest.mark.parametrize("ends", [(-1e302, 1e302), (0.0, 5e-324), (-1.0, math.inf)])
def test_ranges_that_cannot_grow_in_steps(ends: tuple[float, float]) -> None:
    assert growing(*ends) == padded(*ends, 0.0)


def test_nothing_is_zoomed_to_behind_the_last_point(stage: Stage) -> None:
    stage.plots.append(points(1, 514))  # the axis ends at 516
    stage.host.resize(1500, 400)
    stage.settle()
    QApplication.processEvents()
    run = stage
    assert run.chart.frame.x == (1, 516)
    run.drag((0.9955, 0.5), (1.0, 0.5))
    assert not run.chart.is_zoomed
    run.drag((0.9, 0.5), (1.0, 0.5))
    assert run.chart.frame.x[1] == 513
    run.chart.reset_zoom()
    for _ in range(12):
        run.wheel(30, 0.999)
        low, high = run.chart.frame.x
        assert 1 <= low < high <= 516


def test_an_axis_is_laid_out_anew_only_where_its_range_grows(run: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run.settle()
    laid_out: list[tuple[float, float]] = []
    real = ChartAxis.generateDrawSpecs
    monkeypatch.setattr(
        ChartAxis, "generateDrawSpecs", lambda self, painter: (laid_out.append(self.range), real(self, painter))[1]
    )
    for step in range(1001, 1033):
        run.plots.append([point(step)])
        run.plots.redraw()
        run.chart.viewport().repaint()
    assert run.chart.frame.x == (1, 1032)
    along = [range_ for range_ in laid_out if range_[0] == 1]
    assert 4 <= len(along) <= 8  # not 32: every fourth step, for it grows by four


# -- moving about ------------------------------------------------------------------------------------------


def test_a_drag_zooms_into_the_rectangle_and_new_points_leave_it_alone(run: Stage) -> None:
    frame = run.chart.frame
    corners = [frame.place(QPointF(run.at(*share))) for share in ((0.25, 0.2), (0.5, 0.6))]
    run.drag((0.25, 0.2), (0.5, 0.6))
    assert run.chart.is_zoomed
    assert run.plots.settings.reset.isEnabled()
    np.testing.assert_allclose(run.chart.frame.x, [corners[0][0], corners[1][0]])
    np.testing.assert_allclose(run.chart.frame.y, [corners[1][1], corners[0][1]])
    zoomed = run.chart.frame
    run.plots.append(points(1001, 1500))
    run.settle()
    assert run.chart.frame == zoomed
    assert run.chart.end_labels == []  # the lines' ends are not in sight
    run.qtbot.mouseDClick(run.chart.viewport(), LEFT, pos=run.at(0.5, 0.5))
    assert not run.chart.is_zoomed
    assert run.chart.frame.x == (1, 1504)  # in steps of 8
    assert not run.plots.settings.reset.isEnabled()


def test_a_flat_drag_zooms_along_alone_and_the_button_shows_all_again(run: Stage) -> None:
    run.drag((0.6, 0.5), (0.2, 0.5))
    low, high = run.chart.frame.x
    assert (round(low, -2), round(high, -2)) == (200, 600)
    shown = [point(step).g_loss for step in range(math.ceil(low), math.floor(high) + 1)]
    assert run.chart.frame.y[1] == pytest.approx(max(shown), abs=0.3)  # follows what is in sight
    run.qtbot.mouseClick(run.plots.settings.reset, LEFT)
    assert run.chart.frame.x == (1, 1000)


def test_a_small_tremble_is_a_click_and_tells_the_step(run: Stage) -> None:
    told: list[int] = []
    run.plots.point_clicked.connect(told.append)
    run.qtbot.mouseClick(run.chart.viewport(), LEFT, pos=run.at(0.5, 0.5))
    expected = run.chart._point_near(QPointF(run.at(0.5, 0.5))) + 1
    assert told == [expected]
    assert not run.chart.is_zoomed
    run.qtbot.mouseClick(run.chart.viewport(), LEFT, pos=QPoint(3, 3))  # beside the curves
    assert told == [expected]


def test_steps_beyond_32_bits_are_told_whole(stage: Stage) -> None:
    told: list[int] = []
    stage.plots.point_clicked.connect(told.append)
    stage.plots.append([point(6 * 10**9), point(6 * 10**9 + 1)])
    stage.settle()
    stage.qtbot.mouseClick(stage.chart.viewport(), LEFT, pos=stage.at(0.95, 0.5))
    assert told == [6 * 10**9 + 1]


def test_the_wheel_zooms_about_the_pointer_and_out_to_all(run: Stage) -> None:
    place = run.chart.frame.place(QPointF(run.at(0.3, 0.5)))[0]
    assert run.wheel(3, 0.3).isAccepted()
    low, high = run.chart.frame.x
    assert high - low == pytest.approx(999 / 1.25**3)
    assert run.chart.frame.place(QPointF(run.at(0.3, 0.5)))[0] == pytest.approx(place, abs=2)
    run.wheel(-1, 0.3)
    assert run.chart.is_zoomed
    for _ in range(4):
        run.wheel(-1, 0.3)
    assert not run.chart.is_zoomed
    for _ in range(300):
        run.wheel(1, 0.7)
    assert run.chart.frame.x[1] > run.chart.frame.x[0]
    run.chart.grab()


def test_the_keys_go_from_point_to_point(run: Stage) -> None:
    keys, told = Qt.Key, []
    run.plots.point_clicked.connect(told.append)
    run.chart.setFocus()
    run.key(keys.Key_Left)
    assert run.chart.hovered == 999
    run.key(keys.Key_Left, keys.Key_Left, keys.Key_Right)
    assert run.chart.hovered == 998
    run.key(keys.Key_Home, keys.Key_Left)
    assert run.chart.hovered == 0
    run.key(keys.Key_PageDown)
    assert run.chart.hovered == 50
    run.key(keys.Key_Return)
    assert told == [51]
    run.key(keys.Key_End)
    assert run.chart.readings[-1] == "step 1,000"
    run.drag((0.2, 0.5), (0.4, 0.5))
    low, high = run.chart.frame.x
    run.key(keys.Key_End)
    assert run.chart.hovered == math.floor(high) - 1
    run.key(keys.Key_Home)
    assert run.chart.hovered == math.ceil(low) - 1
    run.key(keys.Key_Escape)
    assert run.chart.hovered is None
    run.key(keys.Key_Escape)
    assert not run.chart.is_zoomed


def test_the_settings_are_reached_by_tab_and_everything_has_a_name(run: Stage) -> None:
    settings = run.plots.settings
    run.host.activateWindow()
    run.qtbot.waitUntil(run.host.isActiveWindow)
    run.plots.settings.reset.setEnabled(True)
    settings.axis.setFocus()
    reached = [settings.axis]
    for _ in range(6):
        run.qtbot.keyClick(reached[-1], Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())
    assert reached == [
        settings.axis, settings.smoothing, settings.log, settings.reset, settings.more, run.plots.tabs, run.chart,
    ]  # fmt: skip
    for widget in reached:
        assert widget.accessibleName() or (isinstance(widget, QToolButton) and widget.text())


# -- the phase plot ----------------------------------------------------------------------------------------


@given(st.integers(0, 3_000_000))
def test_the_trail_has_few_points_the_newest_all_and_the_older_always_the_same(count: int) -> None:
    shown = trail(count)
    assert len(shown) <= 256 + 512
    assert (np.diff(shown) > 0).all()
    assert shown.tolist()[-256:] == list(range(max(0, count - 256), count))
    if count:
        assert shown[0] == 0
        older = shown[: -min(count, 256)]
        assert set(older) <= set(trail(count + 1)) or (set(trail(count + 1)[:-256]) <= {*older, count - 256})


def test_the_phase_plot_reads_the_point_under_the_pointer(run: Stage) -> None:
    chart = run.show("Phase")
    for index in (900, 999):
        x, y = chart.frame.to_pixels(np.array([point(index + 1).d_loss]), np.array([point(index + 1).g_loss]))
        run.qtbot.mouseMove(chart.viewport(), QPoint(round(float(x[0])), round(float(y[0]))))
        assert abs(chart.hovered - index) <= 2  # neighbours may share a pixel
    run.key(Qt.Key.Key_End)
    assert chart.readings == [number(point(1000).d_loss), number(point(1000).g_loss), "step 1,000"]
    assert not run.plots.settings.axis.isEnabled()
    run.drag((0.1, 0.1), (0.6, 0.6))
    assert chart.is_zoomed
    run.plots.clear()
    run.plots.append([point(step, d_loss=step, g_loss=step) for step in range(100)])
    run.settle()
    run.move(0.2, 0.2)  # far from the diagonal
    assert chart.hovered is None


# -- settings ----------------------------------------------------------------------------------------------


def test_the_axis_can_be_epochs_or_time(run: Stage) -> None:
    settings = run.plots.settings
    run.drag((0.1, 0.5), (0.6, 0.5))
    settings.axis.setCurrentIndex(1)
    run.settle()
    assert run.chart.frame.x == (0.01, 10.0)  # not zoomed: that was elsewhere
    run.key(Qt.Key.Key_End)
    assert run.chart.readings[-1] == "epoch 10.00"
    settings.axis.setCurrentIndex(2)
    run.settle()
    assert run.chart.frame.x == (0.1, 100.0)
    assert run.chart.readings[-1] == "1 min 40 s"
    assert run.chart._bottom.labelText == "training time, s"
    run.plots.append([point(100_000)])
    run.settle()
    assert run.chart._bottom.labelText == "training time, h"
    assert run.chart._bottom.scale == 1 / 3600


def test_smoothing_keeps_the_raw_curve_behind(run: Stage) -> None:
    raw = run.chart._lines[0][0]
    run.plots.settings.smoothing.setValue(40)
    run.settle()
    assert len(run.chart._lines) == 4
    assert run.chart._lines[0][0] == raw
    weight = run.plots.settings.choices.weight
    total = 0.0
    for step in range(1, 1001):
        total = weight * total + (1 - weight) * point(step).d_loss
    assert f"D {number(total / (1 - weight**1000))}" in run.chart.end_labels
    run.plots.settings.smoothing.setValue(0)
    run.settle()
    assert len(run.chart._lines) == 2


def test_logarithms_leave_out_what_has_none_and_say_the_value_itself(run: Stage) -> None:
    run.plots.append([point(1001, d_loss=-1.0), point(1002, d_loss=0.0), point(1003, d_loss=0.001)])
    run.qtbot.mouseClick(run.plots.settings.log, LEFT)
    run.settle()
    assert run.chart.frame.y[0] < -3 < -2.9
    run.chart.zoom((950, 1003), None)
    path = run.chart._lines[0][0]
    assert sum(path.elementAt(i).isMoveTo() for i in range(path.elementCount())) == 3  # the line, the gap, the last
    run.chart.hover(1000)
    assert run.chart.readings[0] == f"{MINUS}1.000"


@pytest.mark.parametrize("loss", get_args(LossName))
def test_words_fit_the_loss(run: Stage, loss: LossName) -> None:
    run.plots.start(loss, "a run")
    assert run.chart._left.labelText == ("critic loss" if loss.startswith("wgan") else "loss")
    chart = run.show("Verdicts")
    if loss == "bce":
        assert chart._left.labelText == "D(x), probability of real"
        assert chart.frame.y == pytest.approx((-0.06, 1.06))
    else:
        assert chart._left.labelText == "critic's score, not a probability"
        assert chart.frame.y[1] < 0.9  # what it takes to show the values
    assert set(WORDS) == set(get_args(LossName))
    run.host.resize(345, 270)
    assert len(chart._left.labelText) < 20  # a shorter one, where there is little room


# -- marks, a second run, the step on show -----------------------------------------------------------------


def test_marks_stand_at_their_steps_and_tell_of_themselves(run: Stage) -> None:
    run.plots.mark(300, "resumed", "from <b>300</b>")
    run.plots.mark(700, "health", "D wins")
    run.settle()
    chart = run.chart
    run.chart.grab()
    assert [(line.words, line.is_alarming) for line in chart._marks.lines] == [("resumed", False), ("health", True)]
    assert chart.written_marks == ["resumed", "health"]
    x = chart.frame.to_pixels(np.array([300.0]), np.zeros(1))[0][0]
    assert chart._marks.lines[0].x == pytest.approx(x)
    run.qtbot.mouseMove(chart.viewport(), QPoint(round(float(x)) + 2, 150))
    assert "from &lt;b&gt;300&lt;/b&gt;" in chart.viewport().toolTip()
    run.qtbot.mouseMove(chart.viewport(), QPoint(round(float(x)) + 20, 150))
    assert chart.viewport().toolTip() == ""
    assert QColor(DARK.warning).name() in colors_of(chart.grab().toImage())
    run.plots.settings.axis.setCurrentIndex(2)
    run.settle()
    assert chart._marks.lines[0].x == pytest.approx(chart.frame.to_pixels(np.array([30.0]), np.zeros(1))[0][0])


def test_many_marks_do_not_clutter(run: Stage) -> None:
    for step in range(1, 1001):
        run.plots.mark(step, "health" if step % 100 == 0 else "kept", f"no. {step}")
    run.settle()
    run.chart.grab()
    width = run.chart.frame.area.width()
    assert len(run.chart._marks.lines) <= width / 3 + 1
    assert run.chart.written_marks == []
    tip = run.chart.tip_at(QPointF(run.at(0.5, 0.5)))
    assert tip.endswith("more")
    assert len(tip.splitlines()) == 13


def test_a_run_that_goes_back_takes_its_marks_along(run: Stage) -> None:
    run.plots.mark(200, "kept", "")
    run.plots.mark(900, "trouble", "of the course that was left")
    run.plots.append([point(1001)])
    run.plots.mark(500, "rolled back", "to step 500")
    run.plots.append([point(501), point(502)])
    run.settle()
    assert [line.words for line in run.chart._marks.lines] == ["kept", "rolled back"]
    steps, d, g = run.plots.points
    assert steps.tolist() == [*range(1, 501), 501, 502]
    assert len(d) == len(g) == 502
    run.chart.hover(501)
    run.plots.append([point(3)])
    run.settle()
    assert run.chart.hovered is None
    run.chart.grab()


def test_a_second_run_lies_pale_over_the_first(run: Stage) -> None:
    run.plots.overlay("the other one", Record.of(points(1, 2001)))
    chart = run.chart
    assert len(chart._lines) == 4
    assert chart.frame.x == (1, 2000)
    assert chart.end_labels == [f"G {number(point(1000).g_loss)}", f"D {number(point(1000).d_loss)}"]
    assert [slot.name for slot in chart._slots()][-1] == "the other one"
    run.move(0.1)
    assert len(chart.readings) == len(chart._slots())
    for title in TABS:
        run.show(title).grab()
        run.key(Qt.Key.Key_End)
        assert len(run.chart.readings) == len(run.chart._slots())
    run.show("Losses")
    run.plots.clear()
    assert run.chart._hint() == ""  # it stays
    run.move(0.5)
    run.key(Qt.Key.Key_End, Qt.Key.Key_Left)
    run.chart.grab()
    run.plots.overlay("", None)
    assert run.plots.points[0].tolist() == []
    assert not run.chart.isVisible()


def test_the_step_on_show_has_a_line(run: Stage) -> None:
    run.plots.show_cursor(400)
    run.settle()
    assert run.chart.cursor_x == pytest.approx(run.chart.frame.to_pixels(np.array([400.0]), np.zeros(1))[0][0])
    assert QColor(DARK.accent).name() in colors_of(run.chart.grab().toImage())
    run.show("Phase").grab()
    run.show("Losses")
    run.drag((0.6, 0.5), (0.9, 0.5))
    assert run.chart.cursor_x is None
    run.plots.show_cursor(None)
    run.chart.reset_zoom()
    assert run.chart.cursor_x is None


def test_clear_forgets_points_marks_and_zoom(run: Stage) -> None:
    run.plots.mark(5, "kept", "")
    run.drag((0.2, 0.2), (0.8, 0.8))
    run.plots.clear()
    assert [len(values) for values in run.plots.points] == [0, 0, 0]
    assert not run.chart.isVisible()
    run.plots.append(points(1, 5))
    run.settle()
    assert run.chart.isVisible()
    assert run.chart.frame.x == (1, 4)
    assert run.chart._marks.lines == []


# -- export ------------------------------------------------------------------------------------------------


def test_csv_holds_every_point_as_it_was(run: Stage, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = point(1001, d_loss=math.nan, g_loss=math.inf, d_grad=1 / 3)
    run.plots.append([odd])
    path = tmp_path / "points.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    run.plots.settings.more.menu().actions()[0].trigger()
    run.plots.append([point(500)])  # what comes, or goes, meanwhile is not in it
    run.qtbot.waitUntil(lambda: not run.plots.is_writing)
    assert run.notices == [f"1,001 points are in {path}."]
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(FIELDS)
    assert rows[-1]["d_loss"] == ""
    assert rows[6]["step"] == "7"
    back = [Scalars(**{k: float(v) if v else math.nan for k, v in row.items()}) for row in rows]  # type: ignore[arg-type]
    for read, meant in zip(back, [*points(1, 1001), odd], strict=True):
        np.testing.assert_equal([getattr(read, f) for f in FIELDS], [getattr(meant, f) for f in FIELDS])


def test_a_csv_that_cannot_be_written_is_told_and_leaves_no_trace(run: Stage, tmp_path: Any) -> None:
    run.plots.save_csv(tmp_path / "absent" / "points.csv")
    run.qtbot.waitUntil(lambda: not run.plots.is_writing)
    (notice,) = run.notices
    assert "points.csv" in notice
    assert "cannot be written" in notice
    assert "Choose a folder" in notice
    run.plots.append(points(1001, 3001))
    run.plots.save_csv(tmp_path / "points.csv")
    run.plots._write_on()
    run.plots.stop_writing()
    assert list(tmp_path.iterdir()) == []


def test_png_holds_the_chart_on_show_at_twice_its_size(
    run: Stage, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    path = tmp_path / "chart.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (names.append(args[2]), (str(path), ""))[1])
    chart = run.show("Gradients")
    run.plots.start("bce", "mlp-64")
    run.plots.settings.more.menu().actions()[1].trigger()
    assert names == ["mlp-64-gradients.png"]
    image = QImage(str(path))
    assert image.size() == 2 * chart.size()
    assert {D_COLOR, G_COLOR, DARK.surface} <= colors_of(image)
    run.plots.save_png(tmp_path / "absent" / "chart.png")
    assert "cannot be written" in run.notices[-1]


# -- words and numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0.000"), (0.6931, "0.693"), (-12.3456, f"{MINUS}12.346"), (1234.56, "1234.6"), (123456.0, "1.23e+05"),
        (-0.000123, f"{MINUS}1.23e{MINUS}04"), (math.nan, NOT_FINITE), (-math.inf, NOT_FINITE),
    ],
)  # fmt: skip
def test_numbers_take_little_room(value: float, words: str) -> None:
    assert number(value) == words


def test_places_are_told_in_the_words_of_the_axis() -> None:
    assert place_words("steps", 12400, 12400) == "step 12,400"
    assert place_words("epochs", 1, 3.2) == "epoch 3.20"
    seconds = [place_words("time", 1, value) for value in (4.25, 65.0, 3725.0, math.nan)]
    assert seconds == ["4.2 s", "1 min 05 s", "1 h 02 min", "time unknown"]


def test_numbers_of_axes_are_short_and_logarithms_are_not_crowded(run: Stage) -> None:
    bottom = run.chart._bottom
    bottom.setRange(0, 2_000_000)
    assert bottom.tickStrings([0, 500_000, 1_500_000], 1.0, 500_000) == ["0", "0.5M", "1.5M"]
    bottom.setRange(0, 30_000)
    assert bottom.tickStrings([0, 10_000], 1.0, 10_000) == ["0", "10k"]
    bottom.setRange(-2, 2)
    assert bottom.tickStrings([-1.5, 0.5], 1.0, 0.5) == [f"{MINUS}1.5", "0.5"]
    left = run.chart._left
    left.set_log(True)
    left.setRange(-4, 2)
    assert left.tickStrings([-3, math.log10(0.2), 0, 1], 1.0, 1.0) == ["0.001", "", "1", "10"]
    left.setRange(-1, 0)
    assert left.tickStrings(np.log10([0.1, 0.2, 0.3, 0.5]).tolist(), 1.0, 1.0) == ["0.1", "0.2", "", "0.5"]


def test_the_charts_load_beside_the_window(stage: Stage) -> None:
    stage.plots.warm_up()
    stage.plots.warm_up()
    stage.plots.append(points(1, 3))
    assert stage.plots.made == ["Losses"]


def test_painting_leaves_the_painter_as_it_was(run: Stage) -> None:
    image = QImage(run.chart.size(), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    run.chart.drawForeground(painter, run.chart.frame.area)
    assert not painter.hasClipping()
    assert painter.brush().style() == Qt.BrushStyle.NoBrush
    painter.end()
