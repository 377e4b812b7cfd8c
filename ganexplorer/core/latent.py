"""Latent vectors: the prior they are drawn from, and the ways from one to another.

Everywhere ``z`` is a float32 tensor of shape (N, z_dim) or (z_dim,).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor

PriorKind = Literal["normal", "uniform", "constant"]
PathMode = Literal["lerp", "slerp", "box"]


@dataclass(frozen=True, slots=True)
class Prior:
    """The distribution that z is drawn from, independently in each dimension.

    ``normal``: mean `a`, standard deviation `b`. ``uniform``: on [`a`, `b`]. ``constant``: always `a`
    (`b` is unused and 0).
    """

    kind: PriorKind
    a: float
    b: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(PriorKind):
            raise ValueError(f"unknown prior {self.kind!r}; known: {', '.join(get_args(PriorKind))}")
        if not (math.isfinite(self.a) and math.isfinite(self.b)):
            raise ValueError(f"prior {self.kind} with a value that is not finite")
        if self.kind == "normal" and self.b <= 0:
            raise ValueError(f"normal prior needs a standard deviation above 0, not {self.b}")
        if self.kind == "uniform" and self.a >= self.b:
            raise ValueError(f"uniform prior needs low < high, not [{self.a}, {self.b}]")

    @classmethod
    def normal(cls, mean: float = 0.0, std: float = 1.0) -> Self:
        return cls("normal", mean, std)

    @classmethod
    def uniform(cls, low: float = -1.0, high: float = 1.0) -> Self:
        return cls("uniform", low, high)

    @classmethod
    def constant(cls, value: float) -> Self:
        return cls("constant", value)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises ValueError for anything else."""
        try:
            a, b = data["a"], data.get("b", 0.0)
            if any(isinstance(v, bool) or not isinstance(v, int | float) for v in (a, b)):
                raise TypeError
            return cls(data["kind"], float(a), float(b))
        except (KeyError, TypeError, AttributeError):
            raise ValueError(f"not a prior: {data!r}") from None

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "a": self.a, "b": self.b}

    @property
    def center(self) -> float:
        return (self.a + self.b) / 2 if self.kind == "uniform" else self.a

    @property
    def std(self) -> float:
        """Standard deviation of one dimension; 0 for a constant."""
        return {"normal": self.b, "uniform": (self.b - self.a) / math.sqrt(12), "constant": 0.0}[self.kind]

    @property
    def support(self) -> tuple[float, float]:
        """The values that a dimension can be expected to have: 3.5 standard deviations, the box, or the point."""
        if self.kind == "normal":
            return self.a - 3.5 * self.b, self.a + 3.5 * self.b
        return (self.a, self.b) if self.kind == "uniform" else (self.a, self.a)

    @property
    def slider_range(self) -> tuple[float, float]:
        """What a slider spans: somewhat more than `support`, so that leaving the prior is possible and visible."""
        if self.kind == "normal":
            return self.a - 4 * self.b, self.a + 4 * self.b
        if self.kind == "uniform":
            margin = (self.b - self.a) / 4
            return self.a - margin, self.b + margin
        return self.a - 1, self.a + 1

    def sample(self, count: int, z_dim: int, generator: torch.Generator | None = None) -> Tensor:
        """`count` independent draws, (count, z_dim), on the generator's device."""
        device = generator.device if generator is not None else torch.device("cpu")
        if self.kind == "normal":
            return torch.randn(count, z_dim, generator=generator, device=device) * self.b + self.a
        if self.kind == "uniform":
            return torch.rand(count, z_dim, generator=generator, device=device) * (self.b - self.a) + self.a
        return torch.full((count, z_dim), self.a, device=device)

    def to_normal(self, z: Tensor) -> Tensor:
        """Standard normal quantiles of z under this prior (values on or outside a box go to +-4.5 or so)."""
        if self.kind == "normal":
            return (z - self.a) / self.b
        if self.kind == "constant":
            return z - self.a
        unit = ((z.double() - self.a) / (self.b - self.a)).clamp(1e-6, 1 - 1e-6)
        quantile: Tensor = torch.special.ndtri(unit)
        return quantile.to(z.dtype)

    def from_normal(self, u: Tensor) -> Tensor:
        """Inverse of `to_normal`."""
        if self.kind == "normal":
            return u * self.b + self.a
        if self.kind == "constant":
            return u + self.a
        unit: Tensor = torch.special.ndtr(u.double())
        return (unit * (self.b - self.a) + self.a).to(u.dtype)

    def __str__(self) -> str:
        if self.kind == "normal":
            return f"normal({self.a:g}, {self.b:g})"
        return f"uniform({self.a:g}, {self.b:g})" if self.kind == "uniform" else f"constant({self.a:g})"


