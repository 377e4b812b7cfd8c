"""What ails a training, in plain words, from what is measured anyway."""

from __future__ import annotations

from ganexplorer.train.events import Scalars
from ganexplorer.train.losses import LossName


class Doctor:
    """Looks at the scalars of a run as they come."""

    def __init__(self, loss: LossName) -> None:
        self._loss = loss

    def examine(self, scalars: Scalars) -> list[str]:
        """What is wrong since now, each in a sentence with advice; said once."""
        return []
