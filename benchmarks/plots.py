"""A chart of a million points: what a refresh costs the window's thread, against pyqtgraph's own curves.

    uv run python benchmarks/plots.py [--points 1000000] [--rounds 5]

A refresh appends 100 points, draws the losses of D and G anew and paints them; so does pyqtgraph's `PlotWidget`, with
the reduction that it has for long curves (peaks, clipped to the view). On a screen or on none
(QT_QPA_PLATFORM=offscreen).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator

import measuring
import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from ganexplorer.train.events import Scalars
from ganexplorer.ui import theme
from ganexplorer.ui.plots.plots import LossPlots

SIZE = QSize(480, 300)
NEW = 100  # points a refresh
REFRESHES = 10  # a round


def losses(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Losses as noisy as those of a training, the same for the same steps."""
    noise = np.random.default_rng(0).normal(size=(2, 4096))
    return (
        1.3 + 0.2 * np.sin(steps / 1e5) + 0.1 * noise[0, steps % 4096],
        0.8 + 0.1 * np.cos(steps / 7e4) + 0.1 * noise[1, steps % 4096],
    )


def scalars(first: int, count: int) -> list[Scalars]:
    steps = np.arange(first, first + count)
    return [
        Scalars(int(step), step / 1000, d, d / 2, d / 2, g, 0.6, 0.4, 0.45, 500.0, seconds=step / 500)
        for step, d, g in zip(steps, *(values.tolist() for values in losses(steps)), strict=True)
    ]


def program(points: int) -> tuple[QWidget, Callable[[], list[float]]]:
    """The program's charts on a panel, and a refresh of them."""
    plots, host = LossPlots(theme.DARK), QWidget()
    QVBoxLayout(host).addWidget(plots.widget)
    host.resize(SIZE)
    host.show()
    plots.start("bce", "run")
    for first in range(1, points, 50_000):
        plots.append(scalars(first, min(50_000, points + 1 - first)))
    step = points

    def refreshes() -> list[float]:
        nonlocal step
        found = []
        for _ in range(REFRESHES):
            new = scalars(step + 1, NEW)  # they come from another process: making them is not the window's work
            step += NEW
            begun = time.perf_counter()
            plots.append(new)
            plots.redraw()
            plots.current.viewport().repaint()
            found.append(1000 * (time.perf_counter() - begun))
        return found

    return host, refreshes


def plain(points: int) -> tuple[QWidget, Callable[[], list[float]]]:
    """The same in pyqtgraph's own plot."""
    widget = pg.PlotWidget()
    widget.setDownsampling(auto=True, mode="peak")
    widget.setClipToView(True)
    widget.resize(SIZE)
    widget.show()
    steps = np.arange(1, points + 1)
    curves = [widget.plot(steps, values, pen=color) for values, color in zip(losses(steps), "yb", strict=True)]

    def refreshes() -> list[float]:
        nonlocal steps
        found = []
        for _ in range(REFRESHES):
            new = np.arange(steps[-1] + 1, steps[-1] + 1 + NEW)
            begun = time.perf_counter()
            steps = np.append(steps, new)
            for curve, values in zip(curves, losses(new), strict=True):
                curve.setData(steps, np.append(curve.yData, values))
            widget.viewport().repaint()
            found.append(1000 * (time.perf_counter() - begun))
        return found

    return widget, refreshes


def measure(arguments: argparse.Namespace) -> Iterator[measuring.Row]:
    app = QApplication.instance() or QApplication(sys.argv[:1])
    theme.apply(app, theme.DARK)
    points = 200_000 if arguments.check else arguments.points
    widgets, ways = zip(program(points), plain(points), strict=True)
    app.processEvents()
    found: dict[str, list[float]] = {"ganexplorer": [], "pyqtgraph": []}
    for turn in range(arguments.rounds + 1):
        for values, way in zip(found.values(), ways, strict=True):
            some = way()
            values += some if turn else []
            app.processEvents()
    what = f"{points:,} points, {NEW} more, drawn and painted"
    guard = measuring.Bound("ratio", 0.9)
    yield measuring.Row(what, "ms", found, [measuring.Bound("p50", 4.0)], guard=guard)
    for widget in widgets:
        widget.close()


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--points", type=int, default=1_000_000)


if __name__ == "__main__":
    sys.exit(measuring.main(__doc__, measure, add))
