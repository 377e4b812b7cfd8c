"""The run folder: ``config.json log.jsonl samples/ snapshots/ checkpoint/ LATEST``.

All of a run is in its folder. Every file but the log is written atomically; the log only grows.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import math
import pickle
from pathlib import Path
from typing import Any, Self

import torch

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError
from ganexplorer.core.files import FileError, atomic_write, read_small
from ganexplorer.core.media import save_png, sheet
from ganexplorer.core.render import Pixels
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Scalars, TrainRequest

MAX_CONFIG_BYTES = 1024**2
MAX_LOG_BYTES = 256 * 1024**2
PARTS = ("samples", "snapshots", "checkpoint")
# a resumed run may go on for longer, or log at other intervals, and is still the same run
FREE_TO_CHANGE = {"epochs", "steps", "log_every", "sample_every", "sample_count", "snapshot_every"}


class RunError(UserError):
    """A run folder that cannot be created, or resumed, as asked."""


class Run:
    """An open run folder; created by `create`, or reopened by `resume`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = (path / "log.jsonl").open("a", encoding="utf-8")

    @classmethod
    def create(cls, request: TrainRequest) -> Self:
        """A new folder; raises `RunError` where there is a run already."""
        path = request.run
        refuse_existing(path)
        try:
            for part in PARTS:
                (path / part).mkdir(parents=True, exist_ok=True)
            data = {"recipe": request.recipe, "data": request.data, "config": request.config.to_dict()}
            with atomic_write(path / "config.json") as file:
                file.write(json.dumps(data, indent=2).encode() + b"\n")
            return cls(path)
        except OSError as error:
            raise RunError(f"{path}: cannot be created ({error.strerror or error}). Name another folder.") from None

    @classmethod
    def resume(cls, request: TrainRequest) -> tuple[Self, dict[str, Any]]:
        """The folder and the state that `save_state` left; raises `RunError` with the differences in configuration."""
        path = request.run
        saved = read_config(path)
        changes = [
            line for line in saved.config.differences(request.config) if line.partition(":")[0] not in FREE_TO_CHANGE
        ]
        if saved.data != request.data:
            changes.append(f"data: {saved.data} -> {request.data}")
        if changes:
            raise RunError(f"{path}: was started with another configuration: {'; '.join(changes)}.")
        state_path = path / "checkpoint" / "state.pt"
        try:
            state = torch.load(state_path, map_location="cpu", weights_only=True)
            step = int(state["step"])
        except FileNotFoundError:
            raise RunError(f"{path}: has no checkpoint to resume from. Start it anew in another folder.") from None
        except (OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError) as error:
            raise RunError(f"{state_path}: damaged ({error}).") from None
        _cut_log(path / "log.jsonl", step)
        return cls(path), state

    def log(self, scalars: Scalars) -> None:
        """Append one line; a crash of the program loses none that were logged."""
        self._log.write(_line(scalars))
        self._log.flush()

    def save_sheet(self, step: int, pixels: Pixels) -> Path:
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
        """Write what `resume` needs: tensors, numbers, strings, in lists and dicts."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        with atomic_write(self.path / "checkpoint" / "state.pt") as file:
            file.write(buffer.getbuffer())

    def close(self) -> None:
        """Close the log. A folder in which nothing was logged or saved is taken away again."""
        # what cannot be written or is gone has been told, or will be; `Ended` must follow
        with contextlib.suppress(OSError):
            self._log.close()
        with contextlib.suppress(OSError):
            self._remove_if_empty()

    def _remove_if_empty(self) -> None:
        folders = [self.path / part for part in PARTS]
        log = self.path / "log.jsonl"
        if log.stat().st_size == 0 and not any(any(folder.iterdir()) for folder in folders):
            log.unlink()
            (self.path / "config.json").unlink(missing_ok=True)
            for folder in [*folders, self.path]:
                with contextlib.suppress(OSError):  # something else is in there: it stays
                    folder.rmdir()


def refuse_existing(path: Path) -> None:
    """Raise `RunError` where there is a run already."""
    if (path / "config.json").exists():
        raise RunError(f"{path}: holds a run already. Resume it (--resume) or name another folder.")


@dataclasses.dataclass(frozen=True, slots=True)
class SavedConfig:
    recipe: str
    data: str
    config: TrainConfig


def read_config(path: Path) -> SavedConfig:
    """What a run folder was started with; raises `RunError`."""
    try:
        if not (path / "config.json").exists():
            raise RunError(f"{path}: is no run folder (it has no config.json).")
        data = json.loads(read_small(path / "config.json", MAX_CONFIG_BYTES))
        return SavedConfig(data["recipe"], data["data"], TrainConfig.from_dict(data["config"]))
    except FileError as error:
        raise RunError(str(error)) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path / 'config.json'}: cannot be read ({error}).") from None


def read_log(path: Path) -> list[Scalars]:
    """The logged scalars of a run folder, oldest first; a line cut short by a crash is left out."""
    scalars = []
    for line in read_small(path / "log.jsonl", MAX_LOG_BYTES).decode(errors="replace").splitlines():
        try:
            values: dict[str, Any] = {k: math.nan if v is None else v for k, v in json.loads(line).items()}
            scalars.append(Scalars(**values))
        except (ValueError, TypeError, AttributeError, RecursionError):
            continue
    return scalars


def folder_of(snapshot: Path) -> Path | None:
    """The run folder that a snapshot belongs to; None for any other file."""
    run = snapshot.parent.parent
    return run if snapshot.parent.name == "snapshots" and (run / "config.json").is_file() else None


def _cut_log(path: Path, step: int) -> None:
    """Forget what was logged after the step that a run resumes from; it will be logged again."""
    kept = [scalars for scalars in read_log(path.parent) if scalars.step <= step] if path.exists() else []
    with atomic_write(path) as file:
        file.write("".join(_line(scalars) for scalars in kept).encode())


def _line(scalars: Scalars) -> str:
    # JSON knows no NaN and no infinity
    values = {k: v if math.isfinite(v) else None for k, v in dataclasses.asdict(scalars).items()}
    return json.dumps(values) + "\n"
