"""What the training tests share: a small folder of pictures, a tiny MNIST."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def random_picture(seed: int, size: int = 16) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)
    return Image.fromarray(values)


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven gray pictures of 16x16: no batch size of the tests divides them."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(11):
        random_picture(number).save(folder / f"{number:02d}.png")
    return folder


def write_idx(path: Path, values: np.ndarray) -> None:
    """The IDX format: two zero bytes, type 8 (uint8), dimensions, each size as a big-endian int32, the bytes."""
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}i", *values.shape)
    path.write_bytes(header + values.astype(np.uint8).tobytes())


@pytest.fixture(scope="session")
def tiny_mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirteen random 28x28 "digits" in torchvision's layout; digit i has label i % 10 and first pixel i."""
    folder = tmp_path_factory.mktemp("tiny-mnist")
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 13), ("t10k", 3)):
        images = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        images[:, 0, 0] = np.arange(count)
        write_idx(raw / f"{part}-images-idx3-ubyte", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte", np.arange(count) % 10)
    return folder
