"""Training from the window: what is to be trained, the buttons that steer it, live plots, snapshots and samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QFrame, QLabel, QProgressBar, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError
from ganexplorer.train.events import (
    Change,
    Continue,
    Ended,
    Keep,
    Networks,
    Pause,
    StepOnce,
    TrainRequest,
    Weights,
)
from ganexplorer.train.recipes import RECIPES
from ganexplorer.train.requests import forked, resumed
from ganexplorer.train.snapshots import Snapshot
from ganexplorer.ui.parts.collapsible import Collapsible
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.training.config_form import ConfigForm
from ganexplorer.ui.training.data_look import DataLook
from ganexplorer.ui.training.following import Following
from ganexplorer.ui.training.going_on import changes_to_go_on
from ganexplorer.ui.training.new_runs import Staging, new_run, stamped
from ganexplorer.ui.training.run_controls import RunControls, RunState
from ganexplorer.ui.training.run_record import RunRecord
from ganexplorer.ui.training.run_setup import RunSetup
from ganexplorer.ui.training.run_view import RunView
from ganexplorer.ui.training.telling import Telling
from ganexplorer.ui.work.workers import Prepare, TrainingSession

PREVIEW_SECONDS = 0.7
EXPLORE_MILLISECONDS = 200  # between two copies of the generator in training


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
        self._runs_folder = runs_folder
        self._model: tuple[str, Checkpoint] | None = None  # that can be fine-tuned
        self._next: Callable[[], None] | None = None  # to be started when the run has ended
        self._form_run: Path | None = None  # whose values are in the form
        self._staging: Staging | None = None  # the model to fine-tune, until the run has its own copy

        self.setup = RunSetup()
        self.controls = RunControls()
        self.form = ConfigForm()
        hyperparameters = Collapsible("Hyperparameters", self.form)
        self.progress = QProgressBar(textVisible=False)
        self.status = QLabel(objectName="quiet", wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.status.setMinimumWidth(1)  # a folder of a long name must not push the buttons out of the panel
        self.view = RunView(theme, runs_folder)
        self.plots, self.timeline, self.samples = self.view.plots, self.view.timeline, self.view.samples
        self.telling = Telling(self.session, self.view, self.form, self.progress, self)
        self.following = Following(self.view, self)
        self.look = DataLook(self.setup, self.form, theme, self)
        self._lay_out(hyperparameters)

        self._weights_timer = QTimer(self, singleShot=True, interval=EXPLORE_MILLISECONDS)
        self._weights_timer.timeout.connect(self.session.want_weights)
        self.setup.recipe_changed.connect(self._on_recipe_changed)
        self.look.notice.connect(self.notice)
        self.form.change_wanted.connect(self._on_change_wanted)
        self._connect_controls()
        self.view.snapshot_chosen.connect(self._on_snapshot_chosen)
        self.view.film_wanted.connect(self.film_wanted)
        self.view.overlay_wanted.connect(self.overlay_wanted)
        self.timeline.roll_back_wanted.connect(self.roll_back)
        self.timeline.fork_wanted.connect(self.fork)
        self.timeline.keep_wanted.connect(self._on_keep_wanted)
        self.plots.notice.connect(self.notice)
        self.telling.said.connect(self.status.setText)
        self.telling.notice.connect(self.notice)
        self.telling.speed_changed.connect(self.speed_changed)
        self.telling.began.connect(self._on_began)
        self.telling.paused.connect(self._on_paused)
        self.telling.continued.connect(self._on_continued)
        self.session.weights.connect(self._on_weights)
        self.session.ended.connect(self._on_ended)
        self.following.said.connect(self.status.setText)
        self.following.grew.connect(self._on_followed_grew)
        self.following.ended.connect(self._on_followed_ended)
        self.following.lost.connect(self._on_followed_lost)
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
        run = new_run(self._runs_folder, stamped(recipe if model is None else f"{model[0]}+{recipe}"))
        request = TrainRequest(config, self.setup.data_ref, run, recipe=recipe)
        self._stop_following()
        self._forget_run()
        if model is None:
            self._launch(request)
        else:
            self._staging = Staging(*model, run)
            self._launch(request, self._staging.prepare)

    @Slot()
    def stop(self) -> None:
        """Ask the run to save and end."""
        self._next = None
        self._stop()

    @Slot()
    def resume(self) -> None:
        """Go on with the run on show."""
        run = self.view.run
        if run is None or self.session.is_running:
            return
        changes = self._changes(run, self.view.last_step)
        if changes is not None:
            self._launch_later(lambda: dataclasses.replace(resumed(run), changes=changes))

    @Slot(int)
    def roll_back(self, step: int) -> None:
        """Go on with the run on show from one of its snapshots."""
        run = self.view.run
        if run is not None and run == self.following.run:
            self.notice.emit(f"{run.name} is being trained by another process. Stop that first, or fork the run.")
            return
        changes = None if run is None else self._changes(run, step)
        if run is not None and changes is not None:
            self._launch_later(lambda: dataclasses.replace(resumed(run, rollback=step), changes=changes))

    @Slot(int)
    def fork(self, step: int) -> None:
        """Begin a new run with a snapshot of the one on show."""
        run = self.view.run
        changes = None if run is None else self._changes(run, step)
        if run is not None and changes is not None:
            child = new_run(self._runs_folder, f"{run.name.partition('@')[0]}@{step}")
            self._launch_later(
                lambda: resumed(run),
                lambda _: self._asked(dataclasses.replace(forked(run, step, child), changes=changes)),
            )

    def offer_model(self, name: str, checkpoint: Checkpoint | None) -> None:
        """The model that is open can be fine-tuned; None: there is none."""
        self._model = None if checkpoint is None else (name, checkpoint)
        self.setup.offer_model(name if checkpoint is not None else "")

    def close_session(self) -> None:
        """End the run and its process; returns when the final snapshot is saved."""
        self._weights_timer.stop()
        self.look.stop()
        self.following.close()
        self.plots.stop_writing()
        self.session.close()
        self._unstage()

    def _changes(self, run: Path, step: int) -> dict[str, Any] | None:
        """What changes where a run is gone on with after a step; None: nothing is to be done."""
        try:
            edits = self.form.edits() if run == self._form_run else {}
            return changes_to_go_on(self, run.name, edits, step, self.view.total_steps)
        except UserError as error:
            self.notice.emit(str(error))
            return None

    def _launch_later(self, request: Callable[[], TrainRequest], prepare: Prepare | None = None) -> None:
        """Start a run as soon as the one that goes on, if there is one, has ended."""
        if self.session.is_running:
            self._next = lambda: self._launch_later(request, prepare)
            looked_at = self.timeline.snapshot
            self._stop(None if looked_at is None else looked_at.step)
            return
        try:
            asked = request()
        except UserError as error:
            self.notice.emit(str(error))
            return
        self.timeline.go_back()
        self._launch(asked, prepare)

    def _asked(self, request: TrainRequest) -> TrainRequest:
        """The request as this window makes it."""
        return dataclasses.replace(request, device=self._device, preview_seconds=PREVIEW_SECONDS)

    def _launch(self, request: TrainRequest, prepare: Prepare | None = None) -> None:
        self._stop_following()
        self._show_state(RunState.STARTING)
        self.form.hold()
        self.telling.expect()
        self.session.start(self._asked(request), prepare)

    def _stop(self, keep: int | None = None) -> None:
        self._show_state(RunState.STOPPING)
        self.status.setText("Stopping…")
        self.session.stop(keep)

    def _unstage(self) -> None:
        if self._staging is not None:
            self._staging.clear()
            self._staging = None

    # -- showing a run -------------------------------------------------------------------------------------

    def show_run(self, record: RunRecord) -> None:
        """Show a run of the past, or follow one of another process. Not while this window trains one."""
        if self.session.is_running or (record.is_live and record.run == self.following.run):
            return
        self._stop_following()
        self._forget_run()
        self.view.begin(record.run, record.config, record.steps_per_epoch)
        if not record.is_live:  # else the follower tells of it all
            self.view.show_past(record.points, record.marks)
        if record.pixels is not None:
            self.view.show_samples(record.pixels, record.step)
        self.view.show_snapshots(record.snapshots)
        self.controls.offer_resume(self.view.can_go_on and not record.is_live)
        if record.run != self.telling.run:  # of one of this session it says more
            total = self.view.total_steps
            steps = f"{record.step:,} of {total:,} steps" if total else f"{record.step:,} steps"
            can_go_on = "\nResume goes on with it; Start begins a new run." if self.view.can_go_on else ""
            self.status.setText(f"{record.recipe} on {record.data}\n{steps}{can_go_on}")
        if record.is_live:
            self.controls.explore.setEnabled(bool(record.snapshots))
            self.following.follow(record.run, max([record.step, *(snapshot.step for snapshot in record.snapshots)]))

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.view.set_theme(theme)
        self.look.set_theme(theme)

    def sizeHint(self) -> QSize:
        return QSize(370, 700)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.session.warm_up()  # a hand on the panel: Start may follow
        self.plots.warm_up()
        super().enterEvent(event)

    def _forget_run(self) -> None:
        self.view.forget()
        self.controls.offer_resume(False)

    def _show_state(self, state: RunState) -> None:
        self.controls.show_state(state)
        self.setup.setEnabled(state is RunState.IDLE)
        self.look.set_fixed(state is not RunState.IDLE)
        self.timeline.show_training(state in (RunState.RUNNING, RunState.PAUSED, RunState.WAITING))

    # -- what the person does ------------------------------------------------------------------------------

    @Slot(str)
    def _on_recipe_changed(self, name: str) -> None:
        self.form.set_config(RECIPES[name].config)
        self.status.setText(RECIPES[name].summary)

    @Slot(object)
    def _on_change_wanted(self, settings: dict[str, object]) -> None:
        self.session.send(Change(settings))

    @Slot(str)
    def _on_step_wanted(self, networks: Networks) -> None:
        self.session.send(StepOnce(networks))

    @Slot()
    def _on_keep_wanted(self) -> None:
        self.session.send(Keep())

    @Slot(object)
    def _on_snapshot_chosen(self, snapshot: Snapshot | None) -> None:
        is_explored = self.following.run is not None and snapshot == self.view.newest
        if snapshot is not None and not is_explored and self.controls.explore.isChecked():
            self._end_explore_quietly()
        self.snapshot_chosen.emit(self.view.run, snapshot)

    @Slot(bool)
    def _on_explore_toggled(self, is_on: bool) -> None:
        if is_on and self.following.run is not None:
            self.view.choose_newest()
            return
        self.view.leave_snapshot()
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

    @Slot()
    def _on_began(self) -> None:
        self._unstage()
        self._form_run = self.telling.run
        if self.controls.state is not RunState.STOPPING:
            self._show_state(RunState.RUNNING)
        if self.controls.explore.isChecked():
            self.session.want_weights()

    @Slot(bool)
    def _on_paused(self, is_waiting: bool) -> None:
        if self.controls.state is not RunState.STOPPING:
            self._show_state(RunState.WAITING if is_waiting else RunState.PAUSED)

    @Slot()
    def _on_continued(self) -> None:
        if self.controls.state in (RunState.PAUSED, RunState.WAITING):
            self._show_state(RunState.RUNNING)
            self.status.setText("Going on…")

    @Slot(object)
    def _on_weights(self, weights: Weights) -> None:
        if self.controls.explore.isChecked() and self.telling.started is not None:
            self.live_weights.emit(self.telling.started, weights)
            self._weights_timer.start()

    @Slot(object)
    def _on_ended(self, ended: Ended) -> None:
        self._weights_timer.stop()
        self._unstage()
        self._show_state(RunState.IDLE)
        self.telling.end(ended)
        self.controls.offer_resume(self.view.can_go_on)
        following, self._next = self._next, None
        if following is not None and ended.reason != "failed":
            following()
            return
        if ended.snapshot is None:
            self.controls.explore.setChecked(False)
            return
        self.status.setToolTip(str(ended.snapshot))
        was_explored = self.controls.explore.isChecked()
        self._end_explore_quietly()
        self.run_saved.emit(ended.snapshot, was_explored)

    # -- a run that another process trains -----------------------------------------------------------------

    @Slot()
    def _on_followed_grew(self) -> None:
        self.controls.explore.setEnabled(self.view.newest is not None)
        if self.controls.explore.isChecked():
            self.view.choose_newest()

    @Slot()
    def _on_followed_ended(self) -> None:
        self._end_explore_quietly()  # the snapshot stays on show
        self.controls.offer_resume(self.view.can_go_on)
        if self.view.newest is not None:
            self.run_saved.emit(self.view.newest.networks, False)

    @Slot(str)
    def _on_followed_lost(self, text: str) -> None:
        self._end_explore_quietly()
        self.controls.offer_resume(False)
        self.notice.emit(text)

    def _stop_following(self) -> None:
        if self.following.run is not None:
            self.controls.explore.setChecked(False)
            self.following.stop()

    # -- layout --------------------------------------------------------------------------------------------

    def _lay_out(self, hyperparameters: QWidget) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(12, 4, 12, 12)
        layout.setSpacing(8)
        for widget in (self.setup, self.controls, self.progress, self.status, hyperparameters):
            layout.addWidget(widget)
        layout.addWidget(self.view, 1)
        self.status.setMinimumHeight(3 * self.status.fontMetrics().lineSpacing())  # one line or three: nothing moves
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


def _keeps_its_place(widget: QWidget) -> QSizePolicy:
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    return policy
