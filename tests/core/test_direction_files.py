"""Directions in files: exact round trips, and refusals in plain words."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from small_nets import GENERATORS, seeded_generator, trained_like

from ganexplorer.core import direction_files, zoo
from ganexplorer.core.attributes import ATTRIBUTES
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.direction_files import load_directions, save_directions, shipped_directions
from ganexplorer.core.directions import Direction
from ganexplorer.core.errors import UserError
from ganexplorer.core.render import Renderer


def directions(z_dim: int, count: int = 3) -> list[Direction]:
    random = seeded_generator()
    return [
        Direction.of(f"direction {i}", torch.randn(z_dim, generator=random), i / 3, "sefa", 1 / (i + 1))
        for i in range(count)
    ]


def written(path: Path, **changes: Any) -> Path:
    """A good file of one direction of two dimensions, but for `changes` of it or, below `direction`, of that."""
    item = {"name": "a", "vector": [0.6, 0.8], "effect": 1.5, "origin": "pca"} | changes.pop("direction", {})
    data = {"format": "ganexplorer-directions-1", "z_dim": 2, "directions": [item]} | changes
    path.write_text(json.dumps(data))
    return path


def refusal(path: Path, z_dim: int = 2) -> str:
    with pytest.raises(UserError) as caught:
        load_directions(path, z_dim)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


# ---- round trips


@pytest.mark.parametrize("z_dim", [1, 2, 64, 100, 4096])
def test_directions_come_back_bit_for_bit(tmp_path: Path, z_dim: int) -> None:
    before = directions(z_dim)
    save_directions(tmp_path / "a.json", before, z_dim)
    after = load_directions(tmp_path / "a.json", z_dim)
    for old, new in zip(before, after, strict=True):
        assert torch.equal(old.vector, new.vector)
        assert (old.name, old.effect, old.origin, old.fit) == (new.name, new.effect, new.origin, new.fit)
    save_directions(tmp_path / "b.json", after, z_dim)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_the_file_is_the_json_that_is_documented(tmp_path: Path) -> None:
    axis = Direction("ä → b", torch.tensor([0.0, 1.0]), 2.5, "between")
    save_directions(tmp_path / "a.json", [axis], 2)
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {
        "format": "ganexplorer-directions-1",
        "z_dim": 2,
        "directions": [{"name": "ä → b", "vector": [0.0, 1.0], "effect": 2.5, "origin": "between"}],
    }


def test_what_was_checked_of_a_direction_comes_back(tmp_path: Path) -> None:
    checked = Direction("smile", torch.tensor([0.0, 1.0]), 2.5, "learned", step=1.25, success=0.93, side=0.0)
    save_directions(tmp_path / "a.json", [checked], 2)
    (item,) = json.loads((tmp_path / "a.json").read_text("utf-8"))["directions"]
    assert item == {
        "name": "smile",
        "vector": [0.0, 1.0],
        "effect": 2.5,
        "step": 1.25,
        "success": 0.93,
        "side": 0.0,
    } | {"origin": "learned"}
    (again,) = load_directions(tmp_path / "a.json", 2)
    assert (again.origin, again.step, again.success, again.side) == ("learned", 1.25, 0.93, 0.0)


def test_a_file_from_before_directions_were_checked_loads(tmp_path: Path) -> None:
    (found,) = load_directions(written(tmp_path / "a"), 2)
    assert (found.effect, found.origin) == (1.5, "pca")
    assert all(math.isnan(value) for value in (found.step, found.success, found.side))


def test_an_effect_that_was_not_measured_is_not_measured_again(tmp_path: Path) -> None:
    save_directions(tmp_path / "a.json", [Direction.of("a", torch.ones(3))], 3)
    (again,) = load_directions(tmp_path / "a.json", 3)
    assert math.isnan(again.effect)
    assert math.isnan(again.fit)


def test_no_directions_make_a_file_as_well(tmp_path: Path) -> None:
    save_directions(tmp_path / "a.json", [], 5)
    assert load_directions(tmp_path / "a.json", 5) == []


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_directions(tmp_path / "a.json", directions(4), 4)
    before = (tmp_path / "a.json").read_bytes()
    monkeypatch.setattr(direction_files, "MAX_COUNT", 2)
    with pytest.raises(UserError, match=r"a\.json: takes 2 directions, not 3\. Take some away\."):
        save_directions(tmp_path / "a.json", directions(4), 4)
    monkeypatch.setattr(direction_files, "MAX_BYTES", 100)
    with pytest.raises(UserError, match=r"a\.json: would be longer than 100 bytes\. Take some directions away\."):
        save_directions(tmp_path / "a.json", directions(4, 2), 4)
    assert (tmp_path / "a.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_name_that_could_not_be_read_back_is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=rf"a name has 1 to 200 characters, not {len(name)}\. Rename it\."):
        save_directions(tmp_path / "a.json", [Direction.of(name, torch.ones(2))], 2)
    assert not list(tmp_path.iterdir())


def test_directions_of_another_model_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="other than 3 dimensions"):
        save_directions(tmp_path / "a.json", directions(2), 3)


# ---- what a person may have written


def test_a_vector_of_any_length_is_made_a_unit_vector(tmp_path: Path) -> None:
    (found,) = load_directions(written(tmp_path / "a", direction={"vector": [30, -40]}), 2)
    assert found.vector.tolist() == pytest.approx([0.6, -0.8])


@pytest.mark.parametrize("item", [{"origin": "magic"}, {"origin": None}, {"origin": [1]}])
def test_an_unknown_origin_is_the_file(tmp_path: Path, item: dict[str, Any]) -> None:
    (found,) = load_directions(written(tmp_path / "a", direction=item), 2)
    assert found.origin == "file"


def test_a_name_cannot_steer_a_terminal(tmp_path: Path) -> None:
    (found,) = load_directions(written(tmp_path / "a", direction={"name": "\x1b[31mred\nline"}), 2)
    assert found.name == "?[31mred line"


# ---- refusals


def test_a_file_for_another_model_is_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path / "a"), 64) == (
        "its directions are for models with 2 latent dimensions, and this one has 64. "
        "Choose another file or open another model."
    )


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"9" * 10_000, b"\x00" * 100])
def test_what_is_not_json_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    assert refusal(tmp_path / "a") == "is not JSON. Choose a file of directions that ganexplorer saved."


@pytest.mark.parametrize("text", ["[]", "3", "null", "{}", '{"format": "ganexplorer-directions-2"}'])
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_text(text)
    assert refusal(tmp_path / "a") == "is no file of directions. Choose one that ganexplorer saved."


@pytest.mark.parametrize("items", [None, {}, "ab", [{}] * 1001])
def test_what_is_no_list_of_directions_is_refused(tmp_path: Path, items: object) -> None:
    assert refusal(written(tmp_path / "a", directions=items)).startswith("lacks a list of at most 1000 directions.")


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"name": ""}, "its name is not a text of 1 to 200 characters"),
        ({"name": "x" * 201}, "its name is not a text of 1 to 200 characters"),
        ({"name": 3}, "its name is not a text of 1 to 200 characters"),
        ({"vector": [1.0]}, "its vector is not a list of 2 numbers"),
        ({"vector": [1.0, 2.0, 3.0]}, "its vector is not a list of 2 numbers"),
        ({"vector": "ab"}, "its vector is not a list of 2 numbers"),
        ({"vector": [True, False]}, "its vector is not a list of 2 numbers"),
        ({"vector": [[1], [2]]}, "its vector is not a list of 2 numbers"),
        ({"vector": [None, 1.0]}, "its vector is not a list of 2 numbers"),
        ({"vector": [0, 0.0]}, "its vector is zero or not finite"),
        ({"vector": [math.nan, 1]}, "its vector is zero or not finite"),
        ({"vector": [math.inf, 1]}, "its vector is zero or not finite"),
        ({"vector": [1e300, 1]}, "its vector is zero or not finite"),
        ({"vector": [1e-300, 0]}, "its vector is zero or not finite"),
        ({"vector": [10**400, 1]}, "its vector has numbers that are too large"),
        ({"effect": "strong"}, "its effect is not a number"),
        ({"effect": math.inf}, "its effect is not a number"),
        ({"effect": 10**400}, "its effect is not a number"),
        ({"effect": True}, "its effect is not a number"),
        ({"fit": []}, "its fit is not a number"),
        ({"step": math.inf}, "its step is not a number"),
        ({"step": 0}, "its step is not above 0"),
        ({"step": -2.5}, "its step is not above 0"),
        ({"success": "all"}, "its success is not a number"),
        ({"success": 1.01}, "its success is not from 0 to 1"),
        ({"side": -0.1}, "its side is not from 0 to 1"),
        ({"side": 10**400}, "its side is not a number"),
    ],
)
def test_a_direction_that_cannot_be_used_is_named(tmp_path: Path, item: dict[str, Any], reason: str) -> None:
    text = refusal(written(tmp_path / "a", direction=item))
    assert text == f"direction 1: {reason}. Save it again, or take it out."


def test_the_number_of_the_bad_direction_is_told(tmp_path: Path) -> None:
    good = {"name": "a", "vector": [1, 0]}
    assert refusal(written(tmp_path / "a", directions=[good, good, 7])).startswith("direction 3: it is not a JSON")


def test_a_file_that_is_absent_a_folder_or_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(tmp_path / "absent").startswith("no such file.")
    (tmp_path / "folder").mkdir()
    assert refusal(tmp_path / "folder").startswith("is a folder.")
    monkeypatch.setattr(direction_files, "MAX_BYTES", 10)
    assert refusal(written(tmp_path / "a")).startswith("is longer than 10 bytes.")


# ---- directions that come with a model


def test_a_model_without_a_file_of_directions_has_none(tmp_path: Path) -> None:
    entry = zoo.save_model(tmp_path / "mine", Checkpoint(trained_like(GENERATORS["pattern"]), None, {}))
    assert shipped_directions(entry) == []


def test_the_directions_in_a_models_folder_are_read(tmp_path: Path) -> None:
    entry = zoo.save_model(tmp_path / "mine", Checkpoint(trained_like(GENERATORS["mlp-64"]), None, {}))
    save_directions(tmp_path / "mine" / "directions.json", directions(64), 64)
    assert [d.name for d in shipped_directions(entry)] == ["direction 0", "direction 1", "direction 2"]
    save_directions(tmp_path / "mine" / "directions.json", directions(7), 7)
    with pytest.raises(UserError, match="are for models with 7 latent dimensions, and this one has 64"):
        shipped_directions(entry)


def test_a_lone_file_has_no_directions_even_beside_some(tmp_path: Path) -> None:
    Checkpoint(trained_like(GENERATORS["mlp-64"]), None, {}).save(tmp_path / "00000100.safetensors")
    save_directions(tmp_path / "directions.json", directions(64), 64)
    assert shipped_directions(zoo.resolve(str(tmp_path / "00000100.safetensors"))) == []


def test_the_shipped_directions_do_what_their_names_say() -> None:
    """Two standard deviations each way, in standard deviations of what is measured; the others hardly move."""
    entry = zoo.resolve(zoo.FIRST_MODEL)
    prior = entry.spec.prior
    assert prior is not None
    renderer = Renderer(entry.load().generator)
    z = prior.sample(300, 64, seeded_generator(77))
    found = {direction.name: direction for direction in shipped_directions(entry)}
    kept = {"slanted": ("slant", ["width", "height"]), "thicker": ("thickness", ["width"])}
    kept["wider"] = ("width", ["slant", "thickness", "height"])
    assert set(kept) < set(found)
    for name, (meant, others) in kept.items():
        vector = found[name].vector
        assert 5 < found[name].effect < 40
        ahead, here, behind = (renderer.images(z + step * vector) for step in (2, 0, -2))
        for attribute in (meant, *others):
            measure = ATTRIBUTES[attribute].measure
            change = ((measure(ahead) - measure(behind)).mean() / measure(here).std()).item()
            assert (change > 1.7) if attribute == meant else (abs(change) < 0.35), (name, attribute, change)
