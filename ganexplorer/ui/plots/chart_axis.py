"""The axes of a chart: numbers in little room, and seconds in the unit that suits."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from ganexplorer.ui.parts.panel_parts import MINUS
from ganexplorer.ui.plots.chart_words import mixed
from ganexplorer.ui.theme import Theme

GRID = 60  # of 255, how opaque
WIDTH, HEIGHT = 52, 38  # pixels, of the left one and the bottom one with their names


class ChartAxis(pg.AxisItem):  # type: ignore[misc]
    """An axis of fixed size, so that the curves stay where they are while its numbers change."""

    picture: Any  # of the base class: None where it is to be laid out again

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.enableAutoSIPrefix(False)
        self.setGrid(GRID)
        self.setStyle(maxTickLevel=1, autoExpandTextSpace=False, hideOverlappingLabels=side == "bottom")
        if side == "left":
            self.setWidth(WIDTH)
        else:
            self.setHeight(HEIGHT)
        self._name = ""
        self._specs: Any = None  # what was last drawn
        self._ticks: list[tuple[QRectF, QColor]] = []  # and its ticks
        self._ground = "#000000"

    def set_look(self, theme: Theme, font: QFont) -> None:
        self._ground = theme.surface
        self.setStyle(tickFont=font)
        self.label.setFont(font)
        self.setPen(pg.mkPen(theme.line))
        self.setTickPen(pg.mkPen(theme.faint))
        self.setTextPen(pg.mkPen(theme.quiet))

    def set_name(self, name: str, unit_length: float = 1.0) -> None:
        """Name the axis; its numbers are the values divided by `unit_length`."""
        if self.scale != 1 / unit_length:
            self.setScale(1 / unit_length)
        if name != self._name:
            self._name = name
            self.setLabel(name)
            self.resizeEvent()  # else it stays where the one before was in the middle

    def set_log(self, is_log: bool) -> None:
        """Whether the values are decimal logarithms of what the numbers say."""
        if self.logMode != is_log:
            self.setLogMode(is_log)

    def show_values(self, is_shown: bool) -> None:
        if self.style["showValues"] != is_shown:
            self.setStyle(showValues=is_shown)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None) -> None:
        # the base class draws by way of a QPicture, which takes five times as long
        if self.picture is None:
            self._specs, self.picture = self.generateDrawSpecs(painter), True
            ticks = () if self._specs is None else self._specs[1]
            self._ticks = [(_thin(start, stop), self._on_ground(pen.color())) for pen, start, stop in ticks]
        if self._specs is not None:
            axis, _, words = self._specs
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            for rect, color in self._ticks:
                painter.fillRect(rect, color)
            self.drawPicture(painter, axis, (), words)
            painter.restore()

    def _on_ground(self, color: QColor) -> QColor:
        """The colour that a line which lets the ground through has on it; drawn as such, it takes ten times as long."""
        return QColor(mixed(color.name(), self._ground, 1 - color.alphaF()))

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self.logMode:
            # between powers of ten there is room for a few numbers only, and for none where there are many powers
            firsts = "125" if self.range[1] - self.range[0] < 1.5 else "1"
            words = [_power(value) for value in values]
            return [word if word.lstrip("0.")[:1] in firsts or len(words) == 1 else "" for word in words]
        # one way of writing for all numbers of the axis
        largest = max(map(abs, self.range)) * scale
        return [_short(value * scale, spacing * scale, largest) for value in values]


def _thin(start: QPointF, stop: QPointF) -> QRectF:
    """A line along an axis as a rectangle one pixel wide, of those that a screen's scale multiplies."""
    width, height = max(1.0, abs(stop.x() - start.x())), max(1.0, abs(stop.y() - start.y()))
    return QRectF(min(start.x(), stop.x()), min(start.y(), stop.y()), width, height)


def _short(value: float, spacing: float, largest: float) -> str:
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if largest >= size and spacing >= size / 1e4:
            size = min(size, 1e3) if sign == "k" else size
            return f"{value / size:.6g}{sign}".replace("-", MINUS) if value else "0"
    places = min(9, max(0, math.ceil(-math.log10(spacing) - 1e-9)))
    if places > 4:
        return f"{value:.1e}".replace("-", MINUS)
    return f"{value:.{places}f}".replace("-", MINUS)


def _power(exponent: float) -> str:
    value = 10.0**exponent if -300 < exponent < 300 else 0.0
    return f"{value:.6g}" if 1e-4 < value < 1e5 else f"{value:.0e}".replace("-", MINUS)
