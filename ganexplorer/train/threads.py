"""How many threads of the CPU a training computes with: a run keeps its number, for sums depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def threads_of_run(count: int) -> Iterator[int]:
    """Compute with so many threads inside the block, at most with those that there are; 0: with these. Gives it."""
    there = torch.get_num_threads()
    count = min(count or there, there)
    torch.set_num_threads(count)
    try:
        yield count
    finally:
        torch.set_num_threads(there)
