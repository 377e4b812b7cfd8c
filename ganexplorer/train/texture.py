"""Sliced Wasserstein distance between patches of images, scale by scale: whether outlines and textures are alike.

Karras et al. 2018, arXiv:1710.10196, section 5: patches of 7x7 pixels from each level of a Laplacian pyramid (Burt and
Adelson 1983), normalised per channel, projected on random directions, sorted and compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganexplorer.train.memory import at_once

PATCH = 7  # pixels on a side
_LEAST_SIDE = 14  # pixels of a level: 64, 32, 16; and 28, 14
_PATCHES = 1 << 17  # of a level, about
_EACH = 128  # patches of an image, at most, as in the paper
_DIRECTIONS = 128
_CHUNK = 500  # images at once
_SCALE = 1e3  # of the distance, as in the paper


@dataclass(frozen=True, slots=True)
class Descriptors:
    """What is kept of a set of images: its projected patches at each level, the largest first, sorted."""

    sides: tuple[int, ...]  # pixels of the shorter side of each level
    levels: tuple[Tensor, ...]  # (directions, patches) each, ascending, on the CPU


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Height and width of the levels of the pyramid: halved as long as 14 pixels stay."""
    sizes = [(height, width)]
    while min(sizes[-1]) >= 2 * _LEAST_SIDE:
        sizes.append((math.ceil(sizes[-1][0] / 2), math.ceil(sizes[-1][1] / 2)))
    return sizes


def describe(images: Tensor, seed: int = 0) -> Descriptors:
    """Patches of images (N, C, H, W) uint8, at least 7x7 pixels; the same places and directions for the same seed.

    Sets of the same number of images have the same number of patches: 128 of each image and level, or as many as make
    130,000 of a level.
    """
    count, channels, height, width = images.shape
    sizes = level_sizes(height, width)
    rng = torch.Generator().manual_seed(seed)
    each = min(_EACH, math.ceil(_PATCHES / count))
    directions = torch.randn(len(sizes), channels * PATCH**2, _DIRECTIONS, generator=rng)
    directions = F.normalize(directions, dim=1).to(images.device)
    patches: list[list[Tensor]] = [[] for _ in sizes]
    for chunk in torch.split(images, at_once(images.shape[1:], _CHUNK)):
        for level, layer in enumerate(laplacian_pyramid(chunk.float(), len(sizes))):
            patches[level].append(_patches(layer, each, rng))
    levels = [
        _sorted(_normalised(torch.cat(parts)).flatten(1) @ directions[level]) for level, parts in enumerate(patches)
    ]
    return Descriptors(tuple(min(size) for size in sizes), tuple(levels))


def sliced_wasserstein(one: Descriptors, other: Descriptors) -> list[float]:
    """Distance of each level, times 1,000, at least 0: the mean over directions and ranks of the difference.

    Raises
    ------
    ValueError
        Sets of different numbers or shapes of images.
    """
    if [level.shape for level in one.levels] != [level.shape for level in other.levels]:
        raise ValueError("descriptors of sets that differ in the number or the size of their images")
    pairs = zip(one.levels, other.levels, strict=True)
    return [_SCALE * (a - b).abs().mean(dtype=torch.float64).item() for a, b in pairs]


def laplacian_pyramid(images: Tensor, levels: int) -> list[Tensor]:
    """What each halving of images (N, C, H, W) leaves out, and at last what remains; float32, (N, C, h, w) each."""
    layers = []
    for _ in range(levels - 1):
        small = _blurred(images)[:, :, ::2, ::2]
        spread = torch.zeros_like(images)
        spread[:, :, ::2, ::2] = 4 * small  # three of four pixels are empty
        layers.append(images - _blurred(spread))
        images = small
    return [*layers, images]


def _blurred(images: Tensor) -> Tensor:
    """By the binomial filter 1 4 6 4 1 both ways, borders reflected. As matrices: ten times as fast on a CPU."""
    height, width = images.shape[2:]
    return _binomial(height).T.to(images.device) @ (images @ _binomial(width).to(images.device))


def _binomial(count: int) -> Tensor:
    """(count, count): a row of pixels times this is that row, blurred."""
    padded = F.pad(torch.eye(count)[None], (2, 2), mode="reflect")[0]
    return padded.unfold(1, 5, 1) @ (torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16)


def _patches(layer: Tensor, each: int, rng: torch.Generator) -> Tensor:
    """`each` patches from random places of every image: (N x each, C, 49)."""
    count, channels, height, width = layer.shape
    top = torch.randint(height - PATCH + 1, (count, each, 1), generator=rng)
    left = torch.randint(width - PATCH + 1, (count, each, 1), generator=rng)
    within = torch.arange(PATCH)[:, None] * width + torch.arange(PATCH)
    index = (top * width + left + within.flatten()).flatten(1)  # (N, each x 49)
    found = layer.flatten(2).gather(2, index[:, None].expand(-1, channels, -1).to(layer.device))
    return found.view(count, channels, each, PATCH**2).transpose(1, 2).flatten(0, 1)


def _normalised(patches: Tensor) -> Tensor:
    """Each channel of all patches (N, C, 49) with mean 0 and standard deviation 1; where all is alike, 0."""
    std, mean = torch.std_mean(patches, (0, 2), keepdim=True)
    return (patches - mean) / std.clamp(min=1e-6)


def _sorted(projected: Tensor) -> Tensor:
    """Columns of (patches, directions) as ascending rows, on the CPU."""
    if projected.device.type == "cpu":  # numpy's takes a fifth of the time there
        return torch.from_numpy(np.sort(projected.T.contiguous().numpy(), axis=1))
    return projected.T.sort(1).values.cpu()
