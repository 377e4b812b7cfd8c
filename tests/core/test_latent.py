"""Priors, and the ways from one latent to another."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_nets import quick, seeded_generator
from torch import Tensor

from ganexplorer.core.latent import PathMode, Prior, box, interpolate, lerp, seeded, slerp, truncate

PRIORS = {
    "normal": Prior.normal(),
    "shifted": Prior.normal(2.0, 0.5),
    "uniform": Prior.uniform(),
    "off-centre": Prior.uniform(1.0, 5.0),
    "constant": Prior.constant(0.5),
}
MODES: tuple[PathMode, ...] = ("lerp", "slerp", "box")

priors = pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
modes = pytest.mark.parametrize("mode", MODES)


def two_latents(prior: Prior = PRIORS["normal"], z_dim: int = 64, seed: int = 0) -> tuple[Tensor, Tensor]:
    a, b = prior.sample(2, z_dim, seeded_generator(seed))
    return a, b


# ---- the prior


@priors
def test_samples_have_the_mean_and_deviation_that_the_prior_states(prior: Prior) -> None:
    z = prior.sample(400, 50, seeded_generator()).double()
    assert z.shape == (400, 50)
    assert z.mean().item() == pytest.approx(prior.center, abs=5 * prior.std / math.sqrt(z.numel()))
    assert z.std().item() == pytest.approx(prior.std, rel=0.02)


@priors
def test_samples_are_float32(prior: Prior) -> None:
    assert prior.sample(2, 3).dtype == torch.float32


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (1.0, 5.0)])
def test_uniform_samples_fill_the_box_evenly_and_stay_in_it(low: float, high: float) -> None:
    z = Prior.uniform(low, high).sample(1000, 40, seeded_generator())
    assert low <= z.min() <= z.max() <= high
    counts = torch.histc(z, bins=10, min=low, max=high)
    assert (counts / z.numel() - 0.1).abs().max() < 0.01


def test_normal_samples_have_the_tails_of_a_normal() -> None:
    z = Prior.normal(2.0, 0.5).sample(1000, 40, seeded_generator())
    outside_two_deviations = ((z - 2).abs() > 1).float().mean().item()
    assert outside_two_deviations == pytest.approx(0.0455, abs=0.005)


def test_dimensions_of_a_sample_are_independent() -> None:
    z = Prior.normal().sample(5000, 5, seeded_generator())
    assert (torch.corrcoef(z.T) - torch.eye(5)).abs().max() < 0.06


def test_a_constant_prior_gives_its_value_alone() -> None:
    assert torch.equal(Prior.constant(0.5).sample(3, 2), torch.full((3, 2), 0.5))


@pytest.mark.parametrize("name", ["normal", "uniform"])
def test_the_same_seed_gives_the_same_samples_and_another_seed_others(name: str) -> None:
    first, again, other = (PRIORS[name].sample(3, 7, seeded_generator(seed)) for seed in (4, 4, 5))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("prior", "center", "std", "support", "slider_range"),
    [
        (Prior.normal(), 0, 1, (-3.5, 3.5), (-4, 4)),
        (Prior.normal(2, 0.5), 2, 0.5, (0.25, 3.75), (0, 4)),
        (Prior.uniform(), 0, 1 / math.sqrt(3), (-1, 1), (-1.5, 1.5)),
        (Prior.uniform(1, 5), 3, 2 / math.sqrt(3), (1, 5), (0, 6)),
        (Prior.constant(0.5), 0.5, 0, (0.5, 0.5), (-0.5, 1.5)),
    ],
    ids=str,
)
def test_a_prior_knows_its_centre_deviation_support_and_slider(
    prior: Prior, center: float, std: float, support: tuple[float, float], slider_range: tuple[float, float]
) -> None:
    assert prior.center == center
    assert prior.std == pytest.approx(std)
    assert prior.support == support
    assert prior.slider_range == slider_range


@priors
def test_a_slider_reaches_beyond_what_the_prior_gives(prior: Prior) -> None:
    assert prior.slider_range[0] < prior.support[0] <= prior.support[1] < prior.slider_range[1]


@priors
def test_a_prior_survives_its_dict(prior: Prior) -> None:
    assert Prior.from_dict(prior.to_dict()) == prior


@pytest.mark.parametrize(
    ("kind", "a", "b", "message"),
    [
        ("normal", 0, 0, "standard deviation above 0"),
        ("normal", 0, -1, "standard deviation above 0"),
        ("uniform", 1, 1, "low < high"),
        ("uniform", 1, -1, "low < high"),
        ("normal", math.nan, 1, "not finite"),
        ("uniform", -math.inf, 1, "not finite"),
        ("constant", math.inf, 0, "not finite"),
        ("beta", 0, 1, "unknown prior 'beta'; known: normal, uniform, constant"),
    ],
)
def test_an_impossible_prior_is_refused(kind: str, a: float, b: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Prior(kind, a, b)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [{}, {"kind": "normal"}, {"kind": "normal", "a": None, "b": 1}, None, [1], "normal"])
def test_a_dict_that_is_no_prior_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="not a prior"):
        Prior.from_dict(data)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        (Prior.normal(), "normal(0, 1)"),
        (Prior.uniform(), "uniform(-1, 1)"),
        (Prior.constant(0.5), "constant(0.5)"),
    ],
)
def test_a_prior_is_printed_in_words(prior: Prior, words: str) -> None:
    assert str(prior) == words


@priors
def test_from_normal_undoes_to_normal(prior: Prior) -> None:
    z = prior.sample(20, 30, seeded_generator())
    torch.testing.assert_close(prior.from_normal(prior.to_normal(z)), z, rtol=0, atol=1e-6 * max(1, prior.std))


@priors
def test_to_normal_undoes_from_normal(prior: Prior) -> None:
    u = torch.linspace(-3.5, 3.5, 101)
    torch.testing.assert_close(prior.to_normal(prior.from_normal(u)), u, rtol=0, atol=2e-3)


@pytest.mark.parametrize("name", ["normal", "shifted", "uniform", "off-centre"])
def test_to_normal_makes_samples_standard_normal(name: str) -> None:
    prior = PRIORS[name]
    u = prior.to_normal(prior.sample(400, 50, seeded_generator()))
    assert u.mean().item() == pytest.approx(0, abs=0.03)
    assert u.std().item() == pytest.approx(1, abs=0.02)
    assert (u.abs() > 2).float().mean().item() == pytest.approx(0.0455, abs=0.006)


def test_quantiles_of_a_box_are_those_of_the_normal_distribution() -> None:
    z = torch.tensor([-0.6826894921, 0.0, 0.6826894921, 0.9544997361])  # 2 * Phi(x) - 1 of -1, 0, 1, 2
    torch.testing.assert_close(Prior.uniform().to_normal(z), torch.tensor([-1.0, 0.0, 1.0, 2.0]), rtol=0, atol=1e-5)


def test_values_on_and_outside_a_box_have_finite_quantiles() -> None:
    u = Prior.uniform().to_normal(torch.tensor([-9.0, -1.0, 1.0, 9.0]))
    assert torch.isfinite(u).all()
    assert u[0] == u[1] < -4
    assert u[2] == u[3] > 4


# ---- seeds and truncation


@priors
def test_the_first_of_64_seeded_latents_is_the_single_one_of_that_seed(prior: Prior) -> None:
    for z_dim in (1, 7, 64):
        assert torch.equal(seeded(prior, z_dim, 3, count=64)[:1], seeded(prior, z_dim, 3))


def test_the_rows_of_a_seed_do_not_depend_on_how_many_there_are() -> None:
    assert torch.equal(seeded(Prior.normal(), 10, 3, count=64)[:20], seeded(Prior.normal(), 10, 3, count=20))


def test_seeded_rows_and_seeds_differ() -> None:
    rows = torch.cat([seeded(Prior.normal(), 8, seed, 5) for seed in range(3)])
    assert len(rows.unique(dim=0)) == 15


def test_seeded_neither_reads_nor_moves_the_global_random_state() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = seeded(Prior.normal(), 4, 0)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(seeded(Prior.normal(), 4, 0), first)


@priors
def test_truncation_1_leaves_z_and_0_gives_the_centre(prior: Prior) -> None:
    z = prior.sample(4, 6, seeded_generator())
    torch.testing.assert_close(truncate(z, prior, 1.0), z)
    torch.testing.assert_close(truncate(z, prior, 0.0), torch.full_like(z, prior.center))


def test_truncation_scales_the_distance_from_the_centre() -> None:
    z = torch.tensor([[1.0, 3.0, 5.0]])
    torch.testing.assert_close(truncate(z, Prior.uniform(1, 5), 0.25), torch.tensor([[2.5, 3.0, 3.5]]))


# ---- lerp, slerp, box


@modes
@priors
def test_the_ends_of_a_path_are_given_back_bit_for_bit(prior: Prior, mode: PathMode) -> None:
    for seed in range(20):
        a, b = two_latents(prior, seed=seed)
        assert torch.equal(interpolate(a, b, 0.0, mode, prior), a)
        assert torch.equal(interpolate(a, b, 1.0, mode, prior), b)


def test_the_ends_of_a_bare_slerp_are_given_back_bit_for_bit() -> None:
    for seed in range(20):
        a, b = two_latents(seed=seed)
        assert torch.equal(slerp(a, b, 0.0), a)
        assert torch.equal(slerp(a, b, 1.0), b)


@pytest.mark.parametrize("mode", ["slerp", "box"])
def test_the_ends_are_exact_inside_a_batch_of_t(mode: PathMode) -> None:
    a, b = two_latents(PRIORS["uniform"])
    points = interpolate(a, b, torch.tensor([0.0, 0.5, 1.0]), mode, PRIORS["uniform"])
    assert torch.equal(points[0], a)
    assert torch.equal(points[2], b)


def test_ends_outside_the_box_are_kept_by_box() -> None:
    a, b = torch.tensor([1.4, -2.0]), torch.tensor([0.3, 1.0])
    assert torch.equal(box(a, b, 0.0, Prior.uniform()), a)
    assert torch.equal(box(a, b, 1.0, Prior.uniform()), b)


@priors
@modes
def test_a_batch_of_t_gives_the_rows_that_single_t_give(mode: PathMode, prior: Prior) -> None:
    a, b = two_latents(prior, z_dim=9)
    t = torch.tensor([0.0, 0.125, 0.5, 0.875, 1.0])
    rows = interpolate(a, b, t, mode, prior)
    assert rows.shape == (5, 9)
    for row, value in zip(rows, t.tolist(), strict=True):
        torch.testing.assert_close(row, interpolate(a, b, value, mode, prior), rtol=0, atol=1e-6)


def test_lerp_is_a_straight_line_of_even_speed() -> None:
    a, b = two_latents()
    torch.testing.assert_close(lerp(a, b, 0.5), (a + b) / 2)
    points = lerp(a, b, torch.linspace(0, 1, 5))
    torch.testing.assert_close(points.diff(dim=0), ((b - a) / 4).expand(4, -1), rtol=0, atol=1e-6)


def test_the_middle_of_a_slerp_of_equal_norms_is_the_bisector() -> None:
    a, b = two_latents()
    b = b * a.norm() / b.norm()
    expected = (a + b) / (a + b).norm() * a.norm()
    torch.testing.assert_close(slerp(a, b, 0.5), expected)


def test_slerp_of_a_right_angle_is_a_circle() -> None:
    t = torch.linspace(0, 1, 7)
    points = slerp(torch.tensor([2.0, 0.0, 0.0]), torch.tensor([0.0, 2.0, 0.0]), t)
    angle = t * math.pi / 2
    expected = 2 * torch.stack([angle.cos(), angle.sin(), torch.zeros(7)], dim=1)
    torch.testing.assert_close(points, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("z_dim", [2, 64, 100])
def test_slerp_keeps_the_norm_of_equal_norm_ends(z_dim: int) -> None:
    a, b = two_latents(z_dim=z_dim)
    b = b * a.norm() / b.norm()
    norms = slerp(a, b, torch.linspace(0, 1, 21)).norm(dim=1)
    torch.testing.assert_close(norms, a.norm().expand(21))


def test_the_norm_of_a_slerp_goes_evenly_from_one_end_to_the_other() -> None:
    a, b = two_latents()
    b = 3 * b
    norms = slerp(a, b, torch.linspace(0, 1, 5)).norm(dim=1)
    torch.testing.assert_close(norms, torch.linspace(a.norm().item(), b.norm().item(), 5))


def test_slerp_turns_at_constant_angular_speed() -> None:
    a, b = two_latents()
    points = slerp(a, 2 * b, torch.linspace(0, 1, 9)).double()
    units = points / points.norm(dim=1, keepdim=True)
    steps = (units[1:] * units[:-1]).sum(1).acos()
    torch.testing.assert_close(steps, steps.mean().expand(8), rtol=1e-4, atol=0)


@quick
@given(angle=st.floats(0.0, math.pi - 0.05), seed=st.integers(0, 50), t=st.floats(0, 1))
def test_slerp_keeps_the_norm_at_any_angle(angle: float, seed: int, t: float) -> None:
    a, b = at_angle(angle, seed)
    assert slerp(a, b, t).norm().item() == pytest.approx(a.norm().item(), rel=1e-3)


@pytest.mark.parametrize("gap", [0.01, 0.003])
def test_slerp_keeps_the_norm_of_nearly_opposite_ends(gap: float) -> None:
    for seed in range(20):
        a, b = at_angle(math.pi - gap, seed)
        assert slerp(a, b, 0.5).norm().item() == pytest.approx(a.norm().item(), rel=1e-2)


def at_angle(angle: float, seed: int, z_dim: int = 64) -> tuple[Tensor, Tensor]:
    """Two float32 latents of equal norm and so many radians apart."""
    a, other = torch.randn(2, z_dim, generator=seeded_generator(seed), dtype=torch.float64)
    across = other - a * (a @ other) / (a @ a)
    across = across * a.norm() / across.norm()
    return a.float(), (math.cos(angle) * a + math.sin(angle) * across).float()


@pytest.mark.parametrize("scale", [1.0, 2.5, -1.0, -0.5])
def test_slerp_of_parallel_and_opposite_vectors_is_the_straight_line(scale: float) -> None:
    a = torch.tensor([3.0, 0.0, -4.0, 0.0])
    t = torch.linspace(0, 1, 5)
    torch.testing.assert_close(slerp(a, scale * a, t), lerp(a, scale * a, t))


@pytest.mark.parametrize("scale", [1.0, 2.0, -1.0, -2.0])
def test_slerp_of_random_parallel_and_opposite_vectors_is_finite_and_between(scale: float) -> None:
    for seed in range(20):
        a, _ = two_latents(seed=seed)
        points = slerp(a, scale * a, torch.linspace(0, 1, 11))
        assert torch.isfinite(points).all()
        assert points.norm(dim=1).max() <= max(1, abs(scale)) * a.norm() * 1.001


def test_slerp_from_and_to_a_zero_vector_is_the_straight_line() -> None:
    a, zero = two_latents()[0], torch.zeros(64)
    t = torch.linspace(0, 1, 5)
    assert torch.equal(slerp(a, zero, t), lerp(a, zero, t))
    assert torch.equal(slerp(zero, a, t), lerp(zero, a, t))
    assert torch.equal(slerp(zero, zero, 0.5), zero)


def test_interpolated_slerp_turns_about_the_centre_of_the_prior() -> None:
    prior = Prior.normal(10.0, 1.0)
    a, b = two_latents(prior)
    middle = interpolate(a, b, 0.5, "slerp", prior)
    expected = slerp(a - 10, b - 10, 0.5) + 10
    torch.testing.assert_close(middle, expected)
    assert (middle - 10).norm().item() == pytest.approx(((a - 10).norm() + (b - 10).norm()).item() / 2, rel=1e-5)


def test_box_of_a_normal_prior_is_a_slerp() -> None:
    a, b = two_latents()
    t = torch.linspace(0, 1, 5)
    torch.testing.assert_close(box(a, b, t, Prior.normal()), slerp(a, b, t))


@quick
@given(
    ends=st.integers(1, 6).flatmap(
        lambda n: st.tuples(*[st.lists(st.floats(-1, 1, width=32), min_size=n, max_size=n)] * 2)
    ),
    t=st.floats(0, 1),
    limits=st.sampled_from([(-1.0, 1.0), (1.0, 5.0), (-0.25, 0.0)]),
)
def test_a_box_path_never_leaves_the_box(
    ends: tuple[list[float], list[float]], t: float, limits: tuple[float, float]
) -> None:
    low, high = limits
    a, b = ((torch.tensor(end) + 1) / 2 * (high - low) + low for end in ends)
    point = box(a, b, t, Prior.uniform(low, high))
    assert low <= point.min() <= point.max() <= high


def test_a_slerp_does_leave_the_box_that_box_keeps() -> None:
    a, b = torch.tensor([1.0, 1.0, -1.0]), torch.tensor([1.0, -1.0, 1.0])
    t = torch.linspace(0, 1, 11)
    assert slerp(a, b, t).abs().max() > 1.2
    assert box(a, b, t, Prior.uniform()).abs().max() <= 1


def test_the_middle_of_a_box_path_is_as_uniform_as_its_ends() -> None:
    prior = Prior.uniform()
    ends = prior.sample(400, 64, seeded_generator())
    middles = torch.stack([box(a, b, 0.5, prior) for a, b in zip(ends[::2], ends[1::2], strict=True)])
    straight = lerp(ends[::2], ends[1::2], 0.5)
    assert middles.var().item() == pytest.approx(1 / 3, rel=0.03)
    assert straight.var().item() == pytest.approx(1 / 6, rel=0.03)  # crowded towards the centre
    counts = torch.histc(middles, bins=8, min=-1, max=1) / middles.numel()
    assert (counts - 1 / 8).abs().max() < 0.015


def test_an_unknown_mode_is_refused_with_the_known_ones() -> None:
    a, b = two_latents()
    with pytest.raises(ValueError, match="unknown interpolation 'cubic'; known: lerp, slerp, box"):
        interpolate(a, b, 0.5, "cubic", Prior.normal())  # type: ignore[arg-type]
