"""Small signs that are painted on rows and cells."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen


def paint_padlock(painter: QPainter, centre: QPointF, size: float, color: QColor, is_closed: bool = True) -> None:
    """A padlock, `size` pixels high, about `centre`; an open one has its shackle turned out."""
    width, body = 0.8 * size, 0.55 * size
    left, top = centre.x() - width / 2, centre.y() - size / 2
    painter.setPen(QPen(color, max(1.0, 0.13 * size)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    shackle = QRectF(left + 0.22 * width, top, 0.56 * width, 2 * (size - body))
    if not is_closed:
        shackle.translate(0.56 * width, 0)
    painter.drawArc(shackle, 0, 180 * 16)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(left, top + size - body, width, body), 0.12 * size, 0.12 * size)
