"""Training from the window: what is to be trained, the buttons that steer it, live plots, snapshots and samples."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QFrame, QLabel, QProgressBar, QScrollArea, QSizePolicy, QVBoxLayout, QWidget
from superqt import QCollapsible

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError
from ganexplorer.core.render import Pixels
from ganexplorer.train.config import RECIPES
from ganexplorer.train.events import (
    Change,
    Changed,
    Continue,
    Continued,
    Ended,
    Keep,
    LogEntry,
    Mark,
    Networks,
    Notice,
    Pause,
    Paused,
    Preview,
    Progress,
    Refused,
    Scalars,
    SnapshotSaved,
    Started,
    StepOnce,
    Stepped,
    TrainEvent,
    TrainRequest,
    Weights,
)
from ganexplorer.train.snapshots import Snapshot, snapshots
from ganexplorer.train.starting import forked, resumed
from ganexplorer.ui.plots.plots import LossPlots
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.training.config_form import ConfigForm
from ganexplorer.ui.training.data_look import DataLook
from ganexplorer.ui.training.run_controls import RunControls, RunState
from ganexplorer.ui.training.run_record import RunRecord, mark_of, newest_runs
from ganexplorer.ui.training.run_setup import RunSetup
from ganexplorer.ui.training.sample_sheet import SampleSheet
from ganexplorer.ui.training.timeline import Timeline
from ganexplorer.ui.work.run_follower import RunFollower
from ganexplorer.ui.work.workers import TrainingSession

PREVIEW_SECONDS = 0.7
EXPLORE_MILLISECONDS = 200  # between two copies of the generator in training
OFFERED_RUNS = 15  # to lay over the one on show
PER_MILLE = 1000


class TrainPanel(QWidget):
    """Everything about a training run; owns its session, and follows a run that another process trains."""

    notice = Signal(str)  # something to tell the person
    live_weights = Signal(object, object)  # Started, Weights
    explore_ended = Signal()
    snapshot_chosen = Signal(object, object)  # run folder, and Snapshot to look at; None: no longer
    film_wanted = Signal(object)  # the run folder
    overlay_wanted = Signal(object)  # the folder of a run whose curves are wanted over these
    run_saved = Signal(object, bool)  # the path of a final snapshot; whether the run was being explored
    speed_changed = Signal(str)

    def __init__(self, theme: Theme, runs_folder: Path, device: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._device = device
        self.session = TrainingSession(self)
        self.follower = RunFollower(self)
        self._newest: Snapshot | None = None  # of the run on show
        self._last_step = 0  # that the run on show is known to have done, where it is followed
        self._runs_folder = runs_folder
        self._run: Path | None = None  # whose curves and snapshots are on show
        self._kept: set[int] = set()  # steps of snapshots that are never thinned out
        self._started: Started | None = None
        self._model: tuple[str, Checkpoint] | None = None  # that can be fine-tuned
        self._next: Callable[[], TrainRequest] | None = None  # to be started when the run has ended
        self._staged: Path | None = None  # a copy of the model to fine-tune, until the run has its own

        self.setup = RunSetup()
        self.controls = RunControls()
        self.form = ConfigForm()
        hyperparameters = QCollapsible("Hyperparameters", expandedIcon="▾", collapsedIcon="▸")
        hyperparameters.addWidget(self.form)
        self.progress = QProgressBar(textVisible=False)
        self.status = QLabel("Ready to train", objectName="quiet", wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.status.setMinimumWidth(1)  # a folder of a long name must not push the buttons out of the panel
        self.plots = LossPlots(theme, self)
        self.timeline = Timeline(theme)
        self.samples = SampleSheet()
        self.look = DataLook(self.setup, self.form, theme, self)
        self._lay_out(hyperparameters)

        self._weights_timer = QTimer(self, singleShot=True, interval=EXPLORE_MILLISECONDS)
        self._weights_timer.timeout.connect(self.session.want_weights)
        self.setup.recipe_changed.connect(self._on_recipe_changed)
        self.look.notice.connect(self.notice)
        self.form.change_wanted.connect(self._on_change_wanted)
        self._connect_controls()
        self.timeline.chosen.connect(self._on_snapshot_chosen)
        self.timeline.roll_back_wanted.connect(self.roll_back)
        self.timeline.fork_wanted.connect(self.fork)
        self.timeline.keep_wanted.connect(self._on_keep_wanted)
        self.timeline.film_wanted.connect(self._on_film_wanted)
        self.plots.point_clicked.connect(self._on_point_clicked)
        self.plots.notice.connect(self.notice)
        self.plots.settings.runs = self._other_runs
        self.plots.settings.overlay_wanted.connect(self._on_overlay_wanted)
        self.session.happened.connect(self._on_event)
        self.session.scalars.connect(self._on_scalars)
        self.session.preview.connect(self._on_preview)
        self.session.weights.connect(self._on_weights)
        self.session.ended.connect(self._on_ended)
        self.follower.entries.connect(self._on_followed_entries)
        self.follower.snapshots.connect(self._on_followed_snapshots)
        self.follower.sheet.connect(self._on_followed_sheet)
        self.follower.over.connect(self._on_followed_over)
        self.follower.lost.connect(self._on_followed_lost)
        self.progress.hide()
        self._on_recipe_changed(self.setup.recipe.currentText())

    # -- starting ------------------------------------------------------------------------------------------

    @Slot()
    def start(self) -> None:
        """Start a run of the form's configuration in a new run folder."""
        if self.session.is_running:
            return
        recipe = self.setup.recipe.currentText()
        try:
            config = self.form.config()
        except UserError as error:
            self.notice.emit(str(error))
            return
        if not self.setup.data_ref:
            self.notice.emit(f"{recipe} needs pictures: choose a folder under Data.")
            return
        model = self._model if self.setup.is_fine_tuning else None
        run = self._new_run(recipe if model is None else f"{model[0]}+{recipe}")
        request = TrainRequest(config, self.setup.data_ref, run, recipe=recipe)
        self._stop_following()
        self._forget_run()
        if model is None:
            self._launch(request)
            return
        self._staged = staged = self._runs_folder / f".{run.name}" / f"{model[0]}.safetensors"
        checkpoint = model[1]

        def stage(request: TrainRequest) -> TrainRequest:
            staged.parent.mkdir(parents=True, exist_ok=True)
            checkpoint.save(staged)
            return dataclasses.replace(request, start=str(staged))

        self._launch(request, stage)

    @Slot()
    def stop(self) -> None:
        """Ask the run to save and end."""
        self._next = None
        self._stop()

    @Slot()
    def resume(self) -> None:
        """Go on with the run on show."""
        run = self._run
        if run is not None:
            self._launch_later(lambda: resumed(run))

    @Slot(int)
    def roll_back(self, step: int) -> None:
        """Go on with the run on show from one of its snapshots."""
        run = self._run
        if run is not None and run == self.follower.run:
            self.notice.emit(f"{run.name} is being trained by another process. Stop that first, or fork the run.")
            return
        if run is not None:
            self._launch_later(lambda: resumed(run, rollback=step))

    @Slot(int)
    def fork(self, step: int) -> None:
        """Begin a new run with a snapshot of the one on show."""
        run = self._run
        if run is not None:
            child = self._new_run(f"{run.name.partition('@')[0]}@{step}", stamped=False)
            self._launch_later(lambda: forked(run, step, child))

    def offer_model(self, name: str, checkpoint: Checkpoint | None) -> None:
        """The model that is open can be fine-tuned; None: there is none."""
        self._model = None if checkpoint is None else (name, checkpoint)
        self.setup.offer_model(name if checkpoint is not None else "")

    def close_session(self) -> None:
        """End the run and its process; returns when the final snapshot is saved."""
        self._weights_timer.stop()
        self.look.stop()
        self.follower.close()
        self.plots.stop_writing()
        self.session.close()
        self._unstage()

    def _launch_later(self, request: Callable[[], TrainRequest]) -> None:
        """Start a run as soon as the one that goes on, if there is one, has ended."""
        if self.session.is_running:
            self._next = request
            self._stop()
            return
        try:
            asked = request()
        except UserError as error:
            self.notice.emit(str(error))
            return
        self.timeline.leave()
        self._launch(asked)

    def _launch(self, request: TrainRequest, prepare: Callable[[TrainRequest], TrainRequest] | None = None) -> None:
        self._stop_following()
        self._started = None
        self._show_state(RunState.STARTING)
        self.form.set_running(request.config)
        self.status.setText("Starting…")
        self.progress.setRange(0, 0)
        self.progress.show()
        asked = dataclasses.replace(request, device=self._device, preview_seconds=PREVIEW_SECONDS)
        self.session.start(asked, prepare)

    def _stop(self) -> None:
        self._show_state(RunState.STOPPING)
        self.status.setText("Stopping…")
        self.session.stop()

    def _new_run(self, name: str, stamped: bool = True) -> Path:
        stem = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}" if stamped else name
        run, number = self._runs_folder / stem, 2
        while run.exists():
            run = run.with_name(f"{stem}~{number}")
            number += 1
        return run

    def _unstage(self) -> None:
        if self._staged is not None:
            self._staged.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._staged.parent.rmdir()
            self._staged = None

    # -- showing a run -------------------------------------------------------------------------------------

    def show_run(self, record: RunRecord) -> None:
        """Show a run of the past, or follow one of another process. Not while this window trains one."""
        if self.session.is_running or (record.is_live and record.run == self.follower.run):
            return
        self._stop_following()
        self._forget_run()
        self._run = record.run
        self.plots.start(record.config.loss, record.run.name)
        if not record.is_live:  # else the follower tells of it all
            self._show_entries(record.entries)
        if record.pixels is not None:
            self.samples.show_pixels(record.pixels, record.step)
        self._show_snapshots(record.snapshots)
        self.controls.offer_resume(any(snapshot.has_state for snapshot in record.snapshots) and not record.is_live)
        if self._started is None or record.run != self._started.run:  # of one of this session it says more
            self.status.setText(f"{record.recipe} on {record.data}\n{record.step:,} steps")
        if record.is_live:
            self._last_step = max([record.step, *(snapshot.step for snapshot in record.snapshots)])
            self._show_followed(None)
            self.controls.explore.setEnabled(bool(record.snapshots))
            self.follower.follow(record.run)

    def show_samples(self, pixels: Pixels, step: int) -> None:
        """Show the fixed samples of a snapshot."""
        self.samples.show_pixels(pixels, step)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.plots.set_theme(theme)
        self.timeline.set_theme(theme)
        self.look.set_theme(theme)

    def sizeHint(self) -> QSize:
        return QSize(370, 700)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.session.warm_up()  # a hand on the panel: Start may follow
        self.plots.warm_up()
        super().enterEvent(event)

    def _forget_run(self) -> None:
        self._run = self._newest = None
        self._kept = set()
        self.plots.clear()
        self.samples.clear()
        self.timeline.leave()
        self.timeline.show_snapshots([], set())
        self.controls.offer_resume(False)

    def _show_state(self, state: RunState) -> None:
        self.controls.show_state(state)
        self.setup.setEnabled(state is RunState.IDLE)
        self.look.set_fixed(state is not RunState.IDLE)
        self.timeline.show_training(state in (RunState.RUNNING, RunState.PAUSED))

    def _show_snapshots(self, found: list[Snapshot]) -> None:
        self._newest = found[-1] if found else None
        self.timeline.show_snapshots(found, self._kept)

    def _show_entries(self, entries: list[LogEntry]) -> None:
        """Of a log, on the curves."""
        self.plots.append([entry for entry in entries if isinstance(entry, Scalars)])
        for entry in entries:
            self._mark(entry)

    def _mark(self, entry: LogEntry) -> None:
        """On the curves; and which snapshots are kept for good."""
        if isinstance(entry, Mark) and entry.kind == "kept":
            self._kept.add(entry.step)
        mark = mark_of(entry)
        if mark is not None:
            self.plots.mark(*mark)

    # -- what the person does ------------------------------------------------------------------------------

    @Slot(str)
    def _on_recipe_changed(self, name: str) -> None:
        self.form.set_config(RECIPES[name].config)

    @Slot(object)
    def _on_change_wanted(self, settings: dict[str, object]) -> None:
        self.session.send(Change(settings))

    @Slot(str)
    def _on_step_wanted(self, networks: Networks) -> None:
        self.session.send(StepOnce(networks))

    @Slot()
    def _on_keep_wanted(self) -> None:
        self.session.send(Keep())

    def _other_runs(self) -> list[Path]:
        return [run for run in newest_runs(self._runs_folder, OFFERED_RUNS) if run != self._run]

    @Slot(object)
    def _on_overlay_wanted(self, run: Path | None) -> None:
        if run is None:
            self.plots.overlay("", None)
        else:
            self.overlay_wanted.emit(run)

    @Slot()
    def _on_film_wanted(self) -> None:
        self.film_wanted.emit(self._run)

    @Slot(object)
    def _on_snapshot_chosen(self, snapshot: Snapshot | None) -> None:
        is_explored = self.follower.run is not None and snapshot == self._newest
        if snapshot is not None and not is_explored and self.controls.explore.isChecked():
            self._end_explore_quietly()
        self.plots.show_cursor(None if snapshot is None else snapshot.step)
        self.snapshot_chosen.emit(self._run, snapshot)

    @Slot(object)
    def _on_point_clicked(self, step: float) -> None:
        self.timeline.choose_nearest(round(step))

    @Slot(bool)
    def _on_explore_toggled(self, is_on: bool) -> None:
        if is_on and self.follower.run is not None:
            self._choose_newest()
            return
        self.timeline.leave()
        self.plots.show_cursor(None)
        if is_on:
            self.session.want_weights()
        else:
            self._weights_timer.stop()
            self.explore_ended.emit()

    def _end_explore_quietly(self) -> None:
        """Something else takes over from the generator in training, nothing in between."""
        self._weights_timer.stop()
        self.controls.explore.blockSignals(True)
        self.controls.explore.setChecked(False)
        self.controls.explore.blockSignals(False)

    # -- what the run says ---------------------------------------------------------------------------------

    @Slot(object)
    def _on_event(self, event: TrainEvent) -> None:
        match event:
            case Progress(what, done, total):
                self.status.setText(f"{what}: {done:,} of {total:,}" if total else f"{what}…")
                self.progress.setRange(0, total)
                self.progress.setValue(done)
            case Notice(text):
                self.notice.emit(text)
            case Started():
                self._on_started(event)
            case Paused(step, why):
                if self.controls.state is not RunState.STOPPING:
                    self._show_state(RunState.PAUSED)
                self.status.setText(f"Paused after step {step:,}" if not why else f"Waiting after step {step:,}")
                if why:
                    self.notice.emit(why)
            case Continued():
                if self.controls.state is RunState.PAUSED:
                    self._show_state(RunState.RUNNING)
            case Changed(_, settings):
                self.form.show_changed(settings)
                if "loss" in settings and self._started is not None:
                    self._started = dataclasses.replace(self._started, loss=settings["loss"])
                    self.plots.start(settings["loss"], self._started.run.name)
                self._mark(event)
            case Refused(settings, why):
                self.form.refuse(settings)
                self.notice.emit(f"Not changed. {why}")
            case Stepped():
                self._mark(event)
            case Mark(_, kind, text):
                self._mark(event)
                if kind == "health":
                    self.notice.emit(text)
            case SnapshotSaved():
                if self._run is not None:
                    self._show_snapshots(snapshots(self._run))

    def _on_started(self, started: Started) -> None:
        self._started, self._run = started, started.run
        self._unstage()
        self.form.set_running(started.config)
        self.plots.start(started.loss, started.run.name)
        self.progress.setRange(0, PER_MILLE)
        self._show_progress(started.first_step)
        self.status.setText(f"{started.data}, on {started.device}")
        self._show_state(RunState.RUNNING)
        self._show_snapshots(snapshots(started.run))

    @Slot(object)
    def _on_scalars(self, scalars: list[Scalars]) -> None:
        self.plots.append(scalars)
        last = scalars[-1]
        self._show_progress(last.step)
        total = self._started.total_steps if self._started is not None else last.step
        left = _duration((total - last.step) / max(last.steps_per_second, 1e-9))
        epoch = f", epoch {last.epoch:.1f}" if last.epoch else ""
        self.status.setText(f"Step {last.step:,} of {total:,}{epoch}, {left} left\n{_verdicts(last)}")
        self.speed_changed.emit(f"training {last.steps_per_second:.0f} steps/s")

    def _show_progress(self, step: int) -> None:
        # in thousandths: a run can have more steps than fit into Qt's int
        if self._started is not None:
            self.progress.setValue(PER_MILLE * step // max(1, self._started.total_steps))

    @Slot(object)
    def _on_preview(self, preview: Preview) -> None:
        self.samples.show_pixels(preview.pixels, preview.step)

    @Slot(object)
    def _on_weights(self, weights: Weights) -> None:
        if self.controls.explore.isChecked() and self._started is not None:
            self.live_weights.emit(self._started, weights)
            self._weights_timer.start()

    @Slot(object)
    def _on_ended(self, ended: Ended) -> None:
        self._weights_timer.stop()
        self._unstage()
        self._show_state(RunState.IDLE)
        self.form.set_idle()
        self.progress.hide()
        self.speed_changed.emit("")
        words = {"finished": "Finished", "stopped": "Stopped", "failed": "Failed"}[ended.reason]
        saved = ", saved" if ended.snapshot is not None else ""
        self.status.setText(f"{words} at step {ended.step:,}{saved}")
        if ended.reason == "failed":
            self.notice.emit(ended.message)
        if self._run is not None:
            self._show_snapshots(found := snapshots(self._run))
            self.controls.offer_resume(any(snapshot.has_state for snapshot in found))
        following, self._next = self._next, None
        if following is not None and ended.reason != "failed":
            self._launch_later(following)
            return
        if ended.snapshot is None:
            self.controls.explore.setChecked(False)
            return
        self.status.setToolTip(str(ended.snapshot))
        was_explored = self.controls.explore.isChecked()
        self._end_explore_quietly()
        self.run_saved.emit(ended.snapshot, was_explored)

    # -- a run that another process trains -----------------------------------------------------------------

    @Slot(object, bool)
    def _on_followed_entries(self, entries: list[LogEntry], began_anew: bool) -> None:
        if began_anew:  # the run was rolled back
            self._kept.clear()
            self.plots.clear()
            self.plots.show_cursor(None if self.timeline.snapshot is None else self.timeline.snapshot.step)
            self._last_step = 0
        self._show_entries(entries)
        self._last_step = max([self._last_step, *(entry.step for entry in entries)])
        self._show_followed(next((entry for entry in reversed(entries) if isinstance(entry, Scalars)), None))

    @Slot(object)
    def _on_followed_snapshots(self, found: list[Snapshot]) -> None:
        self._show_snapshots(found)
        self.controls.explore.setEnabled(bool(found))
        if self.controls.explore.isChecked():
            self._choose_newest()

    @Slot(object, object)
    def _on_followed_sheet(self, step: int, pixels: Pixels) -> None:
        if self.timeline.snapshot in (None, self._newest):  # else those of the snapshot that is looked at stay
            self.samples.show_pixels(pixels, step)

    @Slot()
    def _on_followed_over(self) -> None:
        self._end_explore_quietly()  # the snapshot stays on show
        found = snapshots(self._run) if self._run is not None else []
        last = max([self._last_step, *(snapshot.step for snapshot in found)])  # it saves as it ends
        self.status.setText(f"Ended at step {last:,}, trained by another process")
        self.controls.offer_resume(any(snapshot.has_state for snapshot in found))
        if self._newest is not None:
            self.run_saved.emit(self._newest.networks, False)

    @Slot(str)
    def _on_followed_lost(self, text: str) -> None:
        self._end_explore_quietly()
        self._run = None  # there is nothing to go on with; the curves stay
        self.timeline.leave()
        self._show_snapshots([])
        self.controls.offer_resume(False)
        self.status.setText(f"Followed until step {self._last_step:,}")
        self.notice.emit(text)

    def _show_followed(self, last: Scalars | None) -> None:
        verdicts = "" if last is None else _verdicts(last)
        self.status.setText(f"Followed: step {self._last_step:,}, another process is training it\n{verdicts}")

    def _choose_newest(self) -> None:
        if self._newest is not None:
            self.timeline.choose_nearest(self._newest.step)

    def _stop_following(self) -> None:
        if self.follower.run is not None:
            self.controls.explore.setChecked(False)
            self.follower.stop()

    # -- layout --------------------------------------------------------------------------------------------

    def _lay_out(self, hyperparameters: QWidget) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(12, 4, 12, 12)
        layout.setSpacing(8)
        for widget in (self.setup, self.controls, self.progress, self.status, hyperparameters):
            layout.addWidget(widget)
        layout.addWidget(self.plots.widget, 3)
        layout.addWidget(self.timeline)
        layout.addWidget(self.samples, 2)
        self.plots.widget.setMinimumHeight(230)
        self.status.setMinimumHeight(2 * self.status.fontMetrics().lineSpacing())  # one line or two: nothing moves
        self.status.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.progress.setSizePolicy(_keeps_its_place(self.progress))
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        scroll.setMinimumWidth(content.minimumSizeHint().width() + scroll.verticalScrollBar().sizeHint().width())
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def _connect_controls(self) -> None:
        controls = self.controls
        controls.start_wanted.connect(self.start)
        controls.stop_wanted.connect(self.stop)
        controls.resume_wanted.connect(self.resume)
        controls.pause_wanted.connect(self._on_pause_wanted)
        controls.continue_wanted.connect(self._on_continue_wanted)
        controls.step_wanted.connect(self._on_step_wanted)
        controls.explore.toggled.connect(self._on_explore_toggled)

    @Slot()
    def _on_pause_wanted(self) -> None:
        self.session.send(Pause())

    @Slot()
    def _on_continue_wanted(self) -> None:
        self.session.send(Continue())


def _verdicts(last: Scalars) -> str:
    return f"D(x) {last.d_real:.2f}   D(G(z)) {last.d_fake_before:.2f} → {last.d_fake_after:.2f}"


def _duration(seconds: float) -> str:
    """As in 40 s, 3 min, 2 h 5 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _keeps_its_place(widget: QWidget) -> QSizePolicy:
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    return policy
