"""The threads behind the window: one renders the newest z, one does slower jobs, one follows a training run."""

from __future__ import annotations

import collections
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot
from torch import Tensor

from ganexplorer.core.errors import UserError
from ganexplorer.core.judge import Judge
from ganexplorer.core.render import Pixels, Renderer, to_pixels
from ganexplorer.train.events import (
    Command,
    Ended,
    Preview,
    PublishWeights,
    Scalars,
    Stop,
    TrainEvent,
    TrainRequest,
    Weights,
)
from ganexplorer.train.host import TrainingHost

Prepare = Callable[[TrainRequest], TrainRequest]
STACK_BYTES = 8 * 1024 * 1024  # the default on macOS is too small for BLAS
DRAIN_MILLISECONDS = 33
PATIENCE_MILLISECONDS = 4000  # for a run to save when the window closes


@dataclass(frozen=True, slots=True)
class Frame:
    """A rendered picture, or why there is none."""

    stamp: int
    pixels: Pixels | None  # (H, W) or (H, W, 3)
    values: NDArray[np.float32]  # the image before quantisation, (C, H, W), in [-1, 1]
    milliseconds: float
    error: str = ""


class RenderThread(QThread):
    """Renders the newest request; older ones that were not begun are dropped.

    `use`, `compare` and `request` may be called from any thread.
    """

    frame_ready = Signal(object)  # Frame
    second_ready = Signal(object)  # Frame, of the generator to compare with
    judged = Signal(int, float)  # stamp, D's verdict on its picture; not for each frame where they come fast

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setStackSize(STACK_BYTES)
        self._wake = threading.Condition()
        self._renderer: Renderer | None = None
        self._judge: Judge | None = None
        self._second: tuple[Renderer, Callable[[Tensor], Tensor]] | None = None
        self._request: tuple[int, Tensor] | None = None
        self._is_over = False

    def use(self, renderer: Renderer, judge: Judge | None) -> None:
        """Render with `renderer` from the next request on; one that waits was for another latent, perhaps."""
        with self._wake:
            self._renderer, self._judge = renderer, judge
            self._request = None

    def compare(self, renderer: Renderer | None, latent: Callable[[Tensor], Tensor]) -> None:
        """Render with a second generator too, of ``latent(z)``, from the next request on; None: no longer."""
        with self._wake:
            self._second = None if renderer is None else (renderer, latent)

    def request(self, stamp: int, z: Tensor) -> None:
        """Ask for the picture of z, (z_dim,); replaces a request that waits."""
        with self._wake:
            self._request = (stamp, z)
            self._wake.notify()

    def finish(self) -> None:
        """End the thread and wait for it."""
        with self._wake:
            self._is_over = True
            self._wake.notify()
        self.wait()

    def run(self) -> None:
        torch.set_num_threads(1)  # one picture is too little work to share; measured in docs/benchmarks.md
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._is_over or (self._request and self._renderer))
                if self._is_over:
                    return
                assert self._request is not None
                assert self._renderer is not None
                (stamp, z), renderer, judge, second = self._request, self._renderer, self._judge, self._second
                self._request = None
            frame, images = _render(stamp, z, renderer)
            self.frame_ready.emit(frame)
            if second is not None:
                other, latent = second
                self.second_ready.emit(_render(stamp, latent(z), other)[0])
            if judge is not None and images is not None and self._request is None:  # a picture to come comes first
                with contextlib.suppress(RuntimeError):  # memory is short: the picture matters more
                    self.judged.emit(stamp, float(judge.verdicts(images)[0]))


def _render(stamp: int, z: Tensor, renderer: Renderer) -> tuple[Frame, Tensor | None]:
    start = time.perf_counter()
    try:
        images = renderer.images(z[None])
        pixels, values = to_pixels(images)[0], images[0].float().cpu().numpy()
    except Exception as error:  # shown in the canvas; the window lives on
        return Frame(stamp, None, np.zeros((1, 1, 1), np.float32), 0.0, f"{type(error).__name__}: {error}"), None
    return Frame(stamp, pixels, values, 1000 * (time.perf_counter() - start)), images


@dataclass(frozen=True, slots=True)
class JobResult:
    name: str
    value: Any
    error: Exception | None = None


class JobThread(QThread):
    """Does slower things one after the other: opening files, measuring effects, thumbnails."""

    job_done = Signal(object)  # JobResult

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setStackSize(STACK_BYTES)
        self._wake = threading.Condition()
        self._jobs: collections.deque[tuple[str, Callable[[], Any]]] = collections.deque()
        self._is_over = False

    def submit(self, name: str, job: Callable[[], Any], first: bool = False) -> None:
        """Queue a job; its result, or the exception it raised, arrives by `job_done`. Replaces a waiting namesake.

        `first`: ahead of all that wait, for what a person waits for. After `end` nothing is taken any more.
        """
        with self._wake:
            if self._is_over:
                return
            self._jobs = collections.deque(item for item in self._jobs if item[0] != name)
            (self._jobs.appendleft if first else self._jobs.append)((name, job))
            self._wake.notify()

    def end(self, keep: str | None = None) -> None:
        """Let the thread end after the job in hand and those whose names begin with `keep`."""
        with self._wake:
            self._jobs = collections.deque(item for item in self._jobs if keep and item[0].startswith(keep))
            self._is_over = True
            self._wake.notify()

    def finish(self) -> None:
        """End the thread after the job in hand and wait for it."""
        self.end()
        self.wait()

    def run(self) -> None:
        torch.set_num_threads(1)
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._is_over or self._jobs)
                if not self._jobs:
                    return
                name, job = self._jobs.popleft()
            try:
                result = JobResult(name, job())
            except Exception as error:  # told in the window
                result = JobResult(name, None, error)
            self.job_done.emit(result)


