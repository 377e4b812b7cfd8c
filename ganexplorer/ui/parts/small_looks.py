"""The looks that a list or tree of latents paints: how large, and which while the newest is not made yet."""

from __future__ import annotations

import math
from collections import OrderedDict

from torch import Tensor

from ganexplorer.ui.work.studio import Look, Studio

MOST_KEPT = 600


class SmallLooks:
    """Looks of the studio. Until a look is made, that of the model before: one in training would flicker otherwise."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._last: OrderedDict[int, tuple[Tensor, Look]] = OrderedDict()

    def look(self, z: Tensor) -> Look | None:
        """To be asked in each paint, for what is visible alone."""
        look = self._studio.look(z)
        if look is None:
            return self._last[id(z)][1] if id(z) in self._last else None
        self._last[id(z)] = (z, look)  # with z, so that no other gets its id
        self._last.move_to_end(id(z))
        while len(self._last) > MOST_KEPT:
            self._last.popitem(last=False)
        return look


def side_of(image_shape: tuple[int, int, int], most: int, ratio: float) -> float:
    """The side, in logical pixels, of a square for pictures (C, H, W): the largest whole zoom up to `most`.

    Larger pictures are scaled down to it. `ratio`: pixels of the screen in a logical one.
    """
    _, height, width = image_shape
    zoom = math.floor(most * ratio / max(height, width))
    if zoom < 1 or height == 1:
        return most
    return max(height, width) * zoom / ratio
