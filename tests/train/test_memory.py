from __future__ import annotations

import pytest
import torch

from ganexplorer.train.memory import at_once, is_out_of_memory


@pytest.mark.parametrize(
    ("shape", "most", "count"),
    [((1, 28, 28), 500, 500), ((3, 64, 64), 1000, 1000), ((3, 256, 256), 1000, 85), ((3, 4096, 4096), 1000, 1)],
)
def test_large_images_are_worked_on_a_few_at_a_time(shape: tuple[int, int, int], most: int, count: int) -> None:
    assert at_once(shape, most) == count


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            True,
        ),
        (RuntimeError("shapes cannot be multiplied"), False),
        (OSError("out of memory"), False),
    ],
)
def test_errors_that_say_that_memory_ran_out_are_told_from_others(error: Exception, is_it: bool) -> None:
    assert is_out_of_memory(error) is is_it
