"""Classes of a set of images: their names, who belongs to which, and choosing some of them by name or number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganexplorer.train.sources import DataError

_MAX_LISTED = 50  # names in a message


@dataclass(frozen=True)
class _Named:
    names: tuple[str, ...]

    def listed(self, numbers: Sequence[int]) -> str:
        """Names of classes, separated by commas."""
        return ",".join(self.names[number] for number in numbers)


@dataclass(frozen=True)
class Classes(_Named):
    """Each image is of exactly one class."""

    labels: NDArray[np.int64]  # (N,): index into `names`

    def has(self, number: int) -> NDArray[np.bool_]:
        """(N,): whether an image is of this class."""
        is_member: NDArray[np.bool_] = self.labels == number
        return is_member

    def wanted(self, numbers: Sequence[int]) -> NDArray[np.bool_]:
        """(N,): whether an image is of one of these classes; of no classes: all are wanted."""
        return np.isin(self.labels, numbers) if numbers else np.ones(len(self.labels), bool)

    def of(self, index: NDArray[np.int64]) -> Classes:
        """The same classes, of these images only."""
        return Classes(self.names, self.labels[index])

    def counts(self) -> tuple[tuple[str, int], ...]:
        """Names of the classes that images are of, with how many are."""
        return _named(self.names, np.bincount(self.labels, minlength=len(self.names)))


@dataclass(frozen=True)
class Attributes(_Named):
    """An image has any number of attributes, as in CelebA."""

    table: NDArray[np.bool_]  # (N, attributes)

    def has(self, number: int) -> NDArray[np.bool_]:
        """(N,): whether an image has this attribute."""
        return self.table[:, number]

    def wanted(self, numbers: Sequence[int]) -> NDArray[np.bool_]:
        """(N,): whether an image has all of these attributes."""
        has_all: NDArray[np.bool_] = np.logical_and.reduce(self.table[:, list(numbers)], axis=1)
        return has_all

    def of(self, index: NDArray[np.int64]) -> Attributes:
        """The same attributes, of these images only."""
        return Attributes(self.names, self.table[index])

    def counts(self) -> tuple[tuple[str, int], ...]:
        """Names of the attributes that images have, with how many have them."""
        return _named(self.names, self.table.sum(0))


def chosen(text: str, names: Sequence[str], where: str) -> tuple[int, ...]:
    """The numbers of the classes that `Preparation.classes` asks for, in order; none where it asks for all.

    A name goes before a number, and upper and lower case count as alike where no name fits exactly.

    Raises
    ------
    DataError
        No such class in `where`; the text lists the classes there are.
    """
    numbers = set()
    for word in filter(None, map(str.strip, text.split(","))):
        exact = [number for number, name in enumerate(names) if name == word]
        found = exact or [number for number, name in enumerate(names) if name.casefold() == word.casefold()]
        if not found and word.isdecimal() and int(word[:9]) < len(names):
            found = [int(word)]
        if len(found) != 1:
            listed = ", ".join(f"{number}: {name}" for number, name in enumerate(names[:_MAX_LISTED]))
            more = f" and {len(names) - _MAX_LISTED:,} more" if len(names) > _MAX_LISTED else ""
            known = f"Classes are {listed}{more}. " if names else ""
            raise DataError(f"{where} has no class {word!r}. {known}Set classes to some of them, or to none for all.")
        numbers.add(found[0])
    return tuple(sorted(numbers))


def _named(names: Sequence[str], counts: NDArray[np.int64]) -> tuple[tuple[str, int], ...]:
    return tuple((name, int(count)) for name, count in zip(names, counts, strict=True) if count)
