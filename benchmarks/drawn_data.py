"""Data sets for benchmarks, drawn by the program and written as tutorials find theirs: nothing needs a download."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganexplorer.train.toy_faces import draw_faces
from ganexplorer.train.toys import draw_digits


def digits(folder: Path, count: int = 19_200) -> Path:
    """Write drawn digits as MNIST's files, where torchvision looks in `folder`; whole batches of 64, 100 and 128."""
    images, labels = (torch.cat(part).numpy() for part in zip(*draw_digits(count), strict=True))
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        _write_idx(raw / f"{part}-images-idx3-ubyte", images[:, 0])
        _write_idx(raw / f"{part}-labels-idx1-ubyte", labels.astype(np.uint8))
    return folder


def faces(folder: Path, count: int = 3_072) -> Path:
    """Write drawn faces of 64x64 (whole batches of 128) as JPEG files in one class folder."""
    target = folder / "faces"
    target.mkdir(parents=True)
    number = 0
    for images, _ in draw_faces(count):
        for picture in images.permute(0, 2, 3, 1).numpy():
            Image.fromarray(picture).save(target / f"{number:05}.jpg", quality=92)
            number += 1
    return folder


def _write_idx(path: Path, values: np.ndarray) -> None:
    header = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(header + np.ascontiguousarray(values).tobytes())
