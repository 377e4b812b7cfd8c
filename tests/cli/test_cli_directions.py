"""directions: a table of what was found and refused, and a file of what passed."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ganexplorer.cli import directing
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.direction_files import load_directions, save_directions, shipped_directions
from ganexplorer.core.directions import Direction
from ganexplorer.core.first_layer import pca, sefa
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network, build
from ganexplorer.core.spec import Linear, NetworkSpec, Reshape, Tanh
from ganexplorer.core.zoo import resolve, save_model
from ganexplorer.train import direction_search, witnesses
from ganexplorer.train.classifier import as_unit
from ganexplorer.train.events import Progress

Command = Callable[..., Any]
CLASSES = ("blank", "left-lit", "right-lit")


class Eye(torch.nn.Module):
    """In a classifier's place: least squares of what images show on how bright their halves are."""

    def __init__(self, images: Tensor, targets: Tensor) -> None:
        super().__init__()
        wanted = (targets if targets.ndim == 2 else torch.nn.functional.one_hot(targets)).float()
        self.weights = torch.linalg.lstsq(self._seen(as_unit(images)), wanted - 0.4).solution

    @staticmethod
    def _seen(images: Tensor) -> Tensor:
        halves = torch.nn.functional.avg_pool2d(images, (8, 4)).flatten(1)
        return torch.cat([halves, torch.ones(len(halves), 1)], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        return 10 * self._seen(images) @ self.weights

    def judge(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(images), 0), self(as_unit(images))


def opened(images: Tensor, targets: Tensor, *_: Any, **__: Any) -> Generator[Progress, None, Eye]:
    yield Progress("Training a classifier", 0, 1)
    return Eye(images, targets)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnesses, "train_classifier", opened)
    monkeypatch.setattr(direction_search, "_FOUND", 512)
    monkeypatch.setattr(direction_search, "_JUDGED", 512)
    monkeypatch.setattr(direction_search, "_ROUNDS", 30)


