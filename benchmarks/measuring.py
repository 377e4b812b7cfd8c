"""What the benchmarks share: two ways in alternating rounds, rows of what was measured, and how they are told."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TextIO

import ganexplorer.ui  # noqa: F401  says how PySide is to load, and must come before it

ROUNDS = 5
REGRESSION = 3  # exit status; 1 is that of any error
Kind = Literal["ratio", "p50", "p99", "longest"]


@dataclass(frozen=True)
class Bound:
    """What is aimed at: the ratio of the first way to the second, or a number of the first way."""

    kind: Kind
    value: float
    is_most: bool = True  # else the least

    def holds(self, reached: float) -> bool:
        return reached <= self.value if self.is_most else reached >= self.value


@dataclass(frozen=True)
class Row:
    """Values of one or two ways of the same thing, in `unit`, and what is aimed at."""

    what: str
    unit: str
    ways: Mapping[str, Sequence[float]]  # the way of the program first, then what it is compared with
    bounds: Sequence[Bound] = ()
    note: str = ""
    guard: Bound | None = None  # what must never be missed, on any machine: with it, something has broken

    def __post_init__(self) -> None:
        if not all(self.ways.values()):
            raise ValueError(f"{self.what}: nothing was measured")

    @property
    def has_broken(self) -> bool:
        return self.guard is not None and not self.guard.holds(self.reached(self.guard.kind))

    def reached(self, kind: Kind) -> float:
        """The number that a bound of this kind is about; nan for a ratio where there is one way."""
        values = next(iter(self.ways.values()))
        match kind:
            case "ratio":
                return self.ratio
            case "p50":
                return statistics.median(values)
            case "p99":
                return quantile(values, 0.99)
            case "longest":
                return max(values)

    @property
    def ratio(self) -> float:
        """Median of the first way by that of the second; nan where there is one."""
        if len(self.ways) < 2:
            return float("nan")
        first, second = list(self.ways.values())[:2]
        return statistics.median(first) / statistics.median(second)

    def to_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "unit": self.unit,
            "ways": {
                name: {"p50": statistics.median(values), "p99": quantile(values, 0.99), "count": len(values)}
                for name, values in self.ways.items()
            },
            "ratio": self.ratio if len(self.ways) > 1 else None,
            "bounds": [
                {
                    "of": bound.kind,
                    "at_most" if bound.is_most else "at_least": bound.value,
                    "reached": self.reached(bound.kind),
                    "holds": bound.holds(self.reached(bound.kind)),
                }
                for bound in self.bounds
            ],
            "note": self.note,
            "guard": None
            if self.guard is None
            else {"of": self.guard.kind, "value": self.guard.value, "holds": not self.has_broken},
        }

    def lines(self) -> list[str]:
        """The row for people: each way with its median and 99th percentile, then the ratio and the bounds."""
        lines = [self.what]
        for name, values in self.ways.items():
            p50, p99 = statistics.median(values), quantile(values, 0.99)
            lines.append(f"    {name:<34} p50 {p50:>9.4g}  p99 {p99:>9.4g} {self.unit}  ({len(values)})")
        told = [] if len(self.ways) < 2 else [f"ratio {self.ratio:.2f}"]
        for bound in self.bounds:
            reached, sign = self.reached(bound.kind), "<=" if bound.is_most else ">="
            verdict = "reached" if bound.holds(reached) else "NOT REACHED"
            told.append(f"aim: {bound.kind} {sign} {bound.value:g}, is {reached:.3g}: {verdict}")
        if self.guard is not None and self.has_broken:
            told.append(f"REGRESSION: {self.guard.kind} was never so bad as {self.guard.value:g}")
        if self.note:
            told.append(self.note)
        return [*lines, *(f"    {text}" for text in told)]


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def alternate(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Each way once a round, in turns, so that what else the machine does meets all; a round before is not counted."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            value = way()
            if turn:
                found[name].append(value)
    return found


def milliseconds(function: Callable[[], object], count: int) -> float:
    """A call's mean time over `count` of them."""
    begin = time.perf_counter()
    for _ in range(count):
        function()
    return 1000 * (time.perf_counter() - begin) / count


def calls_for(function: Callable[[], object], seconds: float = 0.1) -> int:
    """How many calls take about so long."""
    return max(1, int(1000 * seconds / max(milliseconds(function, 3), 0.001)))


def machine() -> dict[str, Any]:
    """What the figures belong to."""
    import torch

    told: dict[str, Any] = {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "processor": _processor(),
        "vector instructions": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
    if torch.cuda.is_available():
        told["gpu"] = torch.cuda.get_device_name()
    return told


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def _shown(rows: Iterable[Row], out: TextIO) -> Iterator[Row]:
    """Each row, told as it comes."""
    for row in rows:
        print("\n".join(row.lines()), file=out, flush=True)
        yield row


def main(
    description: str | None,
    measure: Callable[[argparse.Namespace], Iterable[Row]],
    add: Callable[[argparse.ArgumentParser], object] = lambda _: None,
    has_guards: bool = True,
    has_rounds: bool = True,
) -> int:
    """Run a benchmark from the command line; rows are told as they come, with ``--json`` as one JSON document.

    Returns the exit status: `REGRESSION` where a row's guard does not hold, whatever becomes of its aims. With
    ``--check``, where it does not hold twice: a machine that others share may be slow for seconds. (What is slow in
    some looks only, or in the first calls of a process, can so escape.)
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if has_rounds:
        parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"alternating rounds (default {ROUNDS})")
    parser.add_argument("--json", action="store_true", help="print one JSON document at the end")
    if has_guards:
        parser.add_argument("--check", action="store_true", help="only the rows that have a guard, in few seconds")
    add(parser)
    arguments = parser.parse_args()
    told = machine()
    if not arguments.json:
        print(", ".join(f"{name} {value}" for name, value in told.items()), flush=True)
    out = sys.stderr if arguments.json else sys.stdout
    rows = list(_shown(measure(arguments), out))
    if has_guards and arguments.check and any(row.has_broken for row in rows):
        print("something has broken; all once more, to see whether it stays so:", file=out, flush=True)
        looks = list(zip(rows, _shown(measure(arguments), out), strict=True))
        rows = [again if first.has_broken else first for first, again in looks]
        broken = [row.what for row in rows if row.has_broken]
        print(f"broken in both looks: {'; '.join(broken) or 'nothing'}", file=out, flush=True)
    if arguments.json:
        print(json.dumps({"machine": told, "rows": [row.to_json() for row in rows]}))
    return REGRESSION if any(row.has_broken for row in rows) else 0
