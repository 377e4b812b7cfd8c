"""The list of bookmarks: the mouse and the keys on it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QKeyCombination, QLineF, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractItemView, QApplication, QListView, QWidget

from ganexplorer.ui.memory.bookmark_rows import BookmarkDelegate, BookmarkModel

EMPTY = "None yet. Bookmark the latent on show: Ctrl+D."


class BookmarksView(QListView):
    """The list. A click goes there; dragging moves a bookmark."""

    chosen = Signal(int)  # row
    moved = Signal(int, int)  # row, and the row that it is to have
    menu_wanted = Signal(int, QPoint)  # row, a point of the screen

    def __init__(self, model: BookmarkModel, delegate: BookmarkDelegate, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows, self._delegate = model, delegate
        self._pressed: tuple[int, QPoint] | None = None  # row, and where
        self.commands: dict[str, Callable[[], None]] = {}  # by their keys, as "Alt+Up"
        self._gap: int | None = None  # while one is dragged: before which row it would be put
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setUniformItemSizes(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setAccessibleName("Bookmarks")

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        if not self._rows.rowCount():
            painter.setPen(QColor(self._delegate.theme.quiet))
            area = self.viewport().rect().adjusted(12, 8, -12, -8)
            painter.drawText(area, Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap, EMPTY)
        elif self._gap is not None:
            is_last = self._gap == self._rows.rowCount()
            row = self.visualRect(self._rows.index(self._gap - is_last))
            y = row.bottom() if is_last else max(row.top(), 1)
            painter.setPen(QPen(QColor(self._delegate.theme.accent), 2))
            painter.drawLine(QLineF(4, y, self.viewport().width() - 4, y))

    # -- mouse ---------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        point = event.position().toPoint()
        index = self.indexAt(point)
        is_left = event.button() == Qt.MouseButton.LeftButton
        self._pressed = (index.row(), point) if is_left and index.isValid() else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            super().mouseMoveEvent(event)  # the pointer passes over rows; dragging would select them
            return
        point = event.position().toPoint()
        far = (point - self._pressed[1]).manhattanLength() >= QApplication.startDragDistance()
        if self._gap is not None or far:
            self._gap = self._gap_at(point)
            self.scrollTo(self._rows.index(min(self._gap, self._rows.rowCount() - 1)))
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        pressed, gap = self._pressed, self._gap
        self._let_go()
        if pressed is None or pressed[0] >= self._rows.rowCount():
            return
        if gap is not None:
            self.moved.emit(pressed[0], gap - (gap > pressed[0]))
        elif self.indexAt(event.position().toPoint()).row() == pressed[0]:
            self.chosen.emit(pressed[0])

    def _gap_at(self, point: QPoint) -> int:
        """Before which row something is put that is let go there."""
        row = self.indexAt(QPoint(self.viewport().width() // 2, point.y())).row()
        if row < 0:
            return 0 if point.y() < 0 else self._rows.rowCount()
        return row + (point.y() > self.visualRect(self._rows.index(row)).center().y())

    def _let_go(self) -> None:
        self._pressed = self._gap = None
        self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        is_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if is_mouse else self.currentIndex()
        if index.isValid():
            below = self.viewport().mapToGlobal(self.visualRect(index).center())
            self.menu_wanted.emit(index.row(), event.globalPos() if is_mouse else below)

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and _keys(event) in self.commands
        ):
            event.accept()  # the selected one is meant, not what the window would do
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        command = self.commands.get(_keys(event))
        if self._gap is not None and event.key() == Qt.Key.Key_Escape:
            self._let_go()
        elif (
            command is not None and self.state() != QAbstractItemView.State.EditingState
        ):  # the editor passes Return on
            command()
        else:
            super().keyPressEvent(event)


def _keys(event: QKeyEvent) -> str:
    """The keys of an event in words."""
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return QKeySequence(QKeyCombination(held, Qt.Key(event.key()))).toString(QKeySequence.SequenceFormat.PortableText)
