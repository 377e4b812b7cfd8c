"""A layer with weights in its place, and what stands between two of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isqrt
from typing import Literal

from ganexplorer.core.foreign.parts import Facts, Gap, Part, gap

StepKind = Literal["linear", "conv", "conv_transpose", "norm"]


@dataclass(frozen=True, slots=True)
class Step:
    """A layer with weights, in its place.

    Parameters
    ----------
    inputs, outputs
        Values of a linear layer, channels of a convolution; both the same for a norm.
    is_image
        Whether its output is an image, and for a norm its input too.
    gap
        What stands between the step before it and this one.
    """

    part: Part
    kind: StepKind
    inputs: int
    outputs: int
    is_image: bool
    gap: Gap


def side(values: int, channels: int) -> int:
    """The side of a square image of so many channels that has so many values; 0 where there is none."""
    pixels, rest = divmod(values, channels)
    side = isqrt(pixels)
    return side if rest == 0 and side * side == pixels else 0


def with_gaps(steps: Sequence[Step], facts: Facts) -> list[Step]:
    """The steps with the gaps between them, where those can be believed.

    Layers in a list have no activations between their numbers, but in the function that goes through it: where no
    number is left out anywhere in a container, the numbers tell nothing.
    """
    gaps = [Gap(), *(_between(a.part, b.part, facts) for a, b in itertools.pairwise(steps))]
    shared = [_shared(a.part, b.part) for a, b in itertools.pairwise(steps)]
    telling = {container for container, found in zip(shared, gaps[1:], strict=True) if found.exact or found.least}
    result = [replace(steps[0], gap=Gap())]
    for step, container, found in zip(steps[1:], shared, gaps[1:], strict=True):
        is_silent = found.exact == 0 and container not in telling
        result.append(replace(step, gap=Gap() if is_silent else found))
    return result


def _shared(a: Part, b: Part) -> tuple[str, ...]:
    """The container that two parts share."""
    pairs = zip(a.path, b.path, strict=False)
    return tuple(x for x, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


_NOT_COUNTED = ("Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "FeatureAlphaDropout", "Identity")


def _between(before: Part, after: Part, facts: Facts) -> Gap:
    """The gap, without the layers of which the file tells that they do nothing when a generator is used."""
    found = gap(before, after)
    container = after.name.rpartition(".")[0]
    if found.exact and before.name.rpartition(".")[0] == container:
        between = range(int(before.path[-1]) + 1, int(after.path[-1]))
        names = [f"{container}.{number}".lstrip(".") for number in between]
        idle = sum(facts.get(name, {}).get("class") in _NOT_COUNTED for name in names)
        return Gap(found.exact - idle, found.exact - idle)
    return found
