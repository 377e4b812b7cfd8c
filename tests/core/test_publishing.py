from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from small_nets import DISCRIMINATORS, GENERATORS, trained_like

from ganexplorer.core.checkpoint import Checkpoint, fingerprint
from ganexplorer.core.direction_files import shipped_directions
from ganexplorer.core.directions import Direction
from ganexplorer.core.errors import UserError
from ganexplorer.core.media import unsheet
from ganexplorer.core.networks import build, initialize
from ganexplorer.core.publishing import publish, without_path
from ganexplorer.core.zoo import ModelEntry


def a_file(folder: Path, name: str = "dcgan-16", **card: object) -> ModelEntry:
    generator = trained_like(GENERATORS[name])
    discriminator = None
    if name == "dcgan-16":
        discriminator = build(DISCRIMINATORS["dcgan-logits"])
        initialize(discriminator, "dcgan", torch.Generator().manual_seed(1))
    path = folder / "00000100.safetensors"
    Checkpoint(generator, discriminator, card).save(path)
    return ModelEntry("run", path)


def test_a_published_model_opens_with_its_discriminator_and_shows_the_same_pictures(tmp_path: Path) -> None:
    entry = a_file(tmp_path)
    published = publish(entry, tmp_path / "faces", {"title": "Faces"})
    before, after = entry.load(), published.load()
    assert after.discriminator is not None
    z = torch.randn(20, 10, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        change = (before.generator(z) - after.generator(z)).abs().max() * 127.5
    assert 0 < float(change) < 2
    assert fingerprint(after.generator) == published.card["fingerprint"]


def test_matrices_are_float16_and_vectors_are_not(tmp_path: Path) -> None:
    publish(a_file(tmp_path), tmp_path / "faces", {})
    tensors = load_file(tmp_path / "faces" / "generator.safetensors")
    assert {t.dtype for t in tensors.values() if t.ndim > 1} == {torch.float16}
    assert {t.dtype for t in tensors.values() if t.ndim == 1} == {torch.float32}


def test_weights_stay_float32_where_float16_would_show(tmp_path: Path) -> None:
    entry = a_file(tmp_path)
    checkpoint = entry.load()
    last = [layer for layer in checkpoint.generator.layers if hasattr(layer, "weight")][-1]
    first = next(layer for layer in checkpoint.generator.layers if hasattr(layer, "weight"))
    with torch.no_grad():  # rounding the first layer moves what the last makes large
        last.weight.mul_(200)
        first.weight.add_(0.3)
    checkpoint.save(entry.path)
    published = publish(ModelEntry("run", entry.path), tmp_path / "faces", {})
    assert published.card["weights"] == "float32"
    assert fingerprint(published.load().generator) == fingerprint(checkpoint.generator)


def test_asked_for_precise_weights_are_kept_to_the_bit(tmp_path: Path) -> None:
    entry = a_file(tmp_path)
    published = publish(entry, tmp_path / "faces", {}, precise=True)
    assert fingerprint(published.load().generator) == fingerprint(entry.load().generator)


def test_the_card_keeps_what_the_run_knew_and_no_path(tmp_path: Path) -> None:
    config = {"batch_size": 32}
    entry = a_file(tmp_path, recipe="modern-64", data="folder:/home/me/faces64", step=100, seconds=12.5, config=config)
    published = publish(entry, tmp_path / "faces", {"title": "Faces", "note": "For research."})
    card = json.loads((tmp_path / "faces" / "card.json").read_text())
    assert card == published.card
    assert card["name"] == "faces"
    assert card["title"] == "Faces"
    assert (card["recipe"], card["data"], card["step"], card["config"]) == (
        "modern-64", "folder:faces64", 100, config,
    )  # fmt: skip
    assert "/home" not in json.dumps(card)


def test_the_sheet_shows_a_hundred_samples(tmp_path: Path) -> None:
    publish(a_file(tmp_path), tmp_path / "faces", {})
    picture = np.asarray(Image.open(tmp_path / "faces" / "samples.png"))
    tiles = unsheet(picture, 100, 10)
    assert tiles.shape[:3] == (100, 16, 16)
    assert len({tile.tobytes() for tile in tiles}) == 100


def test_directions_come_along_and_their_measures_are_in_the_card(tmp_path: Path) -> None:
    smile = dataclasses.replace(Direction.of("smile", torch.ones(10)), step=2.0, success=0.912345, side=0.25)
    strongest = Direction.of("SeFa 1", torch.eye(10)[0], origin="sefa")
    published = publish(a_file(tmp_path), tmp_path / "faces", {}, directions=[smile, strongest])
    assert published.card["directions"] == {"smile": {"step": 2.0, "success": 0.9123, "side": 0.25}, "SeFa 1": {}}
    shipped = shipped_directions(published)
    assert [direction.name for direction in shipped] == ["smile", "SeFa 1"]
    assert shipped[0].success == 0.912345
    assert torch.equal(shipped[1].vector, strongest.vector)


def test_without_directions_there_is_no_file_of_them(tmp_path: Path) -> None:
    published = publish(a_file(tmp_path), tmp_path / "faces", {})
    assert shipped_directions(published) == []
    assert "directions" not in published.card
    assert not (tmp_path / "faces" / "directions.json").exists()


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    (folder / "mine.txt").write_text("precious")
    with pytest.raises(UserError, match="is not empty"):
        publish(a_file(tmp_path), folder, {})
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("ref", "bare"),
    [
        ("mnist", "mnist"),
        ("mnist:/data/sets", "mnist"),
        ("folder:/data/faces64", "folder:faces64"),
        ("folder:/data/faces64/", "folder:faces64"),
        ("celeba:/data", "celeba"),
        ("toy:faces", "toy:faces"),
    ],
)
def test_a_ref_loses_its_folders(ref: str, bare: str) -> None:
    assert without_path(ref) == bare


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_of_any_kind_can_be_published(tmp_path: Path, name: str) -> None:
    entry = a_file(tmp_path, name)
    assert publish(entry, tmp_path / "published", {}).spec == entry.spec
