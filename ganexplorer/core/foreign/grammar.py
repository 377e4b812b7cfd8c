"""The one grammar of all families: from steps to a `NetworkSpec`, given the choices that a state dict leaves open."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from typing import Any

from ganexplorer.core.foreign import geometry
from ganexplorer.core.foreign.chain import Step, steps_of
from ganexplorer.core.foreign.choices import Choices
from ganexplorer.core.foreign.choices import names as choice_names
from ganexplorer.core.foreign.geometry import NEVER, Placed, Stage
from ganexplorer.core.foreign.parts import NotUnderstood, Shape, parts_of
from ganexplorer.core.latent import Prior
from ganexplorer.core.spec import (
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    Layer,
    LeakyReLU,
    Linear,
    NetworkSpec,
    Permute,
    Reshape,
    Sigmoid,
    SpecError,
    Upsample,
)

Facts = Mapping[str, Mapping[str, Any]]  # what a file tells of a layer, by its name: stride, padding, eps, …

BARS = 16  # up to so many numbers are shown as bars, not as a square


@dataclass(frozen=True)
class GeneratorReading:
    """A generator as far as names and shapes tell."""

    steps: Sequence[Step]
    facts: Facts

    @classmethod
    def of(cls, shapes: Mapping[str, Shape], is_ordered: bool, facts: Facts) -> GeneratorReading:
        """Raises `NotUnderstood` where the weights are not those of a generator."""
        reading = cls(steps_of(parts_of(shapes), is_ordered, "generator"), facts)
        if reading.is_image and reading._grown(None) is None:
            raise NotUnderstood("no usual strides and paddings lead its layers to an image")
        if reading.steps[-1].outputs == 1 and not reading.is_image:
            raise NotUnderstood("it ends in one value, as a discriminator does")
        if reading.is_image and reading.steps[-1].outputs not in (1, 2, 3, 4):
            raise NotUnderstood(f"it ends in {reading.steps[-1].outputs} channels, expected an image of 1 to 4")
        return reading

    @property
    def z_dim(self) -> int:
        return self.steps[0].inputs

    @property
    def is_image(self) -> bool:
        """Whether it ends in a convolution."""
        return self.steps[-1].is_image

    @property
    def has_norms(self) -> bool:
        return any(step.kind == "norm" for step in self.steps)

    @property
    def has_first_norm(self) -> bool:
        """Whether a batch norm stands directly on the vector that became an image."""
        return any(self._is_first_norm(i) for i in range(len(self.steps)))

    @property
    def has_lift(self) -> bool:
        """Whether it is open if an activation follows the linear layer that becomes an image."""
        return any(
            a.kind == "linear" and b.is_image and b.kind != "norm" and b.gap.exact is None
            for a, b in zip(self.steps, self.steps[1:], strict=False)
        )

    @cached_property
    def upsamples(self) -> bool:
        found = self._grown(None)
        return found is not None and any(place.upsampling > 1 for place in found[0])

    @cached_property
    def sizes(self) -> list[int]:
        """Of a network of convolutions: the usual heights that its layers can lead to."""
        return geometry.sizes(self._stages(), self._start)

    @cached_property
    def image_shapes(self) -> list[tuple[int, int, int]]:
        """Shapes of pictures that the last layer's values can be, the usual one first."""
        usual, outputs = self.image_shape(), self.steps[-1].outputs
        if self.is_image:
            others = [(outputs, size, size) for size in self.sizes]
        else:
            others = [
                (channels, outputs // channels // width, width)
                for channels in (1, 3)
                if outputs % channels == 0
                for width in _widths(outputs // channels)
            ]
        return list(dict.fromkeys([usual, *others]))

    @property
    def signature(self) -> str:
        """Of an MLP: its sizes, as in ``64-256-256-784``."""
        linear = [step for step in self.steps if step.kind == "linear"]
        return "-".join(str(size) for size in [self.z_dim, *(step.outputs for step in linear)])

    @property
    def open_choices(self) -> list[str]:
        """Those of the `Choices` that make a difference for this network."""
        is_deep = sum(step.kind != "norm" for step in self.steps) > 1
        makes_a_difference = {
            "activation": is_deep,
            "slope": is_deep,
            "eps": any(step.kind == "norm" and not self._is_first_norm(i) for i, step in enumerate(self.steps)),
            "first_eps": self.has_first_norm,
            "lift_activation": self.has_lift,
            "upsample": self.upsamples,
            "channels_last": not self.is_image,
        }
        return [name for name in choice_names() if makes_a_difference.get(name, True)]

    def image_shape(self) -> tuple[int, int, int]:
        """The usual one."""
        if self.is_image:
            found = self._grown(None)
            assert found is not None
            return self.steps[-1].outputs, found[1], found[1]
        return _image_of(self.steps[-1].outputs)

    def usual(self) -> Choices:
        """What the family, or a well-known network of these very sizes, has."""
        known = Choices(image_shape=self.image_shape())
        if self.is_image:
            known = self._usual_of_images(known)
        elif self.signature in _KNOWN_SIZES:
            known = dataclasses.replace(known, **_KNOWN_SIZES[self.signature])
        elif self.z_dim == 1 and self.steps[-1].outputs <= BARS:
            known = dataclasses.replace(known, **_TOY)
        elif self.has_norms:
            # either each hidden layer has a norm, or the first has none, as in a well-known collection
            is_first_bare = self.steps[1].kind != "norm"
            bare: dict[str, Any] = {"activation": "leaky_relu", "slope": 0.2, "eps": 0.8}
            known = dataclasses.replace(known, **(bare if is_first_bare else {"activation": "relu"}))
        told = _told(self.facts)
        for i, step in enumerate(self.steps):
            if step.kind == "norm" and "eps" in (values := self.facts.get(step.part.name, {})):
                told["first_eps" if self._is_first_norm(i) else "eps"] = float(values["eps"])
        return dataclasses.replace(known, **told)

    def _usual_of_images(self, known: Choices) -> Choices:
        if any(step.kind == "conv_transpose" for step in self.steps) or not self.has_norms:
            return dataclasses.replace(known, activation="relu")
        return dataclasses.replace(known, slope=0.2, eps=0.8 if self.has_first_norm else 1e-5)

    def build(self, choices: Choices) -> tuple[NetworkSpec, dict[int, str]]:
        """The spec, and for each of its layers with weights the name of the part they come from.

        Raises `NotUnderstood` when the choices do not fit the weights.
        """
        layers: list[Layer] = []
        sources: dict[int, str] = {}
        channels, height, width = choices.image_shape
        places = iter(self._places(choices))
        upsampling: list[int] = []
        if self.steps[0].is_image and self.steps[0].kind != "norm":
            layers.append(Reshape((self.z_dim, 1, 1)))
        size = 1
        has_acted = True  # nothing to act on before the first layer
        for i, step in enumerate(self.steps):
            place = Placed(1, 0)
            if step.kind in ("conv", "conv_transpose"):
                place = next(places)
                upsampling.append(place.upsampling)
            becomes_image = i > 0 and step.is_image and not self.steps[i - 1].is_image
            acts = i > 0 and _acts(self.steps, i, has_acted, place.upsampling > 1, becomes_image, choices)
            if acts and (hidden := choices.hidden()) is not None:
                layers.append(hidden)
            if becomes_image:
                size = _side(self.steps[i - 1].outputs, step.inputs)
                layers.append(Reshape((step.inputs, size, size)))
            if place.upsampling > 1:
                layers.append(Upsample(place.upsampling, choices.upsample))  # type: ignore[arg-type]
            has_acted = step.kind == "norm" and (acts or i == 0)
            sources[len(layers)] = step.part.name
            layers.append(self._layer(i, place, choices))
        if (last := choices.last()) is not None:
            layers.append(last)
        layers += _pixel_order(choices, self.is_image)
        value_range = (0.0, 1.0) if isinstance(choices.last(), Sigmoid) else (-1.0, 1.0)
        try:
            spec = NetworkSpec(tuple(layers), (channels, height, width), self.z_dim, choices.prior, value_range)
        except SpecError as error:
            raise NotUnderstood(f"its layers do not make an image of {channels}x{height}x{width}: {error}") from None
        return spec, sources

    def _layer(self, i: int, place: Placed, choices: Choices) -> Layer:
        step = self.steps[i]
        bias = "bias" in step.part.shapes
        match step.kind:
            case "linear":
                return Linear(step.inputs, step.outputs, bias)
            case "norm":
                return BatchNorm(step.outputs, choices.first_eps if self._is_first_norm(i) else choices.eps)
            case _:
                kernel = step.part.weight[2]
                if step.kind == "conv":
                    return Conv2d(step.inputs, step.outputs, kernel, place.stride, place.padding, bias)
                return ConvTranspose2d(
                    step.inputs, step.outputs, kernel, place.stride, place.padding, bias, place.output_padding
                )

    def _is_first_norm(self, i: int) -> bool:
        step = self.steps[i]
        return step.kind == "norm" and step.is_image and i > 0 and not self.steps[i - 1].is_image

    @property
    def _start(self) -> int:
        """The height of the first image."""
        for before, step in zip([None, *self.steps], self.steps, strict=False):
            if step.is_image:
                return _side(before.outputs, step.inputs) if before is not None and not before.is_image else 1
        return 1

    def _stages(self) -> list[Stage]:
        convs = [i for i, step in enumerate(self.steps) if step.kind in ("conv", "conv_transpose")]
        return [self._stage(i, is_last=i == convs[-1]) for i in convs]

    def _stage(self, i: int, is_last: bool) -> Stage:
        step = self.steps[i]
        kernel = step.part.weight[2]
        known = _placed(self.facts.get(step.part.name))
        if step.kind == "conv_transpose":
            return Stage("conv_transpose", kernel, known=known)
        return Stage("conv", kernel, self._upsampling(i, is_last), known)

    def _upsampling(self, i: int, is_last: bool) -> tuple[float, float]:
        """What an upsampling before step i costs, and what none costs."""
        gap, before = self.steps[i].gap, self.steps[i - 1]
        if gap.exact is not None:
            room = gap.exact - (not before.is_image)
            is_bare = self._is_first_norm(i - 1) or not before.is_image
            if room <= 0:
                return (NEVER, 0.0)
            if room == 1:
                return (0.0, 1.0) if is_bare else (3.0, 0.0)
            return (0.0, 1.0)
        if gap.least:
            return (0.0, 1.0)
        if any(step.kind == "conv_transpose" for step in self.steps):
            return (3.0, 0.0)
        return (0.6, 0.0) if is_last else (0.0, 0.5)

    def _grown(self, goal: int | None) -> tuple[list[Placed], int] | None:
        return geometry.grow(self._stages(), self._start, self.steps[-1].outputs, goal)

    def _places(self, choices: Choices) -> list[Placed]:
        if not self.is_image:
            return []
        channels, height, width = choices.image_shape
        if channels != self.steps[-1].outputs or height != width:
            raise NotUnderstood(
                f"its last layer gives square images of {self.steps[-1].outputs} channels, "
                f"not {channels}x{height}x{width}"
            )
        found = self._grown(height)
        if found is None:
            raise NotUnderstood(
                f"its layers do not lead to {height}x{width} pixels; possible: "
                + ", ".join(f"{size}x{size}" for size in self.sizes)
            )
        return found[0]


def discriminator(
    shapes: Mapping[str, Shape], is_ordered: bool, facts: Facts, generator: NetworkSpec, choices: Choices
) -> tuple[NetworkSpec, dict[int, str]]:
    """The spec of the discriminator that belongs to a generator, and where its weights come from.

    Its hidden activation is a leaky ReLU (slope .2 but in well-known networks) and its last a sigmoid; pixel order and
    eps are those of the generator. Raises `NotUnderstood`.
    """
    steps = steps_of(parts_of(shapes), is_ordered, "discriminator")
    image = generator.image_shape
    native = _native_shape(choices)
    sizes = [math.prod(image), *(step.outputs for step in steps if step.kind == "linear")]
    known = _KNOWN_CRITICS.get("-".join(map(str, sizes)), (LeakyReLU(0.2), True))
    hidden, ends_in_sigmoid = known
    told = _told(facts)
    if "activation" in told:
        hidden = Choices(**{k: v for k, v in told.items() if k in ("activation", "slope")}).hidden() or hidden
    layers: list[Layer] = []
    if native != image:
        layers.append(_inverse(_permutation(choices)))
    sources: dict[int, str] = {}
    places = iter(_shrunk(steps, facts, native[1] if native[1] == native[2] else 0))
    if not steps[0].is_image:
        layers.append(Reshape((math.prod(image),)))
    has_acted = True
    for i, step in enumerate(steps):
        becomes_flat = i > 0 and not step.is_image and steps[i - 1].is_image
        acts = i > 0 and _acts(steps, i, has_acted, False, becomes_flat, choices)
        if acts:
            layers.append(hidden)
        if becomes_flat:
            layers.append(Reshape((step.inputs,)))
        has_acted = step.kind == "norm" and (acts or i == 0)
        sources[len(layers)] = step.part.name
        bias = "bias" in step.part.shapes
        match step.kind:
            case "linear":
                layers.append(Linear(step.inputs, step.outputs, bias))
            case "norm":
                eps = facts.get(step.part.name, {}).get("eps", choices.eps)
                layers.append(BatchNorm(step.outputs, eps))
            case _:
                place = next(places)
                layers.append(Conv2d(step.inputs, step.outputs, step.part.weight[2], place.stride, place.padding, bias))
    if steps[-1].is_image:
        layers.append(Reshape((1,)))
    if ends_in_sigmoid:
        layers.append(Sigmoid())
    try:
        return NetworkSpec(tuple(layers), image, value_range=generator.value_range), sources
    except SpecError as error:
        raise NotUnderstood(f"its layers do not judge an image of {'x'.join(map(str, image))}: {error}") from None


def _shrunk(steps: Sequence[Step], facts: Facts, start: int) -> list[Placed]:
    convs = [step for step in steps if step.kind == "conv"]
    if not convs:
        return []
    if not start:
        raise NotUnderstood("its convolutions take a square image")
    flat = next((step for step in steps if step.kind == "linear"), None)
    channels = convs[-1].outputs

    def fits(size: int) -> bool:
        return size * size * channels == flat.inputs if flat is not None else size * size * channels == 1

    stages = [Stage("shrink", step.part.weight[2], known=_placed(facts.get(step.part.name))) for step in convs]
    places = geometry.shrink(stages, start, fits)
    if places is None:
        raise NotUnderstood(f"no usual strides and paddings lead from {start}x{start} pixels to its one value")
    return places


def _acts(steps: Sequence[Step], i: int, has_acted: bool, upsamples: bool, reshapes: bool, choices: Choices) -> bool:
    """Whether an activation stands between step i and the one before it.

    Where the numbers in the names tell how many layers without weights there are, an upsampling and a reshape take
    one each. Else: none between a layer and its norm, one before each other layer.
    """
    step, before = steps[i], steps[i - 1]
    if step.gap.exact is not None:
        return step.gap.exact - upsamples - reshapes >= 1
    if step.kind == "norm" or has_acted:
        return False
    if reshapes and step.is_image and before.kind == "linear":
        return choices.lift_activation
    return True


def _placed(told: Mapping[str, Any] | None) -> Placed | None:
    """Stride and paddings where the file tells them."""
    if told is None or "stride" not in told:
        return None
    values = []
    for name, default in (("stride", 1), ("padding", 0), ("output_padding", 0)):
        value = told.get(name, default)
        pair = value if isinstance(value, list) else [value]
        if not all(isinstance(item, int) for item in pair) or len(set(pair)) != 1:
            raise NotUnderstood(f"a convolution has the {name} {value!r}; only equal whole numbers are opened")
        values.append(pair[0])
    return Placed(values[0], values[1], values[2])


def _told(facts: Facts) -> dict[str, Any]:
    """Choices that the file itself makes: the activations and norms of a whole pickled module."""
    classes = {name: str(values.get("class", "")) for name, values in facts.items()}
    plain = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "SELU": "selu", "GELU": "gelu", "SiLU": "silu"}
    plain |= {"Tanh": "tanh", "Sigmoid": "sigmoid"}
    acts = [(name, plain[kind]) for name, kind in classes.items() if kind in plain]
    told: dict[str, Any] = {}
    if acts:
        *hidden, (_, last) = acts
        if last in ("tanh", "sigmoid"):
            told["output"] = last
        else:
            hidden.append(acts[-1])
        if hidden:
            told["activation"] = max((kind for _, kind in hidden), key=[kind for _, kind in hidden].count)
        for name, kind in hidden:
            if kind == "leaky_relu":
                told["slope"] = float(facts[name].get("negative_slope", 0.01))
    for name, kind in classes.items():
        if kind == "Upsample" and facts[name].get("mode") in ("nearest", "bilinear"):
            told["upsample"] = facts[name]["mode"]
    return told


def _side(values: int, channels: int) -> int:
    return isqrt(values // channels)


def _image_of(values: int) -> tuple[int, int, int]:
    """The picture that so many values of an MLP usually make: a gray square, a square in colour, else a rectangle."""
    if values >= BARS:
        for channels in (1, 3):
            side = _side(values, channels)
            if side * side * channels == values:
                return channels, side, side
        for channels in (1, 3):
            pixels, rest = divmod(values, channels)
            width = next((w for w in range(isqrt(pixels), 0, -1) if pixels % w == 0), 1)
            if rest == 0 and width * 2 >= pixels // width:
                return channels, pixels // width, width  # upright, as faces are
    return 1, 1, values


def _widths(pixels: int) -> list[int]:
    """Widths of pictures of so many pixels that are at most twice as long as broad, and that of a row of bars."""
    widths = [width for width in range(1, pixels + 1) if pixels % width == 0 and 0.5 <= width * width / pixels <= 2]
    return [*widths, *([pixels] if pixels <= BARS else [])]


def _native_shape(choices: Choices) -> tuple[int, int, int]:
    """The shape before `_pixel_order` makes it (channels, height, width)."""
    channels, height, width = choices.image_shape
    if choices.transpose:
        height, width = width, height
    return (height, width, channels) if choices.channels_last else (channels, height, width)


def _permutation(choices: Choices) -> Permute:
    return {
        (False, False): Permute((1, 2, 3)),
        (True, False): Permute((1, 3, 2)),
        (False, True): Permute((3, 1, 2)),
        (True, True): Permute((3, 2, 1)),
    }[choices.transpose, choices.channels_last]


def _inverse(permute: Permute) -> Permute:
    return Permute(tuple(permute.dims.index(dim) + 1 for dim in (1, 2, 3)))


def _pixel_order(choices: Choices, is_image: bool) -> list[Layer]:
    """The layers from the network's own order of pixels to (channels, height, width)."""
    native = _native_shape(choices)
    if is_image:
        if choices.channels_last:
            raise NotUnderstood("channels_last is for networks of linear layers; convolutions have channels first")
        return [_permutation(choices)] if choices.transpose else []
    if choices.transpose or choices.channels_last:
        return [Reshape(native), _permutation(choices)]
    return [Reshape(native)]


_TOY = {"activation": "sigmoid", "output": "sigmoid", "prior": Prior.constant(0.5)}
# networks so well known by their sizes that their other values are known too
_KNOWN_SIZES: dict[str, dict[str, Any]] = {
    "64-256-256-784": {"activation": "leaky_relu", "slope": 0.01},
    "100-128-784": {"activation": "leaky_relu", "slope": 0.01, "prior": Prior.uniform()},
    "96-1024-1024-784": {"activation": "relu", "prior": Prior.uniform()},
}
_KNOWN_CRITICS: dict[str, tuple[Layer, bool]] = {
    "784-256-64-1": (LeakyReLU(0.01), True),
    "784-128-1": (LeakyReLU(0.01), False),
    "784-256-256-1": (LeakyReLU(0.2), False),
    "4-3-1": (Sigmoid(), True),
}
