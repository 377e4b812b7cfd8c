"""A look at data in a thread of its own: read as training reads them, then the first batches as networks see them."""

from __future__ import annotations

import contextlib
import math
import threading
from dataclasses import dataclass

import torch
from PySide6.QtCore import QObject, QThread, Signal, Slot

from ganexplorer.core.errors import UserError, plain
from ganexplorer.core.render import Pixels, to_pixels
from ganexplorer.train import data
from ganexplorer.train.events import Notice
from ganexplorer.train.preparation import Preparation
from ganexplorer.train.sources import DataReport, ImageSource
from ganexplorer.ui.work.workers import STACK_BYTES

HANDFUL = 64  # pictures that are looked at together
HANDFULS = 16  # at most
KEPT_BYTES = 64_000_000  # of all handfuls, at most, but for the first


@dataclass(frozen=True, slots=True)
class DataRequest:
    """What is to be read, and how; `seed` as in `data.load`."""

    ref: str
    preparation: Preparation
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class DataSeen:
    """What was read.

    Attributes
    ----------
    handfuls
        Pictures (n, H, W[, 3]) uint8 of the first batches of a training with `HANDFUL` images a batch, so in its order
        and mirrored where it mirrors them; n is smaller where there are fewer. The rest of the set is let go: the
        memory is for the training.
    notices
        Of what went wrong on the way but did not stop it.
    """

    request: DataRequest
    report: DataReport
    handfuls: tuple[Pixels, ...]
    notices: tuple[str, ...] = ()


class DataReader(QObject):
    """Reads the newest request; one that goes on is given up for it. Never more than one set is in memory."""

    progressed = Signal(object)  # Progress
    seen = Signal(object)  # DataSeen
    failed = Signal(str)  # why the newest request cannot be read

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: _ReadThread | None = None
        self._next: DataRequest | None = None

    @property
    def request(self) -> DataRequest | None:
        """What is being read, or will be next."""
        if self._next is not None or self._thread is None or self._thread.is_cancelled:
            return self._next
        return self._thread.request

    def read(self, request: DataRequest) -> None:
        """Begin to read; `seen` or `failed` follows, unless something newer comes or it is cancelled."""
        self._next = request
        if self._thread is not None:
            self._thread.cancel()
        else:
            self._begin()

    def cancel(self) -> None:
        """Give up what is being read; nothing follows."""
        self._next = None
        if self._thread is not None:
            self._thread.cancel()

    def stop(self) -> None:
        """Like `cancel`, and wait for the thread: what it asks a server for may take some seconds to end."""
        self.cancel()
        if self._thread is not None:
            self._thread.wait()
            self._thread.deleteLater()
            self._thread = None

    def _begin(self) -> None:
        assert self._next is not None
        self._thread, self._next = _ReadThread(self._next, self), None
        self._thread.progressed.connect(self._on_progressed)
        self._thread.finished.connect(self._on_finished)
        self._thread.start()

    @Slot(object)
    def _on_progressed(self, event: object) -> None:
        if self._thread is not None and not self._thread.is_cancelled:
            self.progressed.emit(event)

    @Slot()
    def _on_finished(self) -> None:
        thread = self._thread
        if thread is None or not thread.isFinished():  # it was stopped, and what it had posted comes now
            return
        thread.wait()
        thread.deleteLater()
        self._thread = None
        if self._next is not None:
            self._begin()
        elif thread.is_cancelled:
            return
        elif thread.seen is not None:
            self.seen.emit(thread.seen)
        else:
            self.failed.emit(thread.error)


class _ReadThread(QThread):
    """Reads one request. How it went is in `seen` and `error` once it has finished."""

    progressed = Signal(object)  # Progress

    def __init__(self, request: DataRequest, parent: QObject) -> None:
        super().__init__(parent)
        self.setStackSize(STACK_BYTES)
        self.request = request
        self.seen: DataSeen | None = None
        self.error = ""
        self._is_cancelled = threading.Event()

    @property
    def is_cancelled(self) -> bool:
        return self._is_cancelled.is_set()

    def cancel(self) -> None:
        """Let it end soon."""
        self._is_cancelled.set()

    def run(self) -> None:
        torch.set_num_threads(1)
        try:
            self.seen = self._read()
        except UserError as error:
            self.error = str(error)
        except Exception as error:  # told in the window
            self.error = plain(f"{self.request.ref} cannot be read ({type(error).__name__}: {error}).")

    def _read(self) -> DataSeen | None:
        """None where it was cancelled."""
        request = self.request
        notices: list[str] = []
        # closed in this thread, at the latest when it ends: that is what stops the work of decoding
        with contextlib.closing(
            data.load(request.ref, request.preparation, torch.device("cpu"), request.seed)
        ) as loading:
            while not self.is_cancelled:
                try:
                    event = next(loading)
                except StopIteration as end:
                    handfuls = self._handfuls(end.value)
                    return DataSeen(request, end.value.report, handfuls, tuple(notices))
                if isinstance(event, Notice):
                    notices.append(event.text)
                else:
                    self.progressed.emit(event)
        return None

    def _handfuls(self, source: ImageSource) -> tuple[Pixels, ...]:
        size = min(HANDFUL, source.count or HANDFUL)
        count = max(1, min(HANDFULS, KEPT_BYTES // (size * math.prod(source.image_shape))))
        rng = torch.Generator().manual_seed(self.request.seed)
        steps = range(1, 1 + count)
        return tuple(to_pixels(source.batch(step, size, rng)) for step in steps if not self.is_cancelled)
