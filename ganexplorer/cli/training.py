"""train: a run, its events shown as a progress bar."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganexplorer.cli.parsing import add_command, fail, parse_positive
from ganexplorer.core.errors import UserError

if TYPE_CHECKING:
    from ganexplorer.train.config import TrainConfig
    from ganexplorer.train.events import TrainRequest
    from ganexplorer.train.parallel import Parallel
    from ganexplorer.train.trainer import Trainer


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = add_command(
        commands, "train", "train a generator and its discriminator",
        "ganexplorer train --recipe mlp-64-stable --data toy:digits --out runs/first --epochs 5",
    )  # fmt: skip
    command.more_help = _train_help
    command.add_argument("--recipe", metavar="R", help="a recipe, listed below; not needed to --resume")
    command.add_argument(
        "--data",
        metavar="REF",
        help="what to train on, else what the recipe is meant for: mnist, fashion-mnist, "
        "kmnist (each [:DIR], downloaded where it is not there), celeba:DIR, folder:DIR, toy:digits, toy:1010",
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


def _train_help() -> str:
    """The recipes and the hyperparameters, made from `RECIPES` and `TrainConfig`."""
    from ganexplorer.train.config import RECIPES, parameters

    lines = ["recipes:"]
    for item in RECIPES.values():
        text = textwrap.fill(item.summary, 96, initial_indent="    ", subsequent_indent="    ")
        lines += [f"  {item.name}  (data: {item.data or 'folder:DIR'})", text]
    lines += ["", "hyperparameters for --set, with the values of a recipe that does not say otherwise:"]
    for parameter in parameters():
        default = ",".join(map(str, parameter.default)) if parameter.type is tuple else str(parameter.default)
        choices = f" [{'|'.join(parameter.choices)}]" if parameter.choices else ""
        lines.append(f"  {parameter.name + '=' + default:<28}{parameter.help}{choices}")
    return "\n".join(lines) + "\n"


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
            request = parallel.from_first(lambda: restarted(_request(arguments)))
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
    from ganexplorer.train.config import RECIPES, ConfigError, recipe
    from ganexplorer.train.events import TrainRequest
    from ganexplorer.train.runs import FREE_TO_CHANGE, read_config
    from ganexplorer.train.starting import forked, replayed, resumed

    if arguments.rollback is not None and not arguments.resume:
        raise ConfigError("--rollback STEP goes with --resume.")
    if arguments.replay is not None:
        if any((arguments.recipe, arguments.data, arguments.set, arguments.start, arguments.steps, arguments.epochs)):
            raise ConfigError("--replay does again what the log of a run tells, and takes no other settings.")
        return replayed(arguments.replay, arguments.out)
    if arguments.fork is not None:
        if arguments.recipe or arguments.data or arguments.start:
            raise ConfigError("--fork goes on with the recipe and the data of the run it branches off from.")
        run, at, step = arguments.fork.rpartition("@")
        has_step = bool(at) and step.isdigit()
        parent = Path(run if has_step else arguments.fork)
        config = read_config(parent).config
        changes = _said(config, arguments)
        config.changed_live(changes)  # raises, before there is a fork
        request = forked(parent, int(step) if has_step else None, arguments.out)
        return dataclasses.replace(request, changes=changes)
    if arguments.resume:
        request = resumed(arguments.out, arguments.rollback)
        config, ref = request.config, arguments.data or request.data
        if arguments.recipe is not None:
            config = recipe(arguments.recipe).config
        config = _configured(config, arguments)
        free = {name: value for name, value in _said(config, arguments).items() if name in FREE_TO_CHANGE}
        return dataclasses.replace(request, config=config, data=ref, changes=free)
    if arguments.recipe is None:
        raise ConfigError(f"name a recipe: --recipe {' | '.join(RECIPES)}.")
    chosen = recipe(arguments.recipe)
    ref = arguments.data or chosen.data
    if not ref:
        raise ConfigError(f"{chosen.name} needs pictures of yours: add --data folder:DIR.")
    config = _configured(chosen.config, arguments)
    return TrainRequest(config, ref, arguments.out, recipe=chosen.name, start=arguments.start or "")


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

    from ganexplorer.train.events import Ended, Mark, Notice, Paused, Progress, Scalars, SnapshotSaved, Started
    from ganexplorer.train.parallel import linger

    bar = tqdm(disable=True)
    for event in trainer.run():
        if not parallel.is_first and not isinstance(event, Ended):
            continue
        match event:
            case Progress(what, done, total):
                if bar.disable or bar.desc != what:
                    bar.close()
                    bar = tqdm(desc=what, total=total or None, leave=False)
                bar.update(done - bar.n)
            case Notice(text) | Mark(_, "health", text) | Paused(_, text) if text:
                tqdm.write(text, file=sys.stderr)
            case Started():
                bar.close()
                sizes = " and ".join(f"{count:,}" for count in event.parameters)
                where = event.device + (f", {parallel.size} processes" if parallel.size > 1 else "")
                tqdm.write(f"{event.data}; {sizes} parameters of G and D; on {where}", file=sys.stderr)
                bar = tqdm(
                    desc="training", total=event.total_steps, initial=event.first_step, unit="it", smoothing=0.05
                )
            case Scalars():
                bar.set_postfix_str(
                    f"D {event.d_loss:.3f} (real {event.d_loss_real:.3f}, fake {event.d_loss_fake:.3f})  "
                    f"G {event.g_loss:.3f}",
                    refresh=False,
                )
                bar.update(event.step - bar.n)
            case SnapshotSaved(step, _):
                bar.update(step - bar.n)
            case Ended("failed", _, message, snapshot):
                bar.close()
                status = 2 if isinstance(trainer.error, UserError) else 1
                if not parallel.tells(trainer.error):
                    linger()
                    return status
                if debug and trainer.error is not None:
                    raise trainer.error
                kept = f" Last snapshot: {snapshot}" if snapshot else ""
                return fail(message + kept, status)
            case Ended(reason, step, _, snapshot) if parallel.is_first:
                bar.close()
                print(f"{reason} at step {step:,}" + (f": {snapshot}" if snapshot else ""))
    return 0
