"""Anti-aliased shapes from signed distance fields, for many pictures at a time: a canvas, and a few shapes.

A field is below 0 inside its shape and above 0 outside, in the units of the canvas; near the outline it grows like
the distance to it. So a pixel's coverage is a ramp one pixel wide, and smooth edges cost no supersampling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

Window = tuple[slice, slice, slice]  # of pictures, rows and columns
_TINY = 1e-3


@dataclass(frozen=True)
class Canvas:
    """A rectangle of n pictures: their pixels, and where each pixel lies.

    Attributes
    ----------
    pixels
        (n, 3, h, w) float32 in [0, 1], painted on in place.
    u, v
        (n, h, w): to the right and down, each picture in its own units.
    pixel
        (n, 1, 1): side of a pixel in those units.
    """

    pixels: Tensor
    u: Tensor
    v: Tensor
    pixel: Tensor

    def window(self, top: float, bottom: float, left: float, right: float) -> Window:
        """Index of the part between these shares of height and width, rounded outwards; also of fields."""
        height, width = self.u.shape[1:]
        rows = slice(math.floor(top * height), math.ceil(bottom * height))
        return slice(None), rows, slice(math.floor(left * width), math.ceil(right * width))

    def at(self, window: Window) -> Canvas:
        """A part of the canvas, which shares its pixels."""
        return Canvas(self.pixels[:, :, window[1], window[2]], self.u[window], self.v[window], self.pixel)

    def mirrored(self, middle: Tensor | float = 0.0) -> Tensor:
        """(n, h, w): distance to the line u = middle, so that one shape makes a pair."""
        return (self.u - middle).abs_()

    def coverage(self, field: Tensor, soft: Tensor | float = 1.0) -> Tensor:
        """Share of each pixel that lies inside, in [0, 1]: a ramp `soft` pixels wide. Overwrites `field`."""
        return field.div_(self.pixel * -soft).add_(0.5).clamp_(0.0, 1.0)

    def lay(self, coverage: Tensor, colour: Tensor) -> None:
        """Lay paint of `colour` (n, 3), or one for each pixel (n, 3, h, w), over the pixels."""
        paint = colour if colour.dim() == 4 else colour[:, :, None, None]
        self.pixels.lerp_(paint, coverage.unsqueeze(1))

    def shade(self, coverage: Tensor, factor: Tensor) -> None:
        """Multiply the pixels by `factor` (n, 3) where they are covered: what is there becomes darker or warmer."""
        self.pixels.addcmul_(self.pixels * coverage.unsqueeze(1), factor[:, :, None, None] - 1.0)


def ellipse(x: Tensor, y: Tensor, a: Tensor | float, b: Tensor | float) -> Tensor:
    """Ellipse with half axes `a` and `b` round the origin.

    For the implicit form f = x²/a² + y²/b² - 1 the distance to the outline is f / |grad f| to first order.
    """
    x, y = x / a, y / b
    slope = (x / a).square_().add_((y / b).square_()).sqrt_().mul_(2.0).add_(_TINY)
    return x.square_().add_(y.square_()).sub_(1.0).div_(slope)


def egg(x: Tensor, y: Tensor, a: Tensor, b: Tensor, square: Tensor, taper: Tensor) -> Tensor:
    """An ellipse drawn towards a box by `square` (0 to 1), and narrower by `taper` at its lower end, like a head.

    Its outline is (1 - s)(X² + Y²) + s(X⁴ + Y⁴) = 1 with X = x / (a (1 - taper Y²)) for Y > 0 and Y = y / b.
    """
    y = y / b
    width = y.clamp(0.0, 1.2).square_().mul_(-taper).add_(1.0).mul_(a)
    x = x / width
    xx, yy, flat = x.square(), y.square(), 1.0 - square
    slope = (xx * (2.0 * square)).add_(flat).mul_(x.div_(width)).square_()
    slope += (yy * (2.0 * square)).add_(flat).mul_(y.div_(b)).square_()
    inside = (xx * square).add_(flat).mul_(xx).add_((yy * square).add_(flat).mul_(yy)).sub_(1.0)
    return inside.div_(slope.sqrt_().mul_(2.0).add_(_TINY))


def box(x: Tensor, y: Tensor, a: Tensor | float, b: Tensor | float, radius: Tensor | float) -> Tensor:
    """Box with half sides `a` and `b` round the origin, its corners rounded by `radius`; an exact distance."""
    x, y = x.abs().sub_(a - radius), y.abs().sub_(b - radius)
    inside = torch.maximum(x, y).clamp_(max=0.0)
    return x.clamp_(min=0.0).square_().add_(y.clamp_(min=0.0).square_()).sqrt_().add_(inside).sub_(radius)
