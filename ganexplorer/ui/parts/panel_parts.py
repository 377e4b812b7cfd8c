"""Small things that panels are made of."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolButton, QWidget

from ganexplorer.ui.theme import Theme

ICON = 16  # pixels
MINUS = "\N{MINUS SIGN}"


def typed(event: QKeyEvent) -> str:
    """What was typed, small; nothing where Ctrl or Alt is held."""
    held = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    return "" if held else event.text().lower()


def tool_button(text: str, tip: str, slot: Callable[[], None] | None = None) -> QToolButton:
    """A button that the keys reach."""
    button = QToolButton(text=text, toolTip=tip)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if slot is not None:
        button.clicked.connect(lambda: slot())
    return button


def painted_icon(widget: QWidget, theme: Theme, paint: Callable[[QPainter, QColor], None]) -> QIcon:
    """A picture of 16 pixels, also for when it is disabled."""
    icon, ratio = QIcon(), widget.devicePixelRatioF()
    for mode, color in ((QIcon.Mode.Normal, theme.text), (QIcon.Mode.Disabled, theme.faint)):
        pixmap = transparent(QSize(ICON, ICON), ratio)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint(painter, QColor(color))
        painter.end()
        icon.addPixmap(pixmap, mode)
    return icon


def transparent(size: QSize, ratio: float) -> QPixmap:
    """An empty picture to paint on; `ratio`: pixels of the screen in a logical one."""
    pixmap = QPixmap(size * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    return pixmap


class QuietLabel(QLabel):
    """Quiet words in one line that end in dots where there is too little room for them."""

    def __init__(self) -> None:
        super().__init__(objectName="quiet", textFormat=Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        words = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
