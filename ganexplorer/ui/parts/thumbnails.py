"""Small pictures of latents, as every view paints them."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPaintDevice, QPainter, QPen

from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Look


def paint_look(painter: QPainter, room: QRectF, look: Look | None, theme: Theme, is_current: bool = False) -> None:
    """Paint a look in the middle of `room`, as large as fits; an empty frame while there is none yet.

    Pixels stay square blocks of whole pixels of the screen where the picture is smaller than `room`.
    """
    painter.save()
    if look is None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.line), 1, Qt.PenStyle.DashLine))
        painter.drawRect(room.adjusted(0.5, 0.5, -0.5, -0.5))
    else:
        device: QPaintDevice = painter.device()
        rect = _fitted(look.image, room, device.devicePixelRatioF())
        is_smaller = look.image.width() > rect.width() * device.devicePixelRatioF()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_smaller)
        painter.drawImage(rect, look.image)
    if is_current:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.accent), 2))
        painter.drawRect(room.adjusted(1, 1, -1, -1))
    painter.restore()


def _fitted(image: QImage, room: QRectF, ratio: float) -> QRectF:
    if image.height() == 1:  # numbers, not a picture: as wide stripes
        return room
    scale = min(room.width() * ratio / image.width(), room.height() * ratio / image.height())
    scale = int(scale) if scale >= 1 else scale
    size = QSizeF(image.width() * scale / ratio, image.height() * scale / ratio)
    x = room.x() + (room.width() - size.width()) / 2
    y = room.y() + (room.height() - size.height()) / 2
    return QRectF(round(x * ratio) / ratio, round(y * ratio) / ratio, size.width(), size.height())
