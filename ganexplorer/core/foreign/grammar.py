"""The one grammar of all generators: from steps to a `NetworkSpec`, given the choices that a state dict leaves open."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from typing import Any

from ganexplorer.core.foreign import pictures, usual
from ganexplorer.core.foreign.assembly import acts, is_first_norm, is_lift, known_place, layer_of
from ganexplorer.core.foreign.chain import steps_of
from ganexplorer.core.foreign.choices import Choices
from ganexplorer.core.foreign.choices import names as choice_names
from ganexplorer.core.foreign.geometry import NEVER, Placed, Stage, Ways
from ganexplorer.core.foreign.parts import Facts, NotUnderstood, Shape, check_names, parts_of
from ganexplorer.core.foreign.steps import Step
from ganexplorer.core.spec import MAX_Z_DIM, Layer, NetworkSpec, Reshape, Sigmoid, SpecError, Upsample

LARGE_Z = 512  # so many inputs and more of a network of linear layers, and fewer outputs: a classifier
LARGE_START = 32  # pixels; what begins with a larger image does not enlarge it
FEW_OUTPUTS = 4  # of a toy with more inputs than that


@dataclass(frozen=True)
class GeneratorReading:
    """A generator as far as names and shapes tell."""

    steps: Sequence[Step]
    facts: Facts

    @classmethod
    def of(cls, shapes: Mapping[str, Shape], is_ordered: bool, facts: Facts) -> GeneratorReading:
        """Raises `NotUnderstood` where the weights are not those of a generator."""
        parts = parts_of(shapes, facts)
        check_names(parts)
        reading = cls(steps_of(parts, is_ordered, "generator", facts), facts)
        _check_blocks(reading.steps)
        first, outputs = reading.steps[0], reading.steps[-1].outputs
        if reading.z_dim > MAX_Z_DIM:
            raise NotUnderstood(
                f"{first.part.name} takes {reading.z_dim:,} values, expected a z of up to {MAX_Z_DIM:,}"
            )
        if reading.is_image:
            if reading._ways.to_picture(outputs) is None:
                raise NotUnderstood("no usual strides and paddings lead its layers to an image")
        elif _looks_like_a_classifier(reading.z_dim, outputs):
            raise NotUnderstood(
                f"it takes {reading.z_dim:,} values and gives {outputs:,}, as a classifier or an autoencoder does; "
                "expected more values than z has"
            )
        return reading

    @property
    def z_dim(self) -> int:
        return self.steps[0].inputs

    @property
    def is_image(self) -> bool:
        """Whether it ends in a convolution."""
        return self.steps[-1].is_image

    @cached_property
    def has_first_norm(self) -> bool:
        """Whether a batch norm stands directly on the vector that became an image."""
        return any(is_first_norm(self.steps, i) for i in range(len(self.steps)))

    @property
    def has_lift(self) -> bool:
        """Whether it is open if an activation stands where a vector becomes an image."""
        return any(is_lift(self.steps, i) for i in range(len(self.steps)))

    @cached_property
    def upsamples(self) -> bool:
        found = self._ways.to_picture(self.steps[-1].outputs) if self.is_image else None
        return found is not None and any(place.upsampling > 1 for place in found[0])

    @property
    def sizes(self) -> list[int]:
        """Of a network of convolutions: the usual heights that its layers can lead to."""
        return self._ways.sizes

    @cached_property
    def image_shapes(self) -> list[tuple[int, int, int]]:
        """Shapes of pictures that the last layer's values can be, the usual one first."""
        outputs = self.steps[-1].outputs
        others = [(outputs, size, size) for size in self.sizes] if self.is_image else pictures.shapes_of(outputs)
        return list(dict.fromkeys([self.image_shape(), *others]))

    @property
    def open_choices(self) -> list[str]:
        """Those of the `Choices` that make a difference for this network."""
        is_deep = sum(step.kind != "norm" for step in self.steps) > 1
        makes_a_difference = {
            "activation": is_deep,
            "slope": is_deep,
            "eps": any(s.kind == "norm" and not is_first_norm(self.steps, i) for i, s in enumerate(self.steps)),
            "first_eps": self.has_first_norm,
            "lift_activation": self.has_lift,
            "upsample": self.upsamples,
            "channels_last": not self.is_image,
        }
        return [name for name in choice_names() if makes_a_difference.get(name, True)]

    def image_shape(self) -> tuple[int, int, int]:
        """The usual one."""
        outputs = self.steps[-1].outputs
        if self.is_image:
            found = self._ways.to_picture(outputs)
            assert found is not None
            return outputs, found[1], found[1]
        return pictures.usual_shape(outputs)

    @cached_property
    def told(self) -> dict[str, Any]:
        """The choices that the file itself makes, as that of a whole module does; raises `NotUnderstood`."""
        found = usual.told(self.facts, {step.part.name for step in self.steps})
        for i, step in enumerate(self.steps):
            if step.kind == "norm" and "eps" in (values := self.facts.get(step.part.name, {})):
                found["first_eps" if is_first_norm(self.steps, i) else "eps"] = usual.number(
                    step.part.name, values["eps"]
                )
        return found

    @property
    def clear_norms(self) -> int:
        """How many norms saw in training what the layers before them make now.

        Where the names leave room for a layer more than are known of, it is a dropout, which blurs what follows.
        """
        count = 0
        for before, step in zip([None, *self.steps], self.steps, strict=False):
            becomes_image = before is not None and step.is_image and not before.is_image
            if (step.gap.exact or 0) > 1 + becomes_image + (step.kind == "conv"):
                break
            count += step.kind == "norm"
        return count

    def usual(self) -> Choices:
        """What the file tells, else what the family, or a well-known network of these very sizes, has."""
        known = Choices(image_shape=self.image_shape())
        return dataclasses.replace(known, **{**usual.of_generator(self.steps), **self.told})

    def build(self, choices: Choices) -> tuple[NetworkSpec, dict[int, str]]:
        """The spec, and for each of its layers with weights the name of the part they come from.

        Raises `NotUnderstood` when the choices do not fit the weights.
        """
        layers: list[Layer] = []
        sources: dict[int, str] = {}
        places = iter(self._places(choices))
        if self.steps[0].is_image:
            layers.append(Reshape((self.z_dim, 1, 1)))
        has_acted = True  # nothing to act on before the first layer
        last = choices.last()
        for i, step in enumerate(self.steps):
            place = next(places) if step.kind in ("conv", "conv_transpose") else Placed(1, 0)
            becomes_image = i > 0 and step.is_image and not self.steps[i - 1].is_image
            lifts = choices.lift_activation
            has_activation = i > 0 and acts(self.steps, i, has_acted, place.upsampling > 1, becomes_image, lifts)
            is_final_norm = has_activation and step.kind == "norm" and i == len(self.steps) - 1
            if has_activation:
                layers += [layer for layer in [last if is_final_norm else choices.hidden()] if layer is not None]
                last = None if is_final_norm else last
            if becomes_image:
                size = isqrt(self.steps[i - 1].outputs // step.inputs)
                layers.append(Reshape((step.inputs, size, size)))
            if place.upsampling > 1:
                layers.append(Upsample(place.upsampling, choices.upsample))  # type: ignore[arg-type]
            has_acted = step.kind == "norm" and (has_activation or i == 0)
            sources[len(layers)] = step.part.name
            is_apart = is_final_norm or is_first_norm(self.steps, i)
            layers.append(layer_of(step, place, choices.first_eps if is_apart else choices.eps))
        layers += [last] if last is not None else []
        if self.is_image and choices.channels_last:
            raise NotUnderstood("channels_last is for networks of linear layers; convolutions have channels first")
        layers += pictures.pixel_order(choices, self.is_image)
        value_range = (0.0, 1.0) if isinstance(choices.last(), Sigmoid) else (-1.0, 1.0)
        try:
            spec = NetworkSpec(tuple(layers), choices.image_shape, self.z_dim, choices.prior, value_range)
        except SpecError as error:
            shape = "x".join(map(str, choices.image_shape))
            raise NotUnderstood(f"its layers do not make an image of {shape}: {error}") from None
        return spec, sources

    @property
    def _start(self) -> int:
        """The height of the first image."""
        for before, step in zip([None, *self.steps], self.steps, strict=False):
            if step.is_image:
                return isqrt(before.outputs // step.inputs) if before is not None else 1
        return 1

    @cached_property
    def _ways(self) -> Ways:
        convs = [i for i, step in enumerate(self.steps) if step.kind in ("conv", "conv_transpose")]
        return Ways([self._stage(i, is_last=i == convs[-1]) for i in convs], self._start)

    def _stage(self, i: int, is_last: bool) -> Stage:
        step = self.steps[i]
        kernel = step.part.weight[2]
        known = known_place(self.facts.get(step.part.name))
        if step.kind == "conv_transpose":
            return Stage("conv_transpose", kernel, known=known)
        return Stage("conv", kernel, self._upsampling(i, is_last), known)

    def _upsampling(self, i: int, is_last: bool) -> tuple[float, float]:
        """What an upsampling before step i costs, and what none costs."""
        step, before = self.steps[i], self.steps[i - 1]
        gap = step.gap
        if told := usual.upsampled(self.facts):
            return (0.0, NEVER) if step.part.name in told else (NEVER, 0.0)
        if gap.exact is not None:
            room = gap.exact - (not before.is_image)
            # whether no activation is missing there
            has_acted = before.kind == "norm" and bool(before.gap.exact)
            is_bare = has_acted or is_first_norm(self.steps, i - 1) or not before.is_image
            if room <= 0:
                return (NEVER, 0.0)
            if room == 1:
                return (0.0, 1.0) if is_bare else (3.0, 0.0)
            return (0.0, 1.0)
        if gap.least:
            return (0.0, 1.0)
        if any(step.kind == "conv_transpose" for step in self.steps) or self._start > LARGE_START:
            return (3.0, 0.0)
        begins_block = step.part.container is not None and step.part.path[-1] == "0"
        if not before.is_image and begins_block:
            return (0.6, 0.0)  # blocks that do not begin with an upsampling may end with one
        if is_last:
            return (0.0, 0.3) if self._ends_in_blocks else (0.6, 0.0)
        return (0.0, 0.5)

    @property
    def _ends_in_blocks(self) -> bool:
        """Whether the last layer comes after blocks that each begin with their convolution."""
        convs = [step.part for step in self.steps if step.kind == "conv"]
        return convs[-1].container is None and all(part.path[-1] == "0" for part in convs[:-1])

    def _places(self, choices: Choices) -> list[Placed]:
        if not self.is_image:
            return []
        channels, height, width = choices.image_shape
        outputs = self.steps[-1].outputs
        if channels != outputs or height != width:
            raise NotUnderstood(
                f"its last layer gives square images of {outputs} channels, not {channels}x{height}x{width}"
            )
        found = self._ways.to_picture(outputs, height)
        if found is None:
            raise NotUnderstood(
                f"its layers do not lead to {height}x{width} pixels; possible: "
                + ", ".join(f"{size}x{size}" for size in self.sizes)
            )
        return found[0]


def _check_blocks(steps: Sequence[Step]) -> None:
    """Raise `NotUnderstood` for what may be a residual block: its sum is in no name and no shape."""
    blocks: dict[tuple[str, ...], list[Step]] = {}
    for step in steps:
        path = step.part.path
        for length in range(1, len(path)):
            if path[length - 1].isdecimal() and not path[length].isdecimal() and step.kind != "norm":
                blocks.setdefault(path[:length], []).append(step)
    for path, inside in blocks.items():
        if len(inside) > 1 and inside[0].inputs == inside[-1].outputs:
            raise NotUnderstood(
                f"{'.'.join(path)} has {len(inside)} layers and gives the {inside[-1].outputs} channels that it takes, "
                "as a residual block does; expected layers that only follow on each other"
            )
    if len(steps) == 1 and "bias" not in steps[0].part.shapes and not steps[0].is_image:
        raise NotUnderstood(f"{steps[0].part.name or 'the top level'} is one matrix alone, as an embedding is")


def _looks_like_a_classifier(z_dim: int, outputs: int) -> bool:
    """Fewer values than z has are a small picture, or a few numbers of a toy."""
    if z_dim > LARGE_Z:
        return outputs <= z_dim
    return outputs < z_dim and outputs > FEW_OUTPUTS and not pictures.is_square(outputs)
