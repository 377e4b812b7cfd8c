"""The branching history: a tree of thumbnails to walk in."""

from __future__ import annotations

import itertools

import torch
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Slot
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QMenu, QToolTip, QVBoxLayout, QWidget

from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.files.clipboard import copy_latent
from ganexplorer.ui.memory.history_tree import MARGIN, Grid, Marks, Tree, paint_tree
from ganexplorer.ui.parts.latent_menu import add_bookmarks, add_latent_actions
from ganexplorer.ui.parts.small_looks import SmallLooks, side_of
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Studio

THUMBNAIL = 56  # pixels, the most that a picture takes
NO_MODEL = "Open a model: where you go in its latent space is kept here."
FIRST_STEP = "This is where you are. Each place that you go to becomes a step; go back and elsewhere: a branch."


class HistoryView(QAbstractScrollArea):
    """The tree. A click goes to a step; the arrow keys move a cursor, Return goes to it."""

    def __init__(self, document: Document, studio: Studio, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._document, self._looks = document, SmallLooks(studio)
        self._tree = Tree(document.history)
        self._is_stale = self._is_behind = self._has_moved = False  # see `_on_history_changed`
        self.grid = Grid(THUMBNAIL)
        self.marked = -1  # number of the step that keys act on: the cursor
        self._current = -1  # the step that was gone to last
        self._path: set[int] = set()
        self._taken: dict[int, int] = {}  # of each step of `_taken_in`, the child that was gone to last
        self._taken_in = document.history
        self._hovered: int | None = None
        self._pressed: int | None = None
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("History")
        self.viewport().setAutoFillBackground(False)
        document.history_changed.connect(self._on_history_changed)
        document.subject_changed.connect(self._on_model_changed)
        studio.changed.connect(self._on_model_changed)
        studio.arrived.connect(self.viewport().update)
        self._on_history_changed()

    # -- where things are ----------------------------------------------------------------------------------

    @property
    def tree(self) -> Tree:
        """The history of now, laid out where it was not."""
        if self._is_stale:
            history = self._document.history
            self._tree, self._path, self._is_stale = Tree(history), set(history.path(self._document.state.node)), False
        return self._tree

    def room(self, number: int) -> QRectF:
        """Where the picture of a step is, in the viewport."""
        return self.grid.room(self.tree.places[number]).translated(-self._corner())

    def number_at(self, position: QPointF) -> int | None:
        self._catch_up()
        place = self.grid.place_at(position + self._corner())
        return None if place is None else self.tree.at.get(place)

    def show_step(self, number: int) -> None:
        """Scroll until a step and its neighbours are visible."""
        room = self.grid.room(self.tree.places[number])
        margin = self.grid.side * 0.75
        for bar, low, high, extent in (
            (self.horizontalScrollBar(), room.left(), room.right(), self.viewport().width()),
            (self.verticalScrollBar(), room.top(), room.bottom(), self.viewport().height()),
        ):
            spare = min(margin, max(MARGIN, (extent - (high - low)) / 2))
            if low - spare < bar.value():
                bar.setValue(int(low - spare))
            elif high + spare > bar.value() + extent:
                bar.setValue(int(high + spare - extent) + 1)

    def _corner(self) -> QPointF:
        """The place of the tree that is at the viewport's corner."""
        return QPointF(self.horizontalScrollBar().value(), self.verticalScrollBar().value())

    def _set_ranges(self) -> None:
        size, area = self.grid.size(self.tree.columns, self.tree.rows), self.viewport().size()
        for bar, needed, extent in (
            (self.horizontalScrollBar(), size.width(), area.width()),
            (self.verticalScrollBar(), size.height(), area.height()),
        ):
            bar.setRange(0, max(0, int(needed + 0.999) - extent))
            bar.setPageStep(extent)
            bar.setSingleStep(int(self.grid.side) // 2)

    # -- what changes --------------------------------------------------------------------------------------

    @Slot()
    def _on_history_changed(self) -> None:
        """Follow at once where the tree is seen; else many steps may come before somebody looks."""
        history, node = self._document.history, self._document.state.node
        if history is not self._taken_in:
            self._taken_in, self._current = history, -1
            self._taken.clear()
        self._taken.update(itertools.pairwise(history.path(node)))
        self._has_moved |= node != self._current
        self._current = node
        self._is_stale = self._is_behind = True  # the tree, and where it is scrolled to and the cursor is
        if not self.viewport().visibleRegion().isEmpty():
            self._catch_up()

    @Slot()
    def _catch_up(self) -> None:
        """Bring bars and cursor to what the history has become."""
        if not self._is_behind:
            return
        self._is_behind = False
        history, node = self.tree.history, self._current
        self._set_ranges()
        if self._has_moved or self.marked not in history:
            self._has_moved = False
            self._mark(node if node in history else history.newest)
        self.viewport().update()

    @Slot()
    def _on_model_changed(self) -> None:
        """Pictures of another size, perhaps; in training the same, a few times a second."""
        subject = self._document.subject
        if subject is not None:
            grid = Grid(side_of(subject.spec.image_shape, THUMBNAIL, self.devicePixelRatioF()))
            if grid != self.grid:
                self.grid = grid
                self._set_ranges()
                self._reveal()
        self.viewport().update()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.viewport().update()

    def _mark(self, number: int) -> None:
        self.marked = number
        self.setAccessibleDescription(self.words(number) if number in self.tree.history else "")
        self._reveal()
        self.viewport().update()

    def _reveal(self) -> None:
        if self.marked in self.tree.places:
            self.show_step(self.marked)

    def words(self, number: int) -> str:
        """A step for a person."""
        z = self.tree.history[number].z
        distance = float(torch.linalg.vector_norm(z - self._document.prior.center))
        here = ", where you are" if number == self._document.state.node else ""
        return f"Step {number}{here}, |z| {distance:.2f}"

    # -- painting ------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self.viewport()), self.theme
        painter.fillRect(event.rect(), QColor(theme.surface))
        if self._is_behind:  # it comes into sight; bars must not be set while something is painted
            QTimer.singleShot(0, self, self._catch_up)
        count = len(self.tree.history)
        if count < 2:
            painter.setPen(QColor(theme.quiet))
            area = QRectF(self.viewport().rect()).adjusted(16, 8, -16, -8)
            flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignVCenter
            if count == 0:
                painter.drawText(area, flags | Qt.AlignmentFlag.AlignHCenter, NO_MODEL)
                return
            first = self.room(next(iter(self.tree.history)).number)
            area = QRectF(first.right() + 16, first.top(), area.right() - first.right() - 16, first.height())
            painter.drawText(area, flags, FIRST_STEP)
        corner = self._corner()
        painter.translate(-corner)
        cursor = self.marked if self.hasFocus() else None
        tree = self.tree  # brings the path up to date, too
        marks = Marks(self._document.state.node, self._path, cursor, self._hovered)
        area = QRectF(self.viewport().rect()).translated(corner)
        paint_tree(painter, area, tree, self.grid, marks, lambda step: self._looks.look(step.z), theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._set_ranges()
        self._reveal()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._catch_up()
        self._on_model_changed()  # perhaps another screen

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._catch_up()
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    # -- mouse ---------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = self.number_at(event.position()) if event.button() == Qt.MouseButton.LeftButton else None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is not None and pressed == self.number_at(event.position()):
            self._document.visit(pressed)
            self._mark(pressed)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.number_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def _hover(self, number: int | None) -> None:
        if number != self._hovered:
            self._hovered = number
            self.viewport().setCursor(
                Qt.CursorShape.ArrowCursor if number is None else Qt.CursorShape.PointingHandCursor
            )
            self.viewport().update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Where there is nothing below, the wheel goes along the tree."""
        if self.verticalScrollBar().maximum() == 0 and not event.angleDelta().x():
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() - round(event.angleDelta().y() / 120 * self.grid.side))
            event.accept()
        else:
            super().wheelEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = self.number_at(QPointF(event.pos()))
            if number is None:
                QToolTip.hideText()
            else:
                tip = self.words(number) + "\nClick: go there. Right button: what else to do."
                QToolTip.showText(event.globalPos(), tip, self, self.room(number).toRect())
            return True
        return super().viewportEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._catch_up()
        is_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        number = self.number_at(QPointF(event.pos())) if is_mouse else self.marked
        if number is not None and number in self.tree.places:
            self._mark(number)
            below = self.viewport().mapToGlobal(self.room(number).center().toPoint())
            self.menu(number).popup(event.globalPos() if is_mouse else below)

    def menu(self, number: int) -> QMenu:
        """What can be done with a step; it deletes itself when closed."""
        z = self.tree.history[number].z
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Go there", lambda: self._document.visit(number))
        menu.addSeparator()
        add_latent_actions(menu, self._document, z)
        return menu

    # -- keys ----------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and (event.matches(QKeySequence.StandardKey.Copy) or _is_bookmark(event))
        ):
            event.accept()  # the step at the cursor is meant, not the one on show
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._catch_up()
        number = self.marked
        if number not in self.tree.places:
            super().keyPressEvent(event)
            return
        z = self.tree.history[number].z
        if event.matches(QKeySequence.StandardKey.Copy):
            copy_latent(z)
        elif _is_bookmark(event):
            add_bookmarks(self._document, [z])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._document.visit(number)
        elif (goal := self._goal(number, event.key())) is not None:
            self._mark(goal)
        else:
            super().keyPressEvent(event)

    def _goal(self, number: int, key: int) -> int | None:
        """The step that a key leads to, or None for a key that leads nowhere."""
        history = self.tree.history
        match key:
            case Qt.Key.Key_Left:
                parent = history[number].parent
                return number if parent is None else parent
            case Qt.Key.Key_Right:
                children = [step.number for step in history.children(number)]
                taken = self._taken.get(number)
                return taken if taken in children else max(children, default=number)
            case Qt.Key.Key_Up:
                return self.tree.beside(number, -1)
            case Qt.Key.Key_Down:
                return self.tree.beside(number, 1)
            case Qt.Key.Key_Home:
                return history.path(number)[0]
            case Qt.Key.Key_End:
                return history.newest
        return None


class HistoryPanel(QWidget):
    """The history of the document."""

    def __init__(self, document: Document, studio: Studio, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = HistoryView(document, studio, theme, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.setFocusProxy(self.view)

    def sizeHint(self) -> QSize:
        return QSize(380, 200)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, THUMBNAIL + 3 * MARGIN)

    def set_theme(self, theme: Theme) -> None:
        self.view.set_theme(theme)


def _is_bookmark(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_D and event.modifiers() == Qt.KeyboardModifier.ControlModifier
