"""The window: puts document, threads and views together."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Any

import torch
from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import QDockWidget, QFileDialog, QLabel, QMainWindow, QToolBar, QVBoxLayout, QWidget
from torch import Tensor

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.devices import pick_device
from ganexplorer.core.directions import dimension_effects, strongest_dimensions
from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import seeded
from ganexplorer.core.media import Origin, save_png
from ganexplorer.core.networks import build
from ganexplorer.core.render import Pixels, Renderer
from ganexplorer.core.spec import NetworkSpec
from ganexplorer.train.events import Weights
from ganexplorer.train.runs import folder_of
from ganexplorer.ui.canvas import Canvas
from ganexplorer.ui.document import Document, Subject
from ganexplorer.ui.latent_panel import LatentPanel
from ganexplorer.ui.models_panel import ModelsPanel
from ganexplorer.ui.morph_panel import MorphPanel
from ganexplorer.ui.notice_bar import NoticeBar
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.train_panel import TrainPanel, read_run
from ganexplorer.ui.workers import Frame, JobResult, JobThread, RenderThread

OPENABLE = "Models (*.safetensors);;All files (*)"


class MainWindow(QMainWindow):
    """Opens on `model` (a MODEL), or on the first shipped one."""

    first_image = Signal()  # the canvas shows its first picture, or says why there is none

    def __init__(
        self, theme: Theme, model: str | None = None, device: str = "auto", runs_folder: Path | None = None
    ) -> None:
        super().__init__()
        self.setWindowTitle("ganexplorer")
        self.setDockOptions(QMainWindow.DockOption.AnimatedDocks | QMainWindow.DockOption.AllowNestedDocks)
        self._device = pick_device(device)
        self.document = Document(self)
        self._entry: zoo.ModelEntry | None = None  # of the model on show
        self.renderer: Renderer | None = None
        self._file_renderer: Renderer | None = None  # to go back to after exploring a training
        self._file_subject: Subject | None = None
        self.stamp = 0
        self._has_image = False
        self._render_milliseconds = 0.0
        self._frame_times: deque[float] = deque(maxlen=60)

        self.canvas = Canvas(self.document, theme)
        self.latent = LatentPanel(self.document, theme)
        self.morph = MorphPanel(self.document)
        self.models = ModelsPanel()
        self._runs_folder = runs_folder or zoo.runs_folder()
        self.train = TrainPanel(theme, self._runs_folder, str(self._device))
        self.notices = NoticeBar()
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.notices)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.morph)
        self.setCentralWidget(centre)
        models = self._dock("Models", self.models, Qt.DockWidgetArea.LeftDockWidgetArea)
        latent = self._dock("Latent", self.latent, Qt.DockWidgetArea.LeftDockWidgetArea)
        train = self._dock("Train", self.train, Qt.DockWidgetArea.RightDockWidgetArea)
        self.resizeDocks([models, latent], [150, 560], Qt.Orientation.Vertical)
        self.resizeDocks([latent, train], [340, 370], Qt.Orientation.Horizontal)
        self._make_toolbar()
        self._device_label, self._render_label, self._speed_label = QLabel(str(self._device)), QLabel(), QLabel()
        for label in (self._device_label, self._render_label, self._speed_label):
            self.statusBar().addWidget(label)
        self.statusBar().setSizeGripEnabled(False)

        self.render_thread = RenderThread(self)
        self.render_thread.frame_ready.connect(self._on_frame)
        self.job_thread = JobThread(self)
        self.job_thread.job_done.connect(self._on_job_done)
        self.measure_thread = JobThread(self)  # seconds for a large generator: nothing else may wait for that
        self.measure_thread.job_done.connect(self._on_job_done)
        self._measured: Renderer | None = None  # whose effects are wanted
        self._fps_timer = QTimer(self, interval=500)
        self._fps_timer.timeout.connect(self._show_speed)
        self.document.z_changed.connect(self._on_z_changed)
        self.document.history_changed.connect(self._on_history_changed)
        self.morph.thumbnail_wanted.connect(self._on_thumbnail_wanted)
        self.models.chosen.connect(self.open_entry)
        self.train.notice.connect(self.notices.tell)
        self.train.speed_changed.connect(self._speed_label.setText)
        self.train.live_generator.connect(self._on_live_generator)
        self.train.explore_ended.connect(self._show_file)
        self.train.run_saved.connect(self._on_run_saved)
        self.render_thread.start()
        self.job_thread.start()
        self.measure_thread.start()
        self._fps_timer.start()
        self._on_history_changed()
        self._open_first(model)

    def sizeHint(self) -> QSize:
        return QSize(1280, 800)

    def set_theme(self, theme: Theme) -> None:
        for view in (self.canvas, self.latent, self.train):
            view.set_theme(theme)

    # -- models --------------------------------------------------------------------------------------------

    def open(self, model: str) -> None:
        """Open MODEL; what goes wrong is told in the window and leaves the open model as it is."""
        try:
            entry = zoo.resolve(model)
        except UserError as error:
            self.notices.tell(str(error))
            return
        self.open_entry(entry)

    @Slot(object)
    def open_entry(self, entry: zoo.ModelEntry) -> None:
        device = self._device
        self.job_thread.submit("open", lambda: _opened(entry, device), first=True)

    @Slot()
    def choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a model", "", OPENABLE)
        if path:
            self.open(path)

    @Slot()
    def save_picture(self) -> None:
        """Save the picture at rest, with z and model in its metadata."""
        subject = self.document.subject
        if subject is None or self.renderer is None:
            return
        path, _ = QFileDialog.getSaveFileName(self, "Save the picture", f"{subject.name}.png", "PNG (*.png)")
        if path:
            z, renderer = self.document.z[None], self.renderer
            origin = Origin(subject.name, z)
            self.job_thread.submit(f"save {path}", lambda: save_png(path, renderer.render(z)[0], origin), first=True)

    def _open_first(self, model: str | None) -> None:
        entries = [*zoo.discover(), *zoo.discover_runs(self._runs_folder)]
        self.models.show_entries(entries)
        try:
            first = zoo.resolve(model) if model is not None else None
        except UserError as error:
            self.notices.tell(str(error))
            first = None
        if first is None:
            first = next((entry for entry in entries if entry.name == zoo.FIRST_MODEL), entries[0] if entries else None)
        if first is not None:
            self.open_entry(first)
        else:
            self.canvas.show_message("No model is open.\nOpen a file, or train one on the right.")
            QTimer.singleShot(0, self.first_image.emit)
        for entry in entries:  # after the one to be opened
            self._want_model_thumbnail(entry)

    def _show_opened(self, entry: zoo.ModelEntry, checkpoint: Checkpoint, renderer: Renderer) -> None:
        self._entry = entry
        if entry.path not in [known.path for known in self.models.entries]:
            self.models.add(entry)
            self._want_model_thumbnail(entry)
        self.models.select(entry)
        run = folder_of(entry.path)
        if run is not None and not self.train.session.is_running:
            step = int(entry.path.stem) if entry.path.stem.isdecimal() else 0
            self.job_thread.submit("run", lambda: read_run(run, step, renderer))
        self._file_renderer = renderer
        self._file_subject = Subject(entry.name, checkpoint.generator.spec)
        if self.train.explore.isChecked():
            self.train.explore.setChecked(False)  # ends in `_show_file`
        else:
            self._show_file()

    def _show_subject(self, subject: Subject, renderer: Renderer) -> None:
        self.renderer = renderer
        self.render_thread.use(renderer)
        self.setWindowTitle(f"{subject.label} - ganexplorer")
        self.document.show(subject)
        self.morph.refresh_thumbnails()

    def _measure_effects(self, renderer: Renderer) -> None:
        """Find out, in a thread of its own, which dimensions of the subject matter most."""
        subject = self.document.subject
        assert subject is not None
        prior, z_dim = subject.prior, subject.spec.z_dim
        self._measured = renderer

        def images(z: Tensor) -> Tensor:
            if self._measured is not renderer:
                raise _Outdated
            return renderer.images(z)

        self.measure_thread.submit("effects", lambda: (renderer, dimension_effects(images, prior, z_dim)))

    # -- pictures ------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_z_changed(self, z: Tensor) -> None:
        self.stamp += 1
        self.render_thread.request(self.stamp, z)

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        self._frame_times.append(time.perf_counter())
        self.canvas.show_frame(frame)
        self._render_milliseconds = frame.milliseconds
        if not self._has_image:
            self._has_image = True
            self.first_image.emit()

    @Slot()
    def _show_speed(self) -> None:
        """Frames shown in the last second, where there were any."""
        since = time.perf_counter() - 1
        count = sum(moment > since for moment in self._frame_times)
        text = f"render {self._render_milliseconds:.1f} ms" if self._has_image else ""
        self._render_label.setText(f"{text}   {count} frames/s" if count > 1 else text)

    @Slot(str, object)
    def _on_thumbnail_wanted(self, slot: str, z: Tensor) -> None:
        renderer = self.renderer
        if renderer is not None:
            self.job_thread.submit(f"slot {slot}", lambda: (slot, z, renderer.render(z[None])[0]))

    def _want_model_thumbnail(self, entry: zoo.ModelEntry) -> None:
        self.job_thread.submit(f"thumbnail {entry.path}", lambda: (entry, _thumbnail(entry)))

    @Slot(object)
    def _on_job_done(self, result: JobResult) -> None:
        if isinstance(result.error, _Outdated):
            return
        if result.error is not None:
            if not result.name.startswith("thumbnail"):  # a damaged model says so when it is opened
                self.notices.tell(_words(result.error))
            if result.name == "open" and self._entry is not None:
                self.models.select(self._entry)  # still the one on show
            if result.name == "open" and not self._has_image:
                self.canvas.show_message("No model is open.")
                self.first_image.emit()
            return
        value: Any = result.value
        match result.name.partition(" ")[0]:
            case "open":
                self._show_opened(*value)
            case "effects":
                renderer, effects = value
                if renderer is self._measured:
                    self.latent.model.set_effects(effects)
                    self.canvas.directions = strongest_dimensions(effects)
            case "run":
                self.train.show_run(value)
            case "slot":
                self.morph.set_thumbnail(*value)
            case "thumbnail":
                self.models.set_thumbnail(*value)
            case "live":
                subject, renderer = value
                if self.train.explore.isChecked():
                    before = self.document.subject
                    self._show_subject(subject, renderer)
                    if before is None or before.name != subject.name:
                        self._measure_effects(renderer)

    # -- the generator in training -------------------------------------------------------------------------

    @Slot(str, object, object)
    def _on_live_generator(self, name: str, spec: NetworkSpec, weights: Weights) -> None:
        device = self._device
        subject = Subject(name, spec, weights.step)
        self.job_thread.submit("live", lambda: (subject, _live_renderer(spec, weights, device)), first=True)

    @Slot()
    def _show_file(self) -> None:
        """Look at the model that was opened last."""
        if self._file_subject is not None and self._file_renderer is not None:
            self._show_subject(self._file_subject, self._file_renderer)
            self._measure_effects(self._file_renderer)

    @Slot(object, bool)
    def _on_run_saved(self, snapshot: Path, was_explored: bool) -> None:
        """A run that ended is a model like any other, and the one to look at if it was being looked at."""
        entry = zoo.ModelEntry(snapshot.parent.parent.name, snapshot)
        self.models.add(entry)
        self._want_model_thumbnail(entry)
        if was_explored:
            self.open_entry(entry)

    # -- the rest ------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        self.hide()  # saving may take a moment
        self._fps_timer.stop()
        self.morph.stop()
        self.train.close_session()
        self.render_thread.finish()
        self._measured = None
        self.measure_thread.finish()
        self.job_thread.finish(keep="save")
        super().closeEvent(event)

    @Slot()
    def _on_history_changed(self) -> None:
        self._undo.setEnabled(self.document.can_undo)
        self._redo.setEnabled(self.document.can_redo)

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title)
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        return dock

    def _make_toolbar(self) -> None:
        bar = QToolBar("Main", self, objectName="Main", movable=False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.addToolBar(bar)
        self._action(bar, "Open…", "Open a model file", QKeySequence.StandardKey.Open, self.choose_file)
        self._action(bar, "Save picture…", "Save the picture as PNG", QKeySequence.StandardKey.Save, self.save_picture)
        bar.addSeparator()
        self._action(bar, "Random", "A new sample from the prior (R)", "R", self.document.random)
        self._action(bar, "Zero", "The centre of the prior (0)", "0", self.document.zero)
        self._undo = self._action(bar, "Undo", "Undo", QKeySequence.StandardKey.Undo, self.document.undo)
        self._redo = self._action(bar, "Redo", "Redo", QKeySequence.StandardKey.Redo, self.document.redo)
        bar.addSeparator()
        for dock in self.findChildren(QDockWidget):
            toggle = dock.toggleViewAction()
            toggle.setToolTip(f"Show or hide the panel {dock.windowTitle()}")
            bar.addAction(toggle)

    def _action(self, bar: QToolBar, text: str, tip: str, key: QKeySequence.StandardKey | str, slot: Any) -> QAction:
        action = QAction(text, self)
        action.setShortcuts(key if isinstance(key, QKeySequence.StandardKey) else [QKeySequence(key)])
        action.setToolTip(tip)
        action.triggered.connect(lambda: slot())
        bar.addAction(action)
        return action


class _Outdated(Exception):
    """Another generator is to be measured, or none."""


def _opened(entry: zoo.ModelEntry, device: torch.device) -> tuple[zoo.ModelEntry, Checkpoint, Renderer]:
    checkpoint = entry.load()
    return entry, checkpoint, Renderer(checkpoint.generator, device)


def _thumbnail(entry: zoo.ModelEntry) -> Pixels:
    generator = entry.load().generator
    assert generator.spec.prior is not None
    picture: Pixels = Renderer(generator).render(seeded(generator.spec.prior, generator.spec.z_dim, 0))[0]
    return picture


def _live_renderer(spec: NetworkSpec, weights: Weights, device: torch.device) -> Renderer:
    network = build(spec)
    network.load_state_dict({name: torch.from_numpy(values) for name, values in weights.tensors.items()})
    return Renderer(network, device)


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
