"""One run, past or present: its curves, its snapshots on a line, its fixed samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ganexplorer.core.render import Pixels
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Changed, LogEntry, Mark, Scalars
from ganexplorer.train.requests import changed, steps_of, steps_per_epoch
from ganexplorer.train.snapshots import Snapshot, snapshots
from ganexplorer.ui.plots.plots import LossPlots
from ganexplorer.ui.plots.record import Record
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.training.run_record import mark_of, newest_runs
from ganexplorer.ui.training.sample_sheet import SampleSheet
from ganexplorer.ui.training.timeline import Timeline

OFFERED_RUNS = 15  # to lay over the one on show
PLOTS_HEIGHT = 210  # pixels, at least


class RunView(QWidget):
    """What there is to see of a run; it steers nothing."""

    snapshot_chosen = Signal(object)  # Snapshot to look at; None: no longer
    film_wanted = Signal(object)  # the run folder
    overlay_wanted = Signal(object)  # the folder of a run whose curves are wanted over these

    def __init__(self, theme: Theme, runs_folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs_folder = runs_folder
        self.run: Path | None = None
        self._config = TrainConfig()  # that the run has now
        self._steps_per_epoch = 0.0  # 0: not known
        self.newest: Snapshot | None = None
        self._kept: set[int] = set()  # steps of snapshots that are never thinned out
        self.plots = LossPlots(theme, self)
        self.plots.widget.setMinimumHeight(PLOTS_HEIGHT)
        self.timeline = Timeline(theme)
        self.samples = SampleSheet()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.plots.widget, 3)
        layout.addWidget(self.timeline)
        layout.addWidget(self.samples, 2)
        self.plots.settings.runs = self._other_runs
        self.plots.settings.overlay_wanted.connect(self._on_overlay_wanted)
        self.plots.point_clicked.connect(self._on_point_clicked)
        self.timeline.chosen.connect(self._on_chosen)
        self.timeline.film_wanted.connect(self._on_film_wanted)

    @property
    def can_go_on(self) -> bool:
        """Whether training can go on from one of the snapshots."""
        return any(snapshot.has_state for snapshot in self.timeline.snapshots)

    @property
    def total_steps(self) -> int:
        """How long the run is to be; 0: not known."""
        config = self._config
        return 0 if self.run is None else steps_of(config.steps, config.epochs, self._steps_per_epoch)

    @property
    def last_step(self) -> int:
        """The last step that training can go on from; 0: none."""
        return next((snapshot.step for snapshot in reversed(self.timeline.snapshots) if snapshot.has_state), 0)

    def forget(self) -> None:
        """Show no run."""
        self.run = self.newest = None
        self.clear()
        self.samples.clear()
        self.timeline.go_back()
        self.show_snapshots([])

    def clear(self) -> None:
        """Forget curves and marks, as where a run was rolled back."""
        self._kept.clear()
        self.plots.clear()
        self.plots.show_cursor(None if self.timeline.snapshot is None else self.timeline.snapshot.step)

    def begin(self, run: Path, config: TrainConfig, steps_per_epoch: float = 0.0, after: int = 0) -> None:
        """This is the run from now on, which goes on after a step; its curves go on where they are.

        `config` is what it has now; what it changes comes by `mark` or `show_entries`. `steps_per_epoch` 0: not known.
        """
        self._kept = {step for step in self._kept if step <= after} if run == self.run else set()
        self.run, self._config, self._steps_per_epoch = run, config, steps_per_epoch
        self.plots.start(config.loss, run.name)

    def show_past(self, points: Record, marks: Sequence[LogEntry]) -> None:
        """Show all that a log holds, in place of what was there."""
        self.plots.show(points)
        for entry in marks:
            self.mark(entry)

    def show_entries(self, entries: Sequence[LogEntry]) -> None:
        """Show what came to a log, on the curves."""
        self.plots.append([entry for entry in entries if isinstance(entry, Scalars)])
        self._steps_per_epoch = steps_per_epoch(entries) or self._steps_per_epoch
        for entry in entries:
            self.mark(entry)

    def mark(self, entry: LogEntry) -> None:
        """Mark an entry on the curves, and remember what it says of the run: its length, its loss, what is kept."""
        if isinstance(entry, Changed) and self.run is not None:
            self._config = changed(self._config, [entry])
            self.plots.start(self._config.loss, self.run.name)
        if isinstance(entry, Mark) and entry.kind == "kept":
            self._kept.add(entry.step)
        mark = mark_of(entry)
        if mark is not None:
            self.plots.mark(*mark)

    def show_snapshots(self, found: Sequence[Snapshot]) -> None:
        """Show these snapshots of the run, in order."""
        self.newest = found[-1] if found else None
        self.timeline.show_snapshots(found, self._kept)

    def find_snapshots(self) -> None:
        """Show the snapshots that the run folder has now."""
        self.show_snapshots([] if self.run is None else snapshots(self.run))

    def leave_snapshot(self) -> None:
        """No snapshot is looked at any more; says nothing."""
        self.timeline.leave()
        self.plots.show_cursor(None)

    def choose_newest(self) -> None:
        """Look at the newest snapshot."""
        if self.newest is not None:
            self.timeline.choose_nearest(self.newest.step)

    def show_samples(self, pixels: Pixels, step: int) -> None:
        """Show the fixed samples, (N, H, W[, 3])."""
        self.samples.show_pixels(pixels, step)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.plots.set_theme(theme)
        self.timeline.set_theme(theme)

    def _other_runs(self) -> list[Path]:
        return [run for run in newest_runs(self._runs_folder, OFFERED_RUNS) if run != self.run]

    @Slot(object)
    def _on_overlay_wanted(self, run: Path | None) -> None:
        if run is None:
            self.plots.overlay("", None)
        else:
            self.overlay_wanted.emit(run)

    @Slot()
    def _on_film_wanted(self) -> None:
        self.film_wanted.emit(self.run)

    @Slot(object)
    def _on_point_clicked(self, step: float) -> None:
        self.timeline.choose_nearest(round(step))

    @Slot(object)
    def _on_chosen(self, snapshot: Snapshot | None) -> None:
        self.plots.show_cursor(None if snapshot is None else snapshot.step)
        self.snapshot_chosen.emit(snapshot)
