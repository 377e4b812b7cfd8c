"""What makes a drawn face: some forty numbers, and the attributes that follow from them.

No number depends on another one, so that what a direction in a latent space changes can be told from what it should
leave alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

GROUNDS = ("gradient", "disc", "glow")
WARM_GROUNDS = 6  # of the colours of the background the first are warm, the others cool
GROUND_COLOURS = 12
SHIRTS = ("plain", "striped", "jacket")
SHIRT_COLOURS = 10
HAIR_STYLES = ("bald", "short", "quiff", "side parting", "afro", "long", "bob", "bun", "puffs", "curls")
WITH_FRINGE = ("short", "long", "bob", "bun", "curls")
HAIR_COLOURS = ("black", "brown", "chestnut", "blond", "red", "gray")
EYE_COLOURS = ("brown", "hazel", "green", "blue", "gray")
BEARDS = ("none", "stubble", "moustache", "full")
GLASSES = ("none", "round", "square")
RIM_COLOURS = 4


@dataclass(frozen=True)
class Faces:
    """The features of n faces, each a tensor (n,): float32 where it is a matter of degree, int64 where it is a kind.

    A degree lies in [-1, 1], with 0 for the average, unless its comment says otherwise. A picture depends on these
    numbers alone: change one of them with ``dataclasses.replace``, and nothing else in the picture changes.
    """

    shift_x: Tensor  # of the head, left to right
    shift_y: Tensor  # up to down
    scale: Tensor  # small to large
    tilt: Tensor  # of the head, to the left to to the right
    ground: Tensor  # kind: `GROUNDS`
    ground_colour: Tensor  # kind: one of `GROUND_COLOURS`
    shirt: Tensor  # kind: `SHIRTS`
    shirt_colour: Tensor  # kind: one of `SHIRT_COLOURS`
    skin: Tensor  # [0, 1]: deep to light
    undertone: Tensor  # of the skin, cool to warm
    blush: Tensor  # [0, 1]: of the cheeks
    width: Tensor  # of the face, narrow to round
    height: Tensor  # of the face, short to long
    jaw: Tensor  # [0, 1]: round to square
    chin: Tensor  # [0, 1]: broad to pointed
    hair: Tensor  # kind: `HAIR_STYLES`
    hair_colour: Tensor  # kind: `HAIR_COLOURS`; of brows and beard, too
    hair_tone: Tensor  # dark to light within its colour
    volume: Tensor  # of the hair
    length: Tensor  # of hair that hangs down, short to long
    parting: Tensor  # where the hair is parted, left to right
    fringe: Tensor  # kind: 1 where hair falls on the forehead, with the styles `WITH_FRINGE`
    eye_colour: Tensor  # kind: `EYE_COLOURS`
    eye_size: Tensor  # small to big
    eye_distance: Tensor  # close to wide apart
    openness: Tensor  # of the eyes
    gaze: Tensor  # left to right
    brow_weight: Tensor  # thin to thick
    brow_angle: Tensor  # worried (inner ends up) to stern (inner ends down)
    nose: Tensor  # small to large
    mouth: Tensor  # curve: frown to smile
    mouth_open: Tensor  # [0, 1]: 0 is shut
    mouth_width: Tensor  # narrow to wide
    lips: Tensor  # [0, 1]: pale to red
    beard: Tensor  # kind: `BEARDS`
    glasses: Tensor  # kind: `GLASSES`
    rim: Tensor  # kind: colour of the glasses, one of `RIM_COLOURS`
    earrings: Tensor  # kind: 1 where there are some

    def __len__(self) -> int:
        return len(self.mouth)

    def __getitem__(self, part: slice) -> Faces:
        """Some of the faces."""
        return Faces(**{field.name: getattr(self, field.name)[part] for field in fields(self)})

    def attributes(self) -> Tensor:
        """Bool (n, A): which of the `FACE_ATTRIBUTES` the faces have."""
        return torch.stack([has(self) for has in _ATTRIBUTES.values()], dim=1)


def _hair(*styles: str) -> Callable[[Faces], Tensor]:
    numbers = torch.tensor([HAIR_STYLES.index(style) for style in styles])
    return lambda faces: torch.isin(faces.hair, numbers)


def _hair_colour(*colours: str) -> Callable[[Faces], Tensor]:
    """Hair of one of these colours; who is bald has none."""
    numbers, is_bald = torch.tensor([HAIR_COLOURS.index(colour) for colour in colours]), _hair("bald")
    return lambda faces: torch.isin(faces.hair_colour, numbers) & ~is_bald(faces)


def _beard(*kinds: str) -> Callable[[Faces], Tensor]:
    numbers = torch.tensor([BEARDS.index(kind) for kind in kinds])
    return lambda faces: torch.isin(faces.beard, numbers)


# An attribute is exactly this condition on the features. Each holds for 8 to 65 % of the faces.
_ATTRIBUTES: dict[str, Callable[[Faces], Tensor]] = {
    "smile": lambda faces: faces.mouth > 0.3,
    "frown": lambda faces: faces.mouth < -0.2,
    "open mouth": lambda faces: faces.mouth_open > 0.0,
    "red lips": lambda faces: faces.lips > 0.6,
    "glasses": lambda faces: faces.glasses > 0,
    "beard": _beard("stubble", "full"),
    "moustache": _beard("moustache", "full"),
    "bald": _hair("bald"),
    "short hair": _hair("short", "quiff", "side parting"),
    "long hair": _hair("long", "bob", "curls"),
    "curly hair": _hair("afro", "puffs", "curls"),
    "fringe": lambda faces: (faces.fringe > 0) & _hair(*WITH_FRINGE)(faces),
    "dark hair": _hair_colour("black", "brown"),
    "blond hair": _hair_colour("blond"),
    "red hair": _hair_colour("red"),
    "gray hair": _hair_colour("gray"),
    "dark skin": lambda faces: faces.skin < 0.35,
    "round face": lambda faces: faces.width > 0.4,
    "big eyes": lambda faces: faces.eye_size > 0.4,
    "blue eyes": lambda faces: faces.eye_colour == EYE_COLOURS.index("blue"),
    "thick brows": lambda faces: faces.brow_weight > 0.4,
    "earrings": lambda faces: faces.earrings > 0,
    "warm background": lambda faces: faces.ground_colour < WARM_GROUNDS,
}
FACE_ATTRIBUTES = tuple(_ATTRIBUTES)


def random_faces(count: int, generator: torch.Generator) -> Faces:
    """Draw the features of `count` faces, each by itself: degrees evenly but for the mouth, kinds by their shares."""

    def degree(low: float = -1.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    def share() -> Tensor:
        return degree(0.0)

    def kind(*shares: float) -> Tensor:
        weights = torch.tensor(shares, dtype=torch.float32)
        return torch.multinomial(weights, count, replacement=True, generator=generator)

    def even(kinds: int) -> Tensor:
        return torch.randint(kinds, (count,), generator=generator)

    return Faces(
        shift_x=degree(),
        shift_y=degree(),
        scale=degree(),
        tilt=degree(),
        ground=kind(4, 3, 3),
        ground_colour=even(GROUND_COLOURS),
        shirt=kind(5, 3, 3),
        shirt_colour=even(SHIRT_COLOURS),
        skin=share(),
        undertone=degree(),
        blush=share(),
        width=degree(),
        height=degree(),
        jaw=share(),
        chin=share(),
        hair=kind(10, 13, 11, 13, 11, 13, 10, 8, 7, 9),
        hair_colour=kind(22, 17, 15, 18, 14, 14),
        hair_tone=degree(),
        volume=degree(),
        length=degree(),
        parting=degree(),
        fringe=even(2),
        eye_colour=kind(6, 4, 4, 5, 3),
        eye_size=degree(),
        eye_distance=degree(),
        openness=degree(),
        gaze=degree(),
        brow_weight=degree(),
        brow_angle=degree(),
        nose=degree(),
        mouth=1.0 - 2.0 * share() ** 1.6,  # half of them smile
        mouth_open=kind(2, 1) * degree(0.35),
        mouth_width=degree(),
        lips=share(),
        beard=kind(62, 13, 7, 18),
        glasses=kind(64, 18, 18),
        rim=kind(5, 3, 2, 2),
        earrings=kind(4, 1),
    )
