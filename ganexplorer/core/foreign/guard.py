"""Reading a stranger's file in a child process, so that no file can take this one down, fill its memory or stop it.

The parent opens the file and passes it as the child's standard input; the child limits itself, reads it by `containers`
and writes the tensors as a safetensors file to its standard output, an unlinked temporary file. Nothing else passes
between them, and the parent reads the answer with the same care as any other file.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import ganexplorer
from ganexplorer.core.files import open_regular
from ganexplorer.core.foreign.archive import MAX_GROWTH
from ganexplorer.core.foreign.containers import ContainerError, parse
from ganexplorer.core.foreign.contents import Contents, ModuleFacts
from ganexplorer.core.foreign.reasons import Reason
from ganexplorer.core.foreign.safetensors_file import parse_safetensors

try:
    import resource
except ImportError:  # Windows: the time limit alone
    resource = None  # type: ignore[assignment]

MAX_FILE_BYTES = 4 * 1024**3
SECONDS = 20.0
NICENESS = 10  # the window goes first
REFUSED = 3  # exit status of a child that wrote why
MAX_HEADER_BYTES = 16 * 1024**2  # of the answer: as many names as there may be, at their longest
_BASE_BYTES = 1024**3  # memory of an interpreter with numpy, and room
_MAX_MESSAGE = 4_000  # characters

_CODES = {"float32": "F32", "bool": "BOOL"} | {
    f"{sign}int{bits}": f"{sign.upper() or 'I'}{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def command(path: Path | str, seconds: float) -> list[str]:
    """What the child is started with.

    Its modules come from three places, the standard library first: neither the current folder nor the environment nor
    a file beside the program can put one in their place.
    """
    roots = [str(Path(package).parents[1].resolve()) for package in (ganexplorer.__file__, np.__file__)]
    program = f"import sys; sys.path += {roots!r}; from ganexplorer.core.foreign import guard; guard.main()"
    return [sys.executable, "-I", "-S", "-c", program, str(path), str(math.ceil(seconds))]


def read(path: Path | str, seconds: float = SECONDS, child: Sequence[str] | None = None) -> Contents:
    """What the file at `path` holds, read in a child process that gets `seconds`; `child` replaces its command.

    Can be called from any thread, by several at once.

    Raises
    ------
    FileError
        No file that can be opened.
    ContainerError
        Not to be read by `containers.parse`, too large, or the child was stopped.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_FILE_BYTES:
            raise ContainerError(
                f"{path}: {size / 1e9:.1f} GB is more than the {MAX_FILE_BYTES / 1e9:.1f} GB allowed. "
                "Save the weights of the generator alone."
            )
        try:
            with tempfile.TemporaryFile() as answer:
                status = _run(command(path, seconds) if child is None else child, file, answer, seconds)
                contents = _contents(answer) if status == 0 else _message(answer) if status == REFUSED else None
        except OSError as error:
            raise ContainerError(
                f"{path}: the process that reads it cannot be started ({error.strerror or error}). "
                "Free some memory or disk space."
            ) from None
    if isinstance(contents, Contents):
        return contents
    if isinstance(contents, str):
        raise ContainerError(contents)
    if status is None:
        raise ContainerError(
            f"{path}: took longer than {seconds:g} s to read. Save the weights of the generator alone."
        )
    if status in (0, REFUSED):
        raise ContainerError(f"{path}: reading it gave no usable answer. Copy or download it again.")
    raise ContainerError(f"{path}: reading it was stopped ({_cause(status)}). Copy or download it again.")


def _run(child: Sequence[str], file: BinaryIO, answer: BinaryIO, seconds: float) -> int | None:
    """The exit status of the child; None when its time was over. It is gone in any case."""
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with subprocess.Popen(
        child,
        stdin=file,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **threads},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    ) as process:
        _children.add(process)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            process.kill()
            _children.discard(process)


_children: set[subprocess.Popen[bytes]] = set()


def running() -> int:
    """How many children are reading now."""
    return len(_children)


def stop_all() -> None:
    """Stop every child that is reading; whoever waits for one gets a `ContainerError`. For a program that ends."""
    for process in list(_children):
        process.kill()


def _cause(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        cause = signal.Signals(-status).name
    except ValueError:
        cause = f"signal {-status}"
    return f"{cause}, perhaps for lack of memory" if cause == "SIGKILL" else cause


def _message(answer: BinaryIO) -> str | None:
    answer.seek(0)
    try:
        message = json.loads(answer.read(_MAX_MESSAGE * 12).decode())
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, str) and len(message) <= _MAX_MESSAGE else None


def _contents(answer: BinaryIO) -> Contents | None:
    """What the child wrote; None where it makes no sense."""
    try:
        size = answer.seek(0, os.SEEK_END)
        found = parse_safetensors(answer, size, MAX_HEADER_BYTES)
        kind = found.metadata["kind"]
        modules = {name: ModuleFacts(**facts) for name, facts in json.loads(found.metadata["modules"]).items()}
        metadata = json.loads(found.metadata["metadata"])
    except (Reason, LookupError, TypeError, ValueError, AttributeError, RecursionError, OSError):
        return None
    if kind not in ("safetensors", "pytorch") or not isinstance(metadata, dict):
        return None
    return Contents("safetensors" if kind == "safetensors" else "pytorch", found.tensors, modules, metadata)


# ---- the child


def main() -> None:
    """Read standard input, write the answer to standard output; `sys.argv` has the file's name and the seconds."""
    name, seconds = sys.argv[1], int(sys.argv[2])
    with open(0, "rb", closefd=False) as file, open(1, "wb", closefd=False) as answer:
        _limit(os.fstat(file.fileno()).st_size, seconds)
        try:
            _write(parse(file, name), answer)
        except ContainerError as error:
            answer.write(json.dumps(str(error)[:_MAX_MESSAGE]).encode())
            answer.flush()
            sys.exit(REFUSED)


def _limit(size: int, seconds: int) -> None:
    """Bound this process by the size of the file, in bytes, and by time; what a platform cannot bound stays free."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    if resource is None:
        return
    for name, limit in (
        ("RLIMIT_AS", _BASE_BYTES + 3 * size),
        ("RLIMIT_CPU", seconds + 1),
        ("RLIMIT_FSIZE", MAX_HEADER_BYTES + MAX_GROWTH * size),
        ("RLIMIT_CORE", 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (limit, limit))


def _write(contents: Contents, answer: BinaryIO) -> None:
    """Write a safetensors file, array by array: no second copy of them in memory."""
    header: dict[str, Any] = {
        "__metadata__": {
            "kind": contents.kind,
            "modules": json.dumps({name: asdict(facts) for name, facts in contents.modules.items()}),
            "metadata": json.dumps(contents.metadata),
        }
    }
    start = 0
    for name, array in contents.tensors.items():
        stop = start + array.nbytes
        header[name] = {"dtype": _CODES[array.dtype.name], "shape": array.shape, "data_offsets": [start, stop]}
        start = stop
    data = json.dumps(header, ensure_ascii=False).encode()
    answer.write(len(data).to_bytes(8, "little") + data)
    for array in contents.tensors.values():
        answer.write(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False)).data)
    answer.flush()
