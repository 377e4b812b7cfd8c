"""When memory runs out: telling it from other errors, and giving back what a run has used."""

from __future__ import annotations

import gc
import math
from collections.abc import Sequence

import torch

_WORDS = ("can't allocate memory", "out of memory", "not enough memory", "alloc_failed")  # CPU; MPS; Windows; cuBLAS
_PIXELS = 2**24  # values of images that are worked on at a time


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, of the device or of the computer."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)


def at_once(image_shape: Sequence[int], most: int) -> int:
    """How many images of a shape to work on at a time: `most`, or fewer of large ones."""
    return max(1, min(most, _PIXELS // math.prod(image_shape)))


def give_back() -> None:
    """Free what nothing refers to: an error that ended a run holds its networks in a cycle, by its traceback."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
