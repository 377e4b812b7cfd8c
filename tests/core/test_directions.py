"""The measured effect of each latent dimension."""

from __future__ import annotations

import pytest
import torch
from small_nets import GENERATORS, latents, seeded_generator, trained_like
from torch import Tensor

from ganexplorer.core.directions import dimension_effects, strongest_dimensions
from ganexplorer.core.latent import Prior
from ganexplorer.core.render import Renderer

PRIORS = [Prior.normal(), Prior.normal(3, 0.2), Prior.uniform(), Prior.constant(0.5)]


def linear_generator(z_dim: int, pixels: int = 24, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Weights (z_dim, pixels) of a linear generator, and its effects: mean |weight| a pixel, in gray levels."""
    weights = torch.randn(z_dim, pixels, generator=seeded_generator(seed))
    return weights, weights.abs().mean(1) * 127.5


@pytest.mark.parametrize("prior", PRIORS, ids=str)
@pytest.mark.parametrize("z_dim", [1, 7, 100])
def test_effects_of_a_linear_generator_are_its_weights_whatever_the_prior(prior: Prior, z_dim: int) -> None:
    weights, expected = linear_generator(z_dim)
    effects = dimension_effects(lambda z: (z @ weights).view(-1, 2, 3, 4), prior, z_dim)
    assert effects.shape == (z_dim,)
    torch.testing.assert_close(effects, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("samples", [1, 3, 100, 200])
def test_effects_do_not_depend_on_how_many_fit_into_one_batch(samples: int) -> None:
    weights, expected = linear_generator(20)
    effects = dimension_effects(lambda z: (z @ weights).view(-1, 1, 4, 6), Prior.normal(), 20, samples)
    torch.testing.assert_close(effects, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["mlp-64", "mlp-sigmoid", "dcgan-16", "pattern"])
def test_effects_of_a_network_are_mean_central_differences(name: str) -> None:
    network = trained_like(GENERATORS[name])
    spec = network.spec
    assert spec.prior is not None
    effects = dimension_effects(network, spec.prior, spec.z_dim, samples=4, seed=9)
    base = latents(spec, 4, seed=9)
    step = {"normal": 0.5, "uniform": 0.5 / 3**0.5, "constant": 0.25}[spec.prior.kind]
    for i in range(spec.z_dim):
        ahead, behind = base.clone(), base.clone()
        ahead[:, i] += step
        behind[:, i] -= step
        slope = (network(ahead) - network(behind)).abs().mean() * 127.5 / (2 * step)
        assert effects[i].item() == pytest.approx(slope.item(), rel=1e-3)


def test_effects_are_nearly_the_slopes_that_autograd_finds() -> None:
    """For a smooth generator; an independent way to the same number."""
    weights, _ = linear_generator(6)
    prior = Prior.normal(0.0, 0.01)  # a small step

    def generate(z: Tensor) -> Tensor:
        return torch.tanh(z @ weights).view(-1, 1, 4, 6)

    base = prior.sample(8, 6, seeded_generator())
    slopes = torch.stack([torch.autograd.functional.jacobian(generate, z[None]).flatten(0, -3)[:, 0] for z in base])
    expected = slopes.abs().mean((0, 1)) * 127.5
    torch.testing.assert_close(dimension_effects(generate, prior, 6), expected, rtol=1e-2, atol=0)


def test_a_dimension_without_effect_has_effect_0() -> None:
    effects = dimension_effects(lambda z: z[:, :1].view(-1, 1, 1, 1), Prior.normal(), 3)
    assert effects.tolist() == pytest.approx([127.5, 0, 0], rel=1e-4)


def test_effects_with_the_same_seed_are_the_same() -> None:
    renderer = Renderer(trained_like(GENERATORS["mlp-64"]))
    first, again, other = (dimension_effects(renderer.images, Prior.normal(), 64, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_measuring_neither_reads_nor_moves_the_global_random_state() -> None:
    before = torch.random.get_rng_state()
    dimension_effects(lambda z: z.view(-1, 1, 1, 3), Prior.normal(), 3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_strongest_dimensions_come_first() -> None:
    found = strongest_dimensions(torch.tensor([0.5, 3.0, 0.0, 9.0, 3.5]), count=3)
    assert [direction.name for direction in found] == ["z3", "z4", "z1"]
    assert [direction.effect for direction in found] == [9.0, 3.5, 3.0]


def test_equally_strong_dimensions_keep_their_order() -> None:
    found = strongest_dimensions(torch.tensor([1.0, 2.0, 1.0, 2.0, 1.0]), count=5)
    assert [direction.name for direction in found] == ["z1", "z3", "z0", "z2", "z4"]


def test_a_direction_is_the_unit_vector_of_its_dimension() -> None:
    (direction,) = strongest_dimensions(torch.tensor([0.1, 0.2, 0.9]), count=1)
    assert torch.equal(direction.vector, torch.tensor([0.0, 0.0, 1.0]))


def test_two_directions_are_given_unless_asked_otherwise() -> None:
    assert len(strongest_dimensions(torch.rand(5))) == 2


def test_no_more_directions_than_dimensions_are_given() -> None:
    assert len(strongest_dimensions(torch.rand(1))) == 1
