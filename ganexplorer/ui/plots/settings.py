"""The row of choices above the charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QMenu, QSizePolicy, QSlider, QToolButton, QWidget

from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.parts.figures import tabular
from ganexplorer.ui.parts.panel_parts import tool_button
from ganexplorer.ui.plots.record import AXIS_FIELDS
from ganexplorer.ui.plots.run_data import Choices

SMOOTH_STEPS = 60  # of the slider
DECADES = 3.0  # of averaging: the right end averages over about 1000 points
CHOOSE = "Choose a folder…"
ROOMY = 400  # pixels from which on the slider has its name beside it
LOOK = "QToolButton { padding: 3px 4px; } QToolButton[popupMode='2'] { padding-right: 18px; }"


class CalmSlider(QSlider):
    """The wheel passes over it: scrolling what it stands on must not change it."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class PlotSettings(QWidget):
    """Axis, smoothing and logarithms for all charts; zoom and export of the one on show."""

    changed = Signal(object)  # Choices
    reset_wanted = Signal()
    csv_wanted = Signal()
    png_wanted = Signal()
    overlay_wanted = Signal(object)  # a run folder to lay over this run; None: none any more

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runs: Callable[[], Sequence[Path]] = list  # the runs that the menu offers
        self.axis = CalmComboBox(accessibleName="Horizontal axis", toolTip="What the charts run along")
        self.axis.addItems(list(AXIS_FIELDS))
        self.axis.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.smoothing = CalmSlider(Qt.Orientation.Horizontal, accessibleName="Smoothing")
        self.smoothing.setRange(0, SMOOTH_STEPS)
        self.smoothing.setMinimumWidth(36)
        self.smoothing.setToolTip("Smoothing: a moving average; the curves themselves stay, pale, behind it")
        self._weight = QLabel()
        self._weight.setFont(tabular(self.font()))
        self._weight.setFixedWidth(self._weight.fontMetrics().horizontalAdvance(".000"))
        self.log = tool_button("Log", "Logarithmic scale; what is 0 or below is left out")
        self.log.setCheckable(True)
        self.reset = tool_button("Reset", "Show all again (double click). Drag over a chart to zoom in", self._on_reset)
        self.reset.setEnabled(False)
        self.more = tool_button("More", "Save all points or the chart; compare with another run")
        menu = QMenu(self.more)
        menu.addAction("All points as CSV…", self.csv_wanted.emit)
        menu.addAction("This chart as PNG…", self.png_wanted.emit)
        self.overlays = menu.addMenu("Compare with")
        self.overlays.aboutToShow.connect(self._fill_overlays)
        self.overlays.triggered.connect(self._on_overlay)
        self.more.setMenu(menu)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self._name = QLabel("Smooth", objectName="quiet", buddy=self.smoothing)
        row.addWidget(self.axis)
        row.addWidget(self._name)
        row.addWidget(self.smoothing, 1)
        for widget in (self._weight, self.log, self.reset, self.more):
            row.addWidget(widget)
        self.setStyleSheet(LOOK)
        self.axis.currentIndexChanged.connect(self._on_changed)
        self.smoothing.valueChanged.connect(self._on_changed)
        self.log.toggled.connect(self._on_changed)
        self._show_weight()

    @property
    def choices(self) -> Choices:
        axis = list(AXIS_FIELDS)[max(0, self.axis.currentIndex())]
        return Choices(axis, weight_of(self.smoothing.value()), self.log.isChecked())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._name.setVisible(event.size().width() >= ROOMY)

    def minimumSizeHint(self) -> QSize:
        return QSize(260, super().minimumSizeHint().height())  # the name of the slider can go

    @Slot()
    def _on_changed(self) -> None:
        self._show_weight()
        self.changed.emit(self.choices)

    @Slot()
    def _fill_overlays(self) -> None:
        self.overlays.clear()
        self.overlays.addAction("Nothing")
        self.overlays.addSeparator()
        for run in self.runs():
            self.overlays.addAction(run.name.replace("&", "&&")).setData(run)
        self.overlays.addSeparator()
        self.overlays.addAction(CHOOSE).setData(CHOOSE)

    @Slot(object)
    def _on_overlay(self, action: QAction) -> None:
        run = action.data()
        if run == CHOOSE:
            folder = QFileDialog.getExistingDirectory(self, "A run folder")
            if not folder:
                return
            run = Path(folder)
        self.overlay_wanted.emit(run)

    @Slot()
    def _on_reset(self) -> None:
        self.reset_wanted.emit()

    def _show_weight(self) -> None:
        weight = weight_of(self.smoothing.value())
        self._weight.setText(f"{weight:.3f}".strip("0") if weight else "off")


def weight_of(value: int) -> float:
    """The weight that a slider's value stands for, rounded as it is shown: 0, then ever nearer to 1."""
    return round(1 - 10 ** (-DECADES * value / SMOOTH_STEPS), 3)
