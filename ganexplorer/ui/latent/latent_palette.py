"""z as a square of cells to paint on: each cell is a dimension, its colour the value."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget
from torch import Tensor

from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.latent.latent_rows import FINE, KEY_STEP, outside_of
from ganexplorer.ui.latent.palette_cells import Cells
from ganexplorer.ui.parts.bipolar import bipolar
from ganexplorer.ui.parts.glyphs import paint_padlock
from ganexplorer.ui.picture.move_tool import EDIT_PAUSE
from ganexplorer.ui.theme import Theme

FULL = 2.5  # standard deviations at which a colour is full
_OWN_KEYS = (Qt.Key.Key_L, Qt.Key.Key_Space, Qt.Key.Key_Plus, Qt.Key.Key_Minus)
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class LatentPalette(QWidget):
    """The cells, ceil(sqrt(z_dim)) in a line. One stroke of the brush is one undo step; locked cells stay."""

    picked = Signal(float)  # a cell's value, for the brush, in `Document.unit`s from the prior's centre
    pointed = Signal(str)  # "z12 = 0.53" of the cell under the pointer or the cursor; empty: none

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._theme = theme
        self.brush = 1.0  # what the left button paints, in `Document.unit`s from the prior's centre
        self._count = len(document.z)
        self.cursor_cell = 0  # the dimension that keys act on
        self._stroke: tuple[float, QPointF] | None = None  # the value that is painted, and where it was last
        self._turned = -1  # the dimension that the wheel moves
        self._wheel_pause = QTimer(self, singleShot=True, interval=EDIT_PAUSE)
        self._wheel_pause.timeout.connect(self._on_wheel_at_rest)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Palette of latent values")
        document.z_changed.connect(self._on_z_changed)
        document.locks_changed.connect(self.update)
        document.subject_changed.connect(self._on_subject_changed)

    def sizeHint(self) -> QSize:
        return QSize(320, 320)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 160)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    # -- where a cell is -----------------------------------------------------------------------------------

    @property
    def cells(self) -> Cells:
        return Cells(len(self._document.z), self.width(), self.height())

    def words(self, dimension: int) -> str:
        """As "z12 = 0.53, locked"."""
        if not 0 <= dimension < len(self._document.z):
            return ""
        note = ", locked" if dimension in self._document.locked else ""
        note += ", outside the prior" if dimension in outside_of(self._document.z, self._document.prior) else ""
        return f"z{dimension} = {float(self._document.z[dimension]):.2f}{note}"

    # -- painting ------------------------------------------------------------------------------------------

    def color_of(self, value: float) -> QColor:
        prior = self._document.prior
        span = (prior.b - prior.a) / 2 if prior.kind == "uniform" else FULL * self._document.unit
        return bipolar((value - prior.center) / span, QColor(self._theme.track))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, z, theme = QPainter(self), self._document.z, self._theme
        painter.fillRect(self.rect(), QColor(theme.surface))
        if not len(z):
            painter.setPen(QColor(theme.quiet))
            room = self.rect().adjusted(16, 24, -16, -16)
            words = "Open a model to paint on its latent vector."
            painter.drawText(room, Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap, words)
            return
        locked, outside = self._document.locked, set(outside_of(z, self._document.prior))
        cells = self.cells
        gap = 1 if cells.side >= 8 else 0
        mark = QPen(QColor(theme.warning), 2)
        mark.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        for dimension, value in enumerate(z.tolist()):
            cell = cells.rect(dimension).adjusted(0, 0, -gap, -gap)
            painter.fillRect(cell, self.color_of(value))
            if dimension in outside:
                painter.setPen(mark)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(cell.adjusted(1, 1, -1, -1))
            if dimension in locked:
                self._paint_lock(painter, cell)
        if self.hasFocus() and self.cursor_cell < len(z):
            self._paint_cursor(painter, self.cells.rect(self.cursor_cell).adjusted(0, 0, -gap, -gap))

    def _paint_lock(self, painter: QPainter, cell: QRectF) -> None:
        veil = QColor(self._theme.surface)
        veil.setAlpha(120)
        painter.fillRect(cell, veil)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_padlock(painter, cell.center(), min(0.5 * cell.height(), 14), QColor(self._theme.text))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_cursor(self, painter: QPainter, cell: QRectF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, inset in ((self._theme.text, 0.0), (self._theme.surface, 1.0)):
            painter.setPen(QPen(QColor(color), 1))
            painter.drawRect(cell.adjusted(inset, inset, -inset - 1, -inset - 1))

    # -- the brush -----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        dimension = self.cells.at(event.position())
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton) or self._stroke is not None:
            return
        if dimension >= 0:
            self._move_cursor(dimension)
        if event.button() == Qt.MouseButton.LeftButton and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if dimension >= 0:
                value = float(self._document.z[dimension])
                self.picked.emit((value - self._document.prior.center) / self._document.unit)
            return
        is_brush = event.button() == Qt.MouseButton.LeftButton
        self._document.begin_edit(self)
        self._stroke = (self.brush_value if is_brush else self._document.prior.center, event.position())
        self._paint_along(event.position())

    @property
    def brush_value(self) -> float:
        """What the brush paints, as a value of z."""
        return self._document.prior.center + self.brush * self._document.unit

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._paint_along(event.position())
        self.pointed.emit(self.words(self.cells.at(event.position())))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.RightButton):
            self._let_go()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def _paint_along(self, end: QPointF) -> None:
        """Paint all cells from where the brush was: a quick stroke leaves no gaps."""
        if self._stroke is None:
            return
        value, start = self._stroke
        self._stroke = (value, end)
        for dimension in self.cells.along(start, end):
            self._document.set_dimension(dimension, value)

    def _let_go(self) -> None:
        if self._stroke is not None:
            self._stroke = None
            self._document.end_edit(self)

    def wheelEvent(self, event: QWheelEvent) -> None:
        dimension = self.cells.at(event.position())
        turn = event.angleDelta().y() or event.angleDelta().x()
        if dimension < 0 or not turn:
            event.ignore()
            return
        if dimension != self._turned:
            self._on_wheel_at_rest()
        self._turned = dimension
        self._document.begin_edit(self._wheel_pause)
        is_fine = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        self._nudge(dimension, turn / 120 * (FINE if is_fine else 1))
        self._wheel_pause.start()
        self.pointed.emit(self.words(dimension))

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit(self.words(self.cursor_cell) if self.hasFocus() else "")

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            dimension = self.cells.at(QPointF(event.pos()))
            if dimension < 0:
                QToolTip.hideText()
            else:
                rect: QRect = self.cells.rect(dimension).toRect()
                QToolTip.showText(event.globalPos() + QPoint(8, 8), self.words(dimension), self, rect)
            return True
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and not event.modifiers()
            and event.key() in _OWN_KEYS
        ):
            event.accept()  # here they are ours, not shortcuts of the window
            return True
        return super().event(event)

    # -- the keys ------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, dimension = event.key(), self.cursor_cell
        step = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        if not 0 <= dimension < len(self._document.z):
            super().keyPressEvent(event)
        elif key in _ARROWS:
            self._step_cursor(*_ARROWS[Qt.Key(key)])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self._document.begin_edit(self)  # until the key is released
            self._nudge(dimension, step if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal) else -step)
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._document.set_dimension(dimension, self.brush_value)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._document.set_dimension(dimension, self._document.prior.center)
        elif key == Qt.Key.Key_L and not event.modifiers():
            self._document.set_locks(self._document.locked ^ {dimension})
        else:
            super().keyPressEvent(event)
        self._tell_cursor()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat() and self._stroke is None:
            self._document.end_edit(self)
        super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._tell_cursor()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if self._stroke is None:
            self._document.end_edit(self)
        super().focusOutEvent(event)

    def _step_cursor(self, dx: int, dy: int) -> None:
        self._move_cursor(self.cells.neighbour(self.cursor_cell, dx, dy))

    def _move_cursor(self, dimension: int) -> None:
        self.cursor_cell = dimension
        self._tell_cursor()
        self.update()

    def _tell_cursor(self) -> None:
        words = self.words(self.cursor_cell)
        self.setAccessibleDescription(words)
        self.pointed.emit(words)

    def _nudge(self, dimension: int, steps: float) -> None:
        value = float(self._document.z[dimension]) + steps * KEY_STEP * self._document.unit
        self._document.set_dimension(dimension, value)

    # -- the document --------------------------------------------------------------------------------------

    @Slot()
    def _on_wheel_at_rest(self) -> None:
        self._wheel_pause.stop()
        self._turned = -1
        self._document.end_edit(self._wheel_pause)

    def _on_z_changed(self, z: Tensor) -> None:
        self.update()

    def _on_subject_changed(self, subject: Subject) -> None:
        """Another latent: what was in hand was a cell of the old one."""
        if subject.spec.z_dim != self._count:
            self._let_go()
            self._count, self.cursor_cell = subject.spec.z_dim, 0
        self.update()
