"""A run that another process trains, as the training panel shows it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from ganexplorer.core.render import Pixels
from ganexplorer.train.events import LogEntry, Scalars
from ganexplorer.train.snapshots import Snapshot
from ganexplorer.ui.training.run_view import RunView
from ganexplorer.ui.work.run_follower import RunFollower


class Following(QObject):
    """Keeps a `RunView` up to date with a run folder that is being written."""

    said = Signal(str)  # how it stands, one or two lines
    grew = Signal()  # there are snapshots, perhaps new ones
    ended = Signal()  # the other process has ended; the run is whole
    lost = Signal(str)  # its folder is gone, in words

    def __init__(self, view: RunView, parent: QObject) -> None:
        super().__init__(parent)
        self._view = view
        self._last_step = 0  # that the run is known to have done
        self.follower = RunFollower(self)
        self.follower.entries.connect(self._on_entries)
        self.follower.snapshots.connect(self._on_snapshots)
        self.follower.sheet.connect(self._on_sheet)
        self.follower.over.connect(self._on_over)
        self.follower.lost.connect(self._on_lost)

    @property
    def run(self) -> Path | None:
        """The run that is followed."""
        return self.follower.run

    def follow(self, run: Path, step: int) -> None:
        """Follow a run that has come at least as far as `step`."""
        self._last_step = step
        self._say(None)
        self.follower.follow(run)

    def stop(self) -> None:
        """Follow no longer."""
        self.follower.stop()

    def close(self) -> None:
        """Follow no longer, and wait for the threads."""
        self.follower.close()

    @Slot(object, bool)
    def _on_entries(self, entries: list[LogEntry], began_anew: bool) -> None:
        if began_anew:  # the run was rolled back
            self._view.clear()
            self._last_step = 0
        self._view.show_entries(entries)
        self._last_step = max([self._last_step, *(entry.step for entry in entries)])
        self._say(next((entry for entry in reversed(entries) if isinstance(entry, Scalars)), None))

    @Slot(object)
    def _on_snapshots(self, found: list[Snapshot]) -> None:
        self._view.show_snapshots(found)
        self.grew.emit()

    @Slot(object, object)
    def _on_sheet(self, step: int, pixels: Pixels) -> None:
        if self._view.timeline.snapshot in (None, self._view.newest):  # else those of the one looked at stay
            self._view.show_samples(pixels, step)

    @Slot()
    def _on_over(self) -> None:
        self._view.find_snapshots()
        newest = self._view.newest
        last = max(self._last_step, newest.step if newest is not None else 0)  # it saves as it ends
        self.said.emit(f"Ended at step {last:,}, trained by another process")
        self.ended.emit()

    @Slot(str)
    def _on_lost(self, text: str) -> None:
        self._view.run = None  # there is nothing to go on with; the curves stay
        self._view.leave_snapshot()
        self._view.show_snapshots([])
        self.said.emit(f"Followed until step {self._last_step:,}")
        self.lost.emit(text)

    def _say(self, last: Scalars | None) -> None:
        words = "" if last is None else verdict_words(last)
        self.said.emit(f"Followed: step {self._last_step:,}, another process is training it\n{words}")


def verdict_words(scalars: Scalars) -> str:
    """D(x) and D(G(z)) before and after G's step."""
    return f"D(x) {scalars.d_real:.2f}   D(G(z)) {scalars.d_fake_before:.2f} → {scalars.d_fake_after:.2f}"
