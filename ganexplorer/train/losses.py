"""GAN losses as pairs of pure functions on the discriminator's verdicts, (N,), and what keeps D's slope in bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

LossName = Literal["bce", "mse", "wgan", "wgan-gp", "hinge", "relativistic"]


@dataclass(frozen=True, slots=True)
class Loss:
    """A pair of losses; each function takes verdicts (N,) and returns mean losses, scalars.

    Attributes
    ----------
    verdict
        What the functions take: ``logit`` (before a last sigmoid, if there is one) or ``output`` (after it).
    is_probability
        Whether people are shown sigmoid(verdict), in [0, 1], or the verdict itself, a score without bounds.
    discriminator
        D's loss on real and on generated images; D minimises their sum. Takes the verdicts on real images, those on
        generated ones and the target for "real" (1 or smoothed below it; `bce` and `mse` alone heed it). Each loss
        depends on its own verdicts alone, unless `is_paired`.
    generator
        G's loss, from D's verdicts on generated images, and on real ones, which only an `is_paired` loss needs.
    is_paired
        Each generated image is compared with a real one: both batches have the same size, D's two losses are halves
        of one term (there is no step on real images alone), and G's loss needs verdicts on real images.
    clips
        Meant for a D whose weights are clipped after each of its steps (`clip_weights_`).
    interpolates
        Meant for a D with a penalty between real and generated images (`gradient_penalty`).
    """

    verdict: Literal["logit", "output"]
    is_probability: bool
    discriminator: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]
    generator: Callable[[Tensor, Tensor | None], Tensor]
    is_paired: bool = False
    clips: bool = False
    interpolates: bool = False


def bce_discriminator(real: Tensor, fake: Tensor, target: float = 1.0) -> tuple[Tensor, Tensor]:
    """-t log s(x) - (1 - t) log(1 - s(x)) on real images, -log(1 - s(x)) on generated ones, of the sigmoid s.

    Goodfellow et al. 2014, arXiv:1406.2661, eq. 1, in softplus form: finite for any logit.
    """
    return (F.softplus(real) - target * real).mean(), F.softplus(fake).mean()


def bce_generator(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """-log s(x), the non-saturating form (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake).mean()


def mse_discriminator(real: Tensor, fake: Tensor, target: float = 1.0) -> tuple[Tensor, Tensor]:
    """(x - target)^2 and x^2 (LSGAN, Mao et al. 2017, arXiv:1611.04076, eq. 9 with a = 0, b = c = 1)."""
    return (real - target).square().mean(), fake.square().mean()


def mse_generator(fake: Tensor, real: Tensor | None = None) -> Tensor:
    return (fake - 1).square().mean()


def wgan_discriminator(real: Tensor, fake: Tensor, target: float = 1.0) -> tuple[Tensor, Tensor]:
    """-x and x: less their sum is the critic's estimate of K times the Wasserstein distance (K: its Lipschitz bound).

    Arjovsky et al. 2017, arXiv:1701.07875, eq. 2 and algorithm 1. Any constant may be added to the verdicts.
    """
    return -real.mean(), fake.mean()


def hinge_discriminator(real: Tensor, fake: Tensor, target: float = 1.0) -> tuple[Tensor, Tensor]:
    """max(0, 1 - x) and max(0, 1 + x): images beyond the margin teach D no more.

    Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, eq. 16.
    """
    return F.relu(1 - real).mean(), F.relu(1 + fake).mean()


def score_generator(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """-x: G raises D's score (Arjovsky et al. 2017, algorithm 1; Miyato et al. 2018, eq. 17)."""
    return -fake.mean()


def relativistic_discriminator(real: Tensor, fake: Tensor, target: float = 1.0) -> tuple[Tensor, Tensor]:
    """-log s(D(x) - D(G(z))): D tells which of two images is the real one.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4.1 (RSGAN); Huang et al. 2024, arXiv:2501.05441 (RpGAN with
    R1 and R2). The loss is one term, on pairs: half of it is returned for the real image, half for the generated one.
    """
    half = F.softplus(fake - real).mean() / 2
    return half, half


def relativistic_generator(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """-log s(D(G(z)) - D(x)): the generated image of a pair should look the more real one."""
    if real is None:
        raise ValueError("the relativistic loss of G needs D's verdicts on real images")
    return F.softplus(real - fake).mean()


LOSSES: Mapping[LossName, Loss] = {
    "bce": Loss("logit", True, bce_discriminator, bce_generator),
    "mse": Loss("output", False, mse_discriminator, mse_generator),
    "wgan": Loss("logit", False, wgan_discriminator, score_generator, clips=True),
    "wgan-gp": Loss("logit", False, wgan_discriminator, score_generator, interpolates=True),
    "hinge": Loss("logit", False, hinge_discriminator, score_generator),
    "relativistic": Loss("logit", False, relativistic_discriminator, relativistic_generator, is_paired=True),
}


def top_k(verdict: Tensor, share: float) -> Tensor:
    """Which images of a batch, as indices (K,), D takes for the most real: a `share` of them, at least one.

    Sinha et al. 2020, arXiv:2002.06224 (top-k training): those that lie between the modes of the data get bad
    verdicts, and their gradients lead G astray.
    """
    return verdict.detach().flatten().topk(max(1, round(share * len(verdict)))).indices


def zero_centred_penalty(verdict: Tensor, images: Tensor) -> Tensor:
    """Half the mean squared norm of dD/dx: R1 at real images, R2 at generated ones.

    Mescheder et al. 2018, arXiv:1801.04406, eq. 9 and what follows it. `verdict` (N,) must have been computed from
    `images` (N, C, H, W) with gradients on. Differentiable.
    """
    return _slopes(verdict, images).square().sum(1).mean() / 2


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """Mean of (|dD/dx| - 1)^2 at points between real and generated images, to be weighed (by 10 in the paper).

    Gulrajani et al. 2017, arXiv:1704.00028, eq. 3. `critic` maps images (N, C, H, W) to verdicts (N,), each image on
    its own: no batch norm. `real` and `fake` have the same shape; `share` (N, 1, 1, 1), uniform on [0, 1], is the
    share of the real image in each point. Differentiable in the critic's weights, not in the images.
    """
    between = torch.lerp(fake.detach(), real.detach(), share).requires_grad_()
    steepness: Tensor = torch.linalg.vector_norm(_slopes(critic(between), between), dim=1)
    return (steepness - 1).square().mean()


@torch.no_grad()
def clip_weights_(parameters: Iterable[Tensor], limit: float) -> None:
    """Bring each weight into [-limit, limit], in place (Arjovsky et al. 2017, algorithm 1)."""
    for parameter in parameters:
        parameter.clamp_(-limit, limit)


def _slopes(verdict: Tensor, images: Tensor) -> Tensor:
    """dD/dx of each image, (N, C * H * W), differentiable."""
    (gradient,) = torch.autograd.grad(verdict.sum(), images, create_graph=True)
    return gradient.flatten(1)
