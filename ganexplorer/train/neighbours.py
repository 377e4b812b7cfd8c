"""The nearest of many images, pixel by pixel: whether a sample is a training image learnt by heart."""

from __future__ import annotations

from collections.abc import Generator

import torch
import torch.nn.functional as F
from torch import Tensor

from ganexplorer.train.events import Progress
from ganexplorer.train.memory import at_once
from ganexplorer.train.progress import Pace

CANDIDATES = 32  # by the sketch, of which the nearest is taken
_SKETCH = 1024  # values of a sketch, at most
_AMONG, _QUERIES = 4096, 1024  # images at once
_REFINED = 1 << 24  # pixels at once


def nearest(
    images: Tensor, among: Tensor, own: Tensor | None = None, what: str = "Nearest training images"
) -> Generator[Progress, None, tuple[Tensor, Tensor]]:
    """Distance of each image to the nearest of others, and which that is; a generator of progress that returns both.

    The distance is the root of the mean square over all pixels and channels, in gray levels, [0, 255]. Looked for
    with sketches, images of half the size (or a quarter, …) whose distance never exceeds the true one; of the
    `CANDIDATES` nearest by sketch the truly nearest is taken. A copy is always found.

    Parameters
    ----------
    images, among
        (N, C, H, W) and (M, C, H, W) uint8, on one device; M at least 1, with `own` 2.
    own
        (N,) int64: where each image itself is in `among`, to be left out. None: it is not in there.

    Returns
    -------
    tuple
        (N,) float32 and (N,) int64.
    """
    queries = sketch(images)
    keep = min(CANDIDATES, len(among) - (own is not None))
    best = torch.full((len(images), keep), torch.inf, device=images.device)
    which = torch.zeros(len(images), keep, dtype=torch.int64, device=images.device)
    pace = Pace()
    for start in range(0, len(among), _AMONG):
        others = sketch(among[start : start + _AMONG])
        squares = others.square().sum(1)
        for first in range(0, len(images), _QUERIES):
            part = slice(first, first + _QUERIES)
            # without the square of the query, which is the same for all of a row
            distances = torch.addmm(squares, queries[part], others.T, alpha=-2)
            if own is not None:
                _leave_out(distances, own[part] - start)
            found, index = distances.topk(min(keep, len(others)), dim=1, largest=False, sorted=False)
            both = torch.cat([best[part], found], 1)
            candidates = torch.cat([which[part], index + start], 1)
            best[part], index = both.topk(keep, dim=1, largest=False, sorted=False)
            which[part] = candidates.gather(1, index)
            if pace.is_due():
                yield Progress(what, start + len(others) * min(first + _QUERIES, len(images)) // len(images),
                               len(among))  # fmt: skip
    return _refined(images, among, which)


def sketch(images: Tensor) -> Tensor:
    """Images (N, C, H, W) uint8 as few numbers, (N, values) float32, whose distances are no larger than the images'.

    Means of squares of 2x2 pixels (4x4, … for large images), times the root of the pixels in a square; and, as one more
    number, the length of what that leaves out.
    """
    values, side = images[0].numel(), 1
    while min(images.shape[2:]) >= 2 * side and (side == 1 or values > _SKETCH):
        side, values = 2 * side, values // 4
    parts = []
    for chunk in torch.split(images, at_once(images.shape[1:], _AMONG)):
        pixels = chunk.float().sub_(127.5)
        small = F.avg_pool2d(pixels, side).flatten(1) * side
        left_out = pixels.flatten(1).square().sum(1) - small.square().sum(1)
        parts.append(torch.cat([small, left_out.clamp_(min=0).sqrt_()[:, None]], 1))
    return torch.cat(parts)


def _leave_out(distances: Tensor, columns: Tensor) -> None:
    """Put infinity where a row meets itself; a column may lie outside."""
    rows = torch.nonzero((columns >= 0) & (columns < distances.shape[1])).flatten()
    distances[rows, columns[rows]] = torch.inf


def _refined(images: Tensor, among: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest of the candidates `which` (N, candidates), by all pixels."""
    distances, indices = [], []
    rows = max(1, _REFINED // (which.shape[1] * images[0].numel()))
    for part, candidates in zip(torch.split(images, rows), torch.split(which, rows), strict=True):
        difference = among[candidates].flatten(2).float() - part.flatten(1)[:, None].float()
        found, index = difference.square_().mean(2).min(1)
        distances.append(found.sqrt())
        indices.append(candidates.gather(1, index[:, None])[:, 0])
    return torch.cat(distances), torch.cat(indices)
