"""GAN losses as pairs of pure functions on the discriminator's verdicts, (N,), and the R1 penalty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

LossName = Literal["bce", "mse"]


@dataclass(frozen=True, slots=True)
class Loss:
    """A pair of losses; each function takes verdicts (N,) and returns their mean loss, a scalar.

    Attributes
    ----------
    verdict
        What the functions take: ``logit`` (before a last sigmoid, if there is one) or ``output`` (after it).
    real
        D's loss on real images. Takes the verdicts and the target for "real", 1 or smoothed below it.
    fake
        D's loss on generated images.
    generator
        G's loss, from D's verdicts on generated images.
    """

    verdict: Literal["logit", "output"]
    real: Callable[[Tensor, float], Tensor]
    fake: Callable[[Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def bce_real(logit: Tensor, target: float = 1.0) -> Tensor:
    """-target log s(x) - (1 - target) log(1 - s(x)) of the sigmoid s, in softplus form, finite for any logit."""
    return (F.softplus(logit) - target * logit).mean()


def bce_fake(logit: Tensor) -> Tensor:
    """-log(1 - s(x)) (Goodfellow et al. 2014, arXiv:1406.2661, eq. 1)."""
    return F.softplus(logit).mean()


def bce_generator(logit: Tensor) -> Tensor:
    """-log s(x), the non-saturating form (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-logit).mean()


def mse_real(output: Tensor, target: float = 1.0) -> Tensor:
    """(output - target)^2 (LSGAN, Mao et al. 2017, arXiv:1611.04076, eq. 9 with a = 0, b = c = 1)."""
    return (output - target).square().mean()


def mse_fake(output: Tensor) -> Tensor:
    return output.square().mean()


def mse_generator(output: Tensor) -> Tensor:
    return (output - 1).square().mean()


LOSSES: Mapping[LossName, Loss] = {
    "bce": Loss("logit", bce_real, bce_fake, bce_generator),
    "mse": Loss("output", mse_real, mse_fake, mse_generator),
}


def r1_penalty(verdict: Tensor, real: Tensor) -> Tensor:
    """Half the mean squared norm of dD/dx at real images (Mescheder et al. 2018, arXiv:1801.04406, eq. 9).

    `verdict` (N,) must have been computed from `real` (N, C, H, W) with gradients on. Differentiable.
    """
    (gradient,) = torch.autograd.grad(verdict.sum(), real, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean() / 2
