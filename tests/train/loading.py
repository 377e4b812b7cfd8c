"""Loading data to its end, and pictures that are easy to tell apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image

from ganexplorer.train import data
from ganexplorer.train.classes import Attributes
from ganexplorer.train.data import ImageSource, Loading, ResidentImages
from ganexplorer.train.events import Notice, Progress
from ganexplorer.train.preparation import Preparation

CPU = torch.device("cpu")
NO_ATTRIBUTES = Attributes((), np.zeros((0, 0), bool))


def drained(loading: Loading) -> tuple[ImageSource, list[Progress | Notice]]:
    """The source and what was said on the way."""
    said = []
    while True:
        try:
            said.append(next(loading))
        except StopIteration as done:
            return done.value, said


def prepared(ref: str, seed: int = 0, **preparation: Any) -> ResidentImages:
    source, _ = drained(data.load(ref, Preparation(**preparation), CPU, seed))
    assert isinstance(source, ResidentImages)
    return source


def notices(said: list[Progress | Notice]) -> list[str]:
    return [event.text for event in said if isinstance(event, Notice)]


def plain(colour: Any, mode: str = "RGB", size: tuple[int, int] = (16, 16)) -> Image.Image:
    return Image.new(mode, size, colour)
