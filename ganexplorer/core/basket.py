"""Arithmetic of latents, a - b + c, and three kinds of average.

Latents are float32, (N, z_dim) or (z_dim,); weights, (N,), are any numbers, negative ones too.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.norms import typical_norm

_NOTHING = 1e-6  # a sum of weights, or a norm as a share of the typical one, that is 0 but for rounding


def combine(latents: Tensor, weights: Tensor, prior: Prior) -> Tensor:
    """The sum of weighted latents counted from the prior's centre, (z_dim,) (Radford et al. 2016, arXiv:1511.06434).

    One latent of weight 1 comes back bit for bit; none give the centre.
    """
    w = weights.double()
    total = w @ latents.double() + (1 - w.sum()) * prior.center
    return total.float()


def at_typical_norm(z: Tensor, prior: Prior) -> Tensor:
    """z, (z_dim,), brought to `typical_norm`: sums of latents are too far out for the generator, means too near.

    (White 2016, arXiv:1609.04468.) In single dimensions it may leave the box of a uniform prior. The centre itself
    stays, and so does all under a constant prior, which has no distance.
    """
    offset = z.double() - prior.center
    norm, typical = float(offset.norm()), typical_norm(prior, len(z))
    if norm <= _NOTHING * typical or typical == 0:
        return z
    return (prior.center + offset * (typical / norm)).float()


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """The mean of latents, (N, z_dim), or of images, (N, C, H, W), with weights that are first brought to the sum 1.

    Raises `UserError` where the weights add up to 0.
    """
    w = weights.double()
    if abs(float(w.sum())) <= _NOTHING:
        raise UserError("the weights in the basket add up to 0, so they have no mean: change one of them")
    mean: Tensor = torch.tensordot(w / w.sum(), values.double().cpu(), 1)
    return mean.float()


class RunningMean:
    """The mean, with equal weights, of images or latents that come in chunks, (N, …)."""

    def __init__(self) -> None:
        self.count = 0
        self._total: Tensor | None = None  # in double precision

    def add(self, values: Tensor) -> None:
        part = values.double().sum(0).cpu()
        self._total = part if self._total is None else self._total + part
        self.count += len(values)

    @property
    def value(self) -> Tensor:
        """Float32, the shape of one. Raises ValueError before the first chunk."""
        if self._total is None:
            raise ValueError("the mean of nothing")
        return (self._total / self.count).float()
