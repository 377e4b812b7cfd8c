"""Strides, paddings and upsamplings, which a state dict does not hold, found by asking where they would lead.

Each layer has a few usual places, with a cost for being less usual; so have sizes of pictures. The cheapest way from
the size at one end to a size that fits the other end is taken (dynamic programming over the size).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

MAX_SIZE = 1024
MAX_WAYS = 128  # sizes that are followed from one layer to the next, the cheapest
UNPADDED_COST = 1.5  # for a network whose author never passed a padding
ODD_ONE_OUT = 2.0  # for a trick to double the size by an odd kernel where even ones do it
USUAL_SIZES = (8, 16, 28, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512)
NEVER = float("inf")

StageKind = Literal["conv_transpose", "conv", "shrink"]


@dataclass(frozen=True, slots=True)
class Placed:
    """A layer's stride and paddings, the upsampling before it, and how unusual that is."""

    stride: int
    padding: int
    output_padding: int = 0
    upsampling: int = 1  # factor
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A layer of which only the kernel's size is known.

    Parameters
    ----------
    kind
        ``conv_transpose`` (grows), ``conv`` of a generator (keeps the size, perhaps after an upsampling), ``shrink``
        (a convolution of a discriminator).
    upsampling
        Of ``conv``: the cost of an upsampling before it, and of none; `NEVER` rules one out.
    known
        Stride and paddings, where the file tells.
    """

    kind: StageKind
    kernel: int
    upsampling: tuple[float, float] = (NEVER, 0.0)
    known: Placed | None = None

    def size(self, place: Placed, size: int) -> int:
        """The height of the layer's output for an input of `size`."""
        size *= place.upsampling
        if self.kind == "conv_transpose":
            return (size - 1) * place.stride - 2 * place.padding + self.kernel + place.output_padding
        return (size + 2 * place.padding - self.kernel) // place.stride + 1


@dataclass(frozen=True, slots=True)
class _Way:
    """The cheapest way to a size, as the last layer's place and the way there."""

    cost: float
    place: Placed | None = None
    before: _Way | None = None

    def places(self) -> list[Placed]:
        found: list[Placed] = []
        way: _Way | None = self
        while way is not None and way.place is not None:
            found.append(way.place)
            way = way.before
        return found[::-1]


@dataclass(frozen=True)
class Ways:
    """All ways through some stages from `start` pixels."""

    stages: Sequence[Stage]
    start: int

    def to_picture(self, channels: int, size: int | None = None) -> tuple[list[Placed], int] | None:
        """The most usual way to `size` pixels, or to a usual size of pictures of so many channels.

        Returns where each stage stands, and the final size; None when no way leads there.
        """

        def end_cost(end: int) -> float:
            if size is not None:
                return 0.0 if end == size else NEVER
            return _unusual(end, channels)

        return self._cheapest(end_cost)

    def to_fitting(self, fits: Callable[[int], bool]) -> list[Placed] | None:
        """The most usual way to a size that `fits`, or None."""
        found = self._cheapest(lambda size: 0.0 if fits(size) else NEVER)
        return found[0] if found is not None else None

    @cached_property
    def sizes(self) -> list[int]:
        """The usual sizes of pictures that the stages can lead to, smallest first."""
        return sorted({size for _, ends in self._ends for size in ends} & set(USUAL_SIZES))

    @cached_property
    def _ends(self) -> list[tuple[float, dict[int, _Way]]]:
        """Where a network with paddings, and one without, can end, and what the latter costs."""
        return [(0.0, self._reach(True)), (UNPADDED_COST, self._reach(False))]

    def _cheapest(self, end_cost: Callable[[int], float]) -> tuple[list[Placed], int] | None:
        best: tuple[float, int, _Way] | None = None
        for extra, ends in self._ends:
            for size, way in ends.items():
                cost = way.cost + extra + end_cost(size)
                if cost < NEVER and (best is None or cost < best[0]):
                    best = cost, size, way
        return (best[2].places(), best[1]) if best is not None else None

    def _reach(self, is_padded: bool) -> dict[int, _Way]:
        """Every size that can be reached, with the cheapest way there."""
        has_even = any(stage.kind == "conv_transpose" and stage.kernel % 2 == 0 for stage in self.stages[1:])
        reached = {self.start: _Way(0.0)}
        for i, stage in enumerate(self.stages):
            further: dict[int, _Way] = {}
            for size, way in reached.items():
                for place in _places(stage, size, is_padded, i == 0, has_even):
                    end, cost = stage.size(place, size), way.cost + place.cost
                    if 1 <= end <= MAX_SIZE and (end not in further or cost < further[end].cost):
                        further[end] = _Way(cost, place, way)
            reached = dict(sorted(further.items(), key=lambda item: item[1].cost)[:MAX_WAYS])
        return reached


