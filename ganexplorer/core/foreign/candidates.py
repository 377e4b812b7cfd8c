"""Which networks a file holds: by the dictionaries that its tensors lie in, and by what prefixes of names call them.

Names are as `containers.parse` gives them: dictionaries of the file joined by ``/``, then the dotted name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ganexplorer.core.foreign.parts import Shape

Role = Literal["generator", "discriminator", ""]

_MAX_DEPTH = 64  # of prefixes that are looked through


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


def candidates(shapes: Mapping[str, Shape]) -> list[Candidate]:
    """The networks that a file may hold, in its order; at least one."""
    found: list[Candidate] = []
    folders: dict[str, dict[str, Shape]] = {}
    for name, shape in shapes.items():
        folder, slash, rest = name.rpartition("/")
        folders.setdefault(folder + slash, {})[rest] = shape
    single = [folder for folder, inside in folders.items() if folder and inside.keys() <= _LEAVES]
    if len(single) > 1:  # a dictionary for each layer: none of them is a network
        for folder in single:
            above, slash, layer = folder.rstrip("/").rpartition("/")
            upper = folders.setdefault(above + slash, {})
            upper |= {f"{layer}/{name}": shape for name, shape in folders.pop(folder).items()}
    for folder, inside in folders.items():
        names = re.split("[/.]", folder)
        role: Role = next((known for name in reversed(names) if (known := _role(name))), "")
        layers = {name: shape for name, shape in inside.items() if not _is_counter(name, shape)}
        if layers:
            found += _split(folder, role, any(map(_is_average, names)), layers)
    return found or [Candidate("", "", False, shapes)]


def _is_counter(name: str, shape: Shape) -> bool:
    """Whether it is one number that a wrapper of a network keeps, such as how many weights it averaged."""
    return math.prod(shape) == 1 and "." not in name and not _COUNTERS.isdisjoint(_words(name))


def _split(prefix: str, role: Role, is_average: bool, shapes: Mapping[str, Shape], depth: int = 0) -> list[Candidate]:
    """One candidate, or several where the names of its children are those of networks and not of layers."""
    whole = [Candidate(prefix, role, is_average, shapes)]
    children: dict[str, dict[str, Shape]] = {}
    for name, shape in shapes.items():
        child, dot, rest = name.partition(".")
        children.setdefault(child if dot and rest else "", {})[rest if dot and rest else name] = shape
    roles = {child: _role(child) if any("." in name for name in inside) else None for child, inside in children.items()}
    if depth == _MAX_DEPTH:
        return whole

    def below(child: str) -> list[Candidate]:
        average = is_average or _is_average(child)
        return _split(
            f"{prefix}{child}." if child else prefix, roles[child] or role, average, children[child], depth + 1
        )

    if len(children) == 1:
        (child,) = children
        if not child or roles[child] is None:
            return whole
        found = below(child)
        if len(found) > 1:
            return found
        return [Candidate(prefix, found[0].role, found[0].is_average, shapes)]  # names in full, as the file has them
    if role:
        return whole
    named = [child for child in children if roles[child]]
    generators = [child for child in named if roles[child] == "generator"]
    copies = all(known is not None for known in roles.values()) and any(map(_is_average, children))
    if copies or len(generators) > 1 or (generators and len(named) > 1):
        return [candidate for child in children for candidate in below(child)]
    if named and not generators:
        # the generator is what remains
        others = {name: shape for name, shape in shapes.items() if name.partition(".")[0] not in named}
        return [Candidate(prefix, role, is_average, others), *(found for child in named for found in below(child))]
    return whole  # one layer of many may be called "gen"


_NEUTRAL = {
    "net", "network", "model", "state", "dict", "statedict", "sd", "module", "weights", "weight", "params",
    "parameters", "ema", "avg", "average", "averaged", "shadow", "running", "best", "last", "final", "orig", "mod",
    "copy", "main", "checkpoint", "ckpt", "gan", "dcgan", "wgan", "online", "target", "swa", "accum", "raw",
}  # fmt: skip
_AVERAGES = {"ema", "avg", "average", "averaged", "shadow", "swa", "running", "accum"}
_GENERATORS = {"g", "gen", "generator", "generators"}
_DISCRIMINATORS = {"d", "dis", "disc", "discr", "discriminator", "discriminators", "critic", "adversary"}
_LEAVES = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked", "kernel", "scale"}
_COUNTERS = {"averaged", "step", "steps", "initted", "updates", "decay", "epoch", "iteration", "iterations", "iter"}


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def _is_average(name: str) -> bool:
    return not _AVERAGES.isdisjoint(_words(name))


def _role(name: str) -> Role | None:
    """What a name calls a network; empty for a mere wrapper (``module``), None for another name."""
    words = [part for word in _words(name) for part in _unglued(word)]
    telling = {word for word in words if word not in _NEUTRAL}
    if not words or re.search(r"\d", name):
        return None
    if not telling:
        return ""
    if telling <= _GENERATORS:
        return "generator"
    if telling <= _DISCRIMINATORS:
        return "discriminator"
    return None


def _unglued(word: str) -> Iterable[str]:
    """``netg`` and ``gnet`` as two words."""
    match = re.fullmatch(r"(net|model)(g|d)|(g|d)(net|model)", word)
    return [part for part in match.groups() if part] if match else [word]
