"""The distribution of the distance from the prior's centre."""

from __future__ import annotations

import math

import pytest
import torch
from small_nets import seeded_generator

from ganexplorer.core.latent import Prior
from ganexplorer.core.norms import norm_of, norm_percentile, norm_share, typical_norm

COUNT = 100_000
PRIORS = [Prior.normal(), Prior.normal(2.0, 0.5), Prior.uniform(), Prior.uniform(1.0, 5.0)]


@pytest.mark.parametrize("prior", PRIORS, ids=str)
@pytest.mark.parametrize("z_dim", [1, 2, 3, 7, 64, 100])
def test_shares_are_those_of_samples(prior: Prior, z_dim: int) -> None:
    z = prior.sample(COUNT, z_dim, seeded_generator(3))
    norms = (z - prior.center).norm(dim=1).double().sort().values
    counted = (torch.arange(COUNT) + 0.5) / COUNT
    # Kolmogorov and Smirnov: below 1.95 / sqrt(count) in 999 of 1000 draws
    assert float((norm_share(norms, prior, z_dim) - counted).abs().max()) < 1.95 / math.sqrt(COUNT)
    assert typical_norm(prior, z_dim) == pytest.approx(float(norms.square().mean().sqrt()), rel=0.01)


def test_a_normal_prior_of_two_dimensions_is_a_rayleigh_distribution() -> None:
    prior = Prior.normal(3.0, 2.0)
    for norm in (0.0, 0.1, 1.0, 2.5, 7.0):
        assert norm_percentile(norm, prior, 2) == pytest.approx(100 * (1 - math.exp(-(norm**2) / 8)), abs=1e-9)


def test_a_normal_prior_of_one_dimension_is_a_folded_normal() -> None:
    for norm in (0.0, 0.5, 1.96, 3.0):
        assert norm_percentile(norm, Prior.normal(), 1) == pytest.approx(100 * math.erf(norm / math.sqrt(2)), abs=1e-9)


def test_a_uniform_prior_of_one_dimension_is_exact() -> None:
    assert norm_percentile(0.25, Prior.uniform(), 1) == 25
    assert norm_percentile(1.0, Prior.uniform(2.0, 6.0), 1) == 50
    assert norm_percentile(3.0, Prior.uniform(), 1) == 100


def test_a_uniform_prior_of_two_dimensions_is_a_disc_in_a_square() -> None:
    for norm in torch.linspace(0, math.sqrt(2), 200).tolist():
        if norm <= 1:
            area = math.pi * norm**2 / 4
        else:  # the disc without its four caps
            area = math.sqrt(norm**2 - 1) + norm**2 * (math.pi / 4 - math.acos(1 / norm))
        assert norm_percentile(norm, Prior.uniform(), 2) == pytest.approx(100 * area, abs=1e-3)


def test_a_uniform_prior_of_three_dimensions_is_a_ball_in_a_cube() -> None:
    for norm in (0.1, 0.5, 0.9, 1.0):
        expected = 100 * math.pi * norm**3 / 6
        assert norm_percentile(norm, Prior.uniform(), 3) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("prior", PRIORS, ids=str)
@pytest.mark.parametrize("z_dim", [1, 2, 64, 1000, 4096])
def test_shares_rise_from_nothing_to_all(prior: Prior, z_dim: int) -> None:
    shares = norm_share(torch.linspace(0, 5 * typical_norm(prior, z_dim), 500), prior, z_dim)
    assert shares[0] == 0
    assert float(shares[-1]) == pytest.approx(1, abs=1e-6)
    assert bool((shares.diff() >= 0).all())
    assert bool((shares <= 1).all())
    assert norm_percentile(typical_norm(prior, z_dim), prior, z_dim) == pytest.approx(50, abs=20)


def test_beyond_the_corner_of_the_box_and_below_nothing() -> None:
    assert norm_percentile(1e9, Prior.uniform(), 64) == 100
    assert norm_percentile(-1.0, Prior.normal(), 64) == 0


def test_a_constant_prior_has_no_distribution() -> None:
    prior = Prior.constant(0.5)
    assert math.isnan(norm_percentile(0.3, prior, 1))
    assert typical_norm(prior, 1) == 0
    assert norm_of(torch.tensor([0.75]), prior) == 0.25


def test_the_norm_is_taken_from_the_centre() -> None:
    assert norm_of(torch.tensor([4.0, 7.0]), Prior.normal(1.0, 2.0)) == pytest.approx(math.sqrt(45))
    assert norm_of(torch.tensor([3.0, 3.0]), Prior.uniform(1.0, 5.0)) == 0
