"""What stands on the screen while PyTorch loads, where the window will be. It needs nothing but Qt."""

from __future__ import annotations

from PySide6.QtCore import QEventLoop, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ganexplorer.ui.theme import Theme

SIDE = 350  # pixels; about what the panels on both sides of the picture take
GAP = 6
BAR = 64  # menu bar and tool bar
FOOT = 26
PATIENCE = 500  # milliseconds, for a desktop that shows it late or never


class OpeningWindow(QWidget):
    """A window of the size and the surfaces of the one to come, and a word that it is coming."""

    def __init__(self, theme: Theme, size: QSize) -> None:
        super().__init__()
        self._theme = theme
        self._painted: QEventLoop | None = None
        self.is_closed = False
        self.setWindowTitle("ganexplorer")
        self.resize(size)

    def show_now(self) -> None:
        """Show it, and return once it is on the screen: what follows keeps the event loop waiting."""
        self.show()
        self._painted = QEventLoop()
        patience = QTimer(singleShot=True, interval=PATIENCE)
        patience.timeout.connect(self._painted.quit)
        patience.start()
        self._painted.exec()
        patience.stop()
        self._painted = None

    def give_way(self, window: QWidget) -> None:
        """Let `window` take this one's place, size and state, and close."""
        is_normal = not self.windowState() & (Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen)
        place = self.geometry() if is_normal else self.normalGeometry()
        window.resize(place.size())
        if self.isVisible():
            window.setGeometry(place)  # not by its frame, of which a desktop tells late
        window.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        window.show()
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.is_closed = True
        super().closeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.window))
        height = self.height() - BAR - FOOT
        middle = QRect(SIDE + GAP, BAR, self.width() - 2 * (SIDE + GAP), height)
        for rect in (QRect(0, BAR, SIDE, height), middle, QRect(self.width() - SIDE, BAR, SIDE, height)):
            painter.fillRect(rect, QColor(self._theme.surface))
        painter.setPen(QColor(self._theme.quiet))
        painter.drawText(middle, Qt.AlignmentFlag.AlignCenter, "Starting…")
        painter.end()
        if self._painted is not None:
            QTimer.singleShot(0, self._painted.quit)
