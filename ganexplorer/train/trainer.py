"""The training loop: a generator of events. It knows no thread, no window and no console."""

from __future__ import annotations

import collections
import dataclasses
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.devices import pick_device
from ganexplorer.core.errors import UserError
from ganexplorer.train.beginning import Beginning, check_data_of_all, reopen, total_steps
from ganexplorer.train.commands import Commands, Poll, no_command
from ganexplorer.train.config import ConfigError
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
    PublishWeights,
    Refused,
    Started,
    StepOnce,
    Stepped,
    Stop,
    TrainEvent,
    TrainRequest,
    Weights,
)
from ganexplorer.train.memory import is_out_of_memory
from ganexplorer.train.observer import Observer
from ganexplorer.train.parallel import ALONE, Parallel
from ganexplorer.train.run_writer import RunWriter, is_no_room
from ganexplorer.train.runs import Past, Run, RunError
from ganexplorer.train.steps import AdversarialStep, NotFinite
from ganexplorer.train.threads import threads_of_run
from ganexplorer.train.warmup import Settling

_DIVERGED = (
    "A loss is no longer a finite number after step {step:,}: the training has diverged. What was saved before is "
    "kept; lower the learning rates, or add an R1 penalty, and go on from the last snapshot."
)


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
        self._script = collections.deque(request.script)

    def run(self) -> Iterator[TrainEvent]:
        """Train; yields events, the last of them `Ended`, whatever happens. Errors arrive as ``Ended("failed")``."""
        try:
            with threads_of_run(self.request.threads) as self._threads:
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
        try:
            while True:
                yield from self._catch_up()
                if self._step >= self._last_step:
                    break
                networks = yield from self._next_turn()
                if self._commands.is_stopped:
                    break
                yield from self._take_step(networks)
            yield from self._observer.show(self._step, is_sheet_due=True)
            yield from self._save()
        except NotFinite:
            yield from self._give_up()

    # -- beginning -----------------------------------------------------------------------------------------

    def _begin(self) -> Generator[TrainEvent, None, bool]:
        """Data, networks and run folder; returns False when asked to stop meanwhile."""
        request, parallel = self.request, self._parallel
        device = pick_device(request.device)
        past = reopen(request, self._writer, parallel)
        if past is not None:
            self._step = past.step
            request = dataclasses.replace(request, config=past.config)
            yield from past.notices
        with parallel.as_one():
            beginning = Beginning.of(request)
            self.config = beginning.config
            self.config.changed_live(request.changes)  # in vain, where they cannot be, before anything is done
            source = yield from beginning.images(request.data, device, self._commands)
        self._commands.is_stopped = parallel.any(source is None)
        if source is None or self._commands.is_stopped:
            return False
        self._source, self._data = source, source.description
        check_data_of_all(self._data, parallel)
        self._total_steps = total_steps(self.config, source.count, self._batch)
        generator, discriminator = beginning.networks(source.image_shape, device)
        rng = torch.Generator(device).manual_seed(self.config.seed + 1)
        self._optimization = AdversarialStep(self.config, generator, discriminator, rng, self._total_steps, parallel)
        self._warmup = Settling(self.config.warmup if beginning.needs_warmup else 0)
        self._observer = Observer(
            self._optimization, source, device, self._commands, self._writer, self._weights, request.preview_seconds
        )
        with parallel.as_one():
            if past is not None:
                self._go_on_from(past)
            before = self.config.to_dict()
            changed = {
                name: value for name, value in self._reconfigure(request.changes).items() if value != before[name]
            }
            if past is None and parallel.is_first:  # only now: a run that cannot start leaves no folder behind
                known = dataclasses.replace(request, config=self.config, threads=self._threads)
                self._writer.run = Run.create(known, beginning.start)
            parallel.note_begun()
        yield Started(
            request.run, request.recipe, source.description, str(device), generator.spec.to_json(),
            discriminator.spec.to_json(), self.config.loss,
            (generator.spec.parameter_count, discriminator.spec.parameter_count), self._step, self._last_step,
            source.count / self._batch if source.count else 0.0, self.config,
        )  # fmt: skip
        if self._threads < self.request.threads:
            yield Notice(
                f"The run began with {self.request.threads} threads, and there are {self._threads} now: it goes on "
                "rightly, but not to the last bit as it would have."
            )
        if past is not None:
            yield from self._writer.tell_of(past, self.request.rollback is not None)
        elif not self._warmup.is_over:
            yield Notice(
                "The model has no discriminator: a fresh one now trains alone until its loss settles, for at most "
                f"{self.config.warmup:,} steps."
            )
        if changed:
            yield from self._writer.log(Changed(self._step, changed))
        yield from self._observer.begin(self._step, self._seconds)
        if past is None and parallel.size > 1:  # what torchrun starts anew has something to go on from
            yield from self._save()
        return True

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

    # -- one step ------------------------------------------------------------------------------------------

    def _take_step(self, networks: Networks | None) -> Generator[TrainEvent, None, None]:
        step, config, started = self._step + 1, self.config, time.perf_counter()
        is_alone = networks is not None
        if not self._warmup.is_over and networks is None:
            networks = "d"
        is_measured = is_alone or self._observer.is_due(step)
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
        yield from self._observer.observe(step, self._seconds, values, is_alone)
        if step % config.snapshot_every == 0 and step < self._last_step:
            yield from self._save()

    def _real(self, step: int) -> torch.Tensor:
        """This process's real images of a step."""
        size, parallel = self.config.batch_size, self._parallel
        if self._source.count is None:  # drawn afresh from the one random generator: alike everywhere
            return self._source.batch(step, self._batch, self._optimization.rng)[parallel.share(size)]
        return self._source.batch((step - 1) * parallel.size + parallel.rank + 1, size, self._optimization.rng)

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
            self._observer.change_doctor()
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

    def _weights(self) -> Weights:
        networks = (self._optimization.shown_generator, self._optimization.discriminator)
        generator, discriminator = (
            {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
            for network in networks
        )
        return Weights(self._step, generator, discriminator)


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