class _FollowThread(QThread):
    """Owns the training host for one run and drains its events into a buffer."""

    def __init__(
        self, host: TrainingHost | None, request: TrainRequest, prepare: Prepare | None, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.setStackSize(STACK_BYTES)
        self.host = host
        self.request = request
        self._prepare = prepare
        self._lock = threading.Lock()
        self._early: list[Command] | None = []  # commands from before the run began; None from then on
        self._events: list[TrainEvent] = []

    def run(self) -> None:
        if self.host is None or not self.host.is_alive:
            if self.host is not None:
                self.host.close()
                self.host = None
            try:
                self.host = TrainingHost()  # takes a moment: not in the GUI thread
            except OSError as error:
                text = f"The training process cannot be started ({error.strerror or error})."
                with self._lock:
                    self._events.append(Ended("failed", 0, text, None))
                return
        try:
            request = self.request if self._prepare is None else self._prepare(self.request)
        except Exception as error:  # told in the window, which would else wait for the end of this run for ever
            text = str(error) if isinstance(error, OSError | UserError) else f"{type(error).__name__}: {error}"
            with self._lock:
                self._events.append(Ended("failed", 0, text, None))
            return
        with self._lock:
            self.host.start(request)
            for command in self._early or ():
                self.host.send(command)
            self._early = None
        for event in self.host.events():
            with self._lock:
                self._events.append(event)

    def send(self, command: Command) -> None:
        """Pass a command to the run, now or as soon as it has begun."""
        with self._lock:
            if self._early is not None:
                self._early.append(command)
            else:
                assert self.host is not None
                self.host.send(command)

    def take(self) -> list[TrainEvent]:
        """All events since the last call."""
        with self._lock:
            events, self._events = self._events, []
        return events


class TrainingSession(QObject):
    """Training as the window sees it: start, stop, and signals at most every 33 ms.

    Of previews and weights only the newest arrives; of scalars and lifecycle events, all.
    """

    happened = Signal(object)  # TrainEvent other than those below
    scalars = Signal(object)  # list[Scalars]
    preview = Signal(object)  # Preview
    weights = Signal(object)  # Weights
    ended = Signal(object)  # Ended; the session can be started again

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: _FollowThread | None = None
        self._host: TrainingHost | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(DRAIN_MILLISECONDS)
        self._timer.timeout.connect(self._drain)

    @property
    def is_running(self) -> bool:
        return self._thread is not None

    def warm_up(self) -> None:
        """Start the child process ahead of the first run, so that Start answers at once."""
        if self._host is None and self._thread is None:
            with contextlib.suppress(OSError):  # Start tells
                self._host = TrainingHost()

    def start(self, request: TrainRequest, prepare: Prepare | None = None) -> None:
        """Begin a run; raises RuntimeError while one is going on.

        `prepare` is called in the session's thread before, and returns the request that is carried out; an error
        that it raises ends the run.
        """
        if self._thread is not None:
            raise RuntimeError("a training run is going on")
        self._thread = _FollowThread(self._host, request, prepare, self)
        self._thread.start()
        self._timer.start()

    def send(self, command: Command) -> None:
        """Pass a command to the run, if there is one; events answer."""
        if self._thread is not None:
            self._thread.send(command)

    def stop(self, keep: int | None = None) -> None:
        """Ask the run to save and end, the snapshot of step `keep` untouched; `ended` follows."""
        self.send(Stop(keep))

    def want_weights(self) -> None:
        """Ask for the generator as it is now; `weights` follows."""
        self.send(PublishWeights())

    def close(self) -> None:
        """Stop the run, if there is one, wait until it has saved, and end the child process."""
        self._timer.stop()
        if self._thread is not None:
            self._thread.send(Stop())
            if not self._thread.wait(PATIENCE_MILLISECONDS) and self._thread.host is not None:
                self._thread.host.kill()  # a step that takes too long; the last snapshot is there
            self._thread.wait()
            self._host = self._thread.host
            self._thread.deleteLater()
            self._thread = None
        if self._host is not None:
            self._host.kill()  # it has nothing to save any more, and may still be importing
            self._host.close()
            self._host = None

    @Slot()
    def _drain(self) -> None:
        assert self._thread is not None
        scalars: list[Scalars] = []
        newest: dict[type, Preview | Weights] = {}
        rest: list[TrainEvent] = []
        for event in self._thread.take():
            if isinstance(event, Scalars):
                scalars.append(event)
            elif isinstance(event, Preview | Weights):
                newest[type(event)] = event
            else:
                rest.append(event)
        ended = next((event for event in rest if isinstance(event, Ended)), None)
        for event in rest:
            if not isinstance(event, Ended):
                self.happened.emit(event)
        if scalars:
            self.scalars.emit(scalars)
        if Preview in newest:
            self.preview.emit(newest[Preview])
        if Weights in newest:
            self.weights.emit(newest[Weights])
        if ended is not None:
            self._timer.stop()
            self._thread.wait()
            self._host = self._thread.host
            self._thread.deleteLater()
            self._thread = None
            self.ended.emit(ended)
