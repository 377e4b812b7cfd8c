from __future__ import annotations

import json
from pathlib import Path

import pytest

from ganexplorer.cli import main


def test_publish_makes_a_model_folder_that_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = tmp_path / "numbers.json"
    recall = {"name": "recall", "value": 0.5, "floor": 0.9, "unit": "", "error": 0.01234567, "help": "what it means"}
    told = {
        "model": "mnist-mlp-64",
        "data": "9 pictures of /my/data/faces, 8x8, gray",
        "count": 9,
        "metrics": {"recall": recall},
    }
    numbers.write_text(json.dumps(told))
    folder = tmp_path / "mine"
    arguments = ["publish", "mnist-mlp-64", "-o", str(folder), "--title", "Digits", "--numbers", str(numbers)]
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert "weights float16" in said.out
    assert "once it lies in" in said.err
    assert "no numbers" not in said.err
    card = json.loads((folder / "card.json").read_text())
    assert card["title"] == "Digits"
    assert card["evaluation"] == {
        "data": "9 pictures of faces, 8x8, gray", "count": 9,
        "metrics": {"recall": {"value": 0.5, "error": 0.012346, "floor": 0.9, "unit": ""}},
    }  # fmt: skip
    assert main(["inspect", str(folder)]) == 0


def test_a_model_is_published_with_its_directions_or_with_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", "mnist-mlp-64", "-o", str(tmp_path / "same")]) == 0
    own = json.loads((tmp_path / "same" / "directions.json").read_text())
    assert "slanted" in [direction["name"] for direction in own["directions"]]
    other = tmp_path / "sefa.json"
    assert main(["directions", "mnist-mlp-64", "--method", "sefa", "-n", "2", "-o", str(other)]) == 0
    assert main(["publish", "mnist-mlp-64", "-o", str(tmp_path / "other"), "--directions", str(other)]) == 0
    said = capsys.readouterr()
    assert "2 directions" in said.out
    assert "The card has no numbers" in said.err
    card = json.loads((tmp_path / "other" / "card.json").read_text())
    assert list(card["directions"]) == ["SeFa 1", "SeFa 2"]
    wrong = ["publish", "pattern-1010", "-o", str(tmp_path / "wrong"), "--directions", str(other)]
    assert main(wrong) == 2
    assert "64 latent dimensions, and this one has 1" in capsys.readouterr().err
    assert not (tmp_path / "wrong").exists()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("2,000 pictures of /home/jane doe/my faces, 64x64, colour", "2,000 pictures of my faces, 64x64, colour"),
        (
            "9 pictures of faces/of, mine, 8x8, gray, mirrored at random",
            "9 pictures of of, mine, 8x8, gray, mirrored at random",
        ),
        ("9 pictures of C:\\Users\\jane\\faces, 8x8, gray, classes a/b", "9 pictures of faces, 8x8, gray, classes a/b"),
        ("MNIST, 60,000 digits, 28x28, gray", "MNIST, 60,000 digits, 28x28, gray"),
    ],
)
def test_the_folders_of_this_machine_stay_out_of_a_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: str, told: str
) -> None:
    numbers = tmp_path / "numbers.json"
    numbers.write_text(json.dumps({"data": data, "count": 9, "metrics": {"recall": {"value": 0.5}}}))
    assert main(["publish", "pattern-1010", "-o", str(tmp_path / "mine"), "--numbers", str(numbers)]) == 0
    assert json.loads((tmp_path / "mine" / "card.json").read_text())["evaluation"]["data"] == told


def test_publish_refuses_a_folder_in_use_and_numbers_of_another_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    assert main(["publish", "mnist-mlp-64", "-o", str(tmp_path / "used")]) == 2
    assert "is not empty" in capsys.readouterr().err
    other = tmp_path / "other.json"
    other.write_text("[1]")
    assert main(["publish", "mnist-mlp-64", "-o", str(tmp_path / "new"), "--numbers", str(other)]) == 2
    assert "evaluate --json" in capsys.readouterr().err
    other.write_text(json.dumps({"model": "pattern-1010", "metrics": {}}))
    assert main(["publish", "mnist-mlp-64", "-o", str(tmp_path / "new"), "--numbers", str(other)]) == 2
    assert "is of pattern-1010, not of mnist-mlp-64" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_inspect_tells_title_and_note_of_a_published_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    main(["publish", "mnist-mlp-64", "-o", str(folder), "--title", "Digits of mine", "--note", "For research only."])
    capsys.readouterr()
    assert main(["inspect", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "Digits of mine" in said
    assert "For research only." in said
