"""The training loop: a generator of events. It knows no thread, no window and no console."""

from __future__ import annotations

import collections
import dataclasses
import math
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from ganexplorer.core import latent
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.devices import pick_device
from ganexplorer.core.errors import UserError
from ganexplorer.core.render import Pixels, to_pixels
from ganexplorer.train import data
from ganexplorer.train.beginning import Beginning, total_steps
from ganexplorer.train.commands import Commands, Poll, no_command
from ganexplorer.train.config import ConfigError
from ganexplorer.train.doctor import Doctor
from ganexplorer.train.events import (
    Change,
    Changed,
    Continue,
    Continued,
    Ended,
    Keep,
    Mark,
    Networks,
    Notice,
    Pause,
    Paused,
    Preview,
    PublishWeights,
    Refused,
    Scalars,
    Started,
    StepOnce,
    Stepped,
    Stop,
    TrainEvent,
    TrainRequest,
    Weights,
)
from ganexplorer.train.memory import give_back, is_out_of_memory
from ganexplorer.train.parallel import ALONE, Parallel
from ganexplorer.train.progress import finished
from ganexplorer.train.quality import Quality
from ganexplorer.train.run_writer import RunWriter, is_no_room
from ganexplorer.train.runs import Past, Run, RunError, refuse_existing
from ganexplorer.train.steps import MEASURES, AdversarialStep, NotFinite
from ganexplorer.train.warmup import Settling

_DIVERGED = (
    "A loss is no longer a finite number after step {step:,}: the training has diverged. What was saved before is "
    "kept; lower the learning rates, or add an R1 penalty, and go on from the last snapshot."
)
_MUST_BE_FINITE = ("d_loss", "g_loss")


