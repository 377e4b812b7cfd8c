"""Bringing images of any size to one: pictures (Pillow) while they are decoded, and tensors already in memory."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from ganexplorer.train.events import Progress
from ganexplorer.train.preparation import Fit
from ganexplorer.train.progress import Pace

_CHUNK = 256  # images of a tensor at a time


def fit_picture(image: Image.Image, size: tuple[int, int], fit: Fit) -> NDArray[np.uint8]:
    """A picture of mode L or RGB as (C, height, width) of `size` (height, width), by Lanczos resampling."""
    height, width = size
    match fit:
        case "crop":
            fitted = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
        case "stretch":
            fitted = image.resize((width, height), Image.Resampling.LANCZOS)
        case "pad":
            inner = contained((image.height, image.width), size)
            fitted = image.resize((inner[1], inner[0]), Image.Resampling.LANCZOS)
    pixels = np.atleast_3d(np.asarray(fitted, np.uint8)).transpose(2, 0, 1)[None]
    bars: NDArray[np.uint8] = with_bars(pixels, size)[0]
    return bars


def fit_images(images: Tensor, size: tuple[int, int], fit: Fit) -> Generator[Progress, None, Tensor]:
    """Images (N, C, h, w) uint8 brought to `size` (height, width), by antialiased bilinear resampling."""
    if images.shape[2:] == size:
        return images
    pace, fitted = Pace(), torch.empty((*images.shape[:2], *size), dtype=torch.uint8)
    inner = contained((images.shape[2], images.shape[3]), size) if fit == "pad" else size
    if fit == "crop":
        top, left, height, width = _middle((images.shape[2], images.shape[3]), size)
        images = images[:, :, top : top + height, left : left + width]
    for start in range(0, len(images), _CHUNK):
        part = slice(start, start + _CHUNK)
        resized = F.interpolate(images[part].float(), size=inner, mode="bilinear", antialias=True)
        pixels = resized.round_().clamp_(0, 255).byte()
        fitted[part] = torch.from_numpy(with_bars(pixels.numpy(), size))
        if pace.is_due():
            yield Progress("Resizing images", start, len(images))
    return fitted


def with_channels(images: Tensor, channels: int) -> Tensor:
    """Gray or colour images (N, C, H, W) uint8 with 1 or 3 channels; 0: as they are.

    Gray is the luma of ITU-R BT.601, .299 R + .587 G + .114 B, in Pillow's integers; colour from gray is gray thrice.
    """
    if channels in (0, images.shape[1]):
        return images
    if channels == 3:
        return images.repeat(1, 3, 1, 1)
    red, green, blue = images.int().unbind(1)
    return ((red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16).byte()[:, None]


def contained(original: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The largest (height, width) in the proportions of `original` that lies within `size`; at least one pixel."""
    scale = min(size[0] / original[0], size[1] / original[1])
    height, width = (min(limit, max(1, round(side * scale))) for side, limit in zip(original, size, strict=True))
    return height, width


def with_bars(images: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Images (N, C, h, w) in the middle of larger ones of `size`; round each the median colour of its own border."""
    height, width = images.shape[2:]
    if (height, width) == size:
        return images
    edges = (images[:, :, 0], images[:, :, -1], images[:, :, 1:-1, 0], images[:, :, 1:-1, -1])
    border = np.concatenate(edges, 2)  # (N, C, pixels)
    middle = border.shape[2] // 2
    colour = np.partition(border, middle, 2)[:, :, middle, None, None]  # of each channel for itself
    framed = np.empty((*images.shape[:2], *size), np.uint8)
    framed[:] = colour
    left, top = (size[1] - width) // 2, (size[0] - height) // 2
    framed[:, :, top : top + height, left : left + width] = images
    return framed


def _middle(original: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Top, left, height and width of the largest middle part of `original` in the proportions of `size`."""
    (height, width), (goal_height, goal_width) = original, size
    if width * goal_height > height * goal_width:
        part = height, max(1, round(height * goal_width / goal_height))
    else:
        part = max(1, round(width * goal_height / goal_width)), width
    return (height - part[0]) // 2, (width - part[1]) // 2, *part
