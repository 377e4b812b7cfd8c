"""Where values are on a chart, in pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from ganexplorer.ui.plots.series import Values

MARGIN = 0.06  # of the range of values, above and below
STEPS = 128  # a range grows by a 128th to a 256th of itself: its axis stays the same for a while
FAR = 1e5  # pixels beyond which a curve is not drawn truly

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where values are on the chart: `area` in pixels shows the ranges `x` and `y`."""

    area: QRectF
    x: Range
    y: Range

    def to_pixels(self, x: Values, y: Values) -> tuple[Values, Values]:
        """Places of points (n,), nan where a number is; far outside they are brought nearer."""
        across = self.area.left() + (x - self.x[0]) * (self.area.width() / (self.x[1] - self.x[0]))
        down = self.area.bottom() - (y - self.y[0]) * (self.area.height() / (self.y[1] - self.y[0]))
        return np.clip(across, -FAR, FAR), np.clip(down, -FAR, FAR)

    def path(self, x: Values, y: Values) -> QPainterPath:
        """A line through points with gaps at nan; a point between two gaps becomes a dash."""
        across, down = self.to_pixels(x, y)
        is_there = np.isfinite(across) & np.isfinite(down)
        alone = is_there & ~np.append(False, is_there[:-1]) & ~np.append(is_there[1:], False)
        if alone.any():
            picks = np.repeat(np.arange(len(across)), 1 + alone)
            across, down = across[picks], down[picks]
            across[1:][picks[1:] == picks[:-1]] += 2
        if not is_there.any():
            return QPainterPath()
        return pg.arrayToQPath(across, down, connect="finite")

    def place(self, point: QPointF) -> tuple[float, float]:
        """The values at a pixel."""
        right = (point.x() - self.area.left()) / self.area.width()
        up = (self.area.bottom() - point.y()) / self.area.height()
        return self.x[0] + right * (self.x[1] - self.x[0]), self.y[0] + up * (self.y[1] - self.y[0])


def padded(low: float, high: float, margin: float = MARGIN) -> Range:
    """A range with some room; one of nothing becomes one of something."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        room = 0.5 * max(abs(low), 1e-9) if low else 0.5
        return low - room, high + room
    return low - margin * (high - low), high + margin * (high - low)


def growing(low: float, high: float) -> Range:
    """A range whose end grows, ending at most 1 / `STEPS` of its length beyond `high`: the same one for many ends."""
    low, high = padded(low, high, 0.0)
    if not 1e-300 < high - low < 1e300:
        return low, high
    unit = 2.0 ** math.floor(math.log2(high - low)) / STEPS
    return low, max(high, unit * math.ceil(high / unit))
