"""Images to train on: REF -> an `ImageSource` whose images sit in memory as one uint8 tensor on the device.

REF is ``mnist[:DIR]``, ``folder:DIR``, ``toy:digits`` or ``toy:1010``.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol
from urllib.error import URLError

import numpy as np
import platformdirs
import psutil
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

from ganexplorer.core.errors import UserError
from ganexplorer.train.events import Notice, Progress
from ganexplorer.train.toys import draw_digits, pattern_1010

SOURCES = {
    "mnist": "mnist[:DIR]  handwritten digits, downloaded to DIR where they are not there yet",
    "folder": "folder:DIR  the pictures of a folder, also in class folders",
    "toy": "toy:digits  hand-drawn-looking digits, made on the spot;  toy:1010  four numbers",
}
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # EXIF orientation
FOLDER_SIZE = 64  # pixels, where the recipe does not say
TOY_DIGITS = 10_000
MEMORY_SHARE = 0.5  # of what is free, at most
MAX_SOURCE_PIXELS = 100_000_000


class DataError(UserError):
    """A REF that cannot be read; the text says why and what to use instead."""


Loading = Generator[Progress | Notice, None, "ImageSource"]


class ImageSource(Protocol):
    """Where batches come from."""

    image_shape: tuple[int, int, int]
    count: int | None  # images; None: drawn afresh, without end
    description: str

    def batch(self, step: int, size: int, rng: torch.Generator) -> Tensor:
        """The batch of step number `step` (from 1), (size, C, H, W) float32, [-1, 1], on the device.

        A set in memory depends on `step` and its seed alone, so that a resumed run goes on in mid-epoch.
        """


class ResidentImages:
    """All images as one uint8 tensor (N, C, H, W) on the device, in a new order each epoch.

    The order of epoch e is a permutation seeded by (seed, e); batches run on over its end, so that every image is seen
    once an epoch and every batch is full.
    """

    def __init__(self, images: Tensor, labels: Tensor, seed: int, description: str) -> None:
        self.images, self.labels = images, labels
        self.description = description
        self.count: int | None = len(images)
        channels, height, width = images.shape[1:]
        self.image_shape = (channels, height, width)
        self._seed = seed
        self._orders: dict[int, Tensor] = {}

    def batch(self, step: int, size: int, rng: torch.Generator) -> Tensor:
        """See `ImageSource.batch`; `rng` is not used."""
        count, first = len(self.images), (step - 1) * size
        parts, position = [], first
        while position < first + size:
            epoch, offset = divmod(position, count)
            part = self._order(epoch)[offset : offset + first + size - position]
            parts.append(part)
            position += len(part)
        index = parts[0] if len(parts) == 1 else torch.cat(parts)
        return self.images[index].float().mul_(1 / 127.5).sub_(1)

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            generator = torch.Generator().manual_seed((self._seed + 1) * 1_000_003 + epoch)
            order = torch.randperm(len(self.images), generator=generator).to(self.images.device)
            # the epoch that ends and the one that begins
            self._orders = {k: v for k, v in self._orders.items() if k == epoch - 1} | {epoch: order}
        return self._orders[epoch]


class FreshPattern:
    """The four numbers of pattern-1010, drawn afresh each step."""

    image_shape = (1, 1, 4)
    count: int | None = None
    description = "four numbers near 1 0 1 0, drawn afresh each step"

    def batch(self, step: int, size: int, rng: torch.Generator) -> Tensor:
        """See `ImageSource.batch`; drawn from `rng`."""
        return pattern_1010(size, rng)


def load(ref: str, image_size: int, device: torch.device, seed: int) -> Loading:
    """Read REF; a generator of progress that returns the source, for ``source = yield from load(...)``.

    Parameters
    ----------
    ref
        See the module.
    image_size
        Images are resized to a square of so many pixels; 0 keeps MNIST's and the toys' 28 and makes folders 64.
    seed
        Of the order of the images.

    Raises
    ------
    DataError
        Unknown REF, no such folder, no images, no network, not enough memory.
    """
    kind, _, rest = ref.partition(":")
    if kind == "toy" and rest == "1010":
        return FreshPattern()
    if kind == "toy" and rest == "digits":
        images, labels = yield from _toy_digits()
        description = f"{len(images):,} drawn digits"
    elif kind == "mnist":
        images, labels = yield from _mnist(Path(rest).expanduser() if rest else default_data_folder())
        description = f"MNIST, {len(images):,} digits"
    elif kind == "folder" and rest:
        images, labels = yield from _folder(Path(rest).expanduser(), image_size or FOLDER_SIZE, device)
        description = f"{len(images):,} pictures of {rest}"
    else:
        raise DataError(f"unknown data {ref!r}. Use one of: " + ";  ".join(SOURCES.values()) + ".")
    channels, height, width = images.shape[1:]
    size = image_size or height
    check_memory(len(images), (channels, size, size), device)
    if (height, width) != (size, size):
        images = _resized(images, size)
    return ResidentImages(images.to(device), labels, seed, f"{description}, {size}x{size}, {_channel_word(channels)}")


def default_data_folder() -> Path:
    """Where data sets are downloaded to (``platformdirs`` cache, or ``GANEXPLORER_HOME``)."""
    home = os.environ.get("GANEXPLORER_HOME")
    return (Path(home) if home else platformdirs.user_cache_path("ganexplorer", appauthor=False)) / "data"


def is_mnist_present(folder: Path | None = None) -> bool:
    """Whether `folder` (default: `default_data_folder`) holds MNIST in torchvision's layout."""
    raw = (folder or default_data_folder()) / "MNIST" / "raw"
    parts = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return all((raw / f"{part}-ubyte").is_file() for part in parts)


