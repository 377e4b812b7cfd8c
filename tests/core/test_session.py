"""Sessions on disk: what comes back, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_nets import GENERATORS, quick, seeded_generator, trained_like
from torch import Tensor

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint, fingerprint
from ganexplorer.core.directions import Direction
from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.session import Session, is_session, load_session, model_of, save_session
from ganexplorer.core.state import Bookmark, Gallery, Morph, Share, State, Step


def latents(count: int, z_dim: int = 7, seed: int = 0) -> list[Tensor]:
    return list(torch.randn(count, z_dim, generator=seeded_generator(seed)))


def full_session(model: str = "m") -> Session:
    zs = latents(12)
    state = State(
        zs[0],
        2,
        0.7,
        zs[1],
        zs[2],
        (zs[3], zs[4]),
        frozenset({0, 5}),
        (
            Direction.of("SeFa 1", zs[5], 3.25, "sefa"),
            Direction.of("of another model", latents(1, 9)[0]),
            Direction.of("brighter", zs[6], 1.5, "attribute", 0.5),
            dataclasses.replace(Direction.of("3 -> 8", zs[6], 2.5, "learned"), step=2.0, success=0.93, side=0.04),
        ),
        (Bookmark("a face 人", zs[6]), Bookmark("another", zs[7])),
        (zs[8], latents(1, 3)[0]),
        (Share(zs[9], -1.5), Share(zs[10])),
    )
    steps = (Step(0, None, zs[11]), Step(1, 0, zs[1]), Step(2, 0, zs[0]))
    morph = Morph("box", True, True, True, 0.25, 3.5, False)
    return Session(
        model, "a model", "0123456789abcdef", Prior.uniform(), state, steps, morph, Gallery(12, 0.5, 100, "drawn")
    )


def flat(value: Any) -> Any:
    """Any of the session's values, latents as bytes, for comparing bit for bit."""
    if isinstance(value, Tensor):
        return value.numpy().tobytes()
    if dataclasses.is_dataclass(value):
        return [flat(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, tuple | list):
        return [flat(item) for item in value]
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def test_a_session_comes_back_bit_for_bit(tmp_path: Path) -> None:
    session = full_session()
    save_session(tmp_path / "s.ganexplorer", session)
    assert flat(load_session(tmp_path / "s.ganexplorer")) == flat(session)


@quick
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_every_finite_latent_comes_back(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    path = tmp_path_factory.mktemp("s") / "s.ganexplorer"
    z = torch.tensor(values)
    save_session(path, Session("m", "m", "", Prior.normal(), State(z), (Step(0, None, z),)))
    assert load_session(path).state.z.numpy().tobytes() == z.numpy().tobytes()


def test_settings_that_an_older_file_lacks_have_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "s.ganexplorer"
    save_session(path, full_session())
    data = json.loads(path.read_text(encoding="utf-8"))
    del data["morph"]["ping_pong"], data["bookmarks"], data["basket"], data["locked"]
    path.write_text(json.dumps(data))
    loaded = load_session(path)
    assert loaded.morph.ping_pong is Morph().ping_pong
    assert loaded.state.bookmarks == loaded.state.basket == ()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda d: d.update(format="other"), "no session"),
        (lambda d: d.update(z="!!"), "z is no latent"),
        (lambda d: d.update(z=""), "z is empty"),
        (lambda d: d.update(z="AADAfw=="), "not finite"),
        (lambda d: d.update(z=3), "z is no latent"),
        (lambda d: d.update(a="AACAPw=="), "A has 1 numbers and z has 7"),
        (lambda d: d.update(prior={"kind": "odd"}), "prior"),
        (lambda d: d.update(node="1"), "node"),
        (lambda d: d.update(locked=[7]), "locked"),
        (lambda d: d.update(locked=[True]), "locked"),
        (lambda d: d.update(truncation=float("inf")), "truncation"),
        (lambda d: d["morph"].update(mode="zigzag"), "mode of zigzag"),
        (lambda d: d["morph"].update(seconds=0), "seconds of 0"),
        (lambda d: d["gallery"].update(count=2.5), "count of 2.5"),
        (lambda d: d["gallery"].update(count=10**9), "count"),
        (lambda d: d.update(gallery=None), "gallery is missing"),
        (lambda d: d["history"][1].update(parent=1), "parent"),
        (lambda d: d["history"][1].update(parent=-1), "parent"),
        (lambda d: d["history"][1].update(number=2), "one number"),
        (lambda d: d["bookmarks"][0].update(name=5), "name"),
        (lambda d: d["bookmarks"][0].update(name="x" * 300), "name"),
        (lambda d: d["basket"][0].update(weight="1"), "weight"),
        (lambda d: d["directions"][0].update(vector="AAAAQA=="), "unit vector"),
        (lambda d: d.update(stars={}), "stars"),
        (lambda d: d.update(history=[1]), "history"),
        (lambda d: d.update(model=""), "model"),
    ],
)
def test_a_damaged_session_says_what_is_wrong(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], word: str
) -> None:
    path = tmp_path / "s.ganexplorer"
    save_session(path, full_session())
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(UserError) as told:
        load_session(path)
    assert str(path) in str(told.value)
    assert word in str(told.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000, "\x00"])