@pytest.fixture
def model(home: Path) -> Path:
    """Halves of 8 x 8 pixels as bright as z0 and z1; its card tells of mirroring. Returns the folder."""
    spec = NetworkSpec((Linear(4, 64), Tanh(), Reshape((1, 8, 8))), (1, 8, 8), 4, Prior.normal())
    network: Network = build(spec)
    weight = torch.zeros(8, 8, 4)
    weight[:, :4, 0] = weight[:, 4:, 1] = 1.5
    with torch.no_grad():
        network.layers[0].weight.copy_(weight.view(64, 4))
        network.layers[0].bias.zero_()
    save_model(home / "models" / "halves", Checkpoint(network.eval(), None, {"config": {"flip": True}}))
    return home / "models" / "halves"


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A folder for each of `CLASSES`."""
    random = np.random.default_rng(0)
    for name, columns in zip(CLASSES, (slice(0, 0), slice(0, 4), slice(4, 8)), strict=True):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(30):
            pixels = random.integers(0, 60, (8, 8), dtype=np.uint8)
            pixels[:, columns] += 150
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{number}.png")
    return f"folder:{tmp_path / 'data'}"


# ---- learned


def test_pairs_are_found_told_in_a_table_and_written(command: Command, model: Path, data: str, tmp_path: Path) -> None:
    out = tmp_path / "d.json"
    answer = command("directions", "halves", "--data", data, "--pairs", "left-lit-right-lit,blank->LEFT-LIT", "-o", out)
    assert answer.status == 0
    head, *lines = answer.out.splitlines()
    assert head.split("  ")[0] == "name"
    assert [line.split("  ")[0] for line in lines] == ["left-lit -> right-lit", "blank -> left-lit"]
    assert "2 of 2 passed" in answer.err
    first, second = load_directions(out, 4)
    assert (first.name, second.name) == ("left-lit -> right-lit", "blank -> left-lit")
    assert first.origin == "learned"
    assert first.vector[1] - first.vector[0] > 1
    assert first.success > 0.85
    assert f"{first.success:.0%}" in lines[0]


def test_json_holds_every_figure_and_null_where_nothing_was_measured(command: Command, model: Path, data: str) -> None:
    answer = command("directions", "halves", "--data", data, "--names", "left-lit,brighter", "--json")
    facts = json.loads(answer.out)
    assert (facts["model"], facts["method"]) == ("halves", "learned")
    assert facts["classifiers"].keys() == set(CLASSES)
    assert all(0.85 < share <= 1 for told in facts["classifiers"].values() for share in told.values())
    more, brighter = facts["directions"]
    assert (more["name"], more["kept"], more["refused"], more["side"]) == ("more left-lit", True, "", None)
    assert 0 < brighter["side"] <= 1
    for item in (more, brighter):
        assert 0.75 <= item["success"] <= 1
        assert item["step"] in (1.5, 2, 2.5, 3, 4, 5)
        assert item["before_refining"].keys() == {"success", "side"}
        assert item["effect"] > 0


def test_what_is_refused_is_told_with_the_reason_and_not_written(
    command: Command, model: Path, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direction_search, "LEAST_ACCURACY", 1.1)
    answer = command("directions", "halves", "--data", data, "--names", "blank,brighter", "-o", tmp_path / "d.json")
    assert answer.status == 0
    blank, brighter = answer.out.splitlines()[1:]
    assert "refused: blank is told right in only " in blank
    assert "refused" not in brighter
    assert [direction.name for direction in load_directions(tmp_path / "d.json", 4)] == ["brighter"]


def test_where_nothing_passes_no_file_is_written_and_the_status_tells(
    command: Command, model: Path, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direction_search, "LEAST_SUCCESS", 1.1)
    answer = command("directions", "halves", "--data", data, "--names", "brighter", "-o", tmp_path / "d.json")
    assert answer.status == 1
    assert "0 of 1 passed" in answer.err
    assert "refused: works on only" in answer.out
    assert not (tmp_path / "d.json").exists()


def test_images_are_mirrored_where_the_model_was_trained_so(
    command: Command, model: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flips = []

    def recorded(images: Tensor, targets: Tensor, *_: Any, flip: bool, **__: Any) -> Generator[Progress, None, Eye]:
        flips.append(flip)
        return (yield from opened(images, targets))

    monkeypatch.setattr(witnesses, "train_classifier", recorded)
    assert command("directions", "halves", "--data", data, "--names", "brighter").status == 0
    assert flips == [True, True]


# ---- of the first layer


@pytest.mark.parametrize("method", ["sefa", "pca"])
def test_directions_of_the_first_layer_are_those_of_the_library_with_effects(
    command: Command, models: Path, tmp_path: Path, method: str
) -> None:
    out = tmp_path / "d.json"
    answer = command("directions", "probe-gray", "--method", method, "-n", 3, "--seed", 4, "-o", out)
    assert answer.status == 0
    network = resolve("probe-gray").load().generator
    prior = network.spec.prior
    assert prior is not None
    expected = sefa(network, 3) if method == "sefa" else pca(network, prior, 3, seed=4)
    found = load_directions(out, 7)
    assert [direction.name for direction in found] == [direction.name for direction in expected]
    assert all(torch.equal(a.vector, b.vector) for a, b in zip(found, expected, strict=True))
    assert all(direction.effect > 0 and direction.origin == method for direction in found)
    assert [line.split("  ")[0] for line in answer.out.splitlines()[1:]] == [direction.name for direction in found]


def test_a_file_in_a_models_folder_comes_with_the_model(command: Command, models: Path) -> None:
    assert (
        command("directions", "probe-gray", "--method", "sefa", "-o", models / "probe-gray/directions.json").status == 0
    )
    assert [found.name for found in shipped_directions(resolve("probe-gray"))[:2]] == ["SeFa 1", "SeFa 2"]


def test_append_keeps_what_is_there_but_for_the_same_names(command: Command, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "d.json"
    mine = [Direction.of("mine", torch.ones(7)), Direction.of("SeFa 1", torch.ones(7))]
    save_directions(out, mine, 7)
    arguments = ("directions", "probe-gray", "--method", "sefa", "-n", 2, "-o", out)
    assert command(*arguments, "--append").status == 0
    assert [direction.name for direction in load_directions(out, 7)] == ["mine", "SeFa 1", "SeFa 2"]
    assert not torch.equal(load_directions(out, 7)[1].vector, mine[1].vector)
    assert "is there already. Add --append" in command(*arguments).refusal
    assert [direction.name for direction in load_directions(out, 7)] == ["mine", "SeFa 1", "SeFa 2"]
    new = tmp_path / "new.json"
    assert command("directions", "probe-gray", "--method", "sefa", "-n", 2, "-o", new, "--append").status == 0
    assert len(load_directions(new, 7)) == 2


# ---- refusals


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--append"], "--append: keeps what is in a file. Name it with -o FILE.json."),
        (["-n", "3"], "-n: is for --method sefa and pca; here --names and --pairs say what to look for. Leave it out."),
        (["-o", "d.txt"], "d.txt: cannot write this kind of file. Use a name that ends in .json."),
        (["-o", "nowhere/d.json"], "nowhere: no such folder. Make it first, or write elsewhere."),
        (["--method", "sefa", "--names", "a"], "--names: --method sefa looks at weights alone. Leave it out."),
        ([], "halves: does not tell what it was trained on. Name labelled data: --data REF."),
        (
            ["--data", "toy:1010"],
            "toy:1010: has no labels. Use labelled data: class folders, toy:faces, CelebA or digits.",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(command: Command, model: Path, arguments: list[str], reason: str) -> None:
    assert command("directions", "halves", *arguments).refusal == reason


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--pairs", "blank"], "--pairs: 'blank' is no pair of classes. Write the two with a dash between, as in 3-8."),
        (["--pairs", "blank-rightlit"], "The data knows no 'rightlit', only blank, left-lit, right-lit. "
         "Did you mean right-lit?"),
        (["--names", "blonk"], "The data knows no 'blonk', only blank, left-lit, right-lit. Did you mean blank?"),
    ],
)  # fmt: skip
def test_names_that_the_data_does_not_know_are_refused(
    command: Command, model: Path, data: str, flags: list[str], reason: str
) -> None:
    assert command("directions", "halves", "--data", data, *flags).refusal == reason


def test_a_file_to_append_to_is_read_before_anything_takes_long(
    command: Command, model: Path, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_directions(tmp_path / "d.json", [Direction.of("a", torch.ones(3))], 3)
    monkeypatch.setattr(directing, "_learned", lambda *_: pytest.fail("began to learn"))
    answer = command("directions", "halves", "--data", data, "-o", tmp_path / "d.json", "--append")
    assert "are for models with 3 latent dimensions, and this one has 4" in answer.refusal
