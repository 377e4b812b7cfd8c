"""What a state dict cannot say, as values that a person can change: activation, slope, prior, pixel order, …"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.spec import ELU, GELU, SELU, Layer, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh

ACTIVATIONS = ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "none")
OUTPUTS = ("tanh", "sigmoid", "none")
UPSAMPLINGS = ("nearest", "bilinear")


class ChoiceError(UserError):
    """A choice that is no choice, in words."""


def _option(default: Any, help: str, *choices: str) -> Any:
    return field(default=default, metadata={"help": help, "choices": choices})


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything about a generator that names and shapes of its weights leave open.

    Its fields are the flags of ``ganexplorer convert``, the fields of the import sheet and what is kept beside a file.
    """

    activation: str = _option("leaky_relu", "between the layers", *ACTIVATIONS)
    slope: float = _option(0.2, "of a leaky ReLU below 0")
    output: str = _option("tanh", "after the last layer; sigmoid: the network's own range is [0, 1]", *OUTPUTS)
    eps: float = _option(1e-5, "of the batch norms")
    first_eps: float = _option(1e-5, "of a batch norm that stands first on the reshaped image")
    lift_activation: bool = _option(True, "whether one stands where the values of a linear layer become an image")
    upsample: str = _option("nearest", "how an upsampling fills in", *UPSAMPLINGS)
    prior: Prior = _option(Prior.normal(), "what z is drawn from: normal, uniform, uniform:LOW,HIGH or constant:VALUE")
    image_shape: tuple[int, int, int] = _option((1, 28, 28), "channels, height, width")
    transpose: bool = _option(False, "whether rows and columns are swapped")
    channels_last: bool = _option(False, "whether the values are in the order height, width, channels")

    def hidden(self) -> Layer | None:
        """The activation between layers."""
        return layer_of(self.activation, self.slope)

    def last(self) -> Layer | None:
        """The activation after the last layer."""
        return layer_of(self.output, self.slope)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {name: to_json(getattr(self, name)) for name in names()}

    def changed(self, values: Mapping[str, Any]) -> Self:
        """With some fields replaced by what a person wrote or a file holds; raises `ChoiceError`."""
        return dataclasses.replace(self, **parsed(values))


def names() -> list[str]:
    return [item.name for item in dataclasses.fields(Choices)]


def layer_of(name: str, slope: float) -> Layer | None:
    """The layer of an activation's name; None for ``none``."""
    match name:
        case "none":
            return None
        case "leaky_relu":
            return LeakyReLU(slope)
        case _:
            plain: dict[str, type[Layer]] = {
                "relu": ReLU, "elu": ELU, "selu": SELU, "gelu": GELU, "silu": SiLU, "tanh": Tanh, "sigmoid": Sigmoid,
            }  # fmt: skip
            return plain[name]()


def to_json(value: object) -> Any:
    """A choice as JSON: priors as people write them, shapes as lists."""
    if isinstance(value, Prior):
        return prior_text(value)
    return list(value) if isinstance(value, tuple) else value


