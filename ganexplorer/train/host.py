"""Training in a process of its own: the child's side and the parent's handle.

A child process leaves the parent's interpreter free (docs/architecture.md has the measurement) and cannot take it down.
One child serves many runs, one after the other, for starting it costs seconds of imports.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection

from ganexplorer.train.events import Command, Ended, Stop, TrainEvent, TrainRequest

CHILDREN = multiprocessing.get_context("spawn")  # a fork would have the window's locks and open files, and no threads
NICENESS = 10  # the window goes first
GRACE_SECONDS = 4.0  # for a child to save and leave


class TrainingHost:
    """A child process that trains: `start` a run, follow its `events`, `send` it commands meanwhile.

    One thread may read events while another sends.
    """

    def __init__(self) -> None:
        self._connection, theirs = CHILDREN.Pipe()
        self._process = CHILDREN.Process(target=_serve, args=(theirs,), name="ganexplorer-training", daemon=True)
        self._process.start()
        theirs.close()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def start(self, request: TrainRequest) -> None:
        """Begin a run; the one before must have ended."""
        with contextlib.suppress(OSError):  # a dead child is told by `events`
            self._connection.send(request)

    def events(self) -> Iterator[TrainEvent]:
        """The events of the run, the last of them `Ended`, also when the child dies."""
        step = 0
        try:
            while True:
                event: TrainEvent = self._connection.recv()
                yield event
                if isinstance(event, Ended):
                    return
                step = getattr(event, "step", step)
        except (EOFError, OSError):
            self._process.join(1)
            yield Ended("failed", step, _obituary(self._process.exitcode), None)

    def send(self, command: Command) -> None:
        """Pass a command to the run in progress; ignored when the child is gone."""
        with contextlib.suppress(OSError):
            self._connection.send(command)

    def kill(self) -> None:
        """End the child at once; `events` then tells that it failed."""
        self._process.kill()

    def close(self) -> None:
        """End the child: politely, then after a few seconds by force."""
        self._connection.close()
        self._process.join(GRACE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _obituary(exit_code: int | None) -> str:
    cause = f"exit status {exit_code}"
    if exit_code is not None and exit_code < 0:
        cause = signal.Signals(-exit_code).name
        if exit_code == -signal.SIGKILL:
            cause += ", perhaps for lack of memory: try a smaller batch_size"
    return f"The training process ended unexpectedly ({cause}). What was saved before is kept."


def _serve(connection: Connection) -> None:
    """The child: run requests until the parent closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal reaches the whole group; the parent decides
    is_training = is_terminated = False

    def terminate(*_: object) -> None:
        """The system shuts down, perhaps, and tells each process at once: save first, as when the parent asks."""
        nonlocal is_terminated
        is_terminated = True
        if not is_training:
            sys.exit()

    signal.signal(signal.SIGTERM, terminate)
    # seconds of imports, before the first request needs them: torch, and what its first optimizer brings along
    import torch

    from ganexplorer.train.memory import give_back
    from ganexplorer.train.trainer import Trainer

    torch.optim.SGD([torch.zeros(1)], lr=0.0)
    if hasattr(os, "nice"):  # not before: a person waits for the imports
        os.nice(NICENESS)

    def poll(seconds: float) -> Command | None:
        if is_terminated:
            return Stop()
        try:
            return connection.recv() if connection.poll(seconds) else None
        except (EOFError, OSError):
            return Stop()  # the parent is gone: save and leave

    with contextlib.suppress(EOFError, OSError):
        while not is_terminated:
            message = connection.recv()
            if isinstance(message, TrainRequest):
                alive = is_training = True
                for event in Trainer(message, poll).run():
                    if alive:
                        try:
                            connection.send(event)
                        except OSError:
                            alive = False  # go on to the end of the loop: the final snapshot is saved there
                give_back()  # for the window's pictures, and the next run
                is_training = False
