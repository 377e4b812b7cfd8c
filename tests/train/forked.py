"""Processes that are to be killed, or told to end, and what they leave: to be called in a process that may be forked.

Importing torch takes seconds; a fork has it.
"""

from __future__ import annotations

import dataclasses
import functools
import gc
import json
import os
import random
import signal
import sys
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from failing_disk import FOR_EVER, FailingDisk
from PIL import Image
from quick_children import forked as forked_children
from tiny_runs import PATTERN, differing, ended, log_of, of, request, saved_state, train, variant

from ganexplorer.cli import main as command_line
from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.train import decoding, folders, run_writer
from ganexplorer.train.events import Command, Ended, Notice, Scalars, SnapshotSaved, Started, Stop, TrainRequest
from ganexplorer.train.host import TrainingHost
from ganexplorer.train.requests import resumed
from ganexplorer.train.runs import Run, is_being_written
from ganexplorer.train.snapshots import snapshots
from ganexplorer.train.steps import AdversarialStep
from ganexplorer.train.trainer import Trainer

KILLS = 200
MOST_IN_ORDER = 300  # calls of one life; more than there are
SECONDS = 0.06  # of saving, at most, before a random death
ENDLESS = 100_000_000  # steps

Tell = Callable[[str], object]


def fork(live: Callable[[Tell], int]) -> tuple[int, int]:
    """A process that does this, and can tell lines; its id and the end of the pipe where they arrive."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, ours
    status = 70
    try:
        os.close(ours)
        status = live(lambda line: os.write(theirs, f"{line}\n".encode()))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def rest(pipe: int) -> list[str]:
    """All lines that were told until the other end was closed."""
    with os.fdopen(pipe) as file:
        return file.read().splitlines()


def wait_for_word(pipe: int) -> None:
    """Until the first byte has come, or the other end is closed."""
    os.read(pipe, 1)


def resume_and_stop(run: Path) -> tuple[int, list[str]]:
    """Resume a run and stop it before its next step; from which step it would have gone on, and what it told."""
    commands: list[Command] = []
    events = []
    asked = dataclasses.replace(resumed(run), device="cpu")
    for event in Trainer(asked, lambda _: commands.pop() if commands else None).run():
        events.append(event)
        if isinstance(event, Started):
            commands.append(Stop())
    assert ended(events).reason == "stopped", ended(events).message
    return of(Started, events)[0].first_step, [notice.text for notice in of(Notice, events)]


# --- killed ----------------------------------------------------------------------------------------------------------


def killed(folder: Path) -> dict[str, Any]:
    """Kill one process after the other that goes on with the same run; each time look at what is left."""
    # a death does not touch what the system has in hand
    os.fsync = lambda _: time.sleep(0.001)  # type: ignore[assignment]
    run_writer.GIGABYTE = 10**8  # nine snapshots or so are kept: thinning is interrupted, too
    config = variant(PATTERN, steps=ENDLESS, snapshot_every=1, sample_every=1, keep_gb=0.001)
    asked = request(config, "toy:1010", folder / "run")
    run = asked.run
    train(dataclasses.replace(asked, until=2))
    problems: list[str] = []
    saved, saves, struck, in_order = 2, 0, 0, 0

    def look(pid: int, pipe: int, number: int) -> None:
        nonlocal saved, saves, struck
        os.waitpid(pid, 0)
        told = rest(pipe)
        steps = [int(line.partition(" ")[2]) for line in told if line.startswith("saved ")]
        saved, saves, struck = max([saved, *steps]), len(steps), struck + _has_part(run)
        problems.extend(_problems(run, saved, told, is_thorough=number % 10 == 0))

    for number in range(MOST_IN_ORDER):  # at each call that changes a file, from resuming to the second save
        pid, pipe = fork(functools.partial(_train, asked, dies_at=number + 1))
        look(pid, pipe, number)
        in_order += 1
        if saves > 1:
            break
    dice = random.Random(0)
    for number in range(KILLS):
        pid, pipe = fork(functools.partial(_train, asked))
        wait_for_word(pipe)
        time.sleep(dice.uniform(0, SECONDS))
        os.kill(pid, signal.SIGKILL)
        look(pid, pipe, number)
    steps = _newest(run) + 3
    train(dataclasses.replace(asked, resume=True, until=steps))
    plain = dataclasses.replace(asked, config=variant(config, snapshot_every=ENDLESS // 10), run=folder / "plain")
    train(dataclasses.replace(plain, until=steps))
    problems += [] if log_of(run) == log_of(plain.run) else ["the log is not that of a run never killed"]
    return {
        "problems": problems, "random": KILLS, "in order": in_order, "struck while writing": struck, "steps": steps,
        "differing": differing(saved_state(run), saved_state(plain.run)),
        "leftovers": [path.name for path in run.rglob("*.part")],
    }  # fmt: skip


def _train(asked: TrainRequest, tell: Tell, dies_at: int = 0) -> int:
    """Go on with the run; `dies_at`: be killed at the call of this number that touches a file of it."""
    if dies_at:
        _die_at(dies_at, asked.run)
    for event in Trainer(dataclasses.replace(asked, resume=True), lambda _: None).run():
        match event:
            case Started():
                tell("started")
            case SnapshotSaved(step, _):
                tell(f"saved {step}")
            case Ended():
                tell(f"ended: {event.message}")
    return 0


def _die_at(number: int, run: Path) -> None:
    left = number

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("open", "os.rename", "os.remove", "os.truncate") and str(run) in str(arguments[0]):
            count()

    sys.addaudithook(hear)
    os.fsync = count  # type: ignore[assignment]


def _has_part(run: Path) -> bool:
    return any(run.rglob("*.part"))


def _newest(run: Path) -> int:
    return max(int(path.stem) for path in (run / "checkpoint").glob("*.pt"))


def _problems(run: Path, saved: int, told: list[str], is_thorough: bool) -> list[str]:
    """What is wrong with a run whose last process was killed when it had told that step `saved` is saved."""
    found = [line for line in told if line.startswith("ended")]
    if is_being_written(run):
        found.append("the lock is still held")
    step = _newest(run)
    if step < saved:
        found.append(f"step {saved} was told to be saved; the newest state is of {step}")
    if zoo.resolve(str(run), roots=()).load().card["step"] < step:
        found.append("LATEST is older than the state")
    for file in sorted((run / "checkpoint").glob("*.pt"), reverse=True)[: None if is_thorough else 1]:
        with zipfile.ZipFile(file) as archive:
            if archive.testzip() is not None or torch.load(file, weights_only=True)["step"] != int(file.stem):
                found.append(f"{file.name} is damaged")
    for snapshot in snapshots(run) if is_thorough else []:
        if Checkpoint.load(snapshot.networks).card["step"] != snapshot.step:
            found.append(f"{snapshot.networks.name} is damaged")
    for sheet in sorted((run / "samples").glob("*.png"))[0 if is_thorough else -1 :]:
        with Image.open(sheet) as image:
            image.load()
    whole, _, cut = (run / "log.jsonl").read_text().rpartition("\n")
    logged = [json.loads(line) for line in whole.splitlines()]
    if "\n" in cut or len({entry["step"] for entry in logged if "event" not in entry}) < step:
        found.append("the log lacks a step")
    if is_thorough:
        first, notices = resume_and_stop(run)
        if (first, notices) != (step, []):
            found.append(f"resumes from {first} instead of {step}: {notices}")
        if [line["step"] for line in log_of(run)] != [*range(1, step + 1)]:
            found.append("after resuming, the log has not each step once")
        if _has_part(run):
            found.append("after resuming, there are unfinished files")
    return [f"after step {step}: {line}" for line in found]


# --- told to end -----------------------------------------------------------------------------------------------------


def told(folder: Path) -> dict[str, Any]:
    """Send signals to a command line in the middle of this and that."""
    pictures = folder / "pictures"
    pictures.mkdir()
    for number in range(64):
        Image.new("L", (8, 8), number).save(pictures / f"{number}.png")
    cases: dict[str, tuple[str, Callable[[Tell], None], tuple[signal.Signals, ...]]] = {
        "saving": ("toy:1010", functools.partial(_slow_flushes, folder / "saving"), (signal.SIGTERM,)),
        "loading": (f"folder:{pictures}", _slow_pictures, (signal.SIGTERM,)),
        "full disk": ("toy:1010", _full_disk, (signal.SIGINT,)),
        "slow step, told twice": ("toy:1010", _slow_steps, (signal.SIGINT, signal.SIGINT)),
    }
    return {
        name: _tell_one(folder / name, data, prepare, signals) for name, (data, prepare, signals) in cases.items()
    } | {"window killed": _kill_a_window(folder / "window")}


def _tell_one(
    run: Path, data: str, prepare: Callable[[Tell], None], signals: tuple[signal.Signals, ...]
) -> dict[str, Any]:
    words = [
        "train", "--recipe", "pattern-1010", "--data", data, "--device", "cpu", "--steps", str(ENDLESS), "--set",
        "snapshot_every=3", "--set", "log_every=1", "--out", str(run),
    ]  # fmt: skip
    said = run.with_suffix(".txt")

    def live(tell: Tell) -> int:
        with said.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        prepare(tell)
        return command_line(words)

    pid, pipe = fork(live)
    wait_for_word(pipe)
    for number, each in enumerate(signals):
        time.sleep(0.2 if number else 0.05)
        os.kill(pid, each)
    start = time.monotonic()
    _, status = os.waitpid(pid, 0)
    seconds = time.monotonic() - start
    os.close(pipe)
    return {"status": os.waitstatus_to_exitcode(status), "seconds": seconds, "said": said.read_text()} | _left(run)


def _left(run: Path) -> dict[str, Any]:
    """What a run folder holds."""
    if not run.exists():
        return {"is there": False}
    snapshot = zoo.resolve(str(run)).load().card["step"]
    step, _ = resume_and_stop(run)
    return {"is there": True, "step": step, "snapshot": snapshot, "logged": [line["step"] for line in log_of(run)]}


def _slow_flushes(run: Path, tell: Tell) -> None:
    """The word comes in the middle of the first save."""

    def flush(_: int) -> None:
        if any(run.glob("snapshots/.*.part")):
            tell("")
        time.sleep(0.1)

    os.fsync = flush  # type: ignore[assignment]


def _slow_pictures(tell: Tell) -> None:
    decode = decoding.decode

    def slow(*arguments: Any) -> Any:
        tell("")
        time.sleep(0.2)
        return decode(*arguments)

    folders.decode = slow  # type: ignore[assignment, attr-defined]


def _full_disk(tell: Tell) -> None:
    """No room from the second checkpoint on."""
    disk, patch = FailingDisk("checkpoint"), pytest.MonkeyPatch()
    disk.install(patch)
    save, error = Run.save_state, disk.error

    def save_state(run: Run, state: dict[str, Any]) -> None:
        disk.failures = 0 if state["step"] == 3 else FOR_EVER
        save(run, state)

    def tell_error() -> BaseException:
        tell("")
        return error()

    disk.error = tell_error
    Run.save_state = save_state  # type: ignore[method-assign, assignment]


def _slow_steps(tell: Tell) -> None:
    take = AdversarialStep.__call__

    def slow(self: AdversarialStep, number: int, *arguments: Any) -> Any:
        if number > 1:
            tell("")
            time.sleep(1)
        return take(self, number, *arguments)

    AdversarialStep.__call__ = slow  # type: ignore[method-assign, assignment]


def _kill_a_window(run: Path) -> dict[str, Any]:
    """The process that follows a run dies; the one that trains is to save and leave."""

    def live(tell: Tell) -> int:
        with forked_children():
            host = TrainingHost()
        host.start(request(variant(PATTERN, steps=ENDLESS, snapshot_every=10**7), "toy:1010", run))
        for event in host.events():
            if isinstance(event, Scalars) and event.step == 5:
                tell(str(host.pid))
        return 1

    pid, pipe = fork(live)
    child = psutil.Process(int(os.read(pipe, 20)))
    os.kill(pid, signal.SIGKILL)
    start = time.monotonic()
    os.waitpid(pid, 0)
    os.close(pipe)
    while _is_alive(child) and time.monotonic() < start + 60:
        time.sleep(0.02)
    return {"status": int(_is_alive(child)), "seconds": time.monotonic() - start} | _left(run)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def find(what: str, folder: Path) -> None:
    """Write what `killed` or `told` found to FOLDER/found.json, or what went wrong in them to FOLDER/wrong.txt."""
    torch.optim.SGD([torch.zeros(1)], lr=0.0)  # the first one brings more imports along
    gc.collect()
    gc.freeze()  # what is not looked at need not be copied by each fork
    try:
        found = {"killed": killed, "told": told}[what](folder)
        (folder / "found.json").write_text(json.dumps(found))
    except BaseException:
        (folder / "wrong.txt").write_text(traceback.format_exc())
        raise
