"""train: a run, its events shown as a progress bar."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import math
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganexplorer.cli.parsing import add_command, fail, parse_positive
from ganexplorer.cli.showing import pause
from ganexplorer.cli.train_help import train_help
from ganexplorer.core.errors import UserError

if TYPE_CHECKING:
    from ganexplorer.train.config import TrainConfig
    from ganexplorer.train.events import Started, TrainRequest
    from ganexplorer.train.parallel import Parallel
    from ganexplorer.train.trainer import Trainer


# of a configuration, where a model is fine-tuned
DECIDED_BY_MODEL = {"z_dim", "prior", "image_size", "g_widths", "g_activation", "g_slope", "g_output"}


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = add_command(
        commands, "train", "train a generator and its discriminator",
        "ganexplorer train --recipe mlp-64-stable --data toy:digits --out runs/first --steps 1000 "
        "--set sample_every=100",
    )  # fmt: skip
    command.more_help = train_help
    command.add_argument("--recipe", metavar="R", help="a recipe, listed below; not needed to --resume")
    command.add_argument(
        "--data",
        metavar="REF",
        help="what to train on, else what the recipe is meant for: mnist, fashion-mnist, "
        "kmnist (each [:DIR], downloaded where it is not there), celeba:DIR, folder:DIR, toy:digits, toy:faces, "
        "toy:1010",
    )
    command.add_argument("--out", type=Path, required=True, metavar="RUN", help="the run folder, new or to --resume")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a hyperparameter listed below; may be repeated",
    )
    length = command.add_mutually_exclusive_group()
    length.add_argument("--steps", type=parse_positive, help="steps in all, those that are done already included")
    length.add_argument("--epochs", type=parse_positive, help="passes over the data")
    command.add_argument("--start", metavar="MODEL", help="fine-tune MODEL instead of beginning with new networks")
    command.add_argument("--resume", action="store_true", help="go on with the run in RUN, exactly where it stood")
    command.add_argument(
        "--rollback", type=parse_positive, metavar="STEP", help="with --resume: go on from this snapshot; what came "
        "later is set aside in RUN/abandoned"
    )  # fmt: skip
    command.add_argument(
        "--fork", metavar="OTHER[@STEP]", help="begin RUN where another run was (OTHER alone: at its newest snapshot), "
        "which stays as it is; --set then changes what may change while a run goes on"
    )  # fmt: skip
    command.add_argument("--replay", type=Path, metavar="OTHER", help="do again in RUN what the log of another tells")
    command.add_argument(
        "--sync-bn", action="store_true", help="same as --set sync_bn=true: under torchrun (torchrun "
        "--nproc-per-node=N -m ganexplorer train ...) batch norms see the batches of all processes; without it each "
        "sees that of its own process alone, as with a smaller batch_size"
    )  # fmt: skip
    command.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="where to train")
    command.set_defaults(run=_train)


def _train(arguments: argparse.Namespace) -> int:
    from ganexplorer.train.distributed import joined, restarted
    from ganexplorer.train.events import Command, Stop
    from ganexplorer.train.parallel import Elsewhere, linger
    from ganexplorer.train.trainer import Trainer

    asked: list[Command] = []

    def poll(seconds: float) -> Command | None:
        if not asked:
            time.sleep(seconds)
        return asked.pop() if asked else None

    previous: dict[int, Any] = {}
    try:
        with joined(arguments.device) as (parallel, device):
            # the first Ctrl+C saves and ends; a second one, after the handler is restored, interrupts at once
            for interrupt in (signal.SIGINT, signal.SIGTERM):
                previous[interrupt] = signal.signal(interrupt, lambda *_: asked.append(Stop()))
            request = parallel.from_first(lambda: restarted(_request(arguments), parallel))
            request = dataclasses.replace(request, device=device)
            return _follow(Trainer(request, poll, parallel), parallel, debug=arguments.debug)
    except Elsewhere:  # the process that failed tells why
        linger()
        return 2
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _request(arguments: argparse.Namespace) -> TrainRequest:
    """What was asked for; raises `UserError`. A fork is made here, and then gone on with."""
    from ganexplorer.train.config import ConfigError
    from ganexplorer.train.data import absolute
    from ganexplorer.train.distributed import is_restart
    from ganexplorer.train.events import TrainRequest
    from ganexplorer.train.recipes import RECIPES, recipe
    from ganexplorer.train.requests import refuse_finished, replayed, resumed
    from ganexplorer.train.runs import FREE_TO_CHANGE

    _check_beginning(arguments)
    if arguments.replay is not None:
        return replayed(arguments.replay, arguments.out)
    if arguments.fork is not None:
        return _forked(arguments)
    if arguments.resume:
        request = resumed(arguments.out, arguments.rollback)
        config, ref = request.config, absolute(arguments.data) if arguments.data else request.data
        if arguments.recipe is not None:
            config = recipe(arguments.recipe).config
        config = _configured(config, arguments)
        free = {name: value for name, value in _said(config, arguments).items() if name in FREE_TO_CHANGE}
        request = dataclasses.replace(request, config=config, data=ref, changes=free)
        if not is_restart():
            refuse_finished(request)
        return request
    if arguments.recipe is None:
        raise ConfigError(f"name a recipe: --recipe {' | '.join(RECIPES)}.")
    chosen = recipe(arguments.recipe)
    ref = absolute(arguments.data or chosen.data)
    if not ref:
        raise ConfigError(f"{chosen.name} needs pictures of yours: add --data folder:DIR.")
    config = _configured(chosen.config, arguments)
    decided = sorted(_said(config, arguments).keys() & DECIDED_BY_MODEL) if arguments.start else []
    if decided:
        raise ConfigError(
            f"--start {arguments.start}: the model decides {', '.join(decided)}. Leave that out of --set."
        )
    return TrainRequest(config, ref, arguments.out, recipe=chosen.name, start=arguments.start or "")


def _check_beginning(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be said together, before anything is read; raises `ConfigError`."""
    from ganexplorer.train.config import ConfigError

    is_fork, is_replay = arguments.fork is not None, arguments.replay is not None
    if is_fork and is_replay:
        raise ConfigError("--fork and --replay both begin a new run in RUN: leave out one of them.")
    if arguments.resume and (is_fork or is_replay):
        flag = "--fork" if is_fork else "--replay"
        raise ConfigError(f"{flag} begins a new run in RUN, and --resume goes on with the one there: leave out one.")
    if arguments.rollback is not None and is_fork:
        raise ConfigError("--fork takes the step to begin at with @, as in --fork OTHER@5000: leave out --rollback.")
    if arguments.rollback is not None and is_replay:
        raise ConfigError("--replay does all of a run again, from its first step: leave out --rollback.")
    if arguments.rollback is not None and not arguments.resume:
        raise ConfigError("--rollback STEP goes with --resume: add that.")
    if arguments.start is not None and arguments.resume:
        raise ConfigError("--start begins a new run, and --resume goes on with one: leave out one of them.")
    settings = (arguments.recipe, arguments.data, arguments.set, arguments.start, arguments.steps, arguments.epochs)
    if is_replay and any((*settings, arguments.sync_bn)):
        raise ConfigError("--replay does again what the log of a run tells, and takes no other settings.")
    if is_fork and (arguments.recipe or arguments.data or arguments.start):
        raise ConfigError("--fork goes on with the recipe and the data of the run it branches off from.")


