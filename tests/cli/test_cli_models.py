"""models and inspect."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint, write_networks
from ganexplorer.core.zoo import GENERATOR_FILE

Command = Callable[..., Any]


@pytest.fixture
def only(models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's folder of models as the only one, whatever is shipped."""
    monkeypatch.setattr(zoo, "default_roots", lambda: (models,))
    return models


# ---- models


@pytest.mark.usefixtures("only")
def test_models_are_a_table_of_one_row_each(command: Command) -> None:
    answer = command("models")
    assert (answer.status, answer.err) == (0, "")
    header, *rows = answer.out.splitlines()
    assert header.split() == ["name", "layers", "z", "image", "data", "size"]
    assert [row.split()[0] for row in rows] == ["probe-colour", "probe-gray", "probe-pattern"]
    assert rows[0].split()[1:5] == ["10-8@4x4-6@8x8-3@16x16", "10", "16x16", "colour"]
    assert rows[1].split()[1:6] == ["7-12-30", "7", "5x6", "gray", "mnist"]
    assert rows[2].split()[1:5] == ["1-3-4", "1", "4x1", "gray"]
    # columns stand below each other
    images = ("16x16 colour", "5x6 gray", "4x1 gray")
    assert len({row.index(image) for row, image in zip(rows, images, strict=True)}) == 1


@pytest.mark.usefixtures("only")
def test_models_for_programs_are_what_inspect_tells_of_each(command: Command) -> None:
    rows = json.loads(command("models", "--json").out)
    assert [row["name"] for row in rows] == ["probe-colour", "probe-gray", "probe-pattern"]
    assert rows == [json.loads(command("inspect", row["name"], "--json").out) for row in rows]


@pytest.mark.usefixtures("models")
def test_models_of_a_person_s_own_are_listed_beside_those_shipped(command: Command) -> None:
    names = [row["name"] for row in json.loads(command("models", "--json").out)]
    assert {"probe-colour", "probe-gray", "probe-pattern"} <= set(names)
    assert names == sorted(names)


def test_where_there_are_no_models_models_says_so(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoo, "default_roots", lambda: (tmp_path,))
    assert command("models").out == "no models found\n"
    assert command("models", "--json").out == "[]\n"


def test_a_damaged_model_does_not_hide_the_others(command: Command, only: Path) -> None:
    (only / "probe-broken").mkdir()
    (only / "probe-broken" / GENERATOR_FILE).write_bytes(b"not a checkpoint")
    answer = command("models")
    for name in ("probe-colour", "probe-gray", "probe-pattern"):
        assert name in answer.out


# ---- inspect


