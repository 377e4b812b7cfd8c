"""Folders for new runs, and the model that one of them begins with."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from pathlib import Path

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.train.events import TrainRequest


def new_run(folder: Path, name: str) -> Path:
    """A run folder of that name that is not there yet."""
    run, number = folder / name, 2
    while run.exists():
        run = run.with_name(f"{name}~{number}")
        number += 1
    return run


def stamped(name: str) -> str:
    """The name with date and time."""
    return f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"


class Staging:
    """A copy of the open model on disk, from which a training process reads it; `clear` takes it away again.

    The run soon has a copy of its own. The open model may be on disk in another form: a stranger's file, with what a
    person chose for it.
    """

    def __init__(self, name: str, checkpoint: Checkpoint, run: Path) -> None:
        self._checkpoint = checkpoint
        self._path = run.with_name(f".{run.name}") / f"{name}.safetensors"

    def prepare(self, request: TrainRequest) -> TrainRequest:
        """Write the copy; returns the request that names it. Raises OSError. Not for the GUI thread."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._checkpoint.save(self._path)
        return dataclasses.replace(request, start=str(self._path))

    def clear(self) -> None:
        """Take the copy away."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._path.parent.rmdir()
