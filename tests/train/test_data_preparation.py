"""What is done to images on their way into memory: shape, bars, mirrors, classes, channels; and what is told of it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import write_idx
from loading import CPU, NO_ATTRIBUTES, drained, plain, prepared
from PIL import Image, ImageOps

from ganexplorer.train import data, torchvision_sets
from ganexplorer.train.data import DataError, ResidentImages
from ganexplorer.train.fitting import contained, fit_images, fit_picture, with_bars, with_channels
from ganexplorer.train.preparation import Fit, Preparation
from ganexplorer.train.torchvision_sets import IDX_SETS

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
FITS: tuple[Fit, ...] = ("crop", "pad", "stretch")


def fitted(images: torch.Tensor, size: tuple[int, int], fit: Fit) -> torch.Tensor:
    work = fit_images(images, size, fit)
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: torch.Tensor = done.value
            return result


def smooth(height: int, width: int) -> np.ndarray:
    """Gray values that change slowly, so that ways of resampling agree."""
    y, x = np.mgrid[:height, :width]
    return (127 + 60 * np.sin(x / width * 3) + 60 * np.cos(y / height * 3)).astype(np.uint8)


# --- shape -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(32, 32), (16, 32), (32, 16), (28, 28), (64, 8), (1, 4), (1, 1)])
def test_sets_in_memory_take_any_shape(tiny_mnist: Path, size: tuple[int, int], fit: Fit) -> None:
    source = prepared(f"mnist:{tiny_mnist}", size=size, fit=fit)
    assert source.image_shape == (1, *size)
    assert source.images.shape == (13, 1, *size)
    assert source.images.dtype == torch.uint8
    assert source.batch(1, 5, torch.Generator()).shape == (5, 1, *size)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(32, 32), (16, 32), (32, 16), (1, 4), (1, 1)])
@pytest.mark.parametrize("original", [(1, 1), (3, 200), (200, 3), (40, 30)])
def test_pictures_take_any_shape(original: tuple[int, int], size: tuple[int, int], fit: Fit) -> None:
    pixels = fit_picture(plain((200, 100, 40), size=original), size, fit)
    assert pixels.shape == (3, *size)
    assert (pixels == np.array([200, 100, 40])[:, None, None]).all()  # also the bars: the border has one colour


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(48, 48), (24, 64), (64, 24), (20, 30)])
def test_images_in_memory_are_fitted_as_pictures_are(size: tuple[int, int], fit: Fit) -> None:
    values = smooth(60, 40)
    picture = fit_picture(Image.fromarray(values), size, fit)
    in_memory = fitted(torch.from_numpy(values)[None, None], size, fit)[0].numpy()
    assert np.abs(picture.astype(int) - in_memory.astype(int)).max() <= 6


@pytest.mark.parametrize(
    ("size", "box"), [((16, 16), (16, 0, 32, 16)), ((16, 32), (8, 0, 40, 16)), ((16, 8), (20, 0, 28, 16))]
)
def test_crop_is_the_largest_middle_part(size: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    """Of 48x16; the goals have its height, so that nothing is resampled."""
    values = np.random.default_rng(0).integers(0, 256, (16, 48), dtype=np.uint8)
    expected = values[box[1] : box[3], box[0] : box[2]]
    assert (fit_picture(Image.fromarray(values), size, "crop")[0] == expected).all()
    assert (fitted(torch.from_numpy(values)[None, None], size, "crop")[0, 0].numpy() == expected).all()


def test_stretch_shows_all_of_the_picture_in_the_wanted_shape() -> None:
    image = plain(RED, size=(32, 16))
    image.paste(plain(BLUE), (16, 0))
    pixels = fit_picture(image, (16, 16), "stretch")
    assert pixels[:, 8, 2].tolist() == list(RED)
    assert pixels[:, 8, 13].tolist() == list(BLUE)
    assert (pixels[:, 0] == pixels[:, 15]).all()


def test_pad_shows_all_of_the_picture_between_bars_of_its_borders_colour() -> None:
    image = plain(GREEN, size=(32, 16))
    image.paste(plain(RED, size=(20, 8)), (6, 4))
    pixels = fit_picture(image, (32, 32), "pad")
    assert (pixels[:, :8] == np.array(GREEN)[:, None, None]).all()
    assert (pixels[:, 24:] == np.array(GREEN)[:, None, None]).all()
    assert (pixels[:, 8:24] == np.asarray(image).transpose(2, 0, 1)).all()


def test_bars_have_the_median_of_the_border_and_not_of_the_whole() -> None:
    image = np.full((1, 1, 5, 3), 200, np.uint8)
    image[0, 0, 1:-1, 1] = 7  # inside
    image[0, 0, 0] = (1, 2, 3)  # 12 border pixels: three others, nine of 200
    framed = with_bars(image, (5, 9))[0, 0]
    assert (framed[:, :3] == 200).all()
    assert (framed[:, 6:] == 200).all()
    assert (framed[:, 3:6] == image[0, 0]).all()


def test_each_image_has_bars_of_its_own() -> None:
    images = torch.arange(5, dtype=torch.uint8).mul(50)[:, None, None, None].expand(5, 1, 4, 2)
    padded = fitted(images, (4, 4), "pad")
    assert padded.amax((1, 2, 3)).tolist() == padded.amin((1, 2, 3)).tolist() == [0, 50, 100, 150, 200]


@pytest.mark.parametrize("original", [(1, 1), (3, 200), (200, 3), (64, 48), (7, 5)])
@pytest.mark.parametrize("size", [(16, 16), (8, 40), (1, 4)])
def test_a_contained_size_touches_two_sides_and_keeps_the_proportions(
    original: tuple[int, int], size: tuple[int, int]
) -> None:
    height, width = contained(original, size)
    assert height == size[0] or width == size[1]
    assert 1 <= height <= size[0]
    assert 1 <= width <= size[1]
    scale = min(size[0] / original[0], size[1] / original[1])
    assert abs(height - original[0] * scale) < 1
    assert abs(width - original[1] * scale) < 1


@pytest.mark.parametrize("size", [(0, 0), (0, 32), (32, 0)])
def test_a_size_that_is_not_given_keeps_the_datas_own(tiny_mnist: Path, size: tuple[int, int]) -> None:
    assert prepared(f"mnist:{tiny_mnist}", size=size).image_shape == (1, 28, 28)


def test_a_jpeg_on_its_side_is_decoded_in_full_size_for_a_narrow_goal(tmp_path: Path) -> None:
    """JPEG decoded at a fraction of its size must not fall below the goal, whichever way it lies."""
    values = smooth(64, 256)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(values).save(tmp_path / "a.jpg", quality=95, exif=exif)
    expected = np.asarray(ImageOps.fit(Image.fromarray(values).rotate(-90, expand=True), (32, 128)))
    images = prepared(f"folder:{tmp_path}", size=(128, 32)).images[0, 0].numpy()
    assert np.abs(images.astype(int) - expected.astype(int)).max() <= 8


# --- mirrored --------------------------------------------------------------------------------------------------------


def numbered(count: int, seed: int = 0, flip: bool = True) -> ResidentImages:
    """Images of two pixels: the number of the image and 255; mirrored the other way round."""
    images = torch.full((count, 1, 1, 2), 255, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(count)
    return ResidentImages(images, NO_ATTRIBUTES, seed, "numbered", flip=flip)


def shown_at(source: ResidentImages, step: int, size: int) -> list[tuple[int, bool]]:
    """Number of each image of a step, and whether it was mirrored."""
    batch = ((source.batch(step, size, torch.Generator()) + 1) * 127.5).round().int().reshape(size, 2)
    return [(min(pair), pair[0] == 255) for pair in batch.tolist()]


def shown(source: ResidentImages, steps: int, size: int) -> list[tuple[int, bool]]:
    return [pair for step in range(1, steps + 1) for pair in shown_at(source, step, size)]


@pytest.mark.parametrize("size", [1, 7, 50, 64])
def test_what_is_mirrored_depends_on_seed_epoch_and_image_alone(size: int) -> None:
    steps = 150 // size + 1
    assert shown(numbered(50), steps, size)[:150] == shown(numbered(50), 150, 1)
    fresh = numbered(50)
    backwards = [shown_at(fresh, step, size) for step in reversed(range(1, steps + 1))]
    assert list(itertools.chain(*reversed(backwards))) == shown(numbered(50), steps, size)


def test_half_of_the_images_are_mirrored_others_in_every_epoch() -> None:
    epochs = np.array([sorted(shown(numbered(200), 20, 200)[start : start + 200]) for start in range(0, 4000, 200)])
    mirrored = epochs[:, :, 1].astype(bool)
    assert 0.45 < mirrored.mean() < 0.55
    assert (np.abs(mirrored.mean(0) - 0.5) < 0.45).all()  # no image always or never
    assert len({tuple(row) for row in mirrored.tolist()}) == 20


def test_another_seed_mirrors_others() -> None:
    assert dict(shown(numbered(50, seed=0), 1, 50)) != dict(shown(numbered(50, seed=1), 1, 50))


def test_mirroring_does_not_change_the_order_of_the_images() -> None:
    orders = [[number for number, _ in shown(numbered(30, flip=flip), 12, 7)] for flip in (True, False)]
    assert orders[0] == orders[1]


def test_nothing_is_mirrored_unless_asked_for(tiny_mnist: Path) -> None:
    assert not any(is_mirrored for _, is_mirrored in shown(numbered(30, flip=False), 10, 10))
    plain_source, flipped = prepared(f"mnist:{tiny_mnist}"), prepared(f"mnist:{tiny_mnist}", flip=True)
    batches = [source.batch(1, 13, torch.Generator()) for source in (plain_source, flipped)]
    is_same = [torch.equal(a, b) for a, b in zip(*batches, strict=True)]
    is_mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(*batches, strict=True)]
    assert all(a != b for a, b in zip(is_same, is_mirrored, strict=True))
    assert any(is_same)
    assert any(is_mirrored)


# --- classes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """Two birds, three cats and a dog, each of a gray value of its own."""
    for number, name in enumerate(("birds", "birds", "cats", "cats", "cats", "7")):
        (tmp_path / name).mkdir(exist_ok=True)
        plain(10 * number, "L").save(tmp_path / name / f"{number}.png")
    return tmp_path


@pytest.mark.parametrize(
    ("classes", "values", "labels", "words"),
    [
        ("cats", [20, 30, 40], [2, 2, 2], "cats"),
        ("Cats ", [20, 30, 40], [2, 2, 2], "cats"),
        ("2", [20, 30, 40], [2, 2, 2], "cats"),
        ("cats,,birds", [0, 10, 20, 30, 40], [1, 1, 2, 2, 2], "birds,cats"),
        ("7", [50], [0], "7"),  # a name goes before a number
        ("0", [50], [0], "7"),
    ],
)
def test_class_folders_are_chosen_by_name_or_number_and_keep_their_labels(
    animals: Path, classes: str, values: list[int], labels: list[int], words: str
) -> None:
    source = prepared(f"folder:{animals}", size=(8, 8), classes=classes)
    assert source.images[:, 0, 0, 0].tolist() == values
    assert source.members.labels.tolist() == labels
    assert source.description.endswith(f"8x8, gray, classes {words}")
    assert source.report.skipped == 6 - len(values)
    assert [name for name, _ in source.report.classes] == words.split(",")


def test_digits_are_chosen_by_number(tiny_mnist: Path) -> None:
    source = prepared(f"mnist:{tiny_mnist}", classes="2, 0")
    assert source.images[:, 0, 0, 0].tolist() == [0, 2, 10, 12]
    assert source.members.labels.tolist() == [0, 2, 0, 2]
    assert source.members.names[2] == "2"
    assert source.members.has(2).tolist() == [False, True, False, True]
    assert source.report.classes == (("0", 2), ("2", 2))
    assert (source.report.found, source.report.used, source.report.skipped) == (13, 4, 9)


@pytest.mark.parametrize("classes", ["", " ", ",", " , ,"])
def test_no_classes_are_all_classes(tiny_mnist: Path, classes: str) -> None:
    source = prepared(f"mnist:{tiny_mnist}", classes=classes)
    assert source.count == 13
    assert "classes" not in source.description


@pytest.mark.parametrize("classes", ["dogs", "3", "-1", "cats,mice", "99999999999999999999"])
def test_an_unknown_class_is_refused_with_those_there_are(animals: Path, classes: str) -> None:
    with pytest.raises(DataError) as refused:
        prepared(f"folder:{animals}", classes=classes)
    for part in (repr(classes.split(",")[-1]), "0: 7", "1: birds", "2: cats", str(animals)):
        assert part in str(refused.value)


def test_an_unknown_digit_is_refused_with_those_there_are(tiny_mnist: Path) -> None:
    with pytest.raises(DataError, match=r"'11'.*8: 8, 9: 9"):
        prepared(f"mnist:{tiny_mnist}", classes="11")


def test_a_class_without_images_is_refused(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        write_idx(raw / f"{part}-images-idx3-ubyte", np.zeros((3, 28, 28)))
        write_idx(raw / f"{part}-labels-idx1-ubyte", np.ones(3))
    with pytest.raises(DataError, match="no image is of class 4,5"):
        prepared(f"mnist:{tmp_path}", classes="4,5")


@pytest.mark.parametrize("preparation", [Preparation(classes="1"), Preparation(flip=True)])
def test_the_pattern_has_no_classes_and_no_mirror_image(preparation: Preparation) -> None:
    with pytest.raises(DataError, match="four numbers"):
        drained(data.load("toy:1010", preparation, CPU, 0))


@pytest.mark.parametrize("fit", FITS)
def test_the_pattern_keeps_its_shape(fit: Fit) -> None:
    source, _ = drained(data.load("toy:1010", Preparation((32, 32), fit), CPU, 0))
    assert source.batch(1, 2, torch.Generator()).shape == (2, 1, 1, 4)
    assert source.report.image_shape == (1, 1, 4)


# --- channels --------------------------------------------------------------------------------------------------------


def test_gray_is_pillows_luma_bit_for_bit() -> None:
    values = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(values).convert("L"))
    images = torch.from_numpy(values).permute(2, 0, 1)[None]
    assert with_channels(images, 1)[0, 0].numpy().tolist() == expected.tolist()


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_colour_pictures_become_gray(tmp_path: Path, suffix: str) -> None:
    plain((200, 100, 40)).save(tmp_path / f"a.{suffix}", quality=95)
    source = prepared(f"folder:{tmp_path}", size=(16, 16), channels=1)
    assert source.image_shape == (1, 16, 16)
    assert (source.images.float() - (0.299 * 200 + 0.587 * 100 + 0.114 * 40)).abs().max() < 2
    assert "gray" in source.description


def test_gray_sets_become_colour_by_repeating(tiny_mnist: Path, tmp_path: Path) -> None:
    source = prepared(f"mnist:{tiny_mnist}", channels=3, size=(16, 8))
    assert source.image_shape == (3, 16, 8)
    assert (source.images == source.images[:, :1]).all()
    assert "8x16, colour" in source.description
    plain(100, "L").save(tmp_path / "a.png")
    assert prepared(f"folder:{tmp_path}", size=(4, 4), channels=3).images.unique().tolist() == [100]


# --- the report ------------------------------------------------------------------------------------------------------


def test_a_report_tells_what_became_of_the_pictures(animals: Path) -> None:
    plain(RED, size=(40, 30)).save(animals / "cats" / "wide.png")
    (animals / "cats" / "broken.png").write_bytes(b"")
    report = prepared(f"folder:{animals}", size=(8, 8), classes="cats").report
    assert (report.found, report.used, report.skipped, report.broken_count) == (8, 4, 3, 1)
    assert report.image_shape == (3, 8, 8)
    assert report.classes == (("cats", 4),)
    assert (report.smallest, report.largest) == ((16, 16), (40, 30))
    assert report.broken == ((str(animals / "cats" / "broken.png"), "is empty"),)
    assert report.bytes == 4 * 3 * 8 * 8


@pytest.mark.parametrize(
    ("preparation", "ending"),
    [
        (Preparation((16, 16)), ", 16x16, gray"),
        (Preparation((16, 32)), ", 32x16, gray"),
        (Preparation((16, 16), "pad"), ", 16x16, gray, padded"),
        (Preparation((16, 16), "stretch", True), ", 16x16, gray, stretched, mirrored at random"),
        (Preparation((16, 16), "crop", True, "8,3"), ", 16x16, gray, mirrored at random, classes 3,8"),
    ],
)
def test_a_description_adds_only_what_is_out_of_the_ordinary(
    tiny_mnist: Path, preparation: Preparation, ending: str
) -> None:
    source, _ = drained(data.load(f"mnist:{tiny_mnist}", preparation, CPU, 0))
    count = 2 if preparation.classes else 13
    assert source.description == f"MNIST, {count} digits{ending}"


def test_a_folder_is_described_as_ever(picture_folder: Path) -> None:
    description = prepared(f"folder:{picture_folder}", size=(16, 16)).description
    assert description == f"11 pictures of {picture_folder}, 16x16, gray"


def test_braces_in_a_path_are_braces(tmp_path: Path) -> None:
    (tmp_path / "{0}{x}").mkdir()
    plain(RED).save(tmp_path / "{0}{x}" / "a.png")
    assert "{0}{x}, 8x8" in prepared(f"folder:{tmp_path / '{0}{x}'}", size=(8, 8)).description


# --- MNIST's siblings ------------------------------------------------------------------------------------------------


def write_set(folder: Path, kind: str, count: int = 20) -> None:
    raw = folder / IDX_SETS[kind].folder / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        write_idx(raw / f"{part}-images-idx3-ubyte", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte", np.arange(count) % 10)


@pytest.mark.parametrize(
    ("kind", "classes", "title"),
    [("fashion-mnist", "Trouser,ankle boot", "Fashion-MNIST"), ("kmnist", "ki,wo", "KMNIST")],
)
def test_the_siblings_of_mnist_are_read_with_their_names(tmp_path: Path, kind: str, classes: str, title: str) -> None:
    write_set(tmp_path, kind)
    whole = prepared(f"{kind}:{tmp_path}")
    assert whole.count == 20
    assert whole.description.startswith(title)
    some = prepared(f"{kind}:{tmp_path}", classes=classes)
    assert some.members.labels.tolist() == [1, 9, 1, 9]
    assert torch.equal(some.images, whole.images[[1, 9, 11, 19]])


@pytest.mark.parametrize("kind", ["fashion-mnist", "kmnist"])
def test_a_sibling_that_cannot_be_had_is_refused_with_where_to_put_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(torchvision_sets, "servers", lambda kind: (["file:///absent/"], [("a.gz", "")]))
    with pytest.raises(DataError) as refused:
        prepared(kind)
    for part in (f"{kind}:DIR", str(home / "data" / IDX_SETS[kind].folder / "raw"), "toy:digits"):
        assert part in str(refused.value)


def test_a_chosen_folder_is_known_as_the_set_that_it_holds(tmp_path: Path) -> None:
    write_set(tmp_path, "kmnist")
    (tmp_path / "faces").mkdir()
    assert data.ref_of_folder(tmp_path) == f"kmnist:{tmp_path}"
    assert data.ref_of_folder(tmp_path / "KMNIST" / "raw") == f"kmnist:{tmp_path}"
    assert data.ref_of_folder(tmp_path / "faces") == f"folder:{tmp_path / 'faces'}"  # beside a set, not of it
