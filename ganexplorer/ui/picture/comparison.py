"""The canvas beside itself: how two pictures of one latent share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from ganexplorer.ui.theme import Theme

Way = Literal["side by side", "wipe"]
GRIP = 8  # pixels to either side of the wipe's line where it can be taken
CAPTION_HEIGHT = 24


@dataclass(frozen=True, slots=True, eq=False)
class Second:
    """The picture to compare with; `error` says why there is none."""

    label: str
    image: QImage | None
    values: NDArray[np.float32]  # (C, H, W) in [-1, 1]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """How the room is shared. `share` is where the wipe's line stands, from 0 (left end of the picture) to 1."""

    way: Way = "side by side"
    share: float = 0.5

    def rooms(self, room: QRect, is_bars: bool) -> tuple[QRect, QRect]:
        """Where the first and the second picture go; the same place for a wipe."""
        room = room.adjusted(0, CAPTION_HEIGHT, 0, 0)
        if self.is_wipe(is_bars):
            return room, room
        half = room.width() // 2
        return room.adjusted(0, 0, -half, 0), room.adjusted(half, 0, 0, 0)

    def is_wipe(self, is_bars: bool) -> bool:
        """Bars cannot be wiped: they stand side by side."""
        return self.way == "wipe" and not is_bars

    def line(self, picture: QRectF) -> float:
        """The x of the wipe's line."""
        return picture.left() + self.share * picture.width()


def paint_wipe(painter: QPainter, picture: QRectF, split: Split, second: QImage, theme: Theme) -> None:
    """Paint the second picture over the first, right of the line, and the line with its grip."""
    x = split.line(picture)
    painter.save()
    painter.setClipRect(QRectF(x, picture.top(), picture.right() - x, picture.height()))
    painter.drawImage(picture, second)
    painter.restore()
    painter.setPen(QPen(QColor(theme.accent), 2))
    painter.drawLine(QPointF(x, picture.top()), QPointF(x, picture.bottom()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(theme.accent))
    painter.drawEllipse(QPointF(x, picture.center().y()), 7, 7)
    painter.setPen(QPen(QColor(theme.on_accent), 1.5))
    for way in (-1, 1):
        tip = QPointF(x + 4 * way, picture.center().y())
        painter.drawLine(tip, tip + QPointF(-2 * way, -2.5))
        painter.drawLine(tip, tip + QPointF(-2 * way, 2.5))


def paint_captions(painter: QPainter, room: QRect, labels: tuple[str, str], theme: Theme) -> None:
    """The names of both models above their halves."""
    half = room.width() // 2
    halves = (
        QRect(room.left(), room.top(), half, CAPTION_HEIGHT + 8),
        QRect(room.left() + half, room.top(), room.width() - half, CAPTION_HEIGHT + 8),
    )
    for label, place in zip(labels, halves, strict=True):
        painter.setPen(QColor(theme.quiet))
        text = painter.fontMetrics().elidedText(label, Qt.TextElideMode.ElideMiddle, place.width() - 24)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
