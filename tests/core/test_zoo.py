"""Where models are found, and under which name."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from small_nets import DISCRIMINATORS, GENERATORS, same_state, trained_like

from ganexplorer.core import places, zoo
from ganexplorer.core.checkpoint import Checkpoint, CheckpointError, write_networks
from ganexplorer.core.errors import UserError
from ganexplorer.core.zoo import (
    DISCRIMINATOR_FILE,
    GENERATOR_FILE,
    ModelEntry,
    ModelNotFound,
    discover,
    discover_runs,
    latest_snapshot,
    resolve,
    save_model,
)

GENERATOR = trained_like(GENERATORS["mlp-64"])
DISCRIMINATOR = trained_like(DISCRIMINATORS["mlp-logits"])


def save(root: Path, name: str, seed: int = 0) -> ModelEntry:
    return save_model(root / name, Checkpoint(trained_like(GENERATORS["pattern"], seed), None, {"seed": seed}))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with three snapshots; LATEST names the second."""
    folder = tmp_path / "runs" / "first"
    (folder / "snapshots").mkdir(parents=True)
    for step in (5, 20, 100):
        name = f"{step:08d}.safetensors"
        Checkpoint(GENERATOR, DISCRIMINATOR, {"step": step}).save(folder / "snapshots" / name)
    (folder / "LATEST").write_text("00000020.safetensors\n")
    return folder


# ---- discover


def test_models_are_listed_by_name(tmp_path: Path) -> None:
    for name in ("zebra", "apple", "Mango", "fig-2", "fig-10"):
        save(tmp_path, name)
    assert [entry.name for entry in discover([tmp_path])] == ["Mango", "apple", "fig-10", "fig-2", "zebra"]


def test_models_of_all_roots_are_listed_together(tmp_path: Path) -> None:
    save(tmp_path / "one", "b")
    save(tmp_path / "two", "a")
    assert [entry.name for entry in discover([tmp_path / "one", tmp_path / "two"])] == ["a", "b"]


def test_of_two_models_of_one_name_the_first_root_s_is_taken(tmp_path: Path) -> None:
    roots = [tmp_path / "one", tmp_path / "two"]
    for seed, root in enumerate(roots):
        save(root, "same", seed)
    assert [entry.card["seed"] for entry in discover(roots)] == [0]
    assert [entry.card["seed"] for entry in discover(reversed(roots))] == [1]


def test_folders_without_a_generator_are_no_models(tmp_path: Path) -> None:
    save(tmp_path, "model")
    (tmp_path / "empty").mkdir()
    (tmp_path / "card-only").mkdir()
    (tmp_path / "card-only" / "card.json").write_text("{}")
    (tmp_path / "generator.safetensors").write_bytes(b"not in a folder of its own")
    assert [entry.name for entry in discover([tmp_path])] == ["model"]


def test_a_root_that_does_not_exist_holds_no_models(tmp_path: Path) -> None:
    assert discover([tmp_path / "absent"]) == []


def test_a_person_s_models_are_kept_in_ganexplorer_home(home: Path) -> None:
    assert zoo.user_folder() == home / "models"
    save(home / "models", "a-model-of-mine")
    assert "a-model-of-mine" in [entry.name for entry in discover()]


def test_without_ganexplorer_home_the_platform_s_folder_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANEXPLORER_HOME")
    monkeypatch.setattr(places.platformdirs, "user_data_path", lambda name, appauthor: Path("/data") / name)
    assert zoo.user_folder() == Path("/data/ganexplorer/models")


def test_shipped_models_come_before_a_person_s_own(home: Path) -> None:
    assert zoo.default_roots()[-1] == home / "models"
    assert len(zoo.default_roots()) == 2


# ---- resolve


def test_a_model_is_resolved_by_name(tmp_path: Path) -> None:
    save(tmp_path, "other")
    save(tmp_path, "wanted", seed=7)
    entry = resolve("wanted", [tmp_path])
    assert (entry.name, entry.card) == ("wanted", {"seed": 7})


def test_a_name_is_resolved_in_ganexplorer_home_by_default(home: Path) -> None:
    save(home / "models", "a-model-of-mine", seed=3)
    assert resolve("a-model-of-mine").card == {"seed": 3}


def test_a_name_goes_before_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "zoo", "model", seed=1)
    save(tmp_path / "here", "model", seed=2)
    monkeypatch.chdir(tmp_path / "here")
    assert resolve("model", [tmp_path / "zoo"]).card == {"seed": 1}
    assert resolve("./model", [tmp_path / "zoo"]).card == {"seed": 2}


