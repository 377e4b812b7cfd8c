"""What an evaluation says: numbers, each with the one that real images get; as a table and as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

Better = Literal["lower", "higher", "like real"]


@dataclass(frozen=True, slots=True)
class Row:
    """One number of a generator.

    Attributes
    ----------
    key
        Its name in JSON.
    floor
        The same number of held-out real images in place of the samples: what a perfect generator would get.
    unit
        Empty for a plain number.
    better
        Which way is better; ``like real``: as near to the floor as can be.
    help
        What it means, in few words.
    error
        Standard deviation over repetitions; None where there was one only.
    interval
        Of the target, for a number that should lie in one.
    """

    key: str
    name: str
    value: float
    floor: float
    unit: str
    better: Better
    help: str
    error: float | None = None
    interval: tuple[float, float] | None = None

    @property
    def is_inside(self) -> bool | None:
        """Whether the value lies in its interval; None where there is none."""
        return None if self.interval is None else self.interval[0] <= self.value <= self.interval[1]


@dataclass(frozen=True, slots=True)
class ClassShare:
    """How many percent of the samples, and of the held-out real images, a classifier takes for this class."""

    name: str
    percent: float
    floor: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All numbers of one generator on one set of data.

    Attributes
    ----------
    data
        The data, described.
    count
        Samples, and as many real images, and as many held-out ones for the floor.
    features
        Whose features are compared; empty where there are none.
    held_out
        Which images the floor is of.
    """

    data: str
    count: int
    seed: int
    rows: tuple[Row, ...]
    features: str = ""
    held_out: str = ""
    classes: tuple[ClassShare, ...] = ()
    model: str = ""
    repeats: int = 1

    def __getitem__(self, key: str) -> Row:
        """The row of a key; raises KeyError."""
        for row in self.rows:
            if row.key == key:
                return row
        raise KeyError(key)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; see docs/metrics.md."""
        document: dict[str, Any] = {
            "model": self.model,
            "data": self.data,
            "count": self.count,
            "seed": self.seed,
            "repeats": self.repeats,
            "features": self.features,
            "held_out": self.held_out,
            "metrics": {row.key: _row_dict(row) for row in self.rows},
            "classes": {share.name: share.percent for share in self.classes},
            "classes_floor": {share.name: share.floor for share in self.classes},
        }
        return document

    def to_json(self) -> str:
        """Text that `from_json` reads."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Inverse of `to_json`; raises ValueError for anything else."""
        try:
            values = json.loads(text)
            floors = values["classes_floor"]
            return cls(
                data=_text(values["data"]),
                count=_whole(values["count"]),
                seed=_whole(values["seed"]),
                rows=tuple(_row(key, row) for key, row in values["metrics"].items()),
                features=_text(values["features"]),
                held_out=_text(values["held_out"]),
                classes=tuple(
                    ClassShare(name, float(percent), float(floors[name])) for name, percent in values["classes"].items()
                ),
                model=_text(values["model"]),
                repeats=_whole(values["repeats"]),
            )
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise ValueError(f"not an evaluation: {type(error).__name__} {error}") from None


def mean_of(evaluations: Sequence[Evaluation]) -> Evaluation:
    """One evaluation of several with other seeds: means, and each row's standard deviation as its error.

    The seed is the first one's. All of one model and of the same data.
    """
    first, count = evaluations[0], len(evaluations)
    if count == 1:
        return first
    rows = []
    for same in zip(*(evaluation.rows for evaluation in evaluations), strict=True):
        values, floors = [row.value for row in same], [row.floor for row in same]
        rows.append(
            dataclasses.replace(
                same[0],
                value=statistics.fmean(values),
                floor=statistics.fmean(floors),
                error=statistics.stdev(values),
            )
        )
    classes = tuple(
        ClassShare(
            same[0].name,
            statistics.fmean(share.percent for share in same),
            statistics.fmean(share.floor for share in same),
        )
        for same in zip(*(evaluation.classes for evaluation in evaluations), strict=True)
    )
    return dataclasses.replace(first, rows=tuple(rows), classes=classes, repeats=count)


def table(evaluation: Evaluation) -> list[str]:
    """Lines for people: what was compared, one aligned line a number, the classes, how to read it."""
    rows, repeats = evaluation.rows, evaluation.repeats
    seeds = f"{repeats} seeds from {evaluation.seed}" if repeats > 1 else f"seed {evaluation.seed}"
    facts = [f"{evaluation.count:,} samples", seeds]
    facts += [f"features: {evaluation.features}"] if evaluation.features else []
    facts += [f"floor: {evaluation.held_out}"] if evaluation.held_out else []
    cells = [["", "value", *(["+-"] if repeats > 1 else []), "floor", "", "better", ""]]
    for row in rows:
        error = [] if repeats == 1 else [figure(row.error or 0.0)]
        cells.append([row.name, figure(row.value), *error, _floor(row), row.unit, _verdict(row), row.help])
    lines = [f"{evaluation.model}: {evaluation.data}" if evaluation.model else evaluation.data, "; ".join(facts)]
    lines += _aligned(cells, range(1, 3 + (repeats > 1)))
    if evaluation.classes:
        shares = [["class", *(share.name for share in evaluation.classes)]]
        shares.append(["samples %", *(f"{share.percent:.1f}" for share in evaluation.classes)])
        shares.append(["floor %", *(f"{share.floor:.1f}" for share in evaluation.classes)])
        lines += _aligned(shares, range(1, len(shares[0])))
    return lines


def figure(value: float) -> str:
    """A number with about three digits that say something."""
    size = abs(value)
    return f"{value:,.{0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 1 else 3}f}"


def _floor(row: Row) -> str:
    return figure(row.floor) if row.interval is None else "{:g} to {:g}".format(*row.interval)


def _verdict(row: Row) -> str:
    if row.is_inside is None:
        return row.better
    return "inside" if row.is_inside else "outside"


def _aligned(cells: Sequence[Sequence[str]], numbers: range) -> list[str]:
    """Rows of cells as lines, columns of `numbers` to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _row_dict(row: Row) -> dict[str, Any]:
    values = dataclasses.asdict(row)
    del values["key"]
    values["interval"] = None if row.interval is None else list(row.interval)
    values |= {} if row.interval is None else {"inside": row.is_inside}
    return {name: value for name, value in values.items() if value is not None}


def _row(key: str, values: Mapping[str, Any]) -> Row:
    better, interval, error = values["better"], values.get("interval"), values.get("error")
    if better not in get_args(Better):
        raise ValueError(f"better {better!r}")
    return Row(
        key,
        _text(values["name"]),
        _finite(values["value"]),
        _finite(values["floor"]),
        _text(values["unit"]),
        better,
        _text(values["help"]),
        None if error is None else _finite(error),
        None if interval is None else (_finite(interval[0]), _finite(interval[1])),
    )


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value
