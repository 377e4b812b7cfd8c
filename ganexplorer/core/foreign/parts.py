"""From the flat names of a state dict to the layers that have weights, and the networks they belong to.

Names are as `containers.parse` gives them: dictionaries of the file joined by ``/``, then the dotted name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ganexplorer.core.errors import UserError

Shape = tuple[int, ...]
PartKind = Literal["linear", "conv", "norm"]
Role = Literal["generator", "discriminator", ""]

MAX_PARTS = 200  # layers with weights in one network
_NORM_LEAVES = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}


class NotUnderstood(UserError):
    """Names and shapes that the grammar has no word for; the text is a part of a sentence."""


@dataclass(frozen=True, slots=True)
class Part:
    """A layer with weights.

    Parameters
    ----------
    name
        Its dotted name inside the network, such as ``main.3``.
    shapes
        Of its tensors by leaf name: ``weight``, ``bias``, ``running_mean``, …
    """

    name: str
    kind: PartKind
    shapes: Mapping[str, Shape]

    @property
    def weight(self) -> Shape:
        return self.shapes["weight"]

    @property
    def features(self) -> int:
        """Of a norm: how many; its statistics have no other number."""
        return self.shapes["running_mean"][0]

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.name.split("."))


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a network: a prefix of names, and what the prefix calls it."""

    prefix: str  # with its last "/" or "."; empty: the whole file
    role: Role
    is_average: bool  # its name says that it is a running average of weights
    shapes: Mapping[str, Shape]  # by the name after the prefix, in the order of the file

    @property
    def label(self) -> str:
        """For people: the prefix, or that it is the whole file."""
        return self.prefix.rstrip("./") or "the file"


@dataclass(frozen=True, slots=True)
class Gap:
    """Layers without weights between two that have some, as the numbers in their names tell.

    `exact` is their count, None where the names do not tell; `least` is a lower bound then.
    """

    exact: int | None = None
    least: int = 0


def candidates(shapes: Mapping[str, Shape]) -> list[Candidate]:
    """The networks that a file may hold, in its order; at least one."""
    found: list[Candidate] = []
    folders: dict[str, dict[str, Shape]] = {}
    for name, shape in shapes.items():
        folder, slash, rest = name.rpartition("/")
        folders.setdefault(folder + slash, {})[rest] = shape
    for folder, inside in folders.items():
        role, is_average = _named(re.split("[/.]", folder))
        found += _split(folder, role, is_average, inside)
    return found


def _split(prefix: str, role: Role, is_average: bool, shapes: Mapping[str, Shape]) -> list[Candidate]:
    """One candidate, or one for each child, where the children's names are those of networks."""
    children: dict[str, dict[str, Shape]] = {}
    for name, shape in shapes.items():
        child, dot, rest = name.partition(".")
        children.setdefault(child if dot and rest else "", {})[rest if dot else name] = shape
    roles = {child: _role(child) for child in children}
    is_wrapper = len(children) == 1 and "" not in children and next(iter(roles.values())) is not None
    if is_wrapper or (any(roles.values()) and len(children) > 1 and not role):
        found = []
        for child, inside in children.items():
            known = roles[child]
            found += _split(
                f"{prefix}{child}." if child else prefix, known or role, is_average or _is_average(child), inside
            )
        if is_wrapper and len(found) == 1:  # names in full, as the file has them
            return [Candidate(prefix, found[0].role, found[0].is_average, shapes)]
        return found
    return [Candidate(prefix, role, is_average, shapes)]


def _named(words: Iterable[str]) -> tuple[Role, bool]:
    """Role and average by the names of the dictionaries that a network lies in, the innermost first."""
    names = [word for word in words if word]
    role: Role = next((found for name in reversed(names) if (found := _role(name))), "")
    return role, any(_is_average(name) for name in names)


_NEUTRAL = {
    "net", "network", "model", "state", "dict", "statedict", "sd", "module", "weights", "weight", "params",
    "parameters", "ema", "avg", "average", "averaged", "shadow", "running", "best", "last", "final", "orig", "mod",
    "copy", "main", "checkpoint", "ckpt", "gan", "dcgan", "online", "target",
}  # fmt: skip
_AVERAGES = {"ema", "avg", "average", "averaged", "shadow"}
_GENERATORS = {"g", "gen", "generator", "generators"}
_DISCRIMINATORS = {"d", "dis", "disc", "discriminator", "critic", "adversary"}


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def _is_average(name: str) -> bool:
    return not _AVERAGES.isdisjoint(_words(name))


def _role(name: str) -> Role | None:
    """What a name calls a network; empty for a mere wrapper (``module``), None for another name."""
    words = [match for word in _words(name) for match in _unglued(word)]
    telling = [word for word in words if word not in _NEUTRAL]
    if not words or re.search(r"\d", name):
        return None
    if not telling:
        return ""
    if len(telling) == 1 and telling[0] in _GENERATORS:
        return "generator"
    if len(telling) == 1 and telling[0] in _DISCRIMINATORS:
        return "discriminator"
    return None