def test_a_model_folder_is_resolved_by_path(tmp_path: Path) -> None:
    save(tmp_path, "model")
    entry = resolve(str(tmp_path / "model"), [])
    assert (entry.name, entry.path) == ("model", tmp_path / "model" / GENERATOR_FILE)


def test_the_folder_one_stands_in_has_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, "model")
    monkeypatch.chdir(tmp_path / "model")
    assert resolve(".", []).name == "model"


def test_a_file_is_resolved_by_path_and_named_after_it(tmp_path: Path) -> None:
    Checkpoint(GENERATOR, DISCRIMINATOR).save(tmp_path / "mine.safetensors")
    entry = resolve(str(tmp_path / "mine.safetensors"), [])
    assert (entry.name, entry.has_discriminator) == ("mine", True)


def test_a_path_below_the_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save(tmp_path, "model")
    assert resolve("~/model", []).path == tmp_path / "model" / GENERATOR_FILE


def test_a_run_folder_is_the_snapshot_that_latest_names(run: Path) -> None:
    entry = resolve(str(run), [])
    assert (entry.name, entry.path.name) == ("first", "00000020.safetensors")
    assert entry.load().card == {"step": 20}


@pytest.mark.parametrize("latest", [b"00000999.safetensors\n", b"", b"\n", b"..", b"\xff\xfe\0\x01"], ids=repr)
def test_a_latest_that_names_no_file_falls_back_to_the_highest_step(run: Path, latest: bytes) -> None:
    (run / "LATEST").write_bytes(latest)
    snapshot = latest_snapshot(run)
    assert snapshot is not None
    assert snapshot.name == "00000100.safetensors"


def test_a_run_without_latest_is_its_highest_step(run: Path) -> None:
    (run / "LATEST").unlink()
    assert resolve(str(run), []).card == {"step": 100}


def test_an_unfinished_file_is_no_snapshot(run: Path) -> None:
    (run / "LATEST").unlink()
    (run / "snapshots" / ".00000200.safetensors.abcd1234.part").write_bytes(b"half")
    snapshot = latest_snapshot(run)
    assert snapshot is not None
    assert snapshot.name == "00000100.safetensors"


def test_a_run_folder_without_a_snapshot_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    with pytest.raises(ModelNotFound, match="nor a run folder with a snapshot yet") as caught:
        resolve(str(tmp_path), [])
    assert str(caught.value).startswith(f"{tmp_path}: ")


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    for name in ("apple", "pear"):
        save(tmp_path, name)
    with pytest.raises(
        ModelNotFound, match=r"^aple: no such model.* Known models: apple, pear\. Did you mean apple\?$"
    ):
        resolve("aple", [tmp_path])


def test_an_unknown_name_where_there_are_no_models_says_so() -> None:
    with pytest.raises(ModelNotFound, match=r"Known models: none\.$"):
        resolve("apple", [])


@pytest.mark.parametrize("name", ["x" * 300, "nul\0byte", "~no-such-user/model"], ids=["long", "nul", "user"])
def test_a_name_that_is_no_path_either_is_refused_in_words(name: str) -> None:
    with pytest.raises(UserError):
        resolve(name, [])


# ---- runs


def finished_run(folder: Path, name: str, written: int) -> None:
    path = folder / name / "snapshots" / "00000001.safetensors"
    path.parent.mkdir(parents=True)
    Checkpoint(trained_like(GENERATORS["pattern"])).save(path)
    os.utime(path, (written, written))


def test_runs_are_listed_by_name_the_latest_written_first(tmp_path: Path) -> None:
    for name, written in (("b", 2000), ("a", 1000), ("c", 3000)):
        finished_run(tmp_path, name, written)
    assert [entry.name for entry in discover_runs(tmp_path)] == ["c", "b", "a"]
    assert [entry.name for entry in discover_runs(tmp_path, limit=2)] == ["c", "b"]


def test_a_run_is_listed_with_the_snapshot_that_latest_names(run: Path) -> None:
    (entry,) = discover_runs(run.parent)
    assert (entry.name, entry.card, entry.has_discriminator) == ("first", {"step": 20}, True)


def test_folders_without_a_snapshot_hidden_ones_and_files_are_no_runs(tmp_path: Path) -> None:
    finished_run(tmp_path, "run", 1000)
    finished_run(tmp_path, ".hidden", 1000)
    (tmp_path / "begun" / "snapshots").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("")
    assert [entry.name for entry in discover_runs(tmp_path)] == ["run"]


def test_where_there_is_no_folder_of_runs_there_are_none(tmp_path: Path) -> None:
    assert discover_runs(tmp_path / "absent") == []


