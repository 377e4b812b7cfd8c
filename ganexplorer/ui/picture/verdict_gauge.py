"""What the discriminator says of the picture on show."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ganexplorer.core.judge import Judge
from ganexplorer.ui.theme import D_COLOR, Theme

BAR_WIDTH = 48


class VerdictGauge(QWidget):
    """A word and a bar: the probability that D gives the picture of being real, or D's raw output."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._judge: Judge | None = None
        self._verdict: float | None = None
        self._last = 0  # stamp of the other discriminators
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Verdict of the discriminator")
        self.show_judge(None)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance("D 100 % real") + BAR_WIDTH + 32, 24)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_judge(self, judge: Judge | None, last: int = 0) -> None:
        """Speak for another discriminator, or for none, on what has a stamp above `last`."""
        self._judge, self._verdict, self._last = judge, None, last
        if judge is None:
            tip = "This model brings no discriminator, which could say how real it finds the picture."
        elif judge.is_probability:
            tip = "The probability that the discriminator gives this picture of being a real one."
        else:
            tip = "What the discriminator puts out for this picture; its targets were 1 for real and 0 for made ones."
        self.setToolTip(tip)
        self._show()

    @Slot(int, float)
    def show_verdict(self, stamp: int, verdict: float) -> None:
        if self._judge is not None and stamp > self._last:
            self._verdict = verdict
            self._show()

    @property
    def text(self) -> str:
        """What is written."""
        if self._judge is None:
            return "D: none at hand"
        if self._verdict is None:
            return "D"
        return f"D {100 * self._verdict:.0f} % real" if self._judge.is_probability else f"D {self._verdict:.2f}"

    def _show(self) -> None:
        self.setAccessibleDescription(self.text)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_told = self._verdict is not None
        painter.setPen(QColor(self._theme.d_text if is_told else self._theme.faint))
        words = self.rect().adjusted(8, 0, -BAR_WIDTH - 16 if is_told else -8, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.text)
        if self._verdict is None:
            return
        bar = QRectF(self.width() - BAR_WIDTH - 8, self.height() / 2 - 3, BAR_WIDTH, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.track))
        painter.drawRoundedRect(bar, 3, 3)
        bar.setWidth(BAR_WIDTH * min(max(self._verdict, 0.0), 1.0))
        painter.setBrush(QColor(D_COLOR))
        painter.drawRoundedRect(bar, 3, 3)
