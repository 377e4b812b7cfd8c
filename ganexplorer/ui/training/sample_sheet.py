"""The fixed samples of a run, as they grow."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ganexplorer.core.media import sheet
from ganexplorer.ui.picture.canvas import to_qimage


class SampleSheet(QWidget):
    """The fixed samples at integer zoom."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(150, 150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Fixed samples")
        self.clear()

    def sizeHint(self) -> QSize:
        return QSize(260, 200)

    def clear(self) -> None:
        self._pixels: np.ndarray | None = None
        self.step: int | None = None
        self.update()

    def show_pixels(self, pixels: np.ndarray, step: int) -> None:
        """Show pictures (N, H, W[, 3])."""
        self._pixels, self.step = pixels, step
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._pixels is None:
            painter.setPen(self.palette().placeholderText().color())
            text = "The fixed samples appear here, the same z at each step"
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)
            return
        shown = self._pixels[: self._capacity()]
        image = to_qimage(sheet(shown, self._best_columns(shown)))
        ratio = self.devicePixelRatioF()
        zoom = max(1, int(min(self.width() * ratio / image.width(), self.height() * ratio / image.height())))
        size = QSizeF(image.size()) * (zoom / ratio)  # whole pixels of the screen, not of the layout
        left = round((self.width() - size.width()) / 2 * ratio) / ratio
        painter.drawImage(QRectF(QPointF(left, 0), size), image)

    def _capacity(self) -> int:
        """How many pictures fit at their own size; the first are shown where not all do."""
        assert self._pixels is not None
        _, height, width = self._pixels.shape[:3]
        ratio = self.devicePixelRatioF()
        across, down = int(self.width() * ratio + 2) // (width + 2), int(self.height() * ratio + 2) // (height + 2)
        return max(1, across * down)

    def _best_columns(self, pixels: np.ndarray) -> int:
        """The number of columns that makes the pictures largest."""
        count, height, width = pixels.shape[:3]

        def zoom(columns: int) -> float:
            rows = -(-count // columns)
            return min((self.width() + 2) / (columns * (width + 2)), (self.height() + 2) / (rows * (height + 2)))

        return max(range(1, count + 1), key=zoom)
