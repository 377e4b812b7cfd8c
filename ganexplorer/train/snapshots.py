"""The snapshots of a run: which there are, which go when their disk space is used up, and branching off from one.

A snapshot is what people look at (``snapshots/STEP.safetensors``), and with it what training needs to go on from there
(``checkpoint/STEP.pt``).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ganexplorer.core.errors import UserError
from ganexplorer.core.files import atomic_write
from ganexplorer.train import run_log
from ganexplorer.train.events import Mark

ABANDONED = "abandoned"  # folder for what a rollback leaves behind


class SnapshotError(UserError):
    """A snapshot that is not there, or a branch that cannot be made."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One of a run's snapshots, by the step after which it was taken."""

    run: Path
    step: int

    @property
    def networks(self) -> Path:
        """The file to look at."""
        return self.run / "snapshots" / f"{self.step:08d}.safetensors"

    @property
    def state(self) -> Path:
        """The file that training goes on from."""
        return self.run / "checkpoint" / f"{self.step:08d}.pt"

    @property
    def has_state(self) -> bool:
        """Whether training can go on from here."""
        return self.state.is_file()

    @property
    def size(self) -> int:
        """In bytes, both files together."""
        return sum(path.stat().st_size for path in (self.networks, self.state) if path.is_file())


def snapshots(run: Path) -> list[Snapshot]:
    """All snapshots of a run folder, oldest first."""
    try:
        names = os.listdir(run / "snapshots")  # not glob: there can be thousands, and the window asks after each save
    except OSError:
        return []
    stems = (stem for stem, _, suffix in (name.partition(".") for name in names) if suffix == "safetensors")
    steps = sorted((int(stem), stem) for stem in stems if stem.isdecimal())
    return [Snapshot(run, step) for step, stem in steps if stem == f"{step:08d}"]


def thin(run: Path, budget: int, keep: Collection[int]) -> list[int]:
    """Remove snapshots until those left take at most `budget` bytes; returns the steps of the removed.

    What a rollback left behind goes first, but for snapshots that were kept. Then, one by one, the snapshot whose
    neighbours are closest together: what is left stays evenly spread. The first, the last two and those of the steps
    in `keep` always stay.
    """
    removed: list[int] = []
    left = snapshots(run)
    total = sum(snapshot.size for snapshot in left)
    branches = sorted(path for path in (run / ABANDONED).glob("*") if path.is_dir() and not path.is_symlink())
    total += sum(_size(branch) for branch in branches)
    for branch in branches:
        if total <= budget:
            break
        total -= _empty(branch)
    while total > budget:
        gaps = [
            (after.step - before.step, number)
            for number, (before, here, after) in enumerate(zip(left, left[1:], left[2:], strict=False), 1)
            if here.step not in keep and number < len(left) - 2
        ]
        if not gaps:
            break
        victim = left.pop(min(gaps)[1])
        total -= victim.size
        victim.state.unlink(missing_ok=True)
        victim.networks.unlink(missing_ok=True)
        removed.append(victim.step)
    return removed


def set_aside(run: Path, step: int) -> Path | None:
    """Move everything later than `step` to a folder of its own in the run; returns it, or None where nothing is later.

    Raises `SnapshotError` where the run has no state of that step. The log is cut last: after a crash in between, the
    same call goes on.
    """
    here = with_state(run, step)
    later = {
        part: [path for path in (run / part).glob("*") if path.stem.isdigit() and int(path.stem) > step]
        for part in ("snapshots", "checkpoint", "samples")
    }
    entries = [entry for entry in run_log.read_entries(run / "log.jsonl") if entry.step > step]
    if not entries and not any(later.values()):
        return None
    aside = _unused(run / ABANDONED / f"after-{step:08d}")
    aside.mkdir(parents=True)
    run_log.write(aside / "log.jsonl", entries)
    shutil.copy2(run / "config.json", aside / "config.json")
    with atomic_write(run / "LATEST") as file:
        file.write(here.networks.name.encode() + b"\n")
    for part, paths in later.items():
        (aside / part).mkdir()
        for path in paths:
            os.replace(path, aside / part / path.name)
    run_log.cut(run / "log.jsonl", step)
    return aside


def fork(parent: Path, step: int, child: Path) -> None:
    """Make `child` a run that has come as far as `parent` had at `step`; the parent stays as it is.

    Raises `SnapshotError` where that snapshot is not there, or `child` is.
    """
    here = with_state(parent, step)
    if child.exists():
        raise SnapshotError(f"{child}: exists already. Name another folder for the new run.")
    staging = child.with_name(f".{child.name}.part")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        for part in ("snapshots", "checkpoint", "samples"):
            (staging / part).mkdir(parents=True)
        data = json.loads((parent / "config.json").read_bytes())
        data["parent"] = {"run": str(parent.resolve()), "step": step}
        data.pop("until", None)  # what else was to be repeated does not bind the fork
        (staging / "config.json").write_bytes(json.dumps(data, indent=2).encode() + b"\n")
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(parent / "start.safetensors", staging / "start.safetensors")
        shutil.copy2(here.networks, staging / "snapshots" / here.networks.name)
        shutil.copy2(here.state, staging / "checkpoint" / here.state.name)
        for sheet in (parent / "samples").glob("*.png"):
            if sheet.stem.isdigit() and int(sheet.stem) <= step:
                shutil.copy2(sheet, staging / "samples" / sheet.name)
        past = [entry for entry in run_log.read_entries(parent / "log.jsonl") if entry.step <= step]
        run_log.write(staging / "log.jsonl", [*past, Mark(step, "forked", f"Forked from {parent.name}")])
        (staging / "LATEST").write_text(f"{here.networks.name}\n")
        os.replace(staging, child)
    except BaseException as error:
        shutil.rmtree(staging, ignore_errors=True)
        if isinstance(error, OSError):
            raise SnapshotError(f"{child}: the fork cannot be written ({error.strerror or error}).") from None
        if isinstance(error, ValueError):
            raise SnapshotError(f"{parent / 'config.json'}: is damaged ({error}).") from None
        raise


def with_state(run: Path, step: int) -> Snapshot:
    """The snapshot of a step that training can go on from; raises `SnapshotError` with those there are."""
    found = [snapshot for snapshot in snapshots(run) if snapshot.has_state]
    for snapshot in found:
        if snapshot.step == step:
            return snapshot
    known = ", ".join(f"{snapshot.step:,}" for snapshot in found) or "none"
    raise SnapshotError(f"{run}: has no snapshot of step {step:,} to go on from. Those it has: {known}.")


def _unused(path: Path) -> Path:
    number, candidate = 2, path
    while candidate.exists():
        candidate = path.with_name(f"{path.name}~{number}")
        number += 1
    return candidate


def _files(folder: Path) -> list[Path]:
    """All files below a folder; links are not followed."""
    return [Path(place) / name for place, _, names in os.walk(folder) for name in names]


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in _files(folder))


def _empty(branch: Path) -> int:
    """Remove what a rollback left behind but for the snapshots that were kept; returns how many bytes that freed."""
    kept: set[int] = set()
    with contextlib.suppress(UserError):
        entries = run_log.read_entries(branch / "log.jsonl")
        kept = {entry.step for entry in entries if isinstance(entry, Mark) and entry.kind == "kept"}
    before = _size(branch)
    if not kept:
        shutil.rmtree(branch, ignore_errors=True)
        return before - _size(branch)
    for path in _files(branch):
        if path.parent != branch and not (path.stem.isdigit() and int(path.stem) in kept):
            path.unlink(missing_ok=True)
    return before - _size(branch)
