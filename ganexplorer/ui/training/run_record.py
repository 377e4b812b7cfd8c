"""A run folder as the panel shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import fingerprint
from ganexplorer.core.judge import judge_of
from ganexplorer.core.latent import seeded
from ganexplorer.core.render import Pixels, Renderer
from ganexplorer.train import run_log
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Changed, LogEntry, Mark, MarkKind, Scalars, Stepped
from ganexplorer.train.requests import changed, steps_per_epoch
from ganexplorer.train.runs import is_being_written, read_config
from ganexplorer.train.snapshots import Snapshot, snapshots
from ganexplorer.ui.plots.record import Record
from ganexplorer.ui.work.studio import Sight

NETWORKS = {"d": "D only", "g": "G only", "both": "both networks"}


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run of the past, or one that another process is writing."""

    run: Path
    recipe: str
    data: str
    config: TrainConfig  # with all that was changed while it went on
    step: int
    steps_per_epoch: float  # 0: not known
    points: Record
    marks: Sequence[LogEntry]  # of the log, all but the points
    snapshots: list[Snapshot]
    is_live: bool  # another process is training it
    pixels: Pixels | None = field(default=None)  # the fixed samples of `step`, (N, H, W[, 3])


def read_run(run: Path, step: int, renderer: Renderer) -> RunRecord:
    """Read what the panel shows of a run; raises `UserError`. Takes a moment: not for the GUI thread.

    Of a run that another process is writing without the log, which is followed.
    """
    saved, is_live = read_config(run), is_being_written(run)
    entries = [] if is_live else run_log.read_entries(run / "log.jsonl")
    points = Record.of([entry for entry in entries if isinstance(entry, Scalars)])
    marks = [entry for entry in entries if not isinstance(entry, Scalars)]
    return RunRecord(
        run, saved.recipe, saved.data, changed(saved.config, entries), step, steps_per_epoch(entries), points, marks,
        snapshots(run), is_live, fixed_samples(run, renderer),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SnapshotSeen:
    """A snapshot of a run, ready to be looked at."""

    entry: zoo.ModelEntry
    snapshot: Snapshot
    sight: Sight
    pixels: Pixels  # the fixed samples of its run


def snapshot_sight(run: Path, snapshot: Snapshot, device: torch.device) -> SnapshotSeen:
    """Read a snapshot of a run; raises `UserError`."""
    entry = zoo.ModelEntry(run.name, snapshot.networks)
    checkpoint = entry.load()
    renderer = Renderer(checkpoint.generator, device)
    sight = Sight(renderer, judge_of(checkpoint, device), fingerprint(checkpoint.generator))
    return SnapshotSeen(entry, snapshot, sight, fixed_samples(run, renderer))


def fixed_samples(run: Path, renderer: Renderer) -> Pixels:
    """What a generator makes of the fixed z of a run, (N, H, W[, 3]); raises `UserError`."""
    config = read_config(run).config
    prior = renderer.spec.prior
    assert prior is not None  # of every generator
    return renderer.render(seeded(prior, renderer.spec.z_dim, config.seed, config.sample_count))


def newest_runs(folder: Path, limit: int) -> list[Path]:
    """The run folders in a folder that were written to last, newest first."""
    logs = [(log.stat().st_mtime, log.parent) for log in folder.glob("*/log.jsonl") if log.is_file()]
    return [run for _, run in sorted(logs, reverse=True)[:limit]]


def mark_of(entry: LogEntry) -> tuple[int, MarkKind, str] | None:
    """Step, kind and words of the mark that an entry makes on the curves; None for scalars."""
    match entry:
        case Changed(step, settings):
            return step, "changed", ", ".join(f"{name} {value}" for name, value in settings.items())
        case Stepped(step, networks):
            return step, "stepped", f"One step, {NETWORKS[networks]}"
        case Mark(step, kind, text):
            return step, kind, text
    return None
