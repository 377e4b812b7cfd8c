"""From the features of drawn faces to lengths and colours."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganexplorer.train.face_features import Faces

_FAR = 9.0  # the field of a shape that is not there: more than any distance in a picture


def _palette(colours: str) -> Tensor:
    """(K, 3) in [0, 1] from words like "ffcc00"."""
    return torch.tensor([[int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)] for colour in colours.split()])


_SKIN = _palette("543629 714834 8f5b3e b27850 d09a6c e8b78c f5cfab fde0cb")  # deep to light
_HAIR = _palette("2b2630 4a3128 80502f dfb362 b9552f a6a8b2")
_HAIR_LIGHT = _palette("4d4656 74503f ad7547 f6dc9c e08a52 d9dae0")
# of the background the colour outside, and that at the end of the gradient, of the disc, or in the middle of the glow
GROUND_NEAR = _palette("f6d6a8 f4b8a0 fae3c0 f3c6cf eeb583 f2d98c a9d9cf a7cbe8 c6c3ea bcd9b4 8fb6cc d5e3ec")
GROUND_FAR = _palette("fbe9cf fad7c3 fdf3df fbe2e4 f8d5ae f9ecbb d0eee6 d0e6f7 e2e0f8 dcefd5 b9d5e3 f1f6fa")
SHIRT = _palette("e2604a 2f7f9f 27496d edb84c 5c917f 444861 f3efe2 8464a6 c25a6e 3f9088")
SHIRT_TRIM = _palette("fbe9d7 d9eef2 f2c76b fff6e0 eef3e6 e98a6b 7d93ad eadcf5 fbe3dc e9f5ef")
IRIS = _palette("5e3b26 8a6a35 4f8a5b 3f82bf 72808c")
RIM = _palette("26242c 5a3a2a 9a3c3c 9c7426")
INK, WHITE, CAVITY, TONGUE, GOLD = _palette("2a2028 fdfbf7 6e2530 d9707a f0c45c").unsqueeze(1)  # (1, 3)

# Factors on what lies in the shade, (1, 3); skin turns redder, all else cooler.
SKIN_SHADE = torch.tensor([[0.88, 0.80, 0.78]])
SHADE = torch.tensor([[0.74, 0.71, 0.75]])


@dataclass(frozen=True)
class Head:
    """Lengths of n heads, each (n, 1, 1) in the head's own units, and their colours, each (n, 3)."""

    faces: Faces
    a: Tensor  # half width
    b: Tensor  # half height
    square: Tensor
    taper: Tensor
    eye_x: Tensor  # from the middle of the face to the middle of an eye
    eye_a: Tensor  # half width
    eye_b: Tensor  # half height
    skin: Tensor
    skin_light: Tensor
    lips: Tensor
    hair: Tensor
    hair_light: Tensor
    hair_dark: Tensor

    def of(self, feature: str) -> Tensor:
        """A feature as (n, 1, 1)."""
        values: Tensor = getattr(self.faces, feature)
        return values.view(-1, 1, 1)

    def is_of(self, feature: str, kinds: tuple[str, ...], *some: str) -> Tensor:
        """Whether a feature is of some of its kinds, (n, 1, 1)."""
        return torch.isin(self.of(feature), torch.tensor([kinds.index(kind) for kind in some]))

    def only(self, has: Tensor, field: Tensor) -> Tensor:
        """The field of something that only those faces have for which `has`, (n, 1, 1), is true."""
        return torch.maximum(field, torch.where(has, -_FAR, _FAR))


def measured(faces: Faces) -> Head:
    """Lengths and colours of faces."""
    place = faces.skin * (len(_SKIN) - 1)
    low = place.long().clamp_(max=len(_SKIN) - 2)
    skin = _SKIN[low].lerp(_SKIN[low + 1], (place - low)[:, None])
    skin = skin + faces.undertone[:, None] * torch.tensor([0.006, 0.009, -0.030])
    # lips are redder than the skin: darker than light skin, brighter than deep skin
    lips = skin * torch.tensor([0.78, 0.48, 0.48]) + (1.0 - skin) * torch.tensor([0.20, 0.05, 0.07])
    lips = lips.lerp(torch.tensor([0.80, 0.25, 0.29]), faces.lips[:, None] * 0.75)
    dark, light = _HAIR[faces.hair_colour], _HAIR_LIGHT[faces.hair_colour]
    hair = dark.lerp(light, 0.15 + 0.28 * faces.hair_tone[:, None])

    def length(values: Tensor) -> Tensor:
        return values.view(-1, 1, 1)

    return Head(
        faces=faces,
        a=length(0.415 + 0.04 * faces.width),
        b=length(0.505 + 0.02 * faces.height),
        square=length(0.5 * faces.jaw),
        taper=length(0.12 + 0.16 * faces.chin),
        eye_x=length(0.185 + 0.018 * faces.eye_distance + 0.008 * faces.width),
        eye_a=length(0.092 + 0.019 * faces.eye_size),
        eye_b=length((0.086 + 0.022 * faces.eye_size) * (0.82 + 0.24 * faces.openness)),
        skin=skin,
        skin_light=(skin * 1.12 + 0.03).clamp_(max=1.0),
        lips=lips,
        hair=hair,
        hair_light=hair.lerp(light, 0.75),
        hair_dark=hair * SHADE,
    )
