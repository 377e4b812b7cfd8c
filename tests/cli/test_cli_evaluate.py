"""evaluate: the table, the JSON, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import build, initialize, mlp_generator
from ganexplorer.core.spec import ReLU, Tanh
from ganexplorer.core.zoo import save_model
from ganexplorer.train import assets

Command = Callable[..., Any]


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """toy:digits with so many that an evaluation is quick."""
    monkeypatch.setattr("ganexplorer.train.data.TOY_DIGITS", 120)


@pytest.fixture
def scribbler(models: Path) -> Path:
    """The name of a tiny generator of 28x28 digits, whose card tells of toy:digits."""
    network = build(mlp_generator(3, (8,), (1, 28, 28), Prior.uniform(), ReLU(), Tanh()))
    initialize(network, "default", torch.Generator().manual_seed(0))
    save_model(models / "scribbler", Checkpoint(network.eval(), None, {"name": "scribbler", "data": "toy:digits"}))
    card = {"name": "picky", "data": "toy:digits", "config": {"fit": "pad", "classes": "1,7"}}
    save_model(models / "picky", Checkpoint(network.eval(), None, card))
    return models / "scribbler"


@pytest.mark.usefixtures("scribbler")
def test_json_has_every_number_with_its_floor(command: Command) -> None:
    answer = command(
        "evaluate", "scribbler", "--data", "toy:digits", "--json", "-n", 50, "--seed", 3, "--device", "cpu"
    )
    assert answer.status == 0
    found = json.loads(answer.out)
    assert (found["model"], found["count"], found["seed"]) == ("scribbler", 50, 3)
    assert found["data"] == "120 drawn digits, 28x28, gray"
    assert {"lenet_fid", "precision", "recall", "swd", "copies", "diversity"} <= found["metrics"].keys()
    for metric in found["metrics"].values():
        assert math.isfinite(metric["value"])
        assert math.isfinite(metric["floor"])
        assert isinstance(metric["unit"], str)
        assert "error" not in metric
    assert sum(found["classes"].values()) == pytest.approx(100)
    assert list(found["classes"]) == list("0123456789")


@pytest.mark.usefixtures("scribbler")
def test_the_table_is_aligned_and_the_same_each_time(command: Command) -> None:
    answer, again = (command("evaluate", "scribbler", "--data", "toy:digits", "-n", 40) for _ in range(2))
    assert answer.status == 0
    assert answer.out == again.out
    lines = answer.out.splitlines()
    assert lines[0] == "scribbler: 120 drawn digits, 28x28, gray"
    assert lines[1].startswith("40 samples; seed 0; features: the shipped digit classifier; floor: ")
    assert lines[2].split() == ["value", "floor", "better"]
    end = lines[2].index("floor") + len("floor")
    figures = [line[:end].split()[-1] for line in lines[3:16]]
    assert all(text.replace(",", "").replace(".", "").isdecimal() for text in figures)
    assert lines[3].startswith("LeNet-FID")


@pytest.mark.usefixtures("scribbler")
def test_repeats_give_means_and_standard_deviations(command: Command) -> None:
    answer = command("evaluate", "scribbler", "--data", "toy:digits", "--json", "-n", 30, "--repeats", 2)
    found = json.loads(answer.out)
    singles = [
        json.loads(command("evaluate", "scribbler", "--data", "toy:digits", "--json", "-n", 30, "--seed", seed).out)
        for seed in (0, 1)
    ]
    values = [single["metrics"]["swd"]["value"] for single in singles]
    assert found["repeats"] == 2
    assert found["metrics"]["swd"]["value"] == pytest.approx(sum(values) / 2)
    assert found["metrics"]["swd"]["error"] == pytest.approx(abs(values[0] - values[1]) / math.sqrt(2))
    table = command("evaluate", "scribbler", "--data", "toy:digits", "-n", 30, "--repeats", 2).out.splitlines()
    assert "2 seeds from 0" in table[1]
    assert table[2].split() == ["value", "+-", "floor", "better"]


@pytest.mark.usefixtures("scribbler")
def test_seeds_go_round_at_64_bits(command: Command) -> None:
    answer = command("evaluate", "scribbler", "--data", "toy:digits", "-n", 20, "--repeats", 2, "--seed", 2**64 - 1)
    assert answer.status == 0


@pytest.mark.usefixtures("scribbler")
@pytest.mark.parametrize("data", [(), ("--data", "toy:digits")])
def test_data_that_the_card_names_are_taken_with_their_classes(
    command: Command, monkeypatch: pytest.MonkeyPatch, data: tuple[str, ...]
) -> None:
    monkeypatch.setattr("ganexplorer.train.data.TOY_DIGITS", 400)
    answer = command("evaluate", "picky", "-n", 20, *data)
    assert answer.status == 0
    assert answer.out.splitlines()[0].endswith("drawn digits, 28x28, gray, padded, classes 1,7")


@pytest.mark.usefixtures("models")
def test_a_model_that_does_not_tell_its_data_needs_them_named(command: Command) -> None:
    assert "--data REF" in command("evaluate", "probe-colour").refusal


@pytest.mark.usefixtures("models")
def test_four_numbers_are_told_with_their_intervals(command: Command) -> None:
    answer = command("evaluate", "probe-pattern", "--data", "toy:1010", "--json", "-n", 5)
    found = json.loads(answer.out)["metrics"]
    assert found["number_1"]["interval"] == [0.9, 1.1]
    assert found["number_1"]["inside"] is (0.9 <= found["number_1"]["value"] <= 1.1)
    assert found["inside"]["value"] in (0, 100)


@pytest.mark.parametrize(
    ("model", "data", "told"),
    [
        ("probe-gray", "toy:digits", "images of 5x6 are too small"),
        ("probe-gray", "toy:1010", "four numbers, and the model makes 5x6 gray"),
        ("probe-pattern", "toy:digits", "Use toy:1010"),
        ("probe-gray", "folder:nowhere", "nowhere: no such folder"),
        ("probe-gray", "nonsense", "unknown data"),
        ("no-such-model", "toy:digits", "no such model"),
    ],
)
@pytest.mark.usefixtures("models")
def test_what_cannot_be_compared_is_refused_in_one_line(command: Command, model: str, data: str, told: str) -> None:
    assert told in command("evaluate", model, "--data", data).refusal


@pytest.mark.parametrize(("flag", "value"), [("-n", 0), ("--repeats", 0), ("--seed", "x"), ("--device", "abacus")])
@pytest.mark.usefixtures("models")
def test_bad_arguments_are_refused(command: Command, flag: str, value: object) -> None:
    assert str(value) in command("evaluate", "probe-gray", "--data", "toy:digits", flag, value).bad_arguments


@pytest.mark.usefixtures("scribbler")
def test_too_few_samples_are_refused(command: Command) -> None:
    assert "at least 20" in command("evaluate", "scribbler", "--data", "toy:digits", "-n", 5).refusal


@pytest.mark.usefixtures("scribbler")
def test_a_missing_classifier_is_told_with_the_remedy(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "assets_folder", lambda: tmp_path)
    refusal = command("evaluate", "scribbler", "--data", "toy:digits", "-n", 20).refusal
    assert str(tmp_path / assets.DIGIT_CLASSIFIER) in refusal
    assert "install ganexplorer again" in refusal