@pytest.mark.usefixtures("models")
def test_inspect_tells_all_of_a_model_to_programs(command: Command, models: Path) -> None:
    answer = command("inspect", "probe-gray", "--json")
    assert (answer.status, answer.err) == (0, "")
    folder = models / "probe-gray"
    assert json.loads(answer.out) == {
        "name": "probe-gray",
        "family": "mlp",
        "layers": "7-12-30",
        "z_dim": 7,
        "prior": "normal(0, 1)",
        "image_shape": [1, 6, 5],
        "value_range": [-1.0, 1.0],
        "parameters": 7 * 12 + 12 + 12 * 30 + 30,
        "has_discriminator": True,
        "title": "",
        "note": "",
        "recipe": "mlp-64",
        "data": "mnist",
        "step": 1500,
        "directions": 0,
        "numbers": {},
        "assumed": {},
        "size": sum(path.stat().st_size for path in folder.glob("*.safetensors")),
        "source": str(folder / GENERATOR_FILE),
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("probe-colour", {"family": "dcgan", "prior": "uniform(-1, 1)", "image_shape": [3, 16, 16],
                          "has_discriminator": True, "step": None, "recipe": ""}),
        ("probe-pattern", {"family": "mlp", "prior": "constant(0.5)", "image_shape": [1, 1, 4],
                           "value_range": [0.0, 1.0], "has_discriminator": False}),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("models")
def test_inspect_tells_families_and_priors_apart(command: Command, name: str, expected: dict[str, Any]) -> None:
    facts = json.loads(command("inspect", name, "--json").out)
    assert {key: facts[key] for key in expected} == expected


def test_inspect_tells_what_was_measured_of_a_model_and_of_how_many_directions(command: Command) -> None:
    facts = json.loads(command("inspect", "mnist-mlp-64", "--json").out)
    assert facts["directions"] == 21
    assert list(facts["numbers"]) == ["lenet_fid", "sure", "precision", "recall"]
    value, floor = facts["numbers"]["lenet_fid"]
    assert floor < value < 20
    said = command("inspect", "mnist-mlp-64").out
    assert f"lenet_fid {value:.4g} ({floor:.4g}), sure " in said
    assert "directions    21" in said


@pytest.mark.parametrize(
    "evaluation", ["good", {"metrics": ["good"]}, {"metrics": {"recall": 1}}, {"metrics": {"recall": {"value": "1"}}}]
)
def test_a_card_with_numbers_of_another_kind_is_inspected_without_them(
    command: Command, models: Path, evaluation: object
) -> None:
    checkpoint = zoo.resolve("probe-gray").load()
    checkpoint.card["evaluation"] = evaluation
    zoo.save_model(models / "odd", checkpoint)
    assert json.loads(command("inspect", "odd", "--json").out)["numbers"] == {}


@pytest.mark.usefixtures("models")
def test_inspect_tells_a_person_a_line_each(command: Command, models: Path) -> None:
    answer = command("inspect", "probe-gray")
    assert {line[:14].strip(): line[14:] for line in answer.out.splitlines()} == {
        "name": "probe-gray",
        "family": "mlp",
        "layers": "7-12-30",
        "z dim": "7",
        "prior": "normal(0, 1)",
        "image shape": "[1, 6, 5]",
        "value range": "[-1.0, 1.0]",
        "parameters": "486",
        "discriminator": "yes",
        "recipe": "mlp-64",
        "data": "mnist",
        "step": "1500",
        "source": str(models / "probe-gray" / GENERATOR_FILE),
    }


@pytest.mark.usefixtures("models")
def test_inspect_leaves_out_what_is_not_known(command: Command) -> None:
    out = command("inspect", "probe-pattern").out
    assert "\ndiscriminator no\n" in out
    assert not any(line.startswith(("recipe", "data", "step")) for line in out.splitlines())


def test_inspect_opens_a_folder_and_a_file(command: Command, models: Path) -> None:
    for model in (models / "probe-gray", models / "probe-gray" / GENERATOR_FILE):
        assert json.loads(command("inspect", model, "--json").out)["z_dim"] == 7


def test_inspect_knows_a_discriminator_in_the_same_file(
    command: Command, tmp_path: Path, checkpoints: dict[str, Checkpoint]
) -> None:
    checkpoints["probe-gray"].save(tmp_path / "both.safetensors")
    facts = json.loads(command("inspect", tmp_path / "both.safetensors", "--json").out)
    assert facts["has_discriminator"] is True


@pytest.mark.usefixtures("models")
def test_an_unknown_model_is_refused_with_the_known_ones(command: Command) -> None:
    refusal = command("inspect", "probe-grey").refusal
    assert refusal.startswith("probe-grey: no such model, run folder or file.")
    assert "probe-colour, probe-gray, probe-pattern" in refusal


def test_a_truncated_model_is_refused_with_file_and_remedy(command: Command, models: Path) -> None:
    path = models / "probe-gray" / GENERATOR_FILE
    path.write_bytes(path.read_bytes()[:-10])
    refusal = command("inspect", "probe-gray").refusal
    assert refusal.startswith(f"{path}: damaged safetensors file")
    assert refusal.endswith("Copy or save it again.")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"a text file, no model", "is of no known format"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG image"),
    ],
)
def test_a_file_that_is_no_model_is_refused(command: Command, tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "x.bin").write_bytes(content)
    assert command("inspect", tmp_path / "x.bin").refusal.startswith(f"{tmp_path / 'x.bin'}: {reason}")


def test_an_empty_folder_is_refused(command: Command, tmp_path: Path) -> None:
    assert "neither a model folder" in command("inspect", tmp_path).refusal


def test_a_discriminator_alone_is_refused(command: Command, tmp_path: Path, checkpoints: dict[str, Checkpoint]) -> None:
    discriminator = checkpoints["probe-gray"].discriminator
    assert discriminator is not None
    write_networks(tmp_path / "d.safetensors", {"discriminator": discriminator}, {})
    assert "holds a discriminator alone" in command("inspect", tmp_path / "d.safetensors").refusal


@pytest.mark.parametrize("model", ["x" * 300, "~no-such-user/model"], ids=["long", "user"])
def test_a_model_that_cannot_be_a_path_is_refused(command: Command, model: str) -> None:
    assert command("inspect", model).refusal


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "ganexplorer", "models", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        said = program.stderr.read()
    assert (program.returncode, said) == (0, "")