def _forked(arguments: argparse.Namespace) -> TrainRequest:
    """Make the fork, and go on with it; raises `UserError` before there is one."""
    from ganexplorer.train.distributed import is_restart
    from ganexplorer.train.requests import forked, is_fork_of, newest_snapshot, refuse_finished, resumed
    from ganexplorer.train.runs import read_config

    parent, step = _parent(arguments.fork)
    config = read_config(parent).config
    changes = _said(config, arguments)
    config.changed_live(changes)
    if is_restart() and is_fork_of(arguments.out, parent, step):
        return dataclasses.replace(resumed(arguments.out), changes=changes)
    step = newest_snapshot(parent) if step is None else step
    refuse_finished(
        dataclasses.replace(resumed(parent, step), changes=changes), f", or fork an earlier snapshot: {parent}@STEP"
    )
    return dataclasses.replace(forked(parent, step, arguments.out), changes=changes)


def _parent(text: str) -> tuple[Path, int | None]:
    """The run and the step of ``OTHER[@STEP]``; raises `ConfigError`. Names of runs may have an @ in them."""
    from ganexplorer.train.config import ConfigError
    from ganexplorer.train.snapshots import snapshots

    def is_run(path: Path) -> bool:
        with contextlib.suppress(OSError):  # a name that is too long, a folder that is closed: to read it tells
            return (path / "config.json").is_file()
        return False

    name, at, step = text.rpartition("@")
    whole, run = Path(text), Path(name)
    is_step = step.isascii() and step.isdecimal() and len(step) < 10
    if not at or (is_run(whole) and not (is_step and is_run(run))):
        return whole, None
    if is_run(whole):
        raise ConfigError(
            f"--fork {text}: is a run itself, and step {step} of {run} too. Write {text}@STEP or {run}/@{step}."
        )
    if is_step:
        return run, int(step)
    if not is_run(run):  # to read it tells
        return whole, None
    what = f"{step!r} is no step" if step else "the step is missing"
    known = ", ".join(str(snapshot.step) for snapshot in snapshots(run) if snapshot.has_state) or "none yet"
    raise ConfigError(
        f"--fork {text}: {what}. Write a whole number after the @, of a snapshot that there is ({known}), or leave out "
        f"@{step} for the newest."
    )


def _configured(config: TrainConfig, arguments: argparse.Namespace) -> TrainConfig:
    """With what the arguments change."""
    config = config.with_settings([*arguments.set, *(["sync_bn=true"] if arguments.sync_bn else [])])
    if arguments.steps:
        return dataclasses.replace(config, steps=arguments.steps)
    if arguments.epochs:
        return dataclasses.replace(config, epochs=arguments.epochs, steps=0)
    return config


