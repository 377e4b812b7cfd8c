"""The list of sliders: the mouse, the wheel and the keys on it."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QEvent, QPointF, QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QWidget

from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.latent import latent_delegate
from ganexplorer.ui.latent.latent_delegate import ROW_HEIGHT, LatentDelegate, Zone, zone_at
from ganexplorer.ui.latent.latent_rows import FINE, KEY_STEP, LatentModel
from ganexplorer.ui.latent.latent_search import EXAMPLES
from ganexplorer.ui.parts.figures import tabular
from ganexplorer.ui.parts.steady_list import Index, SteadyListView
from ganexplorer.ui.picture.move_tool import EDIT_PAUSE

_CURSORS: dict[Zone, Qt.CursorShape] = {
    "bar": Qt.CursorShape.SizeHorCursor,
    "lock": Qt.CursorShape.PointingHandCursor,
    "solo": Qt.CursorShape.PointingHandCursor,
}
_LETTERS = (Qt.Key.Key_L, Qt.Key.Key_S, Qt.Key.Key_D)
_CONTROL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class LatentView(SteadyListView):
    """The sliders. The wheel scrolls, and turns the current slider where the pointer is on its bar."""

    pointed = Signal(int)  # the dimension whose name or bar the pointer is on; -1: none
    touched = Signal()  # a button or the wheel acts on a row
    peeked = Signal(int)  # the dimension whose effect a held key asks for; -1: the key is up

    def __init__(self, document: Document, model: LatentModel, delegate: LatentDelegate, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self._model = model
        self._delegate = delegate
        self._drag: tuple[int, float, float] | None = None  # dimension, x of the press, value at the press
        self._z_at_press = document.z
        self._pointed = -1
        self._kept = -1  # the dimension of the current row, also while a search leaves it out
        # notches in quick succession are one undo step
        self._wheel_pause = QTimer(self, singleShot=True, interval=EDIT_PAUSE)
        self._wheel_pause.timeout.connect(self._on_wheel_at_rest)
        self._turned = -1  # the dimension that the wheel moves
        self._scrolled = QElapsedTimer()
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setFont(tabular(self.font()))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # nothing under it is painted for a row
        self.setAccessibleName("Latent dimensions")
        self.verticalScrollBar().setSingleStep(ROW_HEIGHT)
        model.layoutChanged.connect(self._on_layout_changed)
        model.modelReset.connect(self._forget)

    def track_rect(self, row: int) -> QRect:
        """Where the bar of a row is, in the viewport."""
        return latent_delegate.track_rect(self.visualRect(self._model.index(row)))

    def number_rect(self, row: int) -> QRect:
        return latent_delegate.number_rect(self.visualRect(self._model.index(row)))

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as ground:
            ground.fillRect(event.rect(), QColor(self._delegate.theme.surface))
        super().paintEvent(event)
        if self._model.rowCount() == 0:
            words = "Open a model to move through its latent space."
            if self._model.search:
                words = f"No slider is found by “{self._model.search}”.\nTry {EXAMPLES}."
            painter = QPainter(self.viewport())
            painter.setPen(QColor(self._delegate.theme.quiet))
            room = self.viewport().rect().adjusted(16, 24, -16, -16)
            painter.drawText(room, Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap, words)

    # -- the mouse -----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self.touched.emit()
        row, zone = self._at(event.position())
        if event.button() != Qt.MouseButton.LeftButton or row < 0:
            return
        dimension, index = self._model.dimension(row), self._model.index(row)
        if zone == "lock":
            self.toggle_lock(dimension)
        elif zone == "solo":
            self._document.solo(dimension)
        elif self._model.is_locked(row):
            return
        elif zone == "number":
            self.edit(index)
        elif zone == "bar":
            self._document.begin_edit(self)
            self._z_at_press = self._document.z
            is_fine = bool(event.modifiers() & _SHIFT)
            value = self._model.value(row) if is_fine else self._value_at(event.position().x())
            self._drag = (dimension, event.position().x(), value)
            self._document.set_dimension(dimension, value)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            self._point_at(*self._at(event.position()))
            return
        dimension, start_x, start_value = self._drag
        x = event.position().x()
        if event.modifiers() & _SHIFT:
            unit = self._value_at(start_x + 1, clip=False) - self._value_at(start_x, clip=False)
            value = start_value + (x - start_x) * unit * FINE
        else:
            value = self._value_at(x)
            self._drag = (dimension, x, value)
        self._document.set_dimension(dimension, value)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drag = None
            self._document.end_edit(self)
            return
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row, zone = self._at(event.position())
        if zone in ("lock", "solo"):
            self.mousePressEvent(event)
        elif zone == "bar" and event.button() == Qt.MouseButton.LeftButton:
            # where the first click moved the slider, both are one step
            self._document.reopen_edit(self, self._z_at_press)
            self.reset_row(row)
            self._document.end_edit(self)

    def wheelEvent(self, event: QWheelEvent) -> None:
        row, zone = self._at(event.position())
        turn = event.angleDelta().y() or event.angleDelta().x()  # Shift turns it sideways on some systems
        # a list that is scrolled past does not take the wheel for its slider
        is_scrolling = self._scrolled.isValid() and self._scrolled.elapsed() < EDIT_PAUSE
        is_meant = bool(event.modifiers() & _CONTROL) or (row == self.currentIndex().row() and not is_scrolling)
        if not (zone == "bar" and is_meant and turn):
            self._scrolled.start()
            super().wheelEvent(event)
            return
        event.accept()
        self.touched.emit()
        dimension = self._model.dimension(row)
        if dimension != self._turned:
            self._on_wheel_at_rest()
        self._turned = dimension
        self._document.begin_edit(self._wheel_pause)
        self._nudge(dimension, turn / 120 * KEY_STEP * (FINE if event.modifiers() & _SHIFT else 1))
        self._wheel_pause.start()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._point_at(-1, "")
        return super().viewportEvent(event)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)  # first: rows that wait for paint would be moved once more
        self._point_at(-1, "")  # another row comes under the pointer; it is told when the pointer moves

    def _at(self, position: QPointF) -> tuple[int, Zone]:
        index = self.indexAt(position.toPoint())
        return (index.row(), zone_at(self.visualRect(index), position.toPoint())) if index.isValid() else (-1, "")

    def _point_at(self, row: int, zone: Zone) -> None:
        before, self._delegate.hovered = self._delegate.hovered, (row, zone)
        if before == (row, zone):
            return
        cursor = _CURSORS.get(zone, Qt.CursorShape.ArrowCursor)
        if zone == "bar" and self._model.is_locked(row):
            cursor = Qt.CursorShape.ForbiddenCursor
        self.viewport().setCursor(cursor)
        for number in {before[0], row} - {-1}:
            self.update(self._model.index(number))
        pointed = self._model.dimension(row) if zone in ("name", "bar") else -1
        if pointed != self._pointed:
            self._pointed = pointed
            self.pointed.emit(pointed)

    def _value_at(self, x: float, clip: bool = True) -> float:
        track = latent_delegate.track_rect(QRect(0, 0, self.viewport().width(), ROW_HEIGHT))
        low, high = self._document.prior.slider_range
        share = (x - track.left()) / track.width()
        return low + (high - low) * (min(max(share, 0.0), 1.0) if clip else share)

    # -- the keys ------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in _LETTERS
            and not event.modifiers()
        ):
            event.accept()  # here the letter is ours, not a shortcut of the window
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if not index.isValid() or not self._act(event, self._model.dimension(index.row())):
            super().keyPressEvent(event)

    def _act(self, event: QKeyEvent, dimension: int) -> bool:
        """Do what a key does to the current row; False where it does nothing."""
        key, is_control = event.key(), bool(event.modifiers() & _CONTROL)
        step = KEY_STEP * (FINE if event.modifiers() & _SHIFT else 1)
        low, high = self._document.prior.support
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._document.begin_edit(self)  # until the key is released
            self._nudge(dimension, step if key == Qt.Key.Key_Right else -step)
        elif is_control and key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self._document.begin_edit(self)
            self._nudge(dimension, 1 if key == Qt.Key.Key_PageUp else -1)
        elif is_control and key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._document.set_dimension(dimension, low if key == Qt.Key.Key_Home else high)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._document.set_dimension(dimension, self._document.prior.center)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # the spin box passes its own Return on
            if self.state() != QAbstractItemView.State.EditingState and dimension not in self._document.locked:
                self.edit(self.currentIndex())
        elif key in _LETTERS and not event.modifiers():
            if not event.isAutoRepeat():
                self._act_on_letter(Qt.Key(key), dimension)
        else:
            return False
        return True

    def _act_on_letter(self, key: Qt.Key, dimension: int) -> None:
        if key == Qt.Key.Key_L:
            self.toggle_lock(dimension)
        elif key == Qt.Key.Key_S:
            self._document.solo(dimension)
        else:
            self.peeked.emit(dimension)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat():
            if self._drag is None:
                self._document.end_edit(self)
            if event.key() == Qt.Key.Key_D:
                self.peeked.emit(-1)
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if self._drag is None:  # the release of a key will be another's
            self._document.end_edit(self)
        self.peeked.emit(-1)
        super().focusOutEvent(event)

    def reset_row(self, row: int) -> None:
        """Put a dimension back to the prior's centre."""
        self._document.set_dimension(self._model.dimension(row), self._document.prior.center)

    def toggle_lock(self, dimension: int) -> None:
        self._document.set_locks(self._document.locked ^ {dimension})

    def _nudge(self, dimension: int, steps: float) -> None:
        """Move by so many standard deviations."""
        value = float(self._document.z[dimension]) + steps * self._document.unit
        self._document.set_dimension(dimension, value)

    # -- rows that come and go -----------------------------------------------------------------------------

    def reset(self) -> None:
        """Other rows: nothing of the old ones stays in hand."""
        self._drag = None
        self._document.end_edit(self)
        self._delegate.hovered, self._pointed = (-1, ""), -1
        super().reset()

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        if hint == QAbstractItemDelegate.EndEditHint.RevertModelCache:  # Escape
            self._document.cancel_edit(self.itemDelegate())
        super().closeEditor(editor, hint)

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self._kept = self._model.dimension(current.row())

    @Slot()
    def _forget(self) -> None:
        """Other dimensions: the strongest of them are to be seen, not the one of the same number."""
        self._kept = -1
        self.scrollToTop()

    @Slot()
    def _on_layout_changed(self) -> None:
        """The current dimension stays current; one that was left out is so again once it is back."""
        self._point_at(-1, "")
        row = self._model.row(self._kept)
        if row >= 0 and self.currentIndex().row() != row:
            self.setCurrentIndex(self._model.index(row))

    @Slot()
    def _on_wheel_at_rest(self) -> None:
        self._wheel_pause.stop()
        self._turned = -1
        self._document.end_edit(self._wheel_pause)
