"""What names and shapes do not tell, as most people have it, and as the file of a whole module says it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ganexplorer.core.foreign.assembly import is_first_norm
from ganexplorer.core.foreign.parts import Facts, NotUnderstood
from ganexplorer.core.foreign.pictures import BARS
from ganexplorer.core.foreign.steps import Step
from ganexplorer.core.latent import Prior
from ganexplorer.core.spec import Layer, LeakyReLU, Sigmoid

_LEAKY: dict[str, Any] = {"activation": "leaky_relu", "slope": 0.2}
_RELU: dict[str, Any] = {"activation": "relu"}
_TOY: dict[str, Any] = {"activation": "sigmoid", "output": "sigmoid", "prior": Prior.constant(0.5)}

# networks so well known by their sizes that their other values are known too
_KNOWN: dict[str, dict[str, Any]] = {
    "64-256-256-784": {"activation": "leaky_relu", "slope": 0.01},
    "100-128-784": {"activation": "leaky_relu", "slope": 0.01, "prior": Prior.uniform()},
    "96-1024-1024-784": {**_RELU, "prior": Prior.uniform()},
}
_KNOWN_CRITICS: dict[str, tuple[Layer, bool]] = {
    "784-256-64-1": (LeakyReLU(0.01), True),
    "784-128-1": (LeakyReLU(0.01), False),
    "784-256-256-1": (LeakyReLU(0.2), False),
    "4-3-1": (Sigmoid(), True),
}


def of_generator(steps: Sequence[Step]) -> dict[str, Any]:
    """The choices that differ from the defaults of `Choices` for a family, or for a well-known network."""
    norms = [i for i, step in enumerate(steps) if step.kind == "norm" and i > 0]
    found = _of_images(steps, norms) if steps[-1].is_image else _of_vectors(steps, norms)
    if any(steps[i].gap.exact for i in norms if i < len(steps) - 1):
        return {**found, **_RELU, "eps": 1e-5}  # who puts norms behind the activations has it from another library
    return found


def _of_vectors(steps: Sequence[Step], norms: Sequence[int]) -> dict[str, Any]:
    sizes = [steps[0].inputs, *(step.outputs for step in steps if step.kind == "linear")]
    signature = "-".join(map(str, sizes))
    if not norms and signature in _KNOWN:
        return _KNOWN[signature]
    if sizes[0] == 1 and sizes[-1] < BARS:
        return _TOY
    first = next(i for i, step in enumerate(steps) if step.kind == "linear")
    if norms and first + 1 not in norms and len(sizes) > 3:
        return {**_LEAKY, "eps": 0.8}  # as in a well-known collection
    containers = [steps[i].part.container for i in norms]
    in_blocks = len(norms) > 1 and len(set(containers)) == len(norms) and None not in containers
    return _RELU if in_blocks else _LEAKY  # as in a well-known course


def _of_images(steps: Sequence[Step], norms: Sequence[int]) -> dict[str, Any]:
    found = dict(_RELU)
    if norms and not any(step.kind == "conv_transpose" for step in steps):
        found = dict(_LEAKY)
        if any(is_first_norm(steps, i) for i in norms):
            found |= {"eps": 0.8, "lift_activation": False}
    linear = [step for step in steps if step.kind == "linear"]
    if len(linear) == 1 and linear[0].part.container is None:
        found["lift_activation"] = False  # fc by itself, then a reshape
    return found


def of_critic(sizes: Sequence[int]) -> tuple[Layer, bool]:
    """The hidden activation of a discriminator, and whether it ends in a sigmoid, by the sizes of its linear layers."""
    return _KNOWN_CRITICS.get("-".join(map(str, sizes)), (LeakyReLU(0.2), True))


# ---- what the file of a whole module says

_ACTIVATIONS = {
    "ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "SELU": "selu", "GELU": "gelu", "SiLU": "silu",
    "Tanh": "tanh", "Sigmoid": "sigmoid",
}  # fmt: skip
_UPSAMPLINGS = {"Upsample": "", "UpsamplingNearest2d": "nearest", "UpsamplingBilinear2d": ""}
_IDLE = {
    "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout", "Identity", "Flatten",
    "Unflatten",
}  # fmt: skip
_HARMLESS = ("view", "reshape", "unflatten", "flatten", "squeeze", "loss", "criterion")


def told(facts: Facts, parts: Collection[str]) -> dict[str, Any]:
    """Choices that a pickled module makes; raises `NotUnderstood` for a layer that the grammar has no word for.

    `parts` are the names of its layers with weights.
    """
    classes = {name: str(values.get("class", "")) for name, values in facts.items()}
    inner = {name.rpartition(".")[0] for name in classes}
    hidden: list[tuple[str, Any]] = []
    found: dict[str, Any] = {}
    for name, kind in classes.items():
        if name in inner or name in parts or kind in _IDLE or any(word in kind.lower() for word in _HARMLESS):
            continue
        values = facts[name]
        if kind in _ACTIVATIONS:
            slope = number(name, values.get("negative_slope", 0.01)) if kind == "LeakyReLU" else 0.0
            if number(name, values.get("alpha", 1.0)) != 1.0 or values.get("approximate", "none") != "none":
                raise NotUnderstood(f"{name} is a {kind} with a parameter of its own, which is not opened")
            hidden.append((_ACTIVATIONS[kind], slope))
        elif kind in _UPSAMPLINGS:
            mode = _UPSAMPLINGS[kind] or str(values.get("mode", "nearest"))
            factor = values.get("scale_factor", 2)
            if mode not in ("nearest", "bilinear") or values.get("align_corners") or _is_other(factor):
                raise NotUnderstood(f"{name} is an {kind} by {factor} ({mode}), expected one by 2, nearest or bilinear")
            found["upsample"] = mode
        elif kind:
            raise NotUnderstood(f"{name} is a {kind}, which is not opened")
    lasts = [kind for kind in hidden if kind[0] in ("tanh", "sigmoid")]
    if lasts and (len(lasts) == 1 or hidden[-1] in lasts):
        hidden.remove(lasts[-1])
        found["output"] = lasts[-1][0]
    if len(kinds := set(hidden)) > 1:
        names = ", ".join(sorted(f"{kind} {slope:g}" if slope else kind for kind, slope in kinds))
        raise NotUnderstood(f"its activations differ from layer to layer ({names}), expected one kind")
    if hidden:
        found["activation"], slope = hidden[0]
        if found["activation"] == "leaky_relu":
            found["slope"] = slope
    return found


def number(name: str, value: Any) -> float:
    """A parameter of a layer that a file tells; raises `NotUnderstood` for what is none."""
    if not isinstance(value, int | float) or not 0 <= value <= 10:
        raise NotUnderstood(f"{name} has the parameter {value!r}, expected a number from 0 to 10")
    return float(value)


def upsampled(facts: Facts) -> set[str]:
    """The layers before which a pickled module has an upsampling in a Sequential; empty where it has none there."""
    found: set[str] = set()
    is_pending = False
    for name, values in facts.items():
        kind = str(values.get("class", ""))
        if kind in _UPSAMPLINGS and name.rpartition(".")[2].isdecimal():
            is_pending = True
        elif is_pending and kind in ("Linear", "Conv2d", "ConvTranspose2d"):
            found.add(name)
            is_pending = False
    return found


def _is_other(factor: Any) -> bool:
    return any(value != 2 for value in (factor if isinstance(factor, list) else [factor]))
