"""Steering a run: pausing, single steps, changes while it goes on, and doing all that again from its log."""

from __future__ import annotations

import dataclasses
import fcntl
import itertools
import json
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
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
from ganexplorer.core.networks import build, initialize
from ganexplorer.train import run_log
from ganexplorer.train.config import TrainConfig, parameters
from ganexplorer.train.events import (
    Change,
    Changed,
    Command,
    Continue,
    Continued,
    Keep,
    Mark,
    Notice,
    Pause,
    Paused,
    Refused,
    Scalars,
    SnapshotSaved,
    Started,
    StepOnce,
    Stepped,
    Stop,
    TrainEvent,
    TrainRequest,
)
from ganexplorer.train.requests import forked, replayed, resumed
from ganexplorer.train.runs import Run, is_being_written
from ganexplorer.train.snapshots import SnapshotError, fork, snapshots, thin
from ganexplorer.train.trainer import Trainer

When = Callable[[TrainEvent], list[Command]]


def steer(asked: TrainRequest, when: When) -> list[TrainEvent]:
    """All events of a run in which `when` answers each event with commands."""
    commands: list[Command] = []
    events = []
    for event in Trainer(asked, lambda _: commands.pop(0) if commands else None).run():
        events.append(event)
        commands.extend(when(event))
    return events


def at(step: int, *commands: Command) -> When:
    """These commands, once the losses of a step are out."""
    return lambda event: list(commands) if isinstance(event, Scalars) and event.step == step else []


def both(*parts: When) -> When:
    return lambda event: [command for part in parts for command in part(event)]


# --- pause, continue, single steps -----------------------------------------------------------------------------------


def test_a_paused_run_waits_until_it_may_go_on(tmp_path: Path, picture_folder: Path) -> None:
    polls = 0
    commands: list[Command] = []
    steps = []

    def poll(seconds: float) -> Command | None:
        nonlocal polls
        if seconds > 0:  # asked while paused
            polls += 1
            return Continue() if polls == 3 else None
        return commands.pop() if commands else None

    for event in Trainer(request(TINY, picture_folder, tmp_path / "run"), poll).run():
        if isinstance(event, Scalars) and event.step == 4:
            commands.append(Pause())
        if isinstance(event, Paused | Continued):
            steps.append((type(event), event.step, polls))
    assert steps == [(Paused, 4, 0), (Continued, 4, 3)]


def test_a_pause_changes_nothing_of_the_run(tmp_path: Path, picture_folder: Path) -> None:
    train(request(TINY, picture_folder, tmp_path / "a"))
    steer(request(TINY, picture_folder, tmp_path / "b"), at(4, Pause(), Continue()))
    assert differing(saved_state(tmp_path / "a"), saved_state(tmp_path / "b")) == []
    assert log_of(tmp_path / "a") == log_of(tmp_path / "b")


