"""Which generator is on show: that of the file that is open, one in training, or a snapshot of a run."""

from __future__ import annotations

from pathlib import Path

import torch
from PySide6.QtCore import QObject, Signal, Slot

from ganexplorer.core import zoo
from ganexplorer.core.spec import NetworkSpec
from ganexplorer.train.events import Started, Weights
from ganexplorer.train.snapshots import Snapshot
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.files.opening import live_sight
from ganexplorer.ui.training.run_record import SnapshotSeen, snapshot_sight
from ganexplorer.ui.training.train_panel import TrainPanel
from ganexplorer.ui.work.studio import Sight
from ganexplorer.ui.work.workers import JobResult, JobThread


class Exploring(QObject):
    """Goes from one generator to another under the same latent, and back to the file."""

    show_wanted = Signal(object, object)  # Subject, Sight

    def __init__(self, train: TrainPanel, document: Document, jobs: JobThread, device: torch.device) -> None:
        super().__init__(train)
        self._train = train
        self._document = document
        self._jobs = jobs
        self._device = device
        self.entry: zoo.ModelEntry | None = None  # of the file that was opened last
        self._file: tuple[Subject, Sight] | None = None
        self._run: Path | None = None  # of the generator in training that is, or was, on show
        self._snapshot: zoo.ModelEntry | None = None  # that is on show instead of the file
        train.live_weights.connect(self._on_live_weights)
        train.explore_ended.connect(self.show_file)
        train.snapshot_chosen.connect(self._on_snapshot_chosen)
        jobs.job_done.connect(self._on_job_done)

    @property
    def file_or_snapshot(self) -> zoo.ModelEntry | None:
        """The snapshot that is on show, or else the file, also where a generator in training is on show."""
        return self._snapshot or self.entry

    @property
    def entry_on_show(self) -> zoo.ModelEntry | None:
        """That of what is on show; of a generator in training its run folder."""
        subject, run = self._document.subject, self._run
        is_live = subject is not None and subject.step is not None and run is not None
        return zoo.ModelEntry(run.name, run) if is_live and run else self.file_or_snapshot

    def set_file(self, entry: zoo.ModelEntry, subject: Subject, sight: Sight) -> None:
        """The file that `show_file` shows from now on."""
        self.entry = entry
        self._file = subject, sight

    @Slot()
    def show_file(self) -> None:
        """Look at the model that was opened last."""
        self._snapshot = None
        if self._file is not None:
            self.show_wanted.emit(*self._file)

    @Slot(object, object)
    def _on_live_weights(self, started: Started, weights: Weights) -> None:
        device = self._device
        subject = Subject(started.run.name, NetworkSpec.from_json(started.generator), weights.step)
        self._run = started.run
        # not first: where this takes as long as the next weights, nothing else would ever be done
        self._jobs.submit("live", lambda: (subject, live_sight(started, weights, device)))

    @Slot(object, object)
    def _on_snapshot_chosen(self, run: Path, snapshot: Snapshot | None) -> None:
        """Look at a snapshot of a run under the latent of now, or at the open model again."""
        if snapshot is None:
            self.show_file()
            return
        device = self._device
        self._jobs.submit("snapshot", lambda: snapshot_sight(run, snapshot, device), first=True)

    @Slot(object)
    def _on_job_done(self, result: JobResult) -> None:
        if result.error is not None:  # told by the window
            return
        if result.name == "snapshot":
            self._show_snapshot(result.value)
        elif result.name == "live" and self._train.controls.explore.isChecked():
            self._snapshot = None
            self.show_wanted.emit(*result.value)

    def _show_snapshot(self, seen: SnapshotSeen) -> None:
        if self._train.timeline.snapshot == seen.snapshot:  # else another was chosen meanwhile, or none
            self._snapshot = seen.entry
            subject = Subject(seen.entry.name, seen.sight.renderer.spec, snapshot=seen.snapshot.step)
            self.show_wanted.emit(subject, seen.sight)
            self._train.view.show_samples(seen.pixels, seen.snapshot.step)
