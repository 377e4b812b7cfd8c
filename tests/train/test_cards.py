"""The shipped models: whether they are what their cards say, as far as that can be told without their data."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
import torch

from ganexplorer.core import latent, media
from ganexplorer.core.checkpoint import fingerprint
from ganexplorer.core.direction_files import measures_of, shipped_directions
from ganexplorer.core.render import Renderer
from ganexplorer.core.zoo import ModelEntry, discover
from ganexplorer.train import metrics
from ganexplorer.train.assets import load_digit_classifier
from ganexplorer.train.direction_search import LEAST_SUCCESS
from ganexplorer.train.evaluation import evaluate
from ganexplorer.train.progress import finished
from ganexplorer.train.reference import as_levels

ROOT = Path(__file__).parents[2]
ENTRIES = discover([ROOT / "models"])
NAMES = [entry.name for entry in ENTRIES]
BY_NAME = dict(zip(NAMES, ENTRIES, strict=True))
DIGITS = [entry for entry in ENTRIES if "sure" in entry.card["evaluation"]["metrics"]]
MOST_BYTES = 60e6  # of all models together


def script(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_a_shipped_model_has_all_that_a_model_has(entry: ModelEntry) -> None:
    card, checkpoint = entry.card, entry.load()
    assert card["name"] == entry.name
    assert card["fingerprint"] == fingerprint(checkpoint.generator)
    assert checkpoint.discriminator is not None
    assert {"title", "recipe", "data", "step", "seconds", "config", "weights"} <= card.keys()
    assert entry.path.with_name("samples.png").is_file()
    assert "/" not in card["data"].replace("folder:", "")
    assert json.loads(entry.path.with_name("card.json").read_text()) == card  # which the program reads in the weights


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("faces-dcgan-100", "Labeled Faces in the Wild"),  # where the faces are from
        ("mnist-dcgan-100", "docs/models.md tells all stages"),  # its configuration is that of the last one
        ("toons-dcgan-100", "toy:faces"),
    ],
)
def test_a_card_tells_what_its_figures_do_not(name: str, words: str) -> None:
    assert words in BY_NAME[name].card["note"]


def value(name: str, metric: str) -> float:
    return float(BY_NAME[name].card["evaluation"]["metrics"][metric]["value"])


def floor(name: str, metric: str) -> float:
    return float(BY_NAME[name].card["evaluation"]["metrics"][metric]["floor"])


def test_the_models_of_digits_are_as_good_as_they_must_be() -> None:
    """By their cards, which `benchmarks/cards.py` measures again, and the test of clear digits below in part."""
    tutorial = min(value(name, "lenet_fid") for name in ("mnist-mlp-96", "mnist-mlp-100-smooth"))
    assert value("mnist-mlp-64", "lenet_fid") <= tutorial / 2
    assert value("mnist-dcgan-100", "lenet_fid") <= tutorial / 10
    assert value("mnist-dcgan-100", "sure") >= floor("mnist-dcgan-100", "sure") - 10
    shares = {
        name: BY_NAME[name].card["evaluation"]["classes"].values() for name in ("mnist-mlp-64", "mnist-dcgan-100")
    }
    assert all(6 <= share <= 14 for part in shares.values() for share in part)
    assert all(len(part) == 10 for part in shares.values())


@pytest.mark.parametrize("name", ["faces-dcgan-100", "toons-dcgan-100"])
def test_faces_are_neither_copied_nor_all_alike(name: str) -> None:
    assert value(name, "copies") < floor(name, "copies")
    assert value(name, "nearest_median") == pytest.approx(floor(name, "nearest_median"), rel=0.1)
    assert value(name, "diversity") > 0.95
    assert value(name, "recall") > 0.5


def test_all_shipped_models_together_are_small() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "models").rglob("*") if path.is_file()) < MOST_BYTES


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_a_shipped_direction_is_measured_as_its_card_says_and_works_often_enough(entry: ModelEntry) -> None:
    directions, told = shipped_directions(entry), entry.card.get("directions", {})
    assert [direction.name for direction in directions] == list(told)
    for direction in directions:
        measures = measures_of(direction)
        assert told[direction.name] == pytest.approx(measures, rel=1e-3)
        assert measures.get("success", 1.0) >= LEAST_SUCCESS
        assert "success" in measures or direction.name.startswith(("SeFa", "PCA"))


@pytest.mark.parametrize("entry", DIGITS, ids=[entry.name for entry in DIGITS])
def test_digits_are_as_clear_and_as_evenly_spread_as_their_card_says(entry: ModelEntry) -> None:
    generator = entry.load().generator
    assert generator.spec.prior is not None
    z = latent.seeded(generator.spec.prior, generator.spec.z_dim, 77, 2000)  # of a seed that the card has not
    images = as_levels(torch.cat([Renderer(generator).images(part) for part in torch.split(z, 500)]))
    logits = load_digit_classifier().judge(images)[1]
    numbers = entry.card["evaluation"]
    assert 100 * metrics.confident_share(logits) == pytest.approx(numbers["metrics"]["sure"]["value"], abs=4)
    shares = [100 * share for share in metrics.class_shares(logits)]
    assert shares == pytest.approx(list(numbers["classes"].values()), abs=3.5)


def test_the_four_numbers_are_those_of_the_card_and_inside_their_intervals() -> None:
    (entry,) = (entry for entry in ENTRIES if entry.name == "pattern-1010")
    found = finished(evaluate(entry.load().generator, "toy:1010", 1))
    for key, told in entry.card["evaluation"]["metrics"].items():
        assert found[key].value == pytest.approx(told["value"], abs=1e-3)
        assert found[key].is_inside in (True, None)


def test_a_share_may_differ_by_what_counting_gives() -> None:
    allowed = script("benchmarks/cards.py").allowed
    assert allowed({"value": 100.0, "error": 0.1, "unit": ""}, 10_000) == 2.0
    assert allowed({"value": 10.0, "error": 0.1, "unit": ""}, 10_000) == 0.4
    assert allowed({"value": 1 / 60, "error": 0.0, "unit": "%"}, 6000) == pytest.approx(4 / 60)  # one of 6,000
    assert allowed({"value": 25.0, "error": 0.0, "unit": "%"}, 10_000) == pytest.approx(2.0)


def test_the_table_of_the_docs_is_that_of_the_cards() -> None:
    lines = script("benchmarks/cards.py").table(ENTRIES)
    assert len(lines) == 2 + len([entry for entry in ENTRIES if entry.name != "pattern-1010"])
    assert "\n".join(lines) in (ROOT / "docs" / "models.md").read_text()


def test_every_picture_of_the_docs_is_there_and_none_is_left_over() -> None:
    docs = ROOT / "docs"
    named = {(docs / path).resolve() for path in re.findall(r"\]\(([^)]+\.png)\)", (docs / "models.md").read_text())}
    assert all(path.is_file() for path in named)
    assert {path.resolve() for path in (docs / "models").glob("*.png")} <= named
    pictured = [entry for entry in ENTRIES if entry.name != "pattern-1010"]
    assert {entry.path.with_name("samples.png").resolve() for entry in pictured} <= named


def test_a_sheet_of_walks_has_the_sample_in_the_middle_of_each_row() -> None:
    (entry,) = (entry for entry in ENTRIES if entry.name == "mnist-mlp-64")
    tool = script("docs/walks.py")
    found = [direction for direction in shipped_directions(entry) if direction.name in ("slanted", "3 -> 2")]
    sheet = tool.walks(entry, found, samples=2, seed=5)
    pictures = media.unsheet(sheet, 4 * tool.COLUMNS, tool.COLUMNS).reshape(2, 2, tool.COLUMNS, 28, 28)
    generator = entry.load().generator
    assert generator.spec.prior is not None
    middle = Renderer(generator).render(latent.seeded(generator.spec.prior, 64, 5, 2))
    assert abs(pictures[:, :, tool.COLUMNS // 2].astype(int) - middle).max() <= 1  # the last bits depend on the batch
    assert (pictures[:, :, 0] != pictures[:, :, -1]).any(axis=(2, 3)).all()