@pytest.mark.parametrize(
    ("networks", "moved"),
    [("d", {"discriminator"}), ("g", {"generator"}), ("both", {"discriminator", "generator"})],
)
def test_a_single_step_moves_only_the_networks_that_were_asked(
    tmp_path: Path, picture_folder: Path, networks: Any, moved: set[str]
) -> None:
    run = tmp_path / "run"
    events = steer(
        request(variant(TINY, snapshot_every=100), picture_folder, run),
        at(4, Pause(), Keep("before"), StepOnce(networks), Keep("after"), Stop()),
    )
    assert of(Stepped, events) == [Stepped(5, networks)]
    before, after = snapshot_tensors(run, 4), snapshot_tensors(run, 5)
    changed = {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == moved
    assert [scalars.step for scalars in of(Scalars, events)] == [1, 2, 3, 4, 5]


def test_a_single_step_is_only_taken_while_paused(tmp_path: Path, picture_folder: Path) -> None:
    events = steer(request(TINY, picture_folder, tmp_path / "run"), at(4, StepOnce("d")))
    assert of(Stepped, events) == []


def test_a_paused_run_can_be_stopped(tmp_path: Path, picture_folder: Path) -> None:
    events = steer(request(TINY, picture_folder, tmp_path / "run"), at(4, Pause(), Stop()))
    assert (ended(events).reason, ended(events).step) == ("stopped", 4)


# --- changes ---------------------------------------------------------------------------------------------------------

CHANGES: dict[str, Any] = {
    "g_lr": 0.05, "d_lr": 0.001, "beta1": 0.9, "beta2": 0.9, "d_every": 2, "g_every": 3, "smoothing": 0.2,
    "loss": "hinge", "r1_gamma": 2.0, "r2_gamma": 1.0, "r1_every": 2, "augment": "translation", "top_k": 0.5,
    "same_z": False, "lr_decay": 1.0, "d_update": "real-then-fake",
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_from_a_change_on_the_run_is_one_of_the_changed_configuration(
    tmp_path: Path, picture_folder: Path, name: str
) -> None:
    """As if a run of the new configuration had been handed the state of the old one."""
    base = variant(TINY, r1_gamma=1.0) if name == "r1_every" else TINY
    steer(request(base, picture_folder, tmp_path / "a"), at(4, Change({name: CHANGES[name]})))
    train(request(base, picture_folder, tmp_path / "b"), stop_after=4)
    config = json.loads((tmp_path / "b" / "config.json").read_text())
    config["config"][name] = CHANGES[name]
    (tmp_path / "b" / "config.json").write_text(json.dumps(config))
    train(request(variant(base, **{name: CHANGES[name]}), picture_folder, tmp_path / "b", resume=True))
    assert differing(saved_state(tmp_path / "a"), saved_state(tmp_path / "b")) == []
    train(request(base, picture_folder, tmp_path / "c"))
    assert differing(saved_state(tmp_path / "a"), saved_state(tmp_path / "c")) != []


def test_a_change_is_told_and_logged_before_the_step_it_first_touches(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    events = steer(request(TINY, picture_folder, run), at(4, Change({"g_lr": 0.5})))
    assert of(Changed, events) == [Changed(4, {"g_lr": 0.5})]
    entries = [entry for entry in run_log.read_entries(run / "log.jsonl") if isinstance(entry, Changed | Scalars)]
    assert entries[4] == Changed(4, {"g_lr": 0.5})
    assert [entry.step for entry in entries[3:6]] == [4, 4, 5]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"z_dim": 9}, "z_dim is fixed while a run goes on"),
        ({"g_lr": -1}, "g_lr: -1 is not from 0 to 10"),
        ({"g_lr": "fast"}, "g_lr: 'fast' is not of type float"),
        ({"speed": 1}, "unknown hyperparameter 'speed'"),
        ({"ema": 0.5}, "ema can change while a run goes on, but not begin or end"),
        ({"steps": 3}, "4 steps are done already"),
    ],
)
def test_a_change_that_cannot_be_is_told_and_changes_nothing(
    tmp_path: Path, picture_folder: Path, settings: dict[str, Any], words: str
) -> None:
    events = steer(request(TINY, picture_folder, tmp_path / "run"), at(4, Change(settings)))
    (refused,) = of(Refused, events)
    assert words in refused.why
    assert refused.settings == settings
    assert of(Changed, events) == []
    train(request(TINY, picture_folder, tmp_path / "other"))
    assert differing(saved_state(tmp_path / "run"), saved_state(tmp_path / "other")) == []


def test_a_run_can_be_made_longer_while_it_goes_on(tmp_path: Path, picture_folder: Path) -> None:
    config = variant(TINY, lr_decay=0.5)
    events = steer(request(config, picture_folder, tmp_path / "run"), at(4, Change({"steps": 20})))
    assert ended(events).step == 20


@pytest.mark.parametrize("stop_after", [5, 8])
def test_a_changed_run_resumes_as_it_had_become(tmp_path: Path, picture_folder: Path, stop_after: int) -> None:
    changes = {"g_lr": 0.05, "loss": "hinge", "r1_gamma": 0.5}
    steer(request(TINY, picture_folder, tmp_path / "a"), at(4, Change(changes)))
    asked = request(TINY, picture_folder, tmp_path / "b")
    steer(asked, both(at(4, Change(changes)), at(stop_after, Stop())))
    train(dataclasses.replace(asked, resume=True))
    assert differing(saved_state(tmp_path / "a"), saved_state(tmp_path / "b")) == []
    assert log_of(tmp_path / "a") == log_of(tmp_path / "b")


def test_what_may_change_while_a_run_goes_on_is_said_by_the_configuration() -> None:
    live = {parameter.name for parameter in parameters() if parameter.live}
    assert {"g_lr", "d_lr", "beta1", "beta2", "d_every", "g_every", "smoothing", "loss"} <= live
    assert live.isdisjoint({"z_dim", "g_widths", "d_widths", "seed", "batch_size", "optimizer", "prior", "family"})


# --- doing it again --------------------------------------------------------------------------------------------------