def ref_of_folder(folder: Path) -> str:
    """REF of a folder that a person chose: MNIST where it holds MNIST, else its pictures."""
    for root in (folder, folder.parent, folder.parent.parent):  # DIR, DIR/MNIST or DIR/MNIST/raw
        if is_mnist_present(root):
            return f"mnist:{root}"
    return f"folder:{folder}"


def check_memory(count: int, image_shape: tuple[int, int, int], device: torch.device) -> None:
    """Refuse, with the numbers, a set that would take more than half of the memory that is free on the device."""
    needed = count * math.prod(image_shape)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
    else:
        free = psutil.virtual_memory().available
    if needed > free * MEMORY_SHARE:
        raise DataError(
            f"{count:,} images of {' x '.join(map(str, image_shape))} take {needed / 1e9:.1f} GB, and at most "
            f"{free * MEMORY_SHARE / 1e9:.1f} GB of the {free / 1e9:.1f} GB free on {device} may be used. "
            "Use fewer images or a smaller image_size."
        )


def _toy_digits() -> Generator[Progress, None, tuple[Tensor, Tensor]]:
    images, labels, done = [], [], 0
    for chunk, chunk_labels in draw_digits(TOY_DIGITS, seed=0):
        images.append(chunk)
        labels.append(chunk_labels)
        done += len(chunk)
        yield Progress("Drawing digits", done, TOY_DIGITS)
    return torch.cat(images), torch.cat(labels)


def _mnist(folder: Path) -> Generator[Progress, None, tuple[Tensor, Tensor]]:
    from torchvision.datasets import MNIST  # slow to import

    present = is_mnist_present(folder)
    yield Progress("Reading MNIST" if present else f"Downloading MNIST to {folder}", 0, 0)
    try:
        data = MNIST(str(folder), train=True, download=not present)
    except (URLError, OSError, RuntimeError, ValueError, AssertionError, IndexError) as error:
        if present:
            raise DataError(
                f"{folder}: its MNIST files are damaged ({error}). Delete {folder / 'MNIST'} and load again."
            ) from None
        # torchvision packs what each of its mirrors said into one long text
        told = re.search(r"<urlopen error (?:\[Errno -?\d+\] )?([^>]*)>", str(error))
        reason = told[1] if told else "no network, or the servers do not answer"
        raise DataError(
            f"MNIST is not in {folder} and cannot be downloaded ({reason}). Use mnist:DIR with a folder that has "
            "MNIST/raw, or toy:digits, which needs no network."
        ) from None
    return data.data[:, None], data.targets


