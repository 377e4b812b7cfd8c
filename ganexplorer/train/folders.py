"""Pictures of a folder: found, chosen by class, decoded in threads, and kept decoded for the next start."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganexplorer.core.errors import plain
from ganexplorer.train import data_cache
from ganexplorer.train.classes import Attributes, Classes
from ganexplorer.train.data_cache import Decoded
from ganexplorer.train.decoding import IMAGE_SUFFIXES, Picture, Unreadable, decode
from ganexplorer.train.events import Notice, Progress
from ganexplorer.train.preparation import Preparation
from ganexplorer.train.progress import PACE_SECONDS, Pace
from ganexplorer.train.sources import MAX_BROKEN, DataError, DataReport, check_memory

SIZE = 64  # pixels, where the recipe does not say
UNSORTED = "."  # the class of pictures that lie in no class folder
_TASK = 16  # pictures that a thread decodes at a time


@dataclass(frozen=True, slots=True)
class PictureFile:
    """Something that has the name of a picture; whether it is one shows when it is decoded."""

    name: str  # relative to the folder, with /
    group: str  # its class folder
    size: int  # bytes; -1 where the system does not tell
    mtime_ns: int
    mode: int  # kind of file, and permissions


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds, sorted by name; folders in it that cannot be looked into are broken."""

    folder: Path
    files: list[PictureFile]
    broken: list[tuple[str, str]]  # path, reason

    def classes(self) -> Classes:
        """Class folders as classes, numbered by name."""
        names = sorted({file.group for file in self.files})
        numbers = {name: number for number, name in enumerate(names)}
        return Classes(tuple(names), np.array([numbers[file.group] for file in self.files], np.int64))


def scan(folder: Path) -> Generator[Progress, None, Listing]:
    """Find the pictures of a folder and of its class folders, hidden ones left out, without opening any.

    Links are followed, but never to the folder that is scanned or one above it.

    Raises
    ------
    DataError
        No such folder, or it cannot be read.
    """
    if not os.path.isdir(folder):  # unlike Path.is_dir: false, too, for what is no possible name
        raise DataError(f"{folder}: no such folder. Use folder:DIR with a folder of pictures.")
    above = _identities([folder.resolve(), *folder.resolve().parents])
    files: list[PictureFile] = []
    broken: list[tuple[str, str]] = []
    pace = Pace()
    try:
        entries = _entries(folder)
    except OSError as error:
        raise DataError(
            f"{folder}: the folder cannot be read ({error.strerror}). Give yourself the right to read it."
        ) from None
    for entry in entries:
        if pace.is_due():
            yield Progress("Looking for pictures", len(files), 0)
        if not _is_folder(entry):
            files.extend(_candidates([entry], UNSORTED))
            continue
        try:
            if above & _identities([entry.path]):
                broken.append((entry.path, "is a link that leads back to where it lies"))
                continue
            inside = _entries(entry.path)
        except OSError as error:
            broken.append((entry.path, f"the folder cannot be read ({error.strerror or error})"))
            continue
        for file in _candidates(inside, entry.name):
            files.append(file)
            if pace.is_due():
                yield Progress("Looking for pictures", len(files), 0)
    return Listing(folder, files, broken)


def read_pictures(
    listing: Listing,
    members: Classes | Attributes,
    wanted: Sequence[int],
    preparation: Preparation,
    device: torch.device,
    facts: Sequence[object] = (),
) -> Generator[Progress | Notice, None, tuple[Decoded, Classes | Attributes]]:
    """Decode the pictures of the `wanted` classes, or take them from the cache. Broken ones are left out and told.

    Parameters
    ----------
    members
        The classes of the files of `listing`.
    facts
        What else these depend on, for the name in the cache.

    Returns
    -------
    tuple
        The pictures, and their classes.

    Raises
    ------
    DataError
        None of them can be read, or they do not fit into memory.
    """
    size = preparation.size if all(preparation.size) else (SIZE, SIZE)
    preparation = replace(preparation, size=size, flip=False, classes=members.listed(wanted))
    index = np.flatnonzero(members.wanted(wanted))
    files = [listing.files[i] for i in index]
    check_memory(len(files), (preparation.channels or 1, *size), device)
    where = os.path.abspath(listing.folder)
    key = data_cache.key_of(
        (where, preparation, len(listing.files), listing.broken, *facts),
        ((file.name, file.size, file.mtime_ns, file.mode) for file in files),
    )
    decoded = yield from data_cache.read(key, len(files), device)
    is_new = decoded is None
    if decoded is None:
        store = _Store(len(files), preparation.channels, size, device, list(listing.broken))
        yield from _decode_all(listing.folder, files, preparation, store)
        kept = np.array(store.kept, np.int64)
        images = store.images[: len(kept)]
        report = DataReport(
            found=len(listing.files) + len(listing.broken),
            used=len(kept),
            image_shape=(images.shape[1], *size),
            classes=members.of(index[kept]).counts(),
            smallest=store.smallest,
            largest=store.largest,
            broken=tuple(store.broken[:MAX_BROKEN]),
            broken_count=len(store.broken),
            skipped=len(listing.files) - len(files),
            bytes=images.nbytes,
        )
        decoded = Decoded(images, kept, report)
    report = decoded.report
    names = ", ".join(os.path.relpath(path, listing.folder) for path, _ in report.broken[:3])
    names += ", …" if report.broken_count > 3 else ""
    tried = report.used + report.broken_count
    if not report.used:
        raise DataError(f"{listing.folder}: none of its {tried:,} pictures can be read ({names}).")
    if report.broken_count:
        text = f"{report.broken_count:,} of {tried:,} pictures cannot be read and are left out: {names}"
        yield Notice(plain(text))
    if is_new:
        yield from data_cache.write(key, decoded)
    return decoded, members.of(index[decoded.kept])


