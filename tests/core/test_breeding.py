"""Children, mutants and samples pushed along a person's own boundary: what they are and how they are distributed."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from small_nets import GENERATORS, latents, seeded_generator
from torch import Tensor

from ganexplorer.core.breeding import FEW, Sheet, breed, liked_amount, move_to, mutate, samples
from ganexplorer.core.directions import Direction, boundary
from ganexplorer.core.latent import Prior, truncate
from ganexplorer.core.state import Gallery

PRIORS = [Prior.normal(), Prior.normal(1.5, 0.3), Prior.uniform(), Prior.uniform(-2, 3)]


def parents(prior: Prior, z_dim: int, seed: int = 3) -> Tensor:
    return prior.sample(2, z_dim, seeded_generator(seed))


@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_each_dimension_of_a_child_is_one_parents(prior: Prior) -> None:
    a, b = parents(prior, 100)
    children = breed(a, b, 400, prior, seeded_generator())
    from_a, from_b = children == a, children == b
    assert children.shape == (400, 100)
    assert (from_a ^ from_b).all()
    # 400 fair coins a dimension: 6 standard deviations of 0.025
    assert (from_a.float().mean(0) - 0.5).abs().max() < 0.15
    # neighbouring dimensions are decided apart
    together = (from_a[:, 1:] == from_a[:, :-1]).float().mean()
    assert together == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_children_of_samples_are_samples(prior: Prior) -> None:
    generator = seeded_generator(1)
    children = torch.cat(
        [breed(*prior.sample(2, 50, generator), count=1, prior=prior, generator=generator) for _ in range(800)]
    )
    values = children.double().flatten()
    assert float(values.mean()) == pytest.approx(prior.center, abs=5 * prior.std / 200)
    assert float(values.std()) == pytest.approx(prior.std, rel=0.02)
    norms = (children - prior.center).norm(dim=1)
    plain = (prior.sample(800, 50, seeded_generator(2)) - prior.center).norm(dim=1)
    assert float(norms.mean()) == pytest.approx(float(plain.mean()), rel=0.02)
    assert float(norms.std()) == pytest.approx(float(plain.std()), rel=0.15)


def test_the_same_seed_has_the_same_children_and_another_one_others() -> None:
    prior = Prior.normal()
    a, b = parents(prior, 64)
    first, again = (breed(a, b, 20, prior, seeded_generator(4)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, breed(a, b, 20, prior, seeded_generator(5)))
    assert torch.equal(mutate(a, 0.3, 20, prior, seeded_generator(4)), mutate(a, 0.3, 20, prior, seeded_generator(4)))


@pytest.mark.parametrize(
    ("prior", "z_dim"),
    [(Prior.normal(), 1), (Prior.uniform(), 1), (Prior.constant(0.5), 1), (Prior.normal(), FEW - 1)],
    ids=str,
)
def test_parents_of_few_dimensions_have_many_different_children_between_them(prior: Prior, z_dim: int) -> None:
    a, b = torch.full((z_dim,), 0.2), torch.full((z_dim,), 0.9)
    children = breed(a, b, 50, prior, seeded_generator())
    assert len({tuple(child.tolist()) for child in children}) == 50
    assert ((children > 0.2) & (children < 0.9)).all()
    assert (children.diff(dim=0) > 0).all()  # from a to b


def test_parents_that_differ_in_one_slider_have_children_on_its_way() -> None:
    prior = Prior.normal()
    a = prior.sample(1, 64, seeded_generator())[0]
    b = a.clone()
    b[7] += 2
    children = breed(a, b, 9, prior, seeded_generator())
    assert len({tuple(child.tolist()) for child in children}) == 9
    others = torch.arange(64) != 7
    assert (children[:, others] - a[others]).abs().max() < 0.12
    assert (children[:, 7].diff() > 0).all()


@pytest.mark.parametrize("prior", PRIORS, ids=str)
@pytest.mark.parametrize("amount", [0.1, 0.5, 1.0])
def test_mutants_of_samples_are_samples(prior: Prior, amount: float) -> None:
    generator = seeded_generator(6)
    mutants = torch.cat([mutate(z, amount, 1, prior, generator) for z in prior.sample(800, 50, generator)])
    low, high = (prior.a, prior.b) if prior.kind == "uniform" else (-math.inf, math.inf)
    assert ((mutants >= low) & (mutants <= high)).all()
    values = mutants.double().flatten()
    assert float(values.mean()) == pytest.approx(prior.center, abs=5 * prior.std / 200)
    assert float(values.std()) == pytest.approx(prior.std, rel=0.02)
    # the fourth moment tells the shapes apart: 3 for a normal, 9/5 for a uniform prior
    fourth = float(((values - prior.center) / prior.std).pow(4).mean())
    assert fourth == pytest.approx(3 if prior.kind == "normal" else 1.8, rel=0.05)


def test_a_mutation_turns_a_normal_latent_by_its_angle() -> None:
    prior = Prior.normal(1.0, 2.0)
    z = prior.sample(1, 4000, seeded_generator())[0]
    for amount in (0.2, 0.5, 0.8):
        mutant = mutate(z, amount, 1, prior, seeded_generator(8))[0]
        cosine = torch.cosine_similarity(z - 1, mutant - 1, dim=0)
        assert float(cosine) == pytest.approx(math.cos(amount * math.pi / 2), abs=0.05)


@pytest.mark.parametrize("name", ["mlp-64", "mlp-sigmoid", "pattern"])
def test_no_mutation_is_z_itself_and_a_small_one_near_it(name: str) -> None:
    spec = GENERATORS[name]
    assert spec.prior is not None
    z = latents(spec, 1)[0]
    assert torch.equal(mutate(z, 0.0, 3, spec.prior, seeded_generator()), torch.stack([z, z, z]))
    small, large = (mutate(z, amount, 200, spec.prior, seeded_generator()) for amount in (0.02, 0.6))
    assert 0 < (small - z).norm(dim=1).mean() < 0.2 * (large - z).norm(dim=1).mean()


def test_a_constant_prior_is_left_so_that_there_is_something_to_see() -> None:
    mutants = mutate(torch.tensor([0.5]), 1.0, 2000, Prior.constant(0.5), seeded_generator())
    assert float(mutants.mean()) == pytest.approx(0.5, abs=0.05)
    assert float(mutants.std()) == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("amount", [-0.1, 1.01, math.nan])
def test_an_amount_that_is_none_is_refused(amount: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        mutate(torch.zeros(3), amount, 1, Prior.normal(), seeded_generator())


def share_that_has_it(prior: Prior, z_dim: int, seed: int, labels: int = 20) -> tuple[float, float]:
    """Of samples: the share that has a hidden attribute, as drawn and when moved along what the labels tell."""
    generator = seeded_generator(seed)
    hidden = torch.nn.functional.normalize(torch.randn(z_dim, generator=generator), dim=0)

    def has(z: Tensor) -> Tensor:
        return (z - prior.center) @ hidden > 0

    shown = prior.sample(20 * labels, z_dim, generator)
    liked, others = shown[has(shown)][:labels], shown[~has(shown)][:labels]
    direction = boundary(liked, others, prior, "liked")
    new = prior.sample(1000, z_dim, generator)
    moved = move_to(new, direction, liked_amount(liked, direction, prior), prior)
    return float(has(new).float().mean()), float(has(moved).float().mean())


@pytest.mark.parametrize("prior", PRIORS, ids=str)
@pytest.mark.parametrize("z_dim", [16, 64, 100])
def test_most_samples_moved_along_forty_labels_have_what_was_liked(prior: Prior, z_dim: int) -> None:
    shares = [share_that_has_it(prior, z_dim, seed) for seed in range(10)]
    before, after = (sum(share) / len(shares) for share in zip(*shares, strict=True))
    assert before == pytest.approx(0.5, abs=0.02)
    assert after > 0.85


@pytest.mark.parametrize("prior", [Prior.normal(), Prior.normal(1.5, 0.3)], ids=str)
def test_moved_samples_of_a_normal_prior_have_the_amount_and_the_norm_of_samples(prior: Prior) -> None:
    z = prior.sample(500, 64, seeded_generator())
    direction = Direction.of("d", torch.randn(64, generator=seeded_generator(1)))
    moved = move_to(z, direction, 2 * prior.std, prior)
    along = (moved - prior.center) @ direction.vector
    assert along.numpy() == pytest.approx(2 * prior.std, abs=1e-5)
    # only along the direction
    change = moved - z
    assert (change - (change @ direction.vector)[:, None] * direction.vector).abs().max() < 1e-5
    norms = (moved - prior.center).norm(dim=1).mean() / prior.std
    assert float(norms) == pytest.approx(math.sqrt(63 + 4), rel=0.01)


def test_moved_samples_stay_in_a_box_also_where_the_amount_is_out_of_reach() -> None:
    prior = Prior.uniform(-2, 3)
    z = prior.sample(200, 32, seeded_generator())
    direction = Direction.of("d", torch.randn(32, generator=seeded_generator(1)))
    moved = move_to(z, direction, 4.0, prior)
    assert moved.min() >= -2
    assert moved.max() <= 3
    assert ((moved - 0.5) @ direction.vector).numpy() == pytest.approx(4.0, abs=0.05)
    far = move_to(z, direction, 1000.0, prior)
    assert torch.equal(far, torch.where(direction.vector > 0, 3.0, -2.0).expand_as(far))


def test_truncated_parents_have_children_as_near_to_the_centre() -> None:
    prior = Prior.uniform(0, 1)
    a, b = truncate(parents(prior, 200), prior, 0.3)
    children = breed(a, b, 10, prior, seeded_generator())
    assert (children - 0.5).abs().max() <= 0.15 + 1e-6


@pytest.mark.parametrize("prior", [*PRIORS, Prior.constant(0.5)], ids=str)
def test_a_gallery_has_the_samples_of_its_seed_one_after_the_other(prior: Prior) -> None:
    gallery = Gallery(seed=7, count=16)
    generator = seeded_generator(7)
    rows = torch.cat([prior.sample(1, 5, generator) for _ in range(16)])
    assert samples(prior, 5, gallery).numpy() == pytest.approx(rows.numpy(), abs=1e-6)
    halved = samples(prior, 5, dataclasses.replace(gallery, truncation=0.5))
    assert (halved - prior.center).numpy() == pytest.approx(0.5 * (rows - prior.center).numpy(), abs=1e-6)


@pytest.mark.parametrize("prior", [*PRIORS, Prior.constant(0.5)], ids=str)
@pytest.mark.parametrize("z_dim", [1, 20])
def test_a_sheet_begins_with_the_parents_and_is_the_same_from_the_same_seed(prior: Prior, z_dim: int) -> None:
    a, b = prior.sample(2, z_dim, seeded_generator(1)) + torch.tensor([[0.0], [0.1]])
    direction = Direction.of("d", torch.ones(z_dim))
    gallery = Gallery(count=36)
    for sheet, parents in (
        (Sheet("child", "", 3, (a, b)), 2),
        (Sheet("mutant", "", 3, (a,), 0.3), 1),
        (Sheet("sample", "", 3, amount=0.2, direction=direction), 0),
    ):
        rows = sheet.latents(gallery, prior, z_dim)
        assert rows.shape == (36, z_dim)
        assert torch.equal(rows[:parents], torch.stack([a, b])[:parents])
        assert torch.equal(rows, sheet.latents(gallery, prior, z_dim))
        assert len({tuple(row.tolist()) for row in rows}) > 30 or (sheet.kind == "sample" and z_dim == 1)
        other = dataclasses.replace(sheet, seed=4).latents(gallery, prior, z_dim)
        assert not torch.equal(rows, other) or (sheet.kind == "sample" and z_dim == 1)
