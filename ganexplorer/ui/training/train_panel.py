"""Training from the window: recipe, data, hyperparameters, Start and Stop, live plots and samples."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import seeded
from ganexplorer.core.render import Pixels, Renderer
from ganexplorer.train.config import RECIPES
from ganexplorer.train.data import is_mnist_present, ref_of_folder
from ganexplorer.train.events import (
    Ended,
    Notice,
    Preview,
    Progress,
    Scalars,
    SnapshotSaved,
    Started,
    TrainEvent,
    TrainRequest,
    Weights,
)
from ganexplorer.train.runs import read_config, read_log
from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.training.config_form import ConfigForm
from ganexplorer.ui.training.plots import LossPlots
from ganexplorer.ui.training.sample_sheet import SampleSheet
from ganexplorer.ui.work.workers import TrainingSession

PREVIEW_SECONDS = 0.7
EXPLORE_MILLISECONDS = 200  # between two copies of the generator in training
PER_MILLE = 1000
CHOOSE_FOLDER = "Choose a folder…"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run of the past, as the panel shows it."""

    run: Path
    recipe: str
    data: str
    step: int
    scalars: list[Scalars]
    pixels: Pixels  # the fixed samples, (N, H, W[, 3])


def read_run(run: Path, step: int, renderer: Renderer) -> RunRecord:
    """Read what `TrainPanel.show_run` shows; raises `UserError`. Takes a moment: not for the GUI thread."""
    saved = read_config(run)
    prior, z_dim = saved.config.latent_prior, saved.config.z_dim
    fixed = seeded(prior, z_dim, saved.config.seed, saved.config.sample_count)
    return RunRecord(run, saved.recipe, saved.data, step, read_log(run), renderer.render(fixed))


