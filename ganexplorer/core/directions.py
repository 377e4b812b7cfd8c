"""Directions in the latent space: unit vectors, how they are found, and their measured effect on the picture."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior

ImageFunction = Callable[[Tensor], Tensor]  # z (N, z_dim) -> images (N, C, H, W) in [-1, 1]
Origin = Literal[
    "", "dimension", "sefa", "pca", "jacobian", "between", "boundary", "attribute", "learned", "file", "model"
]

CHUNK = 256
GRAY_LEVELS = 127.5  # of 255, in one unit of an image in [-1, 1]
_UNIT = 1e-6  # a norm this near to 1 is one that float32 has rounded
_JACOBIAN_VALUES = 2**27


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A unit vector of the latent space, float32 (z_dim,) on the CPU, with a name.

    Parameters
    ----------
    effect
        Mean image change per unit of z along it, in gray levels of 255; nan when not measured.
    origin
        How it was found.
    fit
        Of a measured attribute: the share of its variance that a step along the direction explains in samples that
        were not used to find it (R², at most 1); nan for all others.
    """

    name: str
    vector: Tensor
    effect: float = math.nan
    origin: Origin = ""
    fit: float = math.nan
    step: float = math.nan
    success: float = math.nan
    side: float = math.nan

    @classmethod
    def of(
        cls, name: str, vector: Tensor, effect: float = math.nan, origin: Origin = "", fit: float = math.nan
    ) -> Self:
        """The direction of any vector, (z_dim,); one that is a unit vector already keeps its bits.

        Raises ValueError for a vector that is zero or not finite.
        """
        exact = vector.detach().double().cpu()
        norm = float(exact.norm())
        if not math.isfinite(norm) or norm == 0:
            raise ValueError(f"{name}: a vector of norm {norm} has no direction")
        unit = exact if abs(norm - 1) < _UNIT else exact / norm
        return cls(name, unit.float(), effect, origin, fit)


def exploring(prior: Prior) -> Prior:
    """The prior; for a constant one, which does not vary, a normal of standard deviation 0.5 about it."""
    return prior if prior.std else Prior.normal(prior.center, 0.5)


def oriented(vector: Tensor) -> Tensor:
    """The vector or its opposite: the component of largest magnitude (the first of equal ones) is positive."""
    return -vector if vector[vector.abs().argmax()] < 0 else vector


