"""One picture file -> pixels, or in plain words why not. Whatever the file holds, it costs that picture alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ganexplorer.core.errors import plain
from ganexplorer.core.files import FileError, open_regular
from ganexplorer.train.fitting import fit_picture
from ganexplorer.train.preparation import Preparation

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # what a file may hold, whatever its name says
MAX_SOURCE_PIXELS = 89_000_000  # below Pillow's own limit, where it begins to warn
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # EXIF orientation


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded: (C, height, width) uint8, 1 channel where the file is gray, and the original (width, height)."""

    pixels: NDArray[np.uint8]
    original: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a picture cannot be read, as the end of a sentence that begins with its name."""

    reason: str


def decode(path: Path, preparation: Preparation) -> Picture | Unreadable:
    """Read a picture, set upright, its first frame, transparent parts on white; `preparation.size` without zeros."""
    try:
        with open_regular(path) as file:
            if not file.read(1):
                return Unreadable("is empty")
            file.seek(0)
            with Image.open(file, formats=FORMATS) as image:
                original = image.size
                if image.width * image.height > MAX_SOURCE_PIXELS:
                    return Unreadable(_too_large(f"has {image.width:,} x {image.height:,} pixels"))
                # JPEG can decode at a fraction of its size, and straight to gray; it may lie on its side
                side = 2 * max(preparation.size)
                image.draft("L" if preparation.channels == 1 else None, (side, side))
                flat = _flattened(_upright(image), preparation.channels)
                return Picture(fit_picture(flat, preparation.size, preparation.fit), original)
    except FileError as error:
        return Unreadable(str(error).rpartition(": ")[2])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Unreadable(_too_large(f"has more than {MAX_SOURCE_PIXELS / 1e6:.0f} million pixels"))
    except UnidentifiedImageError:
        return Unreadable("is no picture of a known format")
    except MemoryError:
        return Unreadable("takes more memory than there is")
    except Exception as error:  # what the decoders raise on strangers' bytes is of any kind
        if "truncated" in str(error):
            return Unreadable("is cut off: its end is missing")
        return Unreadable(plain(f"is damaged ({error or type(error).__name__})", 200))


def _too_large(what: str) -> str:
    return f"{what}, and at most {MAX_SOURCE_PIXELS / 1e6:.0f} million are read"


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF orientation says. `ImageOps.exif_transpose` also rewrites the EXIF and fails on odd ones."""
    try:
        turn = _TURNS.get(image.getexif().get(0x0112, 1))
    except Exception:  # what a camera wrote decides over how it stands, not whether it is a picture
        turn = None
    return image if turn is None else image.transpose(turn)


def _flattened(image: Image.Image, channels: int) -> Image.Image:
    """8 bits, gray (L) or colour (RGB) as `channels` asks, 0: as the picture is; transparent parts on white."""
    gray = channels == 1 or (channels == 0 and (image.mode in ("1", "L", "LA", "F") or image.mode.startswith("I")))
    if image.mode.startswith("I") or image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float64), posinf=0, neginf=0)
        highest = values.max(initial=0)
        depth = 65535 if image.mode.startswith("I;16") or highest > 255 else 255
        if image.mode == "F" and highest <= 1:
            depth = 1
        image = Image.fromarray((values / depth * 255).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    return image.convert("L" if gray else "RGB")