def _folder(folder: Path, size: int, device: torch.device) -> Generator[Progress | Notice, None, tuple[Tensor, Tensor]]:
    """Decode all pictures of a folder, square crops of the middle resized to `size`, in threads."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. Use folder:DIR with a folder of pictures.")
    paths = list(_image_paths(folder))
    if not paths:
        raise DataError(
            f"{folder}: no pictures in it or in its class folders. Known endings: {', '.join(sorted(IMAGE_SUFFIXES))}."
        )
    # a first look at the headers: gray stays gray only where all pictures are
    gray = True
    for number, path in enumerate(paths):
        gray = gray and _is_gray(path)
        if number % 256 == 0:
            yield Progress("Looking at pictures", number, len(paths))
        if not gray:
            break
    channels = 1 if gray else 3
    check_memory(len(paths), (channels, size, size), device)
    classes = {name: i for i, name in enumerate(sorted({p.parent.relative_to(folder).as_posix() for p in paths}))}
    images = np.empty((len(paths), channels, size, size), np.uint8)
    labels, broken, kept = [], [], 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), 256):
            chunk = paths[start : start + 256]
            for path, picture in zip(chunk, pool.map(lambda p: _decode(p, size, gray), chunk), strict=True):
                if picture is None:
                    broken.append(path)
                    continue
                images[kept] = picture
                labels.append(classes[path.parent.relative_to(folder).as_posix()])
                kept += 1
            yield Progress("Reading pictures", start + len(chunk), len(paths))
    if broken:
        names = ", ".join(path.name for path in broken[:3]) + (", …" if len(broken) > 3 else "")
        if not kept:
            raise DataError(f"{folder}: none of its {len(paths):,} pictures can be read ({names}).")
        yield Notice(f"{len(broken):,} of {len(paths):,} pictures cannot be read and are left out: {names}")
    return torch.from_numpy(images[:kept]), torch.tensor(labels)


def _image_paths(folder: Path) -> Iterator[Path]:
    """Pictures of the folder and of its class folders, sorted; hidden ones left out."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            found = [path for path in sorted(entry.iterdir()) if not path.name.startswith(".")]
        else:
            found = [entry]
        yield from (path for path in found if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())


def _is_gray(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError, SyntaxError, Image.DecompressionBombError), Image.open(path) as image:
        return image.mode in ("1", "L", "LA", "I", "I;16", "F")
    return True  # broken: left out later, it decides nothing


def _decode(path: Path, size: int, gray: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None:
    """The picture as (C, size, size) uint8; None when it cannot be read."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_SOURCE_PIXELS:
                return None
            # JPEG can decode at a fraction of its size
            image.draft("L" if gray else "RGB", (2 * size, 2 * size))
            upright = _upright(image)
            square = ImageOps.fit(_flattened(upright, gray), (size, size), Image.Resampling.LANCZOS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    pixels = np.asarray(square, np.uint8)
    return pixels[None] if gray else pixels.transpose(2, 0, 1)


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF orientation says. `ImageOps.exif_transpose` also rewrites the EXIF and fails on odd ones."""
    turn = _TURNS.get(image.getexif().get(0x0112, 1))
    return image if turn is None else image.transpose(turn)


def _flattened(image: Image.Image, gray: bool) -> Image.Image:
    """8 bits, gray or RGB, transparent parts on white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float64)
        depth = 65535 if image.mode.startswith("I;16") or values.max(initial=0) > 255 else 255
        image = Image.fromarray((values / depth * 255).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    return image.convert("L" if gray else "RGB")


def _resized(images: Tensor, size: int) -> Tensor:
    chunks = [
        F.interpolate(chunk.float(), size=(size, size), mode="bilinear", antialias=True).round_().clamp_(0, 255).byte()
        for chunk in torch.split(images, 4096)
    ]
    return torch.cat(chunks)


def _channel_word(channels: int) -> str:
    return {1: "gray", 3: "colour"}.get(channels, f"{channels} channels")
