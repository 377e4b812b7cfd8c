"""What the training panel wants of run folders: read and written in the job thread."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog

from ganexplorer.core import zoo
from ganexplorer.core.render import Renderer
from ganexplorer.train.growth import write_growth
from ganexplorer.train.runs import folder_of, read_log
from ganexplorer.ui.plots.record import Record
from ganexplorer.ui.training.run_record import read_run
from ganexplorer.ui.training.train_panel import TrainPanel
from ganexplorer.ui.work.workers import JobResult, JobThread

GROWTH_FILES = "Film (*.gif *.mp4);;Sheet: time runs down (*.png)"


class RunFolders(QObject):
    """Shows the run of a model that is opened, lays the curves of another over them, writes how its samples grew."""

    activity = Signal(str)  # what is being done; empty when it is over

    def __init__(self, train: TrainPanel, jobs: JobThread) -> None:
        super().__init__(train)
        self._train = train
        self._jobs = jobs
        train.overlay_wanted.connect(self._on_overlay_wanted)
        train.film_wanted.connect(self._on_film_wanted)
        jobs.job_done.connect(self._on_job_done)

    def show_run_of(self, entry: zoo.ModelEntry, step: int, renderer: Renderer) -> None:
        """Show the run that a model stands in, if it does and no other is being trained."""
        run = folder_of(entry.path)
        if run is not None and not self._train.session.is_running:
            self._jobs.submit("run", lambda: read_run(run, step, renderer))

    @Slot(object)
    def _on_overlay_wanted(self, run: Path) -> None:
        self._jobs.submit("overlay", lambda: (run.name, Record.of(read_log(run))), first=True)

    @Slot(object)
    def _on_film_wanted(self, run: Path) -> None:
        path, _ = QFileDialog.getSaveFileName(self._train, "How the samples grew", f"{run.name}.gif", GROWTH_FILES)
        if path:
            self.activity.emit("Writing the film…")
            self._jobs.submit(f"save growth {path}", lambda: write_growth(path, run))

    @Slot(object)
    def _on_job_done(self, result: JobResult) -> None:
        if result.name.startswith("save growth"):
            self.activity.emit("")
        elif result.error is not None:  # told by the window
            return
        elif result.name == "run":
            self._train.show_run(result.value)
        elif result.name == "overlay":
            self._train.plots.overlay(*result.value)
