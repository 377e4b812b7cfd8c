"""From slider to pixels, idle and while a run trains: how long a person waits.

Real mouse events at 120 Hz on a slider of the shown window; each is timed until the canvas has painted a picture of its
value or of a later one. Pictures must come in order and the last belong to the last value, else it fails. Run it with
nothing else on the machine:

    uv run python benchmarks/window.py --model mnist-mlp-64 --train mlp-96 --data toy:digits
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

START = time.perf_counter()

import torch  # noqa: E402

TORCH_SECONDS = time.perf_counter() - START

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt  # noqa: E402
from PySide6.QtGui import QMouseEvent  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from ganexplorer.ui import theme  # noqa: E402
from ganexplorer.ui.main_window import MainWindow  # noqa: E402

HERTZ = 120


class PaintClock(QObject):
    """Notes when the canvas has painted a frame, and whether frames came in order."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self.window = window
        self.waiting: list[tuple[int, float]] = []  # stamp, time of the event
        self.latencies: list[float] = []
        self.stamps: list[int] = []
        window.canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Paint:
            return False
        watched.event(event)
        now, shown = time.perf_counter(), self.window.canvas.stamp
        self.stamps.append(shown)
        self.latencies += [1000 * (now - begin) for stamp, begin in self.waiting if stamp <= shown]
        self.waiting = [(stamp, begin) for stamp, begin in self.waiting if stamp > shown]
        return True


def send(viewport: QObject, kind: QEvent.Type, point: QPoint) -> None:
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    position = QPointF(point)
    event = QMouseEvent(kind, position, position, button, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(viewport, event)


def pump_until(app: QApplication, done: object, seconds: float = 120) -> None:
    limit = time.perf_counter() + seconds
    while not done():  # type: ignore[operator]
        app.processEvents()
        if time.perf_counter() > limit:
            sys.exit("gave up waiting")
        time.sleep(0.001)


def measure(app: QApplication, window: MainWindow, count: int) -> tuple[list[float], float]:
    """Latencies in ms of `count` events, and the longest gap between two turns of the event loop in ms."""
    view = window.latent.view
    track, viewport = view.track_rect(0), view.viewport()
    clock = PaintClock(window)
    send(viewport, QEvent.Type.MouseButtonPress, track.center())
    begin, gap, turn = time.perf_counter(), 0.0, time.perf_counter()
    for i in range(count):
        while time.perf_counter() < begin + i / HERTZ:
            app.processEvents()
            now = time.perf_counter()
            gap, turn = max(gap, now - turn), now
            time.sleep(0.0002)
        x = track.left() + (7 * i) % track.width()
        before, moment = window.stamp, time.perf_counter()
        send(viewport, QEvent.Type.MouseMove, QPoint(x, track.center().y()))
        if window.stamp > before:
            clock.waiting.append((window.stamp, moment))
    pump_until(app, lambda: not clock.waiting)
    send(viewport, QEvent.Type.MouseButtonRelease, QPoint(x, track.center().y()))
    window.canvas.removeEventFilter(clock)
    assert clock.stamps == sorted(clock.stamps), "a picture was shown out of order"
    assert window.canvas.stamp == window.stamp, "the last picture is not of the last value"
    return clock.latencies, 1000 * gap


def report(what: str, latencies: list[float], gap: float) -> None:
    ordered = sorted(latencies)
    p50, p99 = statistics.median(ordered), ordered[int(0.99 * (len(ordered) - 1))]
    print(f"{what:<44} p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   longest gap {gap:5.0f} ms   ({len(ordered)} events)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--train", metavar="RECIPE")
    parser.add_argument("--data", default="toy:digits")
    parser.add_argument("--events", type=int, default=1200)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    app = QApplication(sys.argv[:1])
    theme.apply(app, theme.DARK)
    with tempfile.TemporaryDirectory() as folder:
        window = MainWindow(theme.DARK, arguments.model, "cpu", Path(folder))
        shown: list[float] = []
        window.first_image.connect(lambda: shown.append(time.perf_counter() - START))
        window.resize(1280, 800)
        window.show()
        pump_until(app, lambda: shown)
        print(f"platform {app.platformName()}, {os.cpu_count()} cores, torch {torch.__version__}")
        print(f"start to first image {shown[0]:.2f} s, of which import torch {TORCH_SECONDS:.2f} s")
        pump_until(app, lambda: window.move_tool.axes)
        for _ in range(arguments.rounds):
            report("idle", *measure(app, window, arguments.events))
        if arguments.train:
            speeds: list[float] = []
            window.train.session.scalars.connect(lambda s: speeds.extend(x.steps_per_second for x in s))
            window.train.setup.recipe.setCurrentText(arguments.train)
            window.train.setup.choose_data(arguments.data)
            window.train.start()
            pump_until(app, lambda: len(speeds) > 10)
            for _ in range(arguments.rounds):
                speeds.clear()
                limit = time.perf_counter() + arguments.events / HERTZ
                pump_until(app, lambda limit=limit: time.perf_counter() > limit)
                pump_until(app, lambda: speeds)
                alone = statistics.median(speeds)
                speeds.clear()
                latencies = measure(app, window, arguments.events)
                report(f"training {arguments.train}", *latencies)
                pump_until(app, lambda: speeds)
                print(f"{'':<44} {alone:.0f} it/s without, {statistics.median(speeds):.0f} it/s with a dragging hand")
        window.close()


if __name__ == "__main__":
    main()