@torch.no_grad()
def effects_along(
    images: ImageFunction, prior: Prior, vectors: Tensor, samples: int = 8, seed: int = 0, chunk_size: int = CHUNK
) -> Tensor:
    """How much each of `vectors`, (K, z_dim), changes the picture, (K,), in gray levels of 255 per step of the vector.

    Mean absolute central difference over pixels and `samples` latents of the prior, half a standard deviation to
    either side (0.25 for a constant prior). At most about `chunk_size` images are made at once.
    """
    if not len(vectors):
        return torch.zeros(0)
    z_dim = vectors.shape[1]
    base = prior.sample(samples, z_dim, torch.Generator().manual_seed(seed))
    step = 0.5 * exploring(prior).std
    effects = []
    for chunk in torch.split(vectors * step, max(1, chunk_size // (2 * samples))):
        ahead = (base[None] + chunk[:, None]).reshape(-1, z_dim)
        behind = (base[None] - chunk[:, None]).reshape(-1, z_dim)
        change = (images(ahead) - images(behind)).abs().flatten(1).mean(1)
        effects.append(change.view(len(chunk), samples).mean(1).cpu())
    return torch.cat(effects) * (GRAY_LEVELS / (2 * step))


def dimension_effects(
    images: ImageFunction, prior: Prior, z_dim: int, samples: int = 8, seed: int = 0, chunk_size: int = CHUNK
) -> Tensor:
    """`effects_along` the latent dimensions, (z_dim,)."""
    return effects_along(images, prior, torch.eye(z_dim), samples, seed, chunk_size)


def measured(
    directions: Sequence[Direction],
    images: ImageFunction,
    prior: Prior,
    samples: int = 8,
    seed: int = 0,
    chunk_size: int = CHUNK,
) -> list[Direction]:
    """The same directions in the same order, each with its effect by `effects_along`."""
    if not directions:
        return []
    vectors = torch.stack([direction.vector for direction in directions])
    effects = effects_along(images, prior, vectors, samples, seed, chunk_size).tolist()
    return [dataclasses.replace(d, effect=effect) for d, effect in zip(directions, effects, strict=True)]


def strongest_dimensions(effects: Tensor, count: int = 2) -> list[Direction]:
    """The `count` latent dimensions of largest effect as directions, strongest first."""
    order = effects.argsort(descending=True, stable=True)[:count]
    axes = torch.eye(len(effects))
    return [Direction(f"z{i}", axes[i], float(effects[i]), "dimension") for i in order.tolist()]


@torch.no_grad()
def jacobian(
    images: ImageFunction, z: Tensor, count: int = 2, step: float = 0.001, chunk_size: int = CHUNK
) -> list[Direction]:
    """The latent moves that change the picture most right at z, (z_dim,), strongest first; `local 1`, `local 2`, …

    The right singular vectors of d image / d z (Ramesh et al. 2018, arXiv:1812.01161), which is measured by central
    differences of `step` to either side. Their effect is that at z. Moves that change nothing are left out.

    The step is for images in full float32: short, because a ReLU that switches within it bends the result. Images with
    a relative error of 1e-4 or more (half precision, TF32) need one of 0.03.
    """
    z = z.detach().reshape(-1).cpu().float()
    offsets = torch.eye(len(z)) * step
    slopes = []
    for chunk in torch.split(offsets, max(1, chunk_size // 2)):
        change = (images(z + chunk) - images(z - chunk)).flatten(1)
        # an odd stride through very large images, so that it does not stay in one column
        stride = 1 if change.shape[1] * len(z) <= _JACOBIAN_VALUES else change.shape[1] * len(z) // _JACOBIAN_VALUES | 1
        slopes.append(change[:, ::stride].float().cpu())
    rows = torch.cat(slopes) / (2 * step)
    directions = []
    for number, vector in enumerate(principal_axes(rows @ rows.T, count), 1):
        effect = float((vector.float() @ rows).abs().mean()) * GRAY_LEVELS
        directions.append(Direction.of(f"local {number}", vector, effect, "jacobian"))
    return directions


def principal_axes(gram: Tensor, count: int) -> list[Tensor]:
    """Eigenvectors, `oriented`, of the `count` largest eigenvalues of `gram`, (n, n), symmetric and not negative.

    Largest first; those of eigenvalues that are zero but for rounding are left out.
    """
    values, vectors = torch.linalg.eigh(gram.double())
    floor = 1e-10 * max(float(values[-1]), 0.0)
    return [oriented(vectors[:, i]) for i in range(len(values) - 1, -1, -1)[:count] if values[i] > floor]


def between(a: Tensor, b: Tensor, name: str = "A to B") -> Direction:
    """The direction from a to b, (z_dim,) each; raises `UserError` where they are the same."""
    vector = (b - a).reshape(-1)
    if not vector.any():
        raise UserError(f"{name}: both ends are the same latent, so there is no direction. Move one of them first.")
    return Direction.of(name, vector, origin="between")


def without(direction: Direction, others: Sequence[Direction], name: str) -> Direction:
    """What of a direction is at right angles to all others: one attribute changed while the others' are kept.

    Conditional manipulation (Shen et al. 2020, arXiv:1907.10786). Raises `UserError` where nothing remains.
    """
    vector = direction.vector.double()
    for _ in range(2):  # the second time takes away what rounding left where little remains
        if others:
            known = torch.stack([other.vector.double() for other in others], dim=1)
            vector = vector - known @ (torch.linalg.pinv(known) @ vector)
    if not vector.norm() > 1e-5:
        raise UserError(f"{direction.name}: nothing of it remains without the others. Leave one of them in.")
    return Direction.of(name, vector, origin=direction.origin)


def boundary(liked: Tensor, others: Tensor, prior: Prior, name: str) -> Direction:
    """From a person's choice: the direction across the best flat boundary, towards `liked`, (N, z_dim).

    Logistic regression of liked against `others`, (M, z_dim), on z in standard deviations of the prior, with weights
    penalised by half their square and the intercept by a tenth of that: from 20 and 20 labels it finds more than the
    difference of means does, and it hardly loses where the liked ones are rare. (Boundaries in latent spaces:
    Shen et al. 2020, arXiv:1907.10786.) One class alone is held against the prior's centre.

    Raises `UserError` where there is nothing to tell apart.
    """
    wide = exploring(prior)
    positive, negative = ((z.detach().cpu().double() - wide.center) / wide.std for z in (liked, others))
    if len(positive) and len(negative):
        vector = _logistic_weights(positive, negative)
    elif len(positive):
        vector = positive.mean(0)
    elif len(negative):
        vector = -negative.mean(0)
    else:
        raise UserError(f"{name}: no picture is marked. Mark some that have it, and some that have not.")
    if not vector.norm() > 1e-9:
        raise UserError(f"{name}: the marked pictures do not differ from the others. Mark other ones.")
    return Direction.of(name, vector, origin="boundary")


def _logistic_weights(positive: Tensor, negative: Tensor) -> Tensor:
    """Weights, (z_dim,), of the logistic regression of `boundary`, by Newton's method.

    Solved within the span of the samples, which the penalty never lets the weights leave.
    """
    z = torch.cat([positive, negative])
    labels = torch.cat([z.new_ones(len(positive)), z.new_zeros(len(negative))])
    basis = torch.linalg.qr(z.T).Q
    inputs = torch.cat([z @ basis, z.new_ones(len(z), 1)], dim=1)
    penalty = z.new_ones(inputs.shape[1])
    penalty[-1] = 0.1
    weights = torch.zeros_like(penalty)
    for _ in range(50):
        p = torch.sigmoid(inputs @ weights)
        slope = inputs.T @ (p - labels) + penalty * weights
        curvature = inputs.T @ ((p * (1 - p))[:, None] * inputs) + penalty.diag()
        step = torch.linalg.solve(curvature, slope)
        weights = weights - step
        if step.norm() < 1e-8:
            break
    across: Tensor = basis @ weights[:-1]
    return across
