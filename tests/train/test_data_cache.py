"""Decoded pictures on disk: found again, told apart from changed ones, whole or not at all, within their budget."""

from __future__ import annotations

import json
import os
import shutil
import types
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from loading import CPU, drained, notices, plain, prepared

from ganexplorer.train import data, data_cache, folders
from ganexplorer.train.data import DataError, ResidentImages
from ganexplorer.train.decoding import decode
from ganexplorer.train.events import Progress
from ganexplorer.train.preparation import Preparation


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six pictures in two classes, one of them broken."""
    folder = tmp_path / "pictures"
    for number in range(6):
        (folder / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        plain((40 * number, 0, 9), size=(16 + number, 16)).save(folder / "ab"[number % 2] / f"{number}.png")
    (folder / "b" / os.fsdecode(b"\xff.png")).write_bytes(b"broken")
    return folder


@pytest.fixture
def decoded_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is really decoded, by name."""
    names: list[str] = []

    def watched(path: Path, preparation: Preparation) -> object:
        names.append(path.name)
        return decode(path, preparation)

    monkeypatch.setattr(folders, "decode", watched)
    return names


def kept(home: Path) -> list[Path]:
    return sorted((home / "decoded").iterdir())


def images_file(home: Path) -> Path:
    (path,) = (home / "decoded").glob("*.npy")
    return path


def facts_file(home: Path) -> Path:
    return images_file(home).with_suffix(".json")


# --- found again -----------------------------------------------------------------------------------------------------


def test_a_second_start_decodes_nothing_and_gives_the_same(pictures: Path, decoded_names: list[str]) -> None:
    first = drained(data.load(f"folder:{pictures}", Preparation((8, 8)), CPU, 0))
    decoded_names.clear()
    second = drained(data.load(f"folder:{pictures}", Preparation((8, 8)), CPU, 0))
    assert decoded_names == []
    assert isinstance(first[0], ResidentImages)
    assert isinstance(second[0], ResidentImages)
    assert torch.equal(first[0].images, second[0].images)
    assert first[0].members.names == second[0].members.names == ("a", "b")
    assert first[0].members.labels.tolist() == second[0].members.labels.tolist()
    assert first[0].report == second[0].report
    assert first[0].description == second[0].description
    assert notices(first[1]) == notices(second[1])
    assert len(notices(second[1])) == 1


def test_the_file_is_a_plain_npy_of_the_images(pictures: Path, home: Path) -> None:
    source = prepared(f"folder:{pictures}", size=(8, 8))
    assert np.array_equal(np.load(images_file(home)), source.images.numpy())
    assert source.members.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_images_from_the_cache_may_be_written_to(pictures: Path) -> None:
    for _ in range(2):
        source = prepared(f"folder:{pictures}", size=(8, 8))
        source.images.zero_()
    assert prepared(f"folder:{pictures}", size=(8, 8)).images.any()


@pytest.mark.parametrize(
    "preparation",
    [
        {"size": (8, 16)}, {"size": (8, 8), "fit": "pad"}, {"size": (8, 8), "fit": "stretch"},
        {"size": (8, 8), "channels": 1}, {"size": (8, 8), "classes": "a"},
    ],
    ids=["size", "pad", "stretch", "gray", "classes"],
)  # fmt: skip
def test_another_preparation_is_another_set(
    pictures: Path, decoded_names: list[str], preparation: dict[str, object]
) -> None:
    prepared(f"folder:{pictures}", size=(8, 8))
    decoded_names.clear()
    prepared(f"folder:{pictures}", **preparation)
    assert decoded_names


@pytest.mark.parametrize("same", [{"flip": True}, {"classes": "b,a"}, {"classes": "a,b"}])
def test_what_does_not_matter_to_decoding_decodes_nothing(
    pictures: Path, decoded_names: list[str], same: dict[str, object]
) -> None:
    prepared(f"folder:{pictures}", size=(8, 8), classes="a,b" if "classes" in same else "")
    decoded_names.clear()
    source = prepared(f"folder:{pictures}", size=(8, 8), **same)
    assert decoded_names == []
    assert ("mirrored" in source.description) == ("flip" in same)


def change(path: Path) -> None:
    before = path.stat()
    plain((1, 2, 3), size=(18, 16)).save(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000))


CHANGES: dict[str, Callable[[Path], object]] = {
    "changed": lambda folder: change(folder / "a" / "2.png"),
    "touched": lambda folder: os.utime(folder / "a" / "2.png", ns=(0, 5)),
    "added": lambda folder: shutil.copy(folder / "a" / "2.png", folder / "a" / "9.png"),
    "removed": lambda folder: (folder / "a" / "2.png").unlink(),
    "renamed": lambda folder: (folder / "a" / "2.png").rename(folder / "a" / "8.png"),
    "in another class": lambda folder: (folder / "a" / "2.png").rename(folder / "b" / "2.png"),
    "closed": lambda folder: (folder / "a" / "2.png").chmod(0o400),
}


