"""A disk on which writing fails as on a real one: a part of the bytes is written, then comes an error."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

Where = Literal["write", "flush", "rename"]
FOR_EVER = 10**9  # failures


def no_room() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FailingDisk:
    """Writing one kind of file fails as often as `failures` says, from when that is set.

    `part` is the file's name, or that of its folder. `where`: in the middle of writing, in flushing it to the disk
    (whatever file that is of), or when it is renamed at the end. To a log is only ever written.
    """

    def __init__(self, part: str, where: Where = "write", error: Callable[[], BaseException] = no_room) -> None:
        self.failures = 0
        self.error = error
        self._part, self._where = part, where

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Stand between the program and the disk until `patch` is undone."""
        open_path, replace, flush = Path.open, os.replace, os.fsync

        def patched_open(path: Path, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            if mode == "ab" and path.name == self._part:
                return _Log(self, str(path), mode)
            goal = path.with_name(path.name[1:].rsplit(".", 2)[0])  # of .NAME.RANDOM.part
            if mode == "xb" and self._where == "write" and self._part in (goal.name, goal.parent.name) and self.fails():
                return io.BufferedWriter(_Cut(self, str(path), mode))
            return open_path(path, mode, *arguments, **named)

        def patched_replace(source: Path, goal: Path) -> None:
            if self._where == "rename" and self._part in (goal.name, goal.parent.name) and self.fails():
                raise self.error()
            replace(source, goal)

        def patched_flush(number: int) -> None:
            if self._where == "flush" and self.fails():
                raise self.error()
            flush(number)

        patch.setattr(Path, "open", patched_open)
        patch.setattr(os, "replace", patched_replace)
        patch.setattr(os, "fsync", patched_flush)

    def fails(self) -> bool:
        """Whether the attempt that begins now fails."""
        if self.failures == 0:
            return False
        self.failures -= 1
        return True


class _Cut(io.FileIO):
    """Takes half of what is written to it."""

    def __init__(self, disk: FailingDisk, path: str, mode: str) -> None:
        super().__init__(path, mode)
        self._disk = disk

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        super().write(view[: len(view) // 2])
        raise self._disk.error()


class _Log(_Cut):
    """Takes all of it, as long as the disk does not fail."""

    def write(self, data: Any) -> int:
        return super().write(data) if self._disk.fails() else io.FileIO.write(self, data)
