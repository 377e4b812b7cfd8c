"""The branching history: every latent that was stayed at, and from where it was reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor

from ganexplorer.core.state import Step

LIMIT = 500  # steps


class History:
    """A tree, or a few: what is undone and left stays as a branch. Steps are numbered in the order they were made."""

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        newest = sorted(steps, key=lambda step: step.number)[-LIMIT:]
        numbers = {step.number for step in newest}
        self._steps = {
            step.number: step if step.parent is None or step.parent in numbers else Step(step.number, None, step.z)
            for step in newest
        }
        self._next = max(self._steps, default=-1) + 1

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Step]:
        """All steps, parents before their children."""
        return iter(sorted(self._steps.values(), key=lambda step: step.number))

    def __contains__(self, number: int) -> bool:
        return number in self._steps

    def __getitem__(self, number: int) -> Step:
        return self._steps[number]

    @property
    def newest(self) -> int:
        """The number of the step that was made last; -1 where there is none."""
        return max(self._steps, default=-1)

    def add(self, parent: int | None, z: Tensor) -> int:
        """The number of a new step; the oldest one is forgotten where there are too many."""
        number = self._next
        self._next += 1
        self._steps[number] = Step(number, parent if parent in self._steps else None, z)
        if len(self._steps) > LIMIT:
            self._forget(min(self._steps))
        return number

    def take_back(self, number: int) -> None:
        """Forget a step as if it had not been made, if it is the newest; any other stays."""
        if number in self._steps and number == self._next - 1:
            del self._steps[number]
            self._next = number

    def children(self, number: int | None) -> list[Step]:
        """The steps that were made from a step, the oldest first; of None: the roots."""
        return [step for step in self if step.parent == number]

    def path(self, number: int) -> list[int]:
        """The steps from a root to `number`, both included; empty if it was forgotten."""
        found: list[int] = []
        at: int | None = number if number in self._steps else None
        while at is not None:
            found.append(at)
            at = self._steps[at].parent
        return found[::-1]

    def with_latents(self, latents: dict[int, Tensor]) -> History:
        """The same tree with z replaced by ``latents[id(z)]``."""
        other = History(Step(step.number, step.parent, latents[id(step.z)]) for step in self)
        other._next = self._next
        return other

    def _forget(self, number: int) -> None:
        """Drop a step; what was made from it becomes a root."""
        del self._steps[number]
        for child in [step for step in self._steps.values() if step.parent == number]:
            self._steps[child.number] = Step(child.number, None, child.z)
