"""The window: puts document, threads and views together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QCloseEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QMainWindow
from torch import Tensor

from ganexplorer.core import zoo
from ganexplorer.core.devices import pick_device
from ganexplorer.core.errors import UserError, plain
from ganexplorer.core.foreign import guard
from ganexplorer.core.media import Origin, save_png
from ganexplorer.core.render import Renderer
from ganexplorer.core.session import SUFFIX, is_session, last_session
from ganexplorer.ui import kept
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.files import recent
from ganexplorer.ui.files.clipboard import LatentClipboard
from ganexplorer.ui.files.dropping import FileDrops
from ganexplorer.ui.files.file_watch import FileWatch
from ganexplorer.ui.files.importing import Importer
from ganexplorer.ui.files.latent_files import LatentFiles
from ganexplorer.ui.files.opening import (
    Opened,
    Opener,
    OpenFailed,
    OpenRequest,
    thumbnail,
)
from ganexplorer.ui.files.recent import RecentMenu
from ganexplorer.ui.files.session_files import SessionFiles
from ganexplorer.ui.menus import Commands, add_menu_bar, add_toolbar
from ganexplorer.ui.panels import Panels
from ganexplorer.ui.picture.comparing import Comparison, step_of
from ganexplorer.ui.status_line import StatusLine
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.training.exploring import Exploring
from ganexplorer.ui.training.run_folders import RunFolders
from ganexplorer.ui.work.measuring import EffectMeter
from ganexplorer.ui.work.studio import Sight, Studio
from ganexplorer.ui.work.workers import Frame, JobResult, JobThread, RenderThread

MODELS = "*.safetensors *.pt *.pth *.ckpt *.bin *.pkl *.tar"
OPENABLE = (
    f"Models, sessions, latents and saved pictures ({MODELS} *{SUFFIX} *.npy *.png);;"
    f"Models ({MODELS});;Sessions (*{SUFFIX});;All files (*)"
)


class MainWindow(QMainWindow):
    """Opens on `model` (a MODEL), or on the first shipped one.

    One that `keeps` takes up the layout that the last one left, and leaves its own, and its session, for the next.
    """

    first_image = Signal()  # the canvas shows its first picture, or says why there is none

    def __init__(
        self,
        theme: Theme,
        model: str | None = None,
        device: str = "auto",
        runs_folder: Path | None = None,
        *,
        keeps: bool = False,
    ) -> None:
        super().__init__()
        self.setWindowTitle("ganexplorer")
        self._device = pick_device(device)
        self.document = Document(self)
        self.studio = Studio(self)
        self.stamp = 0
        self._has_image = False
        self._keeps = keeps

        self._runs_folder = runs_folder or zoo.runs_folder()
        self.panels = Panels(self, self.document, self.studio, theme, self._runs_folder, str(self._device))
        self.canvas, self.models, self.train = self.panels.canvas, self.panels.models, self.panels.train
        self.latent, self.morph, self.notices = self.panels.latent, self.panels.morph, self.panels.notices
        self.sheet, self.move_tool = self.panels.sheet, self.panels.move_tool
        self.commands, self.recent = Commands(self), RecentMenu(self)
        add_menu_bar(self, self.commands, self.recent, self.panels.docks)
        add_toolbar(self, self.commands)
        drops = FileDrops(self)
        drops.hint.connect(self.canvas.show_hint)
        drops.dropped.connect(self.open_dropped)
        self.status = StatusLine(str(self._device), self)
        self.setStatusBar(self.status)

        self.render_thread = RenderThread(self)
        self.render_thread.frame_ready.connect(self._on_frame)
        self.render_thread.judged.connect(self.panels.verdict.show_verdict)
        self.job_thread = JobThread(self)
        self.job_thread.job_done.connect(self._on_job_done)
        self.exploring = Exploring(self.train, self.document, self.job_thread, self._device)
        self.exploring.show_wanted.connect(self._show_subject)
        self.run_folders = RunFolders(self.train, self.job_thread)
        self.run_folders.activity.connect(self.status.activity.setText)
        self.effects = EffectMeter(self)
        self.opener = Opener(self.job_thread, self._device, self)
        self.watch = FileWatch(self.job_thread, self)
        self.importer = Importer(self.sheet, self.commands, self.opener, self.job_thread, self)
        self.comparison = Comparison(
            self.panels.compare_bar, self.canvas, self.document, self.render_thread, self.job_thread, self._device
        )
        self.sessions = SessionFiles(self.document, self.studio, self.job_thread, self)
        self.latent_files = LatentFiles(self.document, self.job_thread, self)
        self.clipboard = LatentClipboard(self.document, self)
        self._news = ""  # about the model that is being put on show
        self._complaint = ""  # about the file of the model on show
        self._refusal = ""  # of what a person asked for last
        self.document.z_changed.connect(self._on_z_changed)
        self.document.history_changed.connect(self._on_history_changed)
        self.document.adapted.connect(self._on_adapted)
        self.effects.measured.connect(self._on_effects)
        self.effects.failed.connect(self._tell)
        self.studio.failed.connect(self._tell)
        self.opener.opened.connect(self._on_opened)
        self.opener.failed.connect(self._on_open_failed)
        self.opener.activity.connect(self.status.activity.setText)
        self.watch.changed.connect(self._on_file_changed)
        self.watch.gone.connect(self._on_file_gone)
        self._connect_panels()
        self.models.chosen.connect(self.open_entry)
        self.train.notice.connect(self.notices.tell)
        self.train.speed_changed.connect(self.status.training.setText)
        self.train.run_saved.connect(self._on_run_saved)
        self._connect_commands()
        if keeps:
            self.panels.restore(kept.read_panels())
        self.render_thread.start()
        self.job_thread.start()
        self._open_first(model)

    def sizeHint(self) -> QSize:
        return QSize(1280, 800)

    @property
    def renderer(self) -> Renderer | None:
        """Of the model on show."""
        return self.studio.sight.renderer if self.studio.sight else None

    @property
    def refusal(self) -> str:
        """Why no model is on show; empty when one is."""
        return self._refusal if self.studio.sight is None else ""

    def set_theme(self, theme: Theme) -> None:
        self.panels.set_theme(theme)

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
            self.open_file(path)

    @Slot()
    def choose_run(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open a run folder", str(self._runs_folder))
        if path:
            self.open(path)

    @Slot(str)
    def open_file(self, path: str, news: str = "") -> None:
        """Open a model or a session, or go to the latent of a saved picture or of a .npy file."""
        match Path(path).suffix.lower():
            case ".png":
                self.sessions.open_picture(path, self.models.entries)
            case ".npy":
                self.latent_files.open(path)
            case _:
                self.open(path, news)

    @Slot(object)
    def open_dropped(self, paths: list[str]) -> None:
        news = f"{len(paths)} files were dropped: the first, {Path(paths[0]).name}, was opened."
        self.open_file(paths[0], news if len(paths) > 1 else "")

    @Slot()
    def reload(self) -> None:
        """Read the file of the model that was opened last again."""
        if self.exploring.entry is not None:
            self._reload(f"{self.exploring.entry.name} was read again.")

    @Slot()
    def save_session(self) -> None:
        self.sessions.choose_and_save(self.exploring.entry_on_show)

    @Slot()
    def reopen_session(self) -> None:
        """Go on with the session that was kept last; the one on show is kept in its place."""
        if last_session().exists():
            self.open(str(last_session()))
        else:
            self.notices.inform(
                "There is no last session yet: one is kept when a window closes in which something was done."
            )

    @Slot()
    def compare(self) -> None:
        """Show a second model beside this one, or stop that."""
        if self.comparison.is_on:
            self.comparison.stop()
        else:
            self.comparison.start(self.models.entries, self.exploring.file_or_snapshot)

    @Slot()
    def save_picture(self) -> None:
        """Save the picture at rest, with z and model in its metadata."""
        subject = self.document.subject
        sight = self.studio.sight
        if subject is None or sight is None:
            return
        z = self.document.z[None]  # that of now: much may happen while the dialog is open
        path, _ = QFileDialog.getSaveFileName(self, "Save the picture", f"{subject.name}.png", "PNG (*.png)")
        if path:
            origin = Origin(subject.name, z, sight.fingerprint)
            self.job_thread.submit(
                f"save {path}", lambda: save_png(path, next(sight.renderer.stills(z)), origin), first=True
            )

    def _open_first(self, model: str | None) -> None:
        entries = [*zoo.discover(), *zoo.discover_runs(self._runs_folder)]
        self.models.show_entries(entries)
        try:
            if model is not None and not is_session(model):
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
        before = self.sessions.worth_keeping(self.exploring.entry_on_show) if opened.session is not None else None
        self._show_opened(opened)
        if opened.session is not None:
            self.sessions.go_on(opened, before)
        self.sessions.on_opened(opened)
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
        self.sessions.forget_picture()
        if self.exploring.entry is not None:
            self.models.select(self.exploring.entry)  # still the one on show
        if not self._has_image:
            self.canvas.show_message("No model is open.")
            self.first_image.emit()

    def _show_opened(self, opened: Opened) -> None:
        entry, renderer = opened.entry, opened.sight.renderer
        snapshot = step_of(entry)
        subject = Subject(entry.name, renderer.spec, directions=opened.directions, snapshot=snapshot)
        self.exploring.set_file(entry, subject, opened.sight)
        if opened.request.choices is None:
            self.watch.watch(entry.path, opened.signature)
        self.commands.reload.setEnabled(True)
        self.importer.show_opened(opened)
        self.models.add(entry)
        self.models.select(entry)
        self._want_model_thumbnail(entry, renderer)
        self.run_folders.show_run_of(entry, snapshot or 0, renderer)
        self.morph.set_source(entry, opened.sight)
        self.train.offer_model(entry.name, opened.checkpoint)
        if not self.train.controls.explore.isChecked():
            self.train.timeline.leave()
            self.exploring.show_file()
        elif not opened.request.is_reload:
            self.train.controls.explore.setChecked(False)  # ends in `show_file`

    @Slot(object, object)
    def _show_subject(self, subject: Subject, sight: Sight) -> None:
        self.render_thread.use(sight.renderer, sight.judge)
        self.studio.use(sight)
        self.panels.verdict.show_judge(sight.judge, self.stamp)
        self.importer.show_live(subject.step is not None)
        before = self.document.subject
        if not self._news and before is not None and before.space != subject.space:
            self.notices.end_news()  # what was said about the way to the other space
        self.setWindowTitle(f"{subject.label} - ganexplorer")
        self.document.show(subject)
        self.latent.view.viewport().update()  # under another prior a bar differs though its value does not
        if subject.step is None or before is None or before.name != subject.name:
            self.effects.measure(sight.renderer, subject.space)

    def _reload(self, news: str) -> None:
        entry = self.exploring.entry
        if entry is not None and not self.opener.is_busy:  # what a person just asked for comes first
            self.opener.open(OpenRequest(entry, news, is_reload=True))

    @Slot()
    def _on_file_changed(self) -> None:
        entry = self.exploring.entry
        if entry is not None and not self.train.controls.explore.isChecked():
            self._reload(f"{entry.name} changed on disk: reloaded.")

    @Slot()
    def _on_file_gone(self) -> None:
        assert self.exploring.entry is not None
        self._complaint = f"{self.exploring.entry.path} is gone; the model stays open."
        self.notices.tell(self._complaint)

    @Slot(str)
    def _on_adapted(self, sentence: str) -> None:
        self.notices.inform(f"{self._news} {sentence}".strip())

    @Slot(object)
    def _on_effects(self, effects: Tensor) -> None:
        self.latent.model.set_effects(effects)
        self.move_tool.set_effects(effects)

    # -- pictures ------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_z_changed(self, z: Tensor) -> None:
        self.stamp += 1
        self.render_thread.request(self.stamp, z)

    @Slot()
    def _redraw(self) -> None:
        self._on_z_changed(self.document.z)

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        self.status.count(frame)
        self.canvas.show_frame(frame)
        if not self._has_image:
            self._has_image = True
            self.first_image.emit()

    def _want_model_thumbnail(self, entry: zoo.ModelEntry, renderer: Renderer | None = None) -> None:
        self.job_thread.submit(f"thumbnail {entry.path}", lambda: (entry, thumbnail(entry, renderer)))

    @Slot(object)
    def _on_job_done(self, result: JobResult) -> None:
        is_thumbnail = result.name.startswith("thumbnail")
        if result.error is None and is_thumbnail:
            entry, picture = result.value
            self.models.set_thumbnail(entry, picture)
        elif result.error is not None and not is_thumbnail:  # a damaged model says so when it is opened
            self._tell(result.error)

    @Slot(object, bool)
    def _on_run_saved(self, snapshot: Path, was_explored: bool) -> None:
        """A run that ended is a model like any other, and the one to look at if it was being looked at."""
        entry = zoo.ModelEntry(snapshot.parent.parent.name, snapshot)
        self.models.add(entry)
        self._want_model_thumbnail(entry)
        if was_explored and self.opener.is_busy:
            self.exploring.show_file()  # what a person just asked for comes first
        elif was_explored:
            self.open_entry(entry)

    # -- the rest ------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(0, self, self.panels.raise_floating)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.importer.settle()
        is_left = self._keeps and self.isVisible()  # and not closed a second time
        if is_left:
            kept.keep_layout(self, self.panels.state())
        self.hide()  # saving may take a moment
        if is_left:
            self.sessions.keep(self.sessions.worth_keeping(self.exploring.entry_on_show))
        self.job_thread.end(keep="save")
        guard.stop_all()  # nobody waits for that file any more
        for part in (self.status, self.opener, self.watch, self.morph, self.effects, self.studio):
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

    def _connect_panels(self) -> None:
        panels = self.panels
        self.morph.notice.connect(self.notices.inform)
        for panel in (panels.directions, panels.gallery, panels.basket, panels.memory, self.move_tool):
            panel.notice.connect(self.notices.tell)
        for part in (self.sessions, self.comparison, self.latent_files, self.clipboard):
            part.notice.connect(self.notices.tell)
            part.news.connect(self.notices.inform)
        self.latent.overlay.connect(self.canvas.show_overlay)
        panels.directions.axis_wanted.connect(self.move_tool.use_as_axis)
        panels.memory.bookmarks.export_wanted.connect(self.latent_files.save)
        panels.memory.bookmarks.import_wanted.connect(self.latent_files.add)
        self.clipboard.file_pasted.connect(self.open_file)
        self.sessions.model_wanted.connect(self.open_entry)
        self.comparison.redraw_wanted.connect(self._redraw)
        self.comparison.is_on_changed.connect(self.commands.compare.setChecked)

    def _connect_commands(self) -> None:
        effects: list[tuple[QAction, Callable[[], object]]] = [
            (self.commands.open, self.choose_file),
            (self.commands.open_run, self.choose_run),
            (self.commands.reload, self.reload),
            (self.commands.save_picture, self.save_picture),
            (self.commands.save_session, self.save_session),
            (self.commands.reopen_session, self.reopen_session),
            (self.commands.reset_panels, self.panels.reset),
            (self.commands.compare, self.compare),
            (self.commands.copy, self.clipboard.copy),
            (self.commands.paste, self.clipboard.paste),
            (self.commands.bookmark, self.panels.memory.bookmarks.bookmark),
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


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, UserError) else plain(f"{type(error).__name__}: {error}")
