"""The picture of a generator of single numbers: bars, with the intervals that they should hit."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from ganexplorer.train.toys import PATTERN_1010_INTERVALS
from ganexplorer.ui.theme import REAL_COLOR, Theme


def paint_bars(painter: QPainter, room: QRect, values: np.ndarray, theme: Theme) -> None:
    """Paint an image of one line, values (W,) in [-1, 1], as bars from 0 to 1 in the middle of `room`."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    side = min(room.width(), room.height()) - 96
    area = QRectF(0, 0, side, side)
    area.moveCenter(QRectF(room).center())
    top = 1.15  # a little more than the highest target

    def y(value: float) -> float:
        return area.bottom() - area.height() * min(max(value, -0.05), top) / top

    painter.setPen(QPen(QColor(theme.line), 1))
    for value in (0.0, 0.5, 1.0):
        painter.setPen(QPen(QColor(theme.line), 1))
        painter.drawLine(QPointF(area.left(), y(value)), QPointF(area.right(), y(value)))
        painter.setPen(QColor(theme.quiet))
        painter.drawText(
            QRectF(area.left() - 40, y(value) - 10, 32, 20),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            f"{value:g}",
        )
    slot = area.width() / len(values)
    for i, pixel in enumerate(values):
        value = (float(pixel) + 1) / 2
        left = area.left() + slot * i
        if len(values) == len(PATTERN_1010_INTERVALS):
            low, high = PATTERN_1010_INTERVALS[i]
            target = QRectF(left + 0.08 * slot, y(high), 0.84 * slot, y(low) - y(high))
            painter.setPen(QPen(QColor(REAL_COLOR), 1, Qt.PenStyle.DashLine))
            painter.setBrush(QColor(138, 143, 152, 50))
            painter.drawRect(target)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.accent))
        painter.drawRect(QRectF(left + 0.25 * slot, y(value), 0.5 * slot, y(0) - y(value)))
        painter.setPen(QColor(theme.text))
        below = QRectF(left, area.bottom() + 8, slot, 20)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, f"{value:.3f}")
