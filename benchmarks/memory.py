"""Memory of the window and of the process that trains, in an hour of training with a hand on a slider; data held once.

    uv run python benchmarks/memory.py [--minutes 60]

Growth is the slope of a line through the resident memory of the last three quarters of the time, in MB an hour: in the
first quarter caches fill. How often a data set is held is how much more memory the training process takes with it than
with a small one, over its size.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import drawn_data
import measuring
import numpy as np
import psutil
import torch  # before Qt
from PySide6.QtWidgets import QApplication
from window import Bench, Hand, wait

from ganexplorer.ui import theme

PERIOD = 5.0  # seconds between two looks
MB = 1e6
SMALL, LARGE = 1_000, 60_000  # images


def resident(bench: Bench) -> tuple[float, float]:
    """MB of the window's process, and of the one that trains."""
    own = psutil.Process()
    found = 0
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
            found = max(found, child.memory_info().rss)
    return own.memory_info().rss / MB, found / MB


def slope(looks: list[tuple[float, float]]) -> float:
    """MB an hour, of (seconds, MB), the first quarter left out."""
    seconds, values = np.array(looks[len(looks) // 4 :]).T
    return float(3600 * np.polyfit(seconds, values, 1)[0])


def measure(arguments: argparse.Namespace) -> Iterator[measuring.Row]:
    app = QApplication(sys.argv[:1])
    theme.apply(app, theme.DARK)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["GANEXPLORER_HOME"] = str(folder / "home")
        held = []
        for count in (SMALL, LARGE):
            data = drawn_data.digits(folder / str(count), count)
            bench = Bench(app, "mlp-64", folder)
            bench.train("mlp-64", f"mnist:{data}")
            held.append(resident(bench)[1])
            if count == LARGE:
                yield from over_time(bench, arguments.minutes)
            bench.close()
        size = (LARGE - SMALL) * 28 * 28 / MB
        yield measuring.Row(
            f"{LARGE:,} digits in the training process",
            "MB",
            {"more than with a few": [held[1] - held[0]], "their bytes": [size]},
            [measuring.Bound("ratio", 1.3)],
        )


def over_time(bench: Bench, minutes: float) -> Iterator[measuring.Row]:
    hand, begun = Hand(bench.window, 60.0), time.perf_counter()
    looks: list[tuple[float, float, float]] = []
    hand.press()
    while (passed := time.perf_counter() - begun) < 60 * minutes:
        wait(lambda passed=passed: time.perf_counter() - begun > passed + PERIOD)
        looks.append((time.perf_counter() - begun, *resident(bench)))
        hand.latencies.clear()  # what is measured is not the benchmark's own memory
    hand.release()
    for column, what in ((1, "the window"), (2, "the training process")):
        values = [(look[0], look[column]) for look in looks]
        yield measuring.Row(
            f"growth of {what} over {minutes:g} minutes",
            "MB/h",
            {"slope": [slope(values)]},
            [measuring.Bound("p50", 20.0)],
            f"from {values[len(values) // 4][1]:.0f} to {values[-1][1]:.0f} MB",
        )


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=60.0)


if __name__ == "__main__":
    assert torch  # imported first
    sys.exit(measuring.main(__doc__, measure, add, has_guards=False, has_rounds=False))
