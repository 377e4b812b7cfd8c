"""Folders as they are on people's disks: broken pictures, links in circles, pipes, closed doors; and cancelling."""

from __future__ import annotations

import os
import struct
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import random_picture
from loading import CPU, drained, notices, plain, prepared
from PIL import Image

from ganexplorer.train import data, folders
from ganexplorer.train.data import DataError
from ganexplorer.train.decoding import Picture, Unreadable, decode
from ganexplorer.train.events import Notice, Progress
from ganexplorer.train.preparation import Preparation

P8 = Preparation((8, 8))


def broken_in(folder: Path, **preparation: object) -> dict[str, str]:
    """Name and reason of what could not be read; a good picture is put beside it."""
    plain(90, "L").save(folder / "zz-good.png")
    report = prepared(f"folder:{folder}", size=(8, 8), **preparation).report
    assert report.found == report.used + report.skipped + report.broken_count
    assert report.broken_count == len(report.broken)
    return {os.path.relpath(path, folder): reason for path, reason in report.broken}


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, and hardly anything behind it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def half(picture: Image.Image, path: Path) -> None:
    picture.save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


# --- broken pictures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("a.png", lambda path: path.write_bytes(b""), "is empty"),
        ("a.png", lambda path: path.write_text("hello"), "is no picture of a known format"),
        ("a.jpg", lambda path: half(random_picture(0, 64), path), "is cut off"),
        ("a.png", lambda path: half(random_picture(0, 64), path), "is cut off"),
        ("a.png", lambda path: path.write_bytes(png_of_size(50_000, 50_000)), "at most 89 million"),
        ("a.png", lambda path: path.write_bytes(png_of_size(10_000, 10_000)), "at most 89 million"),
        ("a.png", lambda path: path.write_bytes(png_of_size(0, 5)), "is"),
        ("a.png", lambda path: path.symlink_to("a.png"), "leads round in a circle"),
        ("a.png", lambda path: path.symlink_to("nothing.png"), "no such file"),
        ("a", lambda path: path.symlink_to("a"), "leads round in a circle"),
        ("a.jpg", lambda path: os.mkfifo(path), "is a pipe"),
        ("a.jpg", lambda path: path.symlink_to("/dev/zero"), "is a device"),
        ("a.png", lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "known format"),
        ("图.png", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "is"),
        ("a" * 251 + ".png", lambda path: path.write_bytes(b"x"), "is no picture"),
        (os.fsdecode(b"\xff.png"), lambda path: path.write_bytes(b"x"), "is no picture"),
        ("back", lambda path: path.symlink_to("."), "leads back"),
        ("back", lambda path: path.symlink_to(".."), "leads back"),
        ("back", lambda path: path.symlink_to("/"), "leads back"),
    ],
)
def test_what_cannot_be_read_is_listed_with_its_reason(
    tmp_path: Path, name: str, make: Callable[[Path], object], reason: str
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    make(folder / name)
    broken = broken_in(folder)
    assert list(broken) == [name]
    assert reason in broken[name]
    assert "\n" not in broken[name]


@pytest.mark.parametrize(
    ("save", "expected"),
    [
        (lambda path: plain(77, "L", (1, 1)).save(path / "a.png"), [77]),
        (lambda path: Image.fromarray(np.full((4, 4), 25700, np.uint16)).save(path / "a.png"), [100]),
        (lambda path: Image.fromarray(np.full((4, 4), 25700, np.uint16)).save(path / "a.tif"), [100]),
        (lambda path: Image.fromarray(np.full((4, 4), 25700, np.int32)).save(path / "a.tif"), [100]),
        (lambda path: Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(path / "a.tif"), [127]),
        (lambda path: Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(path / "a.tif"), [0]),
        (lambda path: plain((55, 155, 215, 0), "CMYK").save(path / "a.jpg", quality=95), [200, 100, 40]),
        (lambda path: plain((255, 0, 0)).save(path / ("名" * 80 + ".png")), [255, 0, 0]),
        (lambda path: plain((9, 8, 7)).save(path / "wrong-ending.jpg", "PNG"), [9, 8, 7]),
    ],
    ids=["1x1", "16 bits", "16-bit TIFF", "32 bits", "float", "not a number", "CMYK", "long name", "wrong ending"],
)  # fmt: skip
def test_unusual_pictures_are_read(tmp_path: Path, save: Callable[[Path], object], expected: list[int]) -> None:
    save(tmp_path)
    source = prepared(f"folder:{tmp_path}", size=(4, 4))
    assert source.report.broken_count == 0
    assert source.images.float().mean((2, 3))[0].tolist() == pytest.approx(expected, abs=3)


def test_a_cmyk_picture_becomes_gray_when_gray_is_wanted(tmp_path: Path) -> None:
    plain((55, 155, 215, 0), "CMYK").save(tmp_path / "a.jpg", quality=95)
    value = prepared(f"folder:{tmp_path}", size=(4, 4), channels=1).images.float().mean().item()
    assert value == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 40, abs=3)


