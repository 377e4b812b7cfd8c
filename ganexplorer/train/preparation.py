"""What is done to images before training: size, shape, channels, classes. A value; `data` carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fit = Literal["crop", "pad", "stretch"]


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a data set becomes a tensor of equal images.

    Attributes
    ----------
    size
        Height and width in pixels; (0, 0) keeps the data's own (64 for folders, whose pictures differ).
    fit
        ``crop``: the largest middle part of the wanted shape; ``pad``: all of the picture, with bars in the colour of
        its border's median; ``stretch``: all of it, squeezed.
    flip
        Each image mirrored left to right with probability 1/2, drawn anew every epoch.
    classes
        Names or numbers of the classes to keep, separated by commas; empty: all.
    channels
        1: gray; 3: colour; 0: as the data is.
    """

    size: tuple[int, int] = (0, 0)
    fit: Fit = "crop"
    flip: bool = False
    classes: str = ""
    channels: int = 0
