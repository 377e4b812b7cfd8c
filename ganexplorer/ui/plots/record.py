"""All points of one run, by column, and where they are on the three axes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from operator import attrgetter
from typing import Literal, Self

import numpy as np

from ganexplorer.train.events import Scalars
from ganexplorer.ui.plots.derived import Derived, Logarithm, Rising, Smoothed
from ganexplorer.ui.plots.series import FIRST_ROOM, Series, Values

Axis = Literal["steps", "epochs", "time"]

FIELDS = tuple(field.name for field in dataclasses.fields(Scalars))
AXIS_FIELDS: dict[Axis, str] = {"steps": "step", "epochs": "epoch", "time": "seconds"}

PIECE = 1000  # points made into numbers at once: the window does not wait long for a thread that makes many
MANY = 10**12  # more points than there are; a way that leads to the first or last

_values_of = attrgetter(*FIELDS)


class Record:
    """The `Scalars` of a run, steps rising. Columns are made smooth or logarithmic when that is first asked for."""

    def __init__(self) -> None:
        # they double at different times: no one call copies all of them
        self._columns = {
            field: Series(FIRST_ROOM + index * FIRST_ROOM // len(FIELDS)) for index, field in enumerate(FIELDS)
        }
        self._axes = {axis: Rising(self._columns[field]) for axis, field in AXIS_FIELDS.items()}
        self._smoothed: dict[str, Smoothed] = {}
        self._logarithms: dict[str, Logarithm] = {}
        self._smoothed_logarithms: dict[str, Logarithm] = {}

    @classmethod
    def of(cls, scalars: Sequence[Scalars]) -> Self:
        """A record of these. Made in pieces, so that another thread does not stop this one."""
        record = cls()
        for start in range(0, len(scalars), PIECE):
            record.extend(scalars[start : start + PIECE])
        return record

    def __len__(self) -> int:
        return len(self._columns["step"])

    @property
    def steps(self) -> Values:
        return self._columns["step"].values

    def column(self, field: str) -> Values:
        """A view of all values of a field of `Scalars`."""
        return self._columns[field].values

    def table(self) -> Values:
        """A copy of all, (points, fields)."""
        return np.stack([column.values for column in self._columns.values()], axis=1)

    def extend(self, scalars: Sequence[Scalars]) -> int | None:
        """Append points. A step that was there already cuts what came from it on: the run went back.

        Returns the least step that was cut at, or None.
        """
        if not scalars:
            return None
        rows = np.array([_values_of(s) for s in scalars], dtype=np.float64)
        turns = np.flatnonzero(np.diff(rows[:, 0]) <= 0) + 1
        cuts = [self._append(part) for part in np.split(rows, turns)]
        return min((cut for cut in cuts if cut is not None), default=None)

    def series(self, field: str, weight: float = 0.0, is_log: bool = False) -> Series:
        """A column for drawing, smoothed where `weight` is above 0, then as decimal logarithms where asked."""
        found: Series = self._columns[field]
        if weight > 0:
            smoothed = self._smoothed.get(field)
            if smoothed is None or smoothed.weight != weight:
                smoothed = self._smoothed[field] = Smoothed(found, weight)
                self._smoothed_logarithms.pop(field, None)
            smoothed.follow()
            found = smoothed
        if is_log:
            logarithms = self._smoothed_logarithms if weight > 0 else self._logarithms
            logarithm = logarithms.setdefault(field, Logarithm(found))
            logarithm.follow()
            found = logarithm
        return found

    def axis(self, axis: Axis) -> Values:
        """Where each point is, never falling; nan where that is not known, which only the first points can be."""
        return self._axis(axis).values

    def unknown(self, axis: Axis) -> int:
        """How many of the first points have no place on an axis."""
        return self._axis(axis).unknown

    def span(self, axis: Axis, low: float, high: float, beyond: int = 1) -> tuple[int, int]:
        """The points from `low` to `high` on an axis, and `beyond` more on either side, as a range of indices."""
        column = self._axis(axis)
        places = column.values[column.unknown :]
        start = int(np.searchsorted(places, low, "left")) - beyond
        stop = int(np.searchsorted(places, high, "right")) + beyond
        return column.unknown + max(0, start), column.unknown + min(len(places), stop)

    def nearest(self, axis: Axis, place: float) -> int | None:
        """The index of the point nearest to a place on an axis."""
        column = self._axis(axis)
        places = column.values[column.unknown :]
        if not len(places):
            return None
        after = min(int(np.searchsorted(places, place)), len(places) - 1)
        is_before = after > 0 and place - places[after - 1] < places[after] - place
        return column.unknown + after - int(is_before)

    def places(self, axis: Axis, steps: Values) -> Values:
        """Where steps are on an axis, between points by interpolation."""
        if axis == "steps" or not len(self):
            return steps
        column = self._axis(axis)
        if column.unknown == len(self):
            return np.full(len(steps), np.nan)
        found: Values = np.interp(steps, self.steps[column.unknown :], column.values[column.unknown :])
        return found

    def _axis(self, axis: Axis) -> Rising:
        column = self._axes[axis]
        column.follow()
        return column

    def _append(self, rows: Values) -> int | None:
        """Append points (n, fields) of rising steps."""
        kept = int(np.searchsorted(self.steps, rows[0, 0]))
        is_cut = kept < len(self)
        if is_cut:
            derived: list[dict[str, Derived]] = [self._smoothed, self._logarithms, self._smoothed_logarithms]  # type: ignore[list-item]
            for series in (*self._columns.values(), *self._axes.values(), *(s for d in derived for s in d.values())):
                series.cut(kept)
        for column, values in zip(self._columns.values(), rows.T, strict=True):
            column.extend(values)
        return int(rows[0, 0]) if is_cut else None
