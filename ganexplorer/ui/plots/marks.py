"""Marks of events on a chart: thin dashed lines, with words where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from ganexplorer.train.events import Mark
from ganexplorer.ui.plots.chart_words import mixed
from ganexplorer.ui.plots.series import Column, Indices, Values
from ganexplorer.ui.theme import Theme

ALARMING = ("health", "trouble")
NEAR = 4.0  # pixels within which a mark belongs to where the pointer is
APART = 3  # pixels; lines that are closer become one
MOST_LINES = 12  # of a tooltip


class Marks:
    """The marks of a run, in the order in which they came."""

    def __init__(self) -> None:
        self._marks: list[Mark] = []
        self._steps = Column(64)
        self._alarming = Column(64)  # 1 for those to be seen first
        self._settled = 0  # how many came before the newest points

    def __len__(self) -> int:
        return len(self._marks)

    def __getitem__(self, index: int) -> Mark:
        return self._marks[index]

    @property
    def steps(self) -> Values:
        return self._steps.values

    def add(self, mark: Mark) -> None:
        self._marks.append(mark)
        self._steps.extend(np.array([float(mark.step)]))
        self._alarming.extend(np.array([float(mark.kind in ALARMING)]))

    def settle(self, cut: int | None) -> None:
        """Points have come. Where the run went back to before step `cut`, what was marked from there on is forgotten.

        Marks since the points before stay: they belong to the new course of the run.
        """
        if cut is not None:
            kept = [m for i, m in enumerate(self._marks) if i >= self._settled or m.step < cut]
            self._marks = []
            self._steps.cut(0)
            self._alarming.cut(0)
            for mark in kept:
                self.add(mark)
        self._settled = len(self._marks)

    def lay_out(self, x: Values, left: float, right: float) -> MarkLayout:
        """Those between `left` and `right` of the marks that are at `x` (n,), pixels."""
        (inside,) = np.nonzero((x >= left) & (x <= right))
        order = inside[np.argsort(x[inside], kind="stable")]
        return MarkLayout(self, x[order], order, self._alarming.values[order] > 0)


@dataclass(frozen=True, slots=True)
class Line:
    """One dashed line, for one mark or for several that are too near each other."""

    x: float
    words: str
    is_alarming: bool


class MarkLayout:
    """Marks with their places, from left to right."""

    def __init__(self, marks: Marks, x: Values, order: Indices, is_alarming: NDArray[np.bool_]) -> None:
        self._marks, self._x, self._order = marks, x, order
        starts = np.flatnonzero(np.diff(x // APART, prepend=-1.0))
        stops = np.append(starts, len(x))[1:]
        self.lines = [
            Line(float(x[a]), self._words(int(a), int(b)), bool(is_alarming[a:b].any()))
            for a, b in zip(starts, stops, strict=True)
        ]

    def near(self, x: float) -> list[Mark]:
        """Those at a place, as the pointer sees it."""
        start, stop = np.searchsorted(self._x, [x - NEAR, x + NEAR])
        return [self._marks[int(i)] for i in self._order[start:stop]]

    def _words(self, start: int, stop: int) -> str:
        kinds = {self._marks[int(i)].kind for i in self._order[start : min(stop, start + MOST_LINES)]}
        return kinds.pop() if len(kinds) == 1 else f"{stop - start} marks"


def tip_of(marks: Sequence[Mark]) -> str:
    """Step, kind and text of each, one a line."""
    lines = [f"{m.step:,}  {m.kind}{f': {m.text}' if m.text and m.text != m.kind else ''}" for m in marks[:MOST_LINES]]
    if len(marks) > MOST_LINES:
        lines.append(f"and {len(marks) - MOST_LINES:,} more")
    return "\n".join(lines)


def paint_lines(painter: QPainter, lines: Sequence[Line], area: QRectF, theme: Theme) -> None:
    for line in lines:
        x = round(line.x) + 0.5
        painter.setPen(QPen(QColor(theme.warning if line.is_alarming else theme.faint), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QLineF(x, area.top(), x, area.bottom()))


def paint_words(painter: QPainter, lines: Sequence[Line], area: QRectF, theme: Theme, font: QFont) -> list[str]:
    """Words beside the lines, where there is room before the next one; returns those that were written."""
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    ground = QColor(theme.surface)
    ground.setAlpha(200)
    written = []
    for index, line in enumerate(lines):
        end = lines[index + 1].x if index + 1 < len(lines) else area.right()
        box = QRectF(round(line.x) + 3, area.top() + 1, metrics.horizontalAdvance(line.words), metrics.height())
        if box.right() + 3 > end:
            continue
        painter.fillRect(box, ground)
        painter.setPen(QColor(mixed(theme.warning, theme.text, 0.3) if line.is_alarming else theme.quiet))
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, line.words)
        written.append(line.words)
    return written
