"""Taking latents from one model's latent space to another's."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganexplorer.core.latent import Prior, seeded


@dataclass(frozen=True, slots=True)
class LatentSpace:
    """What two models must share for a z of one to be a z of the other."""

    z_dim: int
    prior: Prior


def carry(latents: Tensor, before: LatentSpace, after: LatentSpace) -> Tensor:
    """What resembles `latents`, (N, z_dim), most in another space, (N, z_dim of `after`).

    The first dimensions keep their quantiles; those that `before` does not have are the ones of seed 0.
    """
    kept = min(before.z_dim, after.z_dim)
    carried = seeded(after.prior, after.z_dim, 0).repeat(len(latents), 1)
    carried[:, :kept] = _by_quantiles(latents[:, :kept], before.prior, after.prior)
    return carried


def difference(before: LatentSpace, after: LatentSpace) -> str:
    """In words, what `carry` could not keep."""
    sentences = []
    if after.z_dim != before.z_dim:
        kept, other = min(before.z_dim, after.z_dim), abs(after.z_dim - before.z_dim)
        first = "the first was kept" if kept == 1 else f"the first {kept} were kept"
        dropped = "was dropped" if other == 1 else "were dropped"
        fate = "drawn anew" if after.z_dim > before.z_dim else dropped
        sentences.append(
            f"z has {after.z_dim} dimension{'s' * (after.z_dim != 1)} instead of {before.z_dim}: "
            f"{first}, the other {other} {fate}."
        )
    if after.prior != before.prior:
        way = "put to its one value" if _has_one_value(before.prior, after.prior) else "carried over by its quantiles"
        sentences.append(f"The prior is {after.prior} instead of {before.prior}: z was {way}.")
    return " ".join(sentences)


def _by_quantiles(z: Tensor, before: Prior, after: Prior) -> Tensor:
    if after == before:
        return z
    if _has_one_value(before, after):
        return torch.full_like(z, after.center)
    # a standard deviation near 0 or the largest float could overflow
    return torch.nan_to_num(after.from_normal(torch.nan_to_num(before.to_normal(z))))


def _has_one_value(before: Prior, after: Prior) -> bool:
    """Whether all quantiles are one value. From one constant to another, what a person added to it is kept."""
    return after.kind == "constant" and before.kind != "constant"