class Trainer:
    """One run, from its request to its `Ended`.

    Parameters
    ----------
    request
        Configuration, data, run folder, device.
    poll
        Asked before every step for a command, with the seconds to wait for one; returns None when there is none.
    parallel
        The processes that train together; only the first of them writes, and all yield the same events.
    """

    def __init__(self, request: TrainRequest, poll: Poll = no_command, parallel: Parallel = ALONE) -> None:
        self.request = request
        self.config = request.config  # of the next step
        self.error: Exception | None = None  # behind an Ended("failed")
        self._parallel = parallel
        self._commands = Commands(poll, parallel)
        self._writer = RunWriter(self._commands, self._weights)
        self._step = 0
        self._seconds = 0.0  # of training so far
        self._measured = (0, 0.0)  # step and seconds of the last look at the speed
        self._script = collections.deque(request.script)

    def run(self) -> Iterator[TrainEvent]:
        """Train; yields events, the last of them `Ended`, whatever happens. Errors arrive as ``Ended("failed")``."""
        try:
            yield from self._train()
            ended = Ended("stopped" if self._commands.is_stopped else "finished", self._step, "", self._writer.snapshot)
        except Exception as error:
            self.error = error
            ended = Ended("failed", self._step, _explain(error, self.request.run), self._writer.snapshot)
        finally:
            self._writer.close()
        yield ended

    def _train(self) -> Generator[TrainEvent, None, None]:
        begun = yield from self._begin()
        if not begun:
            return
        self._previewed_at = time.perf_counter()
        try:
            while True:
                yield from self._catch_up()
                if self._step >= self._last_step:
                    break
                networks = yield from self._next_turn()
                if self._commands.is_stopped:
                    break
                yield from self._take_step(networks)
            pixels = self._fixed_samples()
            yield from self._writer.save_sheet(self._step, pixels)
            yield Preview(self._step, pixels)
            yield from self._save()
        except NotFinite:
            yield from self._give_up()

    # -- beginning -----------------------------------------------------------------------------------------

    def _begin(self) -> Generator[TrainEvent, None, bool]:
        """Data, networks and run folder; returns False when asked to stop meanwhile."""
        request, parallel = self.request, self._parallel
        device = pick_device(request.device)
        past = parallel.from_first(self._reopen)
        if past is not None:
            self._check_processes(past)
            self._step = past.step
            request = dataclasses.replace(request, config=past.config)
            yield from past.notices
        with parallel.as_one():
            beginning = Beginning.of(request)
            self.config = beginning.config
            self.config.changed_live(request.changes)  # in vain, where they cannot be, before anything is done
            source = yield from self._load(beginning, device)
        self._commands.is_stopped = parallel.any(source is None)
        if source is None or self._commands.is_stopped:
            return False
        self._source, self._data = source, source.description
        self._check_data_of_all()
        self._total_steps = total_steps(self.config, source.count, self._batch)
        generator, discriminator = beginning.networks(source.image_shape, device)
        rng = torch.Generator(device).manual_seed(self.config.seed + 1)
        self._optimization = AdversarialStep(self.config, generator, discriminator, rng, self._total_steps, parallel)
        self._warmup = Settling(self.config.warmup if beginning.needs_warmup else 0)
        prior = generator.spec.prior
        assert prior is not None  # of every generator
        z_dim, count = generator.spec.z_dim, self.config.sample_count
        self._fixed_z = latent.seeded(prior, z_dim, self.config.seed, count).to(device)
        self._doctor = Doctor(self.config.loss, self.config.prior)
        self._quality: Quality | None = Quality(source, prior, z_dim, self.config.seed, device)
        with parallel.as_one():
            if past is not None:
                self._go_on_from(past)
            before = self.config.to_dict()
            changed = {
                name: value for name, value in self._reconfigure(request.changes).items() if value != before[name]
            }
            if past is None and parallel.is_first:  # only now: a run that cannot start leaves no folder behind
                self._writer.run = Run.create(dataclasses.replace(request, config=self.config), beginning.start)
            parallel.note_begun()
        yield Started(
            request.run, request.recipe, source.description, str(device), generator.spec.to_json(),
            discriminator.spec.to_json(), self.config.loss,
            (generator.spec.parameter_count, discriminator.spec.parameter_count), self._step, self._last_step,
            source.count / self._batch if source.count else 0.0, self.config,
        )  # fmt: skip
        if past is not None:
            yield from self._tell_of(past)
        elif not self._warmup.is_over:
            yield Notice(
                "The model has no discriminator: a fresh one now trains alone until its loss settles, for at most "
                f"{self.config.warmup:,} steps."
            )
        if changed:
            yield from self._writer.log(Changed(self._step, changed))
        self._first_samples = self._fixed_samples()
        yield Preview(self._step, self._first_samples)
        if past is None and parallel.size > 1:  # what torchrun starts anew has something to go on from
            yield from self._save()
        return True

    def _reopen(self) -> Past | None:
        """What a run to resume goes on from; a new one must not be there yet."""
        if not self.request.resume:
            refuse_existing(self.request.run)  # before a long load
            return None
        self._writer.run, past = Run.resume(self.request)
        return past

    def _check_processes(self, past: Past) -> None:
        then, now = past.state.get("processes", 1), self._parallel.size
        if then != now:
            remedy = f"with torchrun --nproc-per-node={then}" if then > 1 else "without torchrun"
            raise RunError(
                f"{self.request.run}: was trained by {_processes(then)} and cannot go on in {_processes(now)}, which "
                f"see the images in another order. Resume it {remedy}."
            )

    def _check_data_of_all(self) -> None:
        theirs = self._parallel.from_first(lambda: self._data)
        with self._parallel.as_one():
            if self._data != theirs:
                raise data.DataError(
                    f"Process {self._parallel.rank} finds other data than the first one: {self._data}, not {theirs}. "
                    "Give all machines the same files."
                )

    def _load(self, beginning: Beginning, device: torch.device) -> Generator[TrainEvent, None, data.ImageSource | None]:
        """The data; None when asked to stop meanwhile."""
        loading = data.load(self.request.data, beginning.preparation, device, self.config.seed)
        while True:
            try:
                yield next(loading)
            except StopIteration as done:
                source: data.ImageSource = done.value
                return source
            command = self._commands.glance()
            if self._commands.is_stopped:
                loading.close()
                return None
            if command is not None:
                self._commands.postpone(command)

    def _go_on_from(self, past: Past) -> None:
        state = past.state
        if state["data"] != self._data:
            raise RunError(
                f"{self.request.run}: its data has changed since: {state['data']} -> {self._data}. "
                "Restore it, or start a new run."
            )
        try:
            self._optimization.load_state_dict(state)
            self._warmup.load_state_dict(state["warmup"])
            self._seconds = state["seconds"]
        except KeyError as error:
            raise RunError(
                f"{self.request.run}: its checkpoint was written by another version of the program ({error} is "
                "missing). Go on with that version, or fine-tune its newest snapshot in a new run."
            ) from None
        # only now: nothing is lost if it cannot go on
        self._writer.go_on_from(past, self.request.rollback is not None)
        self._measured = (self._step, self._seconds)

    def _tell_of(self, past: Past) -> Generator[TrainEvent, None, None]:
        if past.overridden:  # in the log, so that it tells all that happened
            yield from self._writer.log(Changed(self._step, past.overridden))
        if self.request.rollback is None:
            yield from self._writer.log(Mark(self._step, "resumed", f"Resumed after step {self._step:,}"))
        else:
            self._writer.keep(self._step)
            yield from self._writer.log(Mark(self._step, "rolled back", f"Rolled back to step {self._step:,}"))

    # -- one step ------------------------------------------------------------------------------------------

    def _take_step(self, networks: Networks | None) -> Generator[TrainEvent, None, None]:
        step, config, started = self._step + 1, self.config, time.perf_counter()
        is_alone = networks is not None
        if not self._warmup.is_over and networks is None:
            networks = "d"
        is_judged = bool(config.metrics_every) and step % config.metrics_every == 0
        is_measured = is_alone or is_judged or step % config.log_every == 0
        measures = self._optimization(step, self._real(step), is_measured, networks)
        self._step = step
        if not self._warmup.is_over and networks != "g":
            (d_loss,) = self._parallel.average([self._optimization.d_loss])
            self._warmup.add(float(d_loss))
            if self._warmup.is_over:
                text = "The fresh discriminator has settled; G trains from here."
                yield from self._writer.log(Mark(step, "warmed up", text))
        if is_alone:
            assert networks is not None
            yield from self._writer.log(Stepped(step, networks))
        values = None if measures is None else measures.tolist()  # waits for the device: only every log_every steps
        self._seconds += time.perf_counter() - started
        if step == 1:  # only now: a run that comes to no step leaves nothing behind
            yield from self._writer.save_sheet(0, self._first_samples)
        if values is not None:
            judged = (yield from self._judge()) if is_judged else {}
            yield from self._tell(step, values, judged)
        is_sheet_due = step % config.sample_every == 0
        is_preview_due = 0 < self.request.preview_seconds < time.perf_counter() - self._previewed_at
        if is_sheet_due or is_preview_due or is_alone:
            self._previewed_at = time.perf_counter()
            pixels = self._fixed_samples()
            if is_sheet_due:
                yield from self._writer.save_sheet(step, pixels)
            yield Preview(step, pixels)
        if step % config.snapshot_every == 0 and step < self._last_step:
            yield from self._save()

    def _real(self, step: int) -> torch.Tensor:
        """This process's real images of a step."""
        size, parallel = self.config.batch_size, self._parallel
        if self._source.count is None:  # drawn afresh from the one random generator: alike everywhere
            return self._source.batch(step, self._batch, self._optimization.rng)[parallel.share(size)]
        return self._source.batch((step - 1) * parallel.size + parallel.rank + 1, size, self._optimization.rng)

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

    def _tell(self, step: int, values: list[float], judged: Mapping[str, float]) -> Generator[TrainEvent, None, None]:
        """Log what was measured, and what the doctor makes of it."""
        since, seconds = self._measured
        self._measured = (step, self._seconds)
        speed = (step - since) / max(self._seconds - seconds, 1e-9)
        epoch = step * self._batch / self._source.count if self._source.count else 0.0
        named = dict(zip(MEASURES, values, strict=True))
        scalars = Scalars(step, epoch, **named, **judged, steps_per_second=speed, seconds=self._seconds)
        yield from self._writer.log(scalars)
        if not all(math.isfinite(named[name]) for name in _MUST_BE_FINITE):
            raise NotFinite
        for diagnosis in self._doctor.examine(scalars):
            yield from self._writer.log(Mark(step, "health", diagnosis))

    # -- commands ------------------------------------------------------------------------------------------

    def _next_turn(self) -> Generator[TrainEvent, None, Networks | None]:
        """Obey a command, while paused any number; returns which networks step next (None: whose turn it is)."""
        commands = self._commands
        while True:
            match commands.next():
                case Stop(keep):
                    self._writer.keep(keep)
                    commands.is_stopped = True
                    return None
                case PublishWeights():
                    yield self._weights()
                case Pause() if not commands.is_paused:
                    commands.is_paused = True
                    yield Paused(self._step)
                case Continue() if commands.is_paused:
                    commands.is_paused = False
                    yield Continued(self._step)
                case StepOnce(networks) if commands.is_paused:
                    return networks
                case Change(settings):
                    yield from self._change(settings)
                case Keep(text):
                    self._writer.keep(self._step)
                    yield from self._writer.log(Mark(self._step, "kept", text))
                    yield from self._save()
            if not commands.is_paused and not commands.is_stopped:
                return self._scripted()

    def _catch_up(self) -> Generator[TrainEvent, None, None]:
        """Change what was changed by hand at this point of the run that this one repeats."""
        while self._script and self._script[0].step <= self._step:
            entry = self._script.popleft()
            if isinstance(entry, Changed):
                yield from self._change(entry.settings)

    def _scripted(self) -> Networks | None:
        """Which networks took the next step alone in the run that this one repeats."""
        following = self._script[0] if self._script else None
        return following.networks if isinstance(following, Stepped) and following.step == self._step + 1 else None

    def _change(self, settings: Mapping[str, Any]) -> Generator[TrainEvent, None, None]:
        """Go on with other hyperparameters, or say why not."""
        try:
            changed = self._reconfigure(settings)
        except UserError as error:
            yield Refused(settings, str(error))
            return
        yield from self._writer.log(Changed(self._step, changed))

    def _reconfigure(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Take other hyperparameters; returns them as plain JSON values. Raises `ConfigError` and changes none."""
        config = self.config.changed_live(settings)
        total = total_steps(config, self._source.count, self._batch)
        if total != self._total_steps and total <= self._step:
            raise ConfigError(f"{self._step:,} steps are done already: set steps (or epochs) above that.")
        self.config, self._total_steps = config, total
        self._optimization.total_steps = total
        self._optimization.configure(config)
        if "loss" in settings:  # what is healthy depends on it
            self._doctor = Doctor(config.loss, config.prior)
        values = config.to_dict()
        return {name: values[name] for name in settings}

    # -- saving --------------------------------------------------------------------------------------------

    def _save(self) -> Generator[TrainEvent, None, None]:
        """Snapshot and state of this step."""
        if not self._are_weights_finite:
            raise NotFinite
        state = self._optimization.state_dict() | {
            "step": self._step, "data": self._data, "seconds": self._seconds, "warmup": self._warmup.state_dict(),
            "processes": self._parallel.size,
        }  # fmt: skip
        yield from self._writer.save(self._step, self._checkpoint(), state, self.config.keep_gb)

    def _give_up(self) -> Generator[TrainEvent, None, None]:
        """After a loss that is not finite: keep what is left of the networks to look at, and end."""
        text = _DIVERGED.format(step=self._step)
        yield from self._writer.log(Mark(self._step, "trouble", text))
        if self._are_weights_finite and self._step > self._writer.saved_step:
            # without a state: one of the two may have made half of the next step
            yield from self._writer.save(self._step, self._checkpoint(), None, self.config.keep_gb)
        raise UserError(text)

    def _checkpoint(self) -> Checkpoint:
        optimization, request = self._optimization, self.request
        card = {
            "name": request.run.name,
            "recipe": request.recipe,
            "data": request.data,
            "step": self._step,
            "seconds": round(self._seconds, 1),
            "config": self.config.to_dict(),
        }
        return Checkpoint(optimization.shown_generator, optimization.discriminator, card)

    # -- looking -------------------------------------------------------------------------------------------

    @property
    def _batch(self) -> int:
        """Real images of one step, of all processes."""
        return self.config.batch_size * self._parallel.size

    @property
    def _last_step(self) -> int:
        return min(self._total_steps, self.request.until or self._total_steps)

    @property
    def _are_weights_finite(self) -> bool:
        networks = (self._optimization.generator, self._optimization.discriminator)
        return all(torch.isfinite(value).all() for network in networks for value in network.state_dict().values())

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


def _processes(count: int) -> str:
    return "one process" if count == 1 else f"{count} processes"


def _explain(error: Exception, run: Path) -> str:
    """One plain line for people."""
    if is_out_of_memory(error):
        return "Out of memory. Use a smaller batch_size or image_size, or narrower networks."
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        remedy = " Make room, then resume the run." if is_no_room(error) else ""
        return f"{error.filename or run}: {error.strerror or error}.{remedy}"
    return f"{type(error).__name__}: {error}"
