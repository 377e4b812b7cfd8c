"""Writing a run while it goes on: what cannot be written now is written as soon as it can, and nothing is lost."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError
from ganexplorer.core.render import Pixels
from ganexplorer.train.commands import RETRY_SECONDS, Commands
from ganexplorer.train.events import (
    Changed,
    Continued,
    LogEntry,
    Mark,
    Paused,
    PublishWeights,
    SnapshotSaved,
    Stop,
    TrainEvent,
    Weights,
)
from ganexplorer.train.runs import Past, Run, RunError

Result = TypeVar("Result")
GIGABYTE = 10**9
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_KEPT_MARKS = ("kept", "health", "forked", "rolled back")


class RunWriter:
    """The folder of one trainer's run; its methods are generators of the events that tell of what they do.

    While the disk is full, or the folder cannot be written for another reason that may pass, they wait: `Paused` says
    why, commands are heard meanwhile, `Continued` follows. A folder that is gone, and an error after a `Stop`, are
    raised.

    Attributes
    ----------
    run
        The open folder; None before it is there, and where another process writes: then nothing is written.
    kept
        Steps whose snapshots are not to be thinned out.
    saved_step
        Of the last complete checkpoint.
    snapshot
        The file of the last snapshot.
    """

    def __init__(self, commands: Commands, weights: Callable[[], Weights]) -> None:
        self.run: Run | None = None
        self.kept: set[int] = set()
        self.saved_step = 0
        self.snapshot: Path | None = None
        self._commands, self._weights = commands, weights

    def go_on_from(self, past: Past, is_rollback: bool) -> None:
        """Take up a run that is resumed; forgets, or sets aside, what came later."""
        self.kept.update(entry.step for entry in past.entries if isinstance(entry, Mark) and entry.kind in _KEPT_MARKS)
        self.saved_step = past.step
        if self.run is not None:
            self.run.go_back(past.step, is_rollback)

    def tell_of(self, past: Past, is_rollback: bool) -> Generator[TrainEvent, None, None]:
        """Log that a run is resumed, or rolled back."""
        step = past.step
        if past.overridden:  # in the log, so that it tells all that happened
            yield from self.log(Changed(step, past.overridden))
        if not is_rollback:
            yield from self.log(Mark(step, "resumed", f"Resumed after step {step:,}"))
        else:
            self.keep(step)
            yield from self.log(Mark(step, "rolled back", f"Rolled back to step {step:,}"))

    def keep(self, step: int | None) -> None:
        """The snapshot of a step, if there is one, is not to be thinned out."""
        if step is not None:
            self.kept.add(step)

    def log(self, entry: LogEntry) -> Generator[TrainEvent, None, None]:
        """Append to the log, then tell."""
        yield from self._durably(entry.step, lambda run: run.log(entry))
        yield entry

    def save_sheet(self, step: int, pixels: Pixels) -> Generator[TrainEvent, None, None]:
        """Write the fixed samples."""
        yield from self._durably(step, lambda run: run.save_sheet(step, pixels))

    def save(
        self, step: int, checkpoint: Checkpoint, state: dict[str, Any] | None, keep_gb: float
    ) -> Generator[TrainEvent, None, None]:
        """Write a snapshot and what training goes on from (None: it cannot), then take away what is too much.

        The snapshot first, so that LATEST never points at nothing.
        """
        snapshot = yield from self._durably(step, lambda run: run.save_snapshot(step, checkpoint))
        if state is not None:
            yield from self._durably(step, lambda run: run.save_state(state))
        if snapshot is None:  # another process writes
            return
        self.snapshot = snapshot
        yield SnapshotSaved(step, snapshot)
        if state is None:
            return
        self.saved_step = step
        with contextlib.suppress(OSError):  # what is too much now goes the next time
            if self.run is not None:
                self.run.thin(round(keep_gb * GIGABYTE), self.kept)

    def close(self) -> None:
        """Close the folder."""
        if self.run is not None:
            self.run.close()

    def _durably(self, step: int, write: Callable[[Run], Result]) -> Generator[TrainEvent, None, Result | None]:
        """Write, however long that takes."""
        if self.run is None:
            return None
        commands, is_told = self._commands, False
        while True:
            try:
                result = write(self.run)
                break
            except (OSError, UserError) as error:
                if _is_gone(self.run.path):
                    raise RunError(
                        f"{self.run.path} is gone: it was moved or removed while it was trained. Resume it where it is "
                        "now."
                    ) from error
                if commands.is_stopped or not isinstance(error, OSError):
                    raise
                if not is_told:
                    is_told = True
                    yield Paused(step, f"{_place(error, self.run)}: {error.strerror or error}. {_remedy(error)}")
            match commands.glance(RETRY_SECONDS):
                case PublishWeights():
                    yield self._weights()
                case Stop(keep):
                    self.keep(keep)
                case None:
                    pass
                case command:
                    commands.postpone(command)
        if is_told:
            yield Paused(step) if commands.is_paused else Continued(step)
        return result


def _is_gone(run: Path) -> bool:
    """Whether the folder is not there; one that cannot be looked at may come back."""
    try:
        os.stat(run / "config.json")
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def is_no_room(error: OSError) -> bool:
    """Whether a disk is full, or a quota used up."""
    return error.errno in _NO_ROOM


def _place(error: OSError, run: Run) -> str:
    return str(run.path if is_no_room(error) else error.filename or run.path)


def _remedy(error: OSError) -> str:
    if is_no_room(error):
        return "Make room; the run then goes on."
    return f"The run waits and goes on when it can be written (tried every {RETRY_SECONDS:.0f} s), or ends with Stop."
