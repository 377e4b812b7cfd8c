"""Following a run that another process writes: a thread that looks at its folder, and signals that say what is new."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from ganexplorer.core.errors import UserError
from ganexplorer.core.render import Pixels
from ganexplorer.train.events import LogEntry
from ganexplorer.train.growth import moments
from ganexplorer.train.run_log import LogFollower
from ganexplorer.train.runs import is_being_written
from ganexplorer.train.snapshots import Snapshot, snapshots
from ganexplorer.ui.files.file_watch import Signature, signature
from ganexplorer.ui.work.workers import STACK_BYTES

LOOK_SECONDS = 0.5
DRAIN_MILLISECONDS = 100
PIECE_BYTES = 256 * 1024  # of the log at a time
MOST_ENTRIES = 5000  # of the log in one signal: what the charts take without a pause that is felt


@dataclass(frozen=True, slots=True)
class _News:
    """What was found since the last call of `_LookThread.take`."""

    began_anew: bool = False
    entries: list[LogEntry] = field(default_factory=list)
    snapshots: list[Snapshot] | None = None  # None: as before
    sheet: tuple[int, Pixels] | None = None
    is_over: bool = False
    trouble: str = ""


class _LookThread(QThread):
    """Looks at one run folder every half second, until the run is over, its folder gone, or `end` is called.

    No file stays open between two looks.
    """

    def __init__(self, run: Path, parent: QObject) -> None:
        super().__init__(parent)
        self.setStackSize(STACK_BYTES)
        self.run_folder = run
        self._log = LogFollower(run / "log.jsonl")
        self._is_ended = threading.Event()
        self._lock = threading.Lock()
        self._news = _News()
        self._waiting: list[LogEntry] = []
        self._parts: dict[str, Signature | None] = {}  # of folders, at the last look
        self._sheet: tuple[int, Signature | None] | None = None  # the one that was told last

    def end(self) -> None:
        """Let the thread end after the look in hand."""
        self._is_ended.set()

    def take(self) -> _News:
        """What is new; of the log at most the next `MOST_ENTRIES`. What comes after the log comes last."""
        with self._lock:
            news, entries = self._news, self._waiting[:MOST_ENTRIES]
            del self._waiting[:MOST_ENTRIES]
            is_rest = bool(self._waiting)
            self._news = _News(is_over=news.is_over, trouble=news.trouble) if is_rest else _News()
        return replace(
            news, entries=entries, is_over=news.is_over and not is_rest, trouble="" if is_rest else news.trouble
        )

    def run(self) -> None:
        while not self._is_ended.is_set():
            is_over, trouble = not is_being_written(self.run_folder), ""
            try:
                self._look(is_over)  # after the lock: the last look sees all that was written under it
            except OSError as error:
                trouble = f"cannot be read any more ({error.strerror or error})"
            if signature(self.run_folder / "config.json") is None:
                trouble = "is gone"
            if is_over or trouble:
                text = trouble and f"{self.run_folder} {trouble}: it is followed no longer."
                self._put(is_over=not trouble, trouble=text)
                return
            self._is_ended.wait(LOOK_SECONDS)

    def _look(self, is_last: bool) -> None:
        while not self._is_ended.is_set():
            try:
                began_anew, entries = self._log.read(PIECE_BYTES)
            except FileNotFoundError:  # not begun yet
                break
            with self._lock:
                if began_anew:
                    self._waiting = entries
                    self._news = replace(self._news, began_anew=True)
                else:
                    self._waiting += entries
            if not entries:
                break
        if self._has_changed("snapshots", "checkpoint") or is_last:
            self._put(snapshots=snapshots(self.run_folder))
        if self._has_changed("samples") or is_last:
            self._look_at_samples()

    def _look_at_samples(self) -> None:
        try:
            newest = next(reversed(moments(self.run_folder)), None)
            mark = None if newest is None else (newest.step, signature(newest.path))
            if newest is not None and mark != self._sheet:
                pixels = newest.read()
                self._sheet = mark
                self._put(sheet=(newest.step, pixels))
        except UserError:  # just taken away, or no picture of ours: the next one will do
            pass

    def _has_changed(self, *parts: str) -> bool:
        """Whether any of these folders got or lost a file since the last look; cheap where they hold thousands."""
        now = {part: signature(self.run_folder / part) for part in parts}
        has_changed = any(part not in self._parts or self._parts[part] != now[part] for part in parts)
        self._parts |= now
        return has_changed

    def _put(self, **found: object) -> None:
        with self._lock:
            self._news = replace(self._news, **found)  # type: ignore[arg-type]


class RunFollower(QObject):
    """A run of another process as the window sees it: signals, at most ten times a second, while it goes on."""

    entries = Signal(object, bool)  # list[LogEntry], oldest first; whether the log began anew, and these are its first
    snapshots = Signal(object)  # list[Snapshot], all there are
    sheet = Signal(object, object)  # step, and its fixed samples, (N, H, W[, 3])
    over = Signal()  # the other process trains it no longer; all it wrote has been told
    lost = Signal(str)  # the folder is gone or not to be read any more, in a plain sentence; nothing follows

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: _LookThread | None = None
        self._leaving: list[_LookThread] = []
        self._timer = QTimer(self, interval=DRAIN_MILLISECONDS)
        self._timer.timeout.connect(self._drain)

    @property
    def run(self) -> Path | None:
        """The folder of the run that is followed; None: none is."""
        return None if self._thread is None else self._thread.run_folder

    def follow(self, run: Path) -> None:
        """Follow a run from the first line of its log on, and no other any more."""
        self.stop()
        self._thread = _LookThread(run, self)
        self._thread.finished.connect(self._sweep)
        self._thread.start()
        self._timer.start()

    def stop(self) -> None:
        """Follow nothing; no signal comes after this."""
        self._timer.stop()
        if self._thread is not None:
            self._thread.end()
            self._leaving.append(self._thread)
            self._thread = None
            self._sweep()

    def close(self) -> None:
        """Stop, and wait for the look in hand to end."""
        self.stop()
        for thread in self._leaving:
            thread.wait()
        self._sweep()

    @Slot()
    def _sweep(self) -> None:
        """Let go of the threads that have ended; one may be in a long log when it is told to end."""
        for thread in [thread for thread in self._leaving if thread.isFinished()]:
            self._leaving.remove(thread)
            thread.wait()
            thread.deleteLater()

    @Slot()
    def _drain(self) -> None:
        thread = self._thread
        assert thread is not None
        news = thread.take()
        if news.entries or news.began_anew:
            self.entries.emit(news.entries, news.began_anew)
        if news.snapshots is not None and thread is self._thread:  # who is told of one may stop this
            self.snapshots.emit(news.snapshots)
        if news.sheet is not None and thread is self._thread:
            self.sheet.emit(*news.sheet)
        if (news.is_over or news.trouble) and thread is self._thread:
            self.stop()
            if news.is_over:
                self.over.emit()
            else:
                self.lost.emit(news.trouble)
