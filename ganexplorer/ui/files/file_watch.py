"""Whether the file of the open model changes on disk."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from ganexplorer.ui.work.workers import JobResult, JobThread

POLL_MILLISECONDS = 1000

Signature = tuple[int, int, int]  # modified at (nanoseconds), bytes, inode


def signature(path: Path) -> Signature | None:
    """What tells one content of a file from the next without reading it; None where there is no file."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class FileWatch(QObject):
    """Looks at one file every second, in the job thread, for a file system may take its time.

    Not `QFileSystemWatcher`: it loses a file that is replaced by its namesake, and hears nothing of network folders.
    """

    changed = Signal()  # and then at rest, so its writer has ended; again at every look until `note_read`
    gone = Signal()  # once, until it is back

    def __init__(self, jobs: JobThread, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._path: Path | None = None
        self._read: Signature | None = None  # of the content that was read last
        self._seen: Signature | None = None  # at the last look
        self._is_gone = False
        self._timer = QTimer(self, interval=POLL_MILLISECONDS)
        self._timer.timeout.connect(self._look)
        self._timer.start()
        jobs.job_done.connect(self._on_job_done)

    def watch(self, path: Path, read: Signature | None) -> None:
        """Watch `path` from now on; `read`: its signature from before it was read, so that no change is missed."""
        self._path, self._read, self._seen = path, read, read
        self._is_gone = False

    def note_read(self, read: Signature | None) -> None:
        """The content of that signature was tried: tell of the next one only."""
        self._read = read

    def stop(self) -> None:
        self._timer.stop()

    @Slot()
    def _look(self) -> None:
        path = self._path
        if path is not None:
            self._jobs.submit("look", lambda: (path, signature(path)), first=True)

    @Slot(object)
    def _on_job_done(self, result: JobResult) -> None:
        if result.name != "look" or result.value[0] != self._path:
            return
        seen: Signature | None = result.value[1]
        at_rest, self._seen = seen == self._seen, seen
        if not at_rest:
            return
        if seen is None and not self._is_gone:
            self._is_gone = True
            self._read = None  # whatever comes back is read
            self.gone.emit()
        elif seen is not None:
            self._is_gone = False
            if seen != self._read:
                self.changed.emit()
