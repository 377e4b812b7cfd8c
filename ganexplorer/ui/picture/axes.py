"""The two directions that drags go along: what a person chose, and what that is in the model on show."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from torch import Tensor

from ganexplorer.core.directions import Direction, strongest_dimensions
from ganexplorer.core.errors import UserError
from ganexplorer.ui.directions.direction_finder import Find, find_local, find_pca, find_sefa
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.work.studio import Sight, Studio

AxisKind = Literal["strongest", "dimension", "named", "sefa", "pca", "local"]
Pair = tuple[Direction | None, Direction | None]  # to the right, up

FOUND: tuple[AxisKind, ...] = ("sefa", "pca", "local")  # what takes looking for
COUNT = 2  # of each of those
REST = 200  # milliseconds that z rests before it is looked for what changes the picture most there
TITLES: dict[AxisKind, str] = {"sefa": "SeFa", "pca": "PCA", "local": "Here"}


@dataclass(frozen=True, slots=True, eq=False)
class AxisChoice:
    """What a person chose for an axis.

    Attributes
    ----------
    number
        Of the dimension; for others 0 for the strongest and 1 for the one after it.
    vector
        Of a named direction, which may be renamed and stays itself.
    """

    kind: AxisKind
    number: int = 0
    vector: Tensor | None = None

    def is_same(self, other: AxisChoice) -> bool:
        return (self.kind, self.number) == (other.kind, other.number) and self.vector is other.vector


STRONGEST = (AxisChoice("strongest", 0), AxisChoice("strongest", 1))


class Axes(QObject):
    """The directions of the two axes, looked for anew when the model changes or, if they are local ones, z has moved.

    What cannot be had in the model on show (a dimension it lacks, a direction that was removed) gives way to the
    strongest dimensions; while something is being looked for, what was there before stays in place.
    """

    changed = Signal()  # one of the directions
    options_changed = Signal()  # what there is to choose from, or what is chosen
    notice = Signal(str)

    def __init__(self, document: Document, studio: Studio | None, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._studio = studio
        self.choices: list[AxisChoice] = list(STRONGEST)
        self.pair: Pair = (None, None)
        self._strongest: list[Direction] = []
        self._effects: Tensor | None = None  # (z_dim,)
        self._found: dict[AxisKind, list[Direction]] = {}  # in the model on show
        self._asked: set[AxisKind] = set()
        self._is_held = False
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self._on_rest)
        document.subject_changed.connect(self._on_subject_changed)
        document.directions_changed.connect(self._on_directions_changed)
        document.z_changed.connect(self._on_z_changed)
        if studio is not None:
            studio.changed.connect(self._on_studio_changed)

    @property
    def directions(self) -> list[Direction]:
        """Those that there are, to the right and up."""
        return [direction for direction in self.pair if direction is not None]

    @property
    def effects(self) -> Tensor | None:
        return self._effects

    def set_effects(self, effects: Tensor) -> None:
        """Measured effects of the dimensions, (z_dim,): which of them are the strongest."""
        if len(effects) == len(self._document.z):
            self._effects = effects
            self.set_strongest(strongest_dimensions(effects))

    def set_strongest(self, directions: list[Direction]) -> None:
        """What stands for the strongest dimensions."""
        self._strongest = list(directions)
        self._refresh()
        self.options_changed.emit()

    # -- choosing ------------------------------------------------------------------------------------------

    def options(self) -> list[list[tuple[str, AxisChoice]]]:
        """All that there is to choose from, in groups: a label and the choice each."""
        unknown = "none" if self._strongest else "not measured yet"  # none: of a single dimension
        strongest = [
            (f"{found.name} · {title}" if found else f"{title}: {unknown}", choice)
            for title, choice, found in zip(
                ("strongest", "second"), STRONGEST, [*self._strongest, None, None], strict=False
            )
        ]
        named = [(d.name, AxisChoice("named", 0, d.vector)) for d in self._document.directions]
        found = [] if self._studio is None else [
            (f"{TITLES[kind]} {number + 1}", AxisChoice(kind, number)) for kind in FOUND for number in range(COUNT)
        ]  # fmt: skip
        dimensions = [(f"z{i}", AxisChoice("dimension", i)) for i in range(len(self._document.z))]
        return [group for group in (strongest, named, found, dimensions) if group]

    def choose(self, which: int, choice: AxisChoice) -> None:
        """Put a choice on an axis: 0 to the right, 1 up."""
        self.choices[which] = choice
        self._look_for_missing()
        self._refresh()
        self.options_changed.emit()

    def swap(self) -> None:
        """Put each choice on the other axis."""
        self.choices.reverse()
        self._refresh()
        self.options_changed.emit()

    def hold(self) -> None:
        """Keep the axes as they are until `let_go`: they are in hand."""
        self._is_held = True

    def let_go(self) -> None:
        if self._is_held:
            self._is_held = False
            self._refresh()
            if self._uses("local"):
                self._rest.start()

    # -- from choices to directions ------------------------------------------------------------------------

    def _refresh(self) -> None:
        z = self._document.z
        is_fit = all(axis is None or axis.vector.shape == z.shape for axis in self.pair)
        if not (self._is_held and is_fit):
            right, up = (self._resolved(which) for which in (0, 1))
            self.pair = (right, up)
            self.changed.emit()

    def _resolved(self, which: int) -> Direction | None:
        choice, last, z = self.choices[which], self.pair[which], self._document.z
        if choice.kind == "dimension" and choice.number < len(z):
            effect = float(self._effects[choice.number]) if self._effects is not None else float("nan")
            vector = torch.zeros_like(z)
            vector[choice.number] = 1
            return Direction(f"z{choice.number}", vector, effect, "dimension")
        if choice.kind == "named":
            named = next((d for d in self._document.directions if d.vector is choice.vector), None)
            if named is not None:
                return named
        if choice.kind in FOUND:
            found = self._found.get(choice.kind, [])
            if choice.number < len(found):
                axis = found[choice.number]
                is_kin = last is not None and (last.origin, last.vector.shape) == (axis.origin, axis.vector.shape)
                if is_kin and last is not None and float(last.vector @ axis.vector) < 0:
                    return dataclasses.replace(axis, vector=-axis.vector)  # the sign is anyone's choice: that of before
                return axis
            if last is not None and last.vector.shape == z.shape:
                return last
        number = choice.number if choice.kind == "strongest" else which
        return self._strongest[number] if number < len(self._strongest) else None

    def _give_way(self) -> None:
        """Choices that the model on show does not have become the strongest dimensions."""
        for which, choice in enumerate(self.choices):
            is_lost = choice.kind == "dimension" and choice.number >= len(self._document.z)
            if choice.kind == "named":
                is_lost = all(d.vector is not choice.vector for d in self._document.directions)
            if is_lost:
                self.choices[which] = STRONGEST[which]

    # -- looking for some ----------------------------------------------------------------------------------

    def _uses(self, kind: AxisKind) -> bool:
        return any(choice.kind == kind for choice in self.choices)

    def _look_for_missing(self) -> None:
        for kind in FOUND:
            if self._uses(kind) and kind not in self._found and kind not in self._asked:
                self._look_for(kind)

    def _look_for(self, kind: AxisKind) -> None:
        studio, z = self._studio, self._document.z
        if studio is None or studio.sight is None or studio.sight.renderer.spec.z_dim != len(z):
            return
        finds: dict[AxisKind, Find] = {
            "sefa": lambda sight: find_sefa(sight, COUNT),
            "pca": lambda sight: find_pca(sight, COUNT),
            "local": lambda sight: find_local(sight, z, COUNT),
        }
        self._asked.add(kind)
        studio.ask(f"axes: {kind}", _told(finds[kind]), lambda found: self._on_found(kind, found), gives_up=True)

    def _on_found(self, kind: AxisKind, found: list[Direction] | str) -> None:
        self._asked.discard(kind)
        if isinstance(found, str):
            self.notice.emit(found)
            found = []
        self._found[kind] = found
        for which, choice in enumerate(self.choices):
            if choice.kind == kind and choice.number >= len(found):
                self.choices[which] = STRONGEST[which]
                if found:
                    self.notice.emit(f"This model has only {len(found)} direction of {TITLES[kind]}. Choose another.")
        self._refresh()
        self.options_changed.emit()

    # -- what changes --------------------------------------------------------------------------------------

    @Slot(object)
    def _on_subject_changed(self, subject: Subject) -> None:
        if any(len(axis.vector) != subject.spec.z_dim for axis in self._strongest):
            self._strongest, self._effects = [], None  # until they are measured again
        if any(len(axis.vector) != subject.spec.z_dim for axis in self.directions):
            self._found.clear()
        self._give_way()
        self._look_for_missing()
        self._refresh()
        self.options_changed.emit()

    @Slot()
    def _on_directions_changed(self) -> None:
        self._give_way()
        self._refresh()
        self.options_changed.emit()

    @Slot()
    def _on_studio_changed(self) -> None:
        self._found.clear()
        self._asked.clear()
        self._look_for_missing()

    @Slot(object)
    def _on_z_changed(self, _: Tensor) -> None:
        if self._uses("local"):
            self._rest.start()

    @Slot()
    def _on_rest(self) -> None:
        if not self._is_held and self._uses("local"):
            self._look_for("local")


def _told(find: Find) -> Callable[[Sight], list[Direction] | str]:
    """`find`, which returns in words why there is nothing."""

    def answer(sight: Sight) -> list[Direction] | str:
        try:
            return find(sight)
        except UserError as error:
            return str(error)

    return answer
