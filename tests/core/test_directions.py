"""Directions: their measured effects, and the ways to find them that look at pictures or at a person's choice."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from small_nets import GENERATORS, latents, seeded_generator, trained_like
from torch import Tensor

from ganexplorer.core import zoo
from ganexplorer.core.directions import (
    Direction,
    between,
    boundary,
    dimension_effects,
    effects_along,
    jacobian,
    measured,
    strongest_dimensions,
    without,
)
from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network
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


# ---- Direction


def test_any_vector_gives_a_unit_direction() -> None:
    direction = Direction.of("a", torch.tensor([3.0, 0.0, -4.0], dtype=torch.float64), 2.5, "pca")
    assert direction.vector.dtype == torch.float32
    assert direction.vector.tolist() == pytest.approx([0.6, 0, -0.8])
    assert (direction.name, direction.effect, direction.origin) == ("a", 2.5, "pca")
    assert math.isnan(Direction.of("b", torch.ones(1)).effect)


@pytest.mark.parametrize("z_dim", [1, 7, 64, 4096])
def test_the_direction_of_a_direction_has_the_same_bits(z_dim: int) -> None:
    first = Direction.of("a", torch.randn(z_dim, generator=seeded_generator()))
    assert first.vector.double().norm().item() == pytest.approx(1, abs=1e-6)
    assert torch.equal(Direction.of("b", first.vector).vector, first.vector)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_length_of_the_vector_is_no_matter(scale: float) -> None:
    assert Direction.of("a", torch.tensor([scale, scale])).vector.tolist() == pytest.approx([0.5**0.5] * 2)


@pytest.mark.parametrize("values", [[0.0, 0.0], [1.0, math.nan], [math.inf, 1.0]])
def test_what_has_no_direction_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"^thin: a vector of norm .* has no direction$"):
        Direction.of("thin", torch.tensor(values))


# ---- effects along any vectors


@pytest.mark.parametrize("prior", PRIORS, ids=str)
@pytest.mark.parametrize("chunk_size", [1, 20, 256])
def test_effects_along_vectors_of_a_linear_generator(prior: Prior, chunk_size: int) -> None:
    weights, _ = linear_generator(9)
    vectors = torch.randn(13, 9, generator=seeded_generator(4))
    largest = 0

    def images(z: Tensor) -> Tensor:
        nonlocal largest
        largest = max(largest, len(z))
        return (z @ weights).view(-1, 2, 3, 4)

    effects = effects_along(images, prior, vectors, samples=5, chunk_size=chunk_size)
    expected = np.abs(vectors.numpy() @ weights.numpy()).mean(1) * 127.5
    np.testing.assert_allclose(effects.numpy(), expected, rtol=2e-3)
    assert largest <= max(chunk_size, 5)


def test_measured_directions_keep_their_order_and_names() -> None:
    network = trained_like(GENERATORS["mlp-64"])
    found = strongest_dimensions(torch.rand(64, generator=seeded_generator()), count=5)
    blank = [Direction.of(d.name, d.vector, origin="file") for d in found]
    again = measured(blank, network, Prior.normal(), seed=3)
    effects = dimension_effects(network, Prior.normal(), 64, seed=3)
    assert [d.name for d in again] == [d.name for d in found]
    assert {d.origin for d in again} == {"file"}
    assert [d.effect for d in again] == pytest.approx([effects[int(d.name[1:])].item() for d in found], rel=1e-4)


def test_no_directions_are_measured_at_once() -> None:
    assert measured([], trained_like(GENERATORS["mlp-64"]), Prior.normal()) == []


# ---- jacobian


def network_of(name: str) -> Network:
    return zoo.resolve(name).load().generator if name == zoo.FIRST_MODEL else trained_like(GENERATORS[name])


@pytest.mark.parametrize("name", ["mlp-64", "mlp-sigmoid", "mlp-bn", "dcgan-16", "dcgan-sigmoid", zoo.FIRST_MODEL])
def test_local_directions_are_the_singular_vectors_that_autograd_finds(name: str) -> None:
    network = network_of(name)
    z = latents(network.spec, 1, seed=5)[0]
    slopes = torch.autograd.functional.jacobian(lambda z: network(z[None]).flatten(), z)  # (pixels, z_dim)
    _, _, right = np.linalg.svd(slopes.double().numpy(), full_matrices=False)
    found = jacobian(Renderer(network).images, z, count=2)
    assert [d.name for d in found] == ["local 1", "local 2"]
    for direction, expected in zip(found, right, strict=False):
        assert abs(float(direction.vector.double() @ torch.from_numpy(expected))) > 0.999
        effect = (slopes @ direction.vector).abs().mean() * 127.5
        assert direction.effect == pytest.approx(effect.item(), rel=0.02)
        assert direction.vector[direction.vector.abs().argmax()] > 0


@pytest.mark.parametrize("name", ["mlp-64", "mlp-bn", "dcgan-16", "upsampling", zoo.FIRST_MODEL])
def test_the_first_local_direction_moves_more_than_a_hundred_random_ones(name: str) -> None:
    network = network_of(name)
    z = latents(network.spec, 1, seed=8)[0]
    (first,) = jacobian(network, z, count=1)
    others = torch.randn(100, len(z), generator=seeded_generator(1))
    vectors = torch.cat([first.vector[None], others / others.norm(dim=1, keepdim=True)])
    moved = (network(z + 0.05 * vectors) - network(z - 0.05 * vectors)).flatten(1).norm(dim=1)
    assert moved[0] > moved[1:].max()


def test_a_local_direction_does_not_depend_on_the_size_of_the_batches() -> None:
    network = trained_like(GENERATORS["mlp-bn"])
    z = latents(network.spec, 1)[0]
    one, many = (jacobian(network, z, chunk_size=size)[1] for size in (1, 256))
    torch.testing.assert_close(one.vector, many.vector, rtol=1e-3, atol=1e-3)


def test_local_directions_of_few_dimensions_and_of_a_flat_picture() -> None:
    pattern = trained_like(GENERATORS["pattern"])
    (only,) = jacobian(pattern, torch.tensor([0.5]), count=5)
    assert only.vector.tolist() == [1.0]
    assert jacobian(lambda z: torch.zeros(len(z), 1, 2, 2), torch.zeros(3)) == []
    two = jacobian(lambda z: z[:, :2].reshape(-1, 1, 1, 2) * torch.tensor([1.0, 2.0]), torch.zeros(5), count=5)
    assert [round(d.vector.abs().argmax().item()) for d in two] == [1, 0]


def test_a_very_large_picture_is_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganexplorer.core.directions._JACOBIAN_VALUES", 64 * 200)
    network = network_of(zoo.FIRST_MODEL)
    z = latents(network.spec, 1, seed=8)[0]
    (part,) = jacobian(network, z, count=1)
    monkeypatch.undo()
    (whole,) = jacobian(network, z, count=1)
    assert part.vector @ whole.vector > 0.9
    assert part.effect == pytest.approx(whole.effect, rel=0.2)


# ---- between, without


def test_between_leads_from_the_first_to_the_second() -> None:
    a, b = torch.randn(2, 9, generator=seeded_generator())
    direction = between(a, b)
    assert direction.name == "A to B"
    torch.testing.assert_close(a + direction.vector * (b - a).norm(), b)
    torch.testing.assert_close(between(b, a, "back").vector, -direction.vector)


def test_there_is_no_way_between_the_same() -> None:
    with pytest.raises(UserError, match=r"^A to B: both ends are the same latent.*Move one of them first\.$"):
        between(torch.ones(3), torch.ones(3))


def test_a_direction_without_others_is_at_right_angles_to_them() -> None:
    a, b, c = (Direction.of(n, torch.randn(8, generator=seeded_generator(i))) for i, n in enumerate("abc"))
    rest = without(a, [b, c], "a alone")
    assert abs(rest.vector @ b.vector) < 1e-6
    assert abs(rest.vector @ c.vector) < 1e-6
    expected = (
        a.vector.numpy()
        - np.stack([b.vector, c.vector], 1)
        @ np.linalg.lstsq(np.stack([b.vector, c.vector], 1), a.vector.numpy(), rcond=None)[0]
    )
    np.testing.assert_allclose(rest.vector.numpy(), expected / np.linalg.norm(expected), atol=1e-5)
    assert torch.equal(without(a, [], "a").vector, a.vector)
    torch.testing.assert_close(without(a, [b, b, c], "twice").vector, rest.vector)
    with pytest.raises(UserError, match=r"^a: nothing of it remains"):
        without(a, [b, a], "nothing")


# ---- boundary


def labelled(prior: Prior, z_dim: int, count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """w, and `count` samples of the prior on each side of the plane through its centre that w is the normal of."""
    generator = seeded_generator(seed)
    w = torch.randn(z_dim, generator=generator)
    w /= w.norm()
    z = prior.sample(20 * count, z_dim, generator)
    has = (z - prior.center) @ w > 0
    return w, z[has][:count], z[~has][:count]


@pytest.mark.parametrize("prior", PRIORS[:3], ids=str)
@pytest.mark.parametrize(("z_dim", "expected"), [(64, 0.53), (100, 0.44)])
def test_a_boundary_is_found_from_20_and_20_labels(prior: Prior, z_dim: int, expected: float) -> None:
    """Chance is a cosine of 0, give or take 1 / sqrt(z_dim)."""
    cosines, shares = [], []
    for seed in range(30):
        w, liked, others = labelled(prior, z_dim, 20, seed)
        direction = boundary(liked, others, prior, "smile")
        cosines.append(float(direction.vector @ w))
        fresh = prior.sample(500, z_dim, seeded_generator(1000 + seed)) + 3 * prior.std * direction.vector
        shares.append(float(((fresh - prior.center) @ w > 0).float().mean()))
    assert np.mean(cosines) > expected
    assert min(cosines) > 0.2
    assert np.mean(shares) > 0.9  # from one half


def test_a_boundary_is_found_better_than_by_the_difference_of_means() -> None:
    gains = []
    for seed in range(20):
        w, liked, others = labelled(Prior.normal(), 32, 60, seed)
        means = liked.mean(0) - others.mean(0)
        gains.append(float(boundary(liked, others, Prior.normal(), "a").vector @ w - means @ w / means.norm()))
    assert np.mean(gains) > 0.05


def test_a_boundary_minimises_the_penalised_logistic_loss() -> None:
    """Against a plain descent by the gradient that the textbook has."""
    _, liked, others = labelled(Prior.normal(2, 3), 5, 12, 0)
    z = (torch.cat([liked, others[:4]]).double().numpy() - 2) / 3
    z = np.concatenate([z, np.ones((16, 1))], axis=1)
    labels = np.repeat([1.0, 0.0], [12, 4])
    w = np.zeros(6)
    for _ in range(2000):
        w -= 0.1 * (z.T @ (1 / (1 + np.exp(-z @ w)) - labels) + np.array([1, 1, 1, 1, 1, 0.1]) * w)
    found = boundary(liked, others[:4], Prior.normal(2, 3), "a").vector
    np.testing.assert_allclose(found.numpy(), w[:5] / np.linalg.norm(w[:5]), atol=1e-5)


def test_a_boundary_of_rare_liked_ones_is_as_good_as_the_difference_of_means() -> None:
    cosines, means = [], []
    for seed in range(30):
        generator = seeded_generator(seed)
        w = torch.nn.functional.normalize(torch.randn(64, generator=generator), dim=0)
        z = torch.randn(600, 64, generator=generator)
        has = z @ w > 1.3
        liked, others = z[has][:5], z[~has][:35]
        cosines.append(float(boundary(liked, others, Prior.normal(), "a").vector @ w))
        difference = liked.mean(0) - others.mean(0)
        means.append(float(difference @ w / difference.norm()))
    assert np.mean(cosines) > np.mean(means) - 0.02
    assert np.mean(cosines) > 0.4


@pytest.mark.parametrize("prior", PRIORS[:3], ids=str)
def test_one_class_alone_is_held_against_the_centre(prior: Prior) -> None:
    none = torch.zeros(0, 64)
    cosines = []
    for seed in range(10):
        w, liked, others = labelled(prior, 64, 20, seed)
        cosines.append(float(boundary(liked, none, prior, "a").vector @ w))
        cosines.append(float(boundary(none, others, prior, "a").vector @ w))
    assert np.mean(cosines) > 0.35
    one = torch.tensor([[3.0, -4.0]]) + prior.center
    torch.testing.assert_close(boundary(one, none[:, :2], prior, "a").vector, torch.tensor([0.6, -0.8]))


def test_boundaries_of_a_constant_prior_and_of_one_dimension() -> None:
    prior = Prior.constant(0.5)
    low, high = torch.tensor([[0.1], [0.2]]), torch.tensor([[0.7]])
    assert boundary(high, low, prior, "bright").vector.tolist() == [1.0]
    assert boundary(low, high, prior, "dark").vector.tolist() == [-1.0]


def test_a_boundary_needs_something_to_tell_apart() -> None:
    none, some = torch.zeros(0, 4), torch.randn(3, 4, generator=seeded_generator())
    with pytest.raises(UserError, match=r"^smile: no picture is marked\. Mark some"):
        boundary(none, none, Prior.normal(), "smile")
    with pytest.raises(UserError, match=r"^smile: the marked pictures do not differ from the others\. Mark"):
        boundary(some, some, Prior.normal(), "smile")
    with pytest.raises(UserError, match="do not differ"):
        boundary(torch.full((1, 4), 0.5), none, Prior.constant(0.5), "smile")