def _unusual(size: int, channels: int) -> float:
    if size not in USUAL_SIZES:
        return 2.0
    if channels == 1:
        return {28: 0.0, 64: 0.4, 32: 0.5, 128: 0.6, 256: 0.6}.get(size, 1.0)
    return {28: 0.8, 32: 0.0, 64: 0.0, 128: 0.0, 256: 0.0}.get(size, 1.0)


def _places(stage: Stage, size: int, is_padded: bool, is_first: bool, has_even: bool) -> list[Placed]:
    if stage.known is not None and stage.kind != "conv":
        return [stage.known]
    half, is_odd = (stage.kernel - 1) // 2, stage.kernel % 2 == 1
    match stage.kind:
        case "conv":
            choices = [(factor, cost) for factor, cost in zip((2, 1), stage.upsampling, strict=True) if cost < NEVER]
            if stage.known is not None:
                same = stage.known
            elif stage.kernel == 2:
                choices, same = [(1, 0.0)], Placed(2, 0)  # halves the picture
            else:
                same = Placed(1, half)
            return [replace(same, upsampling=factor, cost=cost) for factor, cost in choices]
        case "shrink":
            if not is_padded:
                return _UNPADDED
            if size == stage.kernel:
                return [Placed(1, 0), Placed(2, half, cost=0.1)]
            keeping = [Placed(1, half, cost=0.3)] if is_odd else []
            return [
                Placed(2, half), *keeping, Placed(1, 0, cost=0.8), Placed(2, 0, cost=1.5),
                Placed(2, 1, cost=2.0), Placed(1, 1, cost=2.0),
            ]  # fmt: skip
        case "conv_transpose":
            # from one pixel any stride without padding gives a picture of the kernel's size
            if size == 1 and stage.kernel > 1:
                return [Placed(1, 0), *([Placed(2, half, 1 if is_odd else 0, cost=2.0)] if is_padded else [])]
            return _growing_padded(stage.kernel, is_first, has_even) if is_padded else _UNPADDED


_UNPADDED = [Placed(2, 0, cost=0.1), Placed(1, 0, cost=0.15)]

# other places of a transposed convolution, by its kernel
_SPECIAL = {
    3: [Placed(3, 0, cost=3.0)],
    4: [Placed(2, 3, cost=2.0), Placed(1, 1, cost=3.0), Placed(2, 2, cost=3.0), Placed(4, 0, cost=3.0)],
    5: [Placed(3, 1, cost=0.3)],
    8: [Placed(2, 3, cost=1.0)],
    16: [Placed(2, 7, cost=1.0)],
}


def _growing_padded(kernel: int, is_first: bool, has_even: bool) -> list[Placed]:
    """What transposed convolutions of a kernel do, most usual first."""
    half = (kernel - 1) // 2
    if kernel == 1:
        return [Placed(1, 0), Placed(1, 2, cost=0.3), Placed(2, 0, 1, cost=2.0)]
    if kernel % 2:
        extra = ODD_ONE_OUT if has_even else 0.0
        keeping = Placed(1, half, cost=1.5 if has_even and kernel == 5 else 0.5 if is_first else 0.6)
        usual = [Placed(2, half, 1, cost=0.3 + extra), Placed(2, half, cost=0.4), keeping]
    elif kernel in (8, 16):
        usual = [Placed(kernel // 2, kernel // 4)]
    else:
        usual = [Placed(2, half)]
    special = _SPECIAL.get(kernel, [])
    if kernel == 5 and not has_even:
        special = [replace(place, cost=2.0) for place in special]
    return [*usual, *special, Placed(2, 0, cost=2.0), Placed(1, 0, cost=2.0)]
