"""DiffAugment: differentiable random changes of what the discriminator sees (Zhao et al. 2020, arXiv:2006.10738).

Real and generated images go through the same kinds of change, each with its own draw. Drawing and applying are apart:
the draw of a whole batch can be sliced for the devices that share it.

What is moved in or cut out is 0, mid gray, as in the paper, also where the background of the images is black. So D can
see how far an image was moved, and G learns images that are not; in the colour of the background, a moved digit would
pass for a digit elsewhere, and G would learn to move digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor

Augment = Literal["none", "translation", "translation-cutout", "color-translation-cutout"]

FURTHEST = 8  # an image is moved by at most its size divided by this, in each direction
SMALLEST = 8  # with a side below so many pixels, an image is neither moved nor cut: its pixels are no picture


@dataclass(frozen=True, slots=True, eq=False)
class AugmentDraw:
    """What happens to each of N images; None: nothing. `draw[a:b]` is that of images a to b.

    Attributes
    ----------
    brightness
        (N, 1, 1, 1), added to all values.
    saturation, contrast
        (N, 1, 1, 1), factors on the distance from the pixel's gray and from the image's mean.
    shift
        (N, 2), int64, pixels down and to the right.
    cut
        (N, 2), int64, top and left of a window of half the image's height and width, partly outside it or not.
    """

    brightness: Tensor | None = None
    saturation: Tensor | None = None
    contrast: Tensor | None = None
    shift: Tensor | None = None
    cut: Tensor | None = None

    def __getitem__(self, part: slice) -> Self:
        return self._each(lambda values: values[part])

    def to(self, device: torch.device | str) -> Self:
        return self._each(lambda values: values.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        fields = (self.brightness, self.saturation, self.contrast, self.shift, self.cut)
        return type(self)(*(None if values is None else change(values) for values in fields))


def draw(policy: Augment, count: int, image_shape: tuple[int, int, int], rng: torch.Generator) -> AugmentDraw:
    """Changes for `count` images of `image_shape` (C, H, W), independent of each other, on the device of `rng`.

    Color: brightness U(-0.5, 0.5), saturation U(0, 2) (of colour images), contrast U(0.5, 1.5). Translation: by up to
    an eighth of height and width. Cutout: a window of half of each, its centre anywhere in the image. What a policy
    has no use for is not drawn: `none` leaves `rng` as it was.
    """
    channels, height, width = image_shape

    def uniform(low: float, high: float) -> Tensor:
        values = torch.rand(count, 1, 1, 1, generator=rng, device=rng.device)
        return values * (high - low) + low

    def whole(low: tuple[int, int], high: tuple[int, int]) -> Tensor:
        """Whole numbers (N, 2), from `low` to `high`, both included."""
        columns = [
            torch.randint(a, b + 1, (count,), generator=rng, device=rng.device) for a, b in zip(low, high, strict=True)
        ]
        return torch.stack(columns, 1)

    brightness = saturation = contrast = shift = cut = None
    if policy.startswith("color"):
        brightness = uniform(-0.5, 0.5)
        saturation = uniform(0, 2) if channels > 1 else None
        contrast = uniform(0.5, 1.5)
    if min(height, width) >= SMALLEST:
        if "translation" in policy:
            most = height // FURTHEST, width // FURTHEST
            shift = whole((-most[0], -most[1]), most)
        if "cutout" in policy:
            tall, wide = _window(height, width)
            cut = whole((-(tall // 2), -(wide // 2)), (height - (tall + 1) // 2, width - (wide + 1) // 2))
    return AugmentDraw(brightness, saturation, contrast, shift, cut)


def apply(images: Tensor, draw: AugmentDraw) -> Tensor:
    """The changed images, (N, C, H, W), from images in [-1, 1]; differentiable in them, as often as one likes.

    Colours may leave [-1, 1], as in the paper: clipping them would take G's gradient away. Each image changes on its
    own. Raises `ValueError` for a draw for another number of images.
    """
    for values in (draw.brightness, draw.shift, draw.cut):
        if values is not None and len(values) != len(images):
            raise ValueError(f"{len(images)} images, but a draw for {len(values)}")
    if draw.brightness is not None and draw.contrast is not None:
        images = _recolor(images, draw.brightness, draw.saturation, draw.contrast)
    if draw.shift is not None:
        images = _shift(images, draw.shift)
    if draw.cut is not None:
        images = _cut(images, draw.cut)
    return images


def augment(images: Tensor, policy: Augment, rng: torch.Generator) -> Tensor:
    """`images` (N, C, H, W), in [-1, 1], changed as `policy` says: `draw` and `apply`."""
    channels, height, width = images.shape[1:]
    return apply(images, draw(policy, len(images), (channels, height, width), rng))


def _recolor(images: Tensor, brightness: Tensor, saturation: Tensor | None, contrast: Tensor) -> Tensor:
    """Brightness, saturation, contrast, in this order, as one affine map: neither of the latter two moves the mean."""
    offset = images.mean((1, 2, 3), keepdim=True) * (1 - contrast) + brightness
    if saturation is None:
        return torch.addcmul(offset, images, contrast)
    gray = images.mean(1, keepdim=True)
    return torch.addcmul(gray * ((1 - saturation) * contrast) + offset, images, saturation * contrast)


def _shift(images: Tensor, shift: Tensor) -> Tensor:
    """Each image moved, with 0 moving in: one gather from the padded images, in memory order."""
    count, channels, height, width = images.shape
    down, right = height // FURTHEST, width // FURTHEST
    padded = F.pad(images, (right, right, down, down)).flatten(2)
    stride = width + 2 * right
    first = (down - shift[:, 0]) * stride + right - shift[:, 1]  # where each image's corner comes from
    rows = torch.arange(height, device=images.device) * stride
    inside = (rows[:, None] + torch.arange(width, device=images.device)).flatten()
    places = (first[:, None] + inside)[:, None].expand(count, channels, height * width)
    return padded.gather(2, places).view(images.shape)


def _cut(images: Tensor, cut: Tensor) -> Tensor:
    height, width = images.shape[2:]
    tall, wide = _window(height, width)
    rows = torch.arange(height, device=images.device) - cut[:, :1]
    columns = torch.arange(width, device=images.device) - cut[:, 1:]
    hidden_rows, hidden_columns = (rows >= 0) & (rows < tall), (columns >= 0) & (columns < wide)
    return images.masked_fill(hidden_rows[:, None, :, None] & hidden_columns[:, None, None, :], 0)


def _window(height: int, width: int) -> tuple[int, int]:
    """Height and width of what is cut out, in pixels: half of each, rounded up."""
    return (height + 1) // 2, (width + 1) // 2
