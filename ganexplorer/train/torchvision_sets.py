"""MNIST, Fashion-MNIST and KMNIST in torchvision's layout, downloaded where they are not there."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import math
import os
import struct
import urllib.request
import zlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganexplorer.core.files import FileError, atomic_write, read_small
from ganexplorer.train import data_cache
from ganexplorer.train.events import Progress
from ganexplorer.train.progress import Pace
from ganexplorer.train.sources import DataError

DIGITS = tuple("0123456789")
_TIMEOUT = 15.0  # seconds that a server may be silent
_CHUNK = 1 << 16  # bytes
_MAX_PART = 100_000_000  # bytes of a downloaded file
_PARTS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


@dataclass(frozen=True, slots=True)
class IdxSet:
    """A set in MNIST's format: 60,000 gray images of 28x28 in ten classes."""

    title: str
    folder: str  # and torchvision's name of its class
    unit: str  # what the images are
    names: tuple[str, ...]


IDX_SETS = {
    "mnist": IdxSet("MNIST", "MNIST", "digits", DIGITS),
    "fashion-mnist": IdxSet(
        "Fashion-MNIST", "FashionMNIST", "garments",
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "kmnist": IdxSet(
        "KMNIST", "KMNIST", "characters", ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    ),
}  # fmt: skip


def default_data_folder() -> Path:
    """Where data sets are downloaded to (``platformdirs`` cache, or ``GANEXPLORER_HOME``)."""
    return data_cache.root() / "data"


def is_present(kind: str, folder: Path | None = None) -> bool:
    """Whether `folder` (default: `default_data_folder`) holds one of `IDX_SETS` in torchvision's layout."""
    raw = (folder or default_data_folder()) / IDX_SETS[kind].folder / "raw"
    return all(os.path.isfile(raw / f"{part}-ubyte") for part in _PARTS)


def read_idx_set(kind: str, folder: Path, is_test: bool = False) -> Generator[Progress, None, tuple[Tensor, Tensor]]:
    """The training part of one of `IDX_SETS`, (60000, 1, 28, 28) uint8 and (60000,) int64, downloaded if need be.

    Or its test part, 10,000 images of the same kind.

    Raises
    ------
    DataError
        It is damaged, or is not there and cannot be downloaded.
    """
    idx_set = IDX_SETS[kind]
    present = is_present(kind, folder)
    yield Progress(f"Reading {idx_set.title}" if present else f"Downloading {idx_set.title} to {folder}", 0, 0)
    if not present:
        yield from _download(kind, folder)
    raw = folder / idx_set.folder / "raw"
    try:
        images, labels = (read_idx(raw / f"{part}-ubyte") for part in (_PARTS[2:] if is_test else _PARTS[:2]))
        if images.ndim != 3 or labels.shape != images.shape[:1] or not images.size or labels.max() > 9:
            raise ValueError(f"images of {images.shape}, labels of {labels.shape}")
    except FileError as error:
        raise DataError(str(error)) from None
    except (ValueError, struct.error) as error:
        raise DataError(
            f"{folder}: its {idx_set.title} files are damaged ({error}). Delete {folder / idx_set.folder} and load "
            "again."
        ) from None
    return torch.from_numpy(images)[:, None], torch.from_numpy(labels.astype(np.int64))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An array of bytes in MNIST's IDX format: 0, 0, 8, the number of dimensions, each size (big-endian), the values.

    As ``torchvision.datasets`` reads it, without the seconds that importing torchvision takes.

    Raises
    ------
    FileError, ValueError, struct.error
        It cannot be read, or is not of that format.
    """
    data = bytearray(read_small(path, _MAX_PART))  # writable, and what is made of it too
    if data[:3] != b"\0\0\x08" or len(data) < 8:
        raise ValueError(f"{path.name} is of another format")
    shape = struct.unpack_from(f">{data[3]}I", data, 4)
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape))
    if values.size != math.prod(shape):
        raise ValueError(f"{path.name} holds {values.size:,} values of {math.prod(shape):,}")
    return values.reshape(shape)


def servers(kind: str) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
    """Where torchvision downloads a set from: addresses, and files with their MD5 sums."""
    import torchvision.datasets  # takes seconds

    dataset = getattr(torchvision.datasets, IDX_SETS[kind].folder)
    return dataset.mirrors, dataset.resources


def _download(kind: str, folder: Path) -> Generator[Progress, None, None]:
    """Fetch what is missing from torchvision's servers. Unlike its own code this can be watched and stopped."""
    idx_set = IDX_SETS[kind]
    raw = folder / idx_set.folder / "raw"
    mirrors, resources = servers(kind)
    for filename, md5 in resources:
        goal, reason = raw / filename.removesuffix(".gz"), ""
        if goal.is_file():
            continue
        for mirror in mirrors:
            try:
                raw.mkdir(parents=True, exist_ok=True)
                packed = yield from _fetch(mirror + filename, f"Downloading {idx_set.title} to {folder}: {filename}")
                if hashlib.md5(packed, usedforsecurity=False).hexdigest() != md5:
                    raise ValueError(f"{mirror} sent another file")
                with atomic_write(goal) as file:
                    file.write(gzip.decompress(packed))
                break
            except (OSError, ValueError, EOFError, zlib.error, http.client.HTTPException) as error:
                told = getattr(error, "reason", None) or error
                reason = reason or str(getattr(told, "strerror", None) or told)
        else:
            raise DataError(
                f"{idx_set.title} is not in {folder} and cannot be downloaded ({reason}). Put its four files into "
                f"{raw}, or use {kind}:DIR with a folder that has {idx_set.folder}/raw, or toy:digits, which needs no "
                "network."
            )


def _fetch(url: str, what: str) -> Generator[Progress, None, bytes]:
    request = urllib.request.Request(url, headers={"User-Agent": "ganexplorer"})
    received, pace = bytearray(), Pace()
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
        total = int(response.headers.get("Content-Length") or 0)
        while part := response.read(_CHUNK):
            received += part
            if len(received) > _MAX_PART:
                raise ValueError(f"{url} does not end")
            if pace.is_due():
                yield Progress(what, len(received), total)
    return bytes(received)
