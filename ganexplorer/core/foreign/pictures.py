"""Shapes and orders of pixels that the values of a last linear layer may have."""

from __future__ import annotations

from math import isqrt

from ganexplorer.core.foreign.choices import Choices
from ganexplorer.core.spec import Layer, Permute, Reshape

BARS = 16  # fewer numbers are shown as bars, not as a picture
PHOTO = 4096  # so many values of a picture that is no square are in colour, if they can be
CHANNELS = (1, 3)  # of what an MLP usually makes

ImageShape = tuple[int, int, int]


def usual_shape(values: int) -> ImageShape:
    """The picture that so many values usually make: a gray square, a square in colour, else a rectangle."""
    if values >= BARS:
        for channels in CHANNELS:
            side = isqrt(values // channels)
            if side * side * channels == values:
                return channels, side, side
        for channels in CHANNELS if values < PHOTO else reversed(CHANNELS):
            widths = _widths(values // channels) if values % channels == 0 else []
            upright = [width for width in widths if width * width * channels <= values]  # as faces are
            if upright:
                return channels, values // channels // upright[-1], upright[-1]
    return 1, 1, values


def is_square(values: int) -> bool:
    """Whether they make a square picture, gray or in colour."""
    return values > BARS and any(isqrt(values // n) ** 2 * n == values for n in CHANNELS)


def shapes_of(values: int) -> list[ImageShape]:
    """All pictures that so many values can be, at most twice as long as broad, and a row of bars where they are few."""
    pictures = [
        (channels, values // channels // width, width)
        for channels in CHANNELS
        if values % channels == 0
        for width in _widths(values // channels)
    ]
    return [*pictures, *([(1, 1, values)] if values <= BARS else [])]


def _widths(pixels: int) -> list[int]:
    low, high = isqrt(pixels // 2), isqrt(2 * pixels)
    return [width for width in range(max(low, 1), high + 1) if pixels % width == 0 and 2 * width * width >= pixels]


def native_shape(choices: Choices) -> ImageShape:
    """The shape before `pixel_order` makes it (channels, height, width)."""
    channels, height, width = choices.image_shape
    if choices.transpose:
        height, width = width, height
    return (height, width, channels) if choices.channels_last else (channels, height, width)


def permutation(choices: Choices) -> Permute:
    """From the network's own order of pixels to (channels, height, width)."""
    return {
        (False, False): Permute((1, 2, 3)),
        (True, False): Permute((1, 3, 2)),
        (False, True): Permute((3, 1, 2)),
        (True, True): Permute((3, 2, 1)),
    }[choices.transpose, choices.channels_last]


def inverse(permute: Permute) -> Permute:
    return Permute(tuple(permute.dims.index(dim) + 1 for dim in (1, 2, 3)))


def pixel_order(choices: Choices, is_image: bool) -> list[Layer]:
    """The layers from the network's own order of pixels to (channels, height, width)."""
    changes = [permutation(choices)] if choices.transpose or choices.channels_last else []
    return [*([] if is_image else [Reshape(native_shape(choices))]), *changes]
