"""The order and direction of layers: from parts to steps whose sizes follow on each other."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ganexplorer.core.foreign.parts import Facts, Gap, NotUnderstood, Part, natural
from ganexplorer.core.foreign.placing import placements
from ganexplorer.core.foreign.steps import Step, StepKind, side, with_gaps

Role = Literal["generator", "discriminator"]

MAX_TRIALS = 20_000  # of orders and directions together
MAX_UNITS = 40  # that are tried in other orders
CHANNELS = (1, 2, 3, 4)  # of a picture


def steps_of(parts: Sequence[Part], is_ordered: bool, role: Role, facts: Facts | None = None) -> list[Step]:
    """The parts in the order in which they run.

    The order of the file is tried first when `is_ordered`; then that of the numbers in the names, with each norm
    behind the layer that it is called after; then any order in which sizes follow on each other. Raises
    `NotUnderstood` with the first place where they do not.
    """
    if all(part.kind == "norm" for part in parts):
        raise NotUnderstood("it holds no linear layer and no convolution")
    search = _Search(parts, role, facts or {})
    order = list(parts) if is_ordered else sorted(parts, key=lambda part: natural(part.name))
    lone = [part for part in order if part.kind == "norm" and part.container is None]
    rest = [part for part in order if part not in lone]
    failure: NotUnderstood | None = None
    attempts: list[Callable[[], list[Step]]] = [
        lambda: search.with_norms(rest, lone),
        lambda: search.any_order(rest, lone),
    ]
    # sorted names put norms before their layers, which may look as if z had one
    attempts.insert(0 if is_ordered or not lone else 2, lambda: search.fixed(order))
    for attempt in attempts:
        try:
            return with_gaps(attempt(), facts or {})
        except NotUnderstood as error:
            failure = failure or error
    assert failure is not None
    raise failure


@dataclass(frozen=True, slots=True)
class _State:
    """What has been made so far: a vector of so many values, or an image of so many channels (None: not known yet)."""

    values: int | None
    channels: int | None

    @property
    def is_nothing(self) -> bool:
        return self.values is None and self.channels is None

    def __str__(self) -> str:
        if self.values is not None:
            return f"{self.values} values, or channels of a square image of so many"
        return f"{self.channels} channels"


_NOTHING = _State(None, None)


class _Search:
    """Walks through parts in some order, as long as trials are left: names and shapes may be made to keep us busy."""

    def __init__(self, parts: Sequence[Part], role: Role, facts: Facts) -> None:
        self._role = role
        self._facts = facts
        convs = [part for part in parts if part.kind == "conv"]
        self._starts_linear = next((part.kind == "linear" for part in parts if part.kind != "norm"), False)
        self._majority = _majority(convs)
        self._has_even = any(part.weight[2] % 2 == 0 for part in convs)
        self._called_transposed = {part.name for part in convs if not _TRANSPOSED.isdisjoint(_words(part.name))}
        self._left = MAX_TRIALS

    def fixed(self, order: Sequence[Part]) -> list[Step]:
        """Steps in this order; raises `NotUnderstood` with the deepest place where sizes do not follow."""
        deepest, reason = -1, ""

        def fail(index: int, text: str) -> None:
            nonlocal deepest, reason
            if text and index > deepest:
                deepest, reason = index, text

        steps = self._walk(list(order), _NOTHING, [], lambda steps: steps, fail)
        if steps is None:
            raise NotUnderstood(reason)
        return steps

    def with_norms(self, order: Sequence[Part], lone: Sequence[Part]) -> list[Step]:
        """Steps in this order, with each lone norm behind the layer that it is called after or fits."""
        steps = self.fixed(order)
        failure = NotUnderstood(f"{lone[0].name} is a batch norm that follows no layer of its size") if lone else None
        for placed in placements(steps, lone) if lone else ():
            try:
                return self.fixed(placed)
            except NotUnderstood as error:
                failure = error
        if failure is not None:
            raise failure
        return steps

    def any_order(self, parts: Sequence[Part], lone: Sequence[Part]) -> list[Step]:
        """Steps in any order in which sizes follow, the given one preferred.

        Layers of one numbered container stay together and in the order of their numbers; so do layers whose names
        differ by a number alone.
        """
        units: dict[str, list[Part]] = {}
        for part in parts:
            units.setdefault(_group(part), []).append(part)
        groups = [sorted(unit, key=lambda part: natural(part.name)) for unit in units.values()]
        if len(groups) > MAX_UNITS:
            raise NotUnderstood(f"its {len(groups)} groups of layers do not follow on each other in the order given")
        stems = [_stem(group[0]) for group in groups]

        def finish(steps: list[Step]) -> list[Step] | None:
            if self._role == "generator" and not _is_credible(steps):
                return None
            for placed in placements(steps, lone) if lone else [[step.part for step in steps]]:
                try:
                    return self.fixed(placed)
                except NotUnderstood:
                    self._spend()
            return None

        def extend(state: _State, steps: list[Step], left: list[int]) -> list[Step] | None:
            if not left:
                return finish(steps)
            for i in left:
                if any(stems[j][0] == stems[i][0] and stems[j][1] < stems[i][1] for j in left if j != i):
                    continue
                others = [j for j in left if j != i]
                found = self._walk(
                    groups[i], state, steps,
                    lambda more, others=others: extend(_state_after(more), more, others),  # type: ignore[misc]
                    is_last=not others,
                )  # fmt: skip
                if found is not None:
                    return found
            return None

        steps = extend(_NOTHING, [], list(range(len(groups))))
        if steps is None:
            raise NotUnderstood("its layers follow on each other in no order")
        return steps

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise NotUnderstood("its layers can follow on each other in too many ways")

    def _walk(
        self,
        order: Sequence[Part],
        state: _State,
        before: list[Step],
        then: Callable[[list[Step]], list[Step] | None],
        fail: Callable[[int, str], None] = lambda index, text: None,
        is_last: bool = True,
    ) -> list[Step] | None:
        """What `then` makes of the steps of all parts in this order, the first way in which sizes follow."""

        def go(index: int, state: _State, steps: list[Step]) -> list[Step] | None:
            self._spend()
            if index == len(order):
                if is_last and (wrong := self._end(steps[-1])):
                    fail(index, wrong)
                    return None
                return then(steps)
            part = order[index]
            told = ""
            for kind, inputs, outputs in self._readings(part):
                previous = steps[-1].kind if steps else ""
                after = _after(state, part, kind, inputs, outputs, self._role, previous)
                if isinstance(after, str):
                    told = told or after
                    continue
                step = Step(part, kind, inputs, outputs, after.values is None, Gap())
                found = go(index + 1, after, [*steps, step])
                if found is not None:
                    return found
            fail(index, told)
            return None

        return go(0, state, before)

    def _end(self, last: Step) -> str:
        """Why a network cannot end so; empty where it can."""
        name, count = last.part.name, last.outputs
        if self._role == "discriminator":
            return "" if count == 1 else f"{name} gives {count} values, expected 1 of a discriminator"
        if last.is_image and count not in CHANNELS:
            return f"{name} gives {count} channels, expected an image of 1 to 4"
        if not last.is_image and count == 1:
            return f"{name} gives 1 value, as a discriminator does"
        return ""

    def _readings(self, part: Part) -> list[tuple[StepKind, int, int]]:
        """What a part may be: kind, inputs and outputs, the likelier first."""
        if part.kind == "norm":
            return [("norm", part.features, part.features)]
        if part.kind == "linear":
            return [("linear", part.weight[1], part.weight[0])]
        first, second = part.weight[:2]
        plain: tuple[StepKind, int, int] = ("conv", second, first)
        transposed: tuple[StepKind, int, int] = ("conv_transpose", first, second)
        told = self._facts.get(part.name, {}).get("class")
        if self._role == "discriminator" or told == "Conv2d":
            return [plain]
        if told == "ConvTranspose2d":
            return [transposed]
        bias = part.shapes.get("bias")
        if bias is not None and first != second:
            return [plain] if bias[0] == first else [transposed]
        return [transposed, plain] if self._prefers_transposed(part) else [plain, transposed]

    def _prefers_transposed(self, part: Part) -> bool:
        """Of a convolution whose shapes leave its direction open."""
        first, second, kernel, _ = part.weight
        if self._called_transposed:
            return part.name in self._called_transposed
        if first == second and kernel % 2:
            if self._has_even or self._majority is False:
                return False  # between transposed ones of an even kernel, it keeps the size
            return self._majority is True or not self._starts_linear
        return self._majority if self._majority is not None else (kernel % 2 == 0 or not self._starts_linear)


def _majority(convs: Sequence[Part]) -> bool | None:
    """Whether most of the convolutions whose direction the bias tells are transposed."""
    votes = 0
    for part in convs:
        outputs, inputs = part.weight[:2]
        bias = part.shapes.get("bias")
        if bias is not None and outputs != inputs:
            votes += 1 if bias[0] == inputs else -1
    return None if votes == 0 else votes > 0


def _is_credible(steps: Sequence[Step]) -> bool:
    """Whether an order of no name and no file is more than a discriminator or a classifier read backwards."""
    first, last = steps[0], steps[-1]
    return first.inputs > 1 if first.is_image else last.is_image or last.outputs >= first.inputs


def _state_after(steps: Sequence[Step]) -> _State:
    last = steps[-1]
    return _State(None, last.outputs) if last.is_image else _State(last.outputs, None)


def _after(
    state: _State, part: Part, kind: StepKind, inputs: int, outputs: int, role: Role, previous: str
) -> _State | str:
    """What a step makes of `state`, or, in words, why it cannot follow."""
    if kind == "norm":
        if previous == "norm":
            return f"{part.name} is a batch norm directly after another"
        if state.is_nothing:
            return _State(inputs, None)  # of z itself
        if inputs == state.values or (state.values is None and inputs == state.channels):
            return state
        if state.values is not None and side(state.values, inputs):
            return _State(None, inputs)  # the vector was reshaped to an image of so many channels
        return f"{part.name} is a batch norm of {inputs} features, expected {state}"
    if kind == "linear":
        if state.values is None and state.channels is not None:
            # an image made flat: the generator's would not go back
            if role == "generator" or not side(inputs, state.channels):
                return f"{part.name} takes {inputs} values, expected {state}"
        elif state.values is not None and state.values != inputs:
            return f"{part.name} takes {inputs} values, expected {state}"
        return _State(outputs, None)
    if state.is_nothing:
        if kind == "conv" and role == "generator":
            return f"{part.name} is a convolution that begins a generator, expected a linear or transposed layer"
        return _State(None, outputs)
    fits = state.channels == inputs if state.values is None else side(state.values, inputs) > 0
    if not fits:
        return f"{part.name} takes {inputs} channels, expected {state}"
    return _State(None, outputs)


def _group(part: Part) -> str:
    return part.name if part.container is None else part.container


def _stem(part: Part) -> tuple[str, list[int]]:
    """The name of a part's group with its numbers out, and those numbers where they count."""
    name = _group(part)
    numbers = [int(word[:9]) for word in re.findall(r"\d+", name)]
    if part.kind != "norm" and len(numbers) > 1 and set(numbers) <= set(part.weight[:2]):
        return name, []  # the numbers are sizes
    return re.sub(r"\d+", "#", name), numbers


# ---- names

_TRANSPOSED = {
    "deconv", "dconv", "deconvs", "convt", "tconv", "ct", "tc", "transpose", "transposed", "trans", "convtrans",
    "convtranspose", "upconv", "tcnn", "deconvolution",
}  # fmt: skip


def _words(name: str) -> set[str]:
    split = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    words = re.findall(r"[a-z]+", split)
    joined = {a + b for a, b in itertools.pairwise(words)}
    return {*words, *joined} | ({"convt"} if re.search(r"conv_?t(?![a-z])|(?<![a-z])t_?conv", split) else set())
