"""The losses of D and G: against iterations, and against each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QSizePolicy

from ganexplorer.train.events import Scalars
from ganexplorer.ui.theme import D_COLOR, G_COLOR, Theme

REFRESH_MILLISECONDS = 100
MAX_POINTS = 2000  # drawn of a curve; more are not told apart
LABEL_ROOM = 0.25  # of the width of the curves
TRAIL = 400  # points of the phase plot's bright end

Values = NDArray[np.float64]


class Series:
    """Numbers that are only appended to, in an array that doubles."""

    def __init__(self) -> None:
        self._data = np.empty(1024)
        self._count = 0

    def extend(self, values: Sequence[float]) -> None:
        needed = self._count + len(values)
        if needed > len(self._data):
            self._data = np.concatenate([self._data, np.empty(max(needed, len(self._data)))])
        self._data[self._count : needed] = values
        self._count = needed

    @property
    def values(self) -> Values:
        """A view of what is there so far."""
        return self._data[: self._count]


def envelope(x: Values, y: Values, limit: int = MAX_POINTS) -> tuple[Values, Values]:
    """At most about `limit` points that draw the same as all: the extremes of equal blocks, in order of x."""
    if len(x) <= limit:
        return x, y
    block = -(-len(x) // (limit // 2))
    whole = len(x) // block * block
    blocks = np.nan_to_num(y[:whole].reshape(-1, block), nan=0.0)
    starts = np.arange(0, whole, block)
    picks = np.sort(np.concatenate([starts + blocks.argmin(1), starts + blocks.argmax(1), np.arange(whole, len(x))]))
    return x[picks], y[picks]


class LossPlots(QObject):
    """Two plots, `losses` and `phase`, fed by `append`; redrawn at most ten times a second, when there is news."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps, self._d, self._g = Series(), Series(), Series()
        self._theme = theme
        self.losses = self._plot("step", "loss")
        self.phase = self._plot("loss of D", "loss of G")
        self._d_curve = self.losses.plot(pen=pg.mkPen(D_COLOR, width=1))
        self._g_curve = self.losses.plot(pen=pg.mkPen(G_COLOR, width=1))
        self._d_label = self._end_label(D_COLOR)
        self._g_label = self._end_label(G_COLOR)
        self._room = self.losses.plot(pen=pg.mkPen(QColor(0, 0, 0, 0)))  # an invisible line, to keep room for labels
        self._past = self.phase.plot()
        self._trail = self.phase.plot()
        self._now = pg.ScatterPlotItem(size=8, brush=pg.mkBrush(theme.text), pen=None)
        self.phase.addItem(self._now)
        self._hints = [_hint(self.losses, "the losses of D and G"), _hint(self.phase, "D against G")]
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MILLISECONDS)
        self._timer.timeout.connect(self.redraw)
        self.set_theme(theme)
        self.redraw()

    def clear(self) -> None:
        """Forget all points, as for a new run."""
        self._steps, self._d, self._g = Series(), Series(), Series()
        self.redraw()

    def append(self, scalars: Sequence[Scalars]) -> None:
        self._steps.extend([s.step for s in scalars])
        self._d.extend([s.d_loss for s in scalars])
        self._g.extend([s.g_loss for s in scalars])
        if not self._timer.isActive():
            self._timer.start()

    @property
    def points(self) -> tuple[Values, Values, Values]:
        """Steps, D's losses, G's losses."""
        return self._steps.values, self._d.values, self._g.values

    @Slot()
    def redraw(self) -> None:
        steps, d, g = self.points
        for plot, hint in zip((self.losses, self.phase), self._hints, strict=True):
            hint.setVisible(len(steps) == 0)
            for side in ("left", "bottom"):
                plot.getAxis(side).setStyle(showValues=len(steps) > 0)
        self._d_curve.setData(*envelope(steps, d))
        self._g_curve.setData(*envelope(steps, g))
        for label, values, name in ((self._d_label, d, "D"), (self._g_label, g, "G")):
            is_finite = bool(np.isfinite(values[-1:]).any())
            label.setVisible(is_finite)
            if is_finite:
                label.setText(f"{name} {values[-1]:.3f}")
                label.setPos(steps[-1], values[-1])
        now = np.isfinite(d[-1:]) & np.isfinite(g[-1:])  # none, where a run has diverged
        if now.any():
            self._part_labels(float(d[-1]), float(g[-1]))
            self._room.setData([steps[-1], steps[-1] + LABEL_ROOM * (steps[-1] - steps[0])], [d[-1], d[-1]])
        past = slice(None, None, max(1, len(d) // MAX_POINTS))
        self._past.setData(d[past], g[past])
        self._trail.setData(d[-TRAIL:], g[-TRAIL:])
        self._now.setData(d[-1:][now], g[-1:][now])

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for plot in (self.losses, self.phase):
            plot.setBackground(theme.surface)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(pg.mkPen(theme.line))
                axis.setTextPen(pg.mkPen(theme.quiet))
        for hint in self._hints:
            hint.setText(hint.text, color=theme.faint)
        for label, color in ((self._d_label, theme.d_text), (self._g_label, theme.g_text)):
            label.setColor(color)
        past, trail = QColor(theme.faint), QColor(theme.accent)
        past.setAlpha(110)
        self._past.setPen(pg.mkPen(past, width=1))
        self._trail.setPen(pg.mkPen(trail, width=1))
        self._now.setBrush(pg.mkBrush(theme.text))

    def _plot(self, x: str, y: str) -> pg.PlotWidget:
        plot = pg.PlotWidget()
        plot.setMinimumSize(140, 140)
        plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        plot.setLabel("bottom", x)
        plot.setLabel("left", y)
        plot.showGrid(x=True, y=True, alpha=0.2)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.getAxis("bottom").enableAutoSIPrefix(False)
        plot.getAxis("left").enableAutoSIPrefix(False)
        plot.getViewBox().setDefaultPadding(0.04)
        return plot

    def _end_label(self, color: str) -> pg.TextItem:
        """The last value, at the end of the line."""
        label = pg.TextItem(color=color, anchor=(0, 0.5))
        label.setVisible(False)
        self.losses.addItem(label, ignoreBounds=True)
        return label

    def _part_labels(self, d: float, g: float) -> None:
        """The label of the upper line goes above it, the other below, so that they never overlap."""
        self._d_label.setAnchor((0, 0.9) if d >= g else (0, 0.1))
        self._g_label.setAnchor((0, 0.9) if g > d else (0, 0.1))


def _hint(plot: pg.PlotWidget, text: str) -> pg.LabelItem:
    """Words in the middle of a plot that has nothing to show yet."""
    hint = pg.LabelItem(text)
    hint.setParentItem(plot.getViewBox())
    hint.anchor(itemPos=(0.5, 0.5), parentPos=(0.5, 0.5))
    return hint
