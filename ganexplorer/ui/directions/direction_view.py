"""The list of named directions: what the mouse, the wheel and the keys do on its rows."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QKeySequence, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QMenu, QWidget

from ganexplorer.ui.directions.direction_rows import DirectionDelegate, DirectionModel
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.latent.latent_delegate import ROW_HEIGHT
from ganexplorer.ui.latent.latent_rows import FINE, KEY_STEP
from ganexplorer.ui.parts.steady_list import Index, SteadyListView
from ganexplorer.ui.picture.move_tool import EDIT_PAUSE


@dataclass(slots=True)
class _Drag:
    row: int
    x: float  # of the pointer
    amount: float | None  # that it stands for, beyond the ends too; None while a row is moved


class DirectionView(SteadyListView):
    """The list of sliders; the mouse, the wheel and the keys move them."""

    axis_wanted = Signal(object, int)  # Direction; 0 for the horizontal axis, 1 for the vertical one

    def __init__(self, document: Document, model: DirectionModel, delegate: DirectionDelegate) -> None:
        super().__init__()
        self._document = document
        self._model = model
        self._delegate = delegate
        self._drag: _Drag | None = None
        self._z_at_press = document.z
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMouseTracking(True)
        self.setAccessibleName("Directions")
        self.verticalScrollBar().setSingleStep(ROW_HEIGHT)
        # notches in quick succession are one undo step
        self._wheel_pause = QTimer(self, singleShot=True, interval=EDIT_PAUSE)
        self._wheel_pause.timeout.connect(self._on_wheel_at_rest)

    def name_rect(self, row: int) -> QRect:
        """Where the name of a row is, in the viewport."""
        return DirectionDelegate.name_rect(self.visualRect(self._model.index(row)))

    def track_rect(self, row: int) -> QRect:
        return DirectionDelegate.track_rect(self.visualRect(self._model.index(row)))

    def number_rect(self, row: int) -> QRect:
        return DirectionDelegate.number_rect(self.visualRect(self._model.index(row)))

    # -- the mouse -----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        row = self.indexAt(event.position().toPoint()).row()
        if event.button() != Qt.MouseButton.LeftButton or row < 0:
            return
        x = event.position().x()
        if self.number_rect(row).contains(event.position().toPoint()):
            self.type_number(row)
        elif self._is_on_track(row, event.position()):
            self._document.begin_edit(self)
            self._z_at_press = self._document.z
            is_fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._drag = _Drag(row, x, self._model.amount(row) if is_fine else self._amount_at(row, x))
            self._follow(self._drag)
        else:
            self._document.begin_edit(self)
            self._drag = _Drag(row, x, None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        drag, position = self._drag, event.position()
        if drag is None:
            row = self.indexAt(position.toPoint()).row()
            self._hover(row)
            on_track = row >= 0 and self._is_on_track(row, position)
            self.viewport().setCursor(Qt.CursorShape.SizeHorCursor if on_track else Qt.CursorShape.ArrowCursor)
        elif drag.amount is None:
            to = self.indexAt(QPoint(self.viewport().width() // 2, position.toPoint().y())).row()
            if to >= 0:
                self._model.shift(drag.row, to)
                drag.row = to
        else:
            # by increments, so that Shift can be pressed and released on the way without a jump
            way = self._amount_at(drag.row, position.x()) - self._amount_at(drag.row, drag.x)
            drag.amount += way * (FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
            drag.x = position.x()
            self._follow(drag)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def _hover(self, row: int) -> None:
        if row != self._delegate.hovered:
            self._delegate.hovered = row
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None and event.button() == Qt.MouseButton.LeftButton:
            self._let_go()
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row = self.indexAt(event.position().toPoint()).row()
        if event.button() != Qt.MouseButton.LeftButton or row < 0:
            return
        if self._is_on_track(row, event.position()):
            # where the first click moved the slider, both are one step
            self._document.reopen_edit(self, self._z_at_press)
            self._model.setData(self._model.index(row), 0.0)
            self._document.end_edit(self)
        elif self.name_rect(row).contains(event.position().toPoint()):
            self.rename(row)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Moves the slider under the pointer if its row is the current one, or with Ctrl; else scrolls."""
        row = self.indexAt(event.position().toPoint()).row()
        is_ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        is_on_slider = row >= 0 and event.position().x() > self.track_rect(row).left() - 6
        if not is_on_slider or not (is_ctrl or row == self.currentIndex().row()):
            super().wheelEvent(event)
            return
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120  # some systems turn the wheel with Shift
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            notches *= FINE
        self._document.begin_edit(self._wheel_pause)
        self._model.setData(self._model.index(row), self._model.amount(row) + notches * KEY_STEP)
        self._wheel_pause.start()
        event.accept()

    @Slot()
    def _on_wheel_at_rest(self) -> None:
        self._document.end_edit(self._wheel_pause)

    def _is_on_track(self, row: int, position: QPointF) -> bool:
        return self.track_rect(row).adjusted(-6, -5, 6, 5).contains(position.toPoint())

    def _amount_at(self, row: int, x: float) -> float:
        track = self.track_rect(row)
        return self._model.scale(row).value((x - track.left()) / track.width())

    def _follow(self, drag: _Drag) -> None:
        if drag.amount is not None and drag.row < self._model.rowCount():
            scale = self._model.scale(drag.row)
            self._model.setData(self._model.index(drag.row), min(max(drag.amount, scale.low), scale.high))

    def _let_go(self) -> None:
        self._drag = None
        self._document.end_edit(self)

    def rowsAboutToBeRemoved(self, parent: Index, start: int, end: int) -> None:
        """Rows that go are not in hand any more."""
        self._let_go()
        super().rowsAboutToBeRemoved(parent, start, end)

    # -- the keys ------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row, key, modifiers = self.currentIndex().row(), event.key(), event.modifiers()
        ways = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if key == Qt.Key.Key_Escape and self._drag is not None:
            self._document.cancel_edit(self)
            self._let_go()
        elif row < 0:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step = KEY_STEP * (FINE if modifiers & Qt.KeyboardModifier.ShiftModifier else 1)
            self._document.begin_edit(self)  # until the key is released
            self._model.setData(self._model.index(row), self._model.amount(row) + ways[Qt.Key(key)] * step)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and modifiers & Qt.KeyboardModifier.AltModifier:
            self._document.begin_edit(self)
            self._model.shift(row, row + ways[Qt.Key(key)])
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            if modifiers & Qt.KeyboardModifier.ControlModifier:
                self._model.remove(row)
            else:
                self._model.setData(self._model.index(row), 0.0)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.state() != QAbstractItemView.State.EditingState:  # the editor passes its own Return on
                self.type_number(row)
        elif key == Qt.Key.Key_F2:
            self.rename(row)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat() and self._drag is None:
            self._document.end_edit(self)
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if self._drag is None:  # the release of a key will be another's
            self._document.end_edit(self)
        super().focusOutEvent(event)

    # -- editors and the menu of a row ---------------------------------------------------------------------

    def type_number(self, row: int) -> None:
        """Open the spin box of a row."""
        self._edit(row, is_renaming=False)

    def rename(self, row: int) -> None:
        """Open the line in which the name of a row is typed."""
        self._edit(row, is_renaming=True)

    def _edit(self, row: int, is_renaming: bool) -> None:
        self._delegate.is_renaming = is_renaming
        self.setCurrentIndex(self._model.index(row))
        self.edit(self._model.index(row))

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        if hint == QAbstractItemDelegate.EndEditHint.RevertModelCache:  # Escape
            self._document.cancel_edit(self._delegate)
        super().closeEditor(editor, hint)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        is_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if is_key else self.indexAt(event.pos())
        if index.isValid():
            place = self.visualRect(index).center() if is_key else event.pos()
            self.menu_of(index.row()).popup(self.viewport().mapToGlobal(place))

    def menu_of(self, row: int) -> QMenu:
        """What can be done with a row."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        direction = self._model.directions[row]
        index = self._model.index(row)
        menu.addAction("Rename", QKeySequence(Qt.Key.Key_F2), lambda: self.rename(row))
        menu.addAction("Back to the centre", QKeySequence(Qt.Key.Key_Delete), lambda: self._model.setData(index, 0.0))
        menu.addSeparator()
        menu.addAction("Use as horizontal axis", lambda: self.axis_wanted.emit(direction, 0))
        menu.addAction("Use as vertical axis", lambda: self.axis_wanted.emit(direction, 1))
        menu.addSeparator()
        menu.addAction("Remove", QKeySequence("Ctrl+Del"), lambda: self._model.remove(row))
        return menu
