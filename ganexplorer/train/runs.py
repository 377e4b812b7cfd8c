"""The run folder: ``config.json log.jsonl samples/ snapshots/ checkpoint/ LATEST``.

Of a fine-tuning also ``start.safetensors``, of a run that repeats another ``replay.jsonl``.

All of a run is in its folder. Every file but the log is written atomically; the log only grows.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import time
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any, Self

import torch

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError
from ganexplorer.core.files import FileError, atomic_write, read_small
from ganexplorer.core.media import save_png, sheet
from ganexplorer.core.render import Pixels
from ganexplorer.train import run_log
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Changed, LogEntry, Notice, Scalars, Stepped, TrainRequest
from ganexplorer.train.run_log import LogWriter
from ganexplorer.train.snapshots import set_aside, thin
from ganexplorer.train.states import newest, of_step, state_files

MAX_CONFIG_BYTES = 1024**2
PARTS = ("samples", "snapshots", "checkpoint")
START_FILE = "start.safetensors"  # the model that a fine-tuning began with
SCRIPT_FILE = "replay.jsonl"  # what is done to a run because it was done to another
LOCK_SECONDS = 0.2  # who looks whether a run is being written holds its lock for a moment
# a resumed run may go on for longer, or log at other intervals, and is still the same run
FREE_TO_CHANGE = {"epochs", "steps", "log_every", "sample_every", "snapshot_every", "keep_gb"}


class RunError(UserError):
    """A run folder that cannot be created, or resumed, as asked."""


@dataclasses.dataclass(frozen=True, slots=True)
class Past:
    """What a resumed run goes on from."""

    config: TrainConfig  # with all that was changed while the run went on
    overridden: dict[str, Any]  # what the request says otherwise, as far as it may
    state: dict[str, Any]  # of `Run.save_state`
    entries: list[LogEntry]  # of the log so far
    notices: list[Notice]  # what a person should know about it

    @property
    def step(self) -> int:
        """The step after which it goes on."""
        return int(self.state["step"])


class Run:
    """An open run folder, which no other process writes meanwhile; created by `create`, or reopened by `resume`."""

    def __init__(self, path: Path, lock: IO[bytes]) -> None:
        self.path = path
        self._lock = lock
        try:
            self._log = LogWriter(path / "log.jsonl")
        except OSError:
            lock.close()
            raise

    @classmethod
    def create(cls, request: TrainRequest, start: Checkpoint | None = None) -> Self:
        """A new folder; raises `RunError` where there is a run already. `start` is kept in it."""
        path = request.run
        refuse_existing(path)
        try:
            for part in PARTS:
                (path / part).mkdir(parents=True, exist_ok=True)
            if start is not None:
                start.save(path / START_FILE)
            data: dict[str, Any] = {"recipe": request.recipe, "data": request.data, "config": request.config.to_dict()}
            data["threads"] = request.threads
            if request.start:
                data["start"] = request.start
            if request.until:
                data["until"] = request.until
                run_log.write(path / SCRIPT_FILE, request.script)
            with atomic_write(path / "config.json") as file:
                file.write(json.dumps(data, indent=2).encode() + b"\n")
            return cls(path, _locked(path))
        except OSError as error:
            _remove_unused(path)
            raise RunError(f"{path}: cannot be created ({error.strerror or error}). Name another folder.") from None

    @classmethod
    def resume(cls, request: TrainRequest) -> tuple[Self, Past]:
        """The folder and what it goes on from: its newest complete checkpoint, or the one to roll back to.

        Raises `RunError` with the differences in configuration, where there is nothing to go on from, or where another
        process writes the run.
        """
        path = request.run
        saved = read_config(path)
        changes = [
            line for line in saved.config.differences(request.config) if line.partition(":")[0] not in FREE_TO_CHANGE
        ]
        if saved.data != request.data:
            changes.append(f"data: {saved.data} -> {request.data}")
        if changes:
            raise RunError(
                f"{path}: was started with another configuration: {'; '.join(changes)}. Leave that out, or branch off "
                f"with --fork {path}, where --set changes what may change while a run goes on."
            )
        lock = _locked(path)
        try:
            _sweep(path)
            _refuse_links(path)
            if request.rollback is None:
                state, notices = newest(path)
            else:
                state, notices = of_step(path, request.rollback), []
            step = int(state["step"])
            logged = run_log.read_entries(path / "log.jsonl")
            entries = [entry for entry in logged if entry.step <= step]
            if request.rollback is None:
                notices += _lost([entry for entry in logged if entry.step > step], step)
            config, overridden = _config_now(saved.config, request.config, entries)
            return cls(path, lock), Past(config, overridden, state, entries, notices)
        except OSError as error:
            lock.close()
            raise RunError(f"{error.filename or path}: cannot be written ({error.strerror or error}).") from None
        except BaseException:
            lock.close()
            raise

    def go_back(self, step: int, is_rollback: bool) -> None:
        """Forget what was logged after `step`, which will be logged again; a rollback sets all that is later aside."""
        self._log.close()
        try:
            if is_rollback:
                set_aside(self.path, step)
            else:
                run_log.cut(self.path / "log.jsonl", step)
        finally:
            self._log = LogWriter(self.path / "log.jsonl")

    def log(self, entry: LogEntry) -> None:
        """Append one line; a crash of the program loses none that were logged."""
        self._log.append(entry)

    def save_sheet(self, step: int, pixels: Pixels) -> Path:
        """Write the fixed samples as a sheet."""
        path = self.path / "samples" / f"{step:08d}.png"
        save_png(path, sheet(pixels))
        return path

    def save_snapshot(self, step: int, checkpoint: Checkpoint) -> Path:
        """Write a snapshot of both networks, then point LATEST at it."""
        path = self.path / "snapshots" / f"{step:08d}.safetensors"
        checkpoint.save(path)
        with atomic_write(self.path / "LATEST") as file:
            file.write(path.name.encode() + b"\n")
        return path

    def save_state(self, state: dict[str, Any]) -> None:
        """Write what `resume` needs: tensors, numbers, strings, in lists and dicts, and the ``step``."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        with atomic_write(self.path / "checkpoint" / f"{state['step']:08d}.pt") as file:
            file.write(buffer.getbuffer())

    def thin(self, budget: int, keep: Collection[int]) -> list[int]:
        """See `snapshots.thin`."""
        return thin(self.path, budget, keep)

    def close(self) -> None:
        """Close the log. A folder in which nothing was logged or saved is taken away again."""
        # what cannot be written or is gone has been told, or will be; `Ended` must follow
        with contextlib.suppress(OSError):
            self._log.close()
        with contextlib.suppress(OSError):
            if (self.path / "log.jsonl").stat().st_size == 0:
                _remove_unused(self.path)
        self._lock.close()


