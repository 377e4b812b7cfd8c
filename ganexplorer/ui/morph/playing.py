"""Playing the morph: t as time goes by."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from torch import Tensor

from ganexplorer.core.state import Morph
from ganexplorer.ui.editing.document import Document

FRAME_MILLISECONDS = 16


class Player(QObject):
    """Moves t by the clock, in one undo step, until it is stopped or something else moves z."""

    playing = Signal(bool)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._timer = QTimer(self, interval=FRAME_MILLISECONDS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._advance)
        self._phase, self._ticked = 0.0, 0.0  # ways gone, and when that was
        self._is_own = False
        self._played = document.z  # what play put there last
        document.z_changed.connect(self._on_z_changed)

    @property
    def is_playing(self) -> bool:
        return self._timer.isActive()

    def start(self) -> None:
        """Go on from where t is."""
        if not self.is_playing:
            self.resume_from_t()
            self._played = self._document.z
            self._document.begin_edit(self)
            self._timer.start()
            self.playing.emit(True)

    def stop(self) -> None:
        if self.is_playing:
            self._timer.stop()
            self._document.end_edit(self)
            self.playing.emit(False)

    def resume_from_t(self) -> None:
        """Count from where t is, as when the way that play goes has changed."""
        self._phase = phase_of(self._document.t, self._document.morph)
        self._ticked = time.perf_counter()

    @contextmanager
    def as_own(self) -> Iterator[None]:
        """What moves z inside the block does not end play."""
        self._is_own = True
        try:
            yield
        finally:
            self._is_own = False
            self._played = self._document.z

    @Slot()
    def _advance(self) -> None:
        now, before = time.perf_counter(), self._ticked
        self._ticked = now
        morph = self._document.morph
        self._phase += (now - before) / morph.seconds
        with self.as_own():
            self._document.set_t(played(self._phase, morph))

    @Slot(object)
    def _on_z_changed(self, z: Tensor) -> None:
        """Whatever else moves z ends play, which would undo it in the next frame; another generator alone does not."""
        if not self._is_own and z is not self._played:
            self.stop()


def reach_of(morph: Morph) -> float:
    """How far beyond both ends play, slider and film go; a loop has no ends."""
    return 0.0 if morph.loop else morph.reach


def played(phase: float, morph: Morph) -> float:
    """t after `phase` times `Morph.seconds` of play from the start: around, there and back, or again and again."""
    reach = reach_of(morph)
    width = 1 + 2 * reach
    if morph.loop or not morph.ping_pong:
        return phase % width - reach
    way = phase % (2 * width)
    return min(way, 2 * width - way) - reach


def phase_of(t: float, morph: Morph) -> float:
    """The first phase at which play is at t, or at the end that is nearest to it."""
    reach = reach_of(morph)
    return t % 1 if morph.loop else min(max(t + reach, 0.0), 1 + 2 * reach)
