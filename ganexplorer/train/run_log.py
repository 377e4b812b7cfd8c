"""The log of a run: one line of JSON for each `LogEntry`, only ever appended to.

Scalars are plain objects; other entries say in ``event`` which they are. A run can be done again from its log: it holds
every change of the configuration and every step that was taken by hand.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ganexplorer.core.files import atomic_write, read_small
from ganexplorer.train.events import Changed, LogEntry, Mark, Scalars, Stepped

MAX_LOG_BYTES = 1024**3
_TAIL_BYTES = 256  # longer than a line that two logs share by chance
_KINDS: dict[str, type[Changed | Stepped | Mark]] = {"changed": Changed, "stepped": Stepped, "mark": Mark}
_SELDOM = ("distance", "precision", "recall", "sure")  # fields of `Scalars` that most lines do without
_NAMES = {kind: name for name, kind in _KINDS.items()}


class LogWriter:
    """Appends to a log; what was appended is on disk, or nothing of it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size  # of what was appended in whole

    def append(self, entry: LogEntry) -> None:
        """Write one line. Where it raises, as for a full disk, no part of it is left, and it can be tried again."""
        line = line_of(entry).encode()
        if self._file.closed:
            self._file = self._path.open("ab", buffering=0)
            self._cut()
        try:
            written = self._file.write(line)
            while written < len(line):  # a disk that is almost full takes a part
                written += self._file.write(line[written:])
        except BaseException:
            self._cut()
            with contextlib.suppress(OSError):  # on a share that comes back, a file that was open stays dead
                self._file.close()
            raise
        self._size += len(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            self._file.truncate(self._size)


class LogFollower:
    """Reads a log that another process may be writing, or has cut back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._file_id = 0
        self._rest = b""
        self._tail = b""  # the last bytes that were read: a log put in the place of another can get its number

    def read(self, limit: int = MAX_LOG_BYTES) -> tuple[bool, list[LogEntry]]:
        """Whether the log began anew since the last call, and what it holds since then; of at most `limit` bytes.

        Raises OSError.
        """
        with self._path.open("rb") as file:
            status = os.fstat(file.fileno())
            file.seek(max(0, self._offset - len(self._tail)))
            is_new = status.st_ino != self._file_id or file.read(len(self._tail)) != self._tail
            if is_new:
                self._offset, self._rest, self._tail = 0, b"", b""
            is_new = is_new and self._file_id != 0
            self._file_id = status.st_ino
            file.seek(self._offset)
            piece = file.read(min(limit, status.st_size))  # allocates as much as it is asked for
            self._offset = file.tell()
        self._tail = (self._tail + piece[-_TAIL_BYTES:])[-_TAIL_BYTES:]
        data = self._rest + piece
        whole, newline, self._rest = data.rpartition(b"\n")
        return is_new, list(_entries(whole.decode(errors="replace").splitlines())) if newline else []


def read_entries(path: Path) -> list[LogEntry]:
    """All entries of a log, oldest first; a line cut short by a crash is left out. Raises `FileError`."""
    return list(_entries(read_small(path, MAX_LOG_BYTES).decode(errors="replace").splitlines()))


def cut(path: Path, step: int) -> list[LogEntry]:
    """Forget what was logged after `step`, which will be logged again; returns what was forgotten."""
    entries = read_entries(path) if path.exists() else []
    write(path, [entry for entry in entries if entry.step <= step])
    return [entry for entry in entries if entry.step > step]


def write(path: Path, entries: Iterable[LogEntry]) -> None:
    """Write a whole log, or nothing."""
    with atomic_write(path) as file:
        for entry in entries:
            file.write(line_of(entry).encode())


def line_of(entry: LogEntry) -> str:
    """The line of an entry."""
    values = dataclasses.asdict(entry)
    if isinstance(entry, Scalars):  # JSON knows no NaN and no infinity
        values = {k: v if math.isfinite(v) else None for k, v in values.items()}
        values = {k: v for k, v in values.items() if v is not None or k not in _SELDOM}
    else:
        values = {"event": _NAMES[type(entry)]} | values
    return json.dumps(values) + "\n"


def _is_sound(kind: Any, values: dict[str, Any]) -> bool:
    """Whether the values of a line are of the types that its entry has."""
    step = values.get("step")
    if not isinstance(step, int) or isinstance(step, bool) or step < 0:
        return False
    if kind is None:
        return all(value is None or isinstance(value, int | float) for value in values.values())
    if kind == "changed":
        return isinstance(values.get("settings"), dict)
    return all(isinstance(value, str) for name, value in values.items() if name != "step")


def _entries(lines: Iterable[str]) -> Iterator[LogEntry]:
    for line in lines:
        try:
            values: dict[str, Any] = json.loads(line)
            kind = values.pop("event", None)
            if not _is_sound(kind, values):
                continue
            if kind is None:
                known: dict[str, Any] = {k: math.nan if v is None else v for k, v in values.items()}
                yield Scalars(**known)
            else:
                yield _KINDS[kind](**values)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            continue
