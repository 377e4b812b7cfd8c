"""Undo: states that are replaced, what is one step, and the way back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganexplorer.core.state import State, is_same, with_latents
from ganexplorer.ui.editing.history import History
from ganexplorer.ui.editing.latent_space import LatentSpace, carry

UNDO_LENGTH = 500


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """All that a person has in one latent space."""

    state: State
    undo: tuple[State, ...] = ()
    redo: tuple[State, ...] = ()
    history: History = dataclasses.field(default_factory=History)

    def carried(self, before: LatentSpace, after: LatentSpace) -> Work:
        """The same in another space; what was one tensor stays one."""
        states = (self.state, *self.undo, *self.redo)
        latents = [z for state in states for z in (state.z, *state.keys)] + [step.z for step in self.history]
        distinct = {id(z): z for z in latents}
        rows = carry(torch.stack(list(distinct.values())), before, after)
        new = {key: row.clone() for key, row in zip(distinct, rows, strict=True)}
        return Work(
            with_latents(self.state, new),
            tuple(with_latents(state, new) for state in self.undo),
            tuple(with_latents(state, new) for state in self.redo),
            self.history.with_latents(new),
        )


class Edits:
    """The state and how it came about.

    Undo and redo put whole states back. The history is a tree of every z that was stayed at: going back and then
    elsewhere makes a branch and loses nothing.

    Parameters
    ----------
    on_change
        Told the state before and the state after, whenever another one is put.
    on_history
        Called when there is more or less to undo, or the history grew.
    """

    def __init__(self, on_change: Callable[[State, State], None], on_history: Callable[[], None]) -> None:
        self.state = State(torch.zeros(0))
        self.history = History()
        self._on_change = on_change
        self._on_history = on_history
        self._undo: list[State] = []
        self._redo: list[State] = []
        self._editors: set[object] = set()  # who is in mid-edit
        self._start = self.state  # where the edit in progress began; the state itself while there is none

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo)

    @property
    def work(self) -> Work:
        """All there is; what is in hand becomes a step."""
        self.commit()
        return Work(self.state, tuple(self._undo), tuple(self._redo), self.history)

    def use(self, work: Work) -> None:
        """Go on from other work, without telling."""
        self.state = self._start = work.state
        self._undo, self._redo = list(work.undo), list(work.redo)
        self.history = work.history

    def begin(self, editor: object) -> None:
        self._editors.add(editor)

    def end(self, editor: object) -> None:
        if editor in self._editors:
            self._editors.remove(editor)
            if not self._editors:
                self.commit()

    def cancel(self, editor: object) -> None:
        """Go back to where the edit in progress began."""
        if editor in self._editors:
            self._put(self._start)

    def stop(self) -> None:
        """Nobody is in mid-edit any more."""
        self._editors.clear()
        self.commit()

    def change(self, state: State) -> None:
        """Put `state`: an undo step of its own, or part of the edit in progress."""
        self._put(state)
        if not self._editors:
            self.commit()

    def amend(self, change: Callable[[State], State]) -> None:
        """Change this state and all that undo and redo would put back, without telling: it is no step."""
        self.commit()
        self._undo = [change(state) for state in self._undo]
        self._redo = [change(state) for state in self._redo]
        self.state = self._start = change(self.state)

    def leap(self, **fields: Any) -> None:
        """Replace fields of the state in an undo step of its own, in mid-edit too."""
        self.commit()  # may change the node
        self._put(dataclasses.replace(self.state, **fields))
        self.commit()

    def visit(self, number: int) -> None:
        """Go to a step of the history, if it is not forgotten."""
        self.commit()
        if number in self.history and number != self.state.node:
            self.leap(z=self.history[number].z, node=number)

    def reopen(self, editor: object, start: Tensor) -> None:
        """As `begin`, but part of the last undo step if that began at z `start` (a double click)."""
        self.begin(editor)
        if len(self._editors) == 1 and self._undo and self._undo[-1].z is start:
            self._start = self._undo.pop()
            self._redo = []
            number = self.state.node
            self.state = dataclasses.replace(self.state, node=self._start.node)
            if all(state.node != number for state in (self._start, *self._undo)):
                self.history.take_back(number)  # it is not finished after all
            self._on_history()

    def undo(self) -> None:
        self.commit()
        if self._undo:
            self._redo.append(self.state)
            self._go(self._undo.pop())

    def redo(self) -> None:
        self.commit()
        if self._redo:
            self._undo.append(self.state)
            self._go(self._redo.pop())

    def commit(self) -> None:
        """Make a step of what the edit in progress, or just ended, did so far."""
        start, state = self._start, self.state
        self._start = state
        if not _is_change(start, state):
            return
        if state.node == start.node and not is_same(start.z, state.z):
            self.state = self._start = dataclasses.replace(state, node=self.history.add(start.node, state.z))
        self._undo = [*self._undo[-UNDO_LENGTH + 1 :], start]
        self._redo = []
        self._on_history()

    def _go(self, state: State) -> None:
        self._start = state
        self._put(state)
        self._on_history()

    def _put(self, state: State) -> None:
        before, self.state = self.state, state
        self._on_change(before, state)


def _is_change(a: State, b: State) -> bool:
    """Whether going from one to the other is something to undo."""
    others = (field.name for field in dataclasses.fields(State) if field.name != "z")
    return not is_same(a.z, b.z) or any(not is_equal(getattr(a, name), getattr(b, name)) for name in others)


def is_equal(a: object, b: object) -> bool:
    """Whether two values of a field are the same: tensors and what holds them by identity, others by value."""
    if a is b:
        return True
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))
    return not isinstance(a, Tensor) and not isinstance(b, Tensor) and a == b
