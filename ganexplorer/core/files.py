"""Files on disk: opening one that a person named, and writing one so that no half of it is ever seen."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from ganexplorer.core.errors import UserError

# no waiting for a pipe's writer, nothing for a child to inherit, no translation of line ends; not each on each platform
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOCTTY"))

_REASONS = {
    errno.ENOENT: "no such file. Check its name and folder.",
    errno.ELOOP: "is a link that leads round in a circle. Name the file itself.",
    errno.EACCES: "cannot be read (Permission denied). Give yourself the right to read it.",
    errno.EPERM: "cannot be read (Operation not permitted). Give yourself the right to read it.",
    errno.ENAMETOOLONG: "the name is too long for a file. Name a model, a run folder or a file.",
}


class FileError(UserError):
    """A path that cannot be opened as a file. The text names file, reason and remedy."""


def open_regular(path: Path | str) -> BinaryIO:
    """Open a regular file for reading; links to one are followed.

    Never waits for a pipe and never reads a device, whatever the path turns into meanwhile.

    Raises
    ------
    FileError
        No such file, a folder, pipe, device or socket, not permitted, or no name of a file at all.
    """
    path = Path(path)
    try:
        _check_regular(path, os.stat(path))  # opening a device can have effects already
        number = os.open(path, _FLAGS)
        try:
            _check_regular(path, os.fstat(number))
            return os.fdopen(number, "rb")
        except BaseException:
            os.close(number)
            raise
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"cannot be read ({error.strerror or error}).")
        raise FileError(f"{path}: {reason}") from None
    except ValueError:  # a NUL, or characters that the file system cannot express
        raise FileError(
            f"{str(path)!r}: is no possible name of a file. Name a model, a run folder or a file."
        ) from None


def read_small(path: Path | str, limit: int) -> bytes:
    """The bytes of a regular file that should have no more than `limit`; raises `FileError` as `open_regular` does."""
    with open_regular(path) as file:
        try:
            data = file.read(min(limit, os.fstat(file.fileno()).st_size) + 1)  # a read allocates what it asks for
        except OSError as error:
            raise FileError(f"{path}: cannot be read ({error.strerror or error}). Copy it again.") from None
    if len(data) > limit:
        raise FileError(f"{path}: is longer than {limit:,} bytes. It is no file of ganexplorer's: take it away.")
    return data


def _check_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise FileError(f"{path}: is a folder. Name a model, a run folder or a file.")
    if not stat.S_ISREG(status.st_mode):
        kind = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}.get(stat.S_IFMT(status.st_mode), "device")
        raise FileError(f"{path}: is a {kind}, not a regular file. Copy what it holds to a file first.")


@contextmanager
def atomic_write(path: Path | str) -> Iterator[IO[bytes]]:
    """A binary file that replaces `path` when the block ends, and leaves no trace when it raises.

    Written beside its goal, flushed to the disk, then renamed; the folder entry is flushed too.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
