"""The groups of numbers that samples get: each is made from real images once, and then called with any."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, get_args

import torch
from torch import Tensor

from ganexplorer.train import metrics, texture
from ganexplorer.train.assets import load_digit_classifier
from ganexplorer.train.events import Progress
from ganexplorer.train.neighbours import nearest
from ganexplorer.train.random_features import RandomFeatures
from ganexplorer.train.scores import Better, Row

Group = Literal["frechet", "classes", "texture", "precision_recall", "memorization", "diversity"]
ALL: tuple[Group, ...] = get_args(Group)
COPY_QUANTILE = 0.01  # of unseen images are nearer to a training image than what is called a copy
_CHUNK = 250  # images at once

_T = TypeVar("_T")
Working = Generator[Progress, None, _T]

ROWS: dict[str, tuple[str, str, Better, str]] = {
    "lenet_fid": ("LeNet-FID", "", "lower", "Frechet distance in the features of a digit classifier; no Inception FID"),
    "frechet_random": ("Frechet, random features", "", "lower", "Frechet distance in an untrained network's features"),
    "sure": ("sure", "%", "higher", "samples that the digit classifier is more than 90 % sure of"),
    "entropy": ("class entropy", "bits", "like real", "of the classes; 0 bits: all of one class"),
    "swd": ("SWD", "", "lower", "sliced Wasserstein distance of patches x 1,000, mean of the levels"),
    "precision": ("precision", "", "higher", "share of samples among real images"),
    "recall": ("recall", "", "higher", "share of real images among samples"),
    "nearest_median": ("nearest, median", "gray levels", "like real", "RMS distance to the nearest training image"),
    "nearest_1st": ("nearest, 1st percentile", "gray levels", "like real", "likewise, of the nearest samples"),
    "copies": ("copies", "%", "lower", "nearer to a training image than 99 % of unseen real images are"),
    "diversity": ("diversity", "", "like real", "distance of random pairs in pixels, that of real images being 1"),
    "feature_diversity": ("diversity in features", "", "like real", "likewise in features"),
}


@dataclass(frozen=True, slots=True)
class View:
    """A set of images, and what a network makes of them."""

    images: Tensor  # (N, C, H, W) uint8
    features: Tensor  # (N, D)
    logits: Tensor | None  # (N, classes)
    own: Tensor | None = None  # (N,) int64: where each is among the training images


class Net(Protocol):
    """What looks at images: features, and for some images classes."""

    name: str

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features (N, D), and logits (N, classes) or None, of images (N, C, H, W) uint8."""


class DigitNet:
    """The penultimate layer of a classifier of digits, as LeNet-5 has one (LeCun et al. 1998)."""

    name = "the shipped digit classifier"

    def __init__(self, device: torch.device) -> None:
        self._classifier = load_digit_classifier().to(device)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        return self._classifier.judge(images)


class AnyNet:
    """Features of an untrained network, for images that are no digits."""

    name = "an untrained network"

    def __init__(self, image_shape: tuple[int, int, int], device: torch.device) -> None:
        self._features = RandomFeatures(image_shape, device)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        return self._features(images), None


def look(net: Net, images: Tensor, what: str, own: Tensor | None = None) -> Working[View]:
    """Show images to a network, some at a time; a generator of progress that returns what it makes of them."""
    features, logits = [], []
    for chunk in torch.split(images, _CHUNK):
        found, judged = net(chunk)
        features.append(found)
        logits += [] if judged is None else [judged]
        yield Progress(what, min(len(features) * _CHUNK, len(images)), len(images))
    return View(images, torch.cat(features), torch.cat(logits) if logits else None, own)


class Measure(Protocol):
    """Some of the numbers; made from real images, called with any."""

    what: str  # it is doing, for people

    def __call__(self, view: View) -> Working[dict[str, float]]: ...


class Frechet:
    """Frechet distance in features."""

    what = "Frechet distance"

    def __init__(self, real: View) -> None:
        self._frechet = metrics.Frechet(real.features)
        self._key = "frechet_random" if real.logits is None else "lenet_fid"

    def __call__(self, view: View) -> Working[dict[str, float]]:
        yield from ()
        return {self._key: self._frechet.distance(view.features)}