def _unglued(word: str) -> list[str]:
    """``netg`` and ``gnet`` as two words."""
    match = re.fullmatch(r"(net|model)(g|d)|(g|d)(net|model)", word)
    return [part for part in match.groups() if part] if match else [word]


def parts_of(shapes: Mapping[str, Shape]) -> list[Part]:
    """The layers with weights, in the order of the names; raises `NotUnderstood` with what stands in the way."""
    grouped: dict[str, dict[str, Shape]] = {}
    for name, shape in shapes.items():
        module, _, leaf = name.rpartition(".")
        grouped.setdefault(module, {})[leaf] = shape
    if len(grouped) > MAX_PARTS:
        raise NotUnderstood(f"it has {len(grouped):,} layers with weights; at most {MAX_PARTS} are opened")
    return [_part(name, leaves) for name, leaves in grouped.items()]


def _part(name: str, leaves: dict[str, Shape]) -> Part:
    where = name or "the top level"
    strange = leaves.keys() - _NORM_LEAVES
    if strange:
        raise NotUnderstood(f"{where} holds {_list(leaves)}, expected weight and bias, or those of a batch norm")
    if "running_mean" in leaves or "running_var" in leaves:
        needed = {"running_mean", "running_var"}
        if missing := needed - leaves.keys():
            raise NotUnderstood(f"{where} is a batch norm that lacks {_list(missing)} (it has {_list(leaves)})")
        sizes = {leaves[leaf] for leaf in leaves if leaf != "num_batches_tracked"}
        if len(sizes) != 1 or len(next(iter(sizes))) != 1:
            raise NotUnderstood(f"{where} is a batch norm whose tensors differ in size: {_shapes(leaves)}")
        if ("weight" in leaves) != ("bias" in leaves):
            raise NotUnderstood(f"{where} is a batch norm with only one of weight and bias")
        return Part(name, "norm", leaves)
    if "weight" not in leaves:
        raise NotUnderstood(f"{where} lacks its weight (it has {_list(leaves)})")
    weight = leaves["weight"]
    if len(weight) == 1:
        raise NotUnderstood(
            f"{where} has {weight[0]} weights and no running statistics: a layer, group or instance norm, or a PReLU, "
            "none of which is opened"
        )
    if "num_batches_tracked" in leaves:
        raise NotUnderstood(f"{where} is a batch norm that lacks its running statistics (it has {_list(leaves)})")
    if min(weight) < 1:
        raise NotUnderstood(f"{where} has an empty weight of shape {list(weight)}")
    if "bias" in leaves and (len(leaves["bias"]) != 1 or leaves["bias"][0] not in weight[:2]):
        raise NotUnderstood(f"{where} has a bias that does not fit its weight: {_shapes(leaves)}")
    if len(weight) == 2:
        if "bias" in leaves and leaves["bias"][0] != weight[0]:
            raise NotUnderstood(f"{where} has a bias that does not fit its weight: {_shapes(leaves)}")
        return Part(name, "linear", leaves)
    if len(weight) == 4:
        if weight[2] != weight[3]:
            raise NotUnderstood(f"{where} has a kernel of {weight[2]}x{weight[3]}; only square ones are opened")
        return Part(name, "conv", leaves)
    raise NotUnderstood(f"{where} has a weight of {len(weight)} dimensions {list(weight)}, expected 2 or 4")


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts ``main.10`` after ``main.3``."""
    return [(0, int(word), "") if word.isdecimal() else (1, 0, word) for word in re.findall(r"\d+|\D+", name)]


def gap(before: Part, after: Part) -> Gap:
    """What the numbers of two neighbours' names tell about what stands between them.

    In a Sequential, ``main.1`` and ``main.3`` have one layer without weights between them. Across blocks, as ``0.1``
    and ``1.1``, only those at the start of the second are known.
    """
    left, right = before.path, after.path
    common = 0
    while common < min(len(left), len(right)) and left[common] == right[common]:
        common += 1
    inner_left, inner_right = left[common:], right[common:]
    if not inner_left or not inner_right:
        return Gap()
    lead = sum(int(word) for word in inner_right[1:] if word.isdecimal())
    if not (inner_left[0].isdecimal() and inner_right[0].isdecimal()):
        return Gap(None, lead)
    between = int(inner_right[0]) - int(inner_left[0]) - 1
    if between < 0 or between > 20:
        return Gap(None, lead)
    if len(inner_left) == 1 and all(word.isdecimal() for word in inner_right):
        return Gap(between + lead, between + lead)
    return Gap(None, between + lead)


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:6])


def _shapes(leaves: Mapping[str, Shape]) -> str:
    return ", ".join(f"{leaf} {list(shape)}" for leaf, shape in leaves.items())


def describe(shapes: Mapping[str, Shape], limit: int = 6) -> str:
    """The first names with their shapes, for a message."""
    shown: Sequence[str] = [f"{name} {list(shape)}" for name, shape in shapes.items()][:limit]
    more = len(shapes) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
