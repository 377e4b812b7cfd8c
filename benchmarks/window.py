"""The window under a hand: from slider to pixels, idle and beside a training; what the hand costs the training; play.

Real mouse events on a slider of the shown window, each timed until the canvas has painted the picture of its value or
of a later one. Pictures must come in order and the last belong to the last value, else it fails. On a screen, a virtual
one, or none (QT_QPA_PLATFORM=offscreen); with nothing else on the machine.

    uv run python benchmarks/window.py [--train mlp-64 dcgan-64] [--events 2000] [--rounds 5] [--only latency cost play]
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import drawn_data
import measuring
import torch  # before Qt
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from render import generator

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.train.events import Scalars
from ganexplorer.train.recipes import RECIPES
from ganexplorer.ui import theme
from ganexplorer.ui.main_window import MainWindow

SHAPES = {"mlp-64": (1, 28, 28), "dcgan-64": (3, 64, 64)}
HEARTBEAT = 4  # milliseconds
SETTLE = 2.0  # seconds, after the window opened and before the hand begins


class Hand(QObject):
    """Drags a slider at so many events a second, and notes when the canvas has painted what it asked for."""

    def __init__(self, window: MainWindow, hertz: float) -> None:
        super().__init__()
        self._window = window
        self._view = window.latent.view
        self._period = 1 / hertz
        self._begun = 0.0
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer, singleShot=True)
        self._timer.timeout.connect(self._tick)
        self._waiting: list[tuple[int, float]] = []  # stamp, time of the event
        self._stamp = 0  # of the picture that was painted last
        self.latencies: list[float] = []
        self.count = 0

    def press(self) -> None:
        self._window.canvas.installEventFilter(self)
        self._send(QEvent.Type.MouseButtonPress, self._track().center())
        self._begun = time.perf_counter()
        self._timer.start(0)

    def release(self) -> None:
        """Let go, wait for the last picture, and see that all came in order."""
        self._timer.stop()
        wait(lambda: not self._waiting)
        self._send(QEvent.Type.MouseButtonRelease, self._track().center())
        self._window.canvas.removeEventFilter(self)
        if self._window.canvas.stamp != self._window.stamp:
            sys.exit("the last picture is not of the last value")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Paint:
            return False
        watched.event(event)
        now, shown = time.perf_counter(), self._window.canvas.stamp
        if shown < self._stamp:
            sys.exit("a picture was shown out of order")
        self._stamp = shown
        self.latencies += [1000 * (now - begin) for stamp, begin in self._waiting if stamp <= shown]
        self._waiting = [(stamp, begin) for stamp, begin in self._waiting if stamp > shown]
        return True

    def _tick(self) -> None:
        self.count += 1
        track = self._track()
        before, moment = self._window.stamp, time.perf_counter()
        self._send(QEvent.Type.MouseMove, QPoint(track.left() + (7 * self.count) % track.width(), track.center().y()))
        if self._window.stamp > before:
            self._waiting.append((self._window.stamp, moment))
        ahead = self._begun + self.count * self._period - time.perf_counter()
        self._timer.start(max(0, round(1000 * ahead)))

    def _track(self) -> object:
        return self._view.track_rect(0)

    def _send(self, kind: QEvent.Type, point: QPoint) -> None:
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        position = QPointF(point)
        held, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(self._view.viewport(), QMouseEvent(kind, position, position, button, held, none))


class Heart(QObject):
    """A timer that beats in the event loop; how late it was at worst is the longest gap."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer, interval=HEARTBEAT)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.gaps.append(1000 * (now - self._last))
        self._last = now


def wait(done: Callable[[], object], seconds: float = 300.0) -> None:
    """Let the event loop run until something is so."""
    loop, begun = QEventLoop(), time.perf_counter()
    timer = QTimer(interval=20)

    def look() -> None:
        if done():
            loop.quit()
        elif time.perf_counter() - begun > seconds:
            sys.exit("gave up waiting")

    timer.timeout.connect(look)
    timer.start()
    loop.exec()


def pause(seconds: float) -> None:
    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()


class Bench:
    """The window on a generator of a recipe, with a training beside it or none."""

    def __init__(self, app: QApplication, model: str, folder: Path) -> None:
        path = folder / f"{model}.safetensors"
        if not path.exists():
            Checkpoint(generator(model, SHAPES[model]), None, {"name": model}).save(path)
        self.app, self.folder = app, folder
        self.window = MainWindow(theme.DARK, str(path), "cpu", folder / "runs")
        self.logged = 0  # times that the training told how it goes
        self.last: Scalars | None = None
        self.window.train.session.scalars.connect(self._note)
        shown: list[bool] = []
        self.window.first_image.connect(lambda: shown.append(True))
        self.window.resize(1280, 800)
        self.window.show()
        wait(lambda: shown)
        wait(lambda: self.window.move_tool.axes)
        pause(SETTLE)

    def train(self, recipe: str, data: str) -> None:
        """Start a training as a person does, and wait until it goes."""
        setup = self.window.train.setup
        setup.recipe.setCurrentText(recipe)
        setup.choose_data(data)
        endless = dataclasses.replace(RECIPES[recipe].config, epochs=0, steps=10**7)
        self.window.train.form.set_config(endless)
        self.window.train.start()
        wait(lambda: self.logged > 5)
        pause(SETTLE)

    def _note(self, scalars: list[Scalars]) -> None:
        self.logged += len(scalars)
        self.last = scalars[-1]

    def drag(self, events: int, hertz: float = 120.0) -> tuple[list[float], list[float]]:
        """Latencies of so many events, and the gaps of the event loop meanwhile, in ms."""
        hand, heart = Hand(self.window, hertz), Heart()
        hand.press()
        wait(lambda: hand.count >= events)
        hand.release()
        return hand.latencies, heart.gaps

    def speed(self, seconds: float, hertz: float | None) -> float:
        """Steps a second of the training over so long, with a hand that drags at `hertz` or none."""
        hand = Hand(self.window, hertz) if hertz else None
        if hand:
            hand.press()
        seen = self.logged
        wait(lambda: self.logged > seen)
        first, begun = self.last, time.perf_counter()
        wait(lambda: time.perf_counter() - begun > seconds and self.last is not first)
        last, took = self.last, time.perf_counter() - begun  # not last.seconds, which are those within steps
        assert first is not None
        assert last is not None
        if hand:
            hand.release()
        return (last.step - first.step) / took

    def frames(self, change: Callable[[], object], count: int) -> float:
        """Pictures a second when each is followed by the next change at once."""
        canvas, begun = self.window.canvas, time.perf_counter()
        for _ in range(count):
            change()
            wait_for_paint(canvas, self.window.stamp)
        return count / (time.perf_counter() - begun)

    def close(self) -> None:
        self.window.close()
        self.window.deleteLater()
        self.app.processEvents()


