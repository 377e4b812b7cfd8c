"""Tests that try to make training lose work: deaths, failing and full disks, damaged files, signals, no memory."""

from __future__ import annotations

import dataclasses
import errno
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import forked
import psutil
import pytest
import quick_children
import torch
from failing_disk import FOR_EVER, FailingDisk, Where
from tiny_runs import (
    PATTERN,
    TINY,
    differing,
    ended,
    leaves,
    log_of,
    of,
    request,
    saved_state,
    snapshot_tensors,
    train,
    variant,
)

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.files import FileError
from ganexplorer.train import run_log, states
from ganexplorer.train.events import (
    Command,
    Continue,
    Continued,
    Ended,
    Keep,
    Mark,
    Notice,
    Pause,
    Paused,
    PublishWeights,
    Scalars,
    Started,
    Stop,
    TrainEvent,
    TrainRequest,
    Weights,
)
from ganexplorer.train.host import TrainingHost
from ganexplorer.train.requests import resumed
from ganexplorer.train.runs import Run, is_being_written
from ganexplorer.train.steps import AdversarialStep
from ganexplorer.train.trainer import Trainer

PARTS = ("log.jsonl", "samples", "snapshots", "LATEST", "checkpoint")


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    """A folder in memory, where there is one: for processes in which flushes take their time."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, picture_folder: Path) -> Path:
    """The run of `TINY`, to which nothing happened."""
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    assert ended(train(request(TINY, picture_folder, run))).reason == "finished"
    return run


def assert_same_run(run: Path, other: Path) -> None:
    assert differing(snapshot_tensors(run, 12), snapshot_tensors(other, 12)) == []
    assert differing(saved_state(run), saved_state(other)) == []
    assert log_of(run) == log_of(other)
    for line in (run / "log.jsonl").read_text().splitlines():
        json.loads(line)


def finish(run: Path) -> list[TrainEvent]:
    """Resume a run and train it to its end."""
    events = train(dataclasses.replace(resumed(run), device="cpu"))
    assert ended(events).reason == "finished"
    return events


def contents(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def leftovers(run: Path) -> list[str]:
    return [path.name for path in run.rglob("*.part")]


def disturb(
    asked: TrainRequest, step: int, what: Callable[[], None], answer: Callable[[TrainEvent], list[Command]]
) -> list[TrainEvent]:
    """All events of a run to which something happens once the losses of a step are out; no time passes in pauses."""
    commands: list[Command] = []
    events = []
    for event in Trainer(asked, lambda _: commands.pop(0) if commands else None).run():
        events.append(event)
        if isinstance(event, Scalars) and event.step == step:
            what()
        commands.extend(answer(event))
    return events


def resume_and_stop(run: Path) -> None:
    """Resume a run and stop it before its next step."""
    asked = dataclasses.replace(resumed(run), device="cpu")
    events = disturb(asked, 0, lambda: None, lambda event: [Stop()] if isinstance(event, Started) else [])
    assert ended(events).reason == "stopped"


def nothing(_: TrainEvent) -> list[Command]:
    return []


# --- a full disk -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "where"), [*((part, "write") for part in PARTS), ("any", "flush"), ("snapshots", "rename")]
)
def test_a_full_disk_pauses_a_run_which_then_goes_on_as_if_nothing_had_been(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch, part: str, where: Where
) -> None:
    run, disk = tmp_path / "run", FailingDisk(part, where)
    disk.install(monkeypatch)
    left_while_waiting: list[str] = []

    def look(event: TrainEvent) -> list[Command]:
        if isinstance(event, Paused):
            left_while_waiting.extend(leftovers(run))
        return []

    events = disturb(request(TINY, picture_folder, run), 9, lambda: setattr(disk, "failures", 3), look)
    assert disk.failures == 0
    assert ended(events).reason == "finished"
    (paused,) = of(Paused, events)
    assert paused.step == 10
    for words in (str(run), os.strerror(errno.ENOSPC), "Make room"):
        assert words in paused.why
    assert of(Continued, events) == [Continued(10)]
    assert [scalars.step for scalars in of(Scalars, events)] == list(range(1, 13))
    assert left_while_waiting == leftovers(run) == []
    assert_same_run(run, undisturbed)


@pytest.mark.parametrize("part", PARTS)
def test_stop_while_waiting_for_room_ends_with_the_reason_and_loses_nothing(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    run, disk = tmp_path / "run", FailingDisk(part)
    with monkeypatch.context() as patch:
        disk.install(patch)
        stop: Callable[[TrainEvent], list[Command]] = lambda event: [Stop()] if isinstance(event, Paused) else []  # noqa: E731
        events = disturb(request(TINY, picture_folder, run), 9, lambda: setattr(disk, "failures", FOR_EVER), stop)
    assert (ended(events).reason, ended(events).step) == ("failed", 10)
    assert ended(events).message == f"{run}: {os.strerror(errno.ENOSPC)}. Make room, then resume the run."
    assert leftovers(run) == []
    assert not is_being_written(run)
    assert of(Started, finish(run))[0].first_step == 5
    assert_same_run(run, undisturbed)


def test_a_stop_that_comes_with_the_room_saves(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, disk = tmp_path / "run", FailingDisk("snapshots")
    disk.install(monkeypatch)
    events = disturb(
        request(TINY, picture_folder, run), 9, lambda: setattr(disk, "failures", 1),
        lambda event: [Stop()] if isinstance(event, Paused) else [],
    )  # fmt: skip
    assert (ended(events).reason, ended(events).step) == ("stopped", 10)
    assert of(Started, finish(run))[0].first_step == 10
    assert_same_run(run, undisturbed)


def test_a_stop_that_comes_with_the_room_ends_a_paused_run_too(
    tmp_path: Path, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FailingDisk("snapshots")
    disk.install(monkeypatch)
    polls = 0
    commands: list[Command] = []

    def poll(_: float) -> Command | None:
        nonlocal polls
        polls += 1
        assert polls < 100, "nobody hears the stop"
        return commands.pop(0) if commands else None

    events = []
    for event in Trainer(request(TINY, picture_folder, tmp_path / "run"), poll).run():
        events.append(event)
        if isinstance(event, Scalars) and event.step == 7:
            disk.failures = 1
            commands += [Pause(), Keep()]
        if isinstance(event, Paused) and event.why:
            commands.append(Stop())
    assert (ended(events).reason, ended(events).step) == ("stopped", 7)
    assert [bool(paused.why) for paused in of(Paused, events)] == [False, True, False]


def test_commands_that_come_while_waiting_for_room_are_carried_out_after(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, disk = tmp_path / "run", FailingDisk("checkpoint")
    disk.install(monkeypatch)
    events = disturb(
        request(TINY, picture_folder, run), 9, lambda: setattr(disk, "failures", 4),
        lambda event: [Pause(), Continue()] if isinstance(event, Paused) and event.why else [],
    )  # fmt: skip
    assert [(type(e), e.step) for e in events if isinstance(e, Paused | Continued)] == [
        (Paused, 10), (Continued, 10), (Paused, 10), (Continued, 10),
    ]  # fmt: skip
    assert_same_run(run, undisturbed)


def test_a_run_that_finds_no_room_to_begin_says_so_and_leaves_no_folder(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, disk = tmp_path / "run", FailingDisk("config.json")
    disk.install(monkeypatch)
    disk.failures = 1
    end = ended(train(request(TINY, picture_folder, run)))
    assert end.reason == "failed"
    assert f"{run}: cannot be created ({os.strerror(errno.ENOSPC)})" in end.message
    assert not run.exists()
    train(request(TINY, picture_folder, run))
    assert_same_run(run, undisturbed)


def test_a_run_that_finds_no_room_to_be_resumed_stays_as_it_is(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, disk = tmp_path / "run", FailingDisk("log.jsonl")
    train(request(TINY, picture_folder, run), stop_after=7)
    before = contents(run)
    with monkeypatch.context() as patch:
        disk.install(patch)
        disk.failures = 1
        end = ended(train(resumed(run)))
    assert end.reason == "failed"
    assert os.strerror(errno.ENOSPC) in end.message
    assert contents(run) == before
    finish(run)
    assert_same_run(run, undisturbed)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_the_systems_own_full_disk_is_known_as_one(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "log.jsonl").symlink_to("/dev/full")
    events = disturb(
        request(PATTERN, "toy:1010", run), 0, lambda: None,
        lambda event: [Stop()] if isinstance(event, Paused) else [],
    )  # fmt: skip
    assert [paused.step for paused in of(Paused, events)] == [1]
    assert (ended(events).reason, ended(events).step) == ("failed", 1)
    assert os.strerror(errno.ENOSPC) in ended(events).message


# --- other errors ----------------------------------------------------------------------------------------------------


def io_error() -> OSError:
    return OSError(errno.EIO, os.strerror(errno.EIO))


def not_permitted() -> OSError:
    return OSError(errno.EACCES, os.strerror(errno.EACCES), "a file")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("error", "words"),
    [(io_error, "run: Input/output error"), (not_permitted, "a file: Permission denied")],
    ids=["disk", "permission"],
)
def test_what_cannot_be_written_for_a_while_pauses_a_run(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch, part: str,
    error: Callable[[], OSError], words: str,
) -> None:  # fmt: skip
    run, disk = tmp_path / "run", FailingDisk(part, error=error)
    disk.install(monkeypatch)
    events = disturb(request(TINY, picture_folder, run), 9, lambda: setattr(disk, "failures", 2), nothing)
    assert ended(events).reason == "finished"
    (paused,) = of(Paused, events)
    assert words in paused.why
    assert "goes on when it can be written" in paused.why
    assert of(Continued, events) == [Continued(10)]
    assert leftovers(run) == []
    assert_same_run(run, undisturbed)


def test_a_share_that_is_gone_for_a_while_pauses_a_run(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in it can be looked at or opened."""
    run, stat, open_path = tmp_path / "run", os.stat, Path.open
    failures = 0

    def check(path: Any) -> None:
        if failures and str(path).startswith(str(run)):
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN), str(path))

    def patched_stat(path: Any, *arguments: Any, **named: Any) -> os.stat_result:
        check(path)
        return stat(path, *arguments, **named)

    def patched_open(path: Path, *arguments: Any, **named: Any) -> Any:
        check(path)
        return open_path(path, *arguments, **named)

    def cut_off() -> None:
        nonlocal failures
        failures = 4

    def comes_back(event: TrainEvent) -> list[Command]:
        nonlocal failures
        failures -= failures > 0 and isinstance(event, Paused | Weights)
        return [PublishWeights()] if failures else []

    monkeypatch.setattr(os, "stat", patched_stat)
    monkeypatch.setattr(Path, "open", patched_open)
    events = disturb(request(TINY, picture_folder, run), 9, cut_off, comes_back)
    assert ended(events).reason == "finished"
    (paused,) = of(Paused, events)
    assert os.strerror(errno.ENOTCONN) in paused.why
    assert of(Continued, events) == [Continued(10)]
    assert_same_run(run, undisturbed)