class Classes:
    """How sure a classifier is, and how evenly the classes are spread."""

    what = "Classes"

    def __call__(self, view: View) -> Working[dict[str, float]]:
        yield from ()
        if view.logits is None:
            return {}
        shares = metrics.class_shares(view.logits)
        return {"sure": 100 * metrics.confident_share(view.logits), "entropy": metrics.entropy(shares)}


class Texture:
    """Sliced Wasserstein distances of patches, level by level."""

    what = "Comparing textures"

    def __init__(self, real: View, seed: int) -> None:
        self._seed = seed
        self._real = texture.describe(real.images, seed)

    def __call__(self, view: View) -> Working[dict[str, float]]:
        yield from ()
        distances = texture.sliced_wasserstein(self._real, texture.describe(view.images, self._seed))
        levels = {f"swd_{side}": distance for side, distance in zip(self._real.sides, distances, strict=True)}
        return {"swd": sum(distances) / len(distances), **(levels if len(levels) > 1 else {})}


class PrecisionRecall:
    """Precision and recall."""

    what = "Precision and recall"

    def __init__(self, real: View) -> None:
        self._real, self._radii = real.features, metrics.radii(real.features)

    def __call__(self, view: View) -> Working[dict[str, float]]:
        precision = metrics.covered(view.features, self._real, self._radii)
        yield Progress(self.what, 1, 3)
        radii = metrics.radii(view.features)
        yield Progress(self.what, 2, 3)
        recall = metrics.covered(self._real, view.features, radii)
        return {"precision": precision.float().mean().item(), "recall": recall.float().mean().item()}


class Diversity:
    """Mean distances of random pairs, those of real images being 1."""

    what = "Diversity"

    def __init__(self, real: View, seed: int) -> None:
        self._seed = seed
        self._pixels, self._features = self._distances(real)

    def __call__(self, view: View) -> Working[dict[str, float]]:
        yield from ()
        pixels, features = self._distances(view)
        return {
            "diversity": pixels / max(self._pixels, 1e-9),
            "feature_diversity": features / max(self._features, 1e-9),
        }

    def _distances(self, view: View) -> tuple[float, float]:
        images, features = (metrics.mean_pair_distance(of, self._seed) for of in (view.images, view.features))
        return images, features


class Memorization:
    """Nearest training images. The bound of a copy is what 1 % of unseen real images are below."""

    what = "Nearest training images"

    def __init__(self, training: Tensor, bound: float) -> None:
        self._training, self._bound = training, bound

    @classmethod
    def of(cls, training: Tensor, held: View) -> Working[tuple[Memorization, dict[str, float]]]:
        """The measure, and its floors."""
        distances, _ = yield from nearest(held.images, training, held.own, "Nearest training images of real ones")
        measure = cls(training, float(distances.quantile(COPY_QUANTILE)))
        return measure, measure._numbers(distances)

    def __call__(self, view: View) -> Working[dict[str, float]]:
        distances, _ = yield from nearest(view.images, self._training, view.own, self.what)
        return self._numbers(distances)

    def _numbers(self, distances: Tensor) -> dict[str, float]:
        first, median = distances.quantile(torch.tensor([0.01, 0.5], device=distances.device)).tolist()
        copies = (distances <= self._bound).float().mean().item()
        return {"nearest_median": median, "nearest_1st": first, "copies": 100 * copies}


def measure_of(group: Group, real: View, seed: int) -> Measure:
    """The measure of a group other than ``memorization``, which `Memorization.of` makes."""
    match group:
        case "frechet":
            return Frechet(real)
        case "classes":
            return Classes()
        case "texture":
            return Texture(real, seed)
        case "precision_recall":
            return PrecisionRecall(real)
        case "diversity":
            return Diversity(real, seed)
        case "memorization":
            raise AssertionError("has its own beginning")


def row_of(key: str, value: float, floor: float) -> Row:
    """A number with its name and meaning."""
    if key.startswith("swd_"):
        side = key.removeprefix("swd_")
        return Row(key, f"SWD, {side} pixels", value, floor, "", "lower", f"likewise, of the level of {side} pixels")
    name, unit, better, help = ROWS[key]
    return Row(key, name, value, floor, unit, better, help)
