"""The states of a run: what training goes on from, ``checkpoint/STEP.pt``, of which the newest may be damaged."""

from __future__ import annotations

import contextlib
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import torch

from ganexplorer.core.errors import UserError
from ganexplorer.core.files import FileError, open_regular
from ganexplorer.train.events import Notice
from ganexplorer.train.memory import is_out_of_memory
from ganexplorer.train.snapshots import with_state


class StateError(UserError):
    """There is nothing whole to go on from."""


def state_files(run: Path) -> list[Path]:
    """All states of a run folder, newest first; raises `FileError` where that cannot be known."""
    try:
        files = [run / "checkpoint" / name for name in os.listdir(run / "checkpoint")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FileError(
            f"{run / 'checkpoint'}: cannot be read ({error.strerror or error}). Make it readable."
        ) from None
    return sorted((file for file in files if file.suffix == ".pt" and file.stem.isdigit()), reverse=True)


def newest_step(run: Path) -> int | None:
    """The step that a resumed run goes on from, that of its newest state that is whole; None where there is none."""
    return next((int(file.stem) for file in state_files(run) if _is_whole(file)), None)


def of_step(path: Path, step: int) -> dict[str, Any]:
    """The state of a snapshot to roll back to; nothing has been touched when it cannot be read."""
    file = with_state(path, step).state
    try:
        return _read_state(file)
    except FileError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise StateError(f"{file}: damaged ({error or type(error).__name__}). Roll back to another snapshot.") from None


def newest(path: Path) -> tuple[dict[str, Any], list[Notice]]:
    """The newest state that can be read; damaged ones are renamed and told."""
    notices: list[str] = []
    for file in state_files(path):
        try:
            state = _read_state(file)
        except FileError:  # cannot be read: that says nothing about what it holds
            raise
        except Exception as error:  # what is raised over damaged bytes is of any kind
            if is_out_of_memory(error):
                raise
            notices.append(f"{file}: damaged ({error or type(error).__name__}).")
            with contextlib.suppress(OSError):
                os.replace(file, file.with_name(f"{file.name}.damaged"))
            continue
        step = int(state["step"])
        return state, [Notice(f"{text} Going on from step {step:,}, the one before.") for text in notices]
    if notices:
        raise StateError(f"{' '.join(notices)} No other checkpoint is left: start anew, or fork from a copy.")
    raise StateError(f"{path}: has no checkpoint to resume from. Start it anew in another folder.")


def _read_state(file: Path) -> dict[str, Any]:
    """Raises `FileError` where it cannot be read, anything where it is damaged."""
    data = _read(file)
    _check_sums(data)
    data.seek(0)
    state: dict[str, Any] = torch.load(data, map_location="cpu", weights_only=True)
    if int(state["step"]) != int(file.stem):
        raise ValueError(f"is of step {state['step']}")
    return state


def _is_whole(file: Path) -> bool:
    data = _read(file)
    try:
        _check_sums(data)
    except Exception:  # what is raised over damaged bytes is of any kind
        return False
    return True


def _read(file: Path) -> io.BytesIO:
    """All at once: an error of the disk, or of a share, must not look like damage. Raises `FileError`."""
    try:
        with open_regular(file) as opened:
            return io.BytesIO(opened.read())
    except OSError as error:
        raise FileError(f"{file}: cannot be read ({error.strerror or error}). Try again.") from None


def _check_sums(file: io.BytesIO) -> None:
    """Raises ValueError, or what `zipfile` does: torch does not look at the checksums."""
    with zipfile.ZipFile(file) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"checksum of {damaged}")