def test_a_log_whose_file_went_dead_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = run_log.LogWriter(path)
    log.append(Mark(1, "kept", "one"))
    dead, alive = os.pipe()
    os.dup2(dead, log._file.fileno())  # cannot be written to
    with pytest.raises(OSError, match="Bad file descriptor"):
        log.append(Mark(2, "kept", "two"))
    with path.open("ab") as half:
        half.write(b'{"event": "ma')
    log.append(Mark(2, "kept", "two"))
    log.close()
    os.close(dead)
    os.close(alive)
    assert run_log.read_entries(path) == [Mark(1, "kept", "one"), Mark(2, "kept", "two")]


def test_a_run_whose_folder_is_taken_away_ends(
    tmp_path: Path, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    events = disturb(request(TINY, picture_folder, run), 9, lambda: run.rename(tmp_path / "elsewhere"), nothing)
    assert ended(events).reason == "failed"
    assert f"{run} is gone" in ended(events).message
    assert of(Started, finish(tmp_path / "elsewhere"))[0].first_step == 5


@pytest.mark.parametrize("part", PARTS)
def test_an_error_while_saving_ends_the_run_with_old_files_whole_and_no_half_ones(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    run, disk = tmp_path / "run", FailingDisk(part, error=lambda: RuntimeError("boom"))
    before: dict[str, bytes] = {}

    def fail() -> None:
        before.update(contents(run))
        disk.failures = 1

    with monkeypatch.context() as patch:
        disk.install(patch)
        events = disturb(request(TINY, picture_folder, run), 9, fail, nothing)
    end = ended(events)
    assert (end.reason, end.step) == ("failed", 10)
    assert "RuntimeError: boom" in end.message
    assert "Traceback" not in end.message
    assert end.snapshot == run / "snapshots" / "00000005.safetensors"
    after = contents(run)
    log = before.pop("log.jsonl")
    assert after["log.jsonl"].startswith(log)
    assert after["log.jsonl"].endswith(b"\n")
    if part != "LATEST" and "snapshots/00000010.safetensors" in after:
        del before["LATEST"]  # it names the new one now
    assert {name: after[name] for name in before} == before
    assert leftovers(run) == []
    zoo.resolve(str(run)).load()
    assert of(Started, finish(run))[0].first_step == 5
    assert_same_run(run, undisturbed)


# --- damaged checkpoints ---------------------------------------------------------------------------------------------


def stopped_at_11(tmp_path: Path, picture_folder: Path) -> Path:
    """A run with states of steps 5, 10 and 11."""
    run = tmp_path / "run"
    train(request(TINY, picture_folder, run), stop_after=11)
    return run


def state_file(run: Path, step: int) -> Path:
    return run / "checkpoint" / f"{step:08d}.pt"


DAMAGES: dict[str, Callable[[Path], bytes]] = {
    "empty": lambda file: b"",
    "a byte short": lambda file: file.read_bytes()[:-1],
    "half": lambda file: file.read_bytes()[: file.stat().st_size // 2],
    "zeros": lambda file: bytes(file.stat().st_size),
    "a page of zeros": lambda file: (data := file.read_bytes())[:4096] + bytes(4096) + data[8192:],
    "text": lambda file: b"nothing that was ever saved",
    "of another step": lambda file: file.with_name("00000010.pt").read_bytes(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_gone_on_from(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, damage: str
) -> None:
    run = stopped_at_11(tmp_path, picture_folder)
    file = state_file(run, 11)
    damaged = DAMAGES[damage](file)
    file.write_bytes(damaged)
    events = finish(run)
    (notice,) = of(Notice, events)
    for words in (str(file), "damaged", "step 10"):
        assert words in notice.text
    assert of(Started, events)[0].first_step == 10
    assert file.with_name("00000011.pt.damaged").read_bytes() == damaged
    assert_same_run(run, undisturbed)


def test_with_two_damaged_checkpoints_the_third_is_gone_on_from(
    tmp_path: Path, picture_folder: Path, undisturbed: Path
) -> None:
    run = stopped_at_11(tmp_path, picture_folder)
    for step in (10, 11):
        state_file(run, step).write_bytes(b"")
    events = finish(run)
    assert ["00000011.pt" in notice.text for notice in of(Notice, events)] == [True, False]
    assert of(Started, events)[0].first_step == 5
    assert_same_run(run, undisturbed)


def test_a_single_flipped_bit_of_a_checkpoint_is_found_or_harmless(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(request(variant(PATTERN, snapshot_every=10), "toy:1010", run), stop_after=11)
    file, log = state_file(run, 11), (run / "log.jsonl").read_bytes()
    whole = file.read_bytes()
    state = dict(leaves(torch.load(file, weights_only=True)))
    dice, found = random.Random(0), 0
    names = [whole.rindex(b"PK\x01\x02"), len(whole)]  # the end of the list of contents is a small part of the file
    places = [dice.randrange(len(whole)) for _ in range(150)] + [dice.randrange(*names) for _ in range(50)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << dice.randrange(8)
        file.write_bytes(damaged)
        opened, past = Run.resume(resumed(run))
        opened.close()
        aside = file.with_name("00000011.pt.damaged")
        if past.step == 11:
            assert differing(dict(leaves(past.state)), state) == [], place
            assert past.notices == []
        else:
            found += 1
            assert past.step == 10
            assert len(past.notices) == 1
            assert aside.read_bytes() == damaged
            aside.unlink()
        (run / "log.jsonl").write_bytes(log)
    assert 150 < found <= 200


def test_where_memory_is_short_no_checkpoint_is_taken_for_damaged(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stopped_at_11(tmp_path, picture_folder)
    before = contents(run)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "load", fail_with(RuntimeError(CPU_MEMORY)))
        end = ended(train(resumed(run)))
    assert end.reason == "failed"
    assert "Out of memory" in end.message
    assert contents(run) == before
    finish(run)
    assert_same_run(run, undisturbed)


def test_a_checkpoint_that_may_not_be_read_is_not_taken_for_damaged(
    open_folder: Path, picture_folder: Path, as_a_person: Callable[[], Any]
) -> None:
    run = stopped_at_11(open_folder, picture_folder)
    for path in (run, *run.rglob("*")):
        path.chmod(0o777)
    state_file(run, 11).chmod(0)
    with as_a_person():
        end = ended(train(resumed(run)))
    assert end.reason == "failed"
    assert "00000011.pt: cannot be read (Permission denied)" in end.message
    assert state_file(run, 11).exists()


# --- the log ---------------------------------------------------------------------------------------------------------


def test_an_error_of_the_disk_is_not_taken_for_damage(
    tmp_path: Path, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stopped_at_11(tmp_path, picture_folder)
    before, opened = contents(run), states.open_regular

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise io_error()

    monkeypatch.setattr(
        states, "open_regular", lambda path: Failing() if "11.pt" in path.name else opened(path), raising=True
    )
    end = ended(train(resumed(run)))
    assert end.reason == "failed"
    assert "00000011.pt: cannot be read (Input/output error)" in end.message
    assert contents(run) == before


def test_checkpoints_that_may_not_be_looked_at_are_not_told_as_missing(
    open_folder: Path, picture_folder: Path, as_a_person: Callable[[], AbstractContextManager[None]]
) -> None:
    run = open_folder / "run"
    train(request(PATTERN, "toy:1010", run))
    (run / "checkpoint").chmod(0)
    with as_a_person(), pytest.raises(FileError, match=r"checkpoint: cannot be read \(Permission denied\)"):
        states.newest(run)
    (run / "checkpoint").chmod(0o700)


def test_a_checkpoint_of_another_version_is_told_as_one(tmp_path: Path, picture_folder: Path) -> None:
    run = stopped_at_11(tmp_path, picture_folder)
    state = torch.load(state_file(run, 11), weights_only=True)
    del state["warmup"]
    torch.save(state, state_file(run, 11))
    before = contents(run)
    end = ended(train(resumed(run)))
    assert end.reason == "failed"
    assert "written by another version of the program ('warmup' is missing)" in end.message
    assert contents(run) == before


def test_a_log_cut_anywhere_is_resumed_with_each_step_in_it_once(
    tmp_path: Path, picture_folder: Path, undisturbed: Path
) -> None:
    """A process died while it wrote a line, or before: of what follows the checkpoint anything may be there."""
    run = stopped_at_11(tmp_path, picture_folder)
    state_file(run, 11).unlink()
    log = run / "log.jsonl"
    whole = log.read_bytes()
    start = len(b"".join(whole.splitlines(keepends=True)[:10]))  # what the checkpoint stands for is there
    for end in range(start, len(whole), 29):
        log.write_bytes(whole[:end])
        resume_and_stop(run)
        assert [line["step"] for line in log_of(run)] == [*range(1, 11)], end
    log.write_bytes(whole[:-40])
    finish(run)
    assert_same_run(run, undisturbed)


# --- killed processes, signals ---------------------------------------------------------------------------------------


@pytest.fixture
def results_of(memory_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """What the helper, a process that forks those that are to be killed, found."""
    monkeypatch.setenv("GANEXPLORER_HOME", str(memory_folder / "home"))

    def call(what: str) -> Any:
        helper = quick_children.Forking().Process(forked.find, (what, memory_folder))
        helper.start()
        try:
            helper.join(400)
            wrong = memory_folder / "wrong.txt"
            assert helper.exitcode == 0, wrong.read_text() if wrong.exists() else "see standard error"
            return json.loads((memory_folder / "found.json").read_text())
        finally:
            helper.kill()

    return call


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_two_hundred_processes_killed_while_they_save_lose_nothing_that_was_saved(
    results_of: Callable[[str], Any],
) -> None:
    """Killed at random moments, and once at each of all calls that change a file. See `forked.killed`."""
    result = results_of("killed")
    assert result["problems"] == []
    assert result["random"] == 200
    assert result["in order"] > 30
    assert result["struck while writing"] > 10
    assert result["steps"] > 5
    assert result["differing"] == []
    assert result["leftovers"] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_is_told_to_end_saves_first_whatever_it_is_doing(results_of: Callable[[str], Any]) -> None:
    """See `forked.told`."""
    results = results_of("told")
    seconds = {name: result["seconds"] for name, result in results.items()}
    del seconds["window killed"]  # nobody waits for it
    assert max(seconds.values()) < 5, seconds
    for name in ("saving", "slow step, told twice", "window killed"):
        assert results[name]["status"] == 0, results[name]
        assert results[name]["step"] == results[name]["snapshot"] >= 1
        assert results[name]["logged"] == [*range(1, results[name]["step"] + 1)]
    assert results["loading"]["status"] == 0
    assert "stopped at step 0" in results["loading"]["said"]
    assert not results["loading"]["is there"]
    full = results["full disk"]
    assert full["status"] == 1
    assert os.strerror(errno.ENOSPC) in full["said"]
    assert "Last snapshot" in full["said"]
    assert full["step"] == 3
    assert full["snapshot"] == 6  # written before the state, for which there was no room


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_the_command_line_ends_with_a_last_checkpoint_when_the_system_terminates_it(memory_folder: Path) -> None:
    run = memory_folder / "run"
    command = [
        sys.executable, "-m", "ganexplorer", "train", "--recipe", "pattern-1010", "--device", "cpu", "--steps",
        "100000000", "--set", "snapshot_every=10000000", "--set", "log_every=1", "--out", str(run),
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            patience = time.monotonic() + 300
            while not ((run / "log.jsonl").exists() and (run / "log.jsonl").stat().st_size):
                assert process.poll() is None
                assert time.monotonic() < patience
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            spent = sum(psutil.Process(process.pid).cpu_times()[:2])
            earlier = os.times()
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    now = os.times()
    # of the processor: on a busy machine it may take longer
    assert now.children_user + now.children_system - earlier.children_user - earlier.children_system - spent < 5
    assert process.returncode == 0
    (snapshot,) = (run / "snapshots").iterdir()
    step = int(snapshot.stem)
    assert said == f"stopped at step {step:,}: {snapshot}\n"
    Checkpoint.load(snapshot)
    assert saved_state(run)["/step"] == step
    assert [line["step"] for line in log_of(run)] == [*range(1, step + 1)]


# --- memory ----------------------------------------------------------------------------------------------------------

CPU_MEMORY = "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"


def fail_with(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        MemoryError(),
        RuntimeError(CPU_MEMORY),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB, max allowed: 9.07 GB)."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=["cuda", "python", "cpu", "mps", "cublas"],
)
def test_out_of_memory_ends_a_run_with_advice_and_it_can_be_resumed(
    tmp_path: Path, picture_folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        events = disturb(
            request(TINY, picture_folder, run), 7,
            lambda: patch.setattr(AdversarialStep, "__call__", fail_with(error)), nothing,
        )  # fmt: skip
    end = ended(events)
    assert (end.reason, end.step) == ("failed", 7)
    assert end.message == "Out of memory. Use a smaller batch_size or image_size, or narrower networks."
    assert end.snapshot == run / "snapshots" / "00000005.safetensors"
    assert not is_being_written(run)
    finish(run)
    assert_same_run(run, undisturbed)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingHost]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads that cannot be started for lack of memory end a process
    with quick_children.forked():
        host = TrainingHost()
    yield host
    host.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits another process's memory")
def test_a_child_that_runs_out_of_memory_gives_it_back_and_trains_on(tmp_path: Path, host: TrainingHost) -> None:
    """A real shortage: what the child may take is limited, and a batch needs more."""
    child = psutil.Process(host.pid)

    def run(name: str, **changes: Any) -> Ended:
        host.start(request(variant(PATTERN, **changes), "toy:1010", tmp_path / name))
        return ended(list(host.events()))

    huge = {"batch_size": 4096, "g_widths": [4096], "d_widths": [4096]}  # 64 MiB a layer
    assert run("first").reason == "finished"
    assert run("second").reason == "finished"  # when it has tidied up after the first
    before = child.memory_info().rss
    _, hard = child.rlimit(psutil.RLIMIT_AS)
    child.rlimit(psutil.RLIMIT_AS, (child.memory_info().vms + 150 * 1024**2, hard))
    end = run("huge", **huge)
    child.rlimit(psutil.RLIMIT_AS, (hard, hard))
    assert (end.reason, end.step) == ("failed", 0)
    assert end.message == "Out of memory. Use a smaller batch_size or image_size, or narrower networks."
    patience = time.monotonic() + 20
    while child.memory_info().rss > before + 30 * 1024**2 and time.monotonic() < patience:
        time.sleep(0.1)
    assert child.memory_info().rss < before + 30 * 1024**2
    assert run("after").reason == "finished"
    assert host.pid == child.pid