@pytest.mark.parametrize("what", CHANGES.values(), ids=CHANGES)
def test_a_set_that_has_changed_is_decoded_again(
    pictures: Path, decoded_names: list[str], what: Callable[[Path], object]
) -> None:
    prepared(f"folder:{pictures}", size=(8, 8))
    decoded_names.clear()
    what(pictures)
    prepared(f"folder:{pictures}", size=(8, 8))
    assert decoded_names


def test_the_same_pictures_elsewhere_are_another_set(pictures: Path, tmp_path: Path, decoded_names: list[str]) -> None:
    prepared(f"folder:{pictures}", size=(8, 8))
    shutil.copytree(pictures, tmp_path / "copy")
    decoded_names.clear()
    report = prepared(f"folder:{tmp_path / 'copy'}", size=(8, 8)).report
    assert decoded_names
    assert str(tmp_path / "copy") in report.broken[0][0]


def test_one_folder_named_in_two_ways_is_one_set(
    pictures: Path, decoded_names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(f"folder:{pictures}", size=(8, 8))
    decoded_names.clear()
    monkeypatch.chdir(pictures.parent)
    assert "pictures of ./pictures," in prepared("folder:./pictures", size=(8, 8)).description
    assert decoded_names == []


# --- damaged ---------------------------------------------------------------------------------------------------------


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "images cut off": lambda home: os.truncate(images_file(home), images_file(home).stat().st_size - 1),
    "images too long": lambda home: os.truncate(images_file(home), images_file(home).stat().st_size + 1),
    "images empty": lambda home: images_file(home).write_bytes(b""),
    "images gone": lambda home: images_file(home).unlink(),
    "a byte flipped": lambda home: flip_a_byte(images_file(home)),
    "images of another shape": lambda home: np.save(images_file(home), np.zeros((6, 3, 4, 16), np.uint8)),
    "images of another type": lambda home: np.save(images_file(home), np.zeros((6, 3, 8, 8), np.int8)),
    "facts cut off": lambda home: os.truncate(facts_file(home), 40),
    "facts empty": lambda home: facts_file(home).write_bytes(b""),
    "facts gone": lambda home: facts_file(home).unlink(),
    "no facts": lambda home: facts_file(home).write_text("[]"),
    "deep facts": lambda home: facts_file(home).write_text("[" * 100_000),
    "facts of another kind": lambda home: facts_file(home).write_text('{"report": {"a": 1}, "kept": [], "crc32": 0}'),
    "a number missing": lambda home: alter(home, lambda facts: facts["kept"].pop()),
    "no numbers": lambda home: alter(home, lambda facts: facts.update(kept=["x"] * 6)),
    "a number twice": lambda home: alter(home, lambda facts: facts.update(kept=[0, 1, 2, 3, 4, 4])),
    "too high a number": lambda home: alter(home, lambda facts: facts.update(kept=[0, 1, 2, 3, 4, 7])),
    "a huge claim": lambda home: alter(home, lambda facts: facts["report"].update(used=10**15)),
    "no images": lambda home: alter(home, lambda facts: facts["report"].update(used=0)),
    "a text for a shape": lambda home: alter(home, lambda facts: facts["report"].update(image_shape="abc")),
}


def alter(home: Path, what: Callable[[dict[str, dict[str, object]]], object]) -> None:
    facts = json.loads(facts_file(home).read_text())
    what(facts)
    facts_file(home).write_text(json.dumps(facts))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cache_is_made_anew_in_silence(
    pictures: Path, home: Path, decoded_names: list[str], damage: Callable[[Path], object]
) -> None:
    first, said = drained(data.load(f"folder:{pictures}", Preparation((8, 8)), CPU, 0))
    damage(home)
    decoded_names.clear()
    second, said_again = drained(data.load(f"folder:{pictures}", Preparation((8, 8)), CPU, 0))
    assert decoded_names
    assert notices(said_again) == notices(said)
    assert isinstance(first, ResidentImages)
    assert isinstance(second, ResidentImages)
    assert torch.equal(second.images, first.images)
    assert second.report == first.report
    assert np.array_equal(np.load(images_file(home)), first.images.numpy())  # whole again
    decoded_names.clear()
    prepared(f"folder:{pictures}", size=(8, 8))
    assert decoded_names == []


# --- room ------------------------------------------------------------------------------------------------------------


def aged(path: Path, days: float) -> None:
    time = path.stat().st_mtime - days * 86400
    os.utime(path, (time, time))


def write_set(name: str, size: int, days: float) -> None:
    """A kept set of `size` bytes of images, last used so many days ago."""
    images = np.zeros((1, 1, 1, size), np.uint8)
    report = data.DataReport(1, 1, (1, 1, size))
    for _ in data_cache.write(name, data_cache.Decoded(images, np.zeros(1, np.int64), report)):
        pass
    for path in data_cache.folder().glob(f"{name}.*"):
        aged(path, days)