def _said(config: TrainConfig, arguments: argparse.Namespace) -> dict[str, Any]:
    """What the arguments name of the configuration, as plain JSON values, whether it differs or not."""
    names = {setting.partition("=")[0] for setting in arguments.set}
    names |= {"sync_bn"} if arguments.sync_bn else set()
    names |= {"steps"} if arguments.steps else {"steps", "epochs"} if arguments.epochs else set()
    values = _configured(config, arguments).to_dict()
    return {name: values[name] for name in sorted(names)}


def _follow(trainer: Trainer, parallel: Parallel, debug: bool) -> int:
    """Show a run's events as a progress bar; returns the exit status. The first process speaks for all."""
    from tqdm import tqdm

    from ganexplorer.train.events import (
        Changed,
        Ended,
        Mark,
        Notice,
        Paused,
        Progress,
        Refused,
        Scalars,
        SnapshotSaved,
        Started,
    )
    from ganexplorer.train.requests import finished, steps_of

    bar, per_epoch, quality = tqdm(disable=True), 0.0, ""
    for event in trainer.run():
        if isinstance(event, Started) and _is_in_vain(trainer.request, event):
            per_epoch, step = event.steps_per_epoch, event.first_step
            epochs = step / per_epoch if per_epoch else 0.0
            error = UserError(finished(str(event.run), step, event.total_steps, epochs, " and --resume"))
            bar.close()
            return _failed(parallel, error, str(error), debug)
        if not parallel.is_first and not isinstance(event, Ended):
            continue
        match event:
            case Progress(what, done, total):
                if bar.disable or bar.desc != what:
                    bar.close()
                    bar = tqdm(desc=what, total=total or None, leave=False, mininterval=pause())
                bar.update(done - bar.n)
            case Notice(text) | Mark(_, "health" | "warmed up", text) | Refused(_, text) | Paused(_, text) if text:
                tqdm.write(text, file=sys.stderr)
            case Started():
                bar.close()
                sizes = " and ".join(f"{count:,}" for count in event.parameters)
                where = event.device + (f", {parallel.size} processes" if parallel.size > 1 else "")
                tqdm.write(f"{event.data}; {sizes} parameters of G and D; on {where}", file=sys.stderr)
                bar = tqdm(
                    desc="training", total=event.total_steps, initial=event.first_step, unit="step", smoothing=0.05
                )
                per_epoch = event.steps_per_epoch
            case Changed(_, settings) if not settings.keys().isdisjoint(("steps", "epochs")):
                total = steps_of(trainer.config.steps, trainer.config.epochs, per_epoch)
                bar.total = min(total, trainer.request.until or total)
                bar.refresh()
            case Scalars():
                if math.isfinite(event.distance):
                    quality = f"  distance {event.distance:.3g}, recall {event.recall:.2f}"
                    quality += f", sure {event.sure:.0%}" if math.isfinite(event.sure) else ""
                bar.set_postfix_str(
                    f"D {event.d_loss:.3f} (real {event.d_loss_real:.3f}, fake {event.d_loss_fake:.3f})  "
                    f"G {event.g_loss:.3f}{quality}",
                    refresh=False,
                )
                bar.update(event.step - bar.n)
            case SnapshotSaved(step, _):
                bar.update(step - bar.n)
            case Ended("failed", _, message, snapshot):
                bar.close()
                kept = f" Last snapshot: {snapshot}" if snapshot else ""
                return _failed(parallel, trainer.error, message + kept, debug)
            case Ended(reason, step, _, snapshot) if parallel.is_first:
                bar.close()
                print(f"{reason} at step {step:,}" + (f": {snapshot}" if snapshot else ""))
                if snapshot:
                    print(_what_next(trainer.request.run, reason, parallel.size), file=sys.stderr)
    return 0


def _what_next(run: Path, reason: str, processes: int) -> str:
    if reason == "finished":
        return f"To explore it: ganexplorer gui --model {shlex.quote(str(run))}"
    program = "ganexplorer" if processes == 1 else f"torchrun --nproc-per-node={processes} -m ganexplorer"
    return f"To go on: {program} train --out {shlex.quote(str(run))} --resume"


def _is_in_vain(request: TrainRequest, started: Started) -> bool:
    """Whether a run to go on with has nothing left to do, which only its data could tell."""
    from ganexplorer.train.distributed import is_restart

    return request.resume and started.first_step >= started.total_steps and not is_restart()


def _failed(parallel: Parallel, error: Exception | None, message: str, debug: bool) -> int:
    """Tell of what ended a run, in one of its processes; returns the exit status."""
    from ganexplorer.train.parallel import linger

    status = 2 if isinstance(error, UserError) else 1
    if not parallel.tells(error):
        linger()
        return status
    if debug and error is not None:
        raise error
    return fail(message, status)
