"""What takes time to know about the path of the morph: its curves, and a pace of equal steps of the picture."""

from __future__ import annotations

import torch
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from torch import Tensor

from ganexplorer.core.networks import batch_size
from ganexplorer.core.paths import LatentPath
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.morph.path_plot import PathPicture, picture_of
from ganexplorer.ui.morph.playing import Player, reach_of
from ganexplorer.ui.work.studio import Outdated, Sight, Studio

PACE_BATCH = 64  # pictures at once while equal steps are measured


class PathStudy(QObject):
    """Asks the studio again whenever the path, its options or the model changed."""

    drawn = Signal(object)  # PathPicture
    measuring = Signal(bool)  # whether equal steps are being found out

    def __init__(self, document: Document, studio: Studio, player: Player, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._studio = studio
        self._player = player
        self._drawn: tuple[LatentPath, float, Sight] | None = None  # what the curves are of
        self._last: LatentPath | None = None  # with equal steps, of this model or the one before
        self._paced: tuple[LatentPath, Sight] | None = None  # the same, and the model that they are equal of
        self._measured: tuple[LatentPath, Sight] | None = None  # whose equal steps are being found out
        self._is_to_follow = False
        # questions wait for the end of what is being changed: document and studio get another model one by one
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._ask)
        studio.changed.connect(self.refresh)

    @Slot()
    def refresh(self) -> None:
        """Ask, soon, for what is not known."""
        self._soon.start()

    def follow(self) -> None:
        """Let z go where t is on the path with equal steps that is being asked for: a person changed an option."""
        self._is_to_follow = True

    def stop(self) -> None:
        self._soon.stop()
        self._measured = None

    def keep_pace(self) -> bool:
        """Give a path the pace that the same one had under the model before, until it is measured again.

        Returns whether the document was changed.
        """
        path, last = self._document.path, self._last
        if not self._document.morph.even or path is None or path.pace is not None:
            return False
        if last is None or last.pace is None or not _is_same(path, last):  # no pace: still pictures
            return False
        self._document.set_pace(path, last)
        return True

    @Slot()
    def _ask(self) -> None:
        path, sight, morph = self._document.path, self._studio.sight, self._document.morph
        if path is None or sight is None or sight.renderer.spec.z_dim != len(path.keys[0]):
            self._drawn = self._measured = None
        else:
            drawn = (path, reach_of(morph), sight)
            if drawn != self._drawn:
                self._drawn = drawn
                self._studio.ask(
                    "morph curves",
                    lambda sight: picture_of(drawn[0], drawn[1], sight),
                    lambda picture: self._on_drawn(drawn, picture),
                    gives_up=True,
                )
            wanted = (path, sight) if morph.even and self._paced != (path, sight) else None
            is_new, self._measured = wanted != self._measured, wanted
            if wanted is not None and is_new:
                self._studio.ask(
                    "morph pace", lambda sight: self._evenly(wanted), lambda paced: self._on_paced(wanted, paced)
                )
        self.measuring.emit(self._measured is not None)

    def _on_drawn(self, drawn: tuple[LatentPath, float, Sight], picture: PathPicture) -> None:
        if drawn == self._drawn:
            self.drawn.emit(picture)

    def _evenly(self, wanted: tuple[LatentPath, Sight]) -> LatentPath:
        """In the studio's thread: the path with equal steps of the picture; given up once another is wanted."""
        path, sight = wanted

        def images(z: Tensor) -> Tensor:
            if self._measured != wanted or self._studio.sight is not sight:
                raise Outdated
            return sight.renderer.images(z)

        return path.evenly(images, chunk_size=batch_size(sight.renderer.spec, PACE_BATCH))

    def _on_paced(self, wanted: tuple[LatentPath, Sight], paced: LatentPath) -> None:
        before, sight = wanted
        if wanted != self._measured or before is not self._document.path:
            return
        self._measured = None
        self._last, self._paced = paced, (paced, sight)
        follows, self._is_to_follow = self._is_to_follow, False
        t = self._document.t
        was_there = torch.equal(before.at(t), self._document.z)
        self._document.set_pace(before, paced)
        if follows and was_there:
            with self._player.as_own():
                self._document.set_t(t)


def _is_same(path: LatentPath, other: LatentPath) -> bool:
    """Whether two paths differ in nothing but their pace."""
    return (
        (path.mode, path.prior, path.loop, path.spline) == (other.mode, other.prior, other.loop, other.spline)
        and len(path.keys) == len(other.keys)
        and all(x is y for x, y in zip(path.keys, other.keys, strict=True))
    )
