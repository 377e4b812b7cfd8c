"""D's loss against G's: the course of the two players, older points paler."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from ganexplorer.ui.plots.chart_words import LOSSES, PHASE_HINT, WIDEST, mixed, number, place_words
from ganexplorer.ui.plots.frame import Frame, Range, padded
from ganexplorer.ui.plots.hand_chart import HandChart
from ganexplorer.ui.plots.read_out import Slot
from ganexplorer.ui.plots.record import MANY, Record
from ganexplorer.ui.plots.run_data import RunData
from ganexplorer.ui.plots.series import Indices, Values
from ganexplorer.ui.theme import Theme

RECENT = 256  # newest points, all drawn
OLDER = 512  # at most as many of all before
# how many of the newest points, and the share of the ground in their colour; all others are paler still
FADING = ((32, 0.0), (96, 0.25), (RECENT, 0.45), (MANY, 0.75))
RIGHT = 12  # pixels beside the curves
NEAR = 24  # pixels between the pointer and a point
DOT = 4.0  # pixels, radius


class PhaseChart(HandChart):
    """The losses of D across, of G upwards; a dot where the run is now."""

    def __init__(self, data: RunData, theme: Theme, parent: QWidget | None = None) -> None:
        self._data = data
        self._paths: list[tuple[QPainterPath, str]] = []
        self._overlay_path = QPainterPath()
        self._indices: Indices = np.empty(0, dtype=np.intp)  # of the points that are drawn
        self._places: tuple[Values, Values] = (np.empty(0), np.empty(0))  # theirs, pixels
        super().__init__(theme, "Loss of D against loss of G", RIGHT, parent)

    @property
    def shown(self) -> Indices:
        """Indices of the points that are drawn, rising."""
        return self._indices

    def _hint(self) -> str:
        record = self._data.record
        has_any = any(np.isfinite(record.series(field).bounds(0, len(record))[0]) for field in ("d_loss", "g_loss"))
        return "" if has_any else PHASE_HINT

    def _prepare(self) -> tuple[Range, Range] | None:
        data, record = self._data, self._data.record
        if self._hovered is not None and self._hovered >= len(record):
            self._hovered = None
        for axis, name in ((self._bottom, "D"), (self._left, "G")):
            axis.set_log(data.choices.is_log)
            axis.set_name(f"{data.words.loss} of {name}")
        if self._hint():
            return None
        return self._zoom_x or self._everything(), self._zoom_y or self._all_of("g_loss")

    def _everything(self) -> Range:
        return self._all_of("d_loss")

    def _all_of(self, field: str) -> Range:
        choices = self._data.choices
        return padded(*self._data.record.series(field, choices.weight, choices.is_log).bounds(0, MANY))

    def _draw(self, frame: Frame) -> None:
        self._paths, self._indices, self._overlay_path = [], trail(len(self._data.record)), QPainterPath()
        if self._hint():
            return
        count = len(self._data.record)
        x, y = self._points(self._data.record, self._indices)
        self._places = frame.to_pixels(x, y)
        before = 0
        for newest, share in FADING:
            start = int(np.searchsorted(self._indices, count - newest))
            stop = int(np.searchsorted(self._indices, count - before)) + 1  # one more: they hang together
            color = mixed(self._theme.accent, self._theme.surface, share)
            self._paths.insert(0, (frame.path(x[start:stop], y[start:stop]), color))
            before = newest
        overlay = self._data.overlay
        if overlay is not None:
            self._overlay_path = frame.path(*self._points(overlay, trail(len(overlay))))

    def _points(self, record: Record, indices: Indices) -> tuple[Values, Values]:
        choices = self._data.choices
        x, y = (record.series(f, choices.weight, choices.is_log).values[indices] for f in ("d_loss", "g_loss"))
        return np.where(np.isfinite(x), x, np.nan), np.where(np.isfinite(y), y, np.nan)

    def _paint(self, painter: QPainter, frame: Frame) -> None:
        painter.setClipRect(frame.area)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(mixed(self._theme.quiet, self._theme.surface, 0.6)), 1))
        painter.drawPath(self._overlay_path)
        for path, color in self._paths:
            painter.setPen(QPen(QColor(color), 1))
            painter.drawPath(path)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.surface), 1))
        cursor = self._data.cursor
        for index, color in (
            (len(self._data.record) - 1, self._theme.text),
            (None if cursor is None else self._data.record.nearest("steps", cursor), self._theme.accent),
            (self._hovered, self._theme.quiet),
        ):
            place = None if index is None else self._place(frame, index)
            if place is not None:
                painter.setBrush(QColor(color))
                painter.drawEllipse(place, DOT, DOT)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setClipping(False)

    def _place(self, frame: Frame, index: int) -> QPointF | None:
        x, y = frame.to_pixels(*self._points(self._data.record, np.array([index])))
        return QPointF(float(x[0]), float(y[0])) if np.isfinite(x[0]) and np.isfinite(y[0]) else None

    # -- the read-out, and which point ---------------------------------------------------------------------

    def _slots(self) -> Sequence[Slot]:
        record = self._data.record
        last = float(record.steps[-1]) if len(record) else 0.0
        slots = [Slot(curve.name, curve.line(self._theme), WIDEST) for curve in LOSSES.curves]
        widest = re.sub(r"\d", "0", place_words("steps", last, last))
        return [*slots, Slot("", "", (widest,))]

    def _readings(self, index: int) -> Sequence[str]:
        record = self._data.record
        values = [number(float(record.column(curve.field)[index])) for curve in LOSSES.curves]
        step = float(record.steps[index])
        return [*values, place_words("steps", step, step)]

    def _point_near(self, point: QPointF) -> int | None:
        distance = np.hypot(self._places[0] - point.x(), self._places[1] - point.y())
        if self._hint() or not len(distance) or not np.isfinite(distance).any():
            return None
        nearest = int(np.nanargmin(distance))
        return int(self._indices[nearest]) if distance[nearest] <= NEAR else None

    def _point_beside(self, index: int | None, way: int) -> int | None:
        """By points that are drawn."""
        count = len(self._indices)
        if not count:
            return None
        at = count if index is None else int(np.searchsorted(self._indices, index))
        return int(self._indices[min(max(at + way, 0), count - 1)])


def trail(count: int) -> Indices:
    """Which of `count` points to draw: the newest all, of those before every 2nd, 4th, 8th …, always the same ones."""
    older = max(0, count - RECENT)
    stride = 1
    while older > stride * OLDER:
        stride *= 2
    return np.append(np.arange(0, older, stride), np.arange(older, count))