class TrainPanel(QWidget):
    """Everything about a training run; owns its session."""

    notice = Signal(str)  # something to tell the person
    live_weights = Signal(object, object)  # Started, Weights
    explore_ended = Signal()
    run_saved = Signal(object, bool)  # the path of a final snapshot; whether the run was being explored
    speed_changed = Signal(str)

    def __init__(self, theme: Theme, runs_folder: Path, device: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._device = device
        self.session = TrainingSession(self)
        self._runs_folder = runs_folder
        self._started: Started | None = None
        self._last_ref = "toy:digits"  # what to return to when no folder is chosen after all

        self.recipe = CalmComboBox(accessibleName="Recipe")
        self.recipe.addItems(list(RECIPES))
        self.data = CalmComboBox(accessibleName="Data")
        self.data.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.summary = QLabel(objectName="quiet", wordWrap=True)
        self.form = ConfigForm()
        hyperparameters = QCollapsible("Hyperparameters", expandedIcon="▾", collapsedIcon="▸")
        hyperparameters.addWidget(self.form)
        self.start_button = QPushButton("Start", objectName="primary")
        self.stop_button = QPushButton("Stop", enabled=False)
        self.explore = QPushButton("Explore this", objectName="explore", checkable=True, enabled=False)
        self.explore.setToolTip("The big picture shows the generator in training; the sliders stay live")
        self.progress = QProgressBar(textVisible=False)
        self.status = QLabel("Ready to train", objectName="quiet", wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.status.setMinimumWidth(1)  # a folder of a long name must not push the buttons out of the panel
        self.plots = LossPlots(theme, self)
        self.samples = SampleSheet()

        self._form_layout = QFormLayout()
        self._form_layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form_layout.addRow("Recipe", self.recipe)
        self._form_layout.addRow("Data", self.data)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button, 2)
        buttons.addWidget(self.stop_button, 1)
        buttons.addWidget(self.explore, 2)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(12, 4, 12, 12)
        layout.setSpacing(8)
        layout.addLayout(self._form_layout)
        layout.addWidget(self.summary)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        layout.addWidget(hyperparameters)
        layout.addWidget(self.plots.losses, 3)
        below = QHBoxLayout()
        below.setSpacing(8)
        below.addWidget(self.plots.phase, 1)
        below.addWidget(self.samples, 1)
        layout.addLayout(below, 2)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        scroll.setMinimumWidth(content.minimumSizeHint().width() + scroll.verticalScrollBar().sizeHint().width())
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

        self._weights_timer = QTimer(self, singleShot=True, interval=EXPLORE_MILLISECONDS)
        self._weights_timer.timeout.connect(self.session.want_weights)
        self.recipe.currentTextChanged.connect(self._on_recipe_changed)
        self.data.activated.connect(self._on_data_activated)
        self.start_button.clicked.connect(self.start)
        self.stop_button.clicked.connect(self.stop)
        self.explore.toggled.connect(self._on_explore_toggled)
        self.session.happened.connect(self._on_event)
        self.session.scalars.connect(self._on_scalars)
        self.session.preview.connect(self._on_preview)
        self.session.weights.connect(self._on_weights)
        self.session.ended.connect(self._on_ended)
        self.status.setMinimumHeight(2 * self.status.fontMetrics().lineSpacing())  # one line or two: nothing moves
        self.status.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.progress.setSizePolicy(_keeps_its_place(self.progress))
        self.progress.hide()
        for name, text in _data_choices():
            self.data.addItem(text, name)
        self.data.addItem(CHOOSE_FOLDER)
        self._on_recipe_changed(self.recipe.currentText())

    @property
    def data_ref(self) -> str:
        """REF of the chosen data; empty where a folder is still to be chosen."""
        return self.data.currentData() or ""

    def choose_data(self, ref: str) -> None:
        """Select a REF, adding it to the list where it is new."""
        index = self.data.findData(ref)
        if index < 0:
            kind, _, rest = ref.partition(":")
            text = Path(rest).name if kind == "folder" else f"{kind} in {rest}"
            self.data.insertItem(self.data.count() - 1, text, ref)
            index = self.data.findData(ref)
            self.data.setItemData(index, ref, Qt.ItemDataRole.ToolTipRole)
        self.data.setCurrentIndex(index)
        self._last_ref = ref

    @Slot()
    def start(self) -> None:
        """Start a run of the form's configuration in a new run folder."""
        if self.session.is_running:
            return
        recipe = self.recipe.currentText()
        try:
            config = self.form.config()
        except UserError as error:
            self.notice.emit(str(error))
            return
        if not self.data_ref:
            self.notice.emit(f"{recipe} needs pictures: choose a folder under Data.")
            return
        run = self._runs_folder / f"{recipe}-{time.strftime('%Y%m%d-%H%M%S')}"
        number = 2
        while run.exists():
            run = run.with_name(f"{run.name.partition('~')[0]}~{number}")
            number += 1
        self.plots.clear()
        self.samples.clear()
        self._started = None
        self._set_running(True)
        self.status.setText("Starting…")
        self.progress.setRange(0, 0)
        self.progress.show()
        self.session.start(
            TrainRequest(config, self.data_ref, run, self._device, recipe, preview_seconds=PREVIEW_SECONDS)
        )

    @Slot()
    def stop(self) -> None:
        """Ask the run to save and end."""
        self.stop_button.setEnabled(False)
        self.status.setText("Stopping…")
        self.session.stop()

    def close_session(self) -> None:
        """End the run and its process; returns when the final snapshot is saved."""
        self._weights_timer.stop()
        self.session.close()

    def show_run(self, record: RunRecord) -> None:
        """Show a run of the past: its losses and how its fixed samples ended. Not while another goes on."""
        if self.session.is_running:
            return
        self.plots.clear()
        self.plots.append(record.scalars)
        self.samples.show_pixels(record.pixels, record.step)
        if self._started is None or record.run != self._started.run:  # of one of this session it says more
            self.status.setText(f"{record.recipe} on {record.data}\n{record.step:,} steps")

    def set_theme(self, theme: Theme) -> None:
        self.plots.set_theme(theme)

    def sizeHint(self) -> QSize:
        return QSize(370, 700)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.session.warm_up()  # a hand on the panel: Start may follow
        super().enterEvent(event)

    def _set_running(self, is_running: bool) -> None:
        for widget in (self.start_button, self.recipe, self.data, self.form):
            widget.setEnabled(not is_running)
        self.stop_button.setEnabled(is_running)
        if not is_running:
            self.explore.setEnabled(False)

    @Slot(str)
    def _on_recipe_changed(self, name: str) -> None:
        recipe = RECIPES[name]
        self.summary.setText(recipe.summary)
        self.form.set_config(recipe.config)
        if recipe.data == "mnist":
            # what works at once: the network is asked only when the person chooses MNIST
            self.choose_data("mnist" if is_mnist_present() else "toy:digits")
        elif recipe.data:
            self.choose_data(recipe.data)
        elif not self.data_ref.startswith("folder:"):
            self.data.setCurrentIndex(self.data.count() - 1)

    @Slot(int)
    def _on_data_activated(self, index: int) -> None:
        if self.data.itemText(index) == CHOOSE_FOLDER:
            folder = QFileDialog.getExistingDirectory(self, "A folder of pictures, or of class folders of pictures")
            self.choose_data(ref_of_folder(Path(folder)) if folder else self._last_ref)
        else:
            self._last_ref = self.data_ref

    @Slot(bool)
    def _on_explore_toggled(self, is_on: bool) -> None:
        if is_on:
            self.session.want_weights()
        else:
            self._weights_timer.stop()
            self.explore_ended.emit()

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
                self._started = event
                self.progress.setRange(0, PER_MILLE)
                self._show_progress(event.first_step)
                self.status.setText(f"{event.data}, on {event.device}")
                self.explore.setEnabled(True)
            case SnapshotSaved():
                pass  # told at the end; the run folder keeps them all

    @Slot(object)
    def _on_scalars(self, scalars: list[Scalars]) -> None:
        self.plots.append(scalars)
        last = scalars[-1]
        self._show_progress(last.step)
        total = self._started.total_steps if self._started is not None else last.step
        left = _duration((total - last.step) / max(last.steps_per_second, 1e-9))
        epoch = f", epoch {last.epoch:.1f}" if last.epoch else ""
        self.status.setText(
            f"Step {last.step:,} of {total:,}{epoch}, {left} left\n"
            f"D(x) {last.d_real:.2f}   D(G(z)) {last.d_fake_before:.2f} → {last.d_fake_after:.2f}"
        )
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
        if self.explore.isChecked() and self._started is not None:
            self.live_weights.emit(self._started, weights)
            self._weights_timer.start()

    @Slot(object)
    def _on_ended(self, ended: Ended) -> None:
        self._weights_timer.stop()
        self._set_running(False)
        self.progress.hide()
        self.speed_changed.emit("")
        words = {"finished": "Finished", "stopped": "Stopped", "failed": "Failed"}[ended.reason]
        saved = ", saved" if ended.snapshot is not None else ""
        self.status.setText(f"{words} at step {ended.step:,}{saved}")
        if ended.reason == "failed":
            self.notice.emit(ended.message)
        if ended.snapshot is None:
            self.explore.setChecked(False)
            return
        self.status.setToolTip(str(ended.snapshot))
        was_explored = self.explore.isChecked()
        self.explore.blockSignals(True)  # the saved run takes over from the one in training, nothing in between
        self.explore.setChecked(False)
        self.explore.blockSignals(False)
        self.run_saved.emit(ended.snapshot, was_explored)


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


def _data_choices() -> list[tuple[str, str]]:
    return [
        ("toy:digits", "Drawn digits (toy:digits)"),
        ("mnist", "MNIST" if is_mnist_present() else "MNIST (downloads 12 MB)"),
        ("toy:1010", "Four numbers (toy:1010)"),
    ]
