"""Numbers about sets of images, as pure functions of tensors: how far apart two sets are, what one covers of another.

A set is (N, D): a row of features, or of pixels, for each image. What is put together from them, and the value that
real images themselves have, is in `reference`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

NEIGHBOURS = 3  # k of the manifolds, as in the paper
SURE = 0.9  # probability from which on a classifier is called sure
_BLOCK = 1 << 22  # distances in memory at once
_PAIRS = 4  # that each image takes part in


class Frechet:
    """Frechet distance of sets of features to one set of real ones, which is looked at once.

    Computed by `torchmetrics.image.fid.FrechetInceptionDistance`, in double precision on the CPU; its own features are
    not used, so that nothing is downloaded.

    Parameters
    ----------
    real
        (N, D), at least two rows.
    """

    def __init__(self, real: Tensor) -> None:
        from torchmetrics.image.fid import FrechetInceptionDistance  # takes seconds

        self._metric = FrechetInceptionDistance(
            _Given(real.shape[1]),
            reset_real_features=False,
            sync_on_compute=False,  # of torchrun's processes, only the first measures: it would wait for the others
        )
        self._metric.update(real.cpu().double(), real=True)
        self._is_known = bool(real.isfinite().all())

    def distance(self, features: Tensor) -> float:
        """Of features (N, D); see `frechet_distance`."""
        if not (self._is_known and features.isfinite().all()):
            return math.nan  # asked for it, MKL would complain, and set LANG of the whole process to C for that
        self._metric.reset()
        self._metric.update(features.cpu().double(), real=False)
        found = float(self._metric.compute())
        return found if math.isnan(found) else max(0.0, found)


class _Given(nn.Module):
    """Features that are features already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def frechet_distance(real: Tensor, features: Tensor) -> float:
    """Frechet distance of the normal distributions with the means and covariances of two sets, at least 0.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) (Dowson and Landau 1982; for images Heusel et al. 2017,
    arXiv:1706.08500, eq. 6). It falls with the number of rows, so only values of the same counts compare.
    nan where a feature is no finite number.
    """
    return Frechet(real).distance(features)


def radii(features: Tensor, k: int = NEIGHBOURS, block: int = _BLOCK) -> Tensor:
    """Distance of each row of (N, D) to its k-th nearest other row, (N,): where k < N."""
    centred = features - features.mean(0)
    nearest = [
        distances.topk(k + 1, dim=1, largest=False).values[:, -1]  # the nearest is the row itself
        for distances in _distances(centred, centred, block)
    ]
    return torch.cat(nearest)


def covered(points: Tensor, features: Tensor, radius: Tensor, block: int = _BLOCK) -> Tensor:
    """Which rows of `points` (N, D) lie in the manifold of `features` (M, D) with `radii` (M,): (N,) bool.

    The manifold is the union of balls about all of its points, each as large as the distance to its k-th neighbour
    (Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 1). The share of samples in the manifold of real images is
    precision, that of real images in the manifold of samples is recall. Work goes on in parts of `block` distances.
    """
    middle = features.mean(0)
    parts = [(distances <= radius).any(1) for distances in _distances(points - middle, features - middle, block)]
    return torch.cat(parts)


def precision_recall(real: Tensor, samples: Tensor, k: int = NEIGHBOURS, block: int = _BLOCK) -> tuple[float, float]:
    """Share, [0, 1], of `samples` (N, D) within the manifold of `real` (M, D), and the other way round; `covered`."""
    precision = covered(samples, real, radii(real, k, block), block)
    recall = covered(real, samples, radii(samples, k, block), block)
    return precision.float().mean().item(), recall.float().mean().item()


def _distances(points: Tensor, features: Tensor, block: int) -> Iterator[Tensor]:
    """Euclidean distances (n, M), for n of `points` at a time. Both about the middle: fewer digits are lost there."""
    for part in torch.split(points, max(1, block // len(features))):
        yield torch.cdist(part, features, compute_mode="use_mm_for_euclid_dist")


def mean_pair_distance(points: Tensor, seed: int = 0) -> float:
    """Mean distance, root of the mean square over all values, between random pairs of rows of (N, ...), at least 0.

    Each row is in `_PAIRS` pairs on either side, never with itself. Twice as far apart is twice the value; all rows
    alike: 0.
    """
    flat = points.flatten(1)
    order = torch.randperm(len(flat), generator=torch.Generator().manual_seed(seed)).to(flat.device)
    total = torch.zeros((), dtype=torch.float64)
    rows = max(1, _BLOCK // flat.shape[1])
    shifts = range(1, min(_PAIRS, len(flat) - 1) + 1)
    for shift in shifts:
        others = order.roll(shift)
        for one, other in zip(torch.split(order, rows), torch.split(others, rows), strict=True):
            difference = flat[one].float() - flat[other].float()
            total += difference.square().mean(1).sqrt().sum().cpu().double()
    return float(total) / (len(shifts) * len(flat)) if shifts else 0.0


def confident_share(logits: Tensor, sure: float = SURE) -> float:
    """Share, [0, 1], of rows of (N, classes) whose most probable class has a probability above `sure`."""
    return (logits.softmax(1).amax(1) > sure).float().mean().item()


def class_shares(logits: Tensor) -> list[float]:
    """Share, [0, 1], of rows of (N, classes) in each class, that which is most probable."""
    counts = logits.argmax(1).bincount(minlength=logits.shape[1])
    return [count / len(logits) for count in counts.tolist()]


def entropy(shares: list[float]) -> float:
    """Of a distribution, in bits: 0 where all is one class, log2(classes) where all are as frequent."""
    return -sum(share * math.log2(share) for share in shares if share > 0) + 0.0
