"""Data by REF: folders of any pictures, MNIST, the toys; batches; and what is said when it cannot be had."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import struct
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request

import numpy as np
import psutil
import pytest
import torch
from loading import CPU, NO_ATTRIBUTES, drained, notices, plain, prepared
from PIL import Image
from torch import Tensor

from ganexplorer.train import data, decoding, folders, torchvision_sets
from ganexplorer.train.data import DataError, FreshPattern, ImageSource, ResidentImages
from ganexplorer.train.events import Notice, Progress
from ganexplorer.train.preparation import Preparation
from ganexplorer.train.toy_faces import FACE_ATTRIBUTES, Faces, draw_faces

REPOSITORY = Path(__file__).parents[2]
REAL_MNIST = REPOSITORY.parent / "shared" / "data"
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def load(ref: str, image_size: int = 0, seed: int = 0) -> tuple[ImageSource, list[Progress | Notice]]:
    """The source and what was said on the way."""
    return drained(data.load(ref, Preparation((image_size, image_size)), CPU, seed))


def resident(ref: str, image_size: int = 0) -> ResidentImages:
    source, _ = load(ref, image_size)
    assert isinstance(source, ResidentImages)
    return source


def ramp(width: int = 16, height: int = 16) -> Image.Image:
    """Gray, black on the left to 240 on the right: 16 flat bars, which survive JPEG and resizing well."""
    values = np.tile(np.arange(width) * 16 // width * 16, (height, 1)).astype(np.uint8)
    return Image.fromarray(values)


def colours_of(source: ResidentImages, index: int = 0) -> list[int]:
    """The channels of a picture of one colour."""
    picture = source.images[index]
    assert (picture.amax((1, 2)) - picture.amin((1, 2))).max() <= 2
    return picture.float().mean((1, 2)).round().int().tolist()


# --- folders ---------------------------------------------------------------------------------------------------------


def test_the_pictures_of_a_flat_folder_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, value in (("b", 20), ("a", 10), ("c", 30)):
        plain(value, "L").save(tmp_path / f"{name}.png")
    source = resident(f"folder:{tmp_path}", 8)
    assert source.count == 3
    assert source.images[:, 0, 0, 0].tolist() == [10, 20, 30]


def test_a_flat_folder_has_one_class(tmp_path: Path) -> None:
    for number in range(3):
        plain(number, "L").save(tmp_path / f"{number}.png")
    assert resident(f"folder:{tmp_path}", 8).members.labels.tolist() == [0, 0, 0]


def test_class_folders_give_labels_in_the_order_of_their_names(tmp_path: Path) -> None:
    for folder, value in (("smiling", 30), ("neutral", 10), ("angry", 20)):
        (tmp_path / folder).mkdir()
        for number in range(2):
            plain(value + number, "L").save(tmp_path / folder / f"{number}.png")
    source = resident(f"folder:{tmp_path}", 8)
    labels = dict(zip(source.images[:, 0, 0, 0].tolist(), source.members.labels.tolist(), strict=True))
    assert labels == {20: 0, 21: 0, 10: 1, 11: 1, 30: 2, 31: 2}


def test_a_broken_picture_does_not_shift_the_labels_of_the_others(tmp_path: Path) -> None:
    for folder, value in (("a", 10), ("b", 20)):
        (tmp_path / folder).mkdir()
        plain(value, "L").save(tmp_path / folder / "1.png")
    (tmp_path / "a" / "0.png").write_bytes(b"no picture")
    source = resident(f"folder:{tmp_path}", 8)
    assert source.images[:, 0, 0, 0].tolist() == [10, 20]
    assert source.members.labels.tolist() == [0, 1]


def test_images_stay_in_memory_as_bytes(picture_folder: Path) -> None:
    source = resident(f"folder:{picture_folder}", 16)
    assert source.images.dtype == torch.uint8
    assert source.images.shape == (11, 1, 16, 16)
    assert source.members.labels.dtype == np.int64


def test_a_picture_of_the_wanted_size_is_not_changed(picture_folder: Path) -> None:
    source = resident(f"folder:{picture_folder}", 16)
    for path, image in zip(sorted(picture_folder.iterdir()), source.images, strict=True):
        assert image[0].tolist() == np.asarray(Image.open(path)).tolist()


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [("png", 0), ("bmp", 0), ("gif", 0), ("tif", 0), ("pgm", 0), ("jpg", 4), ("webp", 4)]
)
def test_a_gray_ramp_is_read_from_every_format(tmp_path: Path, suffix: str, tolerance: int) -> None:
    ramp().save(tmp_path / f"picture.{suffix}", quality=95)
    images = resident(f"folder:{tmp_path}", 16).images.int()
    expected = torch.tensor(np.asarray(ramp()).astype(np.int32))
    assert (images - expected).abs().max() <= tolerance


@pytest.mark.parametrize("suffix", ["png", "PNG", "bmp", "tif", "ppm", "jpg", "JPEG", "webp", "gif"])
def test_colour_is_read_from_every_format_in_the_order_red_green_blue(tmp_path: Path, suffix: str) -> None:
    plain((200, 100, 40)).save(tmp_path / f"picture.{suffix}", quality=95)
    source = resident(f"folder:{tmp_path}", 16)
    assert source.image_shape == (3, 16, 16)
    assert colours_of(source) == pytest.approx([200, 100, 40], abs=4)


def palette_picture() -> Image.Image:
    return plain((200, 100, 40)).convert("P", palette=Image.Palette.ADAPTIVE)


def transparent_palette() -> Image.Image:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([0, 0, 0, 200, 100, 40])
    image.info["transparency"] = 1
    return image


@pytest.mark.parametrize(
    ("image", "suffix", "expected"),
    [
        (lambda: plain((200, 100, 40)), "png", [200, 100, 40]),
        (lambda: plain((200, 100, 40, 255), "RGBA"), "png", [200, 100, 40]),
        (palette_picture, "png", [200, 100, 40]),
        (lambda: plain((55, 155, 215, 0), "CMYK"), "tif", [200, 100, 40]),
        (lambda: plain((55, 155, 215, 0), "CMYK"), "jpg", [200, 100, 40]),
        (lambda: plain((200, 100, 40)).convert("YCbCr"), "jpg", [200, 100, 40]),
        (lambda: plain((0, 0, 0, 0), "RGBA"), "png", [255, 255, 255]),
        (lambda: plain((200, 100, 40, 51), "RGBA"), "png", [244, 224, 212]),  # a fifth over white
        (transparent_palette, "png", [255, 255, 255]),
    ],
    ids=[
        "RGB", "RGBA", "palette", "CMYK TIFF", "CMYK JPEG", "YCbCr JPEG", "transparent", "translucent",
        "transparent palette",
    ],
)  # fmt: skip
def test_every_colour_mode_becomes_rgb_with_transparent_parts_on_white(
    tmp_path: Path, image: Callable[[], Image.Image], suffix: str, expected: list[int]
) -> None:
    image().save(tmp_path / f"picture.{suffix}")
    assert colours_of(resident(f"folder:{tmp_path}", 16)) == pytest.approx(expected, abs=4)


def sixteen_bits(values: Any) -> Image.Image:
    return Image.fromarray(np.asarray(values, np.uint16))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (lambda: plain(100, "L"), 100),
        (lambda: plain(1, "1"), 255),
        (lambda: plain((0, 0), "LA"), 255),
        (lambda: plain((100, 255), "LA"), 100),
        (lambda: sixteen_bits(np.full((16, 16), 65535)), 255),
        (lambda: sixteen_bits(np.full((16, 16), 25700)), 100),
        (lambda: sixteen_bits(np.zeros((16, 16))), 0),
    ],
    ids=["8 bits", "1 bit", "transparent", "opaque", "16 bits white", "16 bits gray", "16 bits black"],
)
def test_every_gray_mode_becomes_8_bits(tmp_path: Path, image: Callable[[], Image.Image], expected: int) -> None:
    image().save(tmp_path / "picture.png")
    source = resident(f"folder:{tmp_path}", 16)
    assert source.image_shape == (1, 16, 16)
    assert colours_of(source) == [expected]


def test_a_16_bit_ramp_keeps_its_steps(tmp_path: Path) -> None:
    values = np.tile(np.arange(16) * 4369, (16, 1))  # 0 to 65535
    sixteen_bits(values).save(tmp_path / "picture.png")
    images = resident(f"folder:{tmp_path}", 16).images
    assert images[0, 0, 0].tolist() == pytest.approx([i * 17 for i in range(16)], abs=1)


def test_a_nearly_black_16_bit_picture_stays_nearly_black(tmp_path: Path) -> None:
    """200 of 65535 is less than 1 of 255, whatever the other values of the picture are."""
    sixteen_bits(np.full((16, 16), 200)).save(tmp_path / "picture.png")
    assert colours_of(resident(f"folder:{tmp_path}", 16))[0] <= 1


def test_gray_pictures_among_coloured_ones_have_three_equal_channels(tmp_path: Path) -> None:
    plain(100, "L").save(tmp_path / "a.png")
    plain(RED).save(tmp_path / "b.png")
    sixteen_bits(np.full((16, 16), 25700)).save(tmp_path / "c.png")
    source = resident(f"folder:{tmp_path}", 16)
    assert [colours_of(source, index) for index in range(3)] == [[100, 100, 100], [255, 0, 0], [100, 100, 100]]


def test_a_broken_picture_does_not_make_gray_ones_coloured(tmp_path: Path) -> None:
    plain(100, "L").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    assert resident(f"folder:{tmp_path}", 16).image_shape == (1, 16, 16)


def test_an_animation_gives_its_first_picture(tmp_path: Path) -> None:
    plain(RED).save(tmp_path / "a.gif", save_all=True, append_images=[plain(BLUE), plain(GREEN)])
    assert colours_of(resident(f"folder:{tmp_path}", 16)) == [255, 0, 0]


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (17, 16), (15, 15), (64, 64), (333, 500)])
def test_pictures_of_any_size_become_squares_of_the_wanted_size(tmp_path: Path, size: tuple[int, int]) -> None:
    plain((200, 100, 40), size=size).save(tmp_path / "picture.png")
    source = resident(f"folder:{tmp_path}", 16)
    assert source.image_shape == (3, 16, 16)
    assert colours_of(source) == [200, 100, 40]


def test_the_square_is_cut_from_the_middle(tmp_path: Path) -> None:
    for name, size, box in (("wide", (48, 16), (16, 0)), ("high", (16, 48), (0, 16))):
        image = plain(RED, size=size)
        image.paste(plain(GREEN), box)
        image.save(tmp_path / f"{name}.png")
    source = resident(f"folder:{tmp_path}", 16)
    assert [colours_of(source, index) for index in range(2)] == [[0, 255, 0], [0, 255, 0]]


def test_a_picture_on_its_side_is_set_upright(tmp_path: Path) -> None:
    image = plain(RED)
    image.paste(plain(BLUE, size=(16, 8)), (0, 0))  # blue above, red below; as stored by a camera held sideways
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    image.save(tmp_path / "picture.png", exif=exif)
    picture = resident(f"folder:{tmp_path}", 16).images[0]
    assert picture[:, 8, 3].tolist() == [255, 0, 0]  # left
    assert picture[:, 8, 12].tolist() == [0, 0, 255]  # right


def test_folders_are_64_pixels_where_the_recipe_does_not_say(picture_folder: Path) -> None:
    assert resident(f"folder:{picture_folder}").image_shape == (1, 64, 64)


def test_a_chinese_path_is_a_path_like_any_other(tmp_path: Path) -> None:
    folder = tmp_path / "图片" / "猫"
    folder.mkdir(parents=True)
    plain(RED).save(folder / "小猫.png")
    source = resident(f"folder:{tmp_path / '图片'}", 16)
    assert colours_of(source) == [255, 0, 0]
    assert "图片" in source.description


def test_a_colon_in_the_path_belongs_to_the_path(tmp_path: Path) -> None:
    folder = tmp_path / "a:b"
    folder.mkdir()
    plain(RED).save(folder / "a.png")
    assert resident(f"folder:{folder}", 16).count == 1


def test_other_files_hidden_files_and_deeper_folders_are_left_out(tmp_path: Path) -> None:
    plain(RED).save(tmp_path / "a.png")
    plain(GREEN).save(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "class" / "deeper").mkdir(parents=True)
    plain(GREEN).save(tmp_path / "class" / "deeper" / "b.png")
    (tmp_path / ".thumbnails").mkdir()
    plain(GREEN).save(tmp_path / ".thumbnails" / "c.png")
    source, said = load(f"folder:{tmp_path}", 16)
    assert source.count == 1
    assert notices(said) == []


def break_in_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


BREAKS: dict[str, Callable[[Path], Any]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("this is not a picture"),
    "cut in half": break_in_half,
}


@pytest.mark.parametrize("damage", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp"])
def test_a_broken_picture_is_left_out_with_a_notice(
    tmp_path: Path, picture_folder: Path, suffix: str, damage: Callable[[Path], Any]
) -> None:
    for number in range(2):
        plain((200, 100, 40)).save(tmp_path / f"good-{number}.png")
    noise = Image.open(picture_folder / "00.png").convert("RGB")
    noise.save(tmp_path / f"broken.{suffix}")
    damage(tmp_path / f"broken.{suffix}")
    source, said = load(f"folder:{tmp_path}", 16)
    assert source.count == 2
    (text,) = notices(said)
    assert "1 of 3" in text
    assert f"broken.{suffix}" in text


def camera_facts(entries: list[tuple[int, int, bytes]]) -> bytes:
    """EXIF with entries (tag, type, four bytes of value)."""
    body = b"".join(struct.pack("<HHI", tag, kind, 1 if kind == 3 else 4) + value for tag, kind, value in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)


@pytest.mark.parametrize("tag", [0x0100, 0x011A, 0x0128], ids=["width", "resolution", "unit"])
def test_a_picture_whose_camera_facts_are_wrong_does_not_end_the_loading(tmp_path: Path, tag: int) -> None:
    """A text where a number belongs, beside an orientation."""
    plain(GREEN).save(tmp_path / "good.png")
    exif = camera_facts([(tag, 2, b"abc\0"), (0x0112, 3, b"\6\0\0\0")])
    plain(RED).save(tmp_path / "odd.jpg", exif=exif)
    source = resident(f"folder:{tmp_path}", 16)
    assert colours_of(source, 0) == [0, 255, 0]


def test_a_notice_names_a_few_of_many_broken_pictures(tmp_path: Path) -> None:
    plain(RED).save(tmp_path / "z.png")
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(b"broken")
    source, said = load(f"folder:{tmp_path}", 16)
    assert source.count == 1
    (text,) = notices(said)
    assert "5 of 6" in text
    assert "0.jpg, 1.jpg, 2.jpg, …" in text


def test_a_picture_too_large_to_be_one_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain(RED).save(tmp_path / "a.png")
    plain(RED, size=(40, 40)).save(tmp_path / "b.png")
    monkeypatch.setattr(decoding, "MAX_SOURCE_PIXELS", 1000)
    source, said = load(f"folder:{tmp_path}", 16)
    assert source.count == 1
    assert "b.png" in notices(said)[0]


def test_whole_pictures_are_read_without_a_notice(picture_folder: Path) -> None:
    _, said = load(f"folder:{picture_folder}", 16)
    assert notices(said) == []


def test_progress_ends_with_all_pictures(picture_folder: Path) -> None:
    _, said = load(f"folder:{picture_folder}", 16)
    progress = [event for event in said if isinstance(event, Progress) and event.what == "Reading pictures"]
    assert (progress[-1].done, progress[-1].total) == (11, 11)


def test_a_folder_without_one_readable_picture_is_refused_by_name(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg"):
        (tmp_path / name).write_bytes(b"broken")
    with pytest.raises(DataError, match="none of its 2 pictures") as refused:
        load(f"folder:{tmp_path}", 16)
    assert str(tmp_path) in str(refused.value)
    assert "a.png" in str(refused.value)


def test_an_empty_folder_is_refused_with_the_endings_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pictures") as refused:
        load(f"folder:{tmp_path}", 16)
    assert str(tmp_path) in str(refused.value)
    assert all(ending in str(refused.value) for ending in (".png", ".jpg", ".webp"))


def test_an_absent_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder") as refused:
        load(f"folder:{tmp_path / 'absent'}", 16)
    assert str(tmp_path / "absent") in str(refused.value)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    plain(RED).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="no such folder"):
        load(f"folder:{tmp_path / 'a.png'}", 16)


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "faces").mkdir()
    plain(RED).save(tmp_path / "faces" / "a.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resident("folder:~/faces", 16).count == 1


# --- memory ----------------------------------------------------------------------------------------------------------


def leave_free(monkeypatch: pytest.MonkeyPatch, available: float) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(available=int(available)))


def test_a_set_that_does_not_fit_is_refused_with_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """200,000 x 3 x 64 x 64 bytes are 2.4576 GB; half of 4 GB is 2."""
    leave_free(monkeypatch, 4e9)
    with pytest.raises(DataError) as refused:
        data.check_memory(200_000, (3, 64, 64), CPU)
    for part in ("200,000", "3 x 64 x 64", "2.5 GB", "2.0 GB", "4.0 GB", "cpu", "image_size"):
        assert part in str(refused.value)


@pytest.mark.parametrize(("count", "fits"), [(500, True), (501, False)])
def test_up_to_half_of_the_free_memory_may_be_used(monkeypatch: pytest.MonkeyPatch, count: int, fits: bool) -> None:
    leave_free(monkeypatch, 1000 * 1 * 10 * 10)
    if fits:
        data.check_memory(count, (1, 10, 10), CPU)
    else:
        with pytest.raises(DataError):
            data.check_memory(count, (1, 10, 10), CPU)


def test_a_folder_that_does_not_fit_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch, picture_folder: Path
) -> None:
    leave_free(monkeypatch, 2 * 11 * 16 * 16 - 2)
    monkeypatch.setattr(folders, "decode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(DataError, match="11 images of 1 x 16 x 16"):
        load(f"folder:{picture_folder}", 16)


def test_mnist_enlarged_beyond_memory_is_refused(monkeypatch: pytest.MonkeyPatch, tiny_mnist: Path) -> None:
    leave_free(monkeypatch, 2 * 13 * 28 * 28)
    assert resident(f"mnist:{tiny_mnist}").count == 13
    with pytest.raises(DataError, match="13 images of 1 x 64 x 64"):
        load(f"mnist:{tiny_mnist}", 64)


# --- MNIST -----------------------------------------------------------------------------------------------------------


def test_mnist_is_read_from_torchvisions_layout(tiny_mnist: Path) -> None:
    source = resident(f"mnist:{tiny_mnist}")
    assert source.image_shape == (1, 28, 28)
    assert source.images.dtype == torch.uint8
    assert source.images[:, 0, 0, 0].tolist() == list(range(13))
    assert source.members.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]


def test_mnist_is_the_training_part_bit_for_bit(tiny_mnist: Path) -> None:
    content = (tiny_mnist / "MNIST" / "raw" / "train-images-idx3-ubyte").read_bytes()
    assert resident(f"mnist:{tiny_mnist}").images.numpy().tobytes() == content[16:]


def test_torchvision_reads_the_same_and_has_the_same_names_and_servers(tiny_mnist: Path) -> None:
    """In one test: importing torchvision takes seconds."""
    import torchvision.datasets

    theirs, ours = torchvision.datasets.MNIST(str(tiny_mnist)), resident(f"mnist:{tiny_mnist}")
    assert torch.equal(theirs.data, ours.images[:, 0])
    assert theirs.targets.tolist() == ours.members.labels.tolist()
    for kind, idx_set in torchvision_sets.IDX_SETS.items():
        dataset = getattr(torchvision.datasets, idx_set.folder)
        assert [name.partition(" - ")[0] for name in dataset.classes] == list(idx_set.names)
        assert torchvision_sets.servers(kind) == (dataset.mirrors, dataset.resources)


def test_mnist_can_be_resized(tiny_mnist: Path) -> None:
    original, larger = resident(f"mnist:{tiny_mnist}"), resident(f"mnist:{tiny_mnist}", 56)
    assert larger.image_shape == (1, 56, 56)
    assert larger.images.dtype == torch.uint8
    means = [source.images.float().mean((1, 2, 3)) for source in (original, larger)]
    torch.testing.assert_close(means[0], means[1], rtol=0.02, atol=0)


def test_mnist_without_a_folder_is_looked_for_in_the_programs_own(
    tiny_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_mnist, tmp_path / "data")
    monkeypatch.setenv("GANEXPLORER_HOME", str(tmp_path))
    assert resident("mnist").count == 13


@pytest.mark.skipif(not (REAL_MNIST / "MNIST" / "raw").is_dir(), reason=f"no real MNIST in {REAL_MNIST}")
def test_the_real_mnist_has_its_60000_digits() -> None:
    source = resident(f"mnist:{REAL_MNIST}")
    assert source.count == 60_000
    assert source.image_shape == (1, 28, 28)
    assert source.members.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(source.members.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert source.images.double().mean().item() / 255 == pytest.approx(0.1307, abs=5e-5)


@pytest.mark.parametrize("chosen", [".", "MNIST", "MNIST/raw"])
def test_a_chosen_folder_that_holds_mnist_is_known_as_mnist(tiny_mnist: Path, chosen: str) -> None:
    assert data.ref_of_folder(tiny_mnist / chosen) == f"mnist:{tiny_mnist}"


def test_any_other_chosen_folder_is_one_of_pictures(picture_folder: Path) -> None:
    assert data.ref_of_folder(picture_folder) == f"folder:{picture_folder}"


def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Nothing can be reached; returns the addresses that were asked for."""
    asked: list[str] = []

    def refuse(request: Request, **_: Any) -> None:
        asked.append(request.full_url)
        raise URLError("Temporary failure in name resolution")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr(torchvision_sets, "servers", lambda kind: (["http://a/", "http://b/"], [("train.gz", "")]))
    return asked


