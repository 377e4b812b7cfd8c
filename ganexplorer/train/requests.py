"""Requests for runs that begin with another run: going on, doing it again, branching off."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from ganexplorer.core.errors import UserError
from ganexplorer.core.files import read_small
from ganexplorer.train import run_log
from ganexplorer.train.config import ConfigError, TrainConfig
from ganexplorer.train.events import Changed, LogEntry, Scalars, Stepped, TrainRequest
from ganexplorer.train.runs import (
    MAX_CONFIG_BYTES,
    SCRIPT_FILE,
    START_FILE,
    RunError,
    last_step,
    read_config,
    script_of,
)
from ganexplorer.train.snapshots import fork, snapshots, with_state
from ganexplorer.train.states import newest_step, state_files


def resumed(run: Path, rollback: int | None = None) -> TrainRequest:
    """Go on with a run as it was, or with what it was at the snapshot of step `rollback`; raises `UserError`."""
    saved = read_config(run)
    request = TrainRequest(
        saved.config, saved.data, run, recipe=saved.recipe, resume=True, rollback=rollback, threads=saved.threads
    )
    if not saved.until:
        return request
    step = newest_step(run) if rollback is None else rollback
    if step is None or step >= saved.until:  # it has repeated all, and goes on by itself
        return request
    return dataclasses.replace(request, script=still_to_do(script_of(run, SCRIPT_FILE), run, step), until=saved.until)


def still_to_do(script: Sequence[Changed | Stepped], run: Path, step: int) -> tuple[Changed | Stepped, ...]:
    """What of a script is left to do to a run that goes on after `step`; raises `FileError`."""
    logged = run_log.read_entries(run / "log.jsonl")
    count = sum(isinstance(entry, Changed) and entry.step == step for entry in logged)
    now = [entry for entry in script if isinstance(entry, Changed) and entry.step == step]
    return (*now[count:], *(entry for entry in script if entry.step > step))


def forked(parent: Path, step: int | None, child: Path) -> TrainRequest:
    """Make a new run of a snapshot (None: the newest) of another, and go on with that; raises `UserError`."""
    fork(parent, newest_snapshot(parent) if step is None else step, child)
    return resumed(child)


def replayed(source: Path, run: Path) -> TrainRequest:
    """Do again in a new run all that the log of another tells, up to where that one is; raises `UserError`."""
    saved = read_config(source)
    until = last_step(source)
    if until == 0:
        raise RunError(f"{source}: its log tells of no step, so there is nothing to do again. Name another run.")
    start = str(source / START_FILE) if (source / START_FILE).is_file() else ""
    return TrainRequest(
        saved.config, saved.data, run, recipe=saved.recipe, start=start, script=script_of(source), until=until,
        threads=saved.threads,
    )  # fmt: skip


def is_fork_of(child: Path, parent: Path, step: int | None) -> bool:
    """Whether `child` was forked from that snapshot of `parent` (None: from any); nothing is raised."""
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, RecursionError, UserError):
        source = json.loads(read_small(child / "config.json", MAX_CONFIG_BYTES))["parent"]
        return source["run"] == str(parent.resolve()) and step in (None, source["step"])
    return False


def newest_snapshot(run: Path) -> int:
    """The step of the newest snapshot that training can go on from; raises `RunError` where there is none."""
    steps = [snapshot.step for snapshot in snapshots(run) if snapshot.has_state]
    if not steps:
        raise RunError(f"{run}: has no snapshot to go on from yet. Wait for its first one, or name another run.")
    return max(steps)


def refuse_finished(request: TrainRequest, more: str = "") -> None:
    """Raise `RunError` where a request to go on with a run leaves no step to do; nothing is loaded or written.

    Nothing is refused where it is not known yet: the run ends after epochs, and its log does not tell how many steps
    one of them takes. `more` is added to the remedy.
    """
    run, rollback = request.run, request.rollback
    if rollback is not None:
        with_state(run, rollback)
    step = max((int(file.stem) for file in state_files(run)), default=0) if rollback is None else rollback
    entries = [entry for entry in run_log.read_entries(run / "log.jsonl") if entry.step <= step]
    config = read_config(run).config
    saved = config.to_dict()
    asked = {name: value for name, value in request.config.to_dict().items() if value != saved[name]}
    per_epoch = steps_per_epoch(entries)
    config = changed(config, [*entries, Changed(step, {**asked, **request.changes})])
    total = steps_of(config.steps, config.epochs, per_epoch)
    if not total or step < total:
        return
    if rollback is None and newest_step(run) != step:  # damaged: the one before is gone on from
        return
    where = f"{run}" if rollback is None else f"{run} at step {rollback:,}"
    raise RunError(finished(where, step, total, step / per_epoch if per_epoch else 0.0, more))


def changed(config: TrainConfig, entries: Iterable[LogEntry]) -> TrainConfig:
    """What `config` has become by what was changed; an entry that means nothing to this version is passed over."""
    for entry in entries:
        if isinstance(entry, Changed):
            with contextlib.suppress(ConfigError):
                config = config.with_values(entry.settings)
    return config


def steps_of(steps: int, epochs: int, per_epoch: float) -> int:
    """Steps of a run of `per_epoch` steps an epoch, 0: not known; as `beginning.total_steps` counts them."""
    # a share of a step is at least 1 in 10^5, and what rounding leaves below 1 in 10^7
    return steps or math.ceil(epochs * per_epoch - 1e-6)


def finished(where: str, step: int, total: int, epochs: float = 0.0, more: str = "") -> str:
    """What to tell of a run that is to go on after `step`, where `total` is no more; `epochs` 0: not known."""
    done = f"all its {total:,} steps" if step == total else f"{step:,} steps, and only {total:,} are asked for"
    also = f" or --epochs (at least {math.floor(epochs + 1e-6) + 1:,})" if epochs else ""
    return f"{where}: has done {done}. Ask for more with --steps (more than {step:,}){also}{more}."


def steps_per_epoch(entries: Sequence[LogEntry]) -> float:
    """As the log of a run tells; 0 where it does not."""
    for entry in reversed(entries):
        if isinstance(entry, Scalars) and 0 < entry.epoch < math.inf:
            return entry.step / entry.epoch
    return 0.0
