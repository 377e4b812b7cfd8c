"""The grammar of discriminators: from names and shapes to a `NetworkSpec`, for the images of a generator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ganexplorer.core.foreign import usual
from ganexplorer.core.foreign.assembly import acts, known_place, layer_of
from ganexplorer.core.foreign.chain import steps_of
from ganexplorer.core.foreign.choices import Choices
from ganexplorer.core.foreign.choices import layer_of as activation_of
from ganexplorer.core.foreign.geometry import Placed, Stage, Ways
from ganexplorer.core.foreign.parts import Facts, NotUnderstood, Shape, check_names, parts_of
from ganexplorer.core.foreign.pictures import inverse, native_shape, permutation
from ganexplorer.core.foreign.steps import Step
from ganexplorer.core.spec import Layer, NetworkSpec, Reshape, Sigmoid, SpecError


def discriminator(
    shapes: Mapping[str, Shape], is_ordered: bool, facts: Facts, generator: NetworkSpec, choices: Choices
) -> tuple[NetworkSpec, dict[int, str]]:
    """The spec of the discriminator that belongs to a generator, and where its weights come from.

    Its hidden activation is a leaky ReLU (slope .2 but in well-known networks) and its last a sigmoid; pixel order and
    eps are those of the generator. Raises `NotUnderstood`.
    """
    parts = parts_of(shapes, facts)
    check_names(parts)
    steps = steps_of(parts, is_ordered, "discriminator", facts)
    image = generator.image_shape
    native = native_shape(choices)
    sizes = [math.prod(image), *(step.outputs for step in steps if step.kind == "linear")]
    hidden, ends_in_sigmoid = usual.of_critic(sizes)
    told = usual.told(facts, {part.name for part in parts})
    if "activation" in told:
        hidden = activation_of(told["activation"], told.get("slope", 0.2)) or hidden
        ends_in_sigmoid = told.get("output") == "sigmoid"
    layers: list[Layer] = []
    if native != image or choices.transpose:
        layers.append(inverse(permutation(choices)))
    sources: dict[int, str] = {}
    places = iter(_shrunk(steps, facts, native[1] if native[1] == native[2] else 0))
    if not steps[0].is_image:
        layers.append(Reshape((math.prod(image),)))
    has_acted = True
    for i, step in enumerate(steps):
        becomes_flat = i > 0 and not step.is_image and steps[i - 1].is_image
        has_activation = i > 0 and acts(steps, i, has_acted, False, becomes_flat, lifts=True)
        if has_activation:
            layers.append(hidden)
        if becomes_flat:
            layers.append(Reshape((step.inputs,)))
        has_acted = step.kind == "norm" and (has_activation or i == 0)
        sources[len(layers)] = step.part.name
        place = next(places) if step.kind == "conv" else Placed(1, 0)
        eps = usual.number(step.part.name, facts.get(step.part.name, {}).get("eps", choices.eps))
        layers.append(layer_of(step, place, eps))
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
    values = flat.inputs if flat is not None else 1
    stages = [Stage("shrink", step.part.weight[2], known=known_place(facts.get(step.part.name))) for step in convs]
    places = Ways(stages, start).to_fitting(lambda size: size * size * convs[-1].outputs == values)
    if places is None:
        raise NotUnderstood(f"no usual strides and paddings lead from {start}x{start} pixels to its one value")
    return places
