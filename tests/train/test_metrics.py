"""Numbers of sets whose right answers are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ganexplorer.train import metrics, texture
from ganexplorer.train.neighbours import nearest, sketch
from ganexplorer.train.progress import finished
from ganexplorer.train.random_features import RandomFeatures
from ganexplorer.train.toy_faces import draw_faces
from ganexplorer.train.toys import draw_digits


def normal(count: int, dimensions: int, seed: int) -> Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed))


def whitened(points: Tensor) -> Tensor:
    """With mean 0 and covariance 1 exactly, so that closed forms hold without sampling error."""
    centred = (points - points.mean(0)).double()
    values, vectors = torch.linalg.eigh(torch.cov(centred.T))
    return centred @ (vectors / values.sqrt()) @ vectors.T


def blurred(images: Tensor) -> Tensor:
    return torch.nn.functional.avg_pool2d(images.float(), 3, 1, 1, count_include_pad=False).round().byte()


def noisy(images: Tensor, spread: float) -> Tensor:
    noise = spread * normal(images.numel(), 1, 5).view(images.shape)
    return (images.float() + noise).round().clamp(0, 255).byte()


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    """(1600, 1, 28, 28) uint8 and their classes."""
    images, labels = zip(*draw_digits(1600, seed=0), strict=True)
    return torch.cat(images), torch.cat(labels)


@pytest.fixture(scope="module")
def faces() -> Tensor:
    """(600, 3, 64, 64) uint8."""
    return torch.cat([images for images, _ in draw_faces(600, seed=0)])


# -- Frechet distance ---------------------------------------------------------------------------------------


def test_the_frechet_distance_of_a_set_to_itself_is_zero() -> None:
    points = normal(500, 8, 0)
    assert metrics.frechet_distance(points, points) == pytest.approx(0, abs=1e-6)


def test_the_frechet_distance_of_shifted_normals_is_the_square_of_the_shift() -> None:
    points, shift = whitened(normal(400, 6, 0)), torch.tensor([1.0, 0, -2, 0.5, 0, 0])
    assert metrics.frechet_distance(points, points + shift) == pytest.approx(5.25, rel=1e-6)


def test_the_frechet_distance_of_normals_of_other_covariances_has_its_closed_form() -> None:
    points = whitened(normal(400, 3, 1))
    stretch = torch.tensor([2.0, 0.5, 3.0], dtype=torch.float64)
    # tr(1 + S - 2 S^(1/2)) for covariances 1 and S = diag(stretch^2)
    assert metrics.frechet_distance(points, points * stretch) == pytest.approx(
        ((stretch - 1) ** 2).sum().item(), rel=1e-6
    )


def test_the_frechet_distance_is_the_same_both_ways() -> None:
    one, other = normal(300, 5, 0), 2 * normal(300, 5, 1) + 1
    assert metrics.frechet_distance(one, other) == pytest.approx(metrics.frechet_distance(other, one), rel=1e-6)


def test_real_features_that_were_looked_at_once_serve_many_sets() -> None:
    real, others = normal(200, 4, 0), [normal(200, 4, seed) + seed for seed in (1, 2, 1)]
    frechet = metrics.Frechet(real)
    found = [frechet.distance(points) for points in others]
    assert found == [metrics.frechet_distance(real, points) for points in others]
    assert found[0] == found[2] < found[1]


def test_the_frechet_distance_of_alike_rows_is_finite() -> None:
    assert metrics.frechet_distance(normal(50, 6, 0), torch.zeros(50, 6)) > 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("is_real", [False, True])
def test_the_frechet_distance_of_what_are_no_numbers_is_none_and_no_library_is_asked(
    value: float, is_real: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MKL, asked, would set the language of the whole process to tell its error in."""
    asked: list[Tensor] = []
    eigenvalues = torch.linalg.eigvals
    monkeypatch.setattr(torch.linalg, "eigvals", lambda matrix: (asked.append(matrix), eigenvalues(matrix))[1])
    good, broken = normal(50, 6, 0), normal(50, 6, 1)
    broken[3, 2] = value
    assert math.isnan(metrics.frechet_distance(*((broken, good) if is_real else (good, broken))))
    assert not asked
    assert metrics.frechet_distance(good, normal(50, 6, 2)) > 0
    assert asked  # it is what would complain