def to_text(value: object) -> str:
    """A choice as its flag takes it, and as the import sheet shows it."""
    value = to_json(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def prior_text(prior: Prior) -> str:
    """As `parsed` reads it: ``normal``, ``uniform:-1,1``, ``constant:0.5``."""
    match prior.kind:
        case "normal":
            return "normal" if (prior.a, prior.b) == (0, 1) else f"normal:{prior.a:g},{prior.b:g}"
        case "uniform":
            return f"uniform:{prior.a:g},{prior.b:g}"
        case "constant":
            return f"constant:{prior.a:g}"


def parsed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Typed values of fields from texts or JSON values; raises `ChoiceError` for unknown names and bad values.

    ``activation`` may bring its slope along: ``leaky_relu:0.2``.
    """
    result: dict[str, Any] = {}
    for name, value in values.items():
        if name not in names():
            raise ChoiceError(f"unknown choice {name!r}; known: {', '.join(names())}")
        if name == "activation" and isinstance(value, str):
            value, slope = _activation(value)
            if slope is not None:
                result["slope"] = _number("slope", slope, 0, 10)
        result[name] = _parsed(name, value)
    return result


def _parsed(name: str, value: Any) -> Any:
    match name:
        case "activation":
            return _one_of(name, value, ACTIVATIONS)
        case "output":
            return _one_of(name, _plain_name(value), OUTPUTS)
        case "upsample":
            return _one_of(name, _plain_name(value), UPSAMPLINGS)
        case "slope":
            return _number(name, value, 0, 10)
        case "eps" | "first_eps":
            return _number(name, value, 0, 10)
        case "prior":
            return value if isinstance(value, Prior) else _prior(value)
        case "image_shape":
            return _image_shape(value)
        case _:
            if value not in (True, False, "yes", "no"):
                raise ChoiceError(f"{name} is yes or no, not {value!r}")
            return value in (True, "yes")


def _plain_name(value: object) -> str:
    name = re.sub(r"[^a-z]+", "_", str(value).lower()).strip("_")
    return {"linear": "none", "identity": "none", "logistic": "sigmoid"}.get(name, name)


def _activation(value: str) -> tuple[str, str | None]:
    """``leaky_relu:0.2``, ``LeakyReLU(0.2)`` as a name and a slope."""
    match = re.fullmatch(r"\s*([A-Za-z_\- ]+?)\s*(?:[:(=]\s*([-+.\deE]+)\s*\)?)?\s*", value)
    if match is None:
        return value, None
    name = _plain_name(match[1])
    return {"leakyrelu": "leaky_relu", "lrelu": "leaky_relu", "leaky": "leaky_relu", "swish": "silu"}.get(
        name, name
    ), match[2]


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ChoiceError(f"{name} is one of {', '.join(known)}, not {value!r}")
    return str(value)


def _number(name: str, value: Any, low: float, high: float) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not low <= number <= high:
        raise ChoiceError(f"{name} is a number from {low} to {high}, not {value!r}")
    return number


def _prior(value: Any) -> Prior:
    words = re.fullmatch(r"\s*(normal|uniform|constant)\s*(?:[:(]([^()]*)\)?)?\s*", str(value).lower())
    try:
        if words is None:
            raise ValueError
        numbers = [float(word) for word in words[2].replace(";", ",").split(",")] if words[2] else []
        match words[1], numbers:
            case "normal", []:
                return Prior.normal()
            case "normal", [mean, std]:
                return Prior.normal(mean, std)
            case "uniform", []:
                return Prior.uniform()
            case "uniform", [low, high]:
                return Prior.uniform(low, high)
            case "constant", [number]:
                return Prior.constant(number)
            case _:
                raise ValueError
    except ValueError as error:
        detail = f" ({error})" if str(error) and words is not None else ""
        raise ChoiceError(
            f"prior is normal, normal:MEAN,STD, uniform, uniform:LOW,HIGH or constant:VALUE, not {value!r}{detail}"
        ) from None


def _image_shape(value: Any) -> tuple[int, int, int]:
    """``28``, ``28x28``, ``3,64,64``, ``3x64x64`` or a list; a lone size is a gray square."""
    items = re.split(r"[x,\s]+", value.strip()) if isinstance(value, str) else value
    items = [items] if isinstance(items, int) else items
    try:
        sizes = [int(item) for item in items]
    except (TypeError, ValueError, OverflowError):
        sizes = []
    if len(sizes) == 1:
        sizes = [1, sizes[0], sizes[0]]
    elif len(sizes) == 2:
        sizes = [1, *sizes]
    if len(sizes) != 3 or min(sizes) < 1 or max(sizes) > 4096:
        raise ChoiceError(f"image_shape is channels,height,width, such as 3,64,64, not {value!r}")
    return sizes[0], sizes[1], sizes[2]
