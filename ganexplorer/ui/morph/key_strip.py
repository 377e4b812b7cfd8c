"""The key frames of the morph as a strip of small pictures, from A to B: go there, reorder, replace, remove."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QFont,
    QHelpEvent,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QMenu, QSizePolicy, QToolTip, QWidget
from torch import Tensor

from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.parts.thumbnails import paint_look
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Studio

GAP = 6  # pixels between pictures
LEAST_SIDE, MOST_SIDE = 28, 72  # of a picture
CAPTION = 14  # pixels below it
FADE = 16  # pixels at an end beyond which there is more

Slots = list[Tensor | None]  # A, the keys between, B; A and B may be empty


def moved(slots: Sequence[Tensor | None], start: int, goal: int) -> Slots:
    """The slots with the key of `start` at `goal`: it fills an empty end, and else pushes the others aside."""
    slots = list(slots)
    if slots[start] is None or start == goal:
        return slots
    if slots[goal] is None:
        slots[goal] = slots[start]
        return without(slots, start)
    first, last = slots[0] is None, slots[-1] is None
    keys = [key for key in slots if key is not None]
    keys.insert(goal - first, keys.pop(start - first))
    return [*([None] if first else []), *keys, *([None] if last else [])]


def without(slots: Sequence[Tensor | None], index: int) -> Slots:
    """The slots without a key: one between is gone, A and B stay as empty slots."""
    slots = list(slots)
    if index in (0, len(slots) - 1):
        slots[index] = None
    else:
        del slots[index]
    return slots


class KeyStrip(QWidget):
    """Painted from the document's key frames and the studio's looks; writes to the document."""

    play_wanted = Signal()  # Space

    def __init__(self, document: Document, studio: Studio, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._studio = studio
        self._theme = theme
        self.slots: Slots = [None, None]
        self.selected = 0
        self._current: list[bool] = []  # which keys z is at
        self._scroll = 0.0
        self._press: tuple[QPointF, int] | None = None
        self._before_click: Tensor | None = None  # where z was before a click went to a key
        self.goal: int | None = None  # where the key in hand would go; None while none is dragged
        self._pointer = QPointF()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName("Key frames")
        document.slots_changed.connect(self._on_slots_changed)
        document.z_changed.connect(self._on_z_changed)
        studio.arrived.connect(self.update)
        studio.changed.connect(self.update)
        self._on_slots_changed()

    def sizeHint(self) -> QSize:
        return QSize(300, 56 + CAPTION + 4)  # twice the size of most small pictures

    def minimumSizeHint(self) -> QSize:
        return QSize(3 * (LEAST_SIDE + GAP), LEAST_SIDE + CAPTION + 4)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def name(self, index: int) -> str:
        return "A" if index == 0 else "B" if index == len(self.slots) - 1 else str(index)

    # -- what is done to a key -----------------------------------------------------------------------------

    def select(self, index: int) -> None:
        self.selected = min(max(index, 0), len(self.slots) - 1)
        self._ensure_visible(self.selected)
        key = self.slots[self.selected]
        what = "empty" if key is None else "shown now" if self._current[self.selected] else ""
        place = f"{self.name(self.selected)}, {self.selected + 1} of {len(self.slots)}"
        self.setAccessibleDescription(f"{place}, {what}" if what else place)
        self.update()

    def go(self, index: int) -> None:
        """Show a key, with the play head at it; into an empty slot the sample on show is put."""
        key = self.slots[index]
        if key is None:
            self.replace(index)
            return
        self._document.leap(key)
        path = self._document.path
        if path is not None:
            t = path.key_positions()[sum(slot is not None for slot in self.slots[:index])]
            if torch.equal(path.at(t), key):  # else two keys share a t
                self._document.set_t(t)

    def replace(self, index: int) -> None:
        """Put the sample on show in the place of a key."""
        slots = list(self.slots)
        slots[index] = self._document.z
        self._put(slots)

    def remove(self, index: int) -> None:
        if self.slots[index] is not None:
            self._put(without(self.slots, index))

    def move_key(self, start: int, goal: int) -> None:
        """Put a key elsewhere in the order; it stays selected."""
        goal = min(max(goal, 0), len(self.slots) - 1)
        if self.slots[start] is not None and start != goal:
            slots, fills = moved(self.slots, start, goal), self.slots[goal] is None
            self._put(slots)
            self.select(len(slots) - 1 if fills and goal else goal)

    def _put(self, slots: Slots) -> None:
        middle = tuple(key for key in slots[1:-1] if key is not None)
        self._document.set_keys(slots[0], middle, slots[-1])

    def menu_of(self, index: int) -> QMenu:
        """What can be done to a key."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        is_empty = self.slots[index] is None
        last = len(self.slots) - 1
        menu.addAction("Go there\tReturn", lambda: self.go(index)).setEnabled(not is_empty)
        word = "Keep the current sample here" if is_empty else "Replace by the current sample"
        menu.addAction(word, lambda: self.replace(index))
        menu.addSeparator()
        left = menu.addAction("Move left\tCtrl+Left", lambda: self.move_key(index, index - 1))
        left.setEnabled(not is_empty and index > 0)
        right = menu.addAction("Move right\tCtrl+Right", lambda: self.move_key(index, index + 1))
        right.setEnabled(not is_empty and index < last)
        menu.addAction("Remove\tDelete", lambda: self.remove(index)).setEnabled(not is_empty)
        return menu

    # -- what the document says ----------------------------------------------------------------------------

    @Slot()
    def _on_slots_changed(self) -> None:
        state = self._document.state
        slots: Slots = [state.a, *state.middle, state.b]
        is_same = len(slots) == len(self.slots) and all(x is y for x, y in zip(slots, self.slots, strict=True))
        if is_same and self._current:
            return
        chosen = self.slots[self.selected]
        self.slots = slots
        self._drop()
        self._current = self._at_keys()
        # a key that is still there stays selected, unless it stands twice
        places = [i for i, key in enumerate(slots) if key is not None and key is chosen]
        self.select(places[0] if len(places) == 1 else self.selected)

    @Slot(object)
    def _on_z_changed(self, z: Tensor) -> None:
        current = self._at_keys()
        if current != self._current:
            self._current = current
            self.update()

    def _at_keys(self) -> list[bool]:
        z = self._document.z
        return [key is not None and torch.equal(key, z) for key in self.slots]

    # -- where things are ----------------------------------------------------------------------------------

    @property
    def side(self) -> float:
        """Of a picture: as large as the height allows, smaller where there are many keys; whole pixels where it can."""
        most = max(LEAST_SIDE, min(MOST_SIDE, self.height() - CAPTION - 4, self.width() / len(self.slots) - GAP))
        subject = self._document.subject
        own = 0 if subject is None or min(subject.spec.image_shape[1:]) == 1 else max(subject.spec.image_shape[1:])
        return most // own * own if LEAST_SIDE <= own <= most else most

    def rect_of(self, index: int) -> QRectF:
        """Where a picture is."""
        side = self.side
        return QRectF(2 + index * (side + GAP) - self._scroll, 2, side, side)

    def index_at(self, position: QPointF) -> int | None:
        for index in range(len(self.slots)):
            if self.rect_of(index).adjusted(-GAP / 2, -2, GAP / 2, CAPTION).contains(position):
                return index
        return None

    @property
    def _overflow(self) -> float:
        """How far the strip can be scrolled."""
        return max(0.0, 4 + len(self.slots) * (self.side + GAP) - GAP - self.width())

    def _scroll_to(self, offset: float) -> None:
        self._scroll = min(max(offset, 0.0), self._overflow)
        self.update()

    def _ensure_visible(self, index: int) -> None:
        rect = self.rect_of(index)
        self._scroll_to(self._scroll + min(0.0, rect.left() - FADE) + max(0.0, rect.right() + FADE - self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._scroll_to(self._scroll)

    # -- painting ------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPointSizeF(0.85 * font.pointSizeF())
        painter.setFont(font)
        held = self._press[1] if self._press is not None and self.goal is not None else None
        for index, key in enumerate(self.slots):
            rect = self.rect_of(index)
            if rect.right() >= 0 and rect.left() <= self.width():
                painter.setOpacity(0.35 if index == held else 1.0)
                self._paint_key(painter, index, key, rect)
        painter.setOpacity(1.0)
        self._paint_fades(painter)
        if held is not None and self.goal is not None:
            self._paint_drag(painter, held, self.goal)

    def _paint_key(self, painter: QPainter, index: int, key: Tensor | None, rect: QRectF) -> None:
        theme, is_current = self._theme, self._current[index]
        look = None if key is None else self._studio.look(key)
        paint_look(painter, rect, look, theme, is_current)
        is_selected = index == self.selected and self.hasFocus()
        if is_selected:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.text), 1, Qt.PenStyle.DotLine))
            painter.drawRect(rect.adjusted(-1.5, -1.5, 1.5, 1.5))
        caption = QRectF(rect.left(), rect.bottom() + 1, rect.width(), CAPTION)
        painter.setPen(QColor(theme.accent if is_current else theme.text if is_selected else theme.quiet))
        painter.drawText(caption, Qt.AlignmentFlag.AlignCenter, self.name(index))

    def _paint_fades(self, painter: QPainter) -> None:
        """Where there is more beyond an end."""
        for is_more, x, inner in (
            (self._scroll > 0.5, 0, FADE),
            (self._scroll < self._overflow - 0.5, self.width(), self.width() - FADE),
        ):
            if is_more:
                gradient = QLinearGradient(x, 0, inner, 0)
                color = QColor(self._theme.window)
                gradient.setColorAt(0, color)
                color.setAlpha(0)
                gradient.setColorAt(1, color)
                painter.fillRect(QRectF(min(x, inner), 0, FADE, self.height()), gradient)

    def _paint_drag(self, painter: QPainter, held: int, goal: int) -> None:
        """Where the key in hand would go, and its picture at the pointer."""
        place, key = self.rect_of(goal), self.slots[held]
        if goal != held:
            x = place.right() + GAP / 2 if goal > held else place.left() - GAP / 2
            painter.setPen(QPen(QColor(self._theme.accent), 2))
            painter.drawLine(QPointF(x, place.top()), QPointF(x, place.bottom()))
        rect = QRectF(place)
        rect.moveCenter(QPointF(self._pointer.x(), place.center().y()))
        painter.setOpacity(0.85)
        paint_look(painter, rect, None if key is None else self._studio.look(key), self._theme)
        painter.setOpacity(1.0)

    # -- mouse and keys ------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index is not None:
            self._press = (event.position(), index)
            self._before_click = None
            self.select(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None:
            return
        start, index = self._press
        far = (event.position() - start).manhattanLength() >= QApplication.startDragDistance()
        if self.slots[index] is not None and (self.goal is not None or far):
            self._pointer = event.position()
            x = event.position().x()
            self._scroll_to(self._scroll + min(0.0, x - FADE) / 4 + max(0.0, x + FADE - self.width()) / 4)
            goal = int((x - self.rect_of(0).left()) // (self.side + GAP))
            self.goal = min(max(goal, 0), len(self.slots) - 1)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._press is None:
            return
        (_, index), goal = self._press, self.goal
        self._drop()
        if goal is not None:
            self.move_key(index, goal)
        elif self.index_at(event.position()) == index:
            before = self._document.z
            self.go(index)
            self._before_click = before if self._document.z is not before else None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Put the sample there that was on show before the first click, which went to the key: that is taken back."""
        index = self.index_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton or index is None or self.slots[index] is None:
            return
        before, self._before_click = self._before_click, None
        if before is not None and self._document.z is self.slots[index]:
            self._document.undo()
        self.replace(index)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        is_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.selected if is_key else self.index_at(QPointF(event.pos()))
        if index is not None:
            self.select(index)
            corner = self.rect_of(index).bottomLeft().toPoint()
            self.menu_of(index).popup(self.mapToGlobal(corner) if is_key else event.globalPos())

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._overflow:
            delta = event.angleDelta()
            self._scroll_to(self._scroll - (delta.y() or delta.x()) / 120 * (self.side + GAP))
            event.accept()
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        with_control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        ways = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Home: -len(self.slots), Qt.Key.Key_End: 10**6}
        key = Qt.Key(event.key())
        if key in ways and with_control:
            self.move_key(self.selected, self.selected + ways[key])
        elif key in ways:
            self.select(self.selected + ways[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.go(self.selected)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove(self.selected)
        elif key == Qt.Key.Key_Space:
            self.play_wanted.emit()
        elif key == Qt.Key.Key_Escape and self.goal is not None:
            self._drop()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.index_at(QPointF(event.pos()))
            if index is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self._tip(index), self)
            return True
        return super().event(event)

    def _tip(self, index: int) -> str:
        key, name = self.slots[index], self.name(index)
        if key is None:
            return f"Click to keep the current sample as {name} ({name})"
        look = self._studio.look(key)
        says = f"D says {look.verdict:.2f}. " if look is not None and look.verdict is not None else ""
        return (
            f"{name}. {says}Click to go there, drag to reorder,\n"
            "double-click to replace by the current sample, Delete to remove."
        )

    def _drop(self) -> None:
        """Let go of the key in hand."""
        self._press, self.goal = None, None
        self.update()
