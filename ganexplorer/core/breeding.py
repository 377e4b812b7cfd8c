"""New latents from those that a person likes: children, mutants, and samples with more of what was liked.

All of them stay where the prior has its mass. Latents are float32, (z_dim,) or (N, z_dim), on the CPU.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganexplorer.core.directions import Direction, exploring
from ganexplorer.core.latent import PathMode, Prior, PriorKind, interpolate, seeded, truncate
from ganexplorer.core.state import Gallery

FEW = 8  # dimensions in which parents differ, below which crossover has too few different children
PUSH = 1.5  # times the mean amount of the liked ones
_ROUNDS = 50
_NEAR = 1e-6
_BLENDS: dict[PriorKind, PathMode] = {"normal": "slerp", "uniform": "box", "constant": "lerp"}


def breed(a: Tensor, b: Tensor, count: int, prior: Prior, generator: torch.Generator) -> Tensor:
    """Children of two latents, (z_dim,) each: (count, z_dim).

    Uniform crossover (Syswerda 1989): a fair coin decides from which parent each dimension comes. As the dimensions
    of a prior are independent, children of two of its samples are samples of it too, exactly. Parents that differ in
    fewer than `FEW` dimensions would have few different children: these are then points of the path between both,
    from a to b, that leaves the prior's shell or box as little as `interpolate` can.
    """
    if int((a != b).sum()) < FEW:
        t = torch.rand(count, generator=generator).sort().values
        return interpolate(a, b, t, _BLENDS[prior.kind], prior)
    return torch.where(torch.rand(count, len(a), generator=generator) < 0.5, a, b)


def mutate(z: Tensor, amount: float, count: int, prior: Prior, generator: torch.Generator) -> Tensor:
    """Latents near z, (z_dim,): (count, z_dim). At amount 0 they are z, at 1 new samples of the prior.

    In standard deviations from the centre, z' = cos(angle) z + sin(angle) n with n a new sample and the angle `amount`
    of a right one: what is a sample of a normal prior stays one (autoregressive proposal of Neal 1999, called
    preconditioned Crank-Nicolson by Cotter et al. 2013, arXiv:1202.0709). For a uniform prior the same is done with
    its quantiles, so that nothing leaves the box; a constant one counts as `exploring`.

    Raises ValueError for an amount outside [0, 1].
    """
    if not 0 <= amount <= 1:
        raise ValueError(f"a mutation by {amount}: the amount goes from 0 to 1")
    if amount == 0:
        return z.repeat(count, 1)
    wide = exploring(prior)
    angle = amount * math.pi / 2
    new = torch.randn(count, len(z), generator=generator)
    return wide.from_normal(math.cos(angle) * wide.to_normal(z) + math.sin(angle) * new)


def liked_amount(liked: Tensor, direction: Direction, prior: Prior) -> float:
    """How far along a `boundary` direction of few labels samples go so that most have what was liked, in units of z.

    `PUSH` times the mean of the liked ones, (N, z_dim). With 20 and 20 labels the direction is some 50 to 60 degrees
    off where z has 64 to 100 dimensions: at the mean itself 82 % of samples would have it, at 1.5 times that 91 %.
    """
    return PUSH * float(((liked - prior.center) @ direction.vector).mean())


def move_to(samples: Tensor, direction: Direction, amount: float, prior: Prior) -> Tensor:
    """Samples, (N, z_dim), with the distance from the prior's centre along a direction put to `amount`, in units of z.

    What is at right angles to the direction stays as it is. So samples of a normal prior become samples of it under
    the condition that they have that amount, at norms that such samples have. For a uniform prior each is then
    brought back into the box and along again in turn (projections onto convex sets, Bregman 1965): the box is
    always kept, the amount as far as the box allows.
    """
    moved = samples
    for _ in range(_ROUNDS if prior.kind == "uniform" else 1):
        missing = amount - (moved - prior.center) @ direction.vector
        if float(missing.abs().max()) <= _NEAR:
            break
        moved = moved + missing[:, None] * direction.vector
        if prior.kind == "uniform":
            moved = moved.clamp(prior.a, prior.b)
    return moved


_drawn = functools.lru_cache(maxsize=2)(seeded)  # the same again and again while their truncation is dragged


def samples(prior: Prior, z_dim: int, gallery: Gallery) -> Tensor:
    """The samples of a gallery, (count, z_dim): those of ``ganexplorer sample --seed --truncation``, row for row."""
    return truncate(_drawn(prior, z_dim, gallery.seed, gallery.count), prior, gallery.truncation)


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """What a gallery shows in place of the samples of a seed."""

    kind: Literal["child", "mutant", "sample"]
    words: str
    seed: int
    parents: tuple[Tensor, ...] = ()  # they come first
    amount: float = 0.0  # of a mutation, or along `direction`
    direction: Direction | None = None

    def latents(self, gallery: Gallery, prior: Prior, z_dim: int) -> Tensor:
        """(gallery.count, z_dim), the parents among them."""
        count = max(0, gallery.count - len(self.parents))
        generator = torch.Generator().manual_seed(self.seed)
        if self.direction is not None:
            # a constant prior's samples are all alike
            new = truncate(_drawn(exploring(prior), z_dim, self.seed, count), prior, gallery.truncation)
            return move_to(new, self.direction, self.amount, prior)
        if self.kind == "child":
            new = breed(self.parents[0], self.parents[1], count, prior, generator)
        else:
            new = mutate(self.parents[0], self.amount, count, prior, generator)
        return torch.cat([torch.stack(self.parents), new])
