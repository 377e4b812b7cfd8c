"""The drawn faces: reproducible, framed, and exactly what their features and attributes say."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganexplorer.train.distance_fields import Canvas
from ganexplorer.train.face_features import BEARDS, GLASSES, HAIR_STYLES, WITH_FRINGE, random_faces
from ganexplorer.train.toy_faces import FACE_ATTRIBUTES, FACES_CHUNK, Faces, draw_faces, paint

SHARES = {"skin", "blush", "jaw", "chin", "mouth_open", "lips"}  # degrees in [0, 1]
FEATURES = [field.name for field in fields(Faces)]


def some_faces(count: int, seed: int = 0) -> Faces:
    return random_faces(count, torch.Generator().manual_seed(seed))


def drawn(count: int, seed: int = 0, size: int = 64) -> tuple[Tensor, Faces]:
    ((images, faces),) = draw_faces(count, seed, size)
    return images, faces


def altered(faces: Faces, **values: float) -> Faces:
    """The same faces, with these features set to one value for all."""
    changes = {name: torch.full_like(getattr(faces, name), value) for name, value in values.items()}
    return replace(faces, **changes)


def plain_faces(count: int, seed: int = 0, **values: float) -> Faces:
    """Faces with nothing on them, upright in the middle, and the values that are given."""
    bare = {
        "beard": 0,
        "glasses": 0,
        "earrings": 0,
        "fringe": 0,
        "mouth_open": 0,
        "tilt": 0,
        "shift_x": 0,
        "shift_y": 0,
    }
    return altered(some_faces(count, seed), **(bare | values))


def changed(before: Tensor, after: Tensor) -> Tensor:
    """(n, H, W): by how much the brightest channel of each pixel changed, 0 to 255."""
    return (before.int() - after.int()).abs().amax(1)


def has(faces: Faces, name: str) -> Tensor:
    return faces.attributes()[:, FACE_ATTRIBUTES.index(name)]


# --- drawing ---------------------------------------------------------------------------------------------------------


def test_faces_come_in_chunks_of_colour_bytes_with_their_features() -> None:
    chunks = list(draw_faces(FACES_CHUNK + 7, size=16))
    assert [len(images) for images, _ in chunks] == [FACES_CHUNK, 7]
    for images, faces in chunks:
        assert images.dtype == torch.uint8
        assert images.shape[1:] == (3, 16, 16)
        assert len(faces) == len(images)
        assert faces.attributes().shape == (len(images), len(FACE_ATTRIBUTES))


def test_the_first_chunk_is_drawn_without_drawing_the_rest() -> None:
    images, _ = next(draw_faces(1_000_000, size=16))
    assert len(images) == FACES_CHUNK


def test_no_faces_are_no_chunks() -> None:
    assert list(draw_faces(0)) == []
    assert paint(some_faces(3)[:0]).shape == (0, 3, 64, 64)


@pytest.mark.parametrize(("count", "size"), [(-1, 64), (10, 15)])
def test_impossible_requests_are_refused(count: int, size: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        next(draw_faces(count, size=size))


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert torch.equal(drawn(60, seed=5)[0], drawn(60, seed=5)[0])


@pytest.mark.parametrize("count", [1, 50, 63])
def test_the_first_faces_are_the_same_whatever_their_count(count: int) -> None:
    few, many = drawn(count, size=32), drawn(130, size=32)
    assert torch.equal(few[0], many[0][:count])
    assert torch.equal(few[1].attributes(), many[1].attributes()[:count])


def test_another_seed_gives_other_faces_and_no_face_comes_twice() -> None:
    images = torch.cat([drawn(120, seed, size=32)[0] for seed in (0, 1)])
    assert len(images.unique(dim=0)) == 240


def test_the_global_generator_is_neither_read_nor_moved() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first, _ = drawn(5)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(drawn(5)[0], first)


@pytest.mark.parametrize("size", [32, 50, 64, 128])
def test_the_same_faces_are_drawn_at_every_size(size: int) -> None:
    images, fine = drawn(10, size=size)[0].float(), drawn(10, size=2 * size)[0].float()
    assert images.shape == (10, 3, size, size)
    assert (avg_pool2d(fine, 2) - images).abs().mean() < 3  # of 255: edges differ a little, nothing else


def test_edges_are_anti_aliased() -> None:
    without = plain_faces(40, hair=HAIR_STYLES.index("bald"), blush=0)
    ring = changed(paint(without), paint(altered(without, earrings=1))).float()
    share = ring / ring.amax((1, 2), keepdim=True)
    assert ((share > 0.15) & (share < 0.85)).any(2).any(1).all()
    assert (share > 0.95).sum((1, 2)).float().mean() >= 4


def extreme_faces() -> Faces:
    """Every kind of hair and glasses, with the head, the hair and the parts of the face as far out as they go."""
    faces = some_faces(16 * len(HAIR_STYLES), seed=3)
    signs = torch.randint(2, (len(FEATURES), len(faces)), generator=torch.Generator().manual_seed(0))
    degrees = {
        name: torch.where(sign > 0, 1.0, 0.0 if name in SHARES else -1.0)
        for name, sign in zip(FEATURES, signs, strict=True)
        if getattr(faces, name).is_floating_point()
    }
    return replace(faces, **degrees, hair=torch.arange(len(faces)) % len(HAIR_STYLES))


def test_no_part_is_cut_off_by_the_window_that_it_is_drawn_in(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = extreme_faces()
    images = paint(faces)
    monkeypatch.setattr(Canvas, "window", lambda *_: (slice(None), slice(None), slice(None)))
    whole = paint(faces)
    assert changed(images, whole).max() == 0


def test_hair_and_head_stay_inside_the_picture() -> None:
    faces = extreme_faces()
    for name, value in (("hair_colour", 3), ("skin", 1)):
        seen = changed(*(paint(altered(faces, **{name: other})) for other in (0, value)))
        assert seen[:, 0].max() == 0  # the uppermost row
        assert seen[:, :, [0, -1]].max() == 0


# --- features --------------------------------------------------------------------------------------------------------


def test_degrees_fill_their_range_and_kinds_are_whole_numbers() -> None:
    faces = some_faces(3000)
    for name in FEATURES:
        values = getattr(faces, name)
        assert values.shape == (3000,)
        if values.dtype == torch.int64:
            assert values.min() == 0
            continue
        assert values.dtype == torch.float32
        low = 0.0 if name in SHARES else -1.0
        assert low <= values.min() < low + 0.02
        assert 0.98 < values.max() <= 1.0


def test_no_feature_depends_on_another_one() -> None:
    faces = some_faces(6000)
    table = torch.stack([getattr(faces, name).float() for name in FEATURES])
    assert (torch.corrcoef(table) - torch.eye(len(table))).abs().max() < 0.06


FAR_APART = {"skin": (0.1, 0.9), "ground_colour": (1, 8), "hair": (1, 5), "hair_colour": (0, 3), "beard": (0, 3)}


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_shows(name: str) -> None:
    faces = plain_faces(40, mouth_open=0.6, glasses=1, hair=HAIR_STYLES.index("long"))
    is_degree = getattr(faces, name).is_floating_point() and name not in SHARES
    values = FAR_APART.get(name, (-1, 1) if is_degree else (0, 1))
    seen = changed(*(paint(altered(faces, **{name: value})) for value in values))
    assert (seen.amax((1, 2)) >= 8).all()


@pytest.mark.parametrize(
    ("name", "values", "rows", "columns"),
    [
        ("mouth", (-1, 1), (36, 60), (14, 50)),
        ("mouth_open", (0, 1), (36, 60), (14, 50)),
        ("eye_colour", (0, 3), (20, 44), (10, 54)),
        ("glasses", (0, 2), (18, 50), (2, 62)),
        ("brow_angle", (-1, 1), (14, 38), (8, 56)),
        ("beard", (0, 3), (28, 62), (8, 56)),
        ("shirt_colour", (0, 1), (44, 64), (0, 64)),
        ("nose", (-1, 1), (26, 50), (20, 46)),
        ("earrings", (0, 1), (26, 54), (0, 64)),
    ],
)
def test_a_feature_changes_its_part_of_the_picture_alone(
    name: str, values: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    faces = some_faces(60, seed=2)
    other = changed(*(paint(altered(faces, **{name: value})) for value in values))
    inside = other[:, slice(*rows), slice(*columns)]
    assert inside.sum() == other.sum() > 0


# --- attributes ------------------------------------------------------------------------------------------------------


def test_attributes_are_neither_rare_nor_the_rule() -> None:
    shares = some_faces(6000).attributes().float().mean(0)
    assert {
        name: share for name, share in zip(FACE_ATTRIBUTES, shares.tolist(), strict=True) if not 0.08 < share < 0.65
    } == {}


def test_attributes_are_what_the_features_say() -> None:
    faces = some_faces(500)
    assert torch.equal(has(faces, "smile"), faces.mouth > 0.3)
    assert torch.equal(has(faces, "glasses"), faces.glasses != GLASSES.index("none"))
    assert torch.equal(has(faces, "bald"), faces.hair == HAIR_STYLES.index("bald"))
    assert not (has(faces, "smile") & has(faces, "frown")).any()
    colours = torch.stack([has(faces, f"{colour} hair") for colour in ("dark", "blond", "red", "gray")]).sum(0)
    assert colours.max() == 1
    assert not (colours.bool() & has(faces, "bald")).any()
    can = torch.tensor([HAIR_STYLES.index(style) for style in WITH_FRINGE])
    assert torch.isin(faces.hair[has(faces, "fringe")], can).all()
    assert (faces.beard[has(faces, "beard") & has(faces, "moustache")] == BEARDS.index("full")).all()


def test_a_smile_has_its_corners_up_and_a_frown_down() -> None:
    faces = plain_faces(200, blush=0, scale=0)
    lips = changed(*(paint(altered(faces, lips=value)) for value in (0, 1))).float()  # (n, H, W)
    rows = torch.arange(64.0).view(1, 64, 1)
    middle, corners = lips[:, :, 30:34], lips[:, :, [26, 27, 36, 37]]
    height = [(part * rows).sum((1, 2)) / part.sum((1, 2)) for part in (middle, corners)]
    lift = height[0] - height[1]  # pixels, > 0: the corners lie higher
    assert torch.corrcoef(torch.stack([lift, faces.mouth]))[0, 1] > 0.95
    assert (lift[has(faces, "smile")] > 0).all()
    assert (lift[has(faces, "frown")] < 0).all()


def test_an_open_mouth_is_dark_and_a_wide_smile_shows_teeth() -> None:
    faces = plain_faces(100, mouth_width=0, skin=0.8)
    frowns = [paint(altered(faces, mouth=-0.8, mouth_open=wide))[:, :, 40:56, 26:38] for wide in (0, 1)]
    darkest = [images.amax(1).amin(2).amin(1).int() for images in frowns]
    assert (darkest[1] < darkest[0] - 20).all()
    smiles = paint(altered(faces, mouth=0.9, mouth_open=1))[:, :, 40:56, 26:38]
    assert (smiles.amin(1).amax(2).amax(1) > 200).all()


def test_the_cheeks_have_the_tone_of_the_skin() -> None:
    faces = plain_faces(200, blush=0, hair=HAIR_STYLES.index("bald"))
    cheek = paint(faces)[:, :, 39:42, 25:28].float().mean((1, 2, 3))
    assert torch.corrcoef(torch.stack([cheek, faces.skin]))[0, 1] > 0.95
    assert cheek[has(faces, "dark skin")].max() < cheek[faces.skin > 0.7].min()


@pytest.mark.parametrize("kind", [1, 2])
def test_glasses_have_a_dark_rim_round_the_eyes(kind: int) -> None:
    faces = plain_faces(100, skin=0.8, rim=0, hair=HAIR_STYLES.index("bald"))
    bare, worn = (paint(altered(faces, glasses=glasses))[:, :, 20:46].amax(1) < 100 for glasses in (0, kind))
    assert ((worn & ~bare).sum((1, 2)) > 25).all()


@pytest.mark.parametrize("name", ["dark hair", "blond hair", "red hair", "gray hair"])
def test_hair_has_its_colour(name: str) -> None:
    faces = plain_faces(300, scale=0)
    crown = paint(faces)[has(faces, name), :, 13:16, 28:36].float().mean((2, 3))  # (k, 3)
    red, green, blue = crown.unbind(1)
    is_so = {
        "dark hair": crown.amax(1) < 140,
        "blond hair": (red > 170) & (red - blue > 50) & (green > 130),
        "red hair": (red > 150) & (red - green > 60),
        "gray hair": (crown.amax(1) - crown.amin(1) < 25) & (crown.mean(1) > 110),
    }
    assert is_so[name].float().mean() > 0.95


def test_a_warm_background_is_redder_than_blue() -> None:
    images, faces = drawn(200)
    corner = images[:, :, :3, :3].float().mean((2, 3))
    assert (corner[:, 0] > corner[:, 2])[has(faces, "warm background")].all()
    assert (corner[:, 0] < corner[:, 2] + 30)[~has(faces, "warm background")].all()