def test_a_huge_picture_is_refused_by_its_header_in_no_time(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_of_size(50_000, 50_000))
    before = time.process_time()
    assert isinstance(decode(tmp_path / "a.png", P8), Unreadable)
    assert time.process_time() - before < 1


def test_a_picture_that_makes_a_decoder_fail_oddly_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain(90, "L").save(tmp_path / "a.png")
    for error in (RuntimeError("odd\nthing"), KeyError("x"), RecursionError(), MemoryError(), struct.error("unpack")):
        monkeypatch.setattr(Image, "open", lambda *_, error=error, **__: (_ for _ in ()).throw(error))
        result = decode(tmp_path / "a.png", P8)
        assert isinstance(result, Unreadable)
        assert "\n" not in result.reason


def test_closed_files_and_folders_are_listed(
    open_folder: Path, as_a_person: Callable[[], AbstractContextManager[None]]
) -> None:
    plain(90, "L").save(open_folder / "good.png")
    plain(90, "L").save(open_folder / "shut.png")
    (open_folder / "closed").mkdir()
    plain(90, "L").save(open_folder / "closed" / "a.png")
    (open_folder / "shut.png").chmod(0)
    (open_folder / "closed").chmod(0)
    try:
        with as_a_person():
            report = prepared(f"folder:{open_folder}", size=(8, 8)).report
    finally:
        (open_folder / "closed").chmod(0o755)
    assert report.used == 1
    reasons = {Path(path).name: reason for path, reason in report.broken}
    assert set(reasons) == {"closed", "shut.png"}
    assert all("Permission denied" in reason for reason in reasons.values())


def test_a_closed_folder_is_refused_in_words(
    open_folder: Path, as_a_person: Callable[[], AbstractContextManager[None]]
) -> None:
    (open_folder / "closed").mkdir(mode=0)
    with as_a_person(), pytest.raises(DataError, match="cannot be read"):
        prepared(f"folder:{open_folder / 'closed'}")


def test_a_home_folder_of_nobody_is_refused_in_words() -> None:
    with pytest.raises(DataError, match="nobody"):
        prepared("folder:~no-such-person/faces")


@pytest.mark.parametrize("ref", ["folder:\0", "folder:" + "x" * 5000, "celeba:\0", "celeba:" + "x" * 5000])
def test_what_is_no_name_of_a_folder_is_refused(ref: str) -> None:
    with pytest.raises(DataError):
        prepared(ref)


def test_a_link_to_a_class_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    plain(33, "L").save(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "cats").symlink_to(tmp_path / "elsewhere")
    source = prepared(f"folder:{tmp_path / 'set'}", size=(4, 4))
    assert source.images.unique().tolist() == [33]
    assert source.report.classes == (("cats", 1),)


def test_a_folder_that_is_reached_by_a_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "set" / "cats").mkdir(parents=True)
    plain(33, "L").save(tmp_path / "set" / "cats" / "a.png")
    (tmp_path / "link").symlink_to("set")
    assert prepared(f"folder:{tmp_path / 'link'}", size=(4, 4)).report.broken == ()


def test_a_report_lists_a_thousand_broken_pictures_and_counts_all(tmp_path: Path) -> None:
    plain(90, "L").save(tmp_path / "good.png")
    for number in range(1010):
        (tmp_path / f"{number}.png").touch()
    report = prepared(f"folder:{tmp_path}", size=(4, 4)).report
    assert len(report.broken) == 1000
    assert (report.found, report.used, report.broken_count) == (1011, 1, 1010)


def test_a_notice_is_one_plain_line_whatever_a_file_is_called(tmp_path: Path) -> None:
    plain(90, "L").save(tmp_path / "good.png")
    (tmp_path / "a\nb\x1b[31m.png").touch()
    _, said = drained(data.load(f"folder:{tmp_path}", P8, CPU, 0))
    (text,) = notices(said)
    assert text.isprintable()


