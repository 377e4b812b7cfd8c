"""CelebA: read where a person has put it, never downloaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from loading import plain, prepared

from ganexplorer.train import data
from ganexplorer.train.data import DataError

NAMES = ("Male", "Smiling", "Young")
TABLE = {"000001.jpg": "-1 1 1", "000002.jpg": "1 1 -1", "000003.jpg": "1 -1 1", "000004.jpg": "1 1 1"}


def write_pictures(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(1, 5):
        plain(40 * number, "L", (18, 22)).save(folder / f"00000{number}.jpg", quality=95)


def write_table(path: Path) -> None:
    """As published: the count, the names, then 1 or -1 in columns."""
    lines = [str(len(TABLE)), " ".join(NAMES) + " "]
    path.write_text("\n".join([*lines, *(f"{name}  {values}" for name, values in TABLE.items())]) + "\n")


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "celeba" / "img_align_celeba")
    write_table(tmp_path / "celeba" / "list_attr_celeba.txt")
    return tmp_path


def numbers(folder: Path, classes: str = "") -> list[int]:
    source = prepared(f"celeba:{folder}", size=(8, 8), classes=classes)
    return (source.images.float().mean((1, 2, 3)) / 40).round().int().tolist()


@pytest.mark.parametrize(
    ("classes", "expected"),
    [("", [1, 2, 3, 4]), ("Smiling", [1, 2, 4]), ("Smiling,Male", [2, 4]), ("0,1,2", [4]), ("young", [1, 3, 4])],
)
def test_images_that_have_all_the_attributes_are_kept(celeba: Path, classes: str, expected: list[int]) -> None:
    assert numbers(celeba, classes) == expected


def test_attributes_are_counted_among_the_images_used(celeba: Path) -> None:
    source = prepared(f"celeba:{celeba}", size=(8, 8), classes="Male,Smiling")
    assert source.report.classes == (("Male", 2), ("Smiling", 2), ("Young", 1))
    assert source.report.skipped == 2
    assert source.members.names == NAMES
    assert source.members.table.tolist() == [[True, True, False], [True, True, True]]
    assert [source.members.has(number).tolist() for number in range(3)] == source.members.table.T.tolist()
    assert source.description == f"2 pictures of {celeba}, 8x8, gray, classes Male,Smiling"


def test_a_broken_picture_does_not_shift_the_attributes_of_the_others(celeba: Path) -> None:
    (celeba / "celeba" / "img_align_celeba" / "000002.jpg").write_bytes(b"no picture")
    for _ in ("decoded", "from the cache"):
        source = prepared(f"celeba:{celeba}", size=(8, 8), classes="Smiling")
        assert (source.images.float().mean((1, 2, 3)) / 40).round().int().tolist() == [1, 4]
        assert source.members.has(NAMES.index("Male")).tolist() == [False, True]


def test_the_table_may_have_commas(tmp_path: Path) -> None:
    write_pictures(tmp_path / "img_align_celeba" / "img_align_celeba")
    rows = [f"{name},{values.replace(' ', ',')}" for name, values in TABLE.items()]
    (tmp_path / "list_attr_celeba.csv").write_text("\n".join([",".join(("image_id", *NAMES)), *rows]))
    assert numbers(tmp_path, "Smiling,Male") == [2, 4]


@pytest.mark.parametrize("place", ["celeba/img_align_celeba", "img_align_celeba"])
def test_without_its_table_it_is_a_folder_of_pictures(tmp_path: Path, place: str) -> None:
    write_pictures(tmp_path / place)
    assert numbers(tmp_path) == [1, 2, 3, 4]
    with pytest.raises(DataError, match=r"list_attr_celeba\.txt: no such file"):
        numbers(tmp_path, "Smiling")


def test_a_picture_that_the_table_does_not_know_has_no_attributes(celeba: Path) -> None:
    plain(200, "L", (18, 22)).save(celeba / "celeba" / "img_align_celeba" / "000005.jpg")
    assert numbers(celeba) == [1, 2, 3, 4, 5]
    assert numbers(celeba, "Smiling") == [1, 2, 4]


def test_unknown_attributes_are_refused_with_those_there_are(celeba: Path) -> None:
    with pytest.raises(DataError, match=r"'Frowning'.*0: Male, 1: Smiling, 2: Young"):
        numbers(celeba, "Frowning")


def test_attributes_that_no_picture_has_together_are_refused(celeba: Path) -> None:
    table = celeba / "celeba" / "list_attr_celeba.txt"
    table.write_text(table.read_text().replace("1 1 1", "1 1 -1"))
    with pytest.raises(DataError, match="no picture has all of Male,Smiling,Young"):
        numbers(celeba, "Male,Smiling,Young")


@pytest.mark.parametrize(
    "content", [b"", b"4\n", b"\xff\xfe\x00", b"4\nMale Young\n000001.jpg 1\n", b"x" * 100, b"\n\n\n1 2 3\n"]
)
def test_a_damaged_table_is_refused_by_name(celeba: Path, content: bytes) -> None:
    (celeba / "celeba" / "list_attr_celeba.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"list_attr_celeba\.txt: is no table"):
        numbers(celeba, "Male")


@pytest.mark.parametrize("layout", [[], ["celeba"], ["img_celeba"]])
def test_a_wrong_layout_is_refused_with_the_right_one(tmp_path: Path, layout: list[str]) -> None:
    for name in layout:
        (tmp_path / name).mkdir()
    with pytest.raises(DataError) as refused:
        numbers(tmp_path)
    for part in (str(tmp_path / "celeba" / "img_align_celeba"), "list_attr_celeba.txt"):
        assert part in str(refused.value)


def test_a_changed_table_is_read_again(celeba: Path) -> None:
    assert numbers(celeba, "Smiling") == [1, 2, 4]
    table = celeba / "celeba" / "list_attr_celeba.txt"
    table.write_text(table.read_text().replace("000001.jpg  -1 1", "000001.jpg  -1 -1"))
    assert numbers(celeba, "Smiling") == [2, 4]


def test_a_chosen_folder_that_holds_celeba_is_known_as_celeba(celeba: Path) -> None:
    assert data.ref_of_folder(celeba) == f"celeba:{celeba}"
    assert data.ref_of_folder(celeba / "celeba") == f"celeba:{celeba / 'celeba'}"
