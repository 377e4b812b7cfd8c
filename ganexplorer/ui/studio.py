"""Pictures and findings that views ask for about the model on show, made in threads of their own."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage
from torch import Tensor

from ganexplorer.core.networks import batch_size
from ganexplorer.core.judge import Judge
from ganexplorer.core.render import Pixels, Renderer, to_pixels
from ganexplorer.ui.canvas import to_qimage
from ganexplorer.ui.workers import JobResult, JobThread

MOST_LOOKS = 3000  # kept at once
BATCH = 16  # looks that are made before the window hears of them

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """The model on show: its generator and, where there is one, its discriminator."""

    renderer: Renderer
    judge: Judge | None
    fingerprint: str = ""  # of the generator, as `checkpoint.fingerprint` has it


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The picture of a latent, at its own size, and D's verdict on it where there is a discriminator."""

    image: QImage
    pixels: Pixels  # (H, W) or (H, W, 3)
    verdict: float | None


class Studio(QObject):
    """What the model on show makes of latents.

    `look` is for the small pictures of views: it is asked for in each paint and answers None until the picture is
    there, when `arrived` is emitted. `ask` is for anything else that takes time.
    """

    changed = Signal()  # another model, or another step of the one in training: all looks are gone
    arrived = Signal()  # some looks that were asked for
    failed = Signal(object)  # Exception

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.sight: Sight | None = None
        self._looks: OrderedDict[bytes, Look] = OrderedDict()
        self._wanted: OrderedDict[bytes, Tensor] = OrderedDict()
        self._in_hand: set[bytes] = set()
        self._looking, self._finding = JobThread(self), JobThread(self)
        self._looking.job_done.connect(self._on_looked)
        self._finding.job_done.connect(self._on_found)
        self._answers: dict[str, tuple[int, Callable[[Any], None]]] = {}
        self._count = itertools.count(1)
        # many views ask in one paint: what they want goes together
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._look_at_wanted)
        self._looking.start()
        self._finding.start()

    def use(self, sight: Sight | None) -> None:
        """Show another model; what was asked for of the last one is not answered any more."""
        self.sight = sight
        self._looks.clear()
        self._wanted.clear()
        self._in_hand.clear()
        self._answers.clear()
        self.changed.emit()

    def stop(self) -> None:
        """End the threads, which give up what waits."""
        self.sight = None
        self._soon.stop()
        self._wanted.clear()
        self._answers.clear()
        for thread in (self._looking, self._finding):
            thread.finish()

    # -- looks ---------------------------------------------------------------------------------------------

    def look(self, z: Tensor) -> Look | None:
        """The picture of z, (z_dim,), or None until it is there. Asked for last is made first."""
        if self.sight is None or len(z) != self.sight.renderer.spec.z_dim:
            return None
        key = _key(z)
        found = self._looks.get(key)
        if found is not None:
            self._looks.move_to_end(key)
        elif key not in self._in_hand:
            self._wanted[key] = z
            self._wanted.move_to_end(key)
            self._soon.start()
        return found

    def looks(self, latents: Iterable[Tensor]) -> list[Look | None]:
        return [self.look(z) for z in latents]

    @Slot()
    def _look_at_wanted(self) -> None:
        sight = self.sight
        if sight is None or self._in_hand or not self._wanted:
            return
        keys = list(self._wanted)[-batch_size(sight.renderer.spec, BATCH) :]
        latents = torch.stack([self._wanted.pop(key) for key in keys])
        self._in_hand = set(keys)
        self._looking.submit("looks", lambda: (sight, keys, make_looks(sight, latents)))

    @Slot(object)
    def _on_looked(self, result: JobResult) -> None:
        if result.error is not None:
            self._in_hand.clear()
            self._wanted.clear()
            self.failed.emit(result.error)
            return
        sight, keys, looks = result.value
        if sight is not self.sight:
            if self.sight is not None:
                self._soon.start()
            return
        self._in_hand.clear()
        self._looks.update(zip(keys, looks, strict=True))
        while len(self._looks) > MOST_LOOKS:
            self._looks.popitem(last=False)
        if self._wanted:
            self._soon.start()
        self.arrived.emit()

    # -- anything else -------------------------------------------------------------------------------------

    def ask(self, name: str, find: Callable[[Sight], _Found], then: Callable[[_Found], None]) -> None:
        """Run `find` in a thread and hand its result to `then`, in the thread of the window.

        A later question of the same name replaces one that is not answered yet. Nothing is answered once another
        model is on show; what `find` raises is told in the window (`failed`).
        """
        sight = self.sight
        if sight is None:
            return
        number = next(self._count)
        self._answers[name] = (number, then)
        self._finding.submit(name, lambda: (number, self._find(number, name, find, sight)))

    def _find(self, number: int, name: str, find: Callable[[Sight], _Found], sight: Sight) -> _Found | Exception:
        if self.sight is not sight or self._answers.get(name, (0, None))[0] != number:
            return Outdated()
        try:
            return find(sight)
        except Exception as error:  # told in the window
            return error

    @Slot(object)
    def _on_found(self, result: JobResult) -> None:
        number, found = result.value
        wanted, then = self._answers.get(result.name, (0, None))
        if number != wanted or then is None or isinstance(found, Outdated):
            return
        del self._answers[result.name]
        if isinstance(found, Exception):
            self.failed.emit(found)
        else:
            then(found)


class Outdated(Exception):
    """Another model is on show, or the question was asked again."""


def make_looks(sight: Sight, latents: Tensor) -> list[Look]:
    """The looks of latents, (N, z_dim)."""
    images = sight.renderer.images(latents)
    verdicts = None if sight.judge is None else sight.judge.verdicts(images).tolist()
    return [
        Look(to_qimage(pixels), pixels, None if verdicts is None else verdicts[i])
        for i, pixels in enumerate(to_pixels(images))
    ]


def _key(z: Tensor) -> bytes:
    return z.numpy().tobytes()
