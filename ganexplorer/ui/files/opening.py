"""Opening a model: the one request whose answer is wanted, and the jobs that read models."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from torch import Tensor

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint, fingerprint
from ganexplorer.core.direction_files import shipped_directions
from ganexplorer.core.directions import Direction
from ganexplorer.core.errors import UserError
from ganexplorer.core.judge import Judge, judge_of
from ganexplorer.core.latent import seeded
from ganexplorer.core.networks import Network, build
from ganexplorer.core.render import Pixels, Renderer, to_pixels
from ganexplorer.core.session import Session, is_session, last_session, load_session, model_of
from ganexplorer.core.spec import NetworkSpec
from ganexplorer.train.events import Started, Weights
from ganexplorer.ui.files import recent
from ganexplorer.ui.files.file_watch import Signature, signature
from ganexplorer.ui.work.studio import Sight
from ganexplorer.ui.work.workers import JobResult, JobThread

SLOW_MILLISECONDS = 300  # after which a person wants to know that something is going on


@dataclass(frozen=True, slots=True, eq=False)
class OpenRequest:
    """What is to be opened: MODEL or a session's file as a person named it, or an entry that is known."""

    model: str | zoo.ModelEntry
    news: str = ""  # to be told when it is open
    is_reload: bool = False
    choices: Mapping[str, Any] | None = None  # for a stranger's file that was read before, and is not read again
    network: str | None = None
    is_retry: bool = False  # of choices, after something else failed: that stays told

    @property
    def name(self) -> str:
        return self.model.name if isinstance(self.model, zoo.ModelEntry) else Path(self.model).name


@dataclass(frozen=True, slots=True)
class Opened:
    request: OpenRequest
    entry: zoo.ModelEntry
    signature: Signature | None  # from before the file was read; None where only choices were changed
    checkpoint: Checkpoint
    sight: Sight
    session: Session | None = None  # to go on with
    directions: tuple[Direction, ...] = ()  # that come with the model


@dataclass(frozen=True, slots=True)
class OpenFailed:
    request: OpenRequest
    signature: Signature | None
    error: Exception


class Opener(QObject):
    """Opens models in the job thread. Of several requests only the last is answered."""

    opened = Signal(object)  # Opened
    failed = Signal(object)  # OpenFailed
    activity = Signal(str)  # "Opening NAME…" where it takes a while; empty when that is over

    def __init__(self, jobs: JobThread, device: torch.device, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._device = device
        self._request: OpenRequest | None = None
        self._patience = QTimer(self, singleShot=True, interval=SLOW_MILLISECONDS)
        self._patience.timeout.connect(self._on_slow)
        jobs.job_done.connect(self._on_job_done)

    @property
    def is_busy(self) -> bool:
        return self._request is not None

    def open(self, request: OpenRequest) -> None:
        self._request = request
        device = self._device
        self.activity.emit("")
        self._patience.start()
        self._jobs.submit("open", lambda: read_model(request, device), first=True)

    def stop(self) -> None:
        self._patience.stop()

    @Slot()
    def _on_slow(self) -> None:
        if self._request is not None:
            self.activity.emit(f"Opening {self._request.name}…")

    @Slot(object)
    def _on_job_done(self, result: JobResult) -> None:
        if result.name != "open" or result.value.request is not self._request:
            return
        self._request = None
        self._patience.stop()
        self.activity.emit("")
        if isinstance(result.value, Opened):
            self.opened.emit(_with_note(result.value))
        else:
            self.failed.emit(result.value)


def read_model(request: OpenRequest, device: torch.device) -> Opened | OpenFailed:
    """Find and read a model; remembers it among the recent files if a person named a path."""
    before: Signature | None = None
    try:
        session: Session | None = None
        if isinstance(request.model, zoo.ModelEntry):
            entry = request.model
        elif is_session(request.model):
            session = load_session(request.model)
            entry = model_of(request.model, session)
        else:
            entry = zoo.resolve(request.model)
        if request.choices is not None:
            entry = entry.with_choices(request.choices, request.network)
        else:
            before = signature(entry.path)
            entry = _read_anew(entry)
        checkpoint = entry.load()
        directions = tuple(shipped_directions(entry))
        _ = entry.spec  # what the list of models shows is read here too, not in the thread of the window
        sight = Sight(
            Renderer(checkpoint.generator, device), judge_of(checkpoint, device), fingerprint(checkpoint.generator)
        )
    except Exception as error:  # told in the window
        return OpenFailed(request, before, error)
    if isinstance(request.model, str):
        with contextlib.suppress(RuntimeError):  # a name such as ~a
            path = _absolute(Path(request.model).expanduser())
            is_path = session is not None or _absolute(entry.path).is_relative_to(path)  # else MODEL is a name
            if is_path and path != _absolute(last_session()):  # which has a command of its own
                recent.remember(path)
    return Opened(request, entry, before, checkpoint, sight, session, directions)


def thumbnail(entry: zoo.ModelEntry, renderer: Renderer | None = None) -> Pixels:
    """The first seed's picture of a model, (H, W[, 3]); its file is read if there is no renderer of it yet."""
    if renderer is not None:
        return _first_picture(renderer.spec, renderer.render)
    generator = entry.load_generator()
    with torch.inference_mode():  # a renderer takes longer to make than one picture takes
        return _first_picture(generator.spec, lambda z: to_pixels(generator(z)))


def _first_picture(spec: NetworkSpec, draw: Callable[[Tensor], Pixels]) -> Pixels:
    assert spec.prior is not None
    picture: Pixels = draw(seeded(spec.prior, spec.z_dim, 0))[0]
    return picture


def live_sight(started: Started, weights: Weights, device: torch.device) -> Sight:
    """The generator in training, and its discriminator."""
    generator = _network(started.generator, weights.tensors)
    discriminator = _network(started.discriminator, weights.discriminator)
    judge = Judge(discriminator, device, started.loss)
    return Sight(Renderer(generator, device), judge, fingerprint(generator))


def _network(spec: str, tensors: Mapping[str, NDArray[np.generic]]) -> Network:
    network = build(NetworkSpec.from_json(spec))
    network.load_state_dict({name: torch.from_numpy(values) for name, values in tensors.items()})
    return network.eval()


def _with_note(opened: Opened) -> Opened:
    """Its news with what the entry says of the choice of the file."""
    news = f"{opened.request.news} {opened.entry.note}".strip()
    return dataclasses.replace(opened, request=dataclasses.replace(opened.request, news=news))


def _read_anew(entry: zoo.ModelEntry) -> zoo.ModelEntry:
    """The entry with the file as it is now, a stranger's under the choices that were made before."""
    fresh = dataclasses.replace(entry)
    understood = vars(entry).get("foreign")
    if understood is None or fresh.foreign is None:  # it may be one of our own by now
        return fresh
    try:
        chosen = fresh.with_choices(understood.stored, understood.network)
        _ = chosen.spec
        return chosen
    except UserError:  # they fit the new content no more
        return fresh


def _absolute(path: Path) -> Path:
    """Without ``..``, so that one path can be told to be below another."""
    return Path(os.path.abspath(path))
