"""The order and direction of layers: from parts to steps whose sizes follow on each other."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Literal

from ganexplorer.core.foreign.parts import Gap, NotUnderstood, Part, gap, natural

StepKind = Literal["linear", "conv", "conv_transpose", "norm"]

MAX_TRIALS = 20_000  # of orders and directions together


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


def steps_of(parts: Sequence[Part], is_ordered: bool, role: Literal["generator", "discriminator"]) -> list[Step]:
    """The parts in the order in which they run.

    The order of the file is tried first when `is_ordered`; then that of the numbers in the names; then any order in
    which sizes follow on each other. Raises `NotUnderstood` with the first place where they do not.
    """
    if all(part.kind == "norm" for part in parts):
        raise NotUnderstood("it holds no linear layer and no convolution")
    by_name = sorted(parts, key=lambda part: natural(part.name))
    failure: NotUnderstood | None = None
    budget = _Budget()
    for order in itertools.chain([list(parts)] if is_ordered else [], [by_name]):
        try:
            return _with_gaps(_directed(order, role, budget))
        except NotUnderstood as error:
            failure = failure or error
    for order in _orders(list(parts) if is_ordered else by_name, budget):
        try:
            return _with_gaps(_directed(order, role, budget))
        except NotUnderstood:
            continue
    assert failure is not None
    raise failure


class _Budget:
    """How many trials are left: names and shapes may be made to keep us busy."""

    def __init__(self) -> None:
        self._left = MAX_TRIALS

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise NotUnderstood("its layers can follow on each other in too many ways")


@dataclass(frozen=True, slots=True)
class _State:
    """What has been made so far: a vector of so many values, or an image of so many channels (None: not known yet)."""

    values: int | None
    channels: int | None


def _directed(order: Sequence[Part], role: str, budget: _Budget) -> list[Step]:
    """Steps in this order; of each convolution, whether it is transposed."""
    convs = [part for part in order if part.kind == "conv"]
    starts_linear = next((p.kind == "linear" for p in order if p.kind != "norm"), False)
    majority = _majority(convs)
    deepest = 0
    reason = ""

    def walk(index: int, state: _State, steps: list[Step]) -> list[Step] | None:
        nonlocal deepest, reason
        budget.spend()
        if index == len(order):
            return steps
        part = order[index]
        told = ""
        for kind, inputs, outputs in _readings(part, role, starts_linear, majority):
            after = _after(state, part, kind, inputs, outputs, role)
            if isinstance(after, str):
                told = told or after
                continue
            step = Step(part, kind, inputs, outputs, after.channels is not None and after.values is None, Gap())
            found = walk(index + 1, after, [*steps, step])
            if found is not None:
                return found
        if told and index >= deepest:
            deepest, reason = index, told
        return None

    steps = walk(0, _State(None, None), [])
    if steps is None:
        raise NotUnderstood(reason)
    return steps


def _majority(convs: Sequence[Part]) -> bool | None:
    """Whether most of the convolutions whose direction the bias tells are transposed."""
    votes = 0
    for part in convs:
        outputs, inputs = part.weight[:2]
        bias = part.shapes.get("bias")
        if bias is not None and outputs != inputs:
            votes += 1 if bias[0] == inputs else -1
    return None if votes == 0 else votes > 0


def _readings(part: Part, role: str, starts_linear: bool, majority: bool | None) -> list[tuple[StepKind, int, int]]:
    """What a part may be: kind, inputs and outputs, the likelier first."""
    if part.kind == "norm":
        return [("norm", part.features, part.features)]
    if part.kind == "linear":
        return [("linear", part.weight[1], part.weight[0])]
    first, second, kernel, _ = part.weight
    plain: tuple[StepKind, int, int] = ("conv", second, first)
    transposed: tuple[StepKind, int, int] = ("conv_transpose", first, second)
    if role == "discriminator":
        return [plain]
    bias = part.shapes.get("bias")
    if bias is not None and first != second:
        return [plain] if bias[0] == first else [transposed]
    prefers_transposed = majority if majority is not None else (kernel % 2 == 0 or not starts_linear)
    if first == second and kernel in (1, 3) and starts_linear and majority is not True:
        prefers_transposed = False
    return [transposed, plain] if prefers_transposed else [plain, transposed]


def _after(state: _State, part: Part, kind: StepKind, inputs: int, outputs: int, role: str) -> _State | str:
    """What a step makes of `state`, or, in words, why it cannot follow."""
    have = _have(state)
    if kind == "norm":
        if state.values is None and state.channels is None:
            return _State(inputs, None)  # of z itself
        if inputs == state.values or (state.values is None and inputs == state.channels):
            return state
        if state.values is not None and _side(state.values, inputs):
            return _State(None, inputs)  # the vector was reshaped to an image of so many channels
        return f"{part.name} is a batch norm of {inputs} features, expected {have}"
    if kind == "linear":
        if state.values is None and state.channels is not None:
            # an image made flat: the generator's would not go back
            if role == "generator" or not _side(inputs, state.channels):
                return f"{part.name} takes {inputs} values, expected {have}"
        elif state.values is not None and state.values != inputs:
            return f"{part.name} takes {inputs} values, expected {have}"
        return _State(outputs, None)
    if state.values is None and state.channels is None:
        if kind == "conv" and role == "generator":
            return f"{part.name} is a convolution that begins a generator, expected a linear or transposed layer"
        return _State(None, outputs)
    if state.channels is not None and state.values is None:
        fits = state.channels == inputs
    else:
        assert state.values is not None
        fits = _side(state.values, inputs) > 0
    if not fits:
        return f"{part.name} takes {inputs} channels, expected {have}"
    return _State(None, outputs)


def _have(state: _State) -> str:
    if state.values is not None:
        return f"{state.values} values, or channels of a square image of so many"
    return f"{state.channels} channels"


def _side(values: int, channels: int) -> int:
    """The side of a square image of so many channels that has so many values; 0 where there is none."""
    pixels, rest = divmod(values, channels)
    side = isqrt(pixels)
    return side if rest == 0 and side * side == pixels else 0


def _orders(parts: Sequence[Part], budget: _Budget) -> Iterator[list[Part]]:
    """Orders in which the sizes of the layers other than norms follow on each other, the given one preferred.

    Layers of one numbered container stay together and in the order of their numbers; a norm by itself goes to the
    layer that its name or its size calls for.
    """
    units: dict[str, list[Part]] = {}
    lone_norms: list[Part] = []
    for part in parts:
        container, _, last = part.name.rpartition(".")
        if last.isdecimal() and container:
            units.setdefault(container, []).append(part)
        elif part.kind == "norm":
            lone_norms.append(part)
        else:
            units[part.name] = [part]
    groups = [sorted(unit, key=lambda part: natural(part.name)) for unit in units.values()]
    if len(groups) > 40:
        return

    def extend(chosen: list[list[Part]], left: list[list[Part]]) -> Iterator[list[list[Part]]]:
        budget.spend()
        if not left:
            yield chosen
            return
        for i, group in enumerate(left):
            if not chosen or _may_follow(chosen[-1], group):
                yield from extend([*chosen, group], [*left[:i], *left[i + 1 :]])

    for chosen in extend([], groups):
        flat = [part for group in chosen for part in group]
        placed = _place_norms(flat, lone_norms)
        if placed is not None:
            yield placed


def _may_follow(before: Sequence[Part], after: Sequence[Part]) -> bool:
    """Whether any reading of the last part of one group gives what the first of the next takes."""
    gives = {size for part in before[-1:] for size in _sizes(part)}
    takes = {size for part in after[:1] for size in _sizes(part)}
    return any(a == b or a % b == 0 or b % a == 0 for a in gives for b in takes)


def _sizes(part: Part) -> set[int]:
    return {part.features} if part.kind == "norm" else set(part.weight[:2])


def _place_norms(order: Sequence[Part], norms: Sequence[Part]) -> list[Part] | None:
    """Put each norm behind the layer that its name names, or else the first free one of its size."""
    behind: dict[str, Part] = {}
    for norm in norms:
        free = [
            part for part in order if part.kind != "norm" and part.name not in behind and norm.features in _sizes(part)
        ]
        # a square image lies in the outputs of a linear layer
        free += [
            part
            for part in order
            if part.kind == "linear" and part.name not in behind and part not in free
            and part.weight[0] != norm.features and _side(part.weight[0], norm.features)
        ]  # fmt: skip
        if not free:
            return None
        named = [part for part in free if _is_named_after(norm.name, part.name)]
        behind[(named or free)[0].name] = norm
    return [item for part in order for item in ([part, behind[part.name]] if part.name in behind else [part])]


def _is_named_after(norm: str, layer: str) -> bool:
    """``deconv1_bn`` or ``bn1`` and ``deconv1``."""
    if norm.startswith(layer) or layer.startswith(norm):
        return True
    numbers = re.findall(r"\d+", norm), re.findall(r"\d+", layer)
    return numbers[0] == numbers[1] != []


def _with_gaps(steps: Sequence[Step]) -> list[Step]:
    """The steps with the gaps between them; none are believed where the activations are functions, not layers."""
    gaps = [Gap(), *(gap(a.part, b.part) for a, b in itertools.pairwise(steps))]
    if not any(gap.exact or gap.least for gap in gaps):
        gaps = [Gap() for _ in gaps]
    return [
        Step(step.part, step.kind, step.inputs, step.outputs, step.is_image, gap)
        for step, gap in zip(steps, gaps, strict=True)
    ]
