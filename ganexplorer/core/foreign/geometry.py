"""Strides, paddings and upsamplings, which a state dict does not hold, found by asking where they would lead.

Each layer has a few usual places, with a cost for being less usual; so have sizes of pictures. The cheapest way from
the size at one end to a size that fits the other end is taken (dynamic programming over the size).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

MAX_SIZE = 1024
UNPADDED_COST = 1.5  # for a network whose author never passed a padding
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
        All of it, where the file tells.
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


def grow(stages: Sequence[Stage], start: int, channels: int, goal: int | None) -> tuple[list[Placed], int] | None:
    """The most usual way from `start` pixels to `goal`, or to a usual size of pictures of so many channels.

    Returns where each stage stands, and the final size; None when no way leads there.
    """

    def end_cost(size: int) -> float:
        if goal is not None:
            return 0.0 if size == goal else NEVER
        return _unusual(size, channels)

    return _cheapest(stages, start, end_cost)


def shrink(stages: Sequence[Stage], start: int, fits: Callable[[int], bool]) -> list[Placed] | None:
    """The most usual way from `start` pixels to a size that `fits`, or None."""
    found = _cheapest(stages, start, lambda size: 0.0 if fits(size) else NEVER)
    return found[0] if found is not None else None


def sizes(stages: Sequence[Stage], start: int) -> list[int]:
    """The usual sizes of pictures that the stages can lead to, smallest first."""
    reached = set(_reach(stages, start, True)) | set(_reach(stages, start, False))
    return sorted(reached & set(USUAL_SIZES))


def _unusual(size: int, channels: int) -> float:
    if size not in USUAL_SIZES:
        return 4.0
    if channels == 1:
        return {28: 0.0, 64: 0.4, 32: 0.5, 128: 0.6, 256: 0.6}.get(size, 1.0)
    return {28: 0.8, 32: 0.0, 64: 0.0, 128: 0.0, 256: 0.0}.get(size, 1.0)


def _cheapest(stages: Sequence[Stage], start: int, end_cost: Callable[[int], float]) -> tuple[list[Placed], int] | None:
    ends = []
    for is_padded in (True, False):
        for size, (cost, places) in _reach(stages, start, is_padded).items():
            ends.append((cost + end_cost(size) + (0.0 if is_padded else UNPADDED_COST), size, places))
    best = min(ends, key=lambda end: end[0], default=(NEVER, 0, ()))
    return (list(best[2]), best[1]) if best[0] < NEVER else None


def _reach(stages: Sequence[Stage], start: int, is_padded: bool) -> dict[int, tuple[float, tuple[Placed, ...]]]:
    """Every size that can be reached, with the cheapest way there."""
    reached: dict[int, tuple[float, tuple[Placed, ...]]] = {start: (0.0, ())}
    for stage in stages:
        further: dict[int, tuple[float, tuple[Placed, ...]]] = {}
        for size, (cost, places) in reached.items():
            for place in _places(stage, size, is_padded, is_first=stage is stages[0]):
                end, end_cost = stage.size(place, size), cost + place.cost
                if 1 <= end <= MAX_SIZE and end_cost < further.get(end, (NEVER, ()))[0]:
                    further[end] = (end_cost, (*places, place))
        reached = further
    return reached


def _places(stage: Stage, size: int, is_padded: bool, is_first: bool) -> list[Placed]:
    if stage.known is not None:
        return [stage.known]
    half, is_odd = (stage.kernel - 1) // 2, stage.kernel % 2 == 1
    match stage.kind:
        case "conv":
            same = Placed(1, half)
            choices = zip((2, 1), stage.upsampling, strict=True)
            return [replace(same, upsampling=factor, cost=cost) for factor, cost in choices if cost < NEVER]
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
            return _growing_padded(stage.kernel, is_first) if is_padded else _UNPADDED


_UNPADDED = [Placed(2, 0, cost=0.1), Placed(1, 0, cost=0.15)]


def _growing_padded(kernel: int, is_first: bool) -> list[Placed]:
    """What transposed convolutions of a kernel do, most usual first."""
    half = (kernel - 1) // 2
    if kernel == 1:
        return [Placed(1, 0), Placed(1, 2, cost=0.3), Placed(2, 0, 1, cost=2.0)]
    if kernel % 2:
        usual = [
            Placed(2, half, 1, cost=0.3),
            Placed(2, half, cost=0.4),
            Placed(1, half, cost=0.5 if is_first else 0.6),
        ]
    else:
        usual = [Placed(2, half)]
    special = {
        3: [Placed(3, 0, cost=3.0)],
        4: [Placed(2, 3, cost=2.0), Placed(1, 1, cost=3.0), Placed(2, 2, cost=3.0)],
        8: [Placed(4, 2, cost=1.5)],
    }
    return [*usual, *special.get(kernel, []), Placed(2, 0, cost=2.0), Placed(1, 0, cost=2.0)]
