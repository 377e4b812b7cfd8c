"""Directions in the latent space, each a unit vector with a measured effect on the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganexplorer.core.latent import Prior

ImageFunction = Callable[[Tensor], Tensor]  # z (N, z_dim) -> images (N, C, H, W) in [-1, 1]

CHUNK = 256


@dataclass(frozen=True, slots=True)
class Direction:
    """A unit vector, (z_dim,), its name, and the mean image change per unit of z along it."""

    name: str
    vector: Tensor
    effect: float


def dimension_effects(
    images: ImageFunction, prior: Prior, z_dim: int, samples: int = 8, seed: int = 0, chunk_size: int = CHUNK
) -> Tensor:
    """How much each latent dimension changes the picture, (z_dim,), in gray levels of 255 per unit of z.

    At most about `chunk_size` images are made at once.

    Mean absolute central difference over pixels and `samples` latents of the prior, with a step of half a
    standard deviation (0.25 for a constant prior).
    """
    generator = torch.Generator().manual_seed(seed)
    base = prior.sample(samples, z_dim, generator)
    step = 0.5 * prior.std or 0.25
    offsets = torch.eye(z_dim) * step
    effects = []
    for chunk in torch.split(offsets, max(1, chunk_size // (2 * samples))):
        ahead = (base[None] + chunk[:, None]).reshape(-1, z_dim)
        behind = (base[None] - chunk[:, None]).reshape(-1, z_dim)
        change = (images(ahead) - images(behind)).abs().flatten(1).mean(1)
        effects.append(change.view(len(chunk), samples).mean(1).cpu())
    return torch.cat(effects) * (127.5 / (2 * step))


def strongest_dimensions(effects: Tensor, count: int = 2) -> list[Direction]:
    """The `count` latent dimensions of largest effect as directions, strongest first."""
    order = effects.argsort(descending=True, stable=True)[:count]
    axes = torch.eye(len(effects))
    return [Direction(f"z{i}", axes[i], float(effects[i])) for i in order.tolist()]