def _remove_unused(path: Path) -> None:
    """Take away the folder of a run of which nothing was saved; what else is in there stays."""
    folders = [path / part for part in PARTS]
    with contextlib.suppress(OSError):
        if any(any(folder.iterdir()) for folder in folders if folder.is_dir()):
            return
        for name in ("config.json", START_FILE, SCRIPT_FILE):
            (path / name).unlink(missing_ok=True)
        if (path / "log.jsonl").stat().st_size == 0:
            (path / "log.jsonl").unlink()
    for folder in [*folders, path]:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _sweep(path: Path) -> None:
    """Take away the unfinished files of a process that was killed while it wrote."""
    for folder in (path, *(path / part for part in PARTS)):
        for file in folder.glob(".*.part"):
            file.unlink(missing_ok=True)


def refuse_existing(path: Path) -> None:
    """Raise `RunError` where there is a run already, or a file."""
    if path.is_file():
        raise RunError(f"{path}: is a file. Name a folder for the run, which need not be there yet.")
    if (path / "config.json").exists():
        raise RunError(f"{path}: holds a run already. Resume it (--resume) or name another folder.")


def is_being_written(path: Path) -> bool:
    """Whether a process, this one perhaps, has the run open for training."""
    try:
        with (path / "config.json").open("rb") as file:
            return not _lock(file, is_shared=True)
    except OSError:
        return False


