"""Pictures and findings that views ask for about the model on show, made in threads of their own."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from PySide6.QtCore import QObject, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage
from torch import Tensor

from ganexplorer.core.judge import Judge
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import batch_size
from ganexplorer.core.render import MAX_BATCH, Pixels, Renderer, to_pixels
from ganexplorer.ui.picture.canvas import to_qimage
from ganexplorer.ui.work.workers import JobResult, JobThread

MOST_LOOKS = 3000  # kept at once
LOOK_BYTES = 256 * 1024**2  # of all that are kept
LOOK_SIDE = 256  # pixels: larger pictures are kept smaller, as no view shows them larger
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
    """The picture of a latent, and D's verdict on it where there is a discriminator.

    At its own size, but for a picture with a side above `LOOK_SIDE`, which is made smaller.
    """

    image: QImage
    pixels: Pixels  # (H, W) or (H, W, 3)
    verdict: float | None

    @property
    def size(self) -> int:
        """Bytes."""
        return self.image.sizeInBytes() + int(self.pixels.nbytes)


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
        self._looking.submit("looks", lambda: (sight, keys, _looks_or_error(sight, latents)))

    @Slot(object)
    def _on_looked(self, result: JobResult) -> None:
        sight, keys, looks = result.value
        if sight is not self.sight:
            if self.sight is not None:
                self._soon.start()
            return
        self._in_hand.clear()
        if isinstance(looks, Exception):
            self._wanted.clear()
            self.failed.emit(looks)
            return
        self._looks.update(zip(keys, looks, strict=True))
        most = min(MOST_LOOKS, LOOK_BYTES // looks[0].size)  # all are of one model, and so of one size
        while len(self._looks) > most:
            self._looks.popitem(last=False)
        if self._wanted:
            self._soon.start()
        self.arrived.emit()

    # -- anything else -------------------------------------------------------------------------------------

    def ask(
        self, name: str, find: Callable[[Sight], _Found], then: Callable[[_Found], None], gives_up: bool = False
    ) -> None:
        """Run `find` in a thread and hand its result to `then`, in the thread of the window.

        A later question of the same name replaces one that is not answered yet. Nothing is answered once another
        model is on show; what `find` raises is told in the window (`failed`).

        `find` may take long: its renderer raises `Outdated` once the window closes or another latent space is on show,
        and if it `gives_up`, as soon as its answer is not wanted any more.
        """
        sight = self.sight
        if sight is None:
            return
        number = next(self._count)
        self._answers[name] = (number, then)

        def is_asked() -> bool:
            return self.sight is sight and self._answers.get(name, (0, None))[0] == number

        def is_of_use() -> bool:
            return self.sight is not None and _space(self.sight) == _space(sight)

        revocable = dataclasses.replace(sight, renderer=_Revocable(sight.renderer, is_asked if gives_up else is_of_use))
        self._finding.submit(name, lambda: (number, _found(find, revocable) if is_asked() else Outdated()))

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


class _Revocable(Renderer):
    """The same renderer, which gives up between two batches once nobody wants its pictures."""

    def __init__(self, renderer: Renderer, is_wanted: Callable[[], bool]) -> None:
        vars(self).update(vars(renderer))
        self._is_wanted = is_wanted

    def images(self, z: Tensor) -> Tensor:
        made = []
        for chunk in torch.split(z, batch_size(self.spec, MAX_BATCH)):  # as the renderer itself does
            if not self._is_wanted():
                raise Outdated
            made.append(super().images(chunk))
        return torch.cat(made) if len(made) > 1 else made[0]


def _found(find: Callable[[Sight], _Found], sight: Sight) -> _Found | Exception:
    try:
        return find(sight)
    except Exception as error:  # told in the window
        return error


def _space(sight: Sight) -> tuple[int, Prior | None]:
    return sight.renderer.spec.z_dim, sight.renderer.spec.prior


def _looks_or_error(sight: Sight, latents: Tensor) -> list[Look] | Exception:
    try:
        return make_looks(sight, latents)
    except Exception as error:  # told in the window
        return error


def make_looks(sight: Sight, latents: Tensor) -> list[Look]:
    """The looks of latents, (N, z_dim)."""
    images = sight.renderer.images(latents)
    verdicts = None if sight.judge is None else sight.judge.verdicts(images).tolist()
    return [_look(pixels, None if verdicts is None else verdicts[i]) for i, pixels in enumerate(to_pixels(images))]


def _look(pixels: Pixels, verdict: float | None) -> Look:
    image, side = to_qimage(pixels), max(pixels.shape[:2])
    if side > LOOK_SIDE:
        size = QSize(LOOK_SIDE, LOOK_SIDE)
        image = image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        step = math.ceil(side / LOOK_SIDE)
        pixels = pixels[::step, ::step].copy()  # not a view, which would hold all of them
    return Look(image, pixels, verdict)


def _key(z: Tensor) -> bytes:
    return z.numpy().tobytes()