# --- gray and colour -------------------------------------------------------------------------------------------------


def test_the_first_picture_in_colour_makes_all_of_them_coloured(tmp_path: Path) -> None:
    """However late it comes: gray ones decoded before it are kept."""
    values = [int(value) for value in np.random.default_rng(0).integers(0, 256, 70)]
    for number, value in enumerate(values):
        plain(value, "L").save(tmp_path / f"{number:03}.png")
    plain((1, 2, 3)).save(tmp_path / "999.png")
    images = prepared(f"folder:{tmp_path}", size=(4, 4)).images
    assert images.shape == (71, 3, 4, 4)
    assert images[:, :, 0, 0].tolist() == [[value] * 3 for value in values] + [[1, 2, 3]]


# --- cancelling and progress -----------------------------------------------------------------------------------------


def decoding_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("decoding")]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(400):
        plain(number % 256, "L", (8, 8)).save(folder / f"{number:03}.png")
    return folder


@pytest.mark.parametrize("after", ["Looking for pictures", "Reading pictures", "Keeping decoded pictures"])
def test_a_load_that_is_closed_leaves_no_thread_and_no_file(
    many: Path, home: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    monkeypatch.setattr("ganexplorer.train.progress.PACE_SECONDS", 0.0)
    loading = data.load(f"folder:{many}", P8, CPU, 0)
    for event in loading:
        if isinstance(event, Progress) and event.what == after and (event.done or after.startswith("Keeping")):
            break
    else:
        pytest.fail(f"never said {after}")
    loading.close()
    assert decoding_threads() == []
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_cancelling_does_not_wait_for_what_is_not_begun(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Path] = []
    may_go_on = threading.Event()

    def slow(path: Path, preparation: Preparation) -> Picture:
        begun.append(path)
        may_go_on.wait(10)
        return Picture(np.zeros((1, *preparation.size), np.uint8), (8, 8))

    monkeypatch.setattr(folders, "decode", slow)
    loading = data.load(f"folder:{many}", P8, CPU, 0)
    while not begun:
        next(loading)
    timer = threading.Timer(0.05, may_go_on.set)
    timer.start()
    loading.close()
    timer.join()
    assert decoding_threads() == []
    assert len(begun) <= 2 * (os.cpu_count() or 1)


def test_a_picture_that_takes_long_does_not_stop_the_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain(90, "L").save(tmp_path / "a.png")
    may_go_on = threading.Event()

    def slow(path: Path, preparation: Preparation) -> Picture:
        may_go_on.wait(10)
        return Picture(np.zeros((1, *preparation.size), np.uint8), (8, 8))

    monkeypatch.setattr(folders, "decode", slow)
    said: list[Progress | Notice] = []
    for event in data.load(f"folder:{tmp_path}", P8, CPU, 0):
        said.append(event)
        if len(said) == 4:
            may_go_on.set()
    assert said[:4] == [Progress("Reading pictures", 0, 1)] * 4


def test_progress_never_goes_back_and_ends_with_all(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganexplorer.train.progress.PACE_SECONDS", 0.0)
    _, said = drained(data.load(f"folder:{many}", P8, CPU, 0))
    done = [event.done for event in said if isinstance(event, Progress) and event.what == "Reading pictures"]
    assert done == sorted(done)
    assert done[0] == 0
    assert done[-1] == 400
    assert len(set(done)) > 10


def test_a_failing_thread_ends_the_load_with_its_error(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, preparation: Preparation) -> Picture:
        raise SystemError("a bug of ours")

    monkeypatch.setattr(folders, "decode", fail)
    with pytest.raises(SystemError, match="a bug of ours"):
        prepared(f"folder:{many}")
    assert decoding_threads() == []


def test_the_order_is_that_of_the_names_whatever_thread_is_faster(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = folders.decode

    def uneven(path: Path, preparation: Preparation) -> Picture | Unreadable:
        time.sleep(0.002 * (path.name.startswith("0")))
        return real(path, preparation)

    monkeypatch.setattr(folders, "decode", uneven)
    images = prepared(f"folder:{many}", size=(8, 8)).images
    assert images[:, 0, 0, 0].tolist() == [number % 256 for number in range(400)]
    assert torch.equal(images.amax((1, 2, 3)), images.amin((1, 2, 3)))
