"""When a fresh discriminator has caught up with a trained generator."""

from __future__ import annotations

import math

WINDOW = 50  # steps
STILL = 0.02  # of the first loss: a smaller fall from one window to the next is none


class Settling:
    """Watches D's loss while D trains alone, until it no longer falls, or for `limit` steps."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._losses: list[float] = []
        self._first = 0.0  # mean of the first window
        self._count = 0
        self.is_over = limit == 0

    def add(self, loss: float) -> None:
        """Take note of the loss of one more step; one that is not finite tells nothing."""
        if not math.isfinite(loss):
            return
        self._count += 1
        self._losses = [*self._losses, loss][-2 * WINDOW :]
        if self._count == WINDOW:
            self._first = sum(self._losses) / WINDOW
        if self._count % WINDOW == 0 and len(self._losses) == 2 * WINDOW:
            before, now = sum(self._losses[:WINDOW]) / WINDOW, sum(self._losses[WINDOW:]) / WINDOW
            self.is_over = before - now < STILL * abs(self._first)
        self.is_over = self.is_over or self._count >= self._limit

    def state_dict(self) -> dict[str, object]:
        """Plain numbers, for `load_state_dict`."""
        return {"losses": self._losses, "first": self._first, "count": self._count, "is_over": self.is_over}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on where `state_dict` was taken."""
        self._losses, self._first = list(state["losses"]), float(state["first"])  # type: ignore[call-overload, arg-type]
        self._count, self.is_over = int(state["count"]), bool(state["is_over"])  # type: ignore[call-overload]