def test_without_a_network_the_message_names_the_toy_that_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = no_network(monkeypatch)
    with pytest.raises(DataError) as refused:
        load(f"mnist:{tmp_path / 'data'}")
    assert asked
    for part in ("toy:digits", "mnist:DIR", str(tmp_path / "data"), "name resolution"):
        assert part in str(refused.value)


def test_mnist_that_is_there_is_not_downloaded(tiny_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = no_network(monkeypatch)
    load(f"mnist:{tiny_mnist}")
    assert asked == []


@pytest.fixture
def mirror(tiny_mnist: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the packed files of the tiny MNIST, which torchvision takes for the second of two servers."""
    folder = tmp_path_factory.mktemp("mirror")
    resources = []
    for path in sorted((tiny_mnist / "MNIST" / "raw").iterdir()):
        packed = gzip.compress(path.read_bytes())
        (folder / f"{path.name}.gz").write_bytes(packed)
        resources.append((f"{path.name}.gz", hashlib.md5(packed).hexdigest()))
    mirrors = [f"{(folder / 'absent').as_uri()}/", f"{folder.as_uri()}/"]
    monkeypatch.setattr(torchvision_sets, "servers", lambda kind: (mirrors, resources))
    return folder


@pytest.mark.usefixtures("mirror")
def test_a_download_is_announced_with_its_folder(tmp_path: Path) -> None:
    source, said = load(f"mnist:{tmp_path}")
    assert source.count == 13
    assert isinstance(said[0], Progress)
    assert str(tmp_path) in said[0].what


@pytest.mark.parametrize("missing", ["train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.usefixtures("mirror")
def test_a_download_that_was_cut_off_is_taken_up_again(tiny_mnist: Path, tmp_path: Path, missing: str) -> None:
    shutil.copytree(tiny_mnist, tmp_path, dirs_exist_ok=True)
    (tmp_path / "MNIST" / "raw" / missing).unlink()
    assert resident(f"mnist:{tmp_path}").count == 13


def test_a_download_of_other_bytes_is_refused_and_leaves_no_file(mirror: Path, tmp_path: Path) -> None:
    for path in mirror.iterdir():
        path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DataError, match="cannot be downloaded"):
        load(f"mnist:{tmp_path}")
    assert list((tmp_path / "MNIST" / "raw").iterdir()) == []


@pytest.mark.usefixtures("mirror")
def test_a_download_that_is_cancelled_leaves_only_whole_files(
    tiny_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganexplorer.train.progress.PACE_SECONDS", 0.0)
    loading = data.load(f"mnist:{tmp_path}", Preparation(), CPU, 0)
    for event in loading:
        if isinstance(event, Progress) and "t10k-labels" in event.what:
            break
    loading.close()
    for path in (tmp_path / "MNIST" / "raw").iterdir():
        assert path.read_bytes() == (tiny_mnist / "MNIST" / "raw" / path.name).read_bytes()


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
@pytest.mark.parametrize("damage", BREAKS.values(), ids=BREAKS)
def test_a_damaged_mnist_is_refused_in_words(
    tiny_mnist: Path, tmp_path: Path, name: str, damage: Callable[[Path], Any]
) -> None:
    shutil.copytree(tiny_mnist, tmp_path, dirs_exist_ok=True)
    damage(tmp_path / "MNIST" / "raw" / name)
    with pytest.raises(DataError, match="MNIST") as refused:
        load(f"mnist:{tmp_path}")
    assert str(tmp_path) in str(refused.value)


# --- toys and unknown data -------------------------------------------------------------------------------------------


def test_the_pattern_is_four_numbers_drawn_afresh_without_end() -> None:
    source, _ = load("toy:1010")
    assert isinstance(source, FreshPattern)
    assert source.image_shape == (1, 1, 4)
    assert source.count is None


def test_the_pattern_lies_in_the_tutorials_intervals() -> None:
    source, _ = load("toy:1010")
    batch = source.batch(1, 5000, torch.Generator().manual_seed(0))
    assert batch.shape == (5000, 1, 1, 4)
    numbers = (batch.reshape(5000, 4) + 1) / 2
    low, high = torch.tensor([0.9, 0.0, 0.9, 0.0]), torch.tensor([1.1, 0.1, 1.1, 0.1])
    assert ((numbers >= low - 1e-6) & (numbers <= high + 1e-6)).all()
    torch.testing.assert_close(numbers.amin(0), low, atol=1e-3, rtol=0)
    torch.testing.assert_close(numbers.amax(0), high, atol=1e-3, rtol=0)


def test_the_pattern_is_drawn_from_the_runs_own_random_numbers() -> None:
    source, _ = load("toy:1010")
    rng = torch.Generator().manual_seed(4)
    first, second = source.batch(1, 3, rng), source.batch(1, 3, rng)
    assert not torch.equal(first, second)
    assert torch.equal(source.batch(9, 3, torch.Generator().manual_seed(4)), first)


def test_toy_digits_are_gray_28_by_28_of_all_ten_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "TOY_DIGITS", 60)
    source, said = load("toy:digits")
    assert isinstance(source, ResidentImages)
    assert source.images.shape == (60, 1, 28, 28)
    assert source.images.dtype == torch.uint8
    assert np.bincount(source.members.labels).tolist() == [6] * 10
    assert said[-1] == Progress("Drawing digits", 60, 60)


def test_toy_digits_are_the_same_every_time_whatever_the_seed_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "TOY_DIGITS", 20)
    first, second = load("toy:digits", seed=1)[0], load("toy:digits", seed=2)[0]
    assert isinstance(first, ResidentImages)
    assert isinstance(second, ResidentImages)
    assert torch.equal(first.images, second.images)


@pytest.fixture
def few_faces(monkeypatch: pytest.MonkeyPatch) -> tuple[Tensor, Faces]:
    """What toy:faces is made of, cut short."""
    monkeypatch.setattr(data, "TOY_FACES", 60)
    return next(draw_faces(60))


def test_toy_faces_are_coloured_64_by_64_with_many_attributes(few_faces: tuple[Tensor, Faces]) -> None:
    source, said = load("toy:faces", seed=3)
    assert isinstance(source, ResidentImages)
    assert torch.equal(source.images, few_faces[0])
    assert source.members.names == FACE_ATTRIBUTES
    table = few_faces[1].attributes()
    for number, name in enumerate(FACE_ATTRIBUTES):
        assert source.members.has(number).tolist() == table[:, number].tolist()
        assert dict(source.report.classes).get(name, 0) == table[:, number].sum()
    assert source.description == "60 drawn faces, 64x64, colour"
    assert said[-1] == Progress("Drawing faces", 60, 60)


def test_toy_faces_are_chosen_by_all_of_their_attributes(few_faces: tuple[Tensor, Faces]) -> None:
    images, faces = few_faces
    smile, glasses = (faces.attributes()[:, FACE_ATTRIBUTES.index(name)] for name in ("smile", "glasses"))
    source = prepared("toy:faces", classes="glasses, smile")
    assert torch.equal(source.images, images[smile & glasses])
    assert source.members.has(FACE_ATTRIBUTES.index("smile")).all()
    assert len(source.members.has(0)) == source.count == (smile & glasses).sum()
    assert source.report.skipped == 60 - source.count
    assert source.description.endswith(", classes smile,glasses")


@pytest.mark.usefixtures("few_faces")
def test_toy_faces_take_the_size_and_the_channels_that_are_asked_for() -> None:
    source = prepared("toy:faces", size=(32, 32))
    assert torch.equal(source.images, next(draw_faces(60, size=32))[0])  # drawn so, not made smaller
    assert prepared("toy:faces", size=(8, 8)).image_shape == (3, 8, 8)
    assert prepared("toy:faces", size=(28, 28), channels=1).image_shape == (1, 28, 28)


@pytest.mark.usefixtures("few_faces")
@pytest.mark.parametrize(
    ("classes", "words"), [("smile,frown", "no image has all of smile,frown"), ("sunny", "0: smile, 1: frown")]
)
def test_attributes_that_no_drawn_face_has_are_refused(classes: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        prepared("toy:faces", classes=classes)


@pytest.mark.parametrize("ref", ["", "cifar", "folder", "folder:", "toy", "toy:", "toy:dogs", "MNIST", "/tmp/pictures"])
def test_an_unknown_ref_is_refused_with_what_there_is(ref: str) -> None:
    with pytest.raises(DataError) as refused:
        load(ref)
    assert repr(ref) in str(refused.value)
    for known in ("mnist", "folder:DIR", "toy:digits", "toy:faces", "toy:1010"):
        assert known in str(refused.value)


def test_a_description_tells_count_size_and_colour(picture_folder: Path) -> None:
    description = resident(f"folder:{picture_folder}", 16).description
    for part in ("11", "16x16", "gray", str(picture_folder)):
        assert part in description


# --- batches ---------------------------------------------------------------------------------------------------------


def numbered(count: int, seed: int = 0) -> ResidentImages:
    """Images of one pixel whose value is their number."""
    images = torch.arange(count, dtype=torch.uint8).reshape(count, 1, 1, 1)
    return ResidentImages(images, NO_ATTRIBUTES, seed, "numbered")


def numbers_of(batch: Tensor) -> list[int]:
    return ((batch.flatten() + 1) * 127.5).round().int().tolist()


def shown(source: ResidentImages, steps: int, size: int) -> list[int]:
    rng = torch.Generator()
    return [n for step in range(1, steps + 1) for n in numbers_of(source.batch(step, size, rng))]


@pytest.mark.parametrize(
    ("count", "size"), [(10, 1), (10, 3), (10, 5), (10, 10), (7, 4), (4, 11), (3, 64), (1, 1), (1, 5), (200, 64)]
)
def test_every_image_is_shown_exactly_once_an_epoch(count: int, size: int) -> None:
    steps = 3 * count
    numbers = shown(numbered(count), steps, size)
    assert len(numbers) == steps * size
    for start in range(0, len(numbers), count):
        assert sorted(numbers[start : start + count]) == list(range(count))


def test_the_order_is_another_in_every_epoch() -> None:
    numbers = shown(numbered(50), steps=20, size=10)
    epochs = [tuple(numbers[start : start + 50]) for start in range(0, 200, 50)]
    assert len(set(epochs)) == 4
    assert tuple(range(50)) not in epochs


def test_the_order_is_another_for_every_seed() -> None:
    assert len({tuple(shown(numbered(50, seed), steps=5, size=10)) for seed in range(5)}) == 5


def test_two_seeds_do_not_share_orders_in_later_epochs() -> None:
    first, second = (shown(numbered(50, seed), steps=30, size=50) for seed in (0, 1))
    epochs = [{tuple(numbers[start : start + 50]) for start in range(0, 1500, 50)} for numbers in (first, second)]
    assert not epochs[0] & epochs[1]


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    straight = numbered(10)
    expected = {step: numbers_of(straight.batch(step, 4, torch.Generator())) for step in range(1, 31)}
    for step in (30, 1, 17, 3, 29, 2, 17):
        fresh, rng = numbered(10), torch.Generator().manual_seed(step)
        assert numbers_of(fresh.batch(step, 4, rng)) == expected[step]
        assert numbers_of(straight.batch(step, 4, rng)) == expected[step]


def test_drawing_a_batch_uses_no_random_numbers() -> None:
    rng = torch.Generator().manual_seed(3)
    states = rng.get_state(), torch.get_rng_state()
    shown_source = numbered(10)
    for step in range(1, 9):
        shown_source.batch(step, 4, rng)
    assert torch.equal(rng.get_state(), states[0])
    assert torch.equal(torch.get_rng_state(), states[1])


def test_a_batch_across_the_end_of_an_epoch_is_full() -> None:
    source = numbered(10)
    batches = [numbers_of(source.batch(step, 4, torch.Generator())) for step in (1, 2, 3)]
    assert [len(batch) for batch in batches] == [4, 4, 4]
    assert sorted(batches[0] + batches[1] + batches[2][:2]) == list(range(10))


def test_bytes_become_floats_from_minus_1_to_1() -> None:
    images = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    source = ResidentImages(images, NO_ATTRIBUTES, 0, "all values")
    batch = source.batch(1, 1, torch.Generator())
    assert batch.dtype == torch.float32
    assert batch.min().item() == -1
    assert batch.max().item() == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(batch.flatten(), torch.linspace(-1, 1, 256), atol=1e-6, rtol=0)


def test_a_batch_is_a_copy() -> None:
    source = numbered(4)
    source.batch(1, 4, torch.Generator()).fill_(7)
    assert source.images.flatten().tolist() == [0, 1, 2, 3]


def test_a_source_knows_its_count_and_shape() -> None:
    source = ResidentImages(torch.zeros(5, 3, 8, 6, dtype=torch.uint8), NO_ATTRIBUTES, 0, "five")
    assert source.count == 5
    assert source.image_shape == (3, 8, 6)
    assert source.batch(1, 2, torch.Generator()).shape == (2, 3, 8, 6)