# -- precision and recall -----------------------------------------------------------------------------------


def test_precision_and_recall_of_a_set_to_itself_are_one() -> None:
    points = normal(300, 8, 0)
    assert metrics.precision_recall(points, points) == (1.0, 1.0)


def test_samples_far_away_have_neither_precision_nor_recall() -> None:
    points = normal(300, 8, 0)
    assert metrics.precision_recall(points, points + 100) == (0.0, 0.0)


def test_half_of_the_modes_is_all_precision_and_half_of_the_recall() -> None:
    centre = torch.zeros(400, 8)
    centre[200:, 0] = 50
    real = normal(400, 8, 0) + centre
    samples = normal(400, 8, 1)  # about the first of two centres only
    held_out = normal(400, 8, 2) + centre
    precision, recall = metrics.precision_recall(real, samples)
    _, floor = metrics.precision_recall(real, held_out)
    assert precision > 0.75
    assert recall == pytest.approx(floor / 2, abs=0.08)


def test_one_sample_many_times_has_precision_and_no_recall() -> None:
    real = normal(300, 8, 0)
    precision, recall = metrics.precision_recall(real, real[:1].repeat(300, 1))
    assert precision == 1
    assert recall < 0.01


def test_a_radius_is_the_distance_to_the_third_other_point() -> None:
    line = torch.tensor([0.0, 1, 3, 6, 10])[:, None]
    assert metrics.radii(line, k=3).tolist() == pytest.approx([6, 5, 3, 5, 9])


@pytest.mark.parametrize("block", [1, 1000, 12345])
def test_precision_and_recall_do_not_depend_on_the_size_of_the_parts(block: int) -> None:
    real, samples = normal(200, 8, 0), 1.2 * normal(200, 8, 1)
    assert metrics.precision_recall(real, samples, block=block) == metrics.precision_recall(real, samples)


# -- diversity and classes ----------------------------------------------------------------------------------


def test_pairs_of_normal_points_are_as_far_apart_as_they_should_be() -> None:
    # differences are normal of variance 2, and so is the mean of their squares over many values
    assert metrics.mean_pair_distance(normal(500, 2000, 0)) == pytest.approx(math.sqrt(2), rel=0.01)