def test_a_run_replayed_from_its_log_gives_the_same_losses(tmp_path: Path, picture_folder: Path) -> None:
    source = tmp_path / "source"
    asked = request(variant(TINY, steps=20, ema=0.9), picture_folder, source)
    when = both(
        at(3, Change({"g_lr": 0.03, "d_every": 2})),
        at(6, Pause(), StepOnce("d"), StepOnce("d"), Change({"loss": "hinge"}), StepOnce("g"), Continue()),
        at(12, Change({"r1_gamma": 1.0}), Stop()),
    )
    steer(asked, when)
    steer(dataclasses.replace(asked, resume=True), at(15, Pause(), StepOnce("g"), Continue()))
    events = train(dataclasses.replace(replayed(source, tmp_path / "again"), device="cpu"))
    assert ended(events).step == 20
    assert log_of(tmp_path / "again") == log_of(source)
    assert differing(saved_state(tmp_path / "again"), saved_state(source)) == []
    plain = tmp_path / "plain"
    train(request(variant(TINY, steps=20, ema=0.9), picture_folder, plain))
    assert log_of(plain) != log_of(source)


def test_a_replay_ends_where_the_run_did(tmp_path: Path, picture_folder: Path) -> None:
    train(request(TINY, picture_folder, tmp_path / "source"), stop_after=7)
    assert ended(train(replayed(tmp_path / "source", tmp_path / "again"))).step == 7


# --- rolling back and branching off ----------------------------------------------------------------------------------