def test_the_window_s_runs_are_kept_in_ganexplorer_home(home: Path) -> None:
    assert zoo.runs_folder() == home / "runs"


# ---- entries


def test_a_saved_model_comes_back_with_the_discriminator_from_beside(tmp_path: Path) -> None:
    card = {"name": "Digits", "data": "mnist", "note": "naïve"}
    save_model(tmp_path / "model", Checkpoint(GENERATOR, DISCRIMINATOR, card))
    loaded = resolve("model", [tmp_path]).load()
    assert same_state(loaded.generator, GENERATOR)
    assert loaded.discriminator is not None
    assert same_state(loaded.discriminator, DISCRIMINATOR)
    assert loaded.card == card


def test_a_model_folder_holds_each_part_in_a_file_of_its_own(tmp_path: Path) -> None:
    save_model(tmp_path / "deep" / "model", Checkpoint(GENERATOR, DISCRIMINATOR, {"name": "naïve"}))
    folder = tmp_path / "deep" / "model"
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", DISCRIMINATOR_FILE, GENERATOR_FILE]
    assert Checkpoint.load(folder / GENERATOR_FILE).discriminator is None
    assert json.loads((folder / "card.json").read_text(encoding="utf-8")) == {"name": "naïve"}


def test_the_generator_s_file_alone_opens_where_it_was_copied(tmp_path: Path) -> None:
    entry = save_model(tmp_path / "model", Checkpoint(GENERATOR, DISCRIMINATOR, {"step": 1}))
    copied = tmp_path / "elsewhere.safetensors"
    copied.write_bytes(entry.path.read_bytes())
    checkpoint = resolve(str(copied), []).load()
    assert same_state(checkpoint.generator, GENERATOR)
    assert (checkpoint.discriminator, checkpoint.card) == (None, {"step": 1})


def test_a_model_saved_again_without_a_discriminator_has_none(tmp_path: Path) -> None:
    save_model(tmp_path / "model", Checkpoint(GENERATOR, DISCRIMINATOR))
    entry = save_model(tmp_path / "model", Checkpoint(trained_like(GENERATORS["dcgan-16"])))
    assert not entry.has_discriminator
    assert entry.load().discriminator is None


def test_an_entry_tells_spec_and_card_without_its_weights(tmp_path: Path) -> None:
    entry = save_model(tmp_path / "model", Checkpoint(GENERATOR, DISCRIMINATOR, {"step": 3}))
    data = entry.path.read_bytes()
    entry.path.write_bytes(data[: 8 + int.from_bytes(data[:8], "little")])
    assert entry.spec == GENERATOR.spec
    assert entry.card == {"step": 3}


@pytest.mark.parametrize("discriminator", [None, DISCRIMINATOR], ids=["alone", "with discriminator"])
def test_the_size_of_a_model_is_that_of_its_files(tmp_path: Path, discriminator: object) -> None:
    entry = save_model(tmp_path / "model", Checkpoint(GENERATOR, discriminator))  # type: ignore[arg-type]
    assert entry.has_discriminator is (discriminator is not None)
    assert entry.size == sum(path.stat().st_size for path in (tmp_path / "model").glob("*.safetensors"))


def test_a_discriminator_beside_a_file_of_another_name_is_not_taken(tmp_path: Path) -> None:
    entry = save_model(tmp_path / "model", Checkpoint(GENERATOR, DISCRIMINATOR))
    renamed = entry.path.rename(tmp_path / "model" / "copy.safetensors")
    assert resolve(str(renamed), []).load().discriminator is None


def test_a_damaged_discriminator_beside_a_good_generator_is_told_by_its_file(tmp_path: Path) -> None:
    entry = save_model(tmp_path / "model", Checkpoint(GENERATOR, DISCRIMINATOR))
    beside = tmp_path / "model" / DISCRIMINATOR_FILE
    beside.write_bytes(beside.read_bytes()[:-5])
    with pytest.raises(CheckpointError, match=DISCRIMINATOR_FILE):
        entry.load()


def test_a_generator_alone_is_read_whatever_lies_beside_it(tmp_path: Path) -> None:
    entry = save_model(tmp_path / "model", Checkpoint(GENERATOR, DISCRIMINATOR))
    (tmp_path / "model" / DISCRIMINATOR_FILE).write_bytes(b"damaged")
    read = entry.load_generator().state_dict()
    assert all(torch.equal(read[name], values) for name, values in GENERATOR.state_dict().items())


def test_the_spec_of_a_file_that_is_no_checkpoint_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match="is of no known format"):
        _ = resolve(str(tmp_path / "x.safetensors"), []).spec


