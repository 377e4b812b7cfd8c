"""What is measured in a picture, and the directions that change it."""

from __future__ import annotations

import math

import pytest
import torch
from small_nets import GENERATORS, seeded_generator, trained_like
from torch import Tensor

from ganexplorer.core import zoo
from ganexplorer.core.attributes import ATTRIBUTES, Attribute, attribute_direction, for_channels
from ganexplorer.core.directions import effects_along
from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.render import Renderer

PRIORS = [Prior.normal(), Prior.normal(3, 0.2), Prior.uniform(), Prior.constant(0.5)]
SIZE = 29


def measure(name: str, image: Tensor) -> float:
    """Of one image, (H, W) or (C, H, W)."""
    image = image if image.ndim == 3 else image[None]
    values = ATTRIBUTES[name].measure(image[None])
    assert values.shape == (1,)
    return values.item()


def ellipse(width: float, height: float, shear: float = 0.0, ink: float = 1.0, ground: float = -1.0) -> Tensor:
    """A filled ellipse of these half axes in the middle, its top pushed to the right by `shear` a pixel."""
    y, x = torch.meshgrid(torch.arange(SIZE) - SIZE // 2, torch.arange(SIZE) - SIZE // 2, indexing="ij")
    inside = ((x + shear * y) / width).square() + (y / height).square() <= 1
    return torch.where(inside, ink, ground)


def bar(thickness: int, length: int = 21) -> Tensor:
    """An upright bar."""
    image = torch.full((SIZE, SIZE), -1.0)
    image[4 : 4 + length, 8 : 8 + thickness] = 1
    return image


# ---- measures


def test_brightness_contrast_and_warmth_are_those_of_the_pixels() -> None:
    image = torch.rand(3, 5, 7, generator=seeded_generator()) * 2 - 1
    assert measure("brightness", image) == pytest.approx(image.mean().item(), abs=1e-6)
    assert measure("contrast", image) == pytest.approx(image.mean(0).numpy().std().item(), abs=1e-6)
    assert measure("warmth", image) == pytest.approx((image[0].mean() - image[2].mean()).item(), abs=1e-6)


@pytest.mark.parametrize(("ink", "ground"), [(1.0, -1.0), (-1.0, 1.0), (0.2, -0.3)])
def test_width_and_height_are_those_of_an_ellipse_whatever_its_colour(ink: float, ground: float) -> None:
    image = ellipse(5, 11, ink=ink, ground=ground)
    assert measure("width", image) == pytest.approx(5 / 2, rel=0.05)  # a half axis has two standard deviations
    assert measure("height", image) == pytest.approx(11 / 2, rel=0.05)
    assert measure("slant", image) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("shear", [-0.5, 0.0, 0.3])
def test_slant_is_the_shear_to_the_right(shear: float) -> None:
    assert measure("slant", ellipse(4, 12, shear)) == pytest.approx(shear, abs=0.03)


def test_a_slash_leans_right() -> None:
    assert measure("slant", torch.eye(9).flip(1)) == pytest.approx(1, abs=1e-4)
    assert measure("slant", torch.eye(9)) == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize("thickness", [1, 2, 4, 6])
def test_thickness_is_the_breadth_of_a_stroke(thickness: int) -> None:
    length = 21
    assert measure("thickness", bar(thickness)) == pytest.approx(thickness * length / (thickness + length), rel=0.06)
    lighter = bar(thickness) * 0.3
    assert measure("thickness", lighter) == pytest.approx(measure("thickness", bar(thickness)), rel=1e-4)


def test_a_ring_is_as_thin_as_its_stroke() -> None:
    outer, inner = ellipse(12, 12), ellipse(9, 9)
    assert measure("thickness", outer - inner - 1) == pytest.approx(3, rel=0.25)
    assert measure("thickness", outer) > 2 * measure("thickness", outer - inner - 1)


def test_symmetry_is_the_correlation_with_the_mirror_image() -> None:
    half = torch.randn(8, 5, generator=seeded_generator()).clamp(-1, 1)
    assert measure("symmetry", torch.cat([half, half.flip(1)], 1)) == pytest.approx(1, abs=1e-5)
    assert measure("symmetry", torch.cat([half, -half.flip(1)], 1)) == pytest.approx(-1, abs=1e-5)


def test_roundness_is_one_for_a_disc_and_nothing_for_a_line() -> None:
    assert measure("roundness", ellipse(9, 9)) == pytest.approx(1, abs=1e-3)
    assert measure("roundness", bar(1)) == pytest.approx(0, abs=1e-3)
    a, b = 25.0, 100.0
    assert measure("roundness", ellipse(5, 10)) == pytest.approx(4 * a * b / (a + b) ** 2, abs=0.05)


@pytest.mark.parametrize("shape", [(1, 1, 4), (1, 1, 1), (3, 1, 1), (2, 3, 3), (1, 9, 1)])
@pytest.mark.parametrize("value", [-1.0, 0.3, None])
def test_measures_are_finite_for_any_shape_and_for_flat_pictures(
    shape: tuple[int, int, int], value: float | None
) -> None:
    random = torch.rand(4, *shape, generator=seeded_generator()) * 2 - 1
    images = random if value is None else torch.full_like(random, value)
    for attribute in for_channels(shape[0]).values():
        values = attribute.measure(images)
        assert values.shape == (4,)
        assert values.isfinite().all(), attribute.name


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_image_is_measured_the_same_alone_and_among_others(name: str) -> None:
    images = torch.rand(5, 3, 8, 6, generator=seeded_generator()) * 2 - 1
    together = ATTRIBUTES[name].measure(images)
    torch.testing.assert_close(torch.cat([ATTRIBUTES[name].measure(image[None]) for image in images]), together)


def test_warmth_is_for_colour_alone() -> None:
    assert "warmth" in for_channels(3)
    assert set(ATTRIBUTES) - set(for_channels(1)) == {"warmth"}
    assert all(name == attribute.name and attribute.words for name, attribute in ATTRIBUTES.items())


# ---- directions


@pytest.mark.parametrize("prior", PRIORS, ids=str)
@pytest.mark.parametrize("z_dim", [1, 9, 100])
def test_the_direction_of_a_linear_attribute_is_found(prior: Prior, z_dim: int) -> None:
    w = torch.nn.functional.normalize(torch.randn(z_dim, generator=seeded_generator(3)), dim=0)
    bright = Attribute("level", "the one pixel", lambda images: images[:, 0, 0, 0] + 4)
    found = attribute_direction(lambda z: (z @ w).view(-1, 1, 1, 1), prior, z_dim, bright)
    assert found.vector @ w > 0.999  # towards more of it
    assert found.fit > 0.99
    assert found.effect == pytest.approx(127.5, rel=0.01)
    assert (found.name, found.origin) == ("level", "attribute")


def test_fit_is_the_share_of_the_variance_that_is_explained() -> None:
    """A quarter of the variance lies in a square, which no line follows: R² is 3/4."""
    w = torch.nn.functional.normalize(torch.randn(2, 16, generator=seeded_generator(3)), dim=1)
    w[1] = torch.nn.functional.normalize(w[1] - w[0] * (w[0] @ w[1]), dim=0)

    def images(z: Tensor) -> Tensor:
        return (z @ w[0] * math.sqrt(3) + (z @ w[1]).square() / math.sqrt(2)).view(-1, 1, 1, 1)

    level = Attribute("level", "", lambda images: images.mean((1, 2, 3)))
    found = attribute_direction(images, Prior.normal(), 16, level, samples=8192)
    assert found.fit == pytest.approx(0.75, abs=0.04)
    assert found.vector @ w[0] > 0.99


def test_no_more_images_are_made_at_once_than_allowed() -> None:
    sizes = []

    def images(z: Tensor) -> Tensor:
        sizes.append(len(z))
        return z.view(-1, 1, 1, 4)

    attribute_direction(images, Prior.uniform(), 4, ATTRIBUTES["brightness"], samples=100, chunk_size=16)
    assert max(sizes) <= 16
    assert sum(sizes) == 100 + 16


def test_the_shipped_model_leans_where_the_direction_says_so() -> None:
    entry = zoo.resolve(zoo.FIRST_MODEL)
    prior = entry.spec.prior
    assert prior is not None
    renderer = Renderer(entry.load().generator)
    found = attribute_direction(renderer.images, prior, 64, ATTRIBUTES["slant"])
    assert found.fit > 0.6
    z = prior.sample(200, 64, seeded_generator(99))
    slant = ATTRIBUTES["slant"].measure
    change = slant(renderer.images(z + found.vector)) - slant(renderer.images(z - found.vector))
    assert (change > 0).float().mean() > 0.95
    expected = effects_along(renderer.images, prior, found.vector[None])
    assert found.effect == pytest.approx(expected.item())
    again = attribute_direction(renderer.images, prior, 64, ATTRIBUTES["slant"])
    assert torch.equal(found.vector, again.vector)


def test_an_attribute_that_does_not_vary_is_refused() -> None:
    pattern = trained_like(GENERATORS["pattern"])  # one row of four pixels: no height, no slant
    for name in ("height", "slant", "roundness"):
        with pytest.raises(UserError, match=rf"^{name}: is the same in all pictures of this model\. Choose another"):
            attribute_direction(pattern, Prior.constant(0.5), 1, ATTRIBUTES[name])
    found = attribute_direction(pattern, Prior.constant(0.5), 1, ATTRIBUTES["brightness"])
    assert found.vector.abs().tolist() == [1.0]


def test_an_attribute_that_no_line_follows_is_refused() -> None:
    def images(z: Tensor) -> Tensor:
        return z.square().mean(1).view(-1, 1, 1, 1)

    with pytest.raises(UserError, match=r"^brightness: no direction of this model changes it evenly\. Choose another"):
        attribute_direction(images, Prior.normal(), 5, ATTRIBUTES["brightness"])


def test_pictures_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(UserError, match=r"^contrast: this model makes pictures that are no numbers\. Open another"):
        attribute_direction(
            lambda z: torch.full((len(z), 1, 2, 2), math.nan), Prior.normal(), 5, ATTRIBUTES["contrast"]
        )