@dataclasses.dataclass(frozen=True, slots=True)
class SavedConfig:
    """What a run was started with."""

    recipe: str
    data: str
    config: TrainConfig
    start: str = ""  # the model that a fine-tuning began with, as it was named then
    until: int = 0  # where a run that repeats another ends; 0: it repeats none
    threads: int = 0  # of the CPU; 0: not known


def read_config(path: Path) -> SavedConfig:
    """What a run folder was started with; raises `RunError`."""
    try:
        if not (path / "config.json").exists():
            raise RunError(f"{path}: is no run folder (it has no config.json). Name a folder that was given to --out.")
        data = json.loads(read_small(path / "config.json", MAX_CONFIG_BYTES))
        config = TrainConfig.from_dict(data["config"])
        start, until, threads = str(data.get("start", "")), int(data.get("until", 0)), int(data.get("threads", 0))
        return SavedConfig(data["recipe"], data["data"], config, start, until, max(0, threads))
    except FileError as error:
        raise RunError(str(error)) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path / 'config.json'}: cannot be read ({error}).") from None


def read_log(path: Path) -> list[Scalars]:
    """The logged scalars of a run folder, oldest first; a line cut short by a crash is left out."""
    return [entry for entry in run_log.read_entries(path / "log.jsonl") if isinstance(entry, Scalars)]


def script_of(path: Path, name: str = "log.jsonl") -> tuple[Changed | Stepped, ...]:
    """What was done to a run by hand, to do it again to another, or what is to be done; raises `FileError`."""
    entries = run_log.read_entries(path / name)
    return tuple(entry for entry in entries if isinstance(entry, Changed | Stepped))


def last_step(path: Path) -> int:
    """The last step that a run's log or snapshots know of."""
    steps = [entry.step for entry in run_log.read_entries(path / "log.jsonl")]
    steps += [int(file.stem) for file in state_files(path)]
    return max(steps, default=0)


def folder_of(snapshot: Path) -> Path | None:
    """The run folder that a snapshot belongs to; None for any other file."""
    run = snapshot.parent.parent
    return run if snapshot.parent.name == "snapshots" and (run / "config.json").is_file() else None


def _config_now(saved: TrainConfig, asked: TrainConfig, entries: list[LogEntry]) -> tuple[TrainConfig, dict[str, Any]]:
    """The configuration that a run goes on with, and what of it differs from what it had come to."""
    values, base = asked.to_dict(), saved.to_dict()
    overridden = {name for name in values if values[name] != base[name]}
    now = saved
    for entry in entries:
        if isinstance(entry, Changed):
            now = now.with_values(entry.settings)
    before = now.to_dict()
    changes = {name: values[name] for name in sorted(overridden) if values[name] != before[name]}
    return now.with_values(changes), changes


def _lost(entries: list[LogEntry], step: int) -> list[Notice]:
    """What a person did after the last checkpoint, and a crash undid."""
    changes = [
        f"{name} {value}" for entry in entries if isinstance(entry, Changed) for name, value in entry.settings.items()
    ]
    if not changes:
        return []
    return [Notice(f"Changed after step {step:,}, where the run goes on, and so undone: {', '.join(changes)}.")]


def _refuse_links(path: Path) -> None:
    for part in PARTS:
        if (path / part).is_symlink():
            raise RunError(f"{path / part}: is a link. A run is written into its own folder only: put a folder there.")


def _locked(path: Path) -> IO[bytes]:
    """The run's configuration, open and locked; raises `RunError` where another process, or run, has it."""
    file = (path / "config.json").open("rb")
    until = time.monotonic() + LOCK_SECONDS
    while not _lock(file, is_shared=False):
        if time.monotonic() > until:
            file.close()
            raise RunError(f"{path}: is being trained by another process. Stop that first.")
        time.sleep(LOCK_SECONDS / 20)
    return file


def _lock(file: IO[bytes], is_shared: bool) -> bool:
    """Lock a file until it is closed, or else return False; True where there are no locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True
