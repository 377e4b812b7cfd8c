"""Where batches come from: images in memory, or drawn afresh; and what is told about them."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganexplorer.core.errors import UserError
from ganexplorer.train.events import Notice, Progress
from ganexplorer.train.toys import pattern_1010

MEMORY_SHARE = 0.5  # of what is free, at most
MAX_BROKEN = 1000  # that a report lists


class DataError(UserError):
    """A REF that cannot be read; the text says why and what to use instead."""


@dataclass(frozen=True, slots=True)
class DataReport:
    """What was found, and what became of it. ``found == used + skipped + broken_count``.

    Attributes
    ----------
    found
        Images; 0 for data that are drawn afresh, without end.
    image_shape
        (C, H, W) of the images in memory.
    classes
        Name and number of images of each class among those used; an image may be of several, or of none.
    smallest, largest
        Least and greatest (width, height) of the original pictures, each side for itself.
    broken
        Path and plain reason of what cannot be read, the first `MAX_BROKEN` of `broken_count`.
    skipped
        Left out because of their class.
    bytes
        Of the images in memory.
    """

    found: int
    used: int
    image_shape: tuple[int, int, int]
    classes: tuple[tuple[str, int], ...] = ()
    smallest: tuple[int, int] = (0, 0)
    largest: tuple[int, int] = (0, 0)
    broken: tuple[tuple[str, str], ...] = ()
    broken_count: int = 0
    skipped: int = 0
    bytes: int = 0


class Members(Protocol):
    """Which images of a set are of which class, or have which attribute."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes or attributes."""

    def has(self, number: int) -> NDArray[np.bool_]:
        """(N,): whether an image is of the class, or has the attribute, of this number."""


class ImageSource(Protocol):
    """Where batches come from."""

    image_shape: tuple[int, int, int]
    count: int | None  # images; None: drawn afresh, without end
    description: str  # one line, the same each time that the same data are read in the same way
    report: DataReport

    def batch(self, step: int, size: int, rng: torch.Generator) -> Tensor:
        """The batch of step number `step` (from 1), (size, C, H, W) float32, [-1, 1], on the device.

        A set in memory depends on `step` and its seed alone, so that a resumed run goes on in mid-epoch.
        """


Loading = Generator[Progress | Notice, None, ImageSource]


class ResidentImages:
    """All images as one uint8 tensor (N, C, H, W) on the device, in a new order each epoch.

    The order of epoch e is a permutation seeded by (seed, e); batches run on over its end, so that every image is seen
    once an epoch and every batch is full. Which images an epoch shows mirrored is drawn right after its order.

    Parameters
    ----------
    members
        Of which classes the N images are, or which attributes they have.
    report
        None: made from the images alone.
    flip
        Mirror images left to right, each with probability 1/2, drawn anew every epoch.
    """

    def __init__(
        self,
        images: Tensor,
        members: Members,
        seed: int,
        description: str,
        report: DataReport | None = None,
        flip: bool = False,
    ) -> None:
        self.images, self.members = images, members
        self.description = description
        count, channels, height, width = images.shape
        self.count: int | None = count
        self.image_shape = (channels, height, width)
        size = (width, height)
        self.report = report or DataReport(
            count, count, self.image_shape, smallest=size, largest=size, bytes=images.numel()
        )
        self._seed, self._flip = seed, flip
        self._epochs: dict[int, tuple[Tensor, Tensor]] = {}

    def batch(self, step: int, size: int, rng: torch.Generator) -> Tensor:
        """See `ImageSource.batch`; `rng` is not used."""
        count, first = len(self.images), (step - 1) * size
        parts, position = [], first
        while position < first + size:
            epoch, offset = divmod(position, count)
            part = slice(offset, offset + first + size - position)
            order, is_mirrored = (values[part] for values in self._epoch(epoch))
            parts.append((order, is_mirrored))
            position += len(order)
        index, mirrored = parts[0] if len(parts) == 1 else map(torch.cat, zip(*parts, strict=True))
        images = self.images[index]
        if self._flip:
            images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
        return images.float().mul_(1 / 127.5).sub_(1)

    def _epoch(self, epoch: int) -> tuple[Tensor, Tensor]:
        """Order of the images, and which of them, in that order, are mirrored; (N,) int64 and bool."""
        if epoch not in self._epochs:
            generator = torch.Generator().manual_seed((self._seed + 1) * 1_000_003 + epoch)
            order = torch.randperm(len(self.images), generator=generator)
            mirrored = torch.rand(len(order) if self._flip else 0, generator=generator) < 0.5
            device = self.images.device
            # the epoch that ends and the one that begins
            self._epochs = {k: v for k, v in self._epochs.items() if k == epoch - 1}
            self._epochs[epoch] = order.to(device), mirrored.to(device)
        return self._epochs[epoch]


class FreshPattern:
    """The four numbers of pattern-1010, drawn afresh each step."""

    image_shape = (1, 1, 4)
    count: int | None = None
    description = "four numbers near 1 0 1 0, drawn afresh each step"
    report = DataReport(0, 0, image_shape, smallest=(4, 1), largest=(4, 1))

    def batch(self, step: int, size: int, rng: torch.Generator) -> Tensor:
        """See `ImageSource.batch`; drawn from `rng`."""
        return pattern_1010(size, rng)


def check_memory(count: int, image_shape: tuple[int, int, int], device: torch.device) -> None:
    """Refuse, with the numbers, a set that would take more than half of the memory that is free on the device."""
    needed = count * math.prod(image_shape)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
    else:
        free = psutil.virtual_memory().available
    if needed > free * MEMORY_SHARE:
        raise DataError(
            f"{count:,} images of {' x '.join(map(str, image_shape))} take {needed / 1e9:.1f} GB, and at most "
            f"{free * MEMORY_SHARE / 1e9:.1f} GB of the {free / 1e9:.1f} GB free on {device} may be used. "
            "Use fewer images or a smaller image_size."
        )