def test_a_rolled_back_run_goes_on_as_if_it_had_never_been_further(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    train(request(TINY, picture_folder, run))
    before = log_of(run)
    events = train(dataclasses.replace(resumed(run, rollback=5), device="cpu"))
    assert of(Started, events)[0].first_step == 5
    assert [mark.kind for mark in of(Mark, events)] == ["rolled back"]
    assert log_of(run) == before  # the same steps again


def test_what_a_rollback_leaves_behind_is_kept_and_opens(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    train(request(TINY, picture_folder, run))
    last = snapshot_tensors(run, 12)
    steer(resumed(run, rollback=5), lambda event: [Stop()] if isinstance(event, Started) else [])
    (aside,) = (run / "abandoned").iterdir()
    assert differing(load_file(aside / "snapshots" / "00000012.safetensors"), last) == []
    assert {snapshot.step for snapshot in snapshots(run)} == {5}
    assert [entry.step for entry in run_log.read_entries(aside / "log.jsonl")] == list(range(6, 13))
    assert (run / "LATEST").read_text() == "00000005.safetensors\n"


def test_a_rollback_to_where_no_snapshot_is_names_those_there_are(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    train(request(TINY, picture_folder, run))
    end = ended(train(resumed(run, rollback=6)))
    assert end.reason == "failed"
    assert "no snapshot of step 6" in end.message
    assert "5, 10, 12" in end.message
    assert len(log_of(run)) == 12


def test_a_fork_leaves_its_parent_untouched_and_goes_on_exactly(tmp_path: Path, picture_folder: Path) -> None:
    parent, child = tmp_path / "parent", tmp_path / "child"
    train(request(TINY, picture_folder, parent))
    before = {path: path.read_bytes() for path in parent.rglob("*") if path.is_file()}
    events = train(dataclasses.replace(forked(parent, 5, child), device="cpu"))
    assert ended(events).step == 12
    assert {path: path.read_bytes() for path in parent.rglob("*") if path.is_file()} == before
    assert differing(saved_state(child), saved_state(parent)) == []
    assert log_of(child) == log_of(parent)


def test_a_fork_may_go_another_way(tmp_path: Path, picture_folder: Path) -> None:
    parent, child = tmp_path / "parent", tmp_path / "child"
    train(request(TINY, picture_folder, parent))
    events = train(dataclasses.replace(forked(parent, 5, child), changes={"g_lr": 0.0}))
    assert of(Changed, events) == [Changed(5, {"g_lr": 0.0})]
    first, last = snapshot_tensors(child, 5), snapshot_tensors(child, 12)
    assert {name.partition(".")[0] for name in first if not torch.equal(first[name], last[name])} == {"discriminator"}


def test_a_fork_into_a_folder_that_is_there_is_refused(tmp_path: Path, picture_folder: Path) -> None:
    train(request(TINY, picture_folder, tmp_path / "parent"))
    (tmp_path / "child").mkdir()
    with pytest.raises(SnapshotError, match="exists already"):
        fork(tmp_path / "parent", 5, tmp_path / "child")
    with pytest.raises(SnapshotError, match="no snapshot of step 6"):
        fork(tmp_path / "parent", 6, tmp_path / "other")
    assert not (tmp_path / "other").exists()


# --- thinning --------------------------------------------------------------------------------------------------------


def test_snapshots_are_thinned_to_the_budget_evenly_ends_and_kept_ones_stay(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for part in ("snapshots", "checkpoint", "samples"):
        (run / part).mkdir(parents=True)
    for step in range(0, 1700, 100):
        (run / "snapshots" / f"{step:08d}.safetensors").write_bytes(bytes(600))
        (run / "checkpoint" / f"{step:08d}.pt").write_bytes(bytes(400))
    thin(run, 9_000, keep={300})
    left = [snapshot.step for snapshot in snapshots(run)]
    assert len(left) == 9
    assert {0, 300, 1500, 1600} <= set(left)
    gaps = [b - a for a, b in itertools.pairwise(left)]
    assert max(gaps) <= 400
    assert sum(path.stat().st_size for path in run.rglob("*") if path.is_file()) == 9_000
    assert thin(run, 9_000, keep={300}) == []
    thin(run, 0, keep={300})
    assert [snapshot.step for snapshot in snapshots(run)] == [0, 300, 1500, 1600]


def test_a_run_keeps_to_its_disk_budget(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    config = variant(TINY, snapshot_every=1, steps=30, keep_gb=0.001)
    wide = variant(config, g_widths=[400], d_widths=[400])
    steer(request(wide, picture_folder, run), at(7, Keep("look")))
    size = sum(snapshot.size for snapshot in snapshots(run))
    steps = [snapshot.step for snapshot in snapshots(run)]
    assert {1, 7, 29, 30} <= set(steps)
    assert size <= 1_000_000 or len(steps) == 4
    assert len(steps) < 30


# --- fine-tuning -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, picture_folder: Path) -> Path:
    run = tmp_path_factory.mktemp("trained") / "run"
    train(request(TINY, picture_folder, run))
    return run / "snapshots" / "00000012.safetensors"


@pytest.fixture(scope="module")
def generator_alone(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alone") / "generator.safetensors"
    dataclasses.replace(Checkpoint.load(trained), discriminator=None).save(path)
    return path


def test_fine_tuning_begins_with_both_networks_of_the_model(
    tmp_path: Path, picture_folder: Path, trained: Path
) -> None:
    run = tmp_path / "run"
    other = variant(TINY, z_dim=7, g_widths=[9], prior="uniform", seed=5)
    events = steer(
        request(other, picture_folder, run, start=str(trained)),
        lambda event: [Stop()] if isinstance(event, Started) else [],
    )
    assert ended(events).step == 0
    assert differing(snapshot_tensors(run, 0), load_file(trained)) == []
    config = TrainConfig.from_dict(json.loads((run / "config.json").read_text())["config"])
    assert (config.z_dim, config.prior) == (3, "normal")


def test_a_mapping_is_put_into_a_model_to_fine_tune_and_changes_none_of_its_images(
    tmp_path: Path, picture_folder: Path
) -> None:
    config = variant(TINY, family="dcgan", g_widths=[4], d_widths=[4], g_mapping=0)
    shape = (1, 8, 8)
    plain = build(config.generator_spec(shape))
    initialize(plain, "he", torch.Generator().manual_seed(0))
    Checkpoint(plain.eval()).save(tmp_path / "plain.safetensors")
    run, asked = tmp_path / "run", variant(config, g_mapping=8, image_size=8)
    request_ = request(asked, picture_folder, run, start=str(tmp_path / "plain.safetensors"))
    steer(request_, lambda event: [Stop()] if isinstance(event, Started) else [])
    first = Checkpoint.load(snapshots(run)[0].networks).generator
    train(dataclasses.replace(resumed(run), device="cpu"))
    train(dataclasses.replace(request_, run=tmp_path / "through"))
    last = Checkpoint.load(snapshots(run)[-1].networks).generator
    z = torch.randn(9, config.z_dim, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(first(z), plain(z), rtol=1e-5, atol=1e-5)
    assert first.spec == last.spec == asked.generator_spec(shape)
    assert differing(saved_state(run), saved_state(tmp_path / "through")) == []


def test_a_mapping_for_a_model_that_has_no_place_for_it_is_refused_and_one_that_is_there_stays(
    tmp_path: Path, picture_folder: Path, trained: Path
) -> None:
    config = variant(TINY, g_mapping=8)
    end = ended(train(request(config, picture_folder, tmp_path / "run", start=str(trained))))
    assert end.reason == "failed"
    assert "has no place for a mapping" in end.message
    assert "Set g_mapping to 0" in end.message
    mapped = variant(TINY, family="dcgan", g_widths=[4], d_widths=[4], g_mapping=8, image_size=8)
    train(request(mapped, picture_folder, tmp_path / "a"))
    assert ended(train(request(mapped, picture_folder, tmp_path / "b", start=str(tmp_path / "a")))).reason == "finished"


def test_a_fresh_discriminator_is_warmed_up_while_the_generator_stands_still(
    tmp_path: Path, picture_folder: Path, generator_alone: Path
) -> None:
    run = tmp_path / "run"
    config = variant(TINY, warmup=150, steps=160, snapshot_every=10)
    events = train(request(config, picture_folder, run, start=str(generator_alone)))
    assert ended(events).reason == "finished"
    (mark,) = [mark for mark in of(Mark, events) if mark.kind == "warmed up"]
    assert 100 <= mark.step <= 150
    start = load_file(generator_alone)
    for snapshot in snapshots(run):
        tensors = {k: v for k, v in load_file(snapshot.networks).items() if k.startswith("generator.")}
        assert (differing(tensors, start) == []) == (snapshot.step <= mark.step), snapshot.step
    (notice,) = of(Notice, events)
    assert "no discriminator" in notice.text


@pytest.mark.parametrize("stop_after", [30, 149, 155])
def test_a_warm_up_is_resumed_where_it_stood(
    tmp_path: Path, picture_folder: Path, generator_alone: Path, stop_after: int
) -> None:
    config = variant(TINY, warmup=150, steps=160, snapshot_every=1000)
    asked = request(config, picture_folder, tmp_path / "a", start=str(generator_alone))
    train(asked)
    train(dataclasses.replace(asked, run=tmp_path / "b"), stop_after=stop_after)
    train(dataclasses.replace(resumed(tmp_path / "b"), device="cpu"))
    assert differing(saved_state(tmp_path / "a"), saved_state(tmp_path / "b")) == []


def test_a_fine_tuned_run_needs_the_model_it_began_with_no_more(
    tmp_path: Path, picture_folder: Path, trained: Path
) -> None:
    model = tmp_path / "model.safetensors"
    model.write_bytes(trained.read_bytes())
    train(request(TINY, picture_folder, tmp_path / "a", start=str(model)))
    train(request(TINY, picture_folder, tmp_path / "b", start=str(model)), stop_after=4)
    model.unlink()
    train(dataclasses.replace(resumed(tmp_path / "b"), device="cpu"))
    assert differing(saved_state(tmp_path / "a"), saved_state(tmp_path / "b")) == []
    train(dataclasses.replace(replayed(tmp_path / "b", tmp_path / "c"), device="cpu"))
    assert log_of(tmp_path / "c") == log_of(tmp_path / "a")


def test_a_discriminator_that_cannot_take_the_images_is_told_with_the_remedy(
    tmp_path: Path, picture_folder: Path, generator_alone: Path
) -> None:
    config = variant(TINY, family="dcgan", d_widths=[4, 6, 8])
    end = ended(train(request(config, picture_folder, tmp_path / "run", start=str(generator_alone))))
    assert end.reason == "failed"
    assert "Choose a recipe of another family" in end.message
    assert not (tmp_path / "run").exists()


# --- one writer ------------------------------------------------------------------------------------------------------


def test_a_run_that_is_being_trained_is_not_resumed_a_second_time(tmp_path: Path) -> None:
    run = tmp_path / "run"
    asked = request(variant(PATTERN, steps=50, snapshot_every=5), "toy:1010", run)
    second: list[TrainEvent] = []
    for event in Trainer(asked).run():
        if isinstance(event, SnapshotSaved) and event.step == 10:
            assert is_being_written(run)
            second = train(resumed(run))
    assert not is_being_written(run)
    assert "is being trained by another process" in ended(second).message
    assert len(log_of(run)) == 50
    assert all(math.isfinite(line["d_loss"]) for line in log_of(run))


def test_who_looks_whether_a_run_is_written_neither_hinders_its_writer_nor_others_who_look(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(request(PATTERN, "toy:1010", run))
    asked = resumed(run)
    with (run / "config.json").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert not is_being_written(run)
        letting_go = threading.Timer(0.05, fcntl.flock, (file, fcntl.LOCK_UN))
        letting_go.start()
        writer, _ = Run.resume(asked)
        letting_go.join()
    assert is_being_written(run)
    writer.close()
    assert not is_being_written(run)


# --- what a reader of the code found ---------------------------------------------------------------------------------


@pytest.mark.parametrize("stop_after", [None, 8])
def test_the_averaging_changes_with_its_decay(tmp_path: Path, picture_folder: Path, stop_after: int | None) -> None:
    config = variant(TINY, ema=0.9)
    train(request(config, picture_folder, tmp_path / "plain"))
    changed = at(4, Change({"ema": 0.0001}))
    asked = request(config, picture_folder, tmp_path / "changed")
    steer(asked, changed if stop_after is None else both(changed, at(stop_after, Stop())))
    if stop_after is not None:
        train(dataclasses.replace(asked, resume=True))
    plain, other = snapshot_tensors(tmp_path / "plain", 12), snapshot_tensors(tmp_path / "changed", 12)
    assert {name.partition(".")[0] for name in differing(plain, other)} == {"generator"}
    steer(dataclasses.replace(asked, run=tmp_path / "whole"), changed)
    assert differing(other, snapshot_tensors(tmp_path / "whole", 12)) == []


def test_a_rollback_that_cannot_go_on_leaves_the_run_as_it_was(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    train(request(TINY, picture_folder, run))
    (run / "checkpoint" / "00000005.pt").write_bytes(b"damaged")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    end = ended(train(resumed(run, rollback=5)))
    assert end.reason == "failed"
    assert "00000005.pt: damaged" in end.message
    gone = dataclasses.replace(resumed(run, rollback=10), data=f"folder:{tmp_path / 'gone'}")
    assert ended(train(gone)).reason == "failed"
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_kept_snapshot_survives_a_rollback_and_a_full_budget(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    steer(request(TINY, picture_folder, run), at(7, Keep("look")))
    steer(resumed(run, rollback=5), lambda event: [Stop()] if isinstance(event, Started) else [])
    thin(run, 0, keep=set())
    (aside,) = (run / "abandoned").iterdir()
    assert [path.name for path in (aside / "snapshots").iterdir()] == ["00000007.safetensors"]


def test_changes_that_a_fork_cannot_have_are_told_before_it_is_trained(tmp_path: Path, picture_folder: Path) -> None:
    train(request(TINY, picture_folder, tmp_path / "parent"))
    asked = dataclasses.replace(forked(tmp_path / "parent", 5, tmp_path / "child"), changes={"seed": 7, "g_lr": 0.5})
    end = ended(train(asked))
    assert end.reason == "failed"
    assert "seed is fixed while a run goes on" in end.message


def test_a_run_that_was_extended_is_replayed_to_its_end(tmp_path: Path, picture_folder: Path) -> None:
    train(request(TINY, picture_folder, tmp_path / "a"))
    train(dataclasses.replace(resumed(tmp_path / "a"), changes={"steps": 20}))
    train(replayed(tmp_path / "a", tmp_path / "b"))
    assert log_of(tmp_path / "b") == log_of(tmp_path / "a")
    assert len(log_of(tmp_path / "b")) == 20


def test_what_a_crash_undid_is_told(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    asked = request(variant(TINY, snapshot_every=5), picture_folder, run)
    commands: list[Command] = []
    events = Trainer(asked, lambda _: commands.pop() if commands else None).run()
    for event in events:
        if isinstance(event, Scalars) and event.step == 6:
            commands.append(Change({"g_lr": 0.5}))
        if isinstance(event, Scalars) and event.step == 8:
            break
    events.close()  # type: ignore[attr-defined]
    (notice,) = of(Notice, train(dataclasses.replace(asked, resume=True)))
    assert "g_lr 0.5" in notice.text


@pytest.mark.parametrize(
    "line",
    ['{"event": "changed", "step": 1, "settings": 5}', '{"event": "mark", "step": "x", "kind": "a", "text": "b"}',
     '{"event": "mark", "step": 1, "kind": 3, "text": "b"}', '{"step": true}', '{"event": [], "step": 1}', "[1]"],
)  # fmt: skip
def test_lines_of_a_log_that_are_not_what_they_say_are_left_out(tmp_path: Path, line: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(line + "\n")
    assert run_log.read_entries(path) == []
