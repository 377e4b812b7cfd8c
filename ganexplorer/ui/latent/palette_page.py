"""The palette with its brush and, below, what is under the pointer."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.latent.latent_palette import LatentPalette
from ganexplorer.ui.parts.figures import tabular
from ganexplorer.ui.theme import Theme

REACH = 3  # standard deviations to either side
STEPS = 10  # of the slider in a standard deviation
HINT = "Left paints, right erases, the wheel nudges; Ctrl-click takes a value."
TIP = (
    "What the left button paints, in standard deviations from the prior's centre.\n"
    "Ctrl-click on a cell takes its value. Keys: arrows, Space paints, + and - nudge, Delete erases, L locks."
)


class Swatch(QWidget):
    """The colour of the brush."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.color = QColor()
        self.setFixedSize(QSize(16, 16))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.color)
        painter.drawRoundedRect(QRectF(self.rect()), 4, 4)


class PalettePage(QWidget):
    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.palette_view = LatentPalette(document, theme, self)
        self.brush = QSlider(Qt.Orientation.Horizontal, accessibleName="Brush", toolTip=TIP)
        self.brush.setRange(-REACH * STEPS, REACH * STEPS)
        self.brush.setPageStep(STEPS // 2)
        self._name = QLabel("Brush", objectName="quiet", toolTip=TIP)
        self._name.setBuddy(self.brush)
        self._swatch = Swatch(self)
        self._number = QLabel(toolTip=TIP)
        self._number.setFont(tabular(self.font()))
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._number.setFixedWidth(self.fontMetrics().horizontalAdvance("-0.00 std"))
        self.status = QLabel(HINT, objectName="quiet", wordWrap=True)
        self.status.setFont(tabular(self.font()))
        self.status.setMinimumHeight(2 * self.fontMetrics().height())  # nothing moves when the words change
        self.status.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        line = QHBoxLayout()
        line.setContentsMargins(12, 0, 12, 0)
        line.setSpacing(8)
        line.addWidget(self._name)
        line.addWidget(self.brush, 1)
        line.addWidget(self._swatch)
        line.addWidget(self._number)
        below = QHBoxLayout()
        below.setContentsMargins(12, 4, 12, 8)
        below.addWidget(self.status)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(line)
        layout.addWidget(self.palette_view, 1)
        layout.addLayout(below)
        self.brush.valueChanged.connect(self._on_slider)
        self.palette_view.picked.connect(self.set_brush)
        self.palette_view.pointed.connect(self._on_pointed)
        document.subject_changed.connect(self._show_brush)
        self.brush.setValue(STEPS)

    def set_theme(self, theme: Theme) -> None:
        self.palette_view.set_theme(theme)
        self._show_brush()

    @Slot(float)
    def set_brush(self, value: float) -> None:
        """Paint `value`, in `Document.unit`s from the prior's centre; the slider shows the nearest it can."""
        self.palette_view.brush = value
        self.brush.blockSignals(True)
        self.brush.setValue(round(value * STEPS))
        self.brush.blockSignals(False)
        self._show_brush()

    @Slot(int)
    def _on_slider(self, value: int) -> None:
        self.set_brush(value / STEPS)

    def _show_brush(self) -> None:
        brush = self.palette_view.brush
        self._number.setText(f"{brush:.2f}{' std' if self._document.prior.std else ''}")
        self._swatch.color = self.palette_view.color_of(self.palette_view.brush_value)
        self._swatch.update()

    @Slot(str)
    def _on_pointed(self, words: str) -> None:
        self.status.setText(words or HINT)
