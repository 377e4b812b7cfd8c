"""Files that are dragged onto the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLineEdit, QWidget


class FileDrops(QObject):
    """Makes a window take local files and folders, whatever it is that they are dropped on."""

    hint = Signal(str)  # what dropping would do; empty when nothing is dragged any more
    dropped = Signal(object)  # list[str], paths

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        for edit in window.findChildren(QLineEdit):  # would take the path as text
            edit.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DragLeave and watched is self._window:
            self.hint.emit("")
        elif isinstance(event, QDropEvent) and local_files(event.mimeData()):  # those of dragging are drop events too
            if watched is self._window:
                self._take(event)
            else:
                event.ignore()  # and so it goes on to the window
            return True
        return False

    def _take(self, event: QDropEvent) -> None:
        # never a move, after which the other program would delete the file
        actions = (Qt.DropAction.CopyAction, Qt.DropAction.LinkAction)
        action = next((action for action in actions if event.possibleActions() & action), None)
        if action is None:
            event.ignore()
            return
        event.setDropAction(action)
        event.accept()
        self.hint.emit("" if event.type() == QEvent.Type.Drop else "Drop to open")
        if event.type() == QEvent.Type.Drop:
            self.dropped.emit(local_files(event.mimeData()))


def local_files(mime: QMimeData) -> list[str]:
    """The paths of the files and folders that are dragged; empty for anything else."""
    return [url.toLocalFile() for url in mime.urls() if url.isLocalFile()]