def seeded(prior: Prior, z_dim: int, seed: int, count: int = 1) -> Tensor:
    """The `count` latents, (count, z_dim), of a seed, one row after the other.

    Row 0 of a sheet of 64 is the same as the single sample of that seed, on every device.
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.cat([prior.sample(1, z_dim, generator) for _ in range(count)])


def truncate(z: Tensor, prior: Prior, truncation: float) -> Tensor:
    """Scale z about the prior's centre; 1 leaves it, 0 gives the centre (Karras et al. 2019, truncation trick in z)."""
    return prior.center + (z - prior.center) * truncation


def lerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Straight line from a (t = 0) to b (t = 1). a, b: (z_dim,); t: a number, or (N,) for (N, z_dim)."""
    t = _column(t, a)
    # exact at both ends: 1 * a + 0 * b
    return (1 - t) * a + t * b


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Great-circle path from a to b (Shoemake 1985; for GAN latents White 2016, arXiv:1609.04468).

    The direction turns at constant angular speed and the norm goes evenly from \\|a\\| to \\|b\\|, so that the
    path stays in the shell where a normal prior has its mass. Falls back to `lerp` where the angle
    is undefined (a zero vector, to rounding) or half a turn (opposite vectors); between parallel vectors it is
    straight by itself. Outside [0, 1] it goes on along the circle, and the norm goes on evenly too, but not below 0.
    """
    t = _column(t, a)
    norm_a, norm_b = a.norm(), b.norm()
    if min(norm_a, norm_b) <= 1e-6 * max(norm_a, norm_b):  # a centre that is not 0 leaves rounding
        return lerp(a, b, t)
    unit_a, unit_b = a / norm_a, b / norm_b
    # not acos of the dot product, which has no digits left near 0 and pi (Kahan)
    omega = 2 * torch.atan2((unit_a - unit_b).norm(), (unit_a + unit_b).norm())
    sine = torch.sin(omega)
    if sine >= 1e-4:
        direction = torch.sin((1 - t) * omega) / sine * unit_a + torch.sin(t * omega) / sine * unit_b
    elif omega < 1:
        direction = lerp(unit_a, unit_b, t)
    else:
        return lerp(a, b, t)
    path = direction * ((1 - t) * norm_a + t * norm_b).clamp(min=0)
    # the ends are the person's own samples: give them back bit for bit
    return torch.where(t == 0, a, torch.where(t == 1, b, path))


def box(a: Tensor, b: Tensor, t: float | Tensor, prior: Prior) -> Tensor:
    """`slerp` in the quantiles of the prior: for a uniform prior the path never leaves the box and keeps
    its marginal distribution, where a straight line crowds towards the centre."""
    t = _column(t, a)
    path = prior.from_normal(slerp(prior.to_normal(a), prior.to_normal(b), t))
    return torch.where(t == 0, a, torch.where(t == 1, b, path))


def interpolate(a: Tensor, b: Tensor, t: float | Tensor, mode: PathMode, prior: Prior) -> Tensor:
    """The point, or points, at `t` on the path of `mode`; `slerp` turns about the prior's centre."""
    if mode == "lerp":
        return lerp(a, b, t)
    if mode == "slerp":
        t = _column(t, a)
        path = slerp(a - prior.center, b - prior.center, t) + prior.center
        return torch.where(t == 0, a, torch.where(t == 1, b, path))
    if mode == "box":
        return box(a, b, t, prior)
    raise ValueError(f"unknown interpolation {mode!r}; known: {', '.join(get_args(PathMode))}")


def _column(t: float | Tensor, like: Tensor) -> Tensor:
    """t as a tensor that broadcasts against (z_dim,): () for a number, (N, 1) for (N,)."""
    t = torch.as_tensor(t, dtype=like.dtype, device=like.device)
    return t.unsqueeze(-1) if t.ndim == 1 else t
