"""What the run of this window says, as people see it: curves, marks, progress, samples, words."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QProgressBar

from ganexplorer.train.events import (
    Changed,
    Continued,
    Ended,
    Mark,
    Notice,
    Paused,
    Preview,
    Progress,
    Refused,
    Scalars,
    SnapshotSaved,
    Started,
    Stepped,
    TrainEvent,
)
from ganexplorer.train.requests import steps_of
from ganexplorer.ui.training.config_form import ConfigForm
from ganexplorer.ui.training.following import verdict_words
from ganexplorer.ui.training.run_view import RunView
from ganexplorer.ui.work.workers import TrainingSession

PER_MILLE = 1000
ENDS = {"finished": "Finished", "stopped": "Stopped", "failed": "Failed"}


class Telling(QObject):
    """Shows what a session's run says; steers nothing."""

    said = Signal(str)  # how the run stands
    notice = Signal(str)  # something to tell the person
    speed_changed = Signal(str)  # empty: nothing is trained just now
    began = Signal()
    paused = Signal(bool)  # true: it waits until its folder can be written
    continued = Signal()

    def __init__(
        self, session: TrainingSession, view: RunView, form: ConfigForm, progress: QProgressBar, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._view, self._form, self._progress = view, form, progress
        self._rest = ""  # why no step is taken, in a word; empty: steps are taken
        self.started: Started | None = None  # what the run said when it began
        session.happened.connect(self._on_event)
        session.scalars.connect(self._on_scalars)
        session.preview.connect(self._on_preview)

    @property
    def run(self) -> Path | None:
        """The run folder of `started`."""
        return None if self.started is None else self.started.run

    def expect(self) -> None:
        """A run is on its way."""
        self.started = None
        self.said.emit("Starting…")
        self._progress.setRange(0, 0)
        self._progress.show()

    def end(self, ended: Ended) -> None:
        """The run has ended."""
        self._form.set_idle()
        self._progress.hide()
        self.speed_changed.emit("")
        saved = ", saved" if ended.snapshot is not None else ""
        where = "before it began" if self.started is None else f"at step {ended.step:,}"
        self.said.emit(f"{ENDS[ended.reason]} {where}{saved}")
        if ended.reason == "failed":
            self.notice.emit(ended.message)
        self._view.find_snapshots()

    @Slot(object)
    def _on_event(self, event: TrainEvent) -> None:
        match event:
            case Progress(what, done, total):
                self.said.emit(f"{what}: {done:,} of {total:,}" if total else f"{what}…")
                self._progress.setRange(0, total)
                self._progress.setValue(done)
            case Notice(text):
                self.notice.emit(text)
            case Started():
                self._on_started(event)
            case Paused(step, why):
                self._rest = "Waiting" if why else "Paused"
                self.speed_changed.emit("")
                self.paused.emit(bool(why))
                self.said.emit(f"{self._rest} after step {step:,}")
                if why:
                    self.notice.emit(why)
            case Continued():
                self._rest = ""
                self.continued.emit()
            case Changed(_, settings):
                self._form.show_changed(settings)
                self._view.mark(event)
            case Refused(settings, why):
                self._form.refuse(settings)
                self.notice.emit(f"Not changed. {why}")
            case Stepped():
                self._view.mark(event)
            case Mark(_, kind, text):
                self._view.mark(event)
                if kind == "health":
                    self.notice.emit(text)
            case SnapshotSaved():
                self._view.find_snapshots()

    def _on_started(self, started: Started) -> None:
        self.started, self._rest = started, ""
        self._form.set_running(started.config)
        self._view.begin(started.run, started.config, started.steps_per_epoch, started.first_step)
        self._progress.setRange(0, PER_MILLE)
        self._show_progress(started.first_step)
        self.said.emit(f"{started.data}, on {started.device}")
        self._view.find_snapshots()
        self.began.emit()

    @Slot(object)
    def _on_scalars(self, scalars: list[Scalars]) -> None:
        self._view.plots.append(scalars)
        last = scalars[-1]
        self._show_progress(last.step)
        if self._rest:  # a single step, or those that came with the news of the pause
            self.said.emit(f"{self._rest} after step {last.step:,}\n{verdict_words(last)}")
            return
        total = max(self._total, last.step)
        left = _duration((total - last.step) / max(last.steps_per_second, 1e-9))
        epoch = f", epoch {last.epoch:.1f}" if last.epoch else ""
        self.said.emit(f"Step {last.step:,} of {total:,}{epoch}, {left} left\n{verdict_words(last)}")
        self.speed_changed.emit(f"training {last.steps_per_second:.0f} steps/s")

    @Slot(object)
    def _on_preview(self, preview: Preview) -> None:
        self._view.show_samples(preview.pixels, preview.step)

    @property
    def _total(self) -> int:
        """The last step, as the configuration of now says; a run that repeats another ends where that is."""
        started = self.started
        if started is None:
            return 0
        planned = steps_of(started.config.steps, started.config.epochs, started.steps_per_epoch)
        return self._view.total_steps if started.total_steps == planned else started.total_steps

    def _show_progress(self, step: int) -> None:
        # in thousandths: a run can have more steps than fit into Qt's int
        self._progress.setValue(PER_MILLE * step // max(1, step, self._total))


def _duration(seconds: float) -> str:
    """As in 40 s, 3 min, 2 h 5 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
