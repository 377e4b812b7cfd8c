"""Features of any images, without a download: an untrained convolutional network with fixed random weights.

A random embedding is a sound ground for comparing sets of images where no network was trained on images like them
(Naeem et al. 2020, arXiv:2002.09797). An untrained network alone takes blurred images for very
typical ones, so that responses are taken as logarithms, and how they fall from scale to scale stands for itself.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ganexplorer.train.classifier import as_unit
from ganexplorer.train.memory import at_once

LEAST_SIDE = 8  # pixels of an image
_SEED = 1010
_WIDTHS = (32, 64, 96, 128)  # filters of the stages, each of which halves the image
_GRID = (4, 4, 2, 2)  # places on a side that a stage tells apart
_TEXTURE, _LAYOUT = 8, 24  # features of a stage
_STRENGTH_WEIGHT, _SHARPNESS_WEIGHT, _TEXTURE_WEIGHT, _LAYOUT_WEIGHT = 2.0, 8.0, 2.0, 1.0
_FLOOR = 0.02  # added to responses before the logarithm: 0 stays finite, and one gray level is not much
_CHUNK = 256  # images at once


class RandomFeatures:
    """Features of images of one shape; the same for everybody, for the weights are drawn from a fixed seed.

    Each of up to four stages convolves with random filters that sum to 0 (4x4, every second pixel) and takes the
    absolute value. Of the logarithms of the responses go into the features: their mean (how strong), its differences
    from stage to stage (how sharp), what of it the filters of a stage have more or less (texture), and what the places
    of the image have (layout); the last two on random directions.

    Parameters
    ----------
    image_shape
        (C, H, W) with sides of at least 8 pixels.
    device
        Where the weights are.
    """

    name = "random features"

    def __init__(self, image_shape: tuple[int, int, int], device: torch.device | str = "cpu") -> None:
        channels, height, width = image_shape
        if min(height, width) < LEAST_SIDE:
            raise ValueError(f"images of {width}x{height}, at least {LEAST_SIDE}x{LEAST_SIDE} are needed")
        rng = torch.Generator().manual_seed(_SEED)

        def drawn(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=rng)

        self._stages: list[tuple[Tensor, Tensor, Tensor, tuple[int, int]]] = []
        for filters, grid in zip(_WIDTHS, _GRID, strict=True):
            if min(height, width) < 4:
                break
            kernels = drawn(filters, channels, 4, 4)
            kernels -= kernels.mean((1, 2, 3) if not self._stages else (2, 3), keepdim=True)
            kernels /= kernels.flatten(1).norm(dim=1)[:, None, None, None]
            channels, height, width = filters, height // 2, width // 2
            places = min(grid, height), min(grid, width)
            values = channels * math.prod(places)
            texture = drawn(channels, _TEXTURE) / math.sqrt(channels)
            layout = drawn(values, _LAYOUT) / math.sqrt(values)
            self._stages.append((kernels.to(device), texture.to(device), layout.to(device), places))
        stages = len(self._stages)
        self.count = 2 * stages - 1 + stages * (_TEXTURE + _LAYOUT)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Features (N, `count`) float32 of images (N, C, H, W) uint8, on their device."""
        chunks = torch.split(images, at_once(images.shape[1:], _CHUNK))
        return torch.cat([self._features(as_unit(chunk)) for chunk in chunks])

    def _features(self, images: Tensor) -> Tensor:
        strengths, others = [], []
        for kernels, texture, layout, places in self._stages:
            images = F.conv2d(images, kernels, stride=2, padding=1).abs()
            of_filters = images.mean((2, 3)).add(_FLOOR).log()  # (N, filters)
            strength = of_filters.mean(1, keepdim=True)
            of_places = F.adaptive_avg_pool2d(images, places).add(_FLOOR).log()
            of_places = of_places - of_places.mean((1, 2, 3), keepdim=True)
            strengths.append(strength)
            others += [
                _TEXTURE_WEIGHT * ((of_filters - strength) @ texture),
                _LAYOUT_WEIGHT * (of_places.flatten(1) @ layout),
            ]
        strong = torch.cat(strengths, 1)
        return torch.cat([_STRENGTH_WEIGHT * strong, _SHARPNESS_WEIGHT * strong.diff(dim=1), *others], 1)
