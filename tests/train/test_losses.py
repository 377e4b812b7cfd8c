"""Losses by value, by the sign of their gradients and at the ends of the number range; the R1 penalty."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganexplorer.train.losses import LOSSES, r1_penalty

LOGITS = torch.tensor([-7.0, -2.5, -0.3, 0.0, 0.4, 1.9, 6.0], dtype=torch.float64)
LN2 = 0.6931471805599453


@pytest.mark.parametrize("target", [1.0, 0.9, 0.5])
def test_bce_on_real_images_equals_cross_entropy_of_the_sigmoid(target: float) -> None:
    expected = F.binary_cross_entropy(torch.sigmoid(LOGITS), torch.full_like(LOGITS, target))
    torch.testing.assert_close(LOSSES["bce"].real(LOGITS, target), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("target", [1.0, 0.9, 0.5])
def test_bce_on_real_images_equals_cross_entropy_with_logits(target: float) -> None:
    expected = F.binary_cross_entropy_with_logits(LOGITS, torch.full_like(LOGITS, target))
    torch.testing.assert_close(LOSSES["bce"].real(LOGITS, target), expected, rtol=1e-12, atol=1e-12)


def test_bce_on_fake_images_equals_cross_entropy_against_zeros() -> None:
    expected = F.binary_cross_entropy(torch.sigmoid(LOGITS), torch.zeros_like(LOGITS))
    torch.testing.assert_close(LOSSES["bce"].fake(LOGITS), expected, rtol=1e-12, atol=1e-12)
    expected = F.binary_cross_entropy_with_logits(LOGITS, torch.zeros_like(LOGITS))
    torch.testing.assert_close(LOSSES["bce"].fake(LOGITS), expected, rtol=1e-12, atol=1e-12)


def test_bce_of_the_generator_is_non_saturating_cross_entropy_against_ones() -> None:
    expected = F.binary_cross_entropy(torch.sigmoid(LOGITS), torch.ones_like(LOGITS))
    torch.testing.assert_close(LOSSES["bce"].generator(LOGITS), expected, rtol=1e-12, atol=1e-12)


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
    ],
)
def test_losses_have_the_values_computed_by_hand(loss: str, part: str, verdicts: list[float], expected: float) -> None:
    value = getattr(LOSSES[loss], part)
    arguments = (1.0,) if part == "real" else ()
    assert value(torch.tensor(verdicts, dtype=torch.float64), *arguments).item() == pytest.approx(expected, rel=1e-12)


def test_a_smoothed_target_has_the_value_computed_by_hand() -> None:
    # -0.9 ln(3/4) - 0.1 ln(1/4)
    verdict = torch.tensor([math.log(3.0)], dtype=torch.float64)
    assert LOSSES["bce"].real(verdict, 0.9).item() == pytest.approx(0.39754330131859185, rel=1e-12)
    assert LOSSES["mse"].real(torch.tensor([0.5]), 0.9).item() == pytest.approx(0.16, rel=1e-6)


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_losses_are_means_over_the_batch(loss: str) -> None:
    pair = LOSSES[loss]
    for function in (pair.fake, pair.generator, lambda v: pair.real(v, 0.9)):
        each = torch.stack([function(verdict[None]) for verdict in LOGITS])
        torch.testing.assert_close(function(LOGITS), each.mean())
        assert function(LOGITS).shape == ()


@pytest.mark.parametrize("loss", ["bce", "mse"])
@pytest.mark.parametrize(("part", "sign"), [("real", -1), ("fake", 1), ("generator", -1)])
def test_descent_moves_verdicts_between_0_and_1_the_right_way(loss: str, part: str, sign: int) -> None:
    """D pushes real images up and fakes down, G pushes its fakes up: the gradient has the opposite sign."""
    verdicts = torch.tensor([0.2, 0.5, 0.8], requires_grad=True)
    arguments = (1.0,) if part == "real" else ()
    getattr(LOSSES[loss], part)(verdicts, *arguments).backward()
    assert verdicts.grad is not None
    assert (verdicts.grad.sign() == sign).all()


def test_the_generator_has_its_strongest_gradient_where_the_discriminator_is_sure() -> None:
    verdict = torch.tensor([-20.0], requires_grad=True)
    LOSSES["bce"].generator(verdict).backward()
    assert verdict.grad is not None
    assert verdict.grad.item() == pytest.approx(-1.0, abs=1e-6)


def test_smoothing_turns_the_gradient_round_once_the_discriminator_is_surer_than_the_target() -> None:
    verdict = torch.tensor([math.log(9.0) - 0.1, math.log(9.0) + 0.1], requires_grad=True)  # s(ln 9) = 0.9
    LOSSES["bce"].real(verdict, 0.9).backward()
    assert verdict.grad is not None
    assert verdict.grad[0] < 0 < verdict.grad[1]


@pytest.mark.parametrize("logit", [-1000.0, 1000.0])
@pytest.mark.parametrize("part", ["real", "fake", "generator"])
def test_bce_and_its_gradient_are_finite_for_extreme_logits(part: str, logit: float) -> None:
    verdict = torch.tensor([logit], requires_grad=True)
    arguments = (0.9,) if part == "real" else ()
    loss = getattr(LOSSES["bce"], part)(verdict, *arguments)
    loss.backward()
    assert verdict.grad is not None
    assert torch.isfinite(loss)
    assert torch.isfinite(verdict.grad).all()


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
    arguments = (1.0,) if part == "real" else ()
    assert getattr(LOSSES["bce"], part)(torch.tensor([logit]), *arguments).item() == expected


def linear_verdict(weight: Tensor, real: Tensor) -> Tensor:
    return real.flatten(1) @ weight


def test_the_penalty_of_a_linear_discriminator_is_half_its_squared_weight() -> None:
    weight = torch.tensor([3.0, -4.0, 0.0, 12.0])  # |w|^2 = 9 + 16 + 144
    real = torch.randn(5, 1, 2, 2).requires_grad_()
    assert r1_penalty(linear_verdict(weight, real), real).item() == pytest.approx(84.5)


def test_the_penalty_is_the_mean_over_images_not_their_sum() -> None:
    """D(x) = |x|^2 / 2 has the gradient x: half the mean of |x|^2."""
    real = torch.tensor([[[[1.0, 2.0]]], [[[3.0, 0.0]]]], requires_grad=True)
    verdict = real.square().flatten(1).sum(1) / 2
    assert r1_penalty(verdict, real).item() == pytest.approx((5.0 + 9.0) / 2 / 2)


def test_the_penalty_can_be_differentiated_by_the_weights() -> None:
    """d(|w|^2 / 2)/dw = w."""
    weight = torch.tensor([3.0, -4.0, 0.5, 2.0], requires_grad=True)
    real = torch.randn(5, 1, 2, 2).requires_grad_()
    r1_penalty(linear_verdict(weight, real), real).backward()
    torch.testing.assert_close(weight.grad, weight.detach())


def test_the_penalty_of_a_constant_slope_does_not_depend_on_the_images() -> None:
    weight = torch.tensor([1.0, 2.0])
    for images in (torch.zeros(3, 1, 1, 2), torch.full((3, 1, 1, 2), 50.0)):
        real = images.requires_grad_()
        assert r1_penalty(linear_verdict(weight, real), real).item() == pytest.approx(2.5)


@pytest.mark.parametrize(("loss", "verdict"), [("bce", "logit"), ("mse", "output")])
def test_a_loss_says_whether_it_takes_logits_or_outputs(loss: str, verdict: str) -> None:
    assert LOSSES[loss].verdict == verdict
