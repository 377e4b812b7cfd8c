"""Batch norms that are defined away from the layers they belong to: behind which of them each stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ganexplorer.core.foreign.parts import Part, natural
from ganexplorer.core.foreign.steps import Step, side

_NORM_WORDS = {"bn", "batch", "norm", "batchnorm", "bnorm", "n", "b", "normalization", "batchnormalization", "d"}


def placements(steps: Sequence[Step], norms: Sequence[Part]) -> Iterator[list[Part]]:
    """The parts of the steps with each norm behind a layer that gives as many features, the likeliest first."""
    layers = [step for step in steps if step.kind != "norm"]
    free = [i for i, step in enumerate(layers) if not _has_norm(steps, step)]
    fitting = [[i for i in free if layers[i].outputs == norm.features] for norm in norms]
    for i, norm in enumerate(norms):
        # an image lies in the outputs of a linear layer
        fitting[i] += [
            j for j in free if j not in fitting[i] and layers[j].kind == "linear" and j + 1 < len(layers)
            and layers[j + 1].is_image and side(layers[j].outputs, norm.features)
        ]  # fmt: skip
    named = [
        [i for i in fits if _is_called_after(norm, layers[i].part)] for norm, fits in zip(norms, fitting, strict=True)
    ]
    in_order = sorted(range(len(norms)), key=lambda i: natural(norms[i].name))
    seen = []
    for chosen in (
        _first_free([places[:1] for places in named]),
        _ascending([fitting[i] for i in in_order], in_order),
        _first_free([[*places, *fits] for places, fits in zip(named, fitting, strict=True)]),
    ):
        if chosen is not None and chosen not in seen:
            seen.append(chosen)
            behind = {layers[place].part.name: norms[i] for i, place in chosen.items()}
            yield [
                part
                for step in steps
                for part in ([step.part, behind[step.part.name]] if step.part.name in behind else [step.part])
            ]


def _has_norm(steps: Sequence[Step], step: Step) -> bool:
    i = steps.index(step)
    return i + 1 < len(steps) and steps[i + 1].kind == "norm"


def _first_free(wanted: Sequence[Iterable[int]]) -> dict[int, int] | None:
    """For each norm the first of the places that it wants and no other has taken; None where one gets none."""
    chosen: dict[int, int] = {}
    for i, places in enumerate(wanted):
        place = next((place for place in places if place not in chosen.values()), None)
        if place is None:
            return None
        chosen[i] = place
    return chosen


def _ascending(wanted: Sequence[Sequence[int]], names: Sequence[int]) -> dict[int, int] | None:
    """Places that ascend as the names do; None where there are none."""
    chosen: dict[int, int] = {}
    last = -1
    for i, places in zip(names, wanted, strict=True):
        later = [place for place in places if place > last]
        if not later:
            return None
        chosen[i] = last = min(later)
    return chosen


def _is_called_after(norm: Part, layer: Part) -> bool:
    """``deconv1_bn``, ``bn1``, ``bn_deconv1`` and ``deconv1``: the same numbers, and no word that the layer lacks."""
    words = [re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", part.name).lower()) for part in (norm, layer)]
    own = set(words[0]) - _NORM_WORDS
    numbers = [re.findall(r"\d+", part.name) for part in (norm, layer)]
    return numbers[0] == numbers[1] and own <= set(words[1]) and bool(own or numbers[0])
