"""Distance fields: where shapes end, how smoothly, and a canvas that is painted on in parts."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ganexplorer.train.distance_fields import Canvas, box, egg, ellipse


def canvas(size: int = 40, count: int = 1) -> Canvas:
    axis = (torch.arange(size) + 0.5) * (2 / size) - 1
    v, u = torch.meshgrid(axis, axis, indexing="ij")
    pixels = torch.zeros(count, 3, size, size)
    return Canvas(pixels, u.expand(count, -1, -1), v.expand(count, -1, -1), torch.full((count, 1, 1), 2 / size))


def one(value: float) -> Tensor:
    return torch.full((1, 1, 1), value)


FIELDS = {
    "ellipse": lambda x, y: ellipse(x, y, 0.6, 0.4),
    "egg": lambda x, y: egg(x, y, one(0.6), one(0.4), one(0.0), one(0.0)),
    "box": lambda x, y: box(x, y, 0.6, 0.4, 0.2),
}


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(("x", "y"), [(0.6, 0.0), (-0.6, 0.0), (0.0, 0.4), (0.0, -0.4)])
def test_a_field_is_0_on_the_outline_and_grows_like_the_distance_to_it(name: str, x: float, y: float) -> None:
    for step in (-0.02, 0.0, 0.02):
        grown = 1 + step / math.hypot(x, y)
        assert FIELDS[name](one(x * grown), one(y * grown)).item() == pytest.approx(step, abs=2e-3)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_is_negative_inside_and_positive_outside_and_always_finite(name: str) -> None:
    whole = canvas()
    field = FIELDS[name](whole.u, whole.v)
    assert field.isfinite().all()
    inside = (whole.u / 0.6).square() + (whole.v / 0.4).square() < 0.9
    assert (field[inside] < 0).all()
    assert (field[(whole.u.abs() > 0.61) | (whole.v.abs() > 0.41)] > 0).all()
    assert torch.isfinite(FIELDS[name](one(0.0), one(0.0))).all()


def test_a_square_egg_is_fuller_and_a_tapered_one_narrower_below() -> None:
    x, y = one(0.45), one(0.28)
    plain, square, tapered = (egg(x, y, one(0.6), one(0.4), one(s), one(t)) for s, t in ((0, 0), (0.5, 0), (0, 0.3)))
    assert square < plain < tapered
    above = [egg(x, -y, one(0.6), one(0.4), one(0), one(taper)) for taper in (0, 0.3)]
    assert torch.equal(*above)


def test_coverage_adds_up_to_the_area() -> None:
    whole = canvas(200)
    covered = whole.coverage(ellipse(whole.u, whole.v, 0.6, 0.4))
    assert covered.sum().item() * 0.01**2 == pytest.approx(math.pi * 0.6 * 0.4, rel=2e-3)
    assert ((covered > 0.1) & (covered < 0.9)).any()


def test_a_soft_edge_is_wider() -> None:
    whole = canvas()
    hard, soft = (whole.coverage(whole.u.clone(), soft) for soft in (1.0, 4.0))
    partly = [((covered > 0.01) & (covered < 0.99)).sum(2).unique().tolist() for covered in (hard, soft)]
    assert partly == [[0], [4]]  # pixels a row; the edge lies between two of them


def test_paint_is_laid_over_and_shade_multiplies_what_is_there() -> None:
    whole = canvas(4)
    half = torch.zeros(1, 4, 4)
    half[:, :, 2:] = 0.5
    whole.lay(torch.ones(1, 4, 4), torch.tensor([[0.2, 0.4, 0.8]]))
    whole.lay(half, torch.tensor([[1.0, 1.0, 0.0]]))
    torch.testing.assert_close(whole.pixels[0, :, 0, 0], torch.tensor([0.2, 0.4, 0.8]))
    torch.testing.assert_close(whole.pixels[0, :, 0, 3], torch.tensor([0.6, 0.7, 0.4]))
    whole.shade(half, torch.tensor([[0.5, 1.0, 0.0]]))
    torch.testing.assert_close(whole.pixels[0, :, 0, 0], torch.tensor([0.2, 0.4, 0.8]))
    torch.testing.assert_close(whole.pixels[0, :, 0, 3], torch.tensor([0.45, 0.7, 0.2]))


def test_a_window_is_rounded_outwards_and_shares_the_pixels() -> None:
    whole = canvas(10, count=2)
    window = whole.window(0.29, 0.51, 0.0, 1.0)
    part = whole.at(window)
    assert part.pixels.shape == (2, 3, 4, 10)  # rows 2 to 5
    assert torch.equal(part.v, whole.v[window])
    part.lay(torch.ones(2, 4, 10), torch.ones(2, 3))
    assert whole.pixels.sum((1, 3)).tolist() == [[0, 0, 30, 30, 30, 30, 0, 0, 0, 0]] * 2


def test_mirrored_coordinates_draw_pairs() -> None:
    whole = canvas(40)
    pair = whole.coverage(ellipse(whole.mirrored() - 0.5, whole.v, 0.2, 0.2))
    torch.testing.assert_close(pair, pair.flip(2))
    assert pair[0, :, :20].sum().item() == pytest.approx(math.pi * 0.2**2 / 0.05**2, rel=0.02)
