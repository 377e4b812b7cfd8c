"""What the window shows: a model, a z and its history, the slots A and B. Views call it and redraw on its signals."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PySide6.QtCore import QObject, Signal
from torch import Tensor

from ganexplorer.core import latent
from ganexplorer.core.latent import PathMode, Prior
from ganexplorer.core.spec import NetworkSpec

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
    def label(self) -> str:
        return self.name if self.step is None else f"{self.name}, training, step {self.step:,}"


class Document(QObject):
    """The one place that is written to; every z is a float32 tensor, (z_dim,), never changed in place."""

    subject_changed = Signal(object)  # Subject: another generator, or another step of the one in training
    z_changed = Signal(object)  # Tensor
    history_changed = Signal()
    slots_changed = Signal()
    t_changed = Signal(float)

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
        self._edit_start: Tensor | None = None
        self._random = torch.Generator().manual_seed(torch.seed() & 0x7FFFFFFF)

    @property
    def prior(self) -> Prior:
        return self.subject.prior if self.subject else Prior.normal()

    def show(self, subject: Subject) -> None:
        """Look at another generator. The latent is kept where it fits, else the first seed's is shown."""
        before, self.subject = self.subject, subject
        fits = before is not None and before.spec.z_dim == subject.spec.z_dim and before.prior == subject.prior
        self.subject_changed.emit(subject)
        if fits:
            self.z_changed.emit(self.z)
            return
        self._undo, self._redo, self._edit_start = [], [], None
        self.a = self.b = None
        self.t = 0.0
        self.z = latent.seeded(subject.prior, subject.spec.z_dim, 0)[0]
        self.history_changed.emit()
        self.slots_changed.emit()
        self.t_changed.emit(self.t)
        self.z_changed.emit(self.z)

    # -- edits ---------------------------------------------------------------------------------------------

    def begin_edit(self) -> None:
        """What follows until `end_edit` is one undo step."""
        if self._edit_start is None:
            self._edit_start = self.z

    def end_edit(self) -> None:
        start, self._edit_start = self._edit_start, None
        if start is not None and not torch.equal(start, self.z):
            self._remember(start)

    def set_z(self, z: Tensor) -> None:
        """Move to z, (z_dim,): an undo step of its own, or part of the edit in progress."""
        if torch.equal(z, self.z):
            return
        if self._edit_start is None:
            self._remember(self.z)
        self.z = z
        self.z_changed.emit(z)

    def set_dimension(self, index: int, value: float) -> None:
        z = self.z.clone()
        z[index] = value
        self.set_z(z)

    def random(self) -> None:
        """A new draw from the prior."""
        self.set_z(self.prior.sample(1, len(self.z), self._random)[0])

    def zero(self) -> None:
        """The centre of the prior."""
        self.set_z(torch.full_like(self.z, self.prior.center))

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
        self.end_edit()
        if self._undo:
            self._redo.append(self.z)
            self._go(self._undo.pop())

    def redo(self) -> None:
        self.end_edit()
        if self._redo:
            self._undo.append(self.z)
            self._go(self._redo.pop())

    def reopen_edit(self) -> None:
        """Make what follows part of the last undo step (the second click of a double click)."""
        if self._edit_start is None and self._undo:
            self._edit_start = self._undo.pop()
            self.history_changed.emit()

    def _go(self, z: Tensor) -> None:
        self.z = z
        self.history_changed.emit()
        self.z_changed.emit(z)

    def _remember(self, z: Tensor) -> None:
        self._undo = [*self._undo[-HISTORY_LENGTH:], z]
        self._redo = []
        self.history_changed.emit()

    # -- A and B -------------------------------------------------------------------------------------------

    def keep_as_a(self) -> None:
        self.a = self.z
        self.slots_changed.emit()

    def keep_as_b(self) -> None:
        self.b = self.z
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
