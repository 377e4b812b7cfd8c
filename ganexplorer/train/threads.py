"""How many threads of the CPU a training computes with: a run keeps its number, for sums depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ganexplorer.train.config import TrainConfig


def beside_a_hand(config: TrainConfig) -> int:
    """The number for a training beside a window: for an MLP one core is left to the window.

    An MLP's operations are so small that the last core adds little, and where a hand takes that core for a moment the
    others wait for it (measured: docs/benchmarks.md).
    """
    threads = torch.get_num_threads()
    return max(1, threads - 1) if config.family == "mlp" else threads


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
