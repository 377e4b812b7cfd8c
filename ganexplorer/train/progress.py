"""Long work as a generator of progress: when its next event is due, and what it returns."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TypeVar

PACE_SECONDS = 0.1  # between two events of work that takes long

_T = TypeVar("_T")


class Pace:
    """Tells when the next event of long work is due."""

    def __init__(self) -> None:
        self._next = time.monotonic() + PACE_SECONDS

    def is_due(self) -> bool:
        """True once every `PACE_SECONDS`."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + PACE_SECONDS
        return True


def finished(working: Generator[object, None, _T]) -> _T:
    """What a generator of progress returns, its progress unseen."""
    while True:
        try:
            next(working)
        except StopIteration as end:
            result: _T = end.value
            return result
