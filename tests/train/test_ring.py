"""Every loss learns a ring of eight Gaussians (Metz et al. 2017, arXiv:1611.02163): two pixels from a z of two numbers.

A generator that collapses hits a few of the modes, one that blurs fills the ring between them.
"""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor

from ganexplorer.core.networks import Network, build, initialize
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.losses import LossName
from ganexplorer.train.steps import AdversarialStep

RADIUS, STD = 0.8, 0.05
ANGLES = torch.arange(8) * (math.pi / 4)
MODES = RADIUS * torch.stack([ANGLES.cos(), ANGLES.sin()], 1)
COMMON = TrainConfig(
    z_dim=2, g_widths=(64, 64), d_widths=(64, 64), g_slope=0.0, d_slope=0.0, batch_size=128, r1_every=4,
    g_lr=3e-3, d_lr=6e-3, beta1=0.0, beta2=0.99, ema=0.99, lr_decay=0.5, steps=600,
)  # fmt: skip
CONFIGS: dict[LossName, TrainConfig] = {
    "bce": dataclasses.replace(COMMON, loss="bce", r1_gamma=0.02),
    "mse": dataclasses.replace(COMMON, loss="mse", r1_gamma=0.02),
    "wgan": dataclasses.replace(COMMON, loss="wgan", clip=0.5, d_lr=3e-3, g_every=2, steps=1000),
    "wgan-gp": dataclasses.replace(COMMON, loss="wgan-gp", gp_weight=0.03, steps=800),
    "hinge": dataclasses.replace(COMMON, loss="hinge", r1_gamma=0.02),
    "relativistic": dataclasses.replace(COMMON, loss="relativistic", r1_gamma=0.02),
}


def ring(count: int, rng: torch.Generator) -> Tensor:
    """Draws from the eight Gaussians, (count, 1, 1, 2)."""
    modes = MODES[torch.randint(8, (count,), generator=rng)]
    return (modes + STD * torch.randn(count, 2, generator=rng)).view(count, 1, 1, 2)


def trained(config: TrainConfig, seed: int) -> Network:
    """The generator at the end."""
    rng = torch.Generator().manual_seed(seed)
    generator, discriminator = (build(spec) for spec in config.specs((1, 1, 2)))
    for network in (generator, discriminator):
        initialize(network, config.init, rng)
    step = AdversarialStep(config, generator, discriminator, rng, config.steps)
    for number in range(1, config.steps + 1):
        step(number, ring(config.batch_size, rng))
    return step.shown_generator


@torch.no_grad()
def samples(generator: Network, count: int = 2000) -> Tensor:
    points: Tensor = generator.eval()(torch.randn(count, 2, generator=torch.Generator().manual_seed(1)))
    return points


def score(points: Tensor) -> tuple[int, float]:
    """Modes hit by at least 2 % of the points, and the share of points that hit one: within 3 standard deviations."""
    distance, nearest = torch.cdist(points.flatten(1), MODES).min(1)
    hits = distance < 3 * STD
    counts = torch.bincount(nearest[hits], minlength=8)
    return int((counts >= 0.02 * len(points)).sum()), hits.float().mean().item()


@pytest.mark.parametrize("loss", CONFIGS)
def test_a_generator_learns_the_ring(loss: LossName) -> None:
    modes, share = score(samples(trained(CONFIGS[loss], seed=0)))
    assert modes >= 6
    assert share >= 0.6  # a uniform ring has 0.48


def test_the_score_tells_the_eight_modes_from_a_ring_and_from_one_mode() -> None:
    rng = torch.Generator().manual_seed(0)
    modes, share = score(ring(4000, rng))
    assert modes == 8
    assert share == pytest.approx(1 - math.exp(-9 / 2), abs=0.01)  # of a Gaussian in the plane
    angle = torch.rand(4000, generator=rng) * 2 * math.pi
    _, share = score(RADIUS * torch.stack([angle.cos(), angle.sin()], 1))
    assert share == pytest.approx(16 * 2 * math.asin(3 * STD / (2 * RADIUS)) / (2 * math.pi), abs=0.02)
    modes, share = score(MODES[:1].repeat(100, 1))
    assert (modes, share) == (1, 1.0)
