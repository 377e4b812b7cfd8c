"""From a step to its layer, for generators and discriminators alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganexplorer.core.foreign.geometry import Placed
from ganexplorer.core.foreign.parts import NotUnderstood
from ganexplorer.core.foreign.steps import Step
from ganexplorer.core.spec import BatchNorm, Conv2d, ConvTranspose2d, Layer, Linear


def layer_of(step: Step, place: Placed, eps: float) -> Layer:
    """The layer of a step; `place` is for convolutions, `eps` for norms."""
    bias = "bias" in step.part.shapes
    match step.kind:
        case "linear":
            return Linear(step.inputs, step.outputs, bias)
        case "norm":
            return BatchNorm(step.outputs, eps)
        case "conv":
            kernel = step.part.weight[2]
            return Conv2d(step.inputs, step.outputs, kernel, place.stride, place.padding, bias)
        case "conv_transpose":
            kernel = step.part.weight[2]
            return ConvTranspose2d(
                step.inputs, step.outputs, kernel, place.stride, place.padding, bias, place.output_padding
            )


def acts(steps: Sequence[Step], i: int, has_acted: bool, upsamples: bool, reshapes: bool, lifts: bool) -> bool:
    """Whether an activation stands between step i and the one before it.

    Where the numbers in the names tell how many layers without weights there are, an upsampling and a reshape take
    one each. Else: none between a layer and its norm, one before each other layer; `lifts` is for the place of
    `is_lift`.
    """
    step = steps[i]
    if step.gap.exact is not None:
        return step.gap.exact - upsamples - reshapes >= 1
    if step.kind == "norm" or has_acted:
        return False
    return lifts if is_lift(steps, i) else True


def is_first_norm(steps: Sequence[Step], i: int) -> bool:
    """Whether step i is a batch norm that stands first on the image that a vector became."""
    return steps[i].kind == "norm" and steps[i].is_image and i > 0 and not steps[i - 1].is_image


def is_lift(steps: Sequence[Step], i: int) -> bool:
    """Whether step i follows on a vector becoming an image, and no number tells if an activation stands before it."""
    if i == 0 or not steps[i].is_image or steps[i].kind == "norm" or steps[i].gap.exact is not None:
        return False
    return steps[i - 1].kind == "linear" or is_first_norm(steps, i - 1)


def known_place(told: Mapping[str, Any] | None) -> Placed | None:
    """Stride and paddings where the file tells them; raises `NotUnderstood` for those that have no word."""
    if told is None or "stride" not in told:
        return None
    values = {}
    defaults = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}
    for name, default in defaults.items():
        value = told.get(name, default)
        pair = value if isinstance(value, list) else [value]
        if not all(isinstance(item, int) for item in pair) or len(set(pair)) != 1:
            raise NotUnderstood(f"a convolution has the {name} {value!r}; only equal whole numbers are opened")
        values[name] = int(pair[0])
    if values["dilation"] != 1 or values["groups"] != 1 or told.get("padding_mode", "zeros") != "zeros":
        raise NotUnderstood(
            f"a convolution has dilation {values['dilation']}, {values['groups']} groups and padding by "
            f"{told.get('padding_mode', 'zeros')}; only 1, 1 and zeros are opened"
        )
    if not 1 <= values["stride"] <= 64 or not 0 <= min(values.values()) <= max(values.values()) <= 64:
        raise NotUnderstood(f"a convolution has the stride {values['stride']} and the padding {values['padding']}")
    return Placed(values["stride"], values["padding"], values["output_padding"])
