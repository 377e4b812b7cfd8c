"""The charts of a training run: losses, phase, verdicts, gradients, and how good the samples are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QFileDialog, QLabel, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from ganexplorer.core.errors import UserError
from ganexplorer.train.events import Mark, MarkKind, Scalars
from ganexplorer.train.losses import LossName
from ganexplorer.ui.plots.chart_words import (
    DISTANCE,
    GRADIENTS,
    LOSSES,
    PHASE_HINT,
    QUALITY,
    VERDICTS,
    WORDS,
)
from ganexplorer.ui.plots.export import write_csv
from ganexplorer.ui.plots.marks import Marks
from ganexplorer.ui.plots.record import Record
from ganexplorer.ui.plots.run_data import Choices, RunData
from ganexplorer.ui.plots.series import Values
from ganexplorer.ui.plots.settings import PlotSettings
from ganexplorer.ui.theme import Theme

if TYPE_CHECKING:  # they bring pyqtgraph, which takes the better part of a second: only when there is something to draw
    from ganexplorer.ui.plots.hand_chart import HandChart

REFRESH_MILLISECONDS = 100
_PAGES = {page.title: page for page in (LOSSES, VERDICTS, GRADIENTS, QUALITY, DISTANCE)}
TABS = (LOSSES.title, "Phase", *list(_PAGES)[1:])
TAB_LOOK = "QTabBar::tab { padding: 4px 3px; }"  # all of them in a narrow panel


class CalmTabBar(QTabBar):
    """The wheel passes over it."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class LossPlots(QObject):
    """The charts, fed by `append`; redrawn at most ten times a second, when there is news, and when they are seen.

    `widget` is what to put on a panel. A chart is made when it is first shown and there is something to draw.
    """

    point_clicked = Signal(object)  # the step of a point
    notice = Signal(str)  # something to tell the person

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._is_warm = False
        self._data = RunData()
        self._charts: dict[str, HandChart] = {}
        self._writing: Iterator[int] | None = None
        self._written: tuple[Path, int] = (Path(), 0)  # what is being written, and how many points
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MILLISECONDS)
        self._timer.timeout.connect(self.redraw)
        self._writer = QTimer(self, interval=0)
        self._writer.timeout.connect(self._write_on)
        self.settings = PlotSettings()
        self.tabs = CalmTabBar(accessibleName="Charts", drawBase=False, expanding=False)
        self.tabs.setStyleSheet(TAB_LOOK)
        for title in TABS:
            self.tabs.addTab(title)
        self._stack = QStackedWidget()
        self._empty = QLabel(objectName="quiet", alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._stack.addWidget(self._empty)
        self.widget = QWidget()
        layout = QVBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.settings)
        layout.addWidget(self.tabs)
        layout.addWidget(self._stack, 1)
        self.tabs.currentChanged.connect(self._on_tab)
        self.settings.changed.connect(self._on_choices)
        self.settings.reset_wanted.connect(self._on_reset)
        self.settings.csv_wanted.connect(self.choose_csv)
        self.settings.png_wanted.connect(self.choose_png)
        self._on_tab()

    # -- the charts ----------------------------------------------------------------------------------------

    def chart(self, title: str) -> HandChart:
        """The chart of a tab, made now where it was not needed before."""
        if title not in self._charts:
            from ganexplorer.ui.plots.phase_chart import PhaseChart
            from ganexplorer.ui.plots.run_chart import RunChart

            chart: HandChart
            if title in _PAGES:
                chart = RunChart(_PAGES[title], self._data, self._theme)
            else:
                chart = PhaseChart(self._data, self._theme)
            chart.picked.connect(self._on_picked)
            chart.zoomed.connect(self._show_zoom)
            self._charts[title] = chart
            self._stack.addWidget(chart)
        return self._charts[title]

    @property
    def losses(self) -> HandChart:
        return self.chart(LOSSES.title)

    @property
    def phase(self) -> HandChart:
        return self.chart("Phase")

    @property
    def current(self) -> HandChart:
        """The chart whose tab is chosen."""
        return self.chart(self._title)

    @property
    def _title(self) -> str:
        return TABS[self.tabs.currentIndex()]

    @property
    def _is_empty(self) -> bool:
        return not len(self._data.record) and self._data.overlay is None

    def warm_up(self) -> None:
        """Something may soon be drawn: load what that takes, beside the window. Harmless to call often."""
        if not self._is_warm:
            self._is_warm = True
            Thread(target=_load_charts, name="charts").start()

    @property
    def made(self) -> list[str]:
        """The titles of the charts that there are so far."""
        return list(self._charts)

    # -- what comes in -------------------------------------------------------------------------------------

    @property
    def points(self) -> tuple[Values, Values, Values]:
        """Steps, D's losses, G's losses."""
        record = self._data.record
        return record.steps, record.column("d_loss"), record.column("g_loss")

    def clear(self) -> None:
        """Forget all points and marks, and what was zoomed in on, as for a new run. A second run stays."""
        self._data.record, self._data.marks, self._data.cursor = Record(), Marks(), None
        for chart in self._charts.values():
            chart.hover(None)
            chart.reset_zoom()
        self._on_tab()

    def start(self, loss: LossName, title: str) -> None:
        """A run of this loss and name begins or goes on: choose the words. Points stay."""
        self._data.words, self._data.title = WORDS[loss], title
        self.redraw()

    def append(self, scalars: Sequence[Scalars]) -> None:
        """Add points. Where a step is not above the last one, the run went back: what came from there on is dropped."""
        if scalars:
            was_empty = self._is_empty
            cut = self._data.record.extend(scalars)
            self._data.marks.settle(cut)
            if was_empty:
                self._on_tab()
            if cut is None:
                self._redraw_soon()
            else:  # at once: the point under the pointer may be gone
                self.redraw()

    def show(self, record: Record) -> None:
        """Show these points in place of those that were there."""
        self._data.record = record
        self._on_tab()
        self._redraw_soon()

    def mark(self, step: int, kind: MarkKind, text: str = "") -> None:
        """Mark an event."""
        self._data.marks.add(Mark(step, kind, text))
        self._redraw_soon()

    def overlay(self, title: str, record: Record | None) -> None:
        """Draw a second run, pale, over the first; None takes it away."""
        self._data.overlay, self._data.overlay_title = record, title
        self._on_tab()
        self.redraw()

    def show_cursor(self, step: int | None) -> None:
        """Mark the step whose samples are on show."""
        self._data.cursor = step
        self._redraw_soon()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for chart in self._charts.values():
            chart.set_theme(theme)

    @Slot()
    def redraw(self) -> None:
        """Draw what there is now; charts that are hidden draw themselves when they are shown."""
        self._timer.stop()
        for chart in self._charts.values():
            chart.redraw()

    def _redraw_soon(self) -> None:
        if any(chart.isVisible() for chart in self._charts.values()):
            if not self._timer.isActive():
                self._timer.start()
        else:
            self.redraw()

    # -- what a person does --------------------------------------------------------------------------------

    @Slot()
    def _on_tab(self) -> None:
        """Show the chart of the tab, or what it will show."""
        title = self._title
        self.settings.axis.setEnabled(title in _PAGES)
        if self._is_empty:
            self._empty.setText(_PAGES[title].hint if title in _PAGES else PHASE_HINT)
        self._stack.setCurrentWidget(self._empty if self._is_empty else self.chart(title))
        self._show_zoom()

    @Slot(object)
    def _on_choices(self, choices: Choices) -> None:
        before, self._data.choices = self._data.choices, choices
        if choices.axis != before.axis or choices.is_log != before.is_log:
            for chart in self._charts.values():  # what was zoomed in on is elsewhere now
                chart.reset_zoom()
        self._redraw_soon()

    @Slot()
    def _show_zoom(self) -> None:
        chart = self._charts.get(self._title)
        self.settings.reset.setEnabled(chart is not None and chart.is_zoomed)

    @Slot()
    def _on_reset(self) -> None:
        self.current.reset_zoom()

    @Slot(object)
    def _on_picked(self, index: int) -> None:
        self.point_clicked.emit(int(self._data.record.steps[index]))

    # -- export --------------------------------------------------------------------------------------------

    @Slot()
    def choose_csv(self) -> None:
        self._choose("Save the points", "points.csv", "CSV (*.csv)", self.save_csv)

    @Slot()
    def choose_png(self) -> None:
        self._choose("Save the chart", f"{self._title.lower()}.png", "PNG (*.png)", self.save_png)

    def _choose(self, title: str, name: str, kind: str, save: Callable[[Path], None]) -> None:
        name = f"{self._data.title}-{name}" if self._data.title else name
        path, _ = QFileDialog.getSaveFileName(self.widget, title, name, kind)
        if path:
            save(Path(path))

    def save_csv(self, path: Path) -> None:
        """Write all points of now, in the background; `notice` tells when that is done, or what went wrong."""
        self.stop_writing()
        table = self._data.record.table()
        self._writing, self._written = write_csv(path, table), (path, len(table))
        self._writer.start()

    def save_png(self, path: Path) -> None:
        """Write the chart on show at twice its size."""
        if not self.current.picture().save(str(path), "PNG"):
            self.notice.emit(f"{path}: the picture cannot be written. Choose a folder of yours, and a name in .png.")

    @property
    def is_writing(self) -> bool:
        return self._writing is not None

    def stop_writing(self) -> None:
        """Leave a file that is not complete unwritten."""
        self._writer.stop()
        if self._writing is not None:
            self._writing.close()  # type: ignore[attr-defined]
            self._writing = None

    @Slot()
    def _write_on(self) -> None:
        assert self._writing is not None
        try:
            if next(self._writing, None) is not None:
                return
            path, count = self._written
            self.notice.emit(f"{count:,} points are in {path}.")
        except UserError as error:
            self.notice.emit(str(error))
        self.stop_writing()


def _load_charts() -> None:
    from ganexplorer.ui.plots import phase_chart, run_chart  # noqa: F401
