"""State on disk: sessions that are saved and gone on with, and pictures that remember what they are of."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from ganexplorer.core import zoo
from ganexplorer.core.errors import UserError
from ganexplorer.core.media import Origin, read_origin
from ganexplorer.core.session import SUFFIX, Session, is_session, last_session, save_session
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.editing.history import History
from ganexplorer.ui.files.opening import Opened
from ganexplorer.ui.work.studio import Studio
from ganexplorer.ui.work.workers import JobResult, JobThread

FILTER = f"Sessions of ganexplorer (*{SUFFIX})"


class SessionFiles(QObject):
    """Saves the session and brings one back; finds the model and the latent of a picture."""

    notice = Signal(str)  # something went wrong
    news = Signal(str)
    model_wanted = Signal(object)  # ModelEntry, of a picture; `Opened` is to be passed to `on_opened`

    def __init__(self, document: Document, studio: Studio, jobs: JobThread, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._document = document
        self._studio = studio
        self._jobs = jobs
        self._picture: tuple[str, Origin] | None = None  # whose model is being opened
        jobs.job_done.connect(self._on_job_done)

    # -- sessions ------------------------------------------------------------------------------------------

    @Slot()
    def choose_and_save(self, entry: zoo.ModelEntry | None) -> None:
        """Ask where to, then save the session of the model on show."""
        if entry is None or self._document.subject is None:
            self.notice.emit("There is no model on show, and so no session to save.")
            return
        session = self.session(entry)
        path, _ = QFileDialog.getSaveFileName(self._window, "Save the session", f"{entry.name}{SUFFIX}", FILTER)
        if path:
            self.save(Path(path), session)

    def session(self, entry: zoo.ModelEntry) -> Session:
        """All that there is now, its model by its path.

        The `entry` of a generator in training is its run folder, which leads to the newest snapshot.
        """
        document, sight = self._document, self._studio.sight
        assert document.subject is not None
        return Session(
            str(entry.path.absolute()),
            entry.name,
            "" if sight is None else sight.fingerprint,
            document.prior,
            document.state,
            tuple(document.history),
            document.morph,
            document.gallery,
        )

    def save(self, path: Path, session: Session) -> None:
        """Write in the job thread, a shipped model and a run by name; a name without suffix gets one."""
        goal = path if is_session(path) else path.with_name(path.name + SUFFIX)

        def write() -> str:
            try:
                save_session(goal, _by_name(session))
            except OSError as error:
                raise UserError(f"{goal}: not written ({error.strerror or error}). Choose another folder.") from None
            return f"The session was saved as {goal.name}."

        self._jobs.submit(f"save {goal}", write, first=True)

    def worth_keeping(self, entry: zoo.ModelEntry | None) -> Session | None:
        """The session of the model on show, if anything was done in it."""
        if entry is None or self._document.subject is None or not self._document.is_touched:
            return None
        return self.session(entry)

    def keep(self, session: Session | None) -> None:
        """Keep it as the last session: it is to be left for another, or the window closes."""
        if session is not None:
            self._jobs.submit(f"save {last_session()}", lambda: _keep(session), first=True)

    def go_on(self, opened: Opened, before: Session | None) -> None:
        """Put the session of a model that was just opened in force, and keep the one `before`, if there was any."""
        session, subject = opened.session, self._document.subject
        assert session is not None
        assert subject is not None
        if session.prior != subject.prior or len(session.state.z) != subject.spec.z_dim:
            self.notice.emit(
                f"{opened.request.name}: its model {opened.entry.name} has another latent space now "
                f"(z {subject.spec.z_dim}, {subject.prior}, not z {len(session.state.z)}, {session.prior}). "
                "Put the model of then back."
            )
            return
        self._document.restore(session.state, History(session.steps), session.morph, session.gallery)
        news = []
        if session.fingerprint and session.fingerprint != opened.sight.fingerprint:
            news.append(f"{opened.entry.name} has other weights than when the session was saved: pictures differ.")
        if before is not None:
            self.keep(before)
            news.append("What was there before is kept: File > Reopen last session goes back to it.")
        if news:
            self.news.emit(" ".join(news))

    # -- pictures ------------------------------------------------------------------------------------------

    def open_picture(self, path: str, entries: list[zoo.ModelEntry]) -> None:
        """Go to the latent that a PNG remembers, in the model that it was made by."""
        try:
            origin = read_origin(path)
        except (UserError, OSError) as error:
            self.notice.emit(str(error))
            return
        name = Path(path).name
        if origin is None:
            self.notice.emit(
                f"{name}: does not say which latent it was made from. Only pictures that ganexplorer saved do."
            )
            return
        subject, sight = self._document.subject, self._studio.sight
        is_on_show = sight is not None and bool(origin.fingerprint) and sight.fingerprint == origin.fingerprint
        if is_on_show or (subject is not None and subject.name == origin.model):
            self._go_to(name, origin)
            return
        entry = next((entry for entry in entries if entry.name == origin.model), None)
        if entry is None:
            self.notice.emit(f"{name}: was made by {origin.model}, which is not at hand. Open that model first.")
            return
        self._picture = (name, origin)
        self.model_wanted.emit(entry)

    def on_opened(self, opened: Opened) -> None:
        """A model is on show: perhaps the one of a picture."""
        picture, self._picture = self._picture, None
        if picture is not None and picture[1].model == opened.entry.name:
            self._go_to(*picture)

    def forget_picture(self) -> None:
        """The model of a picture could not be opened."""
        self._picture = None

    def _go_to(self, name: str, origin: Origin) -> None:
        z, subject, sight = origin.z[0].clone(), self._document.subject, self._studio.sight
        assert subject is not None
        if len(z) != subject.spec.z_dim:
            self.notice.emit(
                f"{name}: its latent has {len(z)} numbers, and {subject.name} takes {subject.spec.z_dim}. "
                "Open the model that it was made by."
            )
            return
        self._document.leap(z)
        count = "" if len(origin.z) == 1 else f" It shows {len(origin.z)} samples: this is the first."
        if sight is not None and origin.fingerprint and sight.fingerprint != origin.fingerprint:
            count += f" {subject.name} has other weights now than when it was made."
        self.news.emit(f"Back at the latent of {name}.{count}")

    @Slot(object)
    def _on_job_done(self, result: JobResult) -> None:
        if result.name.startswith("save ") and result.error is None and isinstance(result.value, str):
            self.news.emit(result.value)


def _keep(session: Session) -> None:
    with contextlib.suppress(OSError, UserError):  # nobody is there any more who could be told
        last_session().parent.mkdir(parents=True, exist_ok=True)
        save_session(last_session(), _by_name(session))


def _by_name(session: Session) -> Session:
    """The same, its model by name where that leads to the same file; reads folders, so not in the window's thread."""
    known = [*zoo.discover(), *zoo.discover_runs(zoo.runs_folder())]
    is_known = any(entry.name == session.name and str(entry.path.absolute()) == session.model for entry in known)
    return dataclasses.replace(session, model=session.name) if is_known else session
