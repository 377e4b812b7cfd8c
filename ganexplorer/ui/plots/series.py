"""Numbers that are only appended to, with what it takes to draw any stretch of millions of them at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

LEAF = 16  # numbers in the smallest block whose extremes are kept; each level above has twice as many
FIRST_ROOM = 1024

Values = NDArray[np.float64]
Indices = NDArray[np.intp]


class Column:
    """Numbers in an array that doubles."""

    def __init__(self, room: int = FIRST_ROOM) -> None:
        self._data = np.empty(room)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def values(self) -> Values:
        """A view of what is there so far, (n,)."""
        return self._data[: self._count]

    def extend(self, values: Values) -> None:
        needed = self._count + len(values)
        if needed > len(self._data):
            grown = np.empty(max(needed, 2 * len(self._data)))
            grown[: self._count] = self.values
            self._data = grown
        self._data[self._count : needed] = values
        self._count = needed

    def cut(self, count: int) -> None:
        """Forget all but the first `count`."""
        self._count = min(count, self._count)


class Series(Column):
    """A column with the least and the greatest of each block of 16, 32, 64 … numbers.

    Blocks begin at multiples of their length, so that a curve that grows is drawn from the same blocks again and does
    not flicker. Extremes are brought up to date when they are asked for, each number once. What is not finite has no
    part in them.
    """

    def __init__(self, room: int = FIRST_ROOM) -> None:
        super().__init__(room)
        self._levels: list[tuple[Column, Column]] = []  # least and greatest, by level

    def cut(self, count: int) -> None:
        super().cut(count)
        for level, columns in enumerate(self._levels):
            for column in columns:
                column.cut(count // (LEAF << level))

    def bounds(self, start: int, stop: int) -> tuple[float, float]:
        """The least and the greatest finite number from `start` up to before `stop`; nan where there is none.

        Takes a time that grows with the logarithm of their count.
        """
        stop = min(stop, len(self))
        first, last = -(-start // LEAF), stop // LEAF  # whole blocks
        if first >= last:
            return _extremes(_finite(self.values[start:stop]))
        self._bring_up_to_date()
        edges = [_finite(self.values[start : first * LEAF]), _finite(self.values[last * LEAF : stop])]
        lows, highs = [*edges], [*edges]
        level = 0
        while first < last:
            for is_taken, block in ((first % 2 == 1, first), (last % 2 == 1, last - 1)):
                if is_taken:
                    low, high = self._levels[level]
                    lows.append(low.values[block : block + 1])
                    highs.append(high.values[block : block + 1])
            first, last, level = (first + 1) // 2, last // 2, level + 1
        return _extremes(np.concatenate(lows))[0], _extremes(np.concatenate(highs))[1]

    def outline(self, start: int, stop: int, most: int) -> tuple[Indices, Values]:
        """Indices and numbers, at most about 2 * `most`, that draw the same on `most` columns of pixels as all do.

        What is not finite is nan: a gap. Where there are more numbers than fit, each block gives its extremes, in turn
        upwards and downwards, at its first index; the last number of all is itself.
        """
        stop = min(stop, len(self))
        count = stop - start
        if count <= 2 * most:
            return np.arange(start, stop), _finite(self.values[start:stop])
        size = 2
        while count > size * most:
            size *= 2
        first, whole = start // size, stop // size
        low, high = self._blocks(size, first, whole)
        if whole * size < stop:
            rest = self.bounds(whole * size, stop)
            low, high = np.append(low, rest[0]), np.append(high, rest[1])
        numbers = np.stack([low, high], axis=1)
        numbers[1::2] = numbers[1::2, ::-1].copy()
        starts = np.repeat(np.arange(first, first + len(low)) * size, 2)
        return np.append(starts, stop - 1), np.append(numbers.ravel(), _finite(self.values[stop - 1 : stop]))

    def _blocks(self, size: int, first: int, last: int) -> tuple[Values, Values]:
        """Extremes of the whole blocks `first` to before `last` of `size` numbers."""
        if first >= last:
            return np.empty(0), np.empty(0)
        if size < LEAF:
            part = _finite(self.values[first * size : last * size]).reshape(-1, size)
            return np.fmin.reduce(part, axis=1), np.fmax.reduce(part, axis=1)
        self._bring_up_to_date()
        low, high = self._levels[(size // LEAF).bit_length() - 1]
        return low.values[first:last], high.values[first:last]

    def _bring_up_to_date(self) -> None:
        level = 0
        while (whole := len(self) // (LEAF << level)) > 0:
            if level == len(self._levels):
                self._levels.append((Column(FIRST_ROOM // LEAF), Column(FIRST_ROOM // LEAF)))
            low, high = self._levels[level]
            done = len(low)
            if done == whole:  # then no level above has anything new either
                return
            if level == 0:
                part = _finite(self.values[done * LEAF : whole * LEAF]).reshape(-1, LEAF)
                low.extend(np.fmin.reduce(part, axis=1))
                high.extend(np.fmax.reduce(part, axis=1))
            else:
                lows, highs = (column.values[2 * done : 2 * whole] for column in self._levels[level - 1])
                low.extend(np.fmin(lows[0::2], lows[1::2]))
                high.extend(np.fmax(highs[0::2], highs[1::2]))
            level += 1


def last_finite(values: Values, within: int | None = None) -> float:
    """The last finite number, among the last `within` or among all; nan where there is none."""
    stop, least, size = len(values), 0 if within is None else max(0, len(values) - within), 64
    while stop > least:  # pieces that grow: most often it is near the end
        start = max(least, stop - size)
        found = np.flatnonzero(np.isfinite(values[start:stop]))
        if len(found):
            return float(values[start + found[-1]])
        stop, size = start, 4 * size
    return math.nan


def _finite(values: Values) -> Values:
    """A copy with nan for what is not finite."""
    return np.where(np.isfinite(values), values, np.nan)


def _extremes(values: Values) -> tuple[float, float]:
    if len(values) == 0:
        return np.nan, np.nan
    return float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
