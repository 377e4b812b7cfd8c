"""A network as data: a declarative list of layers that is validated, stored as JSON and built by `networks.build`.

Recipes produce a :class:`NetworkSpec`, checkpoints carry it, the renderer reads it. A spec holds no weights.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior

Shape = tuple[int, ...]

MAX_LAYERS = 200
MAX_PARAMETERS = 500_000_000
MAX_ACTIVATIONS = 64 * 1024 * 1024  # values of one layer's output for one sample
MAX_Z_DIM = 4096


class SpecError(UserError):
    """A network description that is malformed, out of bounds or whose layers do not fit each other."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. Subclasses say which; sizes are per sample, without the batch dimension."""

    kind: ClassVar[str] = ""

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the output for an input of `shape`; raises `SpecError` when the layer does not take it."""
        raise SpecError(f"layer kind {self.kind!r} cannot be used by itself")

    @property
    def parameter_count(self) -> int:
        return 0

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind} | dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class Linear(Layer):
    kind: ClassVar[str] = "linear"
    inputs: int
    outputs: int
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        _expect(shape == (self.inputs,), f"linear layer takes {self.inputs} values, gets {_words(shape)}")
        return (self.outputs,)

    @property
    def parameter_count(self) -> int:
        return self.inputs * self.outputs + self.outputs * self.bias


@dataclass(frozen=True, slots=True)
class Conv2d(Layer):
    kind: ClassVar[str] = "conv2d"
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        height, width = _image_size(self.kind, self.inputs, shape)

        def out(size: int) -> int:
            return (size + 2 * self.padding - self.kernel) // self.stride + 1

        result = (self.outputs, out(height), out(width))
        _expect(
            min(result) >= 1,
            f"convolution {self.kernel}x{self.kernel} is larger than its input {_words(shape)}",
        )
        return result

    @property
    def parameter_count(self) -> int:
        return self.inputs * self.outputs * self.kernel**2 + self.outputs * self.bias


@dataclass(frozen=True, slots=True)
class ConvTranspose2d(Layer):
    kind: ClassVar[str] = "conv_transpose2d"
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0
    bias: bool = True
    output_padding: int = 0

    def output_shape(self, shape: Shape) -> Shape:
        height, width = _image_size(self.kind, self.inputs, shape)

        def out(size: int) -> int:
            return (size - 1) * self.stride - 2 * self.padding + self.kernel + self.output_padding

        _expect(
            self.output_padding < self.stride,
            f"output padding {self.output_padding} is not smaller than the stride {self.stride}",
        )
        result = (self.outputs, out(height), out(width))
        _expect(min(result) >= 1, f"transposed convolution leaves nothing of its input {_words(shape)}")
        return result

    @property
    def parameter_count(self) -> int:
        return self.inputs * self.outputs * self.kernel**2 + self.outputs * self.bias


@dataclass(frozen=True, slots=True)
class BatchNorm(Layer):
    """Batch normalisation over the first dimension of a sample: features of a vector, channels of an image."""

    kind: ClassVar[str] = "batch_norm"
    features: int
    eps: float = 1e-5
    momentum: float = 0.1

    def output_shape(self, shape: Shape) -> Shape:
        _expect(
            len(shape) in (1, 3) and shape[0] == self.features,
            f"batch norm takes {self.features} features, gets {_words(shape)}",
        )
        return shape

    @property
    def parameter_count(self) -> int:
        return 2 * self.features


@dataclass(frozen=True, slots=True)
class Activation(Layer):
    """A function of each value by itself."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True, slots=True)
class LeakyReLU(Activation):
    kind: ClassVar[str] = "leaky_relu"
    slope: float = 0.01


@dataclass(frozen=True, slots=True)
class ReLU(Activation):
    kind: ClassVar[str] = "relu"


@dataclass(frozen=True, slots=True)
class ELU(Activation):
    kind: ClassVar[str] = "elu"
    alpha: float = 1.0


@dataclass(frozen=True, slots=True)
class SELU(Activation):
    kind: ClassVar[str] = "selu"


@dataclass(frozen=True, slots=True)
class GELU(Activation):
    kind: ClassVar[str] = "gelu"


@dataclass(frozen=True, slots=True)
class SiLU(Activation):
    kind: ClassVar[str] = "silu"


@dataclass(frozen=True, slots=True)
class Tanh(Activation):
    kind: ClassVar[str] = "tanh"


@dataclass(frozen=True, slots=True)
class Sigmoid(Activation):
    kind: ClassVar[str] = "sigmoid"


@dataclass(frozen=True, slots=True)
class Reshape(Layer):
    kind: ClassVar[str] = "reshape"
    shape: Shape

    def output_shape(self, shape: Shape) -> Shape:
        fits = math.prod(shape) == math.prod(self.shape) and 1 in (len(shape), len(self.shape))
        _expect(fits, f"{_words(shape)} cannot be reshaped to {_words(self.shape)}")
        return self.shape


