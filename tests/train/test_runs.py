"""The run folder: what is in it, what it refuses, and that a resumed run is the run that was never stopped."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_runs import (
    PATTERN,
    TINY,
    differing,
    ended,
    log_of,
    of,
    request,
    saved_state,
    snapshot_tensors,
    train,
    variant,
)

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.media import sheet
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Ended, Preview, Progress, Scalars, SnapshotSaved, Started, Stop
from ganexplorer.train.recipes import recipe
from ganexplorer.train.runs import Run, RunError, read_config, read_log
from ganexplorer.train.trainer import Trainer

STABLE = variant(
    TINY, ema=0.9, r1_gamma=1.0, r1_every=2, lr_decay=0.5, same_z=False, beta1=0.0, beta2=0.99, g_widths=[6, 5],
    d_widths=[7, 6],
)  # fmt: skip
DCGAN = variant(TINY, family="dcgan", image_size=16, g_widths=[6, 4], d_widths=[4, 6], init="dcgan", d_output="sigmoid")
MNIST = variant(
    TINY, image_size=0, d_every=3, same_z=False, beta1=0.9, d_output="sigmoid", batch_size=5, prior="uniform"
)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def as_json(scalars: Scalars) -> dict[str, float | None]:
    """Null stands for what was not measured; what most lines lack is not there at all."""
    values = {name: None if math.isnan(value) else value for name, value in dataclasses.asdict(scalars).items()}
    return {
        name: v
        for name, v in values.items()
        if v is not None or name not in ("distance", "precision", "recall", "sure")
    }


# --- what is in the folder -------------------------------------------------------------------------------------------


def test_a_run_folder_holds_what_the_design_says_and_nothing_else(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    train(request(TINY, picture_folder, run))
    assert set(contents(run)) == {
        "config.json",
        "log.jsonl",
        "LATEST",
        "checkpoint/00000005.pt",
        "checkpoint/00000010.pt",
        "checkpoint/00000012.pt",
        "samples/00000000.png",
        "samples/00000005.png",
        "samples/00000010.png",
        "samples/00000012.png",
        "snapshots/00000005.safetensors",
        "snapshots/00000010.safetensors",
        "snapshots/00000012.safetensors",
    }


def test_config_json_tells_recipe_data_and_every_hyperparameter(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    train(request(STABLE, picture_folder, run, recipe="mlp-64-stable"))
    written = json.loads((run / "config.json").read_text())
    assert written["recipe"] == "mlp-64-stable"
    assert written["data"] == f"folder:{picture_folder}"
    assert TrainConfig.from_dict(written["config"]) == STABLE
    assert set(written["config"]) == {field.name for field in dataclasses.fields(TrainConfig)}


def test_config_json_reads_back(tmp_path: Path) -> None:
    train(request(PATTERN, "toy:1010", tmp_path / "run", recipe="pattern-1010"))
    saved = read_config(tmp_path / "run")
    assert (saved.recipe, saved.data, saved.config) == ("pattern-1010", "toy:1010", PATTERN)


@pytest.mark.parametrize("log_every", [1, 5])
def test_the_lines_of_the_log_are_the_scalars_events(tmp_path: Path, picture_folder: Path, log_every: int) -> None:
    run = tmp_path / "run"
    events = train(request(variant(TINY, log_every=log_every), picture_folder, run))
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert lines == [as_json(scalars) for scalars in of(Scalars, events)]
    assert [as_json(scalars) for scalars in read_log(run)] == lines
    assert len(lines) == 12 // log_every


def test_a_line_is_in_the_log_when_its_event_is_out(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for event in Trainer(request(PATTERN, "toy:1010", run)).run():
        if isinstance(event, Scalars):
            assert json.loads((run / "log.jsonl").read_text().splitlines()[-1]) == as_json(event)


def test_sample_sheets_are_the_previews_of_their_steps(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    previews = {p.step: p.pixels for p in of(Preview, train(request(TINY, picture_folder, run)))}
    for step in (5, 10, 12):
        written = np.asarray(Image.open(run / "samples" / f"{step:08d}.png"))
        assert written.shape == (18, 18)  # two by two pictures of 8 with a gap of 2
        assert np.array_equal(written, sheet(previews[step]))


@pytest.mark.parametrize("config", [TINY, STABLE, DCGAN], ids=["mlp", "average", "dcgan"])
def test_every_snapshot_opens_with_both_networks(tmp_path: Path, picture_folder: Path, config: TrainConfig) -> None:
    run = tmp_path / "run"
    saved = of(SnapshotSaved, train(request(config, picture_folder, run)))
    assert [event.step for event in saved] == [5, 10, 12]
    for event in saved:
        checkpoint = Checkpoint.load(event.path)
        expected = config.specs((1, config.image_size, config.image_size))
        assert checkpoint.generator.spec == expected[0]
        assert checkpoint.discriminator is not None
        assert checkpoint.discriminator.spec == expected[1]


def test_snapshots_carry_a_card(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "我的脸"
    train(request(TINY, picture_folder, run, recipe="mlp-96"))
    for step in (5, 10, 12):
        card = dict(Checkpoint.load(run / "snapshots" / f"{step:08d}.safetensors").card)
        assert TrainConfig.from_dict(card.pop("config")) == TINY
        assert card.pop("seconds") >= 0
        assert card == {"name": "我的脸", "recipe": "mlp-96", "data": f"folder:{picture_folder}", "step": step}


def test_latest_names_the_newest_snapshot_whenever_one_is_out(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    for event in Trainer(request(TINY, picture_folder, run)).run():
        if isinstance(event, SnapshotSaved):
            assert (run / "LATEST").read_text() == f"{event.step:08d}.safetensors\n"
            assert saved_state(run)["/step"] == event.step


def test_the_state_holds_the_weights_of_the_last_snapshot(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    train(request(DCGAN, picture_folder, run))
    state, snapshot = saved_state(run), snapshot_tensors(run, 12)
    for name, tensor in snapshot.items():
        role, _, key = name.partition(".")
        assert torch.equal(tensor, state[f"/{role}/{key}"]), name


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    train(request(TINY, picture_folder, run), stop_after=3)
    before = contents(run)
    end = ended(train(request(TINY, picture_folder, run)))
    assert end.reason == "failed"
    assert str(run) in end.message
    assert "--resume" in end.message
    assert contents(run) == before


def test_a_folder_with_other_files_can_become_a_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "notes.txt").write_text("mine")
    assert ended(train(request(PATTERN, "toy:1010", run))).reason == "finished"
    assert (run / "notes.txt").read_text() == "mine"


def test_missing_parents_of_a_run_are_created(tmp_path: Path) -> None:
    run = tmp_path / "a" / "b" / "run"
    assert ended(train(request(PATTERN, "toy:1010", run))).reason == "finished"


@pytest.mark.parametrize("below", [".", "run"])
def test_a_run_cannot_be_where_a_file_is(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    end = ended(train(request(PATTERN, "toy:1010", tmp_path / "file" / below)))
    assert end.reason == "failed"
    assert str(tmp_path / "file") in end.message
    assert ("another folder" if below == "run" else "Name a folder for the run") in end.message


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"g_lr": 0.5}, ["g_lr: 0.01 -> 0.5"]),
        ({"seed": 7}, ["seed: 0 -> 7"]),
        ({"batch_size": 5, "prior": "uniform"}, ["batch_size: 4 -> 5", "prior: normal -> uniform"]),
        ({"g_widths": [9]}, ["g_widths: (5,) -> (9,)"]),
        ({"lr_decay": 0.5, "ema": 0.9}, ["lr_decay: 0.0 -> 0.5", "ema: 0.0 -> 0.9"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_resume_with_another_configuration_is_refused_with_the_difference(
    tmp_path: Path, picture_folder: Path, changes: dict[str, object], expected: list[str]
) -> None:
    run = tmp_path / "run"
    train(request(TINY, picture_folder, run), stop_after=3)
    before = contents(run)
    end = ended(train(request(variant(TINY, **changes), picture_folder, run, resume=True)))
    assert end.reason == "failed"
    assert all(line in end.message for line in expected)
    assert end.message.count("->") == len(expected)
    assert contents(run) == before


def test_resume_on_other_data_is_refused_with_the_difference(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    train(request(TINY, picture_folder, run), stop_after=3)
    end = ended(train(request(TINY, "toy:digits", run, resume=True)))
    assert end.reason == "failed"
    assert f"data: folder:{picture_folder} -> toy:digits" in end.message


def test_resume_of_nothing_is_refused_by_name(tmp_path: Path) -> None:
    end = ended(train(request(PATTERN, "toy:1010", tmp_path / "absent", resume=True)))
    assert end.reason == "failed"
    assert str(tmp_path / "absent") in end.message
    assert not (tmp_path / "absent").exists()


def test_resume_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(request(PATTERN, "toy:1010", run), stop_after=3)
    (run / "checkpoint" / "00000003.pt").unlink()
    end = ended(train(request(PATTERN, "toy:1010", run, resume=True)))
    assert end.reason == "failed"
    assert "no checkpoint" in end.message


@pytest.mark.parametrize("damage", ["empty", "text", "half", "flipped", "other"])
def test_a_damaged_state_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    run = tmp_path / "run"
    train(request(PATTERN, "toy:1010", run), stop_after=3)
    path = run / "checkpoint" / "00000003.pt"
    content = path.read_bytes()
    if damage == "other":
        torch.save({"weights": torch.zeros(3)}, path)
    else:
        damaged = {"empty": b"", "text": b"nothing", "half": content[: len(content) // 2], "flipped": content[::-1]}
        path.write_bytes(damaged[damage])
    log = (run / "log.jsonl").read_bytes()
    end = ended(train(request(PATTERN, "toy:1010", run, resume=True)))
    assert end.reason == "failed"
    assert str(path) in end.message
    assert "damaged" in end.message
    assert (run / "log.jsonl").read_bytes() == log


def test_a_folder_that_has_changed_since_is_not_resumed_on(tmp_path: Path, picture_folder: Path) -> None:
    pictures, run = tmp_path / "pictures", tmp_path / "run"
    shutil.copytree(picture_folder, pictures)
    train(request(TINY, pictures, run), stop_after=5)
    next(pictures.iterdir()).unlink()
    end = ended(train(request(TINY, pictures, run, resume=True)))
    assert end.reason == "failed"
    assert "its data has changed since: 11 pictures" in end.message
    assert "-> 10 pictures" in end.message


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"recipe": "", "data": "toy:1010"}', '{"config": 3}'])
def test_a_damaged_config_json_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(RunError, match="cannot be read") as refused:
        read_config(tmp_path)
    assert str(tmp_path / "config.json") in str(refused.value)


def test_a_log_line_cut_short_is_left_out_when_read(tmp_path: Path) -> None:
    train(request(variant(PATTERN, log_every=5), "toy:1010", tmp_path / "run"))
    log = tmp_path / "run" / "log.jsonl"
    whole = read_log(tmp_path / "run")
    assert len(whole) > 1
    log.write_text(log.read_text()[:-20])
    assert read_log(tmp_path / "run") == whole[:-1]


def test_a_run_in_which_nothing_happened_leaves_no_folder(tmp_path: Path) -> None:
    Run.create(request(PATTERN, "toy:1010", tmp_path / "run")).close()
    assert not (tmp_path / "run").exists()


def test_a_run_in_which_nothing_happened_leaves_the_files_of_others(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    Run.create(request(PATTERN, "toy:1010", tmp_path / "run")).close()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["notes.txt"]


# --- exact resume ----------------------------------------------------------------------------------------------------

KINDS = {
    "mlp on a folder": (TINY, "pictures"),
    "mlp-64 on MNIST": (MNIST, "mnist"),
    "average, R1, falling rates": (STABLE, "pictures"),
    "dcgan with batch norm": (DCGAN, "pictures"),
    "pattern-1010": (PATTERN, "toy:1010"),
}


def data_of(kind: str, picture_folder: Path, tiny_mnist: Path) -> Path | str:
    return {"pictures": picture_folder, "mnist": f"mnist:{tiny_mnist}"}.get(kind, kind)


def assert_same_run(run: Path, other: Path, step: int = 12) -> None:
    assert differing(snapshot_tensors(run, step), snapshot_tensors(other, step)) == []
    assert differing(saved_state(run), saved_state(other)) == []
    assert log_of(run) == log_of(other)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, picture_folder: Path, tiny_mnist: Path) -> dict[str, Path]:
    """A run of each kind that was never stopped."""
    runs = {}
    for name, (config, data) in KINDS.items():
        runs[name] = tmp_path_factory.mktemp("straight") / "run"
        events = train(request(config, data_of(data, picture_folder, tiny_mnist), runs[name]))
        assert ended(events).reason == "finished"
    return runs


@pytest.mark.parametrize("stop_after", [1, 4, 7, 11])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_and_resumed_run_is_bit_for_bit_the_run_never_stopped(
    tmp_path: Path, picture_folder: Path, tiny_mnist: Path, uninterrupted: dict[str, Path], kind: str, stop_after: int
) -> None:
    config, data = KINDS[kind]
    asked = request(config, data_of(data, picture_folder, tiny_mnist), tmp_path / "run")
    assert ended(train(asked, stop_after)).reason == "stopped"
    events = train(dataclasses.replace(asked, resume=True))
    assert ended(events).reason == "finished"
    assert of(Started, events)[0].first_step == stop_after
    assert [s.step for s in of(Scalars, events)] == list(range(stop_after + 1, 13))
    assert_same_run(tmp_path / "run", uninterrupted[kind])


def test_the_runs_compared_do_learn(uninterrupted: dict[str, Path]) -> None:
    """Equal runs prove nothing if no weight ever moves."""
    for run in uninterrupted.values():
        losses = [line["d_loss"] for line in log_of(run)]
        assert len(set(losses)) == 12


def test_a_run_stopped_after_every_single_step_is_the_same_run(
    tmp_path: Path, picture_folder: Path, uninterrupted: dict[str, Path]
) -> None:
    asked = request(STABLE, picture_folder, tmp_path / "run")
    train(asked, stop_after=1)
    for step in range(2, 13):
        train(dataclasses.replace(asked, resume=True), stop_after=step)
    assert_same_run(tmp_path / "run", uninterrupted["average, R1, falling rates"])


def test_a_run_stopped_before_its_first_step_can_be_resumed(tmp_path: Path, uninterrupted: dict[str, Path]) -> None:
    asked = request(PATTERN, "toy:1010", tmp_path / "run")
    assert ended(list(Trainer(asked, lambda _: Stop()).run())).step == 0
    train(dataclasses.replace(asked, resume=True))
    assert_same_run(tmp_path / "run", uninterrupted["pattern-1010"])


def test_a_resumed_run_starts_with_the_picture_it_was_stopped_with(tmp_path: Path, picture_folder: Path) -> None:
    asked = request(STABLE, picture_folder, tmp_path / "run")
    last = of(Preview, train(asked, stop_after=4))[-1]
    first = of(Preview, train(dataclasses.replace(asked, resume=True)))[0]
    assert (first.step, last.step) == (4, 4)
    assert np.array_equal(first.pixels, last.pixels)


def crash_after(asked_step: int, run: Path, picture_folder: Path) -> None:
    """A run whose process dies: steps after the last snapshot are in the log, the last line is cut short."""
    events = Trainer(request(STABLE, picture_folder, run)).run()
    for event in events:
        if isinstance(event, Scalars) and event.step == asked_step:
            break
    events.close()  # type: ignore[attr-defined]
    with (run / "log.jsonl").open("a") as file:
        file.write('{"step": 8, "epo')


def test_a_crashed_run_goes_on_from_its_last_snapshot_with_each_step_logged_once(
    tmp_path: Path, picture_folder: Path, uninterrupted: dict[str, Path]
) -> None:
    run = tmp_path / "run"
    crash_after(7, run, picture_folder)
    events = train(request(STABLE, picture_folder, run, resume=True))
    assert of(Started, events)[0].first_step == 5
    assert [line["step"] for line in log_of(run)] == list(range(1, 13))
    assert_same_run(run, uninterrupted["average, R1, falling rates"])


def test_a_longer_run_can_follow_on_a_finished_one(tmp_path: Path, picture_folder: Path) -> None:
    train(request(variant(TINY, steps=20), picture_folder, tmp_path / "a" / "run"))
    train(request(TINY, picture_folder, tmp_path / "b" / "run"))
    events = train(request(variant(TINY, steps=20), picture_folder, tmp_path / "b" / "run", resume=True))
    assert ended(events).step == 20
    assert_same_run(tmp_path / "a" / "run", tmp_path / "b" / "run", step=20)


@pytest.mark.parametrize("changes", [{"log_every": 2}, {"sample_every": 3}, {"snapshot_every": 2}, {"epochs": 99}])
def test_what_does_not_touch_the_weights_may_change_on_resume(
    tmp_path: Path, picture_folder: Path, uninterrupted: dict[str, Path], changes: dict[str, int]
) -> None:
    run = tmp_path / "run"
    train(request(TINY, picture_folder, run), stop_after=4)
    assert ended(train(request(variant(TINY, **changes), picture_folder, run, resume=True))).reason == "finished"
    assert differing(saved_state(run), saved_state(uninterrupted["mlp on a folder"])) == []


def test_resuming_a_finished_run_trains_no_further(tmp_path: Path, picture_folder: Path) -> None:
    asked = request(TINY, picture_folder, tmp_path / "run")
    train(asked)
    log, state = log_of(tmp_path / "run"), saved_state(tmp_path / "run")
    events = train(dataclasses.replace(asked, resume=True))
    assert (ended(events).reason, ended(events).step) == ("finished", 12)
    assert of(Scalars, events) == []
    assert log_of(tmp_path / "run") == log
    assert differing(saved_state(tmp_path / "run"), state) == []


def test_a_resumed_run_stopped_while_loading_is_left_as_it_was(
    tmp_path: Path, picture_folder: Path, uninterrupted: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(TINY, picture_folder, tmp_path / "run")
    train(asked, stop_after=4)
    monkeypatch.setenv("GANEXPLORER_HOME", str(tmp_path / "home"))  # nothing decoded is kept there
    before = contents(tmp_path / "run")
    events = list(Trainer(dataclasses.replace(asked, resume=True), lambda _: Stop()).run())
    assert [type(event) for event in events] == [Progress, Ended]
    assert contents(tmp_path / "run") == before
    train(dataclasses.replace(asked, resume=True))
    assert_same_run(tmp_path / "run", uninterrupted["mlp on a folder"])


def test_a_resumed_run_stopped_while_loading_ends_at_the_step_where_it_stands(
    tmp_path: Path, picture_folder: Path
) -> None:
    asked = request(TINY, picture_folder, tmp_path / "run")
    train(asked, stop_after=4)
    end = ended(list(Trainer(dataclasses.replace(asked, resume=True), lambda _: Stop()).run()))
    assert (end.reason, end.step) == ("stopped", 4)


def test_a_run_folder_that_was_moved_can_be_resumed(
    tmp_path: Path, picture_folder: Path, uninterrupted: dict[str, Path]
) -> None:
    train(request(TINY, picture_folder, tmp_path / "first"), stop_after=4)
    shutil.move(tmp_path / "first", tmp_path / "second")
    train(request(TINY, picture_folder, tmp_path / "second", resume=True))
    assert_same_run(tmp_path / "second", uninterrupted["mlp on a folder"])


def test_resume_may_take_the_configuration_from_the_folder(tmp_path: Path) -> None:
    """As the window does it: read what the run was started with, and go on."""
    config = variant(recipe("pattern-1010").config, steps=40, log_every=1)
    train(request(config, "toy:1010", tmp_path / "run", recipe="pattern-1010"), stop_after=10)
    saved = read_config(tmp_path / "run")
    end = ended(train(request(saved.config, saved.data, tmp_path / "run", recipe=saved.recipe, resume=True)))
    assert (end.reason, end.step) == ("finished", 40)
