"""Losses by value, by the sign of their gradients and at the ends of the number range; penalties and clipping."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganexplorer.train.losses import LOSSES, LossName, clip_weights_, gradient_penalty, top_k, zero_centred_penalty

NAMES: tuple[LossName, ...] = get_args(LossName)
LOGITS = torch.tensor([-7.0, -2.5, -0.3, 0.0, 0.4, 1.9, 6.0], dtype=torch.float64)
OTHERS = torch.tensor([0.7, -4.0, 3.1, 0.0, -0.2, 2.5, -1.1], dtype=torch.float64)
LN2 = 0.6931471805599453


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def parts(loss: LossName, real: Tensor, fake: Tensor, target: float = 1.0) -> dict[str, Tensor]:
    """D's two losses and G's, from the same verdicts."""
    pair = LOSSES[loss]
    on_real, on_fake = pair.discriminator(real, fake, target)
    return {"real": on_real, "fake": on_fake, "generator": pair.generator(fake, real if pair.is_paired else None)}


def part_of(loss: LossName, part: str, verdicts: Tensor, target: float = 1.0) -> Tensor:
    """One loss of a pair, whose other verdicts it ignores."""
    return parts(loss, verdicts, verdicts, target)[part]


@pytest.mark.parametrize("target", [1.0, 0.9, 0.5])
def test_bce_on_real_images_equals_cross_entropy_of_the_sigmoid(target: float) -> None:
    expected = F.binary_cross_entropy(torch.sigmoid(LOGITS), torch.full_like(LOGITS, target))
    torch.testing.assert_close(part_of("bce", "real", LOGITS, target), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("target", [1.0, 0.9, 0.5])
def test_bce_on_real_images_equals_cross_entropy_with_logits(target: float) -> None:
    expected = F.binary_cross_entropy_with_logits(LOGITS, torch.full_like(LOGITS, target))
    torch.testing.assert_close(part_of("bce", "real", LOGITS, target), expected, rtol=1e-12, atol=1e-12)


def test_bce_on_fake_images_equals_cross_entropy_against_zeros() -> None:
    expected = F.binary_cross_entropy(torch.sigmoid(LOGITS), torch.zeros_like(LOGITS))
    torch.testing.assert_close(part_of("bce", "fake", LOGITS), expected, rtol=1e-12, atol=1e-12)
    expected = F.binary_cross_entropy_with_logits(LOGITS, torch.zeros_like(LOGITS))
    torch.testing.assert_close(part_of("bce", "fake", LOGITS), expected, rtol=1e-12, atol=1e-12)


def test_bce_of_the_generator_is_non_saturating_cross_entropy_against_ones() -> None:
    expected = F.binary_cross_entropy(torch.sigmoid(LOGITS), torch.ones_like(LOGITS))
    torch.testing.assert_close(part_of("bce", "generator", LOGITS), expected, rtol=1e-12, atol=1e-12)


def test_the_relativistic_loss_is_cross_entropy_of_who_of_two_is_real() -> None:
    losses = parts("relativistic", LOGITS, OTHERS)
    chance = [1 / (1 + math.exp(-(a - b))) for a, b in zip(LOGITS.tolist(), OTHERS.tolist(), strict=True)]
    assert (losses["real"] + losses["fake"]).item() == pytest.approx(-sum(map(math.log, chance)) / 7, rel=1e-12)
    assert losses["real"].item() == losses["fake"].item()
    assert losses["generator"].item() == pytest.approx(-sum(math.log(1 - p) for p in chance) / 7, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "part", "verdicts", "expected"),
    [
        ("bce", "real", [0.0], LN2),
        ("bce", "fake", [0.0], LN2),
        ("bce", "generator", [0.0], LN2),
        ("bce", "real", [math.log(3.0)], 0.2876820724517809),  # -ln(3/4)
        ("bce", "fake", [math.log(3.0)], 1.3862943611198906),  # -ln(1/4)
        ("bce", "generator", [math.log(3.0)], 0.2876820724517809),
        ("bce", "fake", [0.0, math.log(3.0)], (LN2 + 1.3862943611198906) / 2),
        ("mse", "real", [0.25], 0.5625),
        ("mse", "fake", [0.25], 0.0625),
        ("mse", "generator", [0.25], 0.5625),
        ("mse", "real", [0.0, 1.0, 3.0], 5 / 3),
        ("mse", "fake", [0.0, 1.0, 3.0], 10 / 3),
        ("mse", "generator", [0.0, 1.0, 3.0], 5 / 3),
        ("wgan", "real", [0.5, -2.0, 4.5], -1.0),
        ("wgan", "fake", [0.5, -2.0, 4.5], 1.0),
        ("wgan", "generator", [0.5, -2.0, 4.5], -1.0),
        ("wgan-gp", "real", [2.0, 7.0], -4.5),
        ("wgan-gp", "fake", [2.0, 7.0], 4.5),
        ("wgan-gp", "generator", [2.0, 7.0], -4.5),
        ("hinge", "real", [-1.0, 0.25, 3.0], (2.0 + 0.75 + 0.0) / 3),
        ("hinge", "fake", [-1.5, 0.25, 3.0], (0.0 + 1.25 + 4.0) / 3),
        ("hinge", "generator", [-1.5, 0.25, 3.0], -1.75 / 3),
        ("relativistic", "real", [5.0, -1.0], LN2 / 2),  # each verdict against itself: nobody knows
        ("relativistic", "fake", [5.0, -1.0], LN2 / 2),
        ("relativistic", "generator", [5.0, -1.0], LN2),
    ],
)
def test_losses_have_the_values_computed_by_hand(
    loss: LossName, part: str, verdicts: list[float], expected: float
) -> None:
    value = part_of(loss, part, torch.tensor(verdicts, dtype=torch.float64))
    assert value.item() == pytest.approx(expected, rel=1e-12)


def test_a_smoothed_target_has_the_value_computed_by_hand() -> None:
    # -0.9 ln(3/4) - 0.1 ln(1/4)
    verdict = torch.tensor([math.log(3.0)], dtype=torch.float64)
    assert part_of("bce", "real", verdict, 0.9).item() == pytest.approx(0.39754330131859185, rel=1e-12)
    assert part_of("mse", "real", torch.tensor([0.5]), 0.9).item() == pytest.approx(0.16, rel=1e-6)


@pytest.mark.parametrize("loss", NAMES)
def test_only_losses_with_a_target_heed_it_and_only_on_real_images(loss: LossName) -> None:
    plain, smoothed = (LOSSES[loss].discriminator(LOGITS, OTHERS, target) for target in (1.0, 0.9))
    assert (plain[0] != smoothed[0]) == (loss in ("bce", "mse"))
    assert plain[1] == smoothed[1]


@pytest.mark.parametrize("loss", NAMES)
def test_losses_are_means_over_the_batch(loss: LossName) -> None:
    whole = parts(loss, LOGITS, OTHERS, 0.9)
    each = [parts(loss, real[None], fake[None], 0.9) for real, fake in zip(LOGITS, OTHERS, strict=True)]
    for name, value in whole.items():
        torch.testing.assert_close(value, torch.stack([one[name] for one in each]).mean())
        assert value.shape == ()


@pytest.mark.parametrize("loss", NAMES)
def test_a_loss_that_is_not_paired_depends_on_its_own_verdicts_alone(loss: LossName) -> None:
    real, fake = LOGITS.clone().requires_grad_(), OTHERS.clone().requires_grad_()
    values = parts(loss, real, fake)
    for value, other in ((values["real"], fake), (values["fake"], real), (values["generator"], real)):
        (gradient,) = torch.autograd.grad(value, other, allow_unused=True, retain_graph=True)
        assert (gradient is not None) == LOSSES[loss].is_paired


@pytest.mark.parametrize("loss", NAMES)
def test_descent_moves_verdicts_between_0_and_1_the_right_way(loss: LossName) -> None:
    """D pushes real images up and fakes down, G pushes its fakes up: the gradient has the opposite sign."""
    real, fake = torch.tensor([0.8, 0.2, 0.5], requires_grad=True), torch.tensor([0.2, 0.5, 0.8], requires_grad=True)
    losses = parts(loss, real, fake)
    of_real, of_fake = torch.autograd.grad(losses["real"] + losses["fake"], (real, fake), retain_graph=True)
    (of_generator,) = torch.autograd.grad(losses["generator"], fake)
    assert (of_real < 0).all()
    assert (of_fake > 0).all()
    assert (of_generator < 0).all()


@pytest.mark.parametrize("loss", NAMES)
def test_a_better_verdict_lowers_the_loss_of_whom_it_favours(loss: LossName) -> None:
    """Between 0 and 1, beyond which mse turns round."""
    real, fake = torch.tensor([0.1, 0.6]), torch.tensor([0.05, 0.3])
    before = parts(loss, real, fake)
    after = parts(loss, real, fake + 0.2)
    assert after["generator"] < before["generator"]
    assert after["real"] + after["fake"] > before["real"] + before["fake"]
    after = parts(loss, real + 0.2, fake)
    assert after["real"] + after["fake"] < before["real"] + before["fake"]


@pytest.mark.parametrize("loss", NAMES)
def test_only_differences_of_scores_count_where_the_paper_says_so(loss: LossName) -> None:
    losses = [parts(loss, LOGITS + constant, OTHERS + constant) for constant in (0.0, 3.0)]
    totals = [(one["real"] + one["fake"]).item() for one in losses]
    assert (totals[1] == pytest.approx(totals[0], rel=1e-9)) == (loss in ("wgan", "wgan-gp", "relativistic"))


def test_the_hinge_ignores_what_is_beyond_its_margin() -> None:
    real = torch.tensor([1.5, 0.9, -3.0], requires_grad=True)
    fake = torch.tensor([-1.5, -0.9, 3.0], requires_grad=True)
    sum(LOSSES["hinge"].discriminator(real, fake, 1.0), torch.zeros(())).backward()
    torch.testing.assert_close(real.grad, torch.tensor([0.0, -1 / 3, -1 / 3]))
    torch.testing.assert_close(fake.grad, torch.tensor([0.0, 1 / 3, 1 / 3]))


def test_the_generator_has_its_strongest_gradient_where_the_discriminator_is_sure() -> None:
    verdict = torch.tensor([-20.0], requires_grad=True)
    LOSSES["bce"].generator(verdict, None).backward()
    assert verdict.grad is not None
    assert verdict.grad.item() == pytest.approx(-1.0, abs=1e-6)


def test_smoothing_turns_the_gradient_round_once_the_discriminator_is_surer_than_the_target() -> None:
    verdict = torch.tensor([math.log(9.0) - 0.1, math.log(9.0) + 0.1], requires_grad=True)  # s(ln 9) = 0.9
    part_of("bce", "real", verdict, 0.9).backward()
    assert verdict.grad is not None
    assert verdict.grad[0] < 0 < verdict.grad[1]


@pytest.mark.parametrize("loss", NAMES)
@pytest.mark.parametrize("real", [-1e4, 1e4])
@pytest.mark.parametrize("fake", [-1e4, 1e4])
def test_losses_and_their_gradients_are_finite_for_extreme_verdicts(loss: LossName, real: float, fake: float) -> None:
    verdicts = torch.tensor([real], requires_grad=True), torch.tensor([fake], requires_grad=True)
    values = torch.stack(list(parts(loss, *verdicts, 0.9).values()))
    values.sum().backward()
    assert torch.isfinite(values).all()
    assert all(verdict.grad is not None and torch.isfinite(verdict.grad).all() for verdict in verdicts)


@pytest.mark.parametrize(
    ("part", "logit", "expected"),
    [
        ("real", 1000.0, 0.0),
        ("real", -1000.0, 1000.0),
        ("fake", 1000.0, 1000.0),
        ("fake", -1000.0, 0.0),
        ("generator", 1000.0, 0.0),
        ("generator", -1000.0, 1000.0),
    ],
)
def test_bce_is_linear_where_a_clamped_logarithm_would_stop_at_100(part: str, logit: float, expected: float) -> None:
    assert part_of("bce", part, torch.tensor([logit])).item() == expected


def test_a_loss_on_pairs_says_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="needs D's verdicts on real images"):
        LOSSES["relativistic"].generator(LOGITS, None)


def test_every_loss_says_what_it_takes_and_how_it_is_meant() -> None:
    assert set(LOSSES) == set(NAMES)
    assert {name for name in NAMES if LOSSES[name].verdict == "output"} == {"mse"}
    assert {name for name in NAMES if LOSSES[name].is_probability} == {"bce"}
    assert {name for name in NAMES if LOSSES[name].is_paired} == {"relativistic"}
    assert {name for name in NAMES if LOSSES[name].clips} == {"wgan"}
    assert {name for name in NAMES if LOSSES[name].interpolates} == {"wgan-gp"}


def linear_verdict(weight: Tensor, images: Tensor) -> Tensor:
    return images.flatten(1) @ weight


def test_the_penalty_of_a_linear_discriminator_is_half_its_squared_weight() -> None:
    weight = torch.tensor([3.0, -4.0, 0.0, 12.0], dtype=torch.float64)  # |w|^2 = 9 + 16 + 144
    images = randn(5, 1, 2, 2).requires_grad_()
    assert zero_centred_penalty(linear_verdict(weight, images), images).item() == pytest.approx(84.5)


def test_the_penalty_is_the_mean_over_images_not_their_sum() -> None:
    """D(x) = |x|^2 / 2 has the gradient x: half the mean of |x|^2."""
    images = torch.tensor([[[[1.0, 2.0]]], [[[3.0, 0.0]]]], requires_grad=True)
    verdict = images.square().flatten(1).sum(1) / 2
    assert zero_centred_penalty(verdict, images).item() == pytest.approx((5.0 + 9.0) / 2 / 2)


def test_the_penalty_can_be_differentiated_by_the_weights() -> None:
    """d(|w|^2 / 2)/dw = w."""
    weight = torch.tensor([3.0, -4.0, 0.5, 2.0], dtype=torch.float64, requires_grad=True)
    images = randn(5, 1, 2, 2).requires_grad_()
    zero_centred_penalty(linear_verdict(weight, images), images).backward()
    torch.testing.assert_close(weight.grad, weight.detach())


def test_the_penalty_of_a_constant_slope_does_not_depend_on_the_images() -> None:
    weight = torch.tensor([1.0, 2.0])
    for values in (torch.zeros(3, 1, 1, 2), torch.full((3, 1, 1, 2), 50.0)):
        images = values.requires_grad_()
        assert zero_centred_penalty(linear_verdict(weight, images), images).item() == pytest.approx(2.5)


def small_critic() -> Callable[[Tensor], Tensor]:
    first, last = randn(12, 8), randn(8, seed=1)
    return lambda images: torch.tanh(images.flatten(1) @ first) @ last


def test_the_penalty_equals_slopes_measured_by_finite_differences() -> None:
    critic, step = small_critic(), 1e-5
    images = randn(4, 3, 2, 2)
    slopes = [(critic(images + d) - critic(images - d)) / (2 * step) for d in step * torch.eye(12).view(12, 1, 3, 2, 2)]
    expected = sum((slope.square() for slope in slopes), torch.zeros(4)).mean() / 2
    images.requires_grad_()
    assert zero_centred_penalty(critic(images), images).item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize(
    ("weight", "expected"), [([0.6, -0.8], 0.0), ([3.0, 4.0], 16.0), ([0.0, 0.25], 0.5625), ([0.0, 0.0], 1.0)]
)
def test_the_gradient_penalty_of_a_linear_critic_is_its_slope_less_one_squared(
    weight: list[float], expected: float
) -> None:
    real, fake = randn(2, 6, 1, 1, 2)
    weights = torch.tensor(weight, dtype=torch.float64, requires_grad=True)
    penalty = gradient_penalty(lambda x: linear_verdict(weights, x), real, fake, randn(6, 1, 1, 1).sigmoid())
    assert penalty.item() == pytest.approx(expected, abs=1e-6)
    penalty.backward()
    assert weights.grad is not None
    assert torch.isfinite(weights.grad).all()  # at a slope of 0, where the norm has a corner, too
    size = math.hypot(*weight)
    if size:
        torch.testing.assert_close(weights.grad, 2 * (size - 1) / size * weights.detach())


def test_the_gradient_penalty_is_taken_between_the_images() -> None:
    """D(x) = |x|^2 / 2 has the slope |x|."""
    real, fake = torch.tensor([[[[4.0]]], [[[4.0]]], [[[4.0]]]]), torch.tensor([[[[0.0]]], [[[0.0]]], [[[-8.0]]]])
    share = torch.tensor([1.0, 0.25, 0.5]).view(3, 1, 1, 1)  # the points 4, 1, -2
    penalty = gradient_penalty(lambda x: x.square().flatten(1).sum(1) / 2, real, fake, share)
    assert penalty.item() == pytest.approx((9.0 + 0.0 + 1.0) / 3)


def test_the_gradient_penalty_trains_the_critic_and_leaves_the_images_alone() -> None:
    critic = small_critic()
    real, fake = randn(2, 4, 3, 2, 2)
    fake.requires_grad_()
    seen: list[Tensor] = []

    def spied(images: Tensor) -> Tensor:
        seen.append(images)
        return critic(images)

    share = randn(4, 1, 1, 1).sigmoid()
    penalty = gradient_penalty(spied, real, fake, share)
    torch.testing.assert_close(seen[0].detach(), share * real + (1 - share) * fake.detach())
    assert torch.autograd.grad(penalty, fake, allow_unused=True) == (None,)


def test_clipping_changes_what_is_beyond_the_limit_and_nothing_else() -> None:
    network = nn.Linear(3, 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[-0.5, 0.005, 0.02], [0.01, -0.01, 0.0]]))
        network.bias.copy_(torch.tensor([7.0, -0.003]))
    weight = network.weight
    clip_weights_(network.parameters(), 0.01)
    assert network.weight is weight
    assert weight.requires_grad
    torch.testing.assert_close(weight.detach(), torch.tensor([[-0.01, 0.005, 0.01], [0.01, -0.01, 0.0]]))
    torch.testing.assert_close(network.bias.detach(), torch.tensor([0.01, -0.003]))


@pytest.mark.parametrize(("share", "expected"), [(1.0, {0, 1, 2, 3, 4, 5, 6}), (0.45, {1, 2, 4}), (0.05, {4})])
def test_the_best_of_a_batch_are_those_with_the_highest_verdicts(share: float, expected: set[int]) -> None:
    verdicts = torch.tensor([-1.0, 2.0, 1.5, -3.0, 7.0, 0.0, 1.4], requires_grad=True)
    assert set(top_k(verdicts, share).tolist()) == expected
