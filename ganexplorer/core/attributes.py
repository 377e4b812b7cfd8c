"""What can be measured in a picture, and the latent directions that change it.

Lengths are in pixels, brightness, contrast and warmth in units of an image in [-1, 1]; the others have no unit.
What a picture shows is whatever stands out from the ground, darker or lighter (`_mass`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ganexplorer.core.directions import CHUNK, Direction, ImageFunction, exploring, measured
from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior

MIN_FIT = 0.02  # R² below which nothing was found
_TINY = 1e-6  # in place of a divisor that is 0 where nothing is shown


@dataclass(frozen=True, slots=True)
class Attribute:
    """A number that can be measured in a picture.

    Parameters
    ----------
    words
        What is measured, for a person.
    measure
        Images (N, C, H, W) in [-1, 1] to values, (N,), higher where there is more of it.
    channels
        How many channels an image needs; None for any number.
    """

    name: str
    words: str
    measure: Callable[[Tensor], Tensor]
    channels: int | None = None


def for_channels(channels: int) -> dict[str, Attribute]:
    """The attributes that an image of so many channels has, by name."""
    return {name: item for name, item in ATTRIBUTES.items() if item.channels in (None, channels)}


@torch.no_grad()
def attribute_direction(
    images: ImageFunction,
    prior: Prior,
    z_dim: int,
    attribute: Attribute,
    samples: int = 1024,
    seed: int = 0,
    chunk_size: int = CHUNK,
) -> Direction:
    """The direction along which the attribute rises fastest, with its effect and `fit`.

    Ridge regression on z of the attribute of `samples` latents, at least 8. `fit` is R² on a quarter of them
    by the regression on the others. At most `chunk_size` images are made at once.

    Raises `UserError` where the attribute is the same in all pictures, or no direction tells it.
    """
    wide = exploring(prior)
    z = wide.sample(samples, z_dim, torch.Generator().manual_seed(seed))
    values = torch.cat([attribute.measure(images(chunk)).cpu() for chunk in torch.split(z, chunk_size)]).double()
    if not values.isfinite().all():
        raise UserError(f"{attribute.name}: this model makes pictures that are no numbers. Open another model.")
    if values.std() <= 1e-5 * max(1.0, float(values.abs().max())):
        raise UserError(f"{attribute.name}: is the same in all pictures of this model. Choose another attribute.")
    inputs = (z.double() - wide.center) / wide.std
    part = samples * 3 // 4
    slopes, offset = _ridge(inputs[:part], values[:part])
    unexplained = (values[part:] - inputs[part:] @ slopes - offset).square().sum()
    fit = 1 - float(unexplained / (values[part:] - values[part:].mean()).square().sum())
    if not fit > MIN_FIT:
        raise UserError(f"{attribute.name}: no direction of this model changes it evenly. Choose another attribute.")
    slopes, _ = _ridge(inputs, values)
    direction = Direction.of(attribute.name, slopes, origin="attribute", fit=fit)
    return measured([direction], images, prior, seed=seed, chunk_size=chunk_size)[0]


def _ridge(inputs: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Slopes, (z_dim,), and offset, (), of values, (N,), on inputs, (N, z_dim), that have variance 1."""
    center, mean = inputs.mean(0), values.mean()
    inputs = inputs - center
    # the penalty counts as one more sample a dimension: it decides where there are fewer samples than dimensions
    penalty = torch.eye(inputs.shape[1], dtype=inputs.dtype)
    slopes = torch.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ (values - mean))
    return slopes, mean - center @ slopes


def _gray(images: Tensor) -> Tensor:
    return images.float().mean(1)


def _brightness(images: Tensor) -> Tensor:
    return _gray(images).mean((1, 2))


def _contrast(images: Tensor) -> Tensor:
    return _gray(images).flatten(1).std(1, correction=0)


def _warmth(images: Tensor) -> Tensor:
    return (images[:, 0] - images[:, 2]).float().mean((1, 2))


def _symmetry(images: Tensor) -> Tensor:
    """Correlation with the mirror image, -1 to 1; 0 for a flat image."""
    gray = _gray(images)
    gray = gray - gray.mean((1, 2), keepdim=True)
    return (gray * gray.flip(2)).sum((1, 2)) / gray.square().sum((1, 2)).clamp(min=_TINY)


def _mass(images: Tensor) -> Tensor:
    """How far each pixel stands out from the ground, (N, H, W), at least 0; the ground is the median of the border."""
    gray = _gray(images)
    border = torch.cat([gray[:, 0], gray[:, -1], gray[:, :, 0], gray[:, :, -1]], dim=1)
    return (gray - border.median(1).values[:, None, None]).abs()


def _moments(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Second central moments xx, xy, yy of the mass, (N,) each, in squared pixels, y down."""
    mass = _mass(images)
    mass = mass / mass.sum((1, 2), keepdim=True).clamp(min=_TINY)
    x = torch.arange(mass.shape[2], device=mass.device, dtype=mass.dtype).expand_as(mass)
    y = torch.arange(mass.shape[1], device=mass.device, dtype=mass.dtype)[:, None].expand_as(mass)
    x = x - (mass * x).sum((1, 2), keepdim=True)
    y = y - (mass * y).sum((1, 2), keepdim=True)
    return (mass * x * x).sum((1, 2)), (mass * x * y).sum((1, 2)), (mass * y * y).sum((1, 2))


def _slant(images: Tensor) -> Tensor:
    """Shear of an upright stroke, x to the right per y up: positive for a slash, 0 for an image without height."""
    _, xy, yy = _moments(images)
    return -xy / yy.clamp(min=1e-3)


def _width(images: Tensor) -> Tensor:
    return _moments(images)[0].sqrt()


def _height(images: Tensor) -> Tensor:
    return _moments(images)[2].sqrt()


def _roundness(images: Tensor) -> Tensor:
    """4 det / trace² of the moments: 1 for a shape as wide as long in each direction, 0 for a line."""
    xx, xy, yy = _moments(images)
    return 4 * (xx * yy - xy * xy) / (xx + yy).square().clamp(min=_TINY)


def _thickness(images: Tensor) -> Tensor:
    """Twice the area over the perimeter, in pixels: the width of a stroke; the perimeter is the sum of slopes."""
    mass = functional.pad(_mass(images), (1, 1, 1, 1))
    right, down = mass[:, 1:, 1:] - mass[:, 1:, :-1], mass[:, 1:, 1:] - mass[:, :-1, 1:]
    return 2 * mass.sum((1, 2)) / torch.hypot(right, down).sum((1, 2)).clamp(min=_TINY)


ATTRIBUTES: dict[str, Attribute] = {
    item.name: item
    for item in (
        Attribute("brightness", "how light the picture is on average", _brightness),
        Attribute("contrast", "how far its light and dark parts are apart", _contrast),
        Attribute("slant", "how far what it shows leans to the right", _slant),
        Attribute("width", "how wide what it shows is spread", _width),
        Attribute("height", "how high what it shows is spread", _height),
        Attribute("thickness", "how broad its strokes are", _thickness),
        Attribute("symmetry", "how much its left half mirrors the right one", _symmetry),
        Attribute("roundness", "whether what it shows is as wide as long, or a line", _roundness),
        Attribute("warmth", "how much more red than blue it is", _warmth, channels=3),
    )
}
