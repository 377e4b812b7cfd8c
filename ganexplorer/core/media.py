"""Pictures on disk: PNG that remembers its z and model, contact sheets, GIF."""

from __future__ import annotations

import base64
import itertools
import json
import math
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from ganexplorer.core.errors import UserError
from ganexplorer.core.files import atomic_write, open_regular
from ganexplorer.core.render import Pixels

PNG_KEY = "ganexplorer"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a picture was made from: the model's name and z, (N, z_dim)."""

    model: str
    z: Tensor


def sheet(pixels: Pixels, columns: int | None = None, gap: int = 2) -> Pixels:
    """A contact sheet, (H', W') or (H', W', 3), of pictures (N, H, W[, 3]), row by row, black gaps between.

    `columns` defaults to the squarest layout.
    """
    count, height, width = pixels.shape[:3]
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    result = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, *pixels.shape[3:]), np.uint8)
    for i, picture in enumerate(pixels):
        y, x = (i // columns) * (height + gap), (i % columns) * (width + gap)
        result[y : y + height, x : x + width] = picture
    return result


def enlarge(picture: Pixels, zoom: int) -> Pixels:
    """Every pixel of (…, H, W) or (H, W, 3) as a crisp block of zoom x zoom."""
    return picture.repeat(zoom, axis=0).repeat(zoom, axis=1)


def save_png(path: Path | str, picture: Pixels, origin: Origin | None = None) -> None:
    """Write one picture, (H, W) or (H, W, 3); `origin` goes into its metadata, for `read_origin`."""
    info = PngImagePlugin.PngInfo()
    if origin is not None:
        z = origin.z.detach().cpu().to(torch.float32).numpy()
        data = {
            "model": origin.model,
            "shape": z.shape,
            "z": base64.b64encode(z.astype("<f4").tobytes()).decode(),
        }
        info.add_text(PNG_KEY, json.dumps(data))
    with _target(path) as file:
        Image.fromarray(picture).save(file, format="PNG", pnginfo=info)


def read_origin(path: Path | str) -> Origin | None:
    """The origin that `save_png` stored, or None for any other PNG."""
    with Image.open(path) as image:
        text = image.info.get(PNG_KEY)
    if not isinstance(text, str):
        return None
    try:
        data = json.loads(text)
        z = np.frombuffer(base64.b64decode(data["z"]), "<f4").reshape(data["shape"])
        return Origin(str(data["model"]), torch.from_numpy(z.astype(np.float32)))
    except (ValueError, KeyError, TypeError):
        return None


def save_gif(path: Path | str, frames: Iterable[Pixels], fps: float) -> None:
    """Write an endlessly repeating GIF of pictures (H, W) or (H, W, 3).

    GIF counts time in hundredths of a second: the delays of the frames alternate so that their mean is that of `fps`,
    which is at most 50 (players slow down shorter delays).
    """
    if not 0.01 <= fps <= 50:
        raise UserError(f"a GIF plays at 0.01 to 50 frames a second, not {fps:g}: choose --fps 0.01 to 50.")
    images = [Image.fromarray(frame) for frame in frames]
    edges = [round(100 * i / fps) for i in range(len(images) + 1)]
    delays = [10 * (b - a) for a, b in itertools.pairwise(edges)]
    with _target(path) as file:
        images[0].save(
            file,
            format="GIF",
            save_all=True,
            append_images=images[1:],
            duration=delays,
            loop=0,
            optimize=False,
        )


def save_npy(path: Path | str, values: Tensor) -> None:
    """Write a tensor as a float32 .npy file."""
    with _target(path) as file:
        np.save(file, values.detach().cpu().numpy().astype(np.float32))


def load_latents(path: Path | str, z_dim: int) -> Tensor:
    """Latents, (N, z_dim), of a .npy file of shape (N, z_dim) or (z_dim,); raises `UserError` for anything else."""
    try:
        with open_regular(path) as file:  # not np.load, which takes archives too and leaves them open
            values = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise UserError(f"{path}: not a .npy file of numbers ({error}).") from None
    if values.dtype.kind not in "fiu" or values.ndim not in (1, 2):
        raise UserError(f"{path}: expected an array of numbers, (N, {z_dim}).")
    if values.shape[-1] != z_dim:
        raise UserError(f"{path}: has {values.shape[-1]} values a latent, and this model takes {z_dim}.")
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if not np.isfinite(values).all() or values.size == 0:
        raise UserError(f"{path}: is empty or holds NaN or infinite values.")
    return torch.from_numpy(values.reshape(-1, z_dim))


def _target(path: Path | str) -> AbstractContextManager[IO[bytes]]:
    path = Path(path)
    if not path.parent.is_dir():
        raise UserError(f"{path}: its folder does not exist. Create {path.parent} first.")
    return atomic_write(path)
