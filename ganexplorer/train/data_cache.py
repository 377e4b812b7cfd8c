"""Decoded pictures, kept on disk for the next start: ``decoded/KEY.npy`` (uint8) and ``KEY.json`` (report, which).

A cache never stands in the way: one that is damaged is deleted, one that cannot be written is told and left.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import math
import os
import shutil
import time
import zlib
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import platformdirs
import torch
from numpy.typing import NDArray

from ganexplorer.core.errors import plain
from ganexplorer.core.files import FileError, atomic_write, open_regular, read_small
from ganexplorer.train.events import Notice, Progress
from ganexplorer.train.progress import Pace
from ganexplorer.train.sources import DataReport, check_memory

VERSION = 2  # of the files, and of how pictures are decoded: another one finds none of the old files
BUDGET_BYTES = 4_000_000_000  # of all files together
FREE_SHARE = 0.5  # of the free disk space, at most, for one set
_CHUNK_BYTES = 1 << 24
_MAX_JSON = 500_000_000  # bytes; ten million numbers have less
_LEFTOVER_SECONDS = 24 * 3600  # after which a half-written file is nobody's any more


@dataclass(frozen=True)
class Decoded:
    """Images (N, C, H, W) uint8, which of the files they come from, (N,) int64, and what is told about them."""

    images: NDArray[np.uint8]
    kept: NDArray[np.int64]
    report: DataReport


def root() -> Path:
    """Where files are that can be had again (``GANEXPLORER_HOME``, or what ``platformdirs`` names)."""
    home = os.environ.get("GANEXPLORER_HOME")
    return Path(home) if home else platformdirs.user_cache_path("ganexplorer", appauthor=False)


def folder() -> Path:
    """Where decoded pictures are kept."""
    return root() / "decoded"


def key_of(what: Iterable[object], files: Iterable[tuple[str, int, int, int]]) -> str:
    """A name for what comes of decoding these files (name, size, mtime_ns, mode) in the way that `what` tells.

    Any file that is changed, added, removed or given other permissions makes it another name.
    """
    digest = hashlib.sha256(repr((VERSION, PIL.__version__, *what)).encode("utf-8", "surrogatepass"))
    for name, *numbers in files:
        digest.update(os.fsencode(name) + b"\0" + repr(numbers).encode())
    return digest.hexdigest()


def read(key: str, count: int, device: torch.device) -> Generator[Progress, None, Decoded | None]:
    """What was kept of `count` files under `key`; None where there is nothing, or nothing whole (which is deleted).

    Raises
    ------
    DataError
        It does not fit into the memory of `device`.
    """
    images_path, facts_path = _paths(key)
    try:
        facts = json.loads(read_small(facts_path, _MAX_JSON))
        report, kept = _report(facts["report"]), np.array(facts["kept"], np.int64)
        images = yield from _read_images(images_path, report, facts["crc32"], device)
        # numbers of files, rising
        if images is None or kept.shape != (report.used,) or (np.diff(kept, prepend=-1, append=count) <= 0).any():
            raise ValueError
    except (FileError, OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        _delete(key)
        return None
    for path in (images_path, facts_path):
        with contextlib.suppress(OSError):
            os.utime(path)  # used last now
    return Decoded(images, kept, report)


def write(key: str, decoded: Decoded) -> Generator[Progress | Notice, None, None]:
    """Keep decoded pictures; makes room by deleting what was not used for longest. Failing is a `Notice`."""
    images_path, facts_path = _paths(key)
    try:
        folder().mkdir(parents=True, exist_ok=True)
        facts = {"report": dataclasses.asdict(decoded.report), "kept": decoded.kept.tolist(), "crc32": 0}
        needed = decoded.images.nbytes + len(json.dumps(facts)) + 1000
        _tidy()
        if needed > min(BUDGET_BYTES, shutil.disk_usage(folder()).free * FREE_SHARE):
            return
        _make_room(needed)
        facts["crc32"] = yield from _write_images(images_path, decoded.images)
        with atomic_write(facts_path) as file:  # last: it says that the images are whole
            file.write(json.dumps(facts).encode())
    except OSError as error:
        yield Notice(
            plain(f"The decoded pictures are not kept for the next start: {folder()}: {error.strerror or error}.")
        )


def _paths(key: str) -> tuple[Path, Path]:
    return folder() / f"{key}.npy", folder() / f"{key}.json"


def _header(shape: tuple[int, ...]) -> bytes:
    """The first bytes of a .npy file of uint8."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def _read_images(
    path: Path, report: DataReport, crc32: int, device: torch.device
) -> Generator[Progress, None, NDArray[np.uint8] | None]:
    """The images, if the file holds exactly such ones. Read, not mapped: another process may delete or cut the file."""
    shape = (report.used, *report.image_shape)
    header, total = _header(shape), math.prod(shape)
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size != len(header) + total or file.read(len(header)) != header:
            return None
        check_memory(report.used, report.image_shape, device)
        images = np.empty(shape, np.uint8)
        view, pace, checksum = images.data.cast("B"), Pace(), 0
        for start in range(0, total, _CHUNK_BYTES):
            part = file.read(min(_CHUNK_BYTES, total - start))
            view[start : start + len(part)] = part
            checksum = zlib.crc32(part, checksum)
            if pace.is_due():
                yield Progress("Reading decoded pictures", shape[0] * start // total, shape[0])
        return images if checksum == crc32 else None


def _write_images(path: Path, images: NDArray[np.uint8]) -> Generator[Progress, None, int]:
    """Write as .npy; returns the CRC-32 of the pixels."""
    view, pace, checksum = np.ascontiguousarray(images).data.cast("B"), Pace(), 0
    with atomic_write(path) as file:
        file.write(_header(images.shape))
        for start in range(0, len(view), _CHUNK_BYTES):
            part = view[start : start + _CHUNK_BYTES]
            file.write(part)
            file.flush()
            os.fsync(file.fileno())  # in pieces: the one at the end could take many seconds
            checksum = zlib.crc32(part, checksum)
            if pace.is_due():
                yield Progress("Keeping decoded pictures", len(images) * start // len(view), len(images))
    return checksum


def _report(values: dict[str, Any]) -> DataReport:
    """From what JSON made of it: lists for tuples."""
    report = DataReport(**{name: _tuples(value) for name, value in values.items()})
    if not all(isinstance(number, int) and number > 0 for number in (report.used, *report.image_shape)):
        raise ValueError(f"{report.used} images of {report.image_shape}")
    return report


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _kept() -> dict[str, tuple[float, int]]:
    """When each key was used last (seconds), and its bytes."""
    kept: dict[str, tuple[float, int]] = {}
    for entry in os.scandir(folder()):
        name, suffix = os.path.splitext(entry.name)
        if suffix in (".npy", ".json") and not name.startswith("."):
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                used, size = kept.get(name, (0.0, 0))
                kept[name] = max(used, status.st_mtime), size + status.st_size
    return kept


def _make_room(needed: int) -> None:
    kept = _kept()
    total = sum(size for _, size in kept.values())
    for key in sorted(kept, key=lambda key: kept[key]):
        if total + needed <= BUDGET_BYTES:
            return
        _delete(key)
        total -= kept[key][1]


def _tidy() -> None:
    """Take away what a process that was killed left half-written."""
    for path in folder().glob(".*.part"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFTOVER_SECONDS:
                path.unlink()


def _delete(key: str) -> None:
    for path in reversed(_paths(key)):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
