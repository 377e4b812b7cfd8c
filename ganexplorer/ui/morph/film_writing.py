"""The morph as a film on disk: what is to be written, and the thread that writes it.

What is written is what ``ganexplorer interpolate`` writes for the same keys and settings, byte for byte.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from PySide6.QtCore import QObject, QThread, Signal
from torch import Tensor

from ganexplorer.core import zoo
from ganexplorer.core.errors import UserError
from ganexplorer.core.film import Progress, film_latents, is_sequence, write_film
from ganexplorer.core.media import Origin, save_npy
from ganexplorer.core.paths import LatentPath
from ganexplorer.core.render import Renderer
from ganexplorer.ui.work.studio import Sight
from ganexplorer.ui.work.workers import STACK_BYTES

MAX_FRAMES = 2000  # one way
PROGRESS_SECONDS = 0.03  # between two news of progress
NUMBERS = "-%04d"  # in the names of a sequence

# name, suffix, most frames a second (0: it has no speed)
FORMATS = {
    "GIF": (".gif", 50),
    "MP4": (".mp4", 240),
    "PNG, one sheet": (".png", 0),
    "PNG, one a frame": (".png", 0),
}
SEQUENCE = "PNG, one a frame"


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A model that was read from a file."""

    entry: zoo.ModelEntry
    sight: Sight


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A film to be written.

    Attributes
    ----------
    model, fingerprint
        For the metadata of PNGs, as in `Origin`.
    frames
        One way.
    keys_file
        Where the key latents go, (N, z_dim); None: nowhere.
    """

    path: LatentPath
    renderer: Renderer
    model: str
    fingerprint: str
    out: Path
    frames: int = 60
    fps: int = 30
    reach: float = 0.0
    ping_pong: bool = False
    even: bool = False
    keys_file: Path | None = None

    @property
    def count(self) -> int:
        """Frames in all."""
        return 2 * self.frames - 2 if self.ping_pong else self.frames


class Cancelled(Exception):
    """A person does not want the film any more."""


def write(film: Film, progress: Progress, is_cancelled: threading.Event) -> None:
    """Write a film, and its keys when it is there; after an exception neither is there.

    Raises
    ------
    UserError
        As `film_latents`, `write_film` and `save_npy` do.
    Cancelled
        Once `is_cancelled` is set.
    """

    def images(z: Tensor) -> Tensor:
        if is_cancelled.is_set():
            raise Cancelled
        return film.renderer.images(z)

    def on_frame(done: int, total: int) -> None:
        if is_cancelled.is_set():
            raise Cancelled
        progress(done, total)

    z = film_latents(film.path, film.frames, film.reach, film.ping_pong, images if film.even else None)
    write_film(film.out, film.renderer, z, film.fps, Origin(film.model, z, film.fingerprint), on_frame)
    if film.keys_file is not None:
        save_npy(film.keys_file, torch.stack(film.path.keys))


def command_line(film: Film, model: str) -> str:
    """What writes the same film in a terminal, `model` being MODEL there."""
    words = ["ganexplorer", "interpolate", model, "--z", str(film.keys_file or keys_path(film.out))]
    words += ["--mode", film.path.mode]
    for flag, is_on in (
        ("--spline", film.path.spline),
        ("--even", film.even),
        ("--loop", film.path.loop),
        ("--ping-pong", film.ping_pong),
    ):
        words += [flag] if is_on else []
    words += ["--extrapolate", f"{film.reach:g}"] if film.reach else []
    words += ["--frames", str(film.frames), "--fps", str(film.fps)]
    words += ["--device", film.renderer.device.type] if film.renderer.device.type != "cpu" else []
    words += ["-o", str(film.out)]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def model_argument(entry: zoo.ModelEntry) -> str:
    """MODEL of the command line for an entry: its name where that is enough, else a path."""
    folder = entry.path.parent
    for text in (entry.name, str(folder), str(folder.parent)):  # a name, a model folder, a run folder
        try:
            found = zoo.resolve(text)
        except UserError:
            continue
        if (found.name, os.path.abspath(found.path)) == (entry.name, os.path.abspath(entry.path)):
            return text
    return str(entry.path)


def keys_path(out: Path) -> Path:
    """Where the key latents of a film go: beside it."""
    stem = out.stem.replace(NUMBERS, "") if is_sequence(out) else out.stem
    return out.with_name(f"{stem}-keys.npy")


def fitted_path(text: str, kind: str) -> Path:
    """The file for a name that a person typed or chose: with the suffix of the format, numbers for a sequence."""
    try:
        path = Path(os.path.abspath(Path(text.strip()).expanduser()))
    except RuntimeError:  # no such user
        path = Path(os.path.abspath(text))
    if not text.strip() or not path.name or path.is_dir():
        path = path / "morph"
    if path.suffix.lower() in {suffix for suffix, _ in FORMATS.values()}:
        path = path.with_suffix("")
    path = path.with_name(path.name + FORMATS[kind][0])
    if kind == SEQUENCE and not is_sequence(path):
        path = path.with_name(f"{path.stem}{NUMBERS}.png")
    elif kind != SEQUENCE:
        path = path.with_name(path.name.replace(NUMBERS, ""))
        if is_sequence(path):
            path = path.with_name(path.name.replace("%", ""))
    return path


class FilmThread(QThread):
    """Writes one film. How it went is in `error` and `was_cancelled` once it has finished."""

    progressed = Signal(int, int)  # frames done, frames in all; some of them only

    def __init__(self, film: Film, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setStackSize(STACK_BYTES)
        self.film = film
        self.error: Exception | None = None
        self.was_cancelled = False
        self._is_cancelled = threading.Event()
        self._told = 0.0
        self._done = 0

    def cancel(self) -> None:
        """Let it end soon, with nothing written."""
        self._is_cancelled.set()

    def run(self) -> None:
        torch.set_num_threads(1)
        try:
            write(self.film, self._on_frame, self._is_cancelled)
        except Cancelled:
            self.was_cancelled = True
        except Exception as error:  # told in the dialog
            self.error = error

    def _on_frame(self, done: int, total: int) -> None:
        now = time.monotonic()
        is_last = done == total and done != self._done  # the last is told again and again while a GIF is encoded
        self._done = done
        if is_last or (done < total and now - self._told > PROGRESS_SECONDS):
            self._told = now
            self.progressed.emit(done, total)
