"""What the window shows: a model, a z and its history, the slots A and B. Views call it and redraw on its signals."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PySide6.QtCore import QObject, Signal
from torch import Tensor

from ganexplorer.core import latent
from ganexplorer.core.latent import PathMode, Prior
from ganexplorer.core.spec import NetworkSpec
from ganexplorer.ui.latent_space import LatentSpace, carry, difference

HISTORY_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Subject:
    """The generator that is looked at."""

    name: str
    spec: NetworkSpec
    step: int | None = None  # of a generator in training

    @property
    def prior(self) -> Prior:
        assert self.spec.prior is not None
        return self.spec.prior

    @property
    def space(self) -> LatentSpace:
        return LatentSpace(self.spec.z_dim, self.prior)

    @property
    def label(self) -> str:
        return self.name if self.step is None else f"{self.name}, training, step {self.step:,}"


@dataclass(frozen=True, slots=True)
class _Latents:
    """All that a person has in one latent space."""

    z: Tensor
    a: Tensor | None
    b: Tensor | None
    undo: list[Tensor]
    redo: list[Tensor]

    def carried(self, before: LatentSpace, after: LatentSpace) -> _Latents:
        """The same in another space; what was one tensor stays one."""
        slots = [z for z in (self.a, self.b) if z is not None]
        distinct = {id(z): z for z in (self.z, *slots, *self.undo, *self.redo)}
        rows = carry(torch.stack(list(distinct.values())), before, after)
        new = {key: row.clone() for key, row in zip(distinct, rows, strict=True)}
        return _Latents(
            new[id(self.z)],
            None if self.a is None else new[id(self.a)],
            None if self.b is None else new[id(self.b)],
            [new[id(z)] for z in self.undo],
            [new[id(z)] for z in self.redo],
        )


class Document(QObject):
    """The one place that is written to; every z is a float32 tensor, (z_dim,), never changed in place."""

    subject_changed = Signal(object)  # Subject: another generator, or another step of the one in training
    z_changed = Signal(object)  # Tensor
    history_changed = Signal()
    slots_changed = Signal()
    t_changed = Signal(float)
    adapted = Signal(str)  # a sentence: another latent space, and what of z was lost on the way

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.subject: Subject | None = None
        self.z = torch.zeros(0)
        self.a: Tensor | None = None
        self.b: Tensor | None = None
        self.t = 0.0
        self.mode: PathMode = "slerp"
        self._undo: list[Tensor] = []
        self._redo: list[Tensor] = []
        self._editors: set[object] = set()  # who is in mid-edit
        self._edit_start = self.z  # z itself while there are none
        self._left: dict[LatentSpace, _Latents] = {}  # as they were left, until the person moves
        self._random = torch.Generator().manual_seed(torch.seed() & 0x7FFFFFFF)

    @property
    def prior(self) -> Prior:
        return self.subject.prior if self.subject else Prior.normal()

    def show(self, subject: Subject) -> None:
        """Look at another generator. In its latent space z, A, B and the history are those of before, or resemble them.

        Back in a space that was left, and nothing moved since: they are exactly those that were left there.
        """
        before, self.subject = self.subject, subject
        words = ""
        is_same = before is not None and before.space == subject.space
        if before is None:
            self.z = self._edit_start = latent.seeded(subject.prior, subject.spec.z_dim, 0)[0]
        elif not is_same:
            words = self._enter(before.space, subject.space)
        self.subject_changed.emit(subject)
        if not is_same:
            self.history_changed.emit()
            self.slots_changed.emit()
            self.t_changed.emit(self.t)
        self.z_changed.emit(self.z)
        if words:
            self.adapted.emit(words)

    def _enter(self, before: LatentSpace, after: LatentSpace) -> str:
        """Take everything to another space; returns what could not be kept, in words."""
        self._remember_edit()  # what was in hand is a step in the space that it was made in
        latents = self._left[before] = _Latents(self.z, self.a, self.b, self._undo, self._redo)
        known = self._left.get(after)
        latents = known or latents.carried(before, after)
        self.z = self._edit_start = latents.z
        self.a, self.b = latents.a, latents.b
        self._undo, self._redo = list(latents.undo), list(latents.redo)
        return "" if known else difference(before, after)

    # -- edits ---------------------------------------------------------------------------------------------

    def begin_edit(self, editor: object) -> None:
        """What follows until `end_edit` of the same editor is one undo step; edits that overlap are one together."""
        self._editors.add(editor)

    def end_edit(self, editor: object) -> None:
        if editor in self._editors:
            self._editors.remove(editor)
            if not self._editors:
                self._remember_edit()

    def cancel_edit(self, editor: object) -> None:
        """Go back to where the edit in progress began."""
        if editor in self._editors:
            self.set_z(self._edit_start)

    def set_z(self, z: Tensor) -> None:
        """Move to z, (z_dim,): an undo step of its own, or part of the edit in progress."""
        if torch.equal(z, self.z):
            return
        if not self._editors:
            self._remember(self.z)
            self._edit_start = z
        self._left.clear()
        self.z = z
        self.z_changed.emit(z)

    def set_dimension(self, index: int, value: float) -> None:
        z = self.z.clone()
        z[index] = value
        self.set_z(z)

    def random(self) -> None:
        """A new draw from the prior."""
        self._leap(self.prior.sample(1, len(self.z), self._random)[0])

    def zero(self) -> None:
        """The centre of the prior."""
        self._leap(torch.full_like(self.z, self.prior.center))

    def move(self, start: Tensor, along: list[tuple[Tensor, float]]) -> None:
        """Go to `start` plus amounts of directions, (vector, amount) each."""
        z = start.clone()
        for vector, amount in along:
            z += vector * amount
        self.set_z(z)

    def scale(self, factor: float) -> None:
        """Change the distance from the prior's centre."""
        self.set_z(latent.truncate(self.z, self.prior, factor))

    # -- history -------------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo)

    def undo(self) -> None:
        self._remember_edit()
        if self._undo:
            self._redo.append(self.z)
            self._go(self._undo.pop())

    def redo(self) -> None:
        self._remember_edit()
        if self._redo:
            self._undo.append(self.z)
            self._go(self._redo.pop())

    def reopen_edit(self, editor: object, start: Tensor) -> None:
        """As `begin_edit`, but part of the last undo step if that began at `start` (a double click)."""
        self.begin_edit(editor)
        if len(self._editors) == 1 and self._undo and self._undo[-1] is start:
            self._edit_start = self._undo.pop()
            self.history_changed.emit()

    def _leap(self, z: Tensor) -> None:
        """Move to z in an undo step of its own, in mid-edit too."""
        self._remember_edit()
        self.set_z(z)
        self._remember_edit()

    def _remember_edit(self) -> None:
        """Make a step of what the edit in progress, or just ended, did so far."""
        start, self._edit_start = self._edit_start, self.z
        if start is not self.z and not torch.equal(start, self.z):
            self._remember(start)

    def _go(self, z: Tensor) -> None:
        self.z = self._edit_start = z
        self._left.clear()
        self.history_changed.emit()
        self.z_changed.emit(z)

    def _remember(self, z: Tensor) -> None:
        self._undo = [*self._undo[-HISTORY_LENGTH:], z]
        self._redo = []
        self.history_changed.emit()

    # -- A and B -------------------------------------------------------------------------------------------

    def keep_as_a(self) -> None:
        self.a = self.z
        self._left.clear()
        self.slots_changed.emit()

    def keep_as_b(self) -> None:
        self.b = self.z
        self._left.clear()
        self.slots_changed.emit()

    def set_mode(self, mode: PathMode) -> None:
        self.mode = mode
        self.slots_changed.emit()
        if self.a is not None and self.b is not None:
            self.set_t(self.t)

    def set_t(self, t: float) -> None:
        """Go to the point at t, [0, 1], of the path from A to B."""
        self.t = t
        self.t_changed.emit(t)
        if self.a is not None and self.b is not None:
            self.set_z(latent.interpolate(self.a, self.b, t, self.mode, self.prior))
