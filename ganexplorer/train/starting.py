"""Requests for runs that begin with another run: going on, doing it again, branching off."""

from __future__ import annotations

from pathlib import Path

from ganexplorer.train.events import TrainRequest
from ganexplorer.train.runs import START_FILE, last_step, read_config, script_of
from ganexplorer.train.snapshots import fork, snapshots


def resumed(run: Path, rollback: int | None = None) -> TrainRequest:
    """Go on with a run as it was, or with what it was at the snapshot of step `rollback`; raises `UserError`."""
    saved = read_config(run)
    return TrainRequest(saved.config, saved.data, run, recipe=saved.recipe, resume=True, rollback=rollback)


def forked(parent: Path, step: int | None, child: Path) -> TrainRequest:
    """Make a new run of a snapshot (None: the newest) of another, and go on with that; raises `UserError`."""
    if step is None:
        step = max((snapshot.step for snapshot in snapshots(parent) if snapshot.has_state), default=0)
    fork(parent, step, child)
    return resumed(child)


def replayed(source: Path, run: Path) -> TrainRequest:
    """Do again in a new run all that the log of another tells, up to where that one is; raises `UserError`."""
    saved = read_config(source)
    start = str(source / START_FILE) if (source / START_FILE).is_file() else ""
    return TrainRequest(
        saved.config, saved.data, run, recipe=saved.recipe, start=start, script=script_of(source),
        until=last_step(source),
    )  # fmt: skip
