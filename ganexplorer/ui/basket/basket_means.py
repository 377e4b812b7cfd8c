"""Means of pictures, and pictures of means."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganexplorer.core import latent
from ganexplorer.core.basket import RunningMean, weighted_mean
from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import batch_size
from ganexplorer.core.render import to_pixels
from ganexplorer.ui.picture.canvas import to_qimage
from ganexplorer.ui.work.studio import Look, Sight, make_looks

CHUNK = 64  # samples that are made before others get their turn


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """The mean of pictures, and the picture of the mean latent, `z`; None where weights cancel."""

    count: int
    z: Tensor | None = None
    pixels: Look | None = None
    look: Look | None = None


class SampleMeans:
    """The means of samples of the prior, the first of seed 0, a chunk at a time. Used by one thread at a time."""

    def __init__(self, prior: Prior, z_dim: int, count: int) -> None:
        self.count = count
        self._prior, self._z_dim = prior, z_dim
        self._latents: Tensor | None = None
        self._images = RunningMean()
        self.means: Means | None = None  # when all are there

    @property
    def done(self) -> int:
        return self._images.count

    def go_on(self, sight: Sight) -> SampleMeans:
        """Add a chunk."""
        if self._latents is None:
            self._latents = latent.seeded(self._prior, self._z_dim, 0, self.count)
        at_once = batch_size(sight.renderer.spec, CHUNK)
        self._images.add(sight.renderer.images(self._latents[self.done : self.done + at_once]))
        if self.done == self.count:
            z = weighted_mean(self._latents, torch.ones(self.count))
            (look,) = make_looks(sight, z[None])
            self.means = Means(self.count, z, look_of(sight, self._images.value), look)
        return self


def look_of(sight: Sight, image: Tensor) -> Look:
    """The look of an image, (C, H, W) in [-1, 1], that no latent need make."""
    (pixels,) = to_pixels(image[None])
    verdict = None if sight.judge is None else float(sight.judge.verdicts(image[None])[0])
    return Look(to_qimage(pixels), pixels, verdict)


def means_of(sight: Sight, latents: Tensor, weights: Tensor) -> Means:
    """The weighted means of latents, (N, z_dim); without pictures where the weights, (N,), add up to 0."""
    try:
        z = weighted_mean(latents, weights)
    except UserError:
        return Means(len(weights))
    (look,) = make_looks(sight, z[None])
    return Means(len(weights), z, look_of(sight, weighted_mean(sight.renderer.images(latents), weights)), look)