def test_the_spec_of_a_discriminator_alone_is_refused_in_words(tmp_path: Path) -> None:
    write_networks(tmp_path / "d.safetensors", {"discriminator": DISCRIMINATOR}, {})
    with pytest.raises(CheckpointError, match="discriminator"):
        _ = resolve(str(tmp_path / "d.safetensors"), []).spec


def test_a_run_folder_that_cannot_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir()

    def refuse(run: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(run))

    monkeypatch.setattr(zoo, "_newest_first", refuse)
    assert zoo.discover_runs(tmp_path) == []


# ---- damaged snapshots

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut short": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "cut in the header": lambda data: data[:100],
    "zeros": lambda data: bytes(len(data)),
    "garbage": lambda data: random.Random(0).randbytes(len(data)),
    "of another program": lambda data: b"not a checkpoint",
}


def damage(run: Path, step: int, kind: str) -> None:
    path = run / "snapshots" / f"{step:08d}.safetensors"
    path.write_bytes(DAMAGE[kind](path.read_bytes()))


@pytest.mark.parametrize("kind", DAMAGE)
def test_of_a_run_whose_newest_snapshot_is_damaged_the_one_before_is_taken(run: Path, kind: str) -> None:
    (run / "LATEST").write_text("00000100.safetensors\n")
    damage(run, 100, kind)
    entry = resolve(str(run), [])
    assert (entry.name, entry.load().card) == ("first", {"step": 20})
    assert re.fullmatch(r"00000100\.safetensors is damaged \(.+\); step 20 is shown instead\.", entry.note)
    assert str(run) not in entry.note
    (listed,) = discover_runs(run.parent)
    assert (listed, listed.note) == (entry, entry.note)
    assert latest_snapshot(run) == entry.path


def test_a_run_that_is_named_falls_back_like_one_that_is_a_path(home: Path) -> None:
    finished_run(home / "runs", "a-run", 1000)
    assert (resolve("a-run").name, resolve("a-run").note) == ("a-run", "")
    finished = home / "runs" / "a-run" / "snapshots" / "00000001.safetensors"
    (finished.parent / "00000002.safetensors").write_bytes(b"")
    entry = resolve("a-run")
    assert (entry.name, entry.path) == ("a-run", finished)
    assert entry.note.startswith("00000002.safetensors is damaged (")


def test_weights_that_are_not_numbers_are_damage_when_a_run_is_opened(run: Path) -> None:
    path = run / "snapshots" / "00000020.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-400] + b"\xff" * 400)  # the bits of NaN, under a good header
    entry = resolve(str(run), [])
    assert entry.card == {"step": 5}
    assert "NaN" in entry.note


def test_several_damaged_snapshots_are_told_together(run: Path) -> None:
    (run / "LATEST").unlink()
    damage(run, 100, "empty")
    damage(run, 20, "zeros")
    entry = resolve(str(run), [])
    assert entry.card == {"step": 5}
    assert entry.note.index("00000100.safetensors is damaged") < entry.note.index("00000020.safetensors is damaged")
    assert entry.note.endswith("; step 5 is shown instead.")


def test_what_is_later_than_latest_comes_after_all_that_is_earlier(run: Path) -> None:
    damage(run, 20, "empty")
    assert resolve(str(run), []).card == {"step": 5}
    damage(run, 5, "empty")
    assert resolve(str(run), []).card == {"step": 100}


def test_where_all_are_damaged_the_newest_says_why_it_cannot_be_opened(run: Path) -> None:
    for step in (5, 20, 100):
        damage(run, step, "one byte short")
    entry = resolve(str(run), [])
    assert (entry.path.name, entry.note) == ("00000020.safetensors", "")
    with pytest.raises(CheckpointError, match=r"00000020\.safetensors: damaged safetensors file"):
        entry.load()
    assert [listed.path for listed in discover_runs(run.parent)] == [entry.path]


def test_a_snapshot_that_a_person_names_is_not_replaced_by_another(run: Path) -> None:
    damage(run, 100, "one byte short")
    entry = resolve(str(run / "snapshots" / "00000100.safetensors"), [])
    assert entry.note == ""
    with pytest.raises(CheckpointError, match="damaged"):
        entry.load()


def test_a_snapshot_is_called_as_its_run(run: Path, tmp_path: Path) -> None:
    snapshot = run / "snapshots" / "00000100.safetensors"
    assert resolve(str(snapshot), []).name == "00000100"  # in no run, as far as one can tell
    (run / "config.json").write_text("{}")
    assert resolve(str(snapshot), []).name == "first"
    (tmp_path / "link.safetensors").symlink_to(snapshot)
    assert resolve(str(tmp_path / "link.safetensors"), []).name == "first"
