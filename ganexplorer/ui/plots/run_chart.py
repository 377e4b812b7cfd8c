"""A chart of values against steps, epochs or time."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from ganexplorer.ui.plots.chart import BELOW
from ganexplorer.ui.plots.chart_axis import HEIGHT
from ganexplorer.ui.plots.chart_words import (
    AXIS_NAMES,
    NOT_MEASURED,
    WIDEST,
    Curve,
    Page,
    mixed,
    number,
    place_words,
    unit_of,
)
from ganexplorer.ui.plots.end_labels import ROOM, EndLabel, paint_ends, part
from ganexplorer.ui.plots.frame import Frame, Range, growing, padded
from ganexplorer.ui.plots.hand_chart import HandChart
from ganexplorer.ui.plots.marks import MarkLayout, paint_lines, paint_words, tip_of
from ganexplorer.ui.plots.read_out import Slot
from ganexplorer.ui.plots.record import MANY, Record
from ganexplorer.ui.plots.run_data import RunData
from ganexplorer.ui.plots.series import Values, last_finite
from ganexplorer.ui.theme import Theme

FADED = 0.62  # share of the ground in the raw curve behind a smoothed one, and in that of a second run
DOT = 2.5  # pixels, radius
LOOK_BACK = 64  # points in which the last value of a sparse curve is sought
LONGEST_TITLE = 28  # letters


class RunChart(HandChart):
    """The curves of a `Page`, marks, and the last values at the lines' ends."""

    def __init__(self, page: Page, data: RunData, theme: Theme, parent: QWidget | None = None) -> None:
        self._page, self._data = page, data
        self._lines: list[tuple[QPainterPath, str]] = []  # from back to front, with their colours
        self._ends: list[EndLabel] = []
        self._end_x = 0.0
        self._marks: MarkLayout | None = None
        self._cursor_x: float | None = None
        self.written_marks: list[str] = []  # words of marks for which there was room
        super().__init__(theme, page.accessible, ROOM, parent)

    @property
    def end_labels(self) -> list[str]:
        """The last values, as they stand at the lines' ends, from top to bottom."""
        return [label.words for label in self._ends]

    @property
    def cursor_x(self) -> float | None:
        """Where the step that is on show is marked, pixels."""
        return self._cursor_x

    def tip_at(self, point: QPointF) -> str:
        if self._marks is None or not self.frame.area.contains(point):
            return ""
        return tip_of(self._marks.near(point.x()))

    # -- what there is -------------------------------------------------------------------------------------

    def _records(self) -> list[Record]:
        """The run and perhaps a second one, where they have a place on the axis."""
        axis, both = self._data.choices.axis, (self._data.record, self._data.overlay)
        return [record for record in both if record is not None and len(record) > record.unknown(axis)]

    def _hint(self) -> str:
        if self._records():
            return ""
        return "no times in this log" if len(self._data.record) else self._page.hint

    def _everything(self) -> Range:
        axis = self._data.choices.axis
        places = [record.axis(axis) for record in self._records()]
        starts = [p[r.unknown(axis)] for p, r in zip(places, self._records(), strict=True)]
        return float(min(starts)), float(max(p[-1] for p in places))

    def _prepare(self) -> tuple[Range, Range] | None:
        data, choices = self._data, self._data.choices
        if self._hovered is not None and self._hovered >= len(data.record):
            self._hovered = None
        self._left.set_log(choices.is_log)
        self._left.set_name(self._fitting(self._page.label(data.words)))
        if self._hint():
            self._bottom.set_name(AXIS_NAMES[choices.axis])
            return None
        x = self._zoom_x or growing(*self._everything())
        if choices.axis == "time":
            length, unit = unit_of(x[1])
            self._bottom.set_name(f"{AXIS_NAMES['time']}, {unit}", length)
        else:
            self._bottom.set_name(AXIS_NAMES[choices.axis])
        return x, self._zoom_y or self._values_range(x)

    def _values_range(self, x: Range) -> Range:
        """What it takes to show all values that are on show along x."""
        choices, words = self._data.choices, self._data.words
        span = self._page.span(words)
        if span is not None and not choices.is_log:
            return padded(*span)
        edges: list[float] = []
        for record in self._records():
            start, stop = record.span(choices.axis, *x)
            for curve in self._page.curves:
                edges += record.series(curve.field, 0.0, choices.is_log).bounds(start, stop)
        if self._page.level is not None and np.isfinite(edges).any():
            edges.append(self._height(self._page.level[0]))
        return padded(*_ends_of(np.array(edges)))

    def _fitting(self, names: Sequence[str]) -> str:
        """The first name that the axis of values has room for, else the last."""
        metrics = QFontMetricsF(self._small_font())
        room = self.height() - self._read_out.height - HEIGHT - BELOW
        return next((name for name in names if metrics.horizontalAdvance(name) < room), names[-1])

    def _height(self, value: float) -> float:
        """A value as the axis has it."""
        if not self._data.choices.is_log:
            return value if np.isfinite(value) else np.nan
        return float(np.log10(value)) if 0 < value < np.inf else np.nan

    # -- drawing -------------------------------------------------------------------------------------------

    def _draw(self, frame: Frame) -> None:
        self._lines, self._ends, self._marks, self._cursor_x = [], [], None, None
        if self._hint():
            return
        data, weight, ground = self._data, self._data.choices.weight, self._theme.surface
        curves = self._page.curves
        for curve in curves:
            if len(data.record):
                color = curve.line(self._theme)
                if weight:
                    self._lines.append((self._path(frame, data.record, curve, 0.0), mixed(color, ground, FADED)))
                self._lines.append((self._path(frame, data.record, curve, weight), color))
        if weight:  # all the raw ones behind all the smooth ones
            self._lines = [*self._lines[::2], *self._lines[1::2]]
        if data.overlay is not None:
            self._lines += [
                (self._path(frame, data.overlay, curve, weight), mixed(curve.line(self._theme), ground, FADED))
                for curve in curves
            ]
        if len(data.record):
            self._place_ends(frame)
            area, places = frame.area, data.record.places(data.choices.axis, data.marks.steps)
            self._marks = data.marks.lay_out(_across(frame, places), area.left(), area.right())
            if data.cursor is not None:
                place = _across(frame, data.record.places(data.choices.axis, np.array([float(data.cursor)])))[0]
                self._cursor_x = float(place) if area.left() <= place <= area.right() else None

    def _path(self, frame: Frame, record: Record, curve: Curve, weight: float) -> QPainterPath:
        axis = self._data.choices.axis
        start, stop = record.span(axis, *frame.x)
        indices, values = record.series(curve.field, weight, self._data.choices.is_log).outline(
            start, stop, max(1, int(frame.area.width()))
        )
        if curve.is_sparse:  # what was not measured is no gap
            is_there = np.isfinite(values)
            indices, values = indices[is_there], values[is_there]
        return frame.path(record.axis(axis)[indices], values)

    def _place_ends(self, frame: Frame) -> None:
        """The last values beside the lines' ends, moved apart where they would overlap."""
        record, choices = self._data.record, self._data.choices
        last = float(record.axis(choices.axis)[-1])
        if not frame.x[0] <= last <= frame.x[1]:
            return
        self._end_x = float(_across(frame, np.array([last]))[0])
        found = []
        for curve in self._page.curves:
            values = record.series(curve.field, choices.weight).values
            within = None if curve.holds else LOOK_BACK if curve.is_sparse else 1
            value = last_finite(values, within)
            height = self._height(value)
            if frame.y[0] <= height <= frame.y[1]:
                _, y = frame.to_pixels(np.array([last]), np.array([height]))
                words = f"{curve.end}{number(value)}"
                found.append(EndLabel(float(y[0]), words, curve.text(self._theme)))
        line = QFontMetricsF(self._small_font()).height()
        self._ends = part(found, line, frame.area.top(), frame.area.bottom())

    def _paint(self, painter: QPainter, frame: Frame) -> None:
        area, theme, font = frame.area, self._theme, self._small_font()
        painter.setClipRect(area)
        if self._marks is not None:
            paint_lines(painter, self._marks.lines, area, theme)
        self._paint_level(painter, frame)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for path, color in self._lines:
            painter.setPen(QPen(QColor(color), 1))
            painter.drawPath(path)
        if self._cursor_x is not None:
            painter.fillRect(QRectF(round(self._cursor_x) - 1, area.top(), 2, area.height()), QColor(theme.accent))
        self._paint_hovered(painter, frame)
        if self._marks is not None:
            self.written_marks = paint_words(painter, self._marks.lines, area, theme, font)
        painter.setClipping(False)
        paint_ends(painter, self._ends, self._end_x, font)

    def _paint_level(self, painter: QPainter, frame: Frame) -> None:
        if self._page.level is None:
            return
        _, down = frame.to_pixels(np.zeros(1), np.array([self._height(self._page.level[0])]))
        y = round(float(down[0])) + 0.5
        painter.setPen(QPen(QColor(self._theme.quiet), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QLineF(frame.area.left(), y, frame.area.right(), y))

    def _paint_hovered(self, painter: QPainter, frame: Frame) -> None:
        record, choices = self._data.record, self._data.choices
        if self._hovered is None:
            return
        place = record.axis(choices.axis)[self._hovered]
        columns = [(record.column(curve.field), curve.holds) for curve in self._page.curves]
        index = self._hovered
        values = [self._height(last_finite(c[: index + 1]) if holds else float(c[index])) for c, holds in columns]
        across, down = frame.to_pixels(np.full(len(values), place), np.array(values))
        painter.setPen(QPen(QColor(self._theme.quiet), 1))
        x = round(float(across[0])) + 0.5
        painter.drawLine(QLineF(x, frame.area.top(), x, frame.area.bottom()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for curve, y in zip(self._page.curves, down, strict=True):
            if np.isfinite(y):
                painter.setPen(QPen(QColor(self._theme.surface), 1))
                painter.setBrush(QColor(curve.line(self._theme)))
                painter.drawEllipse(QPointF(float(across[0]), float(y)), DOT + 0.5, DOT + 0.5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    # -- the read-out --------------------------------------------------------------------------------------

    def _slots(self) -> Sequence[Slot]:
        slots = [Slot(curve.name, curve.line(self._theme), WIDEST) for curve in self._page.curves]
        if self._page.level is not None:
            slots.append(Slot(self._page.level[1], mixed(self._theme.quiet, self._theme.surface, FADED)))
        slots.append(Slot("", "", (self._widest_place(),)))
        if self._data.overlay is not None:
            title = self._data.overlay_title
            title = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
            slots.append(Slot(title, mixed(self._theme.quiet, self._theme.surface, FADED)))
        return slots

    def _widest_place(self) -> str:
        axis, record = self._data.choices.axis, self._data.record
        if axis == "time":
            return "00 min 00 s"
        if not len(record):
            return ""
        return re.sub(r"\d", "0", place_words(axis, float(record.steps[-1]), float(record.axis(axis)[-1])))

    def _readings(self, index: int) -> Sequence[str]:
        record, axis = self._data.record, self._data.choices.axis
        readings = []
        for curve in self._page.curves:
            column = record.column(curve.field)
            value = last_finite(column[: index + 1]) if curve.holds else float(column[index])
            is_measured = not (curve.is_sparse and np.isnan(value))
            readings.append(number(value) if is_measured else NOT_MEASURED)
        if self._page.level is not None:
            readings.append("")
        readings.append(place_words(axis, float(record.steps[index]), float(record.axis(axis)[index])))
        return [*readings, ""] if self._data.overlay is not None else readings

    # -- which point ---------------------------------------------------------------------------------------

    def _point_near(self, point: QPointF) -> int | None:
        if self._hint():
            return None
        return self._data.record.nearest(self._data.choices.axis, self.frame.place(point)[0])

    def _point_beside(self, index: int | None, way: int) -> int | None:
        start, stop = self._data.record.span(self._data.choices.axis, *self.frame.x, 0)
        if start >= stop:
            return index
        if index is None:
            return start if way == -MANY else stop - 1
        return min(max(index + way, start), stop - 1)


def _across(frame: Frame, places: Values) -> Values:
    return frame.to_pixels(places, np.zeros(len(places)))[0]


def _ends_of(values: Values) -> Range:
    if not np.isfinite(values).any():
        return np.nan, np.nan
    return float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
