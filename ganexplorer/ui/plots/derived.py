"""Columns that are computed from another one as it grows: smoothed, logarithmic, never falling."""

from __future__ import annotations

import math

import numpy as np

from ganexplorer.ui.plots.series import Column, Series, Values

MOST_AT_ONCE = 4096  # numbers of one block of `Smoothed`
MOST_SPREAD = 100  # decimal powers between the weights within a block


class Derived(Series):
    """What `_of` makes of a source that only grows at its end; `follow` catches up with it.

    Whoever cuts the source cuts this to the same length.
    """

    def __init__(self, source: Column) -> None:
        super().__init__()
        self._source = source

    def follow(self) -> None:
        """Bring up to date; takes time for what is new alone."""
        new = self._source.values[len(self) :]
        if len(new):
            self.extend(self._of(new))

    def _of(self, new: Values) -> Values:
        raise NotImplementedError


class Logarithm(Derived):
    """The decimal logarithm of what is finite and above 0; nan for the rest."""

    def _of(self, new: Values) -> Values:
        return np.log10(np.where(np.isfinite(new) & (new > 0), new, np.nan))


class Rising(Derived):
    """The greatest so far: an axis that never runs backwards. Nan before the first finite number.

    Attributes
    ----------
    unknown
        How many there are before the first finite number.
    """

    def __init__(self, source: Column) -> None:
        super().__init__(source)
        self.unknown = 0

    def cut(self, count: int) -> None:
        super().cut(count)
        self.unknown = min(self.unknown, len(self))

    def _of(self, new: Values) -> Values:
        before = self.values[-1:]
        rising = np.fmax.accumulate(np.concatenate([before, np.where(np.isfinite(new), new, np.nan)]))[len(before) :]
        if self.unknown == len(self):
            self.unknown += int(np.isnan(rising).sum())
        return rising


class Smoothed(Derived):
    """The exponential moving average without the bias of a start at 0 (Kingma and Ba 2014, arXiv:1412.6980, sec. 3).

    s_t = weight s_(t-1) + (1 - weight) v_t from s_0 = 0, divided by 1 - weight^t. What is not finite is passed over: it
    gives nan, and the average goes on after it.
    """

    def __init__(self, source: Column, weight: float) -> None:
        super().__init__(source)
        self.weight = weight  # from 0, as they are, to below 1
        self._sum = 0.0  # s_t
        self._finite_count = 0  # t

    def cut(self, count: int) -> None:
        if count >= len(self):
            return
        super().cut(count)
        finite = np.flatnonzero(np.isfinite(self.values))
        self._finite_count = len(finite)
        last = float(self.values[finite[-1]]) if len(finite) else 0.0
        self._sum = last * _debias(self.weight, np.array([self._finite_count]))[0]

    def _of(self, new: Values) -> Values:
        is_finite = np.isfinite(new)
        values = new[is_finite]
        out = np.full(len(new), np.nan)
        if len(values):
            sums = _running(values, self.weight, self._sum)
            counts = self._finite_count + 1 + np.arange(len(values))
            out[is_finite] = sums / _debias(self.weight, counts)
            self._sum, self._finite_count = float(sums[-1]), int(counts[-1])
        return out


def _debias(weight: float, counts: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Values:
    """1 - weight^count, exact for weights near 1."""
    return -np.expm1(counts * math.log(weight)) if weight > 0 else np.ones(len(counts))


def _running(values: Values, weight: float, before: float) -> Values:
    """s_t for finite values (n,), from s_0 = `before`.

    In blocks, all at once: within one, s_t / weight^t is a plain running sum, and blocks are short enough for
    weight^t to stay far from the smallest float. Then each block takes over from the one before.
    """
    if weight <= 0:
        return values.copy()
    count = len(values)
    size = max(1, min(count, MOST_AT_ONCE, int(MOST_SPREAD / -math.log10(weight))))
    blocks = np.zeros((-(-count // size), size))
    blocks.ravel()[:count] = values
    powers = weight ** np.arange(size)
    with np.errstate(over="ignore", invalid="ignore"):  # of values near the greatest float
        sums = np.cumsum(blocks / powers, axis=1) * powers * (1 - weight)
        carried = np.empty(len(blocks))
        fade = weight**size
        for index, end in enumerate(sums[:, -1].tolist()):
            carried[index] = before
            before = end + fade * before
        sums += carried[:, None] * (powers * weight)
    running: Values = sums.ravel()[:count]
    return running
