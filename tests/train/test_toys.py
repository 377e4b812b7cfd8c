"""The drawn digits and the pattern 1010: reproducible, framed, diverse and readable."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, one_hot

from ganexplorer.train.toys import DIGITS_CHUNK, PATTERN_1010_INTERVALS, draw_digits, pattern_1010


def drawn(count: int, seed: int = 0, size: int = 28) -> tuple[Tensor, Tensor]:
    images, labels = zip(*draw_digits(count, seed, size), strict=True)
    return torch.cat(images), torch.cat(labels)


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    return drawn(1000)


@pytest.fixture(scope="module")
def other_digits() -> tuple[Tensor, Tensor]:
    return drawn(400, seed=1)


def test_digits_come_in_chunks_of_bytes_with_labels() -> None:
    chunks = list(draw_digits(DIGITS_CHUNK + 7))
    assert [len(images) for images, _ in chunks] == [DIGITS_CHUNK, 7]
    for images, labels in chunks:
        assert images.dtype == torch.uint8
        assert images.shape[1:] == (1, 28, 28)
        assert labels.dtype == torch.int64
        assert labels.shape == images.shape[:1]


def test_the_first_chunk_is_drawn_without_drawing_the_rest() -> None:
    images, _ = next(draw_digits(1_000_000))
    assert len(images) == DIGITS_CHUNK


def test_no_digits_are_no_chunks() -> None:
    assert list(draw_digits(0)) == []


@pytest.mark.parametrize(("count", "size"), [(-1, 28), (10, 11)])
def test_impossible_requests_are_refused(count: int, size: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        next(draw_digits(count, size=size))


@pytest.mark.parametrize("size", [16, 28, 64])
def test_digits_fill_the_same_share_of_the_picture_at_every_size(size: int) -> None:
    images, _ = drawn(40, size=size)
    assert images.shape == (40, 1, size, size)
    assert 0.1 < images.float().mean() / 255 < 0.2


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, second = drawn(DIGITS_CHUNK + 5, seed=5), drawn(DIGITS_CHUNK + 5, seed=5)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_another_seed_gives_other_pictures_in_another_order(other_digits: tuple[Tensor, Tensor]) -> None:
    images, labels = drawn(400, seed=0)
    assert not torch.equal(labels, other_digits[1])
    both = torch.cat([images[labels == 3], other_digits[0][other_digits[1] == 3]])
    assert len(both.unique(dim=0)) == len(both)


def test_the_global_generator_is_neither_read_nor_moved() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first, _ = drawn(20)
    pattern_1010(5, torch.Generator().manual_seed(0))
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(drawn(20)[0], first)


@pytest.mark.parametrize("count", [100, 113, 7])
def test_the_ten_digits_are_equally_frequent_up_to_rounding(count: int) -> None:
    frequency = torch.bincount(drawn(count)[1], minlength=10)
    assert frequency.max() - frequency.min() <= 1


def test_labels_are_shuffled(digits: tuple[Tensor, Tensor]) -> None:
    labels = digits[1]
    assert (labels[1:] == (labels[:-1] + 1) % 10).float().mean() < 0.2


def test_ink_is_white_on_black_and_sits_in_the_middle(digits: tuple[Tensor, Tensor]) -> None:
    ink = digits[0].squeeze(1).float() / 255
    assert (ink.amax((1, 2)) > 0.7).all()  # the thinnest pen still leaves a visible line
    assert (ink == 0).float().mean() > 0.6
    mass = ink.sum((1, 2))
    place = torch.arange(28.0)
    for centre in ((ink.sum(1) * place).sum(1) / mass, (ink.sum(2) * place).sum(1) / mass):
        assert abs(centre.mean() - 13.5) < 0.5
        assert (centre - 13.5).abs().max() < 4.5


def test_margins_stay_empty_and_the_ink_spans_the_frame(digits: tuple[Tensor, Tensor]) -> None:
    images = digits[0].squeeze(1)
    inner = torch.zeros(28, 28, dtype=torch.bool)
    inner[1:-1, 1:-1] = True
    assert images[:, ~inner].max() < 64
    inner[:3], inner[-3:], inner[:, :3], inner[:, -3:] = False, False, False, False
    outside = images[:, ~inner].float().sum() / images.float().sum()
    assert outside < 0.02
    inked = (images > 60).any(2).float().sum(1)  # rows that hold ink
    assert 18 < inked.mean() < 21


def test_edges_are_anti_aliased(digits: tuple[Tensor, Tensor]) -> None:
    images = digits[0]
    gray = ((images > 20) & (images < 230)).float().mean()
    assert 0.03 < gray < 0.2
    assert len(images.unique()) > 200


def test_pens_differ_in_thickness(digits: tuple[Tensor, Tensor]) -> None:
    ones = digits[0][digits[1] == 1].float().sum((1, 2, 3)) / 255
    assert ones.quantile(0.9) > 1.4 * ones.quantile(0.1)


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_is_written_in_many_ways(digits: tuple[Tensor, Tensor], digit: int) -> None:
    # MNIST's mean distances in the same unit: 6.6 between ones, 8.5 to 10 between the others.
    same = digits[0][digits[1] == digit].flatten(1).float() / 255
    distances = torch.pdist(same)
    assert distances.mean() > (5.5 if digit == 1 else 7.0)
    assert distances.min() > 0.5  # nothing is drawn twice


def test_digits_of_one_seed_are_recognised_from_those_of_another(
    digits: tuple[Tensor, Tensor], other_digits: tuple[Tensor, Tensor]
) -> None:
    known, asked = (avg_pool2d(images.float() / 255, 2).flatten(1) for images, _ in (digits, other_digits))
    # Kernel ridge regression onto the one-hot labels: a classifier in one linear solve, without randomness.
    near, far = (torch.exp(-torch.cdist(pictures, known).square() / 20) for pictures in (known, asked))
    weights = torch.linalg.solve(near + 0.01 * torch.eye(len(known)), one_hot(digits[1], 10).float())
    guess = (far @ weights).argmax(1)
    assert (guess == other_digits[1]).float().mean() > 0.95


def test_pattern_1010_stays_in_its_intervals_and_fills_them() -> None:
    samples = pattern_1010(4000, torch.Generator().manual_seed(0))
    assert samples.shape == (4000, 1, 1, 4)
    assert samples.dtype == torch.float32
    numbers = ((samples + 1) / 2).view(-1, 4)
    for column, (low, high) in zip(numbers.unbind(1), PATTERN_1010_INTERVALS, strict=True):
        assert low - 1e-6 <= column.min() < low + 0.01
        assert high - 0.01 < column.max() <= high + 1e-6
        assert abs(column.mean() - (low + high) / 2) < 0.01


def test_pattern_1010_draws_its_four_numbers_independently() -> None:
    numbers = pattern_1010(4000, torch.Generator().manual_seed(0)).view(-1, 4)
    correlation = torch.corrcoef(numbers.T) - torch.eye(4)
    assert correlation.abs().max() < 0.08


def test_pattern_1010_continues_the_generator_it_is_given() -> None:
    generator = torch.Generator().manual_seed(3)
    first, second = pattern_1010(4, generator), pattern_1010(4, generator)
    assert not torch.equal(first, second)
    assert torch.equal(first, pattern_1010(4, torch.Generator().manual_seed(3)))
