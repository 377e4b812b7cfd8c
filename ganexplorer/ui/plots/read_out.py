"""The line of names and numbers above a chart: its legend, and the values at the point under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from ganexplorer.ui.theme import Theme

SWATCH = 10  # pixels of line before a name
GAP = 4
BETWEEN = 12  # slots


@dataclass(frozen=True, slots=True)
class Slot:
    """A name with its line's colour (none: empty), and the widest values that may stand after it."""

    name: str
    color: str
    widest: tuple[str, ...] = ()


class ReadOut:
    """Slots with fixed places: values come and go, and nothing moves. They take a second row where one is too short."""

    def __init__(self) -> None:
        self._slots: tuple[Slot, ...] = ()
        self._places: list[QPointF] = []  # top left of each
        self._font = QFont()
        self._key: tuple[object, ...] = ()
        self.height = 0.0

    def lay_out(self, slots: Sequence[Slot], font: QFont, left: float, width: float) -> None:
        """Find places in a strip that begins at `left`; `height` tells how much it takes, pixels."""
        key = (tuple(slots), font.key(), left, width)
        if key == self._key:
            return
        self._key, self._slots, self._font, self._places = key, tuple(slots), font, []
        metrics = QFontMetricsF(font)
        x, y, row = left, 2.0, metrics.height() + 2
        for slot in self._slots:
            widest = max(map(metrics.horizontalAdvance, slot.widest), default=0.0)
            needed = _name_width(slot, metrics) + widest
            if self._places and x + needed > left + width:
                x, y = left, y + row
            self._places.append(QPointF(x, y))
            x += needed + BETWEEN
        self.height = y + row + 2

    def paint(self, painter: QPainter, values: Sequence[str], theme: Theme) -> None:
        """`values` one a slot, or none: the names alone."""
        painter.setFont(self._font)
        metrics = QFontMetricsF(self._font)
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip
        for index, (slot, place) in enumerate(zip(self._slots, self._places, strict=True)):
            x = place.x()
            box = QRectF(x, place.y(), 1, metrics.height())
            if slot.color:
                painter.setPen(QPen(QColor(slot.color), 2))
                middle = round(box.center().y()) + 0.5
                painter.drawLine(QLineF(x, middle, x + SWATCH, middle))
                painter.setPen(QColor(theme.quiet))
                painter.drawText(box.translated(SWATCH + GAP, 0), flags, slot.name)
            if values:
                painter.setPen(QColor(theme.text))
                painter.drawText(box.translated(_name_width(slot, metrics), 0), flags, values[index])


def _name_width(slot: Slot, metrics: QFontMetricsF) -> float:
    return SWATCH + 2 * GAP + metrics.horizontalAdvance(slot.name) if slot.color else 0.0
