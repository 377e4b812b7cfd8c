"""Weighted sums and means of latents and of images, against sums written out in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from small_nets import seeded_generator

from ganexplorer.core.basket import RunningMean, at_typical_norm, combine, weighted_mean
from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.norms import typical_norm

PRIORS = [Prior.normal(), Prior.normal(1.5, 0.3), Prior.uniform(-2, 3), Prior.constant(0.5)]


@pytest.mark.parametrize("prior", PRIORS, ids=str)
@pytest.mark.parametrize("weights", [(1.0, -1.0, 1.0), (0.25, 0.5, 0.25), (-2.0, 0.0, 0.3)])
def test_a_sum_is_counted_from_the_centre(prior: Prior, weights: tuple[float, ...]) -> None:
    z = torch.randn(3, 7, generator=seeded_generator())
    c = prior.center
    expected = c + sum(w * (row.double().numpy() - c) for w, row in zip(weights, z, strict=True))
    assert combine(z, torch.tensor(weights), prior).numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_one_latent_is_itself_and_none_are_the_centre(prior: Prior) -> None:
    z = torch.randn(1, 9, generator=seeded_generator())
    assert torch.equal(combine(z, torch.ones(1), prior), z[0])
    none = combine(torch.zeros(0, 9), torch.zeros(0), prior)
    assert torch.equal(none, torch.full((9,), prior.center))


@pytest.mark.parametrize("prior", [Prior.normal(), Prior.normal(1.5, 0.3), Prior.uniform(-2, 3)], ids=str)
def test_the_typical_norm_is_that_of_samples(prior: Prior) -> None:
    samples = prior.sample(2000, 64, seeded_generator())
    mean_square = float((samples - prior.center).square().sum(1).mean())
    assert typical_norm(prior, 64) == pytest.approx(math.sqrt(mean_square), rel=0.01)
    far = prior.center + 5 * (samples[0] - prior.center)
    brought = at_typical_norm(far, prior)
    assert float((brought - prior.center).norm()) == pytest.approx(typical_norm(prior, 64), rel=1e-5)
    assert float(torch.cosine_similarity(brought - prior.center, far - prior.center, dim=0)) == pytest.approx(1)


def test_what_has_no_typical_norm_stays() -> None:
    z = torch.tensor([0.7])
    assert torch.equal(at_typical_norm(z, Prior.constant(0.5)), z)
    centre = torch.full((5,), 1.5)
    assert torch.equal(at_typical_norm(centre, Prior.normal(1.5, 1)), centre)
    assert float(at_typical_norm(z, Prior.normal())) == pytest.approx(1)  # one dimension


def test_means_have_weights_of_sum_one() -> None:
    images = torch.randn(3, 2, 4, 5, generator=seeded_generator())
    weights = np.array([2.0, -1.0, 3.0])
    expected = np.average(images.double().numpy(), axis=0, weights=weights)
    assert weighted_mean(images, torch.tensor(weights)).numpy() == pytest.approx(expected, abs=1e-6)
    assert weighted_mean(images, torch.tensor(weights * 7)).numpy() == pytest.approx(expected, abs=1e-6)
    numbers = weighted_mean(images[:, :1, :1, :4], torch.ones(3))
    assert numbers.shape == (1, 1, 4)


def test_weights_that_cancel_have_no_mean() -> None:
    with pytest.raises(UserError, match=r"basket add up to 0.*change one"):
        weighted_mean(torch.ones(2, 3), torch.tensor([0.1, -0.1]))


def test_a_mean_in_chunks_is_the_mean() -> None:
    images = torch.randn(1000, 1, 3, 3, generator=seeded_generator())
    mean = RunningMean()
    for chunk in images.split(77):
        mean.add(chunk)
    assert mean.count == 1000
    assert mean.value.numpy() == pytest.approx(images.double().mean(0).numpy(), abs=1e-7)
    with pytest.raises(ValueError, match="nothing"):
        _ = RunningMean().value