def test_twice_the_contrast_is_twice_the_diversity(digits: tuple[Tensor, Tensor]) -> None:
    images = digits[0][:100]
    assert metrics.mean_pair_distance(images // 2 * 2) == pytest.approx(2 * metrics.mean_pair_distance(images // 2))


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_images_that_are_all_alike_have_no_diversity(count: int) -> None:
    assert metrics.mean_pair_distance(torch.full((count, 1, 4, 4), 7, dtype=torch.uint8)) == 0


def test_no_image_is_paired_with_itself() -> None:
    images = torch.tensor([[0], [255]], dtype=torch.uint8).view(2, 1, 1, 1)
    assert metrics.mean_pair_distance(images) == 255


@pytest.mark.parametrize(("shares", "bits"), [([1.0], 0), ([1.0, 0, 0], 0), ([0.25] * 4, 2), ([0.5, 0.25, 0.25], 1.5)])
def test_entropy_is_in_bits(shares: list[float], bits: float) -> None:
    assert metrics.entropy(shares) == pytest.approx(bits)


def test_shares_count_the_most_probable_class_and_whether_it_is_sure() -> None:
    logits = torch.tensor([[9.0, 0, 0], [9, 0, 0], [0, 0.1, 0], [0, 0, 9]])
    assert metrics.class_shares(logits) == [0.5, 0.25, 0.25]
    assert metrics.confident_share(logits) == 0.75


# -- nearest images -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 24), (1, 9, 7), (1, 1, 4), (3, 64, 64)])
def test_the_nearest_image_is_the_nearest_by_all_pixels(shape: tuple[int, int, int]) -> None:
    rng = torch.Generator().manual_seed(0)
    # smooth images, as pictures are, and not white noise
    coarse = torch.rand(300, shape[0], 3, 3, generator=rng)
    images = torch.nn.functional.interpolate(coarse, shape[1:], mode="bilinear").mul(255).round().byte()
    queries, among = images[:40], images[40:]
    distances, index = finished(nearest(queries, among))
    flat, others = queries.flatten(1).double(), among.flatten(1).double()
    truth = torch.cdist(flat, others) / math.sqrt(flat.shape[1])
    assert torch.allclose(distances.double(), truth.amin(1), rtol=1e-5)
    assert torch.equal(index, truth.argmin(1))


def test_a_copy_is_found_at_distance_zero(faces: Tensor) -> None:
    distances, index = finished(nearest(faces[100:150], faces))
    assert distances.tolist() == [0] * 50
    assert torch.equal(index, torch.arange(100, 150))


def test_an_image_among_the_others_can_leave_itself_out(digits: tuple[Tensor, Tensor]) -> None:
    images = torch.cat([digits[0][:50], digits[0][:1]])  # the first is there twice
    distances, index = finished(nearest(images, images, own=torch.arange(51)))
    assert (distances[0], index[0], distances[50], index[50]) == (0, 50, 0, 0)
    assert (distances[1:50] > 0).all()


def test_images_one_level_apart_are_at_distance_one() -> None:
    dark = torch.full((1, 1, 8, 8), 10, dtype=torch.uint8)
    assert finished(nearest(dark + 1, dark))[0].item() == 1


def test_the_distance_of_sketches_never_exceeds_that_of_images(faces: Tensor) -> None:
    pixels = torch.cdist(faces[:50].flatten(1).float(), faces[50:100].flatten(1).float())
    assert sketch(faces[:1]).shape[1] <= 1025
    assert (torch.cdist(sketch(faces[:50]), sketch(faces[50:100])) <= pixels * (1 + 1e-4)).all()


# -- sliced Wasserstein distance ----------------------------------------------------------------------------


def wasserstein(one: Tensor, other: Tensor) -> list[float]:
    return texture.sliced_wasserstein(texture.describe(one), texture.describe(other))


@pytest.mark.parametrize(
    ("size", "sides"), [((64, 64), [64, 32, 16]), ((28, 28), [28, 14]), ((8, 8), [8]), ((30, 45), [30, 15])]
)
def test_levels_halve_down_to_about_sixteen_pixels(size: tuple[int, int], sides: list[int]) -> None:
    assert [min(level) for level in texture.level_sizes(*size)] == sides


def test_the_levels_of_a_pyramid_add_up_to_the_image(faces: Tensor) -> None:
    images = faces[:3, :, :37, :].float()  # an odd side
    layers = texture.laplacian_pyramid(images, 2)
    small = layers[1]
    spread = torch.zeros_like(images)
    spread[:, :, ::2, ::2] = 4 * small
    assert small.shape[2:] == (19, 32)
    assert torch.allclose(layers[0] + texture._blurred(spread), images, atol=1e-3)


def test_a_flat_image_has_nothing_in_the_upper_levels() -> None:
    upper, rest = texture.laplacian_pyramid(torch.full((1, 1, 28, 28), 90.0), 2)
    assert upper[0, 0, 4:-4, 4:-4].abs().max() < 1e-3
    assert torch.allclose(rest, torch.full_like(rest, 90))


def test_the_wasserstein_distance_of_a_set_to_itself_is_zero(digits: tuple[Tensor, Tensor]) -> None:
    assert wasserstein(digits[0][:100], digits[0][:100]) == [0, 0]


def test_blurred_and_noisy_images_are_farther_than_other_real_ones(digits: tuple[Tensor, Tensor]) -> None:
    real, others = digits[0][:200], digits[0][200:400]
    floor = wasserstein(real, others)
    for changed in (blurred(others), noisy(others, 20)):
        assert wasserstein(real, changed)[0] > 2 * floor[0]


def test_textures_tell_a_collapsed_set_and_cannot_tell_copies(digits: tuple[Tensor, Tensor]) -> None:
    """Copies are what `Memorization` is for."""
    real, others = digits[0][:200], digits[0][200:400]
    floor = wasserstein(real, others)
    alike = others[:1].expand_as(others).clone()
    assert all(value > 2 * least for value, least in zip(wasserstein(real, alike), floor, strict=True))
    copies = real.flip(0)  # in another order
    assert all(value < 1.1 * least for value, least in zip(wasserstein(real, copies), floor, strict=True))


def test_contrast_alone_does_not_matter_to_textures(digits: tuple[Tensor, Tensor]) -> None:
    images = digits[0][:100]
    assert max(wasserstein(images, images // 2)) < 2


def test_sets_of_other_numbers_of_images_are_not_compared(digits: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(ValueError, match="number or the size"):
        wasserstein(digits[0][:20], digits[0][:30])


# -- random features ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 28, 28), (3, 64, 48), (1, 9, 31)])
def test_random_features_are_there_for_any_shape_of_images(shape: tuple[int, int, int]) -> None:
    images = torch.randint(0, 256, (5, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    features = RandomFeatures(shape)
    found = features(images)
    assert found.shape == (5, features.count)
    assert torch.isfinite(found).all()
    assert torch.equal(found, RandomFeatures(shape)(images))


def test_random_features_of_a_flat_image_are_finite() -> None:
    assert torch.isfinite(RandomFeatures((1, 16, 16))(torch.zeros(2, 1, 16, 16, dtype=torch.uint8))).all()


def test_random_features_of_too_small_images_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 8x8"):
        RandomFeatures((1, 7, 20))


@pytest.mark.parametrize("kind", ["digits", "faces"])
def test_random_features_rank_blur_and_noise_below_other_real_images(
    kind: str, digits: tuple[Tensor, Tensor], faces: Tensor
) -> None:
    images = digits[0] if kind == "digits" else faces
    half = len(images) // 2
    features = RandomFeatures((images.shape[1], images.shape[2], images.shape[3]))
    real, others = features(images[:half]), images[half:]
    floor_precision, floor_recall = metrics.precision_recall(real, features(others))
    floor = metrics.frechet_distance(real, features(others))
    assert floor_precision > 0.6
    for changed in (blurred(others), noisy(others, 40)):
        found = features(changed)
        precision, recall = metrics.precision_recall(real, found)
        assert precision < floor_precision - 0.2
        assert recall < floor_recall - 0.2
        assert metrics.frechet_distance(real, found) > 3 * floor


def test_random_features_rank_few_classes_below_all(digits: tuple[Tensor, Tensor]) -> None:
    images, labels = digits
    features = RandomFeatures((1, 28, 28))
    few = images[800:][labels[800:] < 2]
    real, others = features(images[:800]), features(images[800:])
    _, recall = metrics.precision_recall(real, features(few))
    _, floor = metrics.precision_recall(real, others[: len(few)])
    assert recall < floor - 0.1
    assert metrics.frechet_distance(real, features(few)) > 2 * metrics.frechet_distance(real, others[: len(few)])


def test_pure_noise_has_no_precision(digits: tuple[Tensor, Tensor]) -> None:
    features = RandomFeatures((1, 28, 28))
    noise = torch.randint(0, 256, (200, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert metrics.precision_recall(features(digits[0][:400]), features(noise)) == (0, 0)
