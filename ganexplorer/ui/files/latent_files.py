"""Latents in .npy files: read and written in the job thread, kept as bookmarks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from torch import Tensor

from ganexplorer.core.errors import UserError
from ganexplorer.core.media import load_latents, save_npy
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.parts.latent_menu import add_bookmarks
from ganexplorer.ui.work.workers import JobResult, JobThread

MAX_BYTES = 256 * 1024**2
MOST_ROWS = 1000  # that become bookmarks at once


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Latents, (N, z_dim), of a file; `is_opened`: the first is to be shown."""

    path: Path
    latents: Tensor
    is_opened: bool


@dataclass(frozen=True, slots=True)
class Written:
    path: Path
    count: int


class LatentFiles(QObject):
    """Opens, imports and exports latents. A file that cannot be read or written is told by the job's error."""

    notice = Signal(str)
    news = Signal(str)

    def __init__(self, document: Document, jobs: JobThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        jobs.job_done.connect(self._on_job_done)

    @Slot(str)
    def open(self, path: str) -> None:
        """Go to the first latent of a .npy file; where there are several, all become bookmarks."""
        self._read(path, is_opened=True)

    @Slot(str)
    def add(self, path: str) -> None:
        """Make bookmarks of the latents of a .npy file."""
        self._read(path, is_opened=False)

    @Slot(str, object)
    def save(self, path: str, latents: Tensor) -> None:
        """Write latents, (N, z_dim) or (z_dim,); a name without suffix gets one."""
        goal = Path(path) if Path(path).suffix else Path(f"{path}.npy")

        def write() -> Written:
            try:
                save_npy(goal, latents)
            except OSError as error:
                raise UserError(f"{goal}: not written ({error.strerror or error}). Choose another folder.") from None
            return Written(goal, 1 if latents.ndim == 1 else len(latents))

        self._jobs.submit(f"save latents {goal}", write, first=True)

    def _read(self, path: str, is_opened: bool) -> None:
        if self._document.subject is None:
            self.notice.emit(f"{Path(path).name}: latents need a model that they are of. Open one first.")
            return
        z_dim = len(self._document.z)
        self._jobs.submit(
            f"latents {path}", lambda: Read(Path(path), read_latents(Path(path), z_dim), is_opened), first=True
        )

    @Slot(object)
    def _on_job_done(self, result: JobResult) -> None:
        if isinstance(result.value, Written):
            count = result.value.count
            self.news.emit(f"Saved {count} latent{'s' * (count != 1)} as {result.value.path.name}.")
        elif isinstance(result.value, Read):
            self._take(result.value)

    def _take(self, read: Read) -> None:
        document, name, count = self._document, read.path.name, len(read.latents)
        if read.latents.shape[1] != len(document.z):
            self.notice.emit(f"{name}: another model was opened meanwhile. Open the file again if it is of this one.")
            return
        rows = [row.clone() for row in read.latents[:MOST_ROWS]]
        document.begin_edit(self)  # all of it is one undo step
        if read.is_opened:
            document.set_z(rows[0])
        if count > 1 or not read.is_opened:
            add_bookmarks(document, rows, read.path.stem)
        document.end_edit(self)
        if count > MOST_ROWS:
            self.news.emit(f"{name}: has {count:,} latents; the first {MOST_ROWS:,} are bookmarks now.")
        elif count > 1:
            first = " You are at the first." if read.is_opened else ""
            self.news.emit(f"{name}: its {count:,} latents are bookmarks now.{first}")


def read_latents(path: Path, z_dim: int) -> Tensor:
    """Latents, (N, z_dim), of a .npy file; raises `UserError` for any other, or one of more than 256 MiB."""
    try:
        size = os.stat(path).st_size
    except (OSError, ValueError):
        size = 0  # opening it says why
    if size > MAX_BYTES:
        raise UserError(f"{path}: is larger than {MAX_BYTES // 1024**2} MiB. Take fewer latents at a time.")
    return load_latents(path, z_dim)
