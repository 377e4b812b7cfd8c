"""The picture, at integer zoom, what is laid over it, and the tool in hand that gestures on it go to."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.picture.comparison import GRIP, Second, Split, paint_captions, paint_wipe
from ganexplorer.ui.picture.pattern_bars import paint_bars
from ganexplorer.ui.theme import G_COLOR, Theme
from ganexplorer.ui.work.workers import Frame

MARGIN = 16


class Tool(Protocol):
    """What gestures on the picture do. Events come with positions in the canvas; the left button only."""

    cursor: Qt.CursorShape  # while nothing is pressed

    def press(self, event: QMouseEvent) -> None: ...

    def move(self, event: QMouseEvent) -> None:
        """The pointer moved, with or without a button."""

    def release(self, event: QMouseEvent) -> None: ...

    def wheel(self, event: QWheelEvent) -> None: ...

    def paint(self, painter: QPainter) -> None:
        """Draw over the picture."""

    def let_go(self) -> None:
        """End what is in hand, as when another tool is taken."""


class Canvas(QWidget):
    """One big image, or two that are compared. Dragging and the wheel are the tool's."""

    share_dragged = Signal(float)  # where the line of a wipe is to stand

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._theme = theme
        self._image: QImage | None = None
        self.frame: Frame | None = None
        self.message = ""
        self._label = ""
        self.tool: Tool | None = None
        self.hint = ""
        self.overlay: QImage | None = None
        self.second: Second | None = None
        self._split = Split()
        self._is_wiping = False
        self._caption = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(280, 180)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # what lies under it is not painted at each picture
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Picture")
        document.subject_changed.connect(self._on_subject_changed)

    def take(self, tool: Tool) -> None:
        """Let gestures go to `tool`."""
        if self.tool is not None:
            self.tool.let_go()
        self.tool = tool
        self.setCursor(tool.cursor)
        self.update()

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

    def show_overlay(self, image: QImage | None, caption: str = "") -> None:
        """Lay an image, as large as the picture, over it, with words below; None takes it away."""
        if image is not None or self.overlay is not None:
            self.overlay, self._caption = image, caption
            self.update()

    def show_second(self, second: Second | None) -> None:
        """Show a second picture to compare with, or one alone again."""
        self.second = second
        self.update()

    @Slot(object)
    def set_split(self, split: Split) -> None:
        self._split = split
        self.update()

    def _on_subject_changed(self, subject: Subject) -> None:
        self._label = "" if subject.step is None and subject.snapshot is None else subject.label
        self.overlay = None
        self.update()

    # -- painting ------------------------------------------------------------------------------------------

    def picture_rect(self) -> QRectF:
        """Where the picture is: the largest integer zoom that fits, in the middle."""
        return QRectF() if self._image is None else self.fitted(self._image.size(), self._rooms()[0])

    @property
    def _is_bars(self) -> bool:
        return self.frame is not None and self.frame.values.shape[1] == 1

    def _rooms(self) -> tuple[QRect, QRect]:
        """Where the first picture goes, and the second."""
        return (self.rect(), QRect()) if self.second is None else self._split.rooms(self.rect(), self._is_bars)

    def fitted(self, size: QSize, room: QRect) -> QRectF:
        """Where a picture of `size` goes in `room`: the largest integer zoom that fits, in the middle."""
        ratio = self.devicePixelRatioF()
        width, height = (room.width() - 2 * MARGIN) * ratio, (room.height() - 2 * MARGIN) * ratio
        zoom = max(1, int(min(width / size.width(), height / size.height())))
        shown = QSizeF(size) * (zoom / ratio)  # whole pixels of the screen, not of the layout
        x = room.x() + (room.width() - shown.width()) / 2
        y = room.y() + (room.height() - shown.height()) / 2
        return QRectF(round(x * ratio) / ratio, round(y * ratio) / ratio, shown.width(), shown.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.surface))
        if self.message:
            painter.setPen(QColor(self._theme.quiet))
            area = self.rect().adjusted(48, 48, -48, -48)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.message)
        elif self.frame is not None and self._image is not None:
            self._paint_picture(painter, self._image, self.frame.values, self._rooms()[0])
            if self.second is not None:
                self._paint_second(painter, self.second)
            if self.overlay is not None:
                self._paint_overlay(painter, self.overlay)
            if self.tool is not None:
                self.tool.paint(painter)
        if self._label and self.second is None:
            self._paint_label(painter)
        if self.hint:
            self._paint_hint(painter)

    def _paint_picture(self, painter: QPainter, image: QImage, values: np.ndarray, room: QRect) -> None:
        """Paint a picture, or bars for values (C, 1, W)."""
        if values.shape[1] == 1:
            paint_bars(painter, room, values.reshape(-1), self._theme)
            return
        rect = self.fitted(image.size(), room)
        painter.drawImage(rect, image)
        painter.setPen(QPen(QColor(self._theme.line), 0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect.adjusted(-1, -1, 0, 0))

    def _paint_second(self, painter: QPainter, second: Second) -> None:
        room = self._rooms()[1]
        if second.image is None:
            painter.setPen(QColor(self._theme.quiet))
            words = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room.adjusted(24, 24, -24, -24), words, second.error)
        elif self._split.is_wipe(self._is_bars):
            paint_wipe(painter, self.picture_rect(), self._split, second.image, self._theme)
        else:
            self._paint_picture(painter, second.image, second.values, room)
        name = self._document.subject.label if self._document.subject else ""
        paint_captions(painter, self.rect(), (name, second.label), self._theme)

    def _paint_overlay(self, painter: QPainter, overlay: QImage) -> None:
        rect = self.picture_rect()
        painter.drawImage(rect, overlay)
        if self._caption:
            box = QRectF(painter.fontMetrics().boundingRect(self._caption)).adjusted(-10, -5, 10, 5)
            box.moveCenter(QPointF(rect.center().x(), min(rect.bottom() - 20, self.height() - 20)))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.raised))
            painter.drawRoundedRect(box, 5, 5)
            painter.setPen(QColor(self._theme.text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._caption)

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

    # -- gestures: the tool's ------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._document.subject is None:
            return
        if self._is_on_line(event.position()):
            self._is_wiping = True
        elif self.tool is not None:
            self.tool.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._is_wiping:
            rect = self.picture_rect()
            self.share_dragged.emit(min(max((event.position().x() - rect.left()) / rect.width(), 0.0), 1.0))
        elif self.tool is not None:
            self.tool.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._is_wiping:
            self._is_wiping = False
        elif self.tool is not None:
            self.tool.release(event)

    def _is_on_line(self, position: QPointF) -> bool:
        """Whether a press there takes the line of the wipe."""
        if self.second is None or not self._split.is_wipe(self._is_bars):
            return False
        rect = self.picture_rect()
        return abs(position.x() - self._split.line(rect)) <= GRIP and rect.top() <= position.y() <= rect.bottom()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.tool is not None and self._document.subject is not None:
            self.tool.wheel(event)
        event.accept()


def to_qimage(pixels: np.ndarray) -> QImage:
    """A copy of pixels (H, W) gray or (H, W, 3) as an RGB32 image, which paints fastest."""
    height, width = pixels.shape[:2]
    kind = QImage.Format.Format_Grayscale8 if pixels.ndim == 2 else QImage.Format.Format_RGB888
    data = np.ascontiguousarray(pixels)
    # QImage shares the buffer, the conversion copies it
    return QImage(data.data, width, height, data.strides[0], kind).convertToFormat(QImage.Format.Format_RGB32)
