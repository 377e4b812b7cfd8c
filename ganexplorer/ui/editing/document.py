"""What the window shows: a model, and the state that a person made. Views call it and redraw on its signals."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from PySide6.QtCore import QObject, Signal
from torch import Tensor

from ganexplorer.core import latent
from ganexplorer.core.directions import Direction
from ganexplorer.core.latent import PathMode, Prior
from ganexplorer.core.paths import LatentPath
from ganexplorer.core.spec import NetworkSpec
from ganexplorer.core.state import Bookmark, Gallery, Morph, Share, State, fits
from ganexplorer.ui.editing.edits import Edits, Work, is_equal
from ganexplorer.ui.editing.history import History
from ganexplorer.ui.editing.latent_space import LatentSpace, difference

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class Subject:
    """The generator that is looked at."""

    name: str
    spec: NetworkSpec
    step: int | None = None  # of a generator in training
    directions: tuple[Direction, ...] = dataclasses.field(default=(), compare=False)  # that come with the model
    snapshot: int | None = None  # the step at which a run kept it

    @property
    def prior(self) -> Prior:
        assert self.spec.prior is not None
        return self.spec.prior

    @property
    def space(self) -> LatentSpace:
        return LatentSpace(self.spec.z_dim, self.prior)

    @property
    def label(self) -> str:
        if self.step is not None:
            return f"{self.name}, training, step {self.step:,}"
        return self.name if self.snapshot is None else f"{self.name}, step {self.snapshot:,}"


class Document(QObject):
    """The one place that is written to: each edit replaces the state; undo puts an earlier one back, bit for bit."""

    subject_changed = Signal(object)  # Subject: another generator, or another step of the one in training
    z_changed = Signal(object)  # Tensor
    history_changed = Signal()  # undo and redo, the tree, or where z is in it
    slots_changed = Signal()  # A, B, the key frames between them, or how they are joined
    t_changed = Signal(float)
    truncation_changed = Signal(float)
    locks_changed = Signal()
    directions_changed = Signal()
    bookmarks_changed = Signal()
    stars_changed = Signal()
    basket_changed = Signal()
    gallery_changed = Signal()
    adapted = Signal(str)  # a sentence: another latent space, and what of z was lost on the way

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.subject: Subject | None = None
        self.t = 0.0
        self.morph = Morph()
        self.gallery = Gallery()
        self._edits = Edits(self._on_change, self.history_changed.emit)
        self._path: LatentPath | None = None  # of the keys and `morph`; None: to be made
        self._untruncated: tuple[Tensor, Tensor] | None = None  # z, and what it would be at truncation 1
        self._soloed: tuple[int, Tensor, Tensor] | None = None  # dimension, z before and after
        self._left: dict[LatentSpace, Work] = {}  # as they were left, until the person moves
        self._random = torch.Generator().manual_seed(torch.seed() & 0x7FFFFFFF)

    # -- what there is -------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self._edits.state

    @property
    def history(self) -> History:
        return self._edits.history

    @property
    def z(self) -> Tensor:
        return self.state.z

    @property
    def prior(self) -> Prior:
        return self.subject.prior if self.subject else Prior.normal()

    @property
    def a(self) -> Tensor | None:
        return self.state.a

    @property
    def b(self) -> Tensor | None:
        return self.state.b

    @property
    def keys(self) -> tuple[Tensor, ...]:
        """The key frames of the morph, from A to B."""
        return self.state.keys

    @property
    def truncation(self) -> float:
        return self.state.truncation

    @property
    def locked(self) -> frozenset[int]:
        return self.state.locked

    @property
    def unit(self) -> float:
        """What amounts of a direction are counted in: the prior's standard deviation, or 1 where it has none."""
        return self.prior.std or 1.0

    # -- models --------------------------------------------------------------------------------------------

    def show(self, subject: Subject) -> None:
        """Look at another generator. In its latent space z, A, B and the history are those of before, or resemble them.

        Back in a space that was left, and nothing moved since: they are exactly those that were left there.
        """
        before, self.subject = self.subject, subject
        words = ""
        is_same_space = before is not None and before.space == subject.space
        if before is None:
            history = History()
            z = latent.seeded(subject.prior, subject.spec.z_dim, 0)[0]
            self._edits.use(Work(State(z, history.add(None, z)), history=history))
        elif not is_same_space:
            words = self._enter(before.space, subject.space)
        self._path = None
        self.subject_changed.emit(subject)
        if not is_same_space:
            self._announce_all()
        self._bring_directions()
        self.z_changed.emit(self.z)
        if words:
            self.adapted.emit(words)

    def restore(self, state: State, history: History, morph: Morph, gallery: Gallery) -> None:
        """Go on from a saved session, in the space of the model on show; undo begins anew."""
        self._edits.stop()
        self._left.clear()
        self._edits.use(Work(state, history=history))
        self.morph, self.gallery = morph, gallery
        self._path = self._untruncated = self._soloed = None
        self._announce_all()
        self._bring_directions()
        self.gallery_changed.emit()
        self.z_changed.emit(self.z)

    def _enter(self, before: LatentSpace, after: LatentSpace) -> str:
        """Take everything to another space; returns what could not be kept, in words."""
        work = self._left[before] = self._edits.work
        known = self._left.get(after)
        self._edits.use(known or work.carried(before, after))
        self._untruncated = self._soloed = None
        return "" if known else difference(before, after)

    def _bring_directions(self) -> None:
        """Those that come with the model on show, in place of those that came with another."""
        assert self.subject is not None
        brought = self.subject.directions

        def change(state: State) -> State:
            own = tuple(direction for direction in state.directions if direction.origin != "model")
            return dataclasses.replace(state, directions=(*brought, *own))

        if {id(d) for d in brought} != {id(d) for d in self.state.directions if d.origin == "model"}:
            self._edits.amend(change)
            self.directions_changed.emit()

    def _announce_all(self) -> None:
        for signal in (
            self.history_changed,
            self.slots_changed,
            self.locks_changed,
            self.directions_changed,
            self.bookmarks_changed,
            self.stars_changed,
            self.basket_changed,
        ):
            signal.emit()
        self.t_changed.emit(self.t)
        self.truncation_changed.emit(self.truncation)

    # -- edits ---------------------------------------------------------------------------------------------

    def begin_edit(self, editor: object) -> None:
        """What follows until `end_edit` of the same editor is one undo step; edits that overlap are one together."""
        self._edits.begin(editor)

    def end_edit(self, editor: object) -> None:
        self._edits.end(editor)

    def cancel_edit(self, editor: object) -> None:
        """Go back to where the edit in progress began."""
        self._edits.cancel(editor)

    def reopen_edit(self, editor: object, start: Tensor) -> None:
        """As `begin_edit`, but part of the last undo step if that began at z `start` (a double click)."""
        self._edits.reopen(editor, start)

    @property
    def is_touched(self) -> bool:
        """Whether there is anything to lose: a step from the first latent, anything kept, a setting changed."""
        state = self.state
        has_kept = bool(
            state.truncation != 1 or state.keys or state.locked or state.bookmarks or state.stars or state.basket
        )
        has_moved = len(self.history) > 1 or self.can_undo or self.can_redo
        return has_moved or has_kept or (self.morph, self.gallery) != (Morph(), Gallery())

    @property
    def can_undo(self) -> bool:
        return self._edits.can_undo

    @property
    def can_redo(self) -> bool:
        return self._edits.can_redo

    def undo(self) -> None:
        self._edits.undo()

    def redo(self) -> None:
        self._edits.redo()

    def visit(self, number: int) -> None:
        """Go to the z of a step of the history; what was made after it stays. An undo step."""
        self._edits.visit(number)

    def change(self, **fields: Any) -> None:
        """Replace fields of the state: an undo step of its own, or part of the edit in progress."""
        self._edits.change(dataclasses.replace(self.state, **fields))

    def _on_change(self, before: State, after: State) -> None:
        """Tell who shows what differs."""
        self._left.clear()
        if any(not is_equal(getattr(before, name), getattr(after, name)) for name in ("a", "b", "middle")):
            self._path = None
            self.slots_changed.emit()
        for name, signal in (
            ("locked", self.locks_changed),
            ("directions", self.directions_changed),
            ("bookmarks", self.bookmarks_changed),
            ("stars", self.stars_changed),
            ("basket", self.basket_changed),
        ):
            if getattr(before, name) is not getattr(after, name):
                signal.emit()
        if before.truncation != after.truncation:
            self.truncation_changed.emit(after.truncation)
        if before.z is not after.z:
            self.z_changed.emit(after.z)

    # -- moving z ------------------------------------------------------------------------------------------

    def set_z(self, z: Tensor) -> None:
        """Move to z, (z_dim,), locked dimensions too; not to one that overflowed."""
        if not torch.equal(z, self.z) and z.isfinite().all():
            self.change(z=z)

    def leap(self, z: Tensor) -> None:
        """Move to z in an undo step of its own, in mid-edit too."""
        if not torch.equal(z, self.z) and z.isfinite().all():
            self._edits.leap(z=z)

    def set_dimension(self, index: int, value: float) -> None:
        """Move one dimension, if it is not locked."""
        if index not in self.locked:
            z = self.z.clone()
            z[index] = value
            self.set_z(z)

    def random(self) -> None:
        """A new draw from the prior, truncated."""
        drawn = self.prior.sample(1, len(self.z), self._random)[0]
        self.leap(self._held(latent.truncate(drawn, self.prior, self.truncation)))
        self._untruncated = (self.z, drawn)

    def zero(self) -> None:
        """The centre of the prior."""
        self.leap(self._held(torch.full_like(self.z, self.prior.center)))

    def move(self, start: Tensor, along: list[tuple[Tensor, float]]) -> None:
        """Go to `start` plus amounts of directions, (vector, amount) each."""
        z = start.clone()
        for vector, amount in along:
            z += vector * amount
        self.set_z(self._held(z))

    def scale(self, factor: float) -> None:
        """Change the distance from the prior's centre."""
        self.set_z(self._held(latent.truncate(self.z, self.prior, factor)))

    def set_truncation(self, truncation: float) -> None:
        """Truncate what is drawn from now on, and z as if it had been drawn so."""
        if truncation == self.truncation:
            return
        if self._untruncated is not None and self._untruncated[0] is self.z:
            base = self._untruncated[1]
        else:
            base = self.z if abs(self.truncation) < 1e-3 else latent.truncate(self.z, self.prior, 1 / self.truncation)
        z = self._held(latent.truncate(base, self.prior, truncation))
        self.change(truncation=truncation, z=z if z.isfinite().all() else self.z)
        self._untruncated = (self.z, base)

    def set_locks(self, locked: frozenset[int]) -> None:
        """Which dimensions stay as they are, whatever moves z but undo and going to a latent that was kept."""
        if locked != self.locked:
            self.change(locked=locked)

    def solo(self, dimension: int) -> None:
        """Put every other dimension to the prior's centre; once more: back to where they were."""
        others = torch.arange(len(self.z)) != dimension
        last, self._soloed = self._soloed, None
        if last is not None and last[0] == dimension and torch.equal(last[2][others], self.z[others]):
            z = torch.where(others, last[1], self.z)
        else:
            z = self._held(torch.where(others, self.prior.center, self.z))
            self._soloed = (dimension, self.z, z)
        self.leap(z)

    def amount_along(self, direction: Direction) -> float:
        """How far z is from the prior's centre along a direction, in units of `unit`."""
        return float((self.z - self.prior.center) @ direction.vector) / self.unit

    def set_amount(self, direction: Direction, amount: float) -> None:
        """Move along a direction, but for what is locked of it, until `amount_along` is `amount`."""
        free = float(self._held(self.z + direction.vector).sub(self.z).square().sum())  # 1 if nothing is locked
        if free > 1e-6:
            missing = (amount - self.amount_along(direction)) * self.unit
            self.move(self.z, [(direction.vector, missing / free)])

    def _held(self, z: Tensor) -> Tensor:
        """z with the locked dimensions as they are."""
        if not self.locked:
            return z
        is_locked = torch.tensor([i in self.locked for i in range(len(z))])
        return torch.where(is_locked, self.z, z)

    # -- key frames ----------------------------------------------------------------------------------------

    def keep_as_a(self) -> None:
        self.change(a=self.z)

    def keep_as_b(self) -> None:
        self.change(b=self.z)

    def add_key(self, z: Tensor | None = None, at: int | None = None) -> None:
        """Put z, by default the one on show, between A and B: before the key `at` of those, or as the last of them."""
        middle = list(self.state.middle)
        middle.insert(len(middle) if at is None else at, self.z if z is None else z)
        self.change(middle=tuple(middle))

    def set_keys(self, a: Tensor | None, middle: tuple[Tensor, ...], b: Tensor | None) -> None:
        """All key frames at once, as after one was moved or removed."""
        self.change(a=a, middle=middle, b=b)

    def set_mode(self, mode: PathMode) -> None:
        self.set_morph(mode=mode)

    def set_morph(self, **changes: Any) -> None:
        """Change how the key frames are joined or played (fields of `Morph`); z follows its t. Not an undo step."""
        self.morph = dataclasses.replace(self.morph, **changes)
        is_path = bool({"mode", "loop", "spline", "even"} & changes.keys())
        if is_path:
            self._path = None
        self.slots_changed.emit()
        if is_path and self.path is not None:
            self.set_t(self.t)

    @property
    def path(self) -> LatentPath | None:
        """Through the key frames; None where there are fewer than two."""
        if self._path is None and len(self.keys) > 1:
            self._path = LatentPath(self.keys, self.morph.mode, self.prior, self.morph.loop, self.morph.spline)
        return self._path

    def set_pace(self, before: LatentPath, paced: LatentPath) -> None:
        """Use `paced`, made of the path `before` with equal perceptual steps, if that is still the path."""
        if before is self._path:
            self._path = paced
            self.slots_changed.emit()

    def set_t(self, t: float) -> None:
        """Go to the point at t of the path: [0, 1] from the first key to the last, or beyond."""
        self.t = t
        self.t_changed.emit(t)
        path = self.path
        if path is not None:
            self.set_z(path.at(t))

    # -- what is kept: of each kind, what fits the z_dim of the model on show; the rest waits for its own ----

    @property
    def directions(self) -> list[Direction]:
        return [direction for direction in self.state.directions if fits(direction.vector, self.z)]

    @property
    def bookmarks(self) -> list[Bookmark]:
        return [bookmark for bookmark in self.state.bookmarks if fits(bookmark.z, self.z)]

    @property
    def stars(self) -> list[Tensor]:
        return [z for z in self.state.stars if fits(z, self.z)]

    @property
    def basket(self) -> list[Share]:
        return [share for share in self.state.basket if fits(share.z, self.z)]

    def set_directions(self, directions: list[Direction]) -> None:
        self.change(directions=_replaced(self.state.directions, self.directions, directions))

    def set_bookmarks(self, bookmarks: list[Bookmark]) -> None:
        self.change(bookmarks=_replaced(self.state.bookmarks, self.bookmarks, bookmarks))

    def set_stars(self, stars: list[Tensor]) -> None:
        self.change(stars=_replaced(self.state.stars, self.stars, stars))

    def set_basket(self, basket: list[Share]) -> None:
        self.change(basket=_replaced(self.state.basket, self.basket, basket))

    def set_gallery(self, **changes: Any) -> None:
        """Change which samples the gallery shows (fields of `Gallery`). Not an undo step."""
        before, self.gallery = self.gallery, dataclasses.replace(self.gallery, **changes)
        if self.gallery != before:
            self.gallery_changed.emit()


def _replaced(kept: tuple[_Kept, ...], old: list[_Kept], new: list[_Kept]) -> tuple[_Kept, ...]:
    """`kept` without `old`, and `new` at its end."""
    gone = {id(item) for item in old}
    return (*(item for item in kept if id(item) not in gone), *new)