class _Paint(QObject):
    """Ends a loop once the canvas has painted a picture of a stamp."""

    def __init__(self, canvas: QObject, stamp: int, loop: QEventLoop) -> None:
        super().__init__()
        self._canvas, self._stamp, self._loop = canvas, stamp, loop
        canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and watched.stamp >= self._stamp:  # type: ignore[attr-defined]
            QTimer.singleShot(0, self._loop.quit)
        return False


def wait_for_paint(canvas: QObject, stamp: int) -> None:
    loop = QEventLoop()
    watch = _Paint(canvas, stamp, loop)
    loop.exec()
    canvas.removeEventFilter(watch)


def latency(bench: Bench, what: str, arguments: argparse.Namespace, p50: float | None, p99: float) -> Iterator:
    each = max(1, arguments.events // arguments.rounds)
    latencies, gaps = [], []
    for _ in range(arguments.rounds):
        some, others = bench.drag(each)
        latencies += some
        gaps += others
    bounds = [measuring.Bound("p50", p50)] if p50 else []
    yield measuring.Row(f"slider to pixels, {what}", "ms", {"event to paint": latencies}, [
        *bounds, measuring.Bound("p99", p99)
    ])  # fmt: skip
    if p50 is None:
        row = {"gap between turns": gaps}
        yield measuring.Row(f"event loop, {what}", "ms", row, [measuring.Bound("longest", 50)])


def cost(bench: Bench, recipe: str, arguments: argparse.Namespace) -> measuring.Row:
    seconds = arguments.seconds
    found = measuring.alternate(
        {"with a hand": lambda: bench.speed(seconds, 60.0), "without": lambda: bench.speed(seconds, None)},
        arguments.rounds,
    )
    bound = measuring.Bound("ratio", 0.85, is_most=False)
    return measuring.Row(f"training {recipe} beside a hand that drags, 60 Hz", "steps/s", found, [bound])


def play(bench: Bench, model: str, arguments: argparse.Namespace) -> Iterator[measuring.Row]:
    document = bench.window.document
    document.keep_as_a()
    document.random()
    document.keep_as_b()
    ways = itertools.cycle(number / 60 for number in range(61))
    changes = {"random": document.random, "undo": document.undo, "morph": lambda: document.set_t(next(ways))}
    for name, change in changes.items():
        rates = []
        for _ in range(arguments.rounds):
            for _ in range(60 if name == "undo" else 0):
                document.random()
            rates.append(bench.frames(change, 60))
        bound = measuring.Bound("p50", 60, is_most=False)
        sliders = document.subject.space.z_dim if document.subject else 0
        yield measuring.Row(f"{name}, {sliders} sliders, {model}", "pictures/s", {"window": rates}, [bound])


def measure(arguments: argparse.Namespace) -> Iterator[measuring.Row]:
    app = QApplication.instance() or QApplication(sys.argv[:1])
    theme.apply(app, theme.DARK)
    print(f"platform {app.platformName()}, 1280x800", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["GANEXPLORER_HOME"] = str(folder / "home")
        for model in SHAPES:
            bench = Bench(app, model, folder)
            if "latency" in arguments.only:
                yield from latency(bench, f"{model}, idle", arguments, 4.0, 8.3)
            if "play" in arguments.only:
                yield from play(bench, model, arguments)
            bench.close()
        if {"latency", "cost"} & set(arguments.only):
            yield from beside_training(app, folder, arguments)


def beside_training(app: QApplication, folder: Path, arguments: argparse.Namespace) -> Iterator[measuring.Row]:
    for recipe in arguments.train:
        pictures = folder / "pictures"
        is_pictures = not RECIPES[recipe].data
        if is_pictures and not pictures.exists():
            drawn_data.faces(pictures, 1000)
        bench = Bench(app, recipe if recipe in SHAPES else "mlp-64", folder)
        bench.train(recipe, f"folder:{pictures}" if is_pictures else "toy:digits")
        if "latency" in arguments.only:
            yield from latency(bench, f"while training {recipe}", arguments, None, 16.7)
        if "cost" in arguments.only:
            yield cost(bench, recipe, arguments)
        bench.close()


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", nargs="*", default=["mlp-64", "dcgan-64"], metavar="RECIPE")
    parser.add_argument("--events", type=int, default=2000, help="of a row of latencies, at 120 Hz (default 2000)")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each turn of a training (default 8)")
    parser.add_argument("--only", nargs="*", default=["latency", "cost", "play"], choices=("latency", "cost", "play"))


if __name__ == "__main__":
    assert torch  # imported first
    sys.exit(measuring.main(__doc__, measure, add, has_guards=False))