@dataclass
class _Store:
    """Collects decoded pictures: gray as long as all are, unless `channels` says otherwise."""

    count: int
    channels: int
    size: tuple[int, int]
    device: torch.device
    broken: list[tuple[str, str]]
    kept: list[int] = field(default_factory=list)  # which of the files
    smallest: tuple[int, int] = (2**31, 2**31)
    largest: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self.images: NDArray[np.uint8] = np.empty((self.count, self.channels or 1, *self.size), np.uint8)

    def add(self, number: int, picture: Picture) -> None:
        if picture.pixels.shape[0] > self.images.shape[1]:  # the first one in colour
            check_memory(self.count, (3, *self.size), self.device)
            gray, done = self.images, len(self.kept)
            self.images = np.empty((self.count, 3, *self.size), np.uint8)
            self.images[:done] = gray[:done]
        self.images[len(self.kept)] = picture.pixels
        self.kept.append(number)
        (width, height), low, high = picture.original, self.smallest, self.largest
        self.smallest = min(low[0], width), min(low[1], height)
        self.largest = max(high[0], width), max(high[1], height)


def _decode_all(
    folder: Path, files: Sequence[PictureFile], preparation: Preparation, store: _Store
) -> Generator[Progress, None, None]:
    """Decode in as many threads as there are cores; they have ended when this ends, or is closed."""
    workers = os.cpu_count() or 1
    is_cancelled = threading.Event()

    def some(start: int) -> list[Picture | Unreadable]:
        part = files[start : start + _TASK]
        return [decode(folder / file.name, preparation) for file in part if not is_cancelled.is_set()]

    starts = iter(range(0, len(files), _TASK))
    tasks: deque[tuple[int, Future[list[Picture | Unreadable]]]] = deque()
    pool, pace, done = ThreadPoolExecutor(workers, "decoding"), Pace(), 0
    try:
        yield Progress("Reading pictures", 0, len(files))
        while True:
            while len(tasks) < 4 * workers and (start := next(starts, None)) is not None:
                tasks.append((start, pool.submit(some, start)))
            if not tasks:
                break
            try:
                results = tasks[0][1].result(PACE_SECONDS)
            except TimeoutError:  # a large picture
                yield Progress("Reading pictures", done, len(files))
                continue
            start, _ = tasks.popleft()
            for number, result in enumerate(results, start):
                if isinstance(result, Picture):
                    store.add(number, result)
                else:
                    store.broken.append((str(folder / files[number].name), result.reason))
            done = start + len(results)
            if pace.is_due():
                yield Progress("Reading pictures", done, len(files))
        yield Progress("Reading pictures", done, len(files))
    finally:
        is_cancelled.set()
        pool.shutdown(cancel_futures=True)


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    """What lies in a folder, sorted by name; hidden ones left out."""
    with os.scandir(folder) as entries:
        return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)


def _candidates(entries: Sequence[os.DirEntry[str]], group: str) -> Iterator[PictureFile]:
    """All that has the name of a picture and is no folder; also links that lead nowhere."""
    for entry in entries:
        is_circle = False
        size, mtime_ns, mode = -1, 0, 0
        try:
            status = entry.stat()
            size, mtime_ns, mode = status.st_size, status.st_mtime_ns, status.st_mode
        except OSError as error:
            is_circle = error.errno == errno.ELOOP
        is_picture = os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES
        if (is_picture and not stat.S_ISDIR(mode)) or is_circle:
            name = entry.name if group == UNSORTED else f"{group}/{entry.name}"
            yield PictureFile(name, group, size, mtime_ns, mode)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def _identities(paths: Sequence[Path | str]) -> set[tuple[int, int]]:
    """Device and number of folders, links followed; what cannot be asked for is left out."""
    found = set()
    for path in paths:
        with contextlib.suppress(OSError):
            status = os.stat(path)
            found.add((status.st_dev, status.st_ino))
    return found