def names_kept() -> set[str]:
    return {path.stem for path in data_cache.folder().iterdir()}


def test_what_was_not_used_for_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_cache, "BUDGET_BYTES", 70_000)
    for name, days in (("new", 1), ("oldest", 9), ("old", 5)):
        write_set(name, 20_000, days)
    assert names_kept() == {"new", "old", "oldest"}
    write_set("newest", 20_000, 0)
    assert names_kept() == {"new", "old", "newest"}
    write_set("large", 45_000, 0)
    assert names_kept() == {"newest", "large"}


def test_what_is_read_counts_as_used(pictures: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(f"folder:{pictures}", size=(8, 8))
    for path in kept(home):
        aged(path, 30)
    write_set("other", 20_000, 10)
    prepared(f"folder:{pictures}", size=(8, 8))  # used now
    monkeypatch.setattr(data_cache, "BUDGET_BYTES", 30_000)
    write_set("newest", 20_000, 0)
    assert names_kept() == {images_file_stem(home), "newest"}


def images_file_stem(home: Path) -> str:
    (stem,) = {path.stem for path in kept(home)} - {"newest", "other"}
    return stem


def test_a_set_larger_than_the_budget_is_not_kept_and_drives_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_cache, "BUDGET_BYTES", 30_000)
    write_set("small", 1_000, 1)
    write_set("large", 30_000, 0)
    assert names_kept() == {"small"}


@pytest.mark.parametrize(("free", "is_kept"), [(30_000, False), (50_000, True)])
def test_at_most_half_of_the_free_disk_is_used(monkeypatch: pytest.MonkeyPatch, free: int, is_kept: bool) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=free))
    write_set("one", 20_000, 0)
    assert ("one" in names_kept()) == is_kept


def test_half_written_files_of_killed_processes_are_taken_away(home: Path) -> None:
    (home / "decoded").mkdir()
    for name, days in ((".x.npy.0a.part", 3.0), (".y.npy.0a.part", 0.0)):
        (home / "decoded" / name).write_bytes(b"half")
        aged(home / "decoded" / name, days)
    write_set("one", 100, 0)
    assert [path.name for path in kept(home) if path.name.startswith(".")] == [".y.npy.0a.part"]


# --- it never stands in the way --------------------------------------------------------------------------------------


def test_a_cache_that_cannot_be_written_is_a_notice(pictures: Path, home: Path) -> None:
    (home / "decoded").write_text("a file where the folder belongs")
    source, said = drained(data.load(f"folder:{pictures}", Preparation((8, 8)), CPU, 0))
    assert source.count == 6
    assert any("not kept" in text and str(home / "decoded") in text for text in notices(said))


def test_a_closed_cache_folder_is_a_notice(
    open_folder: Path, as_a_person: Callable[[], AbstractContextManager[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain(9, "L").save(open_folder / "a.png")
    (open_folder / "home" / "decoded").mkdir(parents=True)
    (open_folder / "home" / "decoded").chmod(0)
    monkeypatch.setenv("GANEXPLORER_HOME", str(open_folder / "home"))
    with as_a_person():
        source, said = drained(data.load(f"folder:{open_folder}", Preparation((8, 8)), CPU, 0))
    assert source.count == 1
    assert any("Permission denied" in text for text in notices(said))


def test_a_disk_that_is_full_leaves_no_half_of_a_file(
    pictures: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    source, said = drained(data.load(f"folder:{pictures}", Preparation((8, 8)), CPU, 0))
    assert source.count == 6
    assert any("No space left" in text for text in notices(said))
    assert kept(home) == []


def test_a_set_in_the_cache_that_does_not_fit_into_memory_is_refused_and_stays(
    pictures: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(f"folder:{pictures}", size=(8, 8))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(available=2 * 7 * 64))
    with pytest.raises(DataError, match="6 images of 3 x 8 x 8"):
        prepared(f"folder:{pictures}", size=(8, 8))
    assert len(kept(home)) == 2


def test_a_read_that_is_closed_leaves_the_cache_as_it_was(
    pictures: Path, home: Path, monkeypatch: pytest.MonkeyPatch, decoded_names: list[str]
) -> None:
    prepared(f"folder:{pictures}", size=(8, 8))
    decoded_names.clear()
    monkeypatch.setattr("ganexplorer.train.progress.PACE_SECONDS", 0.0)
    loading = data.load(f"folder:{pictures}", Preparation((8, 8)), CPU, 0)
    for event in loading:
        if isinstance(event, Progress) and event.what == "Reading decoded pictures":
            break
    loading.close()
    prepared(f"folder:{pictures}", size=(8, 8))
    assert decoded_names == []
