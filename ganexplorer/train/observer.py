"""What is looked at while a run goes on, at intervals: its numbers, how good and how healthy it is, fixed samples."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping

import torch

from ganexplorer.core import latent
from ganexplorer.core.render import Pixels, to_pixels
from ganexplorer.train.commands import Commands
from ganexplorer.train.doctor import Doctor
from ganexplorer.train.events import Mark, Notice, Preview, PublishWeights, Scalars, Stop, TrainEvent, Weights
from ganexplorer.train.memory import give_back
from ganexplorer.train.progress import finished
from ganexplorer.train.quality import Quality
from ganexplorer.train.run_writer import RunWriter
from ganexplorer.train.sources import ImageSource
from ganexplorer.train.steps import MEASURES, AdversarialStep, NotFinite

_MUST_BE_FINITE = ("d_loss", "g_loss")


class Observer:
    """Looks at the networks of one trainer, and changes nothing that a step depends on.

    Its methods are generators of the events that tell of what it sees. Intervals are those of the configuration that
    `optimization` goes on under.

    Parameters
    ----------
    source
        Of the real images.
    commands, writer, weights
        What is asked for while quality is measured; where it is written; what `PublishWeights` is answered with.
    preview_seconds
        Fixed samples are shown at least this often; 0: only at sample_every.
    """

    def __init__(
        self,
        optimization: AdversarialStep,
        source: ImageSource,
        device: torch.device,
        commands: Commands,
        writer: RunWriter,
        weights: Callable[[], Weights],
        preview_seconds: float,
    ) -> None:
        config, spec = optimization.config, optimization.generator.spec
        prior = spec.prior
        assert prior is not None  # of every generator
        self._optimization, self._parallel, self._source = optimization, optimization.parallel, source
        self._commands, self._writer, self._weights = commands, writer, weights
        self._preview_seconds = preview_seconds
        self._batch = config.batch_size * self._parallel.size  # real images of one step, of all processes
        self._fixed_z = latent.seeded(prior, spec.z_dim, config.seed, config.sample_count).to(device)
        self._doctor = Doctor(config.loss, config.prior)
        self._quality: Quality | None = Quality(source, prior, spec.z_dim, config.seed, device)

    def begin(self, step: int, seconds: float) -> Generator[TrainEvent, None, None]:
        """Show the samples before the next step; `seconds` of training lie behind it."""
        self._measured = (step, seconds)  # at the last look at the speed
        self._first_samples = self._fixed_samples()
        yield Preview(step, self._first_samples)
        self._previewed_at = time.perf_counter()

    def change_doctor(self) -> None:
        """Begin anew to judge what is healthy, under the loss of now."""
        config = self._optimization.config
        self._doctor = Doctor(config.loss, config.prior)

    def is_due(self, step: int) -> bool:
        """Whether a step is to be measured."""
        return self._is_judged(step) or step % self._optimization.config.log_every == 0

    def observe(
        self, step: int, seconds: float, values: list[float] | None, is_alone: bool
    ) -> Generator[TrainEvent, None, None]:
        """Look at what a step has made; raises `NotFinite`.

        Parameters
        ----------
        seconds
            Of training so far.
        values
            What `MEASURES` names; None where the step was not measured.
        is_alone
            Whether the step was asked for by hand.
        """
        if step == 1:  # only now: a run that comes to no step leaves nothing behind
            yield from self._writer.save_sheet(0, self._first_samples)
        if values is not None:
            judged = (yield from self._judge()) if self._is_judged(step) else {}
            yield from self._tell(step, seconds, values, judged)
        is_sheet_due = step % self._optimization.config.sample_every == 0
        is_preview_due = 0 < self._preview_seconds < time.perf_counter() - self._previewed_at
        if is_sheet_due or is_preview_due or is_alone:
            yield from self.show(step, is_sheet_due)

    def show(self, step: int, is_sheet_due: bool) -> Generator[TrainEvent, None, None]:
        """Show the fixed samples, and write them where a sheet is due."""
        self._previewed_at = time.perf_counter()
        pixels = self._fixed_samples()
        if is_sheet_due:
            yield from self._writer.save_sheet(step, pixels)
        yield Preview(step, pixels)

    def _is_judged(self, step: int) -> bool:
        every = self._optimization.config.metrics_every
        return bool(every) and step % every == 0

    def _judge(self) -> Generator[TrainEvent, None, Mapping[str, float]]:
        """Hold samples against real images. What is asked for meanwhile is not kept waiting, or put off."""
        if self._quality is None:
            return {}
        measuring = self._quality.attempt(self._optimization.shown_generator)
        if self._parallel.size > 1:
            values, trouble = self._parallel.from_first(lambda: finished(measuring))
        else:
            while True:
                try:
                    next(measuring)
                except StopIteration as done:
                    values, trouble = done.value
                    break
                match self._commands.glance():
                    case PublishWeights():
                        yield self._weights()
                    case Stop(keep):
                        self._writer.keep(keep)
                        return {}
                    case None:
                        pass
                    case command:
                        self._commands.postpone(command)
        if trouble:
            self._quality = None  # told once
            give_back()
            yield Notice(f"Quality is not measured: {trouble}")
        return values

    def _tell(
        self, step: int, seconds: float, values: list[float], judged: Mapping[str, float]
    ) -> Generator[TrainEvent, None, None]:
        """Log what was measured, and what the doctor makes of it."""
        since, then = self._measured
        self._measured = (step, seconds)
        speed = (step - since) / max(seconds - then, 1e-9)
        epoch = step * self._batch / self._source.count if self._source.count else 0.0
        named = dict(zip(MEASURES, values, strict=True))
        scalars = Scalars(step, epoch, **named, **judged, steps_per_second=speed, seconds=seconds)
        yield from self._writer.log(scalars)
        if not all(math.isfinite(named[name]) for name in _MUST_BE_FINITE):
            raise NotFinite
        for diagnosis in self._doctor.examine(scalars):
            yield from self._writer.log(Mark(step, "health", diagnosis))

    @torch.no_grad()
    def _fixed_samples(self) -> Pixels:
        generator = self._optimization.shown_generator
        was_training = generator.training
        pixels = to_pixels(generator.eval()(self._fixed_z))
        generator.train(was_training)
        return pixels
