"""The slider t, with ticks at the keys and room beyond the ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

from ganexplorer.ui.theme import Theme

T_STEPS = 1000  # of the slider, from the first key to the last
INSET = 6  # pixels that the axis ends before its widget does: half a handle

_MOVING = {
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
    *(Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End),
}


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Where t is on a widget: from `low` at `left` to `high` at `right`, pixels."""

    low: float
    high: float
    left: float
    right: float

    def x(self, t: float) -> float:
        return self.left + (self.right - self.left) * (t - self.low) / (self.high - self.low)

    def t(self, x: float) -> float:
        """Within the axis, wherever x is."""
        share = (x - self.left) / max(1.0, self.right - self.left)
        return self.low + (self.high - self.low) * min(max(share, 0.0), 1.0)


class TimeSlider(QAbstractSlider):
    """t in steps of 1 / `T_STEPS`, with a tick at each key. A click goes there.

    What is done from press to release, of the mouse or a key, is between `begun` and `ended`.
    """

    begun = Signal()
    ended = Signal()
    play_wanted = Signal()  # Space

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._ticks: Sequence[float] = ()
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setRange(0, T_STEPS)
        self.setPageStep(T_STEPS // 10)
        self.setAccessibleName("t, from A to B")
        self.setToolTip("Where on the path z is: drag, or arrow keys; Page Up and Down go further, Space plays")

    def sizeHint(self) -> QSize:
        return QSize(240, 24)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 22)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def set_ticks(self, ticks: Sequence[float]) -> None:
        """Show the t of the keys."""
        self._ticks = ticks
        self.update()

    @property
    def axis(self) -> TimeAxis:
        low, high = self.minimum() / T_STEPS, self.maximum() / T_STEPS
        return TimeAxis(low, high, INSET, self.width() - INSET)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme, axis = QPainter(self), self._theme, self.axis
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        faint = QColor(theme.track)
        faint.setAlpha(120)
        for low, high, color in ((axis.low, axis.high, faint), (0.0, 1.0, QColor(theme.track))):
            painter.setBrush(color)
            painter.drawRoundedRect(QRectF(axis.x(low), middle - 3, axis.x(high) - axis.x(low), 6), 3, 3)
        if not self.isEnabled():
            return
        at = axis.x(self.value() / T_STEPS)
        painter.setBrush(QColor(theme.accent))
        painter.drawRoundedRect(QRectF(min(axis.x(0), at), middle - 3, abs(at - axis.x(0)), 6), 3, 3)
        painter.setPen(QPen(QColor(theme.quiet), 1))
        for tick in self._ticks:
            x = round(axis.x(tick)) + 0.5
            painter.drawLine(QPointF(x, middle - 7), QPointF(x, middle - 4))
        painter.setPen(QPen(QColor(theme.accent), 2) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.text))
        painter.drawRoundedRect(QRectF(at - 3.5, middle - 8, 7, 16), 3, 3)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.begun.emit()
            self.setSliderDown(True)
            self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._go(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.isSliderDown():
            self.setSliderDown(False)
            self.ended.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.play_wanted.emit()
            return
        if event.key() in _MOVING:
            self.begun.emit()  # until the key is released
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat() and not self.isSliderDown():
            self.ended.emit()
        super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if not self.isSliderDown():  # the release of a key will be another's
            self.ended.emit()
        super().focusOutEvent(event)
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.EnabledChange and not self.isEnabled():  # no release comes any more
            self.setSliderDown(False)
            self.ended.emit()
        super().changeEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # z must not move because the pointer happens to be here

    def _go(self, event: QMouseEvent) -> None:
        self.setSliderPosition(round(self.axis.t(event.position().x()) * T_STEPS))
