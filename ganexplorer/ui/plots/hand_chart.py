"""A chart under the pointer and the keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from ganexplorer.ui.parts.tips import plain_tip
from ganexplorer.ui.plots.chart import Chart
from ganexplorer.ui.plots.frame import Range
from ganexplorer.ui.plots.record import MANY
from ganexplorer.ui.theme import Theme

NOTCH = 1.25  # zoom of one notch of the wheel
LEAST_ZOOM = 1e-9  # of what there is
LEAST_DRAG = 6  # pixels; a lower rectangle zooms along x alone
STEP_KEYS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_PageUp: -50,
    Qt.Key.Key_PageDown: 50,
    Qt.Key.Key_Home: -MANY,
    Qt.Key.Key_End: MANY,
}
OTHER_KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class HandChart(Chart):
    """The pointer or the keys choose a point; dragging and the wheel zoom, a double click shows all again."""

    picked = Signal(object)  # the index of a point that was clicked, or chosen by Return

    def __init__(self, theme: Theme, name: str, right: int, parent: QWidget | None = None) -> None:
        self._press: QPointF | None = None  # where the button went down
        self._drag: QPointF | None = None  # where it was dragged to
        super().__init__(theme, name, right, parent)

    # -- what a kind of chart says -------------------------------------------------------------------------

    def _point_near(self, point: QPointF) -> int | None:
        raise NotImplementedError

    def _point_beside(self, index: int | None, way: int) -> int | None:
        """`way` points on from `index`, or the last where there is none, among those on show."""
        raise NotImplementedError

    def _everything(self) -> Range:
        """All of x that there is to show."""
        raise NotImplementedError

    def tip_at(self, point: QPointF) -> str:
        """A tooltip for a pixel."""
        return ""

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        super().drawForeground(painter, rect)
        if self._press is not None and self._drag is not None:
            color = QColor(self._theme.accent)
            painter.setPen(QPen(color, 1))
            color.setAlpha(40)
            painter.setBrush(color)
            painter.drawRect(self._rectangle(self._press, self._drag))

    # -- the pointer ---------------------------------------------------------------------------------------

    def _rectangle(self, a: QPointF, b: QPointF) -> QRectF:
        """What is dragged over: within the curves, all of the height where it is nearly flat."""
        area = self.frame.area
        left, right = (min(max(x, area.left()), area.right()) for x in sorted((a.x(), b.x())))
        top, bottom = (min(max(y, area.top()), area.bottom()) for y in sorted((a.y(), b.y())))
        if bottom - top < LEAST_DRAG:
            top, bottom = area.top(), area.bottom()
        return QRectF(left, top, right - left, bottom - top)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._hint():
            self._press, self._drag = event.position(), None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._press is None:
            self.hover(self._point_near(point) if self.frame.area.contains(point) else None)
            self.viewport().setToolTip(plain_tip(self.tip_at(point)))
        elif self._drag is not None or _distance(point, self._press) >= QApplication.startDragDistance():
            self._drag = point
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._press is None:
            return
        press, drag, self._press, self._drag = self._press, self._drag, None, None
        if drag is None:
            index = self._point_near(press) if self.frame.area.contains(press) else None
            if index is not None:
                self.picked.emit(index)
            return
        rectangle, frame = self._rectangle(press, drag), self.frame
        self.viewport().update()
        if rectangle.width() >= LEAST_DRAG:
            left, bottom = frame.place(rectangle.bottomLeft())
            right, top = frame.place(rectangle.topRight())
            is_flat = rectangle.height() >= frame.area.height()
            first, last = self._everything()  # the frame may end a little behind the last point
            left, right = max(left, first), min(right, last)
            if left < right:
                self.zoom((left, right), self._zoom_y if is_flat else (bottom, top))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = self._drag = None
            self.reset_zoom()

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120
        if self._hint() or not notches:
            event.ignore()
            return
        event.accept()
        everything = self._everything()
        low, high = max(self.frame.x[0], everything[0]), min(self.frame.x[1], everything[1])
        middle = min(max(self.frame.place(event.position())[0], low), high)
        factor = NOTCH**-notches
        low, high = middle + (low - middle) * factor, middle + (high - middle) * factor
        if high - low < LEAST_ZOOM * (everything[1] - everything[0]):
            return
        if low <= everything[0] and high >= everything[1]:
            if self.is_zoomed:
                self.reset_zoom()
            return
        self.zoom((max(low, everything[0]), min(high, everything[1])), self._zoom_y)
        self.hover(self._point_near(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self.hover(None)

    # -- the keys ------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and not event.modifiers():
            key = event.key()
            if key in STEP_KEYS or key in OTHER_KEYS:
                event.accept()
                return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in STEP_KEYS:
            self.hover(self._point_beside(self._hovered, STEP_KEYS[Qt.Key(key)]))
        elif key == Qt.Key.Key_Escape and (self._drag is not None or self._hovered is not None or self.is_zoomed):
            if self._drag is not None:
                self._press = self._drag = None
                self.viewport().update()
            elif self._hovered is not None:
                self.hover(None)
            else:
                self.reset_zoom()
        elif key in OTHER_KEYS[1:] and self._hovered is not None:
            self.picked.emit(self._hovered)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()


def _distance(a: QPointF, b: QPointF) -> float:
    return (a - b).manhattanLength()
