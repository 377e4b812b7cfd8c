"""What a person went through and what they keep: the history and the bookmarks side by side."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.memory.bookmarks_panel import BookmarksPanel
from ganexplorer.ui.memory.history_panel import HistoryPanel
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Studio

BOOKMARKS_WIDTH = 180


class MemoryPanel(QWidget):
    """`HistoryPanel` and `BookmarksPanel` with a handle between them."""

    notice = Signal(str)

    def __init__(self, document: Document, studio: Studio, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.history = HistoryPanel(document, studio, theme)
        self.bookmarks = BookmarksPanel(document, studio, theme)
        self.bookmarks.notice.connect(self.notice)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(8)
        splitter.addWidget(self.history)
        splitter.addWidget(self.bookmarks)
        splitter.setStretchFactor(0, 1)
        splitter.setStretchFactor(1, 0)
        splitter.setSizes([1000, BOOKMARKS_WIDTH])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def sizeHint(self) -> QSize:
        return QSize(560, 200)

    def set_theme(self, theme: Theme) -> None:
        self.history.set_theme(theme)
        self.bookmarks.set_theme(theme)
