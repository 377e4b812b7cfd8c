"""One readable line about something that went wrong, or that the program did by itself; it lives on."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

NEWS_MILLISECONDS = 10_000


class NoticeBar(QFrame):
    """Hidden until there is something to say; stays until it is closed or replaced.

    News goes by itself, and what stood there before it comes back.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="notice")
        self._label = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._label.setMinimumWidth(1)  # a file name of hundreds of letters must not widen the window
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        close = QToolButton(text="✕", objectName="flat")
        close.setToolTip("Close")
        close.setAccessibleName("Close this notice")
        close.clicked.connect(self._on_closed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.addWidget(self._label, 1)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._news = QTimer(self, singleShot=True, interval=NEWS_MILLISECONDS)
        self._news.timeout.connect(self._on_news_over)
        self._complaint = ""  # that stays, though news may lie over it
        self.hide()

    @property
    def text(self) -> str:
        """What is shown; empty while hidden."""
        return "" if self.isHidden() else self._label.text()

    def tell(self, text: str) -> None:
        """Show a sentence or two."""
        self._news.stop()
        self._complaint = text
        self._show(text)

    def inform(self, text: str) -> None:
        """Show a sentence or two for some seconds: nothing is wrong."""
        self._show(text)
        self._news.start()

    def withdraw(self, text: str) -> None:
        """Take back a complaint that is no longer so."""
        if self._complaint == text:
            self._complaint = ""
            if not self._news.isActive():
                self.hide()

    def _show(self, text: str) -> None:
        self._label.setText(text)
        self.show()

    def end_news(self) -> None:
        """Take back news that is no longer so."""
        if self._news.isActive():
            self._news.stop()
            self._on_news_over()

    @Slot()
    def _on_news_over(self) -> None:
        if self._complaint:
            self._show(self._complaint)
        else:
            self.hide()

    @Slot()
    def _on_closed(self) -> None:
        if self._news.isActive():
            self.end_news()
        else:
            self._complaint = ""
            self.hide()