@dataclass(frozen=True, slots=True)
class Permute(Layer):
    """Another order of an image's dimensions, counted from 1 as `torch.permute` does with the batch as 0.

    (1, 3, 2) swaps rows and columns; (3, 1, 2) makes (channels, height, width) of (height, width, channels).
    """

    kind: ClassVar[str] = "permute"
    dims: Shape

    def output_shape(self, shape: Shape) -> Shape:
        _expect(sorted(self.dims) == [1, 2, 3], f"dims are an order of 1, 2, 3, not {self.dims}")
        _expect(len(shape) == 3, f"only an image can be permuted, not {_words(shape)}")
        return tuple(shape[dim - 1] for dim in self.dims)


@dataclass(frozen=True, slots=True)
class Upsample(Layer):
    kind: ClassVar[str] = "upsample"
    scale: int = 2
    mode: Literal["nearest", "bilinear"] = "nearest"

    def output_shape(self, shape: Shape) -> Shape:
        _expect(len(shape) == 3, f"upsampling takes an image, gets {_words(shape)}")
        return (shape[0], shape[1] * self.scale, shape[2] * self.scale)


LAYER_KINDS: dict[str, type[Layer]] = {
    cls.kind: cls
    for cls in (
        Linear, Conv2d, ConvTranspose2d, BatchNorm, LeakyReLU, ReLU, ELU, SELU, GELU, SiLU, Tanh, Sigmoid,
        Reshape, Permute, Upsample,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A generator (``prior`` is set) or a discriminator (``prior`` is None) as a list of layers.

    Parameters
    ----------
    layers
        From input to output. A generator's input is a vector of `z_dim` values, its output an image of
        `image_shape`; a discriminator's input is an image of `image_shape`, its output one value.
    image_shape
        (channels, height, width).
    z_dim, prior
        Of a generator: the number of latent dimensions and the distribution z is drawn from.
    value_range
        The network's own range of pixel values, (-1, 1) or (0, 1). Outside the network images are always
        in [-1, 1]; `networks.Network.forward` converts.

    Raises
    ------
    SpecError
        Layers that do not fit each other, or sizes out of bounds.
    """

    layers: tuple[Layer, ...]
    image_shape: tuple[int, int, int]
    z_dim: int = 0
    prior: Prior | None = None
    value_range: tuple[float, float] = (-1.0, 1.0)

    def __post_init__(self) -> None:
        _expect(
            0 < len(self.layers) <= MAX_LAYERS,
            f"a network has 1 to {MAX_LAYERS} layers, not {len(self.layers)}",
        )
        _expect(len(self.image_shape) == 3, f"image_shape is (channels, height, width), not {self.image_shape}")
        _expect(min(self.image_shape) >= 1, f"image_shape has no pixels: {self.image_shape}")
        _expect(
            self.value_range in ((-1.0, 1.0), (0.0, 1.0)),
            f"value_range is (-1, 1) or (0, 1), not {self.value_range}",
        )
        if self.is_generator:
            _expect(1 <= self.z_dim <= MAX_Z_DIM, f"z_dim is 1 to {MAX_Z_DIM}, not {self.z_dim}")
        else:
            _expect(self.z_dim == 0, "a discriminator has no z_dim")
        # types and sizes first: parameter_count multiplies them
        shape = self.shapes[-1]
        _expect(
            self.parameter_count <= MAX_PARAMETERS,
            f"{self.parameter_count:,} parameters are more than {MAX_PARAMETERS:,}",
        )
        wanted = self.image_shape if self.is_generator else (1,)
        _expect(shape == wanted, f"the last layer gives {_words(shape)}, the network should give {_words(wanted)}")

    @property
    def is_generator(self) -> bool:
        return self.prior is not None

    @property
    def input_shape(self) -> Shape:
        return (self.z_dim,) if self.is_generator else self.image_shape

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The input shape, then the output shape of each layer."""
        shapes: list[Shape] = [self.input_shape]
        for number, layer in enumerate(self.layers):
            _check_sizes(number, layer)
            try:
                shape = layer.output_shape(shapes[-1])
            except SpecError as error:
                raise SpecError(f"layer {number} ({layer.kind}): {error}") from None
            _expect(
                math.prod(shape) <= MAX_ACTIVATIONS,
                f"layer {number} ({layer.kind}): output {_words(shape)} is too large",
            )
            shapes.append(shape)
        return tuple(shapes)

    @property
    def parameter_count(self) -> int:
        return sum(layer.parameter_count for layer in self.layers)

    @property
    def family(self) -> Literal["mlp", "dcgan"]:
        """`dcgan` when it has (transposed) convolutions, else `mlp`. For people; no code branches on it."""
        return "dcgan" if any(isinstance(x, Conv2d | ConvTranspose2d) for x in self.layers) else "mlp"

    def summary(self) -> str:
        """The sizes from input to output, as in ``64-256-256-784`` or ``100-512@4x4-…-3@64x64``."""
        steps = [_size_words(self.shapes[0])]
        for layer, shape in zip(self.layers, self.shapes[1:], strict=True):
            if layer.parameter_count and not isinstance(layer, BatchNorm):
                steps.append(_size_words(shape))
        return "-".join(steps)

    def to_json(self) -> str:
        data: dict[str, Any] = {
            "layers": [layer.to_dict() for layer in self.layers],
            "image_shape": list(self.image_shape),
            "value_range": list(self.value_range),
        }
        if self.prior is not None:
            data |= {"z_dim": self.z_dim, "prior": self.prior.to_dict()}
        return json.dumps(data)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The spec that `to_json` wrote; raises `SpecError` for anything else."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"the network description is not JSON: {error}") from None
        if not isinstance(data, dict):
            raise SpecError("the network description is not a JSON object")
        unknown = set(data) - {"layers", "image_shape", "value_range", "z_dim", "prior"}
        _expect(not unknown, f"unknown entries in the network description: {', '.join(sorted(unknown))}")
        layers = data.get("layers")
        if not isinstance(layers, list) or len(layers) > MAX_LAYERS:
            raise SpecError(f"the network description lacks a list of 1 to {MAX_LAYERS} layers")
        prior = data.get("prior")
        try:
            return cls(
                layers=tuple(_layer_from_dict(number, item) for number, item in enumerate(layers)),
                image_shape=_int_tuple(data.get("image_shape"), "image_shape"),  # type: ignore[arg-type]
                z_dim=_int_tuple([data.get("z_dim", 0)], "z_dim")[0],
                prior=None if prior is None else Prior.from_dict(prior),
                value_range=_float_pair(data.get("value_range", [-1, 1])),
            )
        except SpecError:
            raise
        except (ValueError, TypeError, OverflowError) as error:
            raise SpecError(f"malformed network description: {error}") from None


def _layer_from_dict(number: int, item: object) -> Layer:
    _expect(isinstance(item, Mapping), f"layer {number} is not a JSON object")
    assert isinstance(item, Mapping)
    cls = LAYER_KINDS.get(str(item.get("kind")))
    if cls is None:
        raise SpecError(f"layer {number} has the unknown kind {item.get('kind')!r}; known: {', '.join(LAYER_KINDS)}")
    known = {field.name: field for field in dataclasses.fields(cls)}
    values: dict[str, Any] = {}
    for key, value in item.items():
        if key == "kind":
            continue
        _expect(key in known, f"layer {number} ({cls.kind}) has no option {key!r}")
        values[key] = _int_tuple(value, key) if known[key].type == "Shape" else value
    try:
        return cls(**values)
    except TypeError as error:
        raise SpecError(f"layer {number} ({cls.kind}): {error}") from None


def _check_sizes(number: int, layer: Layer) -> None:
    """Every option of a layer has its declared type and a sane range."""
    for field in dataclasses.fields(layer):
        value, where = getattr(layer, field.name), f"layer {number} ({layer.kind}): {field.name}"
        if field.type == "int":
            _expect(
                isinstance(value, int) and not isinstance(value, bool),
                f"{where} is not a whole number: {value!r}",
            )
            low = 0 if field.name in ("padding", "output_padding") else 1
            high = 64 if field.name in ("kernel", "stride", "padding", "output_padding", "scale") else 2**24
            _expect(low <= value <= high, f"{where} is {value}, not {low} to {high}")
        elif field.type == "float":
            number_ok = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            _expect(number_ok and 0 <= value <= 10, f"{where} is {value!r}, not a number from 0 to 10")
        elif field.type == "bool":
            _expect(isinstance(value, bool), f"{where} is not true or false: {value!r}")
        elif field.type == "Shape":
            _expect(len(value) in (1, 3) and min(value) >= 1, f"{where} is not 1 or 3 sizes: {value!r}")
        else:
            _expect(value in ("nearest", "bilinear"), f"{where} is {value!r}, not nearest or bilinear")


def _image_size(kind: str, channels: int, shape: Shape) -> tuple[int, int]:
    _expect(
        len(shape) == 3 and shape[0] == channels,
        f"{kind} takes an image of {channels} channels, gets {_words(shape)}",
    )
    return shape[1], shape[2]


def _int_tuple(value: object, name: str) -> tuple[int, ...]:
    is_ints = isinstance(value, Sequence) and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
    _expect(is_ints, f"{name} is not made of whole numbers: {value!r}")
    return tuple(value)  # type: ignore[arg-type]


def _float_pair(value: object) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise SpecError(f"value_range is not a pair: {value!r}")
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in value):
        raise SpecError(f"value_range is not made of numbers: {value!r}")
    return float(value[0]), float(value[1])


def _words(shape: Sequence[int]) -> str:
    return f"{shape[0]} values" if len(shape) == 1 else " x ".join(map(str, shape))


def _size_words(shape: Shape) -> str:
    return str(shape[0]) if len(shape) == 1 else f"{shape[0]}@{shape[1]}x{shape[2]}"


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise SpecError(message)