def test_what_is_no_session_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "s.ganexplorer"
    path.write_text(text)
    with pytest.raises(UserError, match="no session"):
        load_session(path)


def test_the_model_is_found_where_it_was_or_beside_the_session(tmp_path: Path) -> None:
    network = trained_like(GENERATORS["mlp-64"])
    entry = zoo.save_model(tmp_path / "models" / "small", Checkpoint(network))
    there = full_session(str(entry.path.parent))
    assert model_of(tmp_path / "s.ganexplorer", there).path == entry.path
    moved = full_session("/nowhere/small")
    assert model_of(tmp_path / "models" / "s.ganexplorer", moved).path == entry.path
    with pytest.raises(UserError, match="/nowhere/small is gone"):
        model_of(tmp_path / "s.ganexplorer", moved)
    assert fingerprint(entry.load().generator) == fingerprint(network)


def test_a_session_is_told_by_its_name() -> None:
    assert is_session("a/b.ganexplorer")
    assert is_session(Path("B.GANEXPLORER"))
    assert not is_session("b.safetensors.ganexplorer.json")


@pytest.mark.parametrize(
    "change",
    [
        {"truncation": 1e8},
        {"truncation": -1e8},
        {"prior": {"kind": "normal", "a": 10**400, "b": 1}},
        {"prior": {"kind": "uniform", "a": 0, "b": 10**400}},
    ],
)
def test_numbers_beyond_what_a_window_can_show_are_damage(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "s.ganexplorer"
    save_session(path, full_session())
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match="damaged"):
        load_session(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stars": (torch.zeros(2),) * 10_001}, "stars is no list of at most 10,000"),
        ({"z": torch.full((7,), math.inf)}, "z is empty, too long or not finite"),
        ({"bookmarks": (Bookmark("", torch.zeros(2)),)}, "name"),
        ({"basket": (Share(torch.zeros(2), 1e12),)}, "a weight"),
    ],
)
def test_what_could_not_be_opened_again_is_not_written(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = tmp_path / "s.ganexplorer"
    save_session(path, full_session())
    before, session = path.read_bytes(), full_session()
    with pytest.raises(UserError, match=f"not saved.*{words}"):
        save_session(path, dataclasses.replace(session, state=dataclasses.replace(session.state, **changes)))
    assert path.read_bytes() == before


def test_an_effect_beyond_bounds_is_as_one_that_is_not_known(tmp_path: Path) -> None:
    path, session = tmp_path / "s.ganexplorer", full_session()
    huge = (Direction.of("steep", latents(1)[0], 1e30),)
    save_session(path, dataclasses.replace(session, state=dataclasses.replace(session.state, directions=huge)))
    assert math.isnan(load_session(path).state.directions[0].effect)


@pytest.mark.parametrize("model", ["C:\\somewhere\\m.safetensors", "/elsewhere/m.safetensors"])
def test_a_model_beside_the_session_is_found_on_another_system(tmp_path: Path, model: str) -> None:
    Checkpoint(trained_like(GENERATORS["mlp-64"])).save(tmp_path / "m.safetensors")
    assert model_of(tmp_path / "s.ganexplorer", full_session(model)).path == tmp_path / "m.safetensors"
