"""The training loop: a generator of events. It knows no thread, no window and no console."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import torch

from ganexplorer.core import latent
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.devices import pick_device
from ganexplorer.core.errors import UserError
from ganexplorer.core.networks import build, initialize
from ganexplorer.core.render import Pixels, to_pixels
from ganexplorer.train import data
from ganexplorer.train.events import (
    Command,
    Ended,
    Preview,
    PublishWeights,
    Scalars,
    SnapshotSaved,
    Started,
    Stop,
    TrainEvent,
    TrainRequest,
    Weights,
)
from ganexplorer.train.runs import Run, RunError, refuse_existing
from ganexplorer.train.steps import MEASURES, AdversarialStep

Poll = Callable[[], Command | None]
_DIVERGED = (
    "the losses are no longer finite at step {step}: the training has diverged. What was saved before is kept; "
    "lower the learning rates and start again."
)


class Trainer:
    """One run, from its request to its `Ended`.

    Parameters
    ----------
    request
        Configuration, data, run folder, device.
    poll
        Asked before every step for a command; returns None when there is none.
    """

    def __init__(self, request: TrainRequest, poll: Poll = lambda: None) -> None:
        self.request = request
        self.config = request.config
        self._poll = poll
        self.error: Exception | None = None  # behind an Ended("failed")
        self._step = 0
        self._run: Run | None = None
        self._snapshot: Path | None = None

    def run(self) -> Iterator[TrainEvent]:
        """Train; yields events, the last of them `Ended`, whatever happens. Errors arrive as ``Ended("failed")``."""
        try:
            stopped = yield from self._train()
            ended = Ended("stopped" if stopped else "finished", self._step, "", self._snapshot)
        except Exception as error:
            self.error = error
            ended = Ended("failed", self._step, _explain(error), self._snapshot)
        finally:
            if self._run is not None:
                self._run.close()
        yield ended

    def _train(self) -> Generator[TrainEvent, None, bool]:
        """All of it; returns whether it was stopped before its last step."""
        request, config = self.request, self.config
        device = pick_device(request.device)
        state: dict[str, Any] | None = None
        if request.resume:
            self._run, state = Run.resume(request)
            self._step = int(state["step"])
        else:
            refuse_existing(request.run)  # before a long load
        source = yield from self._load(device)
        if source is None:
            return True
        self._set_up(source, device, state)
        if self._run is None:  # only now: a run that cannot start leaves no folder behind
            self._run = Run.create(request)
        first_step = self._step
        steps_per_epoch = source.count / config.batch_size if source.count else 0.0
        total_steps = self._optimization.total_steps
        generator, discriminator = self._optimization.generator.spec, self._optimization.discriminator.spec
        yield Started(
            request.run, request.recipe, source.description, str(device), generator.to_json(),
            discriminator.to_json(), config.loss,
            (generator.parameter_count, discriminator.parameter_count), first_step, total_steps, steps_per_epoch,
        )  # fmt: skip
        yield Preview(self._step, self._fixed_samples())
        measured_at, measured_step = time.perf_counter(), self._step
        previewed_at = measured_at
        stopped = False
        for step in range(first_step + 1, total_steps + 1):
            match self._poll():
                case Stop():
                    stopped = True
                    break
                case PublishWeights():
                    yield self._weights()
            real = source.batch(step, config.batch_size, self._optimization.rng)
            measures = self._optimization(step, real, measure=step % config.log_every == 0)
            self._step = step
            if measures is not None:
                values = measures.tolist()  # waits for the device: only every log_every steps
                now = time.perf_counter()
                speed = (step - measured_step) / max(now - measured_at, 1e-9)
                measured_at, measured_step = now, step
                epoch = step / steps_per_epoch if steps_per_epoch else 0.0
                scalars = Scalars(step, epoch, **dict(zip(MEASURES, values, strict=True)), steps_per_second=speed)
                self._run.log(scalars)
                yield scalars
                if not all(map(math.isfinite, values)):
                    raise UserError(_DIVERGED.format(step=step))
            is_sheet_due = step % config.sample_every == 0
            is_preview_due = 0 < request.preview_seconds < time.perf_counter() - previewed_at
            if is_sheet_due or is_preview_due:
                previewed_at = time.perf_counter()
                pixels = self._fixed_samples()
                if is_sheet_due:
                    self._run.save_sheet(step, pixels)
                yield Preview(step, pixels)
            if step % config.snapshot_every == 0 and step < total_steps:
                yield self._save()
        pixels = self._fixed_samples()
        self._run.save_sheet(self._step, pixels)
        yield Preview(self._step, pixels)
        yield self._save()
        return stopped

    def _load(self, device: torch.device) -> Generator[TrainEvent, None, data.ImageSource | None]:
        """The data; None when asked to stop meanwhile."""
        loading = data.load(self.request.data, self.config.image_size, device, self.config.seed)
        while True:
            try:
                yield next(loading)
            except StopIteration as done:
                source: data.ImageSource = done.value
                return source
            if isinstance(self._poll(), Stop):
                return None

    def _set_up(self, source: data.ImageSource, device: torch.device, state: dict[str, Any] | None) -> None:
        config = self.config
        if config.steps == 0 and source.count is None:
            raise UserError(f"{self.request.data} has no end, so epochs mean nothing: set steps instead.")
        total_steps = config.steps or math.ceil(config.epochs * (source.count or 0) / config.batch_size)
        networks = []
        first_weights = torch.Generator().manual_seed(config.seed)
        for spec in config.specs(source.image_shape):
            network = build(spec)
            initialize(network, config.init, first_weights)
            networks.append(network.to(device))
        rng = torch.Generator(device).manual_seed(config.seed + 1)
        self._optimization = AdversarialStep(config, networks[0], networks[1], rng, total_steps)
        self._fixed_z = latent.seeded(config.latent_prior, config.z_dim, config.seed, config.sample_count).to(device)
        self._data = source.description
        if state is not None:
            if state["data"] != source.description:
                raise RunError(
                    f"{self.request.run}: its data has changed since: {state['data']} -> {source.description}. "
                    "Restore it, or start a new run."
                )
            self._optimization.load_state_dict(state)

    @torch.no_grad()
    def _fixed_samples(self) -> Pixels:
        generator = self._optimization.shown_generator
        was_training = generator.training
        pixels = to_pixels(generator.eval()(self._fixed_z))
        generator.train(was_training)
        return pixels

    def _weights(self) -> Weights:
        networks = (self._optimization.shown_generator, self._optimization.discriminator)
        generator, discriminator = (
            {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
            for network in networks
        )
        return Weights(self._step, generator, discriminator)

    def _save(self) -> SnapshotSaved:
        """Snapshot and state of this step; the snapshot first, so that LATEST never points at nothing."""
        assert self._run is not None
        optimization, request = self._optimization, self.request
        for network in (optimization.generator, optimization.discriminator):
            if not all(torch.isfinite(tensor).all() for tensor in network.state_dict().values()):
                raise UserError(_DIVERGED.format(step=self._step))
        card = {
            "name": request.run.name,
            "recipe": request.recipe,
            "data": request.data,
            "step": self._step,
            "config": self.config.to_dict(),
        }
        checkpoint = Checkpoint(optimization.shown_generator, optimization.discriminator, card)
        self._snapshot = self._run.save_snapshot(self._step, checkpoint)
        self._run.save_state(optimization.state_dict() | {"step": self._step, "data": self._data})
        return SnapshotSaved(self._step, self._snapshot)


def _explain(error: Exception) -> str:
    """One plain line for people."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error):
        return "Out of memory. Use a smaller batch_size or image_size, or narrower networks."
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'the run folder'}: {error.strerror or error}"
    return f"{type(error).__name__}: {error}"
