"""DiffAugment against the paper's formulas written out for one image at a time; draws, gradients, small images."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest
import torch
from torch import Tensor

from ganexplorer.train.augment import Augment, AugmentDraw, apply, augment, draw

POLICIES: tuple[Augment, ...] = get_args(Augment)
SHAPES = [(1, 28, 28), (3, 64, 64), (3, 16, 24), (1, 9, 11), (1, 1, 4), (3, 1, 1)]
ALL: Augment = "color-translation-cutout"


def rng_of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images_of(count: int, shape: tuple[int, int, int], seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(count, *shape, generator=rng_of(seed), dtype=dtype) * 2 - 1


def fields_of(drawn: AugmentDraw) -> dict[str, Tensor]:
    """What was drawn, by name."""
    values = {field.name: getattr(drawn, field.name) for field in dataclasses.fields(drawn)}
    return {name: value for name, value in values.items() if value is not None}


def changed_by_hand(image: Tensor, values: dict[str, Tensor]) -> Tensor:
    """One image (C, H, W), step by step and pixel by pixel, in the order of the paper."""
    if "brightness" in values:
        image = image + values["brightness"].item()
        gray = image.mean(0)
        if "saturation" in values:
            image = (image - gray) * values["saturation"].item() + gray
        image = (image - image.mean()) * values["contrast"].item() + image.mean()
    height, width = image.shape[1:]
    if "shift" in values:
        down, right = values["shift"].tolist()
        moved = torch.zeros_like(image)
        for y in range(height):
            for x in range(width):
                if 0 <= y - down < height and 0 <= x - right < width:
                    moved[:, y, x] = image[:, y - down, x - right]
        image = moved
    if "cut" in values:
        top, left = values["cut"].tolist()
        image = image.clone()
        for y in range(max(top, 0), min(top + (height + 1) // 2, height)):
            for x in range(max(left, 0), min(left + (width + 1) // 2, width)):
                image[:, y, x] = 0
    return image


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("policy", POLICIES)
def test_each_image_is_changed_as_the_paper_says(policy: Augment, shape: tuple[int, int, int]) -> None:
    images = images_of(5, shape, dtype=torch.float64)
    drawn = draw(policy, 5, shape, rng_of(1))
    changed = apply(images, drawn)
    assert changed.shape == images.shape
    assert changed.dtype == images.dtype
    for i in range(5):
        expected = changed_by_hand(images[i], {name: value[i] for name, value in fields_of(drawn).items()})
        torch.testing.assert_close(changed[i], expected, rtol=1e-6, atol=1e-6)


def test_none_changes_nothing_and_draws_nothing() -> None:
    images, rng = images_of(3, (1, 28, 28)), rng_of(0)
    before = rng.get_state()
    assert torch.equal(augment(images, "none", rng), images)
    assert torch.equal(rng.get_state(), before)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_same_state_draws_the_same_and_nothing_else_is_used(policy: Augment) -> None:
    images = images_of(6, (3, 16, 16))
    first = augment(images, policy, rng_of(5))
    torch.manual_seed(123)
    assert torch.equal(augment(images, policy, rng_of(5)), first)
    assert torch.equal(augment(images, policy, rng_of(6)), first) == (policy == "none")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("policy", POLICIES)
def test_slices_of_the_draw_give_slices_of_the_images(policy: Augment, shape: tuple[int, int, int]) -> None:
    images, drawn = images_of(8, shape), draw(policy, 8, shape, rng_of(2))
    whole = apply(images, drawn)
    parts = [apply(images[part], drawn[part]) for part in (slice(0, 3), slice(3, 4), slice(4, 8))]
    torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-6, atol=1e-7)


def test_an_image_does_not_depend_on_its_neighbours() -> None:
    images, drawn = images_of(4, (3, 16, 16)), draw(ALL, 4, (3, 16, 16), rng_of(3))
    other = images.clone()
    other[[0, 1, 3]] = images_of(3, (3, 16, 16), seed=9) * 50
    torch.testing.assert_close(apply(other, drawn)[2], apply(images, drawn)[2])


@pytest.mark.parametrize("shape", [(2, 8, 9), (1, 1, 4)])
@pytest.mark.parametrize("policy", POLICIES)
def test_gradients_equal_finite_differences_to_the_second_order(policy: Augment, shape: tuple[int, int, int]) -> None:
    """The second order is what a gradient penalty on augmented images takes."""
    images, drawn = images_of(2, shape, dtype=torch.float64).requires_grad_(), draw(policy, 2, shape, rng_of(4))
    assert torch.autograd.gradcheck(lambda x: apply(x, drawn), images)
    assert torch.autograd.gradgradcheck(lambda x: apply(x, drawn).pow(3).sum((1, 2, 3)), images, fast_mode=True)


def test_what_is_cut_or_moved_out_teaches_nothing_and_all_else_does() -> None:
    images = images_of(32, (1, 28, 28)).requires_grad_()
    drawn = draw("translation-cutout", 32, (1, 28, 28), rng_of(0))
    changed = apply(images, drawn)
    changed.sum().backward()
    assert images.grad is not None
    assert set(images.grad.unique().tolist()) == {0.0, 1.0}
    assert images.grad.sum() == (changed != 0).sum()


@pytest.mark.parametrize("policy", POLICIES)
def test_numbers_in_a_row_are_neither_moved_nor_cut(policy: Augment) -> None:
    """An image of shape (1, 1, 4), as of pattern-1010, is no picture: only its colours change."""
    drawn = draw(policy, 7, (1, 1, 4), rng_of(0))
    assert set(fields_of(drawn)) == ({"brightness", "contrast"} if policy.startswith("color") else set())


@pytest.mark.parametrize("channels", [1, 3])
def test_gray_images_have_no_saturation_to_draw(channels: int) -> None:
    assert ("saturation" in fields_of(draw(ALL, 2, (channels, 16, 16), rng_of(0)))) == (channels == 3)


def test_draws_are_uniform_over_the_ranges_of_the_paper() -> None:
    drawn = fields_of(draw(ALL, 20_000, (3, 64, 48), rng_of(0)))
    for name, low, high in (("brightness", -0.5, 0.5), ("saturation", 0.0, 2.0), ("contrast", 0.5, 1.5)):
        values = drawn[name]
        assert values.shape == (20_000, 1, 1, 1)
        assert low <= values.min() < low + 0.01
        assert high - 0.01 < values.max() <= high
        assert values.mean().item() == pytest.approx((low + high) / 2, abs=0.02)
        assert values.std().item() == pytest.approx((high - low) / 12**0.5, abs=0.02)
    for name, axis, low, high in (
        ("shift", 0, -8, 8),
        ("shift", 1, -6, 6),
        ("cut", 0, -16, 48),  # the middle of 32 rows: 0 to 64
        ("cut", 1, -12, 36),
    ):
        counts = torch.bincount(drawn[name][:, axis] - low)
        assert len(counts) == high - low + 1
        expected = 20_000 / len(counts)
        assert ((counts - expected).abs() < 5 * expected**0.5).all()  # 5 standard deviations of a count
    rows, columns = drawn["shift"].double().T
    assert abs(torch.corrcoef(torch.stack([rows, columns]))[0, 1]) < 0.03


def test_the_window_hides_between_a_quarter_and_all_of_its_size() -> None:
    """Half the height and width, a corner of it at least: 1/16 to 1/4 of the image."""
    drawn = draw("translation-cutout", 500, (1, 28, 28), rng_of(0))
    still = dataclasses.replace(drawn, shift=None)
    hidden = (apply(torch.ones(500, 1, 28, 28), still) == 0).float().mean((1, 2, 3))
    assert hidden.min() == 1 / 16
    assert hidden.max() == 1 / 4


def test_colours_keep_the_mean_but_for_the_brightness() -> None:
    images = images_of(16, (3, 16, 16), dtype=torch.float64)
    drawn = dataclasses.replace(draw(ALL, 16, (3, 16, 16), rng_of(0)), shift=None, cut=None)
    assert drawn.brightness is not None
    torch.testing.assert_close(
        apply(images, drawn).mean((1, 2, 3)), images.mean((1, 2, 3)) + drawn.brightness.flatten()
    )


def test_a_draw_for_another_number_of_images_is_refused() -> None:
    drawn = draw(ALL, 4, (1, 28, 28), rng_of(0))
    with pytest.raises(ValueError, match="3 images, but a draw for 4"):
        apply(images_of(3, (1, 28, 28)), drawn)
    with pytest.raises(ValueError, match="3 images, but a draw for 1"):
        apply(images_of(3, (1, 28, 28)), drawn[:1])


def test_a_draw_moves_to_a_device_whole() -> None:
    moved = draw(ALL, 2, (3, 16, 16), rng_of(0)).to("meta")
    assert {name: value.device.type for name, value in fields_of(moved).items()} == dict.fromkeys(
        ("brightness", "saturation", "contrast", "shift", "cut"), "meta"
    )
