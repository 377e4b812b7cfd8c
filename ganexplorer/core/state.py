"""What a person has made in the window, as values that never change: each edit makes a new `State`.

Every latent is a float32 tensor, (z_dim,), and is never changed in place.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganexplorer.core.directions import Direction
from ganexplorer.core.latent import PathMode

GalleryOrder = Literal["drawn", "most real first", "least real first"]


@dataclass(frozen=True, slots=True, eq=False)
class Bookmark:
    name: str
    z: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """A latent in the basket and its weight, which may be negative."""

    z: Tensor
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All that undo restores.

    Bookmarks, directions, stars and shares stay when a model of another z_dim is opened, where they do not fit and
    are not shown; z, A, B and the key frames are carried over.

    Attributes
    ----------
    node
        The number of the step in the history that z is at.
    truncation
        What a new sample's distance from the prior's centre is multiplied by; z itself has it already.
    a, b, middle
        The key frames of the morph: its first, its last, and those between.
    locked
        Dimensions that random, zero, drags, directions, the wheel and their own slider leave as they are.
    """

    z: Tensor
    node: int = 0
    truncation: float = 1.0
    a: Tensor | None = None
    b: Tensor | None = None
    middle: tuple[Tensor, ...] = ()
    locked: frozenset[int] = frozenset()
    directions: tuple[Direction, ...] = ()
    bookmarks: tuple[Bookmark, ...] = ()
    stars: tuple[Tensor, ...] = ()
    basket: tuple[Share, ...] = ()

    @property
    def keys(self) -> tuple[Tensor, ...]:
        """The key frames that there are, in order."""
        return tuple(z for z in (self.a, *self.middle, self.b) if z is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A place in the history: z, and the step that it was reached from (None at a root)."""

    number: int
    parent: int | None
    z: Tensor


@dataclass(frozen=True, slots=True)
class Morph:
    """How the key frames are joined, and how play goes over them.

    Attributes
    ----------
    loop, spline
        Back to the first key; smoothly through the keys instead of in corners.
    even
        Equal perceptual steps: t is warped until pictures change evenly.
    reach
        How far play, slider and export go beyond both ends, as a share of the whole path.
    seconds
        One way from the first key to the last.
    ping_pong
        There and back again, instead of from the start each time.
    """

    mode: PathMode = "slerp"
    loop: bool = False
    spline: bool = False
    even: bool = False
    reach: float = 0.0
    seconds: float = 2.0
    ping_pong: bool = True


@dataclass(frozen=True, slots=True)
class Gallery:
    """Which samples the gallery shows: the `count` latents of a seed, truncated (`latent.truncate`), in an order."""

    seed: int = 0
    truncation: float = 1.0
    count: int = 64
    order: GalleryOrder = "drawn"


def with_latents(state: State, latents: dict[int, Tensor]) -> State:
    """`state` with z and the key frames replaced by ``latents[id(z)]``; other fields are untouched."""
    return dataclasses.replace(
        state,
        z=latents[id(state.z)],
        a=None if state.a is None else latents[id(state.a)],
        b=None if state.b is None else latents[id(state.b)],
        middle=tuple(latents[id(z)] for z in state.middle),
        locked=frozenset(i for i in state.locked if i < len(latents[id(state.z)])),
    )


def fits(z: Tensor, other: Tensor) -> bool:
    """Whether two latents have the same dimensions."""
    return z.shape == other.shape


def is_same(a: Tensor | None, b: Tensor | None) -> bool:
    """Equal bit for bit, or both absent."""
    if a is None or b is None:
        return a is b
    return a is b or torch.equal(a, b)
