"""From the flat names of a state dict to the layers that have weights, and what numbers in names tell of the rest."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ganexplorer.core.errors import UserError
from ganexplorer.core.spec import MAX_PARAMETERS

Shape = tuple[int, ...]
PartKind = Literal["linear", "conv", "norm"]
Facts = Mapping[str, Mapping[str, Any]]  # what a file tells of a layer, by its name: class, stride, padding, eps, …

MAX_PARTS = 200  # layers with weights in one network
MAX_SIZE = 2**24  # of one dimension
MAX_KERNEL = 64
MAX_GAP = 20  # layers without weights between two that have some
_NORM_LEAVES = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
_WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}

# words in names of layers that the grammar has no word for, though their shapes may look as if it had
_FOREIGN: Mapping[str, tuple[str, ...]] = {
    "of labels": ("embed", "embedding", "embeddings", "emb", "label", "labels", "cond", "condition"),
    "of attention or recurrence": (
        "attn", "attention", "query", "key", "value", "lstm", "gru", "rnn", "transformer",
    ),
    "beside the path, as residual networks have": (
        "res", "resblock", "resblocks", "resnet", "residual", "shortcut", "skip", "sc", "bypass",
    ),
    "of an encoder": ("encoder", "enc", "encode", "mu", "logvar", "logsigma", "mean", "var", "sigma"),
    "of a style": ("mapping", "style", "styles", "modulation", "adain"),
}  # fmt: skip


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
        """The words of its name but those that tools put in."""
        return tuple(word for word in self.name.split(".") if word not in _WRAPPERS)

    @property
    def container(self) -> str | None:
        """The name of the Sequential or list that it has a number in; None where it has none."""
        *rest, last = self.path
        return ".".join(rest) if last.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Gap:
    """Layers without weights between two that have some, as the numbers in their names tell.

    `exact` is their count, None where the names do not tell; `least` is a lower bound then.
    """

    exact: int | None = None
    least: int = 0


def parts_of(shapes: Mapping[str, Shape], facts: Facts | None = None) -> list[Part]:
    """The layers with weights, in the order of the names; raises `NotUnderstood` with what stands in the way."""
    grouped: dict[str, dict[str, Shape]] = {}
    for name, shape in shapes.items():
        module, _, leaf = name.rpartition(".")
        grouped.setdefault(module, {})[leaf] = shape
    if len(grouped) > MAX_PARTS:
        raise NotUnderstood(f"it has {len(grouped):,} layers with weights; at most {MAX_PARTS} are opened")
    parts = [_part(name, leaves) for name, leaves in grouped.items()]
    total = sum(math.prod(shape) for leaves in grouped.values() for shape in leaves.values())
    if total > MAX_PARAMETERS:
        raise NotUnderstood(f"it has {total:,} weights; at most {MAX_PARAMETERS:,} are opened")
    for part in parts:
        _check_class(part, facts or {})
    return parts


def check_names(parts: Sequence[Part]) -> None:
    """Raise `NotUnderstood` for a layer that is called something that the grammar has no word for."""
    for part in parts:
        words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", part.name).lower())
        for meaning, names in _FOREIGN.items():
            if not set(names).isdisjoint(words):
                raise NotUnderstood(
                    f"{part.name} ({_shapes(part.shapes)}) is by its name a layer {meaning}; expected layers that only "
                    "follow on each other"
                )


def _part(name: str, leaves: dict[str, Shape]) -> Part:
    where = name or "the top level"
    strange = leaves.keys() - _NORM_LEAVES
    if strange:
        raise NotUnderstood(f"{where} holds {_list(strange)}, expected weight and bias, or those of a batch norm")
    for leaf, shape in leaves.items():
        if leaf != "num_batches_tracked" and shape and min(shape) < 1:
            raise NotUnderstood(f"{where} has an empty {leaf} of shape {list(shape)}")
        if shape and max(shape) > MAX_SIZE:
            raise NotUnderstood(f"{where} has a {leaf} of shape {list(shape)}; at most {MAX_SIZE:,} are opened")
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
    if "num_batches_tracked" in leaves:
        raise NotUnderstood(f"{where} is a batch norm that lacks its running statistics (it has {_list(leaves)})")
    if len(weight) == 1:
        raise NotUnderstood(
            f"{where} has {weight[0]} weights and no running statistics: a layer, group or instance norm, or a PReLU, "
            "none of which is opened"
        )
    if len(weight) not in (2, 4):
        raise NotUnderstood(f"{where} has a weight of {len(weight)} dimensions {list(weight)}, expected 2 or 4")
    outputs = weight[:1] if len(weight) == 2 else weight[:2]
    if "bias" in leaves and (len(leaves["bias"]) != 1 or leaves["bias"][0] not in outputs):
        raise NotUnderstood(f"{where} has a bias that does not fit its weight: {_shapes(leaves)}")
    if len(weight) == 2:
        return Part(name, "linear", leaves)
    if weight[2] != weight[3] or weight[2] > MAX_KERNEL:
        raise NotUnderstood(
            f"{where} has a kernel of {weight[2]}x{weight[3]}; only square ones of up to {MAX_KERNEL} are opened"
        )
    return Part(name, "conv", leaves)


# classes of PyTorch that a part may be of, where the file tells
_CLASSES: dict[PartKind, set[str]] = {
    "linear": {"Linear"},
    "conv": {"Conv2d", "ConvTranspose2d"},
    "norm": {"BatchNorm1d", "BatchNorm2d", "SyncBatchNorm", "InstanceNorm1d", "InstanceNorm2d"},
}


def _check_class(part: Part, facts: Facts) -> None:
    name = facts.get(part.name, {}).get("class")
    if name is not None and name not in _CLASSES[part.kind]:
        raise NotUnderstood(f"{part.name} is a {name}, expected {' or '.join(sorted(_CLASSES[part.kind]))}")


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts ``main.10`` after ``main.3``."""
    return [(0, int(word[:18]), "") if word.isdecimal() else (1, 0, word) for word in re.findall(r"\d+|\D+", name)]


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
    lead = sum(_number(word) for word in inner_right[1:] if word.isdecimal())
    if lead > MAX_GAP:
        return Gap()
    if not (inner_left[0].isdecimal() and inner_right[0].isdecimal()):
        return Gap(None, lead)
    between = _number(inner_right[0]) - _number(inner_left[0]) - 1
    if between < 0 or between > MAX_GAP:
        return Gap(None, lead)
    if len(inner_left) == 1 and all(word.isdecimal() for word in inner_right):
        return Gap(between + lead, between + lead)
    return Gap(None, between + lead)


def _number(word: str) -> int:
    return int(word[:9])


def describe(shapes: Mapping[str, Shape], limit: int = 6) -> str:
    """The first names with their shapes, for a message."""
    shown: Sequence[str] = [f"{name} {list(shape)}" for name, shape in shapes.items()][:limit]
    more = len(shapes) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:6])


def _shapes(leaves: Mapping[str, Shape]) -> str:
    return ", ".join(f"{leaf} {list(shape)}" for leaf, shape in leaves.items())
