"""The window: puts document, threads and views together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QCloseEvent
from PySide6.QtWidgets import QDockWidget, QFileDialog, QMainWindow, QVBoxLayout, QWidget
from torch import Tensor

from ganexplorer.core import zoo
from ganexplorer.core.devices import pick_device
from ganexplorer.core.directions import strongest_dimensions
from ganexplorer.core.errors import UserError, plain
from ganexplorer.core.foreign import guard
from ganexplorer.core.media import Origin, save_png
from ganexplorer.core.render import Renderer
from ganexplorer.core.spec import NetworkSpec
from ganexplorer.train.events import Weights
from ganexplorer.train.runs import folder_of
from ganexplorer.ui import recent
from ganexplorer.ui.canvas import Canvas
from ganexplorer.ui.document import Document, Subject
from ganexplorer.ui.dropping import FileDrops
from ganexplorer.ui.file_watch import FileWatch
from ganexplorer.ui.import_sheet import ImportSheet
from ganexplorer.ui.importing import Importer
from ganexplorer.ui.latent_panel import LatentPanel
from ganexplorer.ui.measuring import EffectMeter
from ganexplorer.ui.menus import Commands, add_menu_bar, add_toolbar
from ganexplorer.ui.models_panel import ModelsPanel
from ganexplorer.ui.morph_panel import MorphPanel
from ganexplorer.ui.notice_bar import NoticeBar
from ganexplorer.ui.opening import Opened, Opener, OpenFailed, OpenRequest, live_renderer, thumbnail
from ganexplorer.ui.recent import RecentMenu
from ganexplorer.ui.status_line import StatusLine
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.train_panel import TrainPanel, read_run
from ganexplorer.ui.workers import Frame, JobResult, JobThread, RenderThread

OPENABLE = "Models (*.safetensors *.pt *.pth *.ckpt *.bin *.pkl *.tar);;All files (*)"


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
        self.sheet = ImportSheet()
        layout.addWidget(self.sheet)  # above the notices, which come and go: a field must not move under the pointer
        layout.addWidget(self.notices)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.morph)
        self.setCentralWidget(centre)
        models = self._dock("Models", self.models, Qt.DockWidgetArea.LeftDockWidgetArea)
        latent = self._dock("Latent", self.latent, Qt.DockWidgetArea.LeftDockWidgetArea)
        train = self._dock("Train", self.train, Qt.DockWidgetArea.RightDockWidgetArea)
        self.resizeDocks([models, latent], [150, 560], Qt.Orientation.Vertical)
        self.resizeDocks([latent, train], [340, 370], Qt.Orientation.Horizontal)
        self.commands, self.recent = Commands(self), RecentMenu(self)
        add_menu_bar(self, self.commands, self.recent, [models, latent, train])
        add_toolbar(self, self.commands)
        drops = FileDrops(self)
        drops.hint.connect(self.canvas.show_hint)
        drops.dropped.connect(self.open_dropped)
        self.status = StatusLine(str(self._device), self)
        self.setStatusBar(self.status)

        self.render_thread = RenderThread(self)
        self.render_thread.frame_ready.connect(self._on_frame)
        self.job_thread = JobThread(self)
        self.job_thread.job_done.connect(self._on_job_done)
        self.effects = EffectMeter(self)
        self.opener = Opener(self.job_thread, self._device, self)
        self.watch = FileWatch(self.job_thread, self)
        self.importer = Importer(self.sheet, self.commands, self.opener, self.job_thread, self)
        self._news = ""  # about the model that is being put on show
        self._complaint = ""  # about the file of the model on show
        self._refusal = ""  # of what a person asked for last
        self.document.z_changed.connect(self._on_z_changed)
        self.document.history_changed.connect(self._on_history_changed)
        self.document.adapted.connect(self._on_adapted)
        self.effects.measured.connect(self._on_effects)
        self.effects.failed.connect(self._tell)
        self.opener.opened.connect(self._on_opened)
        self.opener.failed.connect(self._on_open_failed)
        self.opener.activity.connect(self.status.activity.setText)
        self.watch.changed.connect(self._on_file_changed)
        self.watch.gone.connect(self._on_file_gone)
        self.morph.thumbnail_wanted.connect(self._on_thumbnail_wanted)
        self.models.chosen.connect(self.open_entry)
        self.train.notice.connect(self.notices.tell)
        self.train.speed_changed.connect(self.status.training.setText)
        self.train.live_generator.connect(self._on_live_generator)
        self.train.explore_ended.connect(self._show_file)
        self.train.run_saved.connect(self._on_run_saved)
        self._connect_commands()
        self.render_thread.start()
        self.job_thread.start()
        self._open_first(model)

    def sizeHint(self) -> QSize:
        return QSize(1280, 800)

    @property
    def refusal(self) -> str:
        """Why no model is on show; empty when one is."""
        return self._refusal if self.renderer is None else ""

    def set_theme(self, theme: Theme) -> None:
        for view in (self.canvas, self.latent, self.train):
            view.set_theme(theme)

    # -- models --------------------------------------------------------------------------------------------

    def open(self, model: str, news: str = "") -> None:
        """Open MODEL; what goes wrong is told in the window and leaves the open model as it is."""
        self.opener.open(OpenRequest(model, news))

    @Slot(object)
    def open_entry(self, entry: zoo.ModelEntry) -> None:
        self.opener.open(OpenRequest(entry))

    @Slot()
    def choose_file(self) -> None:
        newest = next(iter(recent.read()), None)
        path, _ = QFileDialog.getOpenFileName(self, "Open a model", str(newest.parent) if newest else "", OPENABLE)
        if path:
            self.open(path)

    @Slot(object)
    def open_dropped(self, paths: list[str]) -> None:
        news = f"{len(paths)} files were dropped: the first, {Path(paths[0]).name}, was opened."
        self.open(paths[0], news if len(paths) > 1 else "")

    @Slot()
    def reload(self) -> None:
        """Read the file of the model that was opened last again."""
        if self._entry is not None:
            self._reload(f"{self._entry.name} was read again.")

    @Slot()
    def save_picture(self) -> None:
        """Save the picture at rest, with z and model in its metadata."""
        subject = self.document.subject
        if subject is None or self.renderer is None:
            return
        z, renderer = self.document.z[None], self.renderer  # those of now: much may happen while the dialog is open
        path, _ = QFileDialog.getSaveFileName(self, "Save the picture", f"{subject.name}.png", "PNG (*.png)")
        if path:
            origin = Origin(subject.name, z)
            self.job_thread.submit(f"save {path}", lambda: save_png(path, renderer.render(z)[0], origin), first=True)

    def _open_first(self, model: str | None) -> None:
        entries = [*zoo.discover(), *zoo.discover_runs(self._runs_folder)]
        self.models.show_entries(entries)
        try:
            if model is not None:
                zoo.resolve(model)
        except UserError as error:
            self.notices.tell(str(error))
            model = None
        first = next((entry for entry in entries if entry.name == zoo.FIRST_MODEL), entries[0] if entries else None)
        if model is not None:
            self.open(model)
        elif first is not None:
            self.open_entry(first)
        else:
            self.canvas.show_message("No model is open.\nOpen a file, or train one on the right.")
            QTimer.singleShot(0, self.first_image.emit)
        for entry in entries:  # after the one to be opened
            self._want_model_thumbnail(entry)

    @Slot(object)
    def _on_opened(self, opened: Opened) -> None:
        self.notices.withdraw(self._complaint)
        if not (opened.request.is_reload or opened.request.is_retry):
            self.notices.withdraw(self._refusal)
        self._news = opened.request.news
        if self._news:
            self.notices.inform(self._news)
        self._show_opened(opened)
        self._news = ""

    @Slot(object)
    def _on_open_failed(self, failed: OpenFailed) -> None:
        text = _words(failed.error)
        if failed.request.is_reload:
            self.watch.note_read(failed.signature)
            text = self._complaint = f"{failed.request.name} stays open as it was. {text}"
        else:
            self._refusal = text
        self.notices.tell(text)
        self.importer.give_up(failed)
        if self._entry is not None:
            self.models.select(self._entry)  # still the one on show
        if not self._has_image:
            self.canvas.show_message("No model is open.")
            self.first_image.emit()

    def _show_opened(self, opened: Opened) -> None:
        entry, renderer = opened.entry, opened.renderer
        self._entry = entry
        if opened.request.choices is None:
            self.watch.watch(entry.path, opened.signature)
        self.commands.reload.setEnabled(True)
        self.importer.show_opened(opened)
        self.models.add(entry)
        self.models.select(entry)
        self._want_model_thumbnail(entry, renderer)
        run = folder_of(entry.path)
        if run is not None and not self.train.session.is_running:
            step = int(entry.path.stem) if entry.path.stem.isdecimal() else 0
            self.job_thread.submit("run", lambda: read_run(run, step, renderer))
        self._file_renderer = renderer
        self._file_subject = Subject(entry.name, opened.checkpoint.generator.spec)
        if not self.train.explore.isChecked():
            self._show_file()
        elif not opened.request.is_reload:
            self.train.explore.setChecked(False)  # ends in `_show_file`

    def _show_subject(self, subject: Subject, renderer: Renderer) -> None:
        self.renderer = renderer
        self.render_thread.use(renderer)
        self.importer.show_live(subject.step is not None)
        before = self.document.subject
        if not self._news and before is not None and before.space != subject.space:
            self.notices.end_news()  # what was said about the way to the other space
        self.setWindowTitle(f"{subject.label} - ganexplorer")
        self.document.show(subject)
        self.latent.view.viewport().update()  # under another prior a bar differs though its value does not
        self.morph.refresh_thumbnails()

    def _reload(self, news: str) -> None:
        if self._entry is not None and not self.opener.is_busy:  # what a person just asked for comes first
            self.opener.open(OpenRequest(self._entry, news, is_reload=True))

    @Slot()
    def _on_file_changed(self) -> None:
        if self._entry is not None and not self.train.explore.isChecked():
            self._reload(f"{self._entry.name} changed on disk: reloaded.")

    @Slot()
    def _on_file_gone(self) -> None:
        assert self._entry is not None
        self._complaint = f"{self._entry.path} is gone; the model stays open."
        self.notices.tell(self._complaint)

    @Slot(str)
    def _on_adapted(self, sentence: str) -> None:
        self.notices.inform(f"{self._news} {sentence}".strip())

    @Slot(object)
    def _on_effects(self, effects: Tensor) -> None:
        self.latent.model.set_effects(effects)
        self.canvas.directions = strongest_dimensions(effects)

    # -- pictures ------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_z_changed(self, z: Tensor) -> None:
        self.stamp += 1
        self.render_thread.request(self.stamp, z)

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        self.status.count(frame)
        self.canvas.show_frame(frame)
        if not self._has_image:
            self._has_image = True
            self.first_image.emit()

    @Slot(str, object)
    def _on_thumbnail_wanted(self, slot: str, z: Tensor) -> None:
        renderer = self.renderer
        if renderer is not None:
            self.job_thread.submit(f"slot {slot}", lambda: (slot, z, renderer.render(z[None])[0]))

    def _want_model_thumbnail(self, entry: zoo.ModelEntry, renderer: Renderer | None = None) -> None:
        self.job_thread.submit(f"thumbnail {entry.path}", lambda: (entry, thumbnail(entry, renderer)))

    @Slot(object)
    def _on_job_done(self, result: JobResult) -> None:
        if result.error is not None:
            if not result.name.startswith("thumbnail"):  # a damaged model says so when it is opened
                self._tell(result.error)
            return
        value: Any = result.value
        match result.name.partition(" ")[0]:
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
                        self.effects.measure(renderer, subject.space)

    # -- the generator in training -------------------------------------------------------------------------

    @Slot(str, object, object)
    def _on_live_generator(self, name: str, spec: NetworkSpec, weights: Weights) -> None:
        device = self._device
        subject = Subject(name, spec, weights.step)
        self.job_thread.submit("live", lambda: (subject, live_renderer(spec, weights, device)), first=True)

    @Slot()
    def _show_file(self) -> None:
        """Look at the model that was opened last."""
        if self._file_subject is not None and self._file_renderer is not None:
            self._show_subject(self._file_subject, self._file_renderer)
            self.effects.measure(self._file_renderer, self._file_subject.space)

    @Slot(object, bool)
    def _on_run_saved(self, snapshot: Path, was_explored: bool) -> None:
        """A run that ended is a model like any other, and the one to look at if it was being looked at."""
        entry = zoo.ModelEntry(snapshot.parent.parent.name, snapshot)
        self.models.add(entry)
        self._want_model_thumbnail(entry)
        if was_explored and self.opener.is_busy:
            self._show_file()  # what a person just asked for comes first
        elif was_explored:
            self.open_entry(entry)

    # -- the rest ------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        self.importer.settle()
        self.hide()  # saving may take a moment
        self.job_thread.end(keep="save")
        guard.stop_all()  # nobody waits for that file any more
        for part in (self.status, self.opener, self.watch, self.morph, self.effects):
            part.stop()
        self.train.close_session()
        self.render_thread.finish()
        while not self.job_thread.wait(50):
            guard.stop_all()  # one that was just being started
        super().closeEvent(event)

    @Slot(object)
    def _tell(self, error: Exception) -> None:
        self.notices.tell(_words(error))

    @Slot()
    def _on_history_changed(self) -> None:
        self.commands.undo.setEnabled(self.document.can_undo)
        self.commands.redo.setEnabled(self.document.can_redo)

    def _connect_commands(self) -> None:
        effects: list[tuple[QAction, Callable[[], object]]] = [
            (self.commands.open, self.choose_file),
            (self.commands.reload, self.reload),
            (self.commands.save_picture, self.save_picture),
            (self.commands.quit, self.close),
            (self.commands.undo, self.document.undo),
            (self.commands.redo, self.document.redo),
            (self.commands.random, self.document.random),
            (self.commands.zero, self.document.zero),
        ]
        for action, effect in effects:
            action.triggered.connect(lambda _=False, effect=effect: effect())
        self.recent.chosen.connect(self.open)
        self.recent.missing.connect(self.notices.tell)

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title)
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        return dock


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, UserError) else plain(f"{type(error).__name__}: {error}")
