"""The picture, at integer zoom, and the drag on it that moves through latent space."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from torch import Tensor

from ganexplorer.core.directions import Direction
from ganexplorer.train.toys import PATTERN_1010_INTERVALS
from ganexplorer.ui.document import Document, Subject
from ganexplorer.ui.latent_space import LatentSpace
from ganexplorer.ui.theme import G_COLOR, REAL_COLOR, Theme
from ganexplorer.ui.workers import Frame

FINE = 0.2  # of the normal speed, with Shift
DRAG_SPAN = 3.0  # standard deviations for a drag over half of the picture
WHEEL_STEP = 1.05  # of the distance from the centre, for each notch
EDIT_PAUSE = 400  # milliseconds of quiet that end a turn of the wheel


class Canvas(QWidget):
    """One big image. Dragging moves z along two directions, the wheel changes its distance from the centre."""

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._theme = theme
        self._image: QImage | None = None
        self.frame: Frame | None = None
        self.message = ""
        self._label = ""
        self.directions: list[Direction] = []  # to the right and up; empty until measured
        self._drag: tuple[QPointF, Tensor] | None = None
        self._space: LatentSpace | None = None  # that of the drag
        self.hint = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(280, 240)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setAccessibleName("Picture")
        # notches in quick succession are one undo step
        self._wheel_pause = QTimer(self, singleShot=True, interval=EDIT_PAUSE)
        self._wheel_pause.timeout.connect(self._on_wheel_at_rest)
        document.subject_changed.connect(self._on_subject_changed)

    def sizeHint(self) -> QSize:
        return QSize(560, 560)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_frame(self, frame: Frame) -> None:
        """Show a rendered picture, or the error it met."""
        self.frame = frame
        self.message = frame.error
        if frame.pixels is not None:
            self._image = to_qimage(frame.pixels)
        self.update()

    def show_message(self, text: str) -> None:
        """Show words in place of a picture."""
        self.message = text
        self.update()

    def show_hint(self, text: str) -> None:
        """Lay a word over the picture, as while a file is dragged; an empty one goes away."""
        if text != self.hint:
            self.hint = text
            self.update()

    @property
    def stamp(self) -> int:
        """Of the frame on show; 0 before the first."""
        return self.frame.stamp if self.frame is not None else 0

    def _on_subject_changed(self, subject: Subject) -> None:
        self._label = subject.label if subject.step is not None else ""
        z_dim = subject.spec.z_dim
        if any(len(direction.vector) != z_dim for direction in self.directions):
            self.directions = []  # until they are measured again
        if self._drag is not None and subject.space != self._space:
            self._let_go()
        self._space = subject.space
        self.update()

    # -- painting ------------------------------------------------------------------------------------------

    def picture_rect(self) -> QRectF:
        """Where the picture is: the largest integer zoom that fits, in the middle."""
        if self._image is None:
            return QRectF()
        margin = 16
        ratio = self.devicePixelRatioF()
        width, height = (self.width() - 2 * margin) * ratio, (self.height() - 2 * margin) * ratio
        zoom = max(1, int(min(width / self._image.width(), height / self._image.height())))
        size = QSizeF(self._image.size()) * (zoom / ratio)  # whole pixels of the screen, not of the layout
        x, y = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
        return QRectF(round(x * ratio) / ratio, round(y * ratio) / ratio, size.width(), size.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.surface))
        if self.message:
            painter.setPen(QColor(self._theme.quiet))
            area = self.rect().adjusted(48, 48, -48, -48)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.message)
        elif self.frame is not None and self.frame.values.shape[1] == 1:
            self._paint_bars(painter, self.frame.values.reshape(-1))
        elif self._image is not None:
            rect = self.picture_rect()
            painter.drawImage(rect, self._image)
            painter.setPen(QPen(QColor(self._theme.line), 0))
            painter.drawRect(rect.adjusted(-1, -1, 0, 0))
        if self._label:
            self._paint_label(painter)
        if self.hint:
            self._paint_hint(painter)

    def _paint_hint(self, painter: QPainter) -> None:
        veil = QColor(self._theme.surface)
        veil.setAlpha(225)
        painter.fillRect(self.rect(), veil)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.accent), 2, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(16, 16, -16, -16), 8, 8)
        font = QFont(self.font())
        font.setPointSizeF(1.8 * font.pointSizeF())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(self._theme.text))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.hint)

    def _paint_label(self, painter: QPainter) -> None:
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        box = QRectF(painter.fontMetrics().boundingRect(self._label)).adjusted(-10, -5, 10, 5)
        box.moveTopLeft(QPointF(12, 12))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(G_COLOR))
        painter.drawRoundedRect(box, 5, 5)
        painter.setPen(QColor("white"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._label)

    def _paint_bars(self, painter: QPainter, values: np.ndarray) -> None:
        """An image of one line: bars from 0 to 1, with the intervals that pattern-1010 should hit."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.width(), self.height()) - 96
        area = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        top = 1.15  # a little more than the highest target

        def y(value: float) -> float:
            return area.bottom() - area.height() * min(max(value, -0.05), top) / top

        painter.setPen(QPen(QColor(self._theme.line), 1))
        for value in (0.0, 0.5, 1.0):
            painter.setPen(QPen(QColor(self._theme.line), 1))
            painter.drawLine(QPointF(area.left(), y(value)), QPointF(area.right(), y(value)))
            painter.setPen(QColor(self._theme.quiet))
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
            painter.setBrush(QColor(self._theme.accent))
            painter.drawRect(QRectF(left + 0.25 * slot, y(value), 0.5 * slot, y(0) - y(value)))
            painter.setPen(QColor(self._theme.text))
            below = QRectF(left, area.bottom() + 8, slot, 20)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, f"{value:.3f}")

    # -- gestures ------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._document.subject is not None:
            self._document.begin_edit(self)
            self._drag = (event.position(), self._document.z)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None or not self.directions:
            return
        start, z = self._drag
        offset = event.position() - start
        span = max(self.picture_rect().width(), 200.0) / 2
        speed = DRAG_SPAN * (self._document.prior.std or 0.5) / span
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            speed *= FINE
        amounts = (offset.x() * speed, -offset.y() * speed)
        along = [(d.vector, amount) for d, amount in zip(self.directions, amounts, strict=False)]
        self._document.move(z, along)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._drag is not None:
            self._let_go()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._document.subject is not None:
            notches = event.angleDelta().y() / 120
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                notches *= FINE
            self._document.begin_edit(self._wheel_pause)
            self._document.scale(WHEEL_STEP**notches)
            self._wheel_pause.start()
        event.accept()

    def _let_go(self) -> None:
        self._drag = None
        self._document.end_edit(self)
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    @Slot()
    def _on_wheel_at_rest(self) -> None:
        self._document.end_edit(self._wheel_pause)


def to_qimage(pixels: np.ndarray) -> QImage:
    """A copy of pixels (H, W) gray or (H, W, 3) as an RGB32 image, which paints fastest."""
    height, width = pixels.shape[:2]
    kind = QImage.Format.Format_Grayscale8 if pixels.ndim == 2 else QImage.Format.Format_RGB888
    data = np.ascontiguousarray(pixels)
    # QImage shares the buffer, the conversion copies it
    return QImage(data.data, width, height, data.strides[0], kind).convertToFormat(QImage.Format.Format_RGB32)
