"""train: a run, its events shown as a progress bar."""

from __future__ import annotations

import argparse
import signal
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganexplorer.cli.parsing import add_command, fail, parse_positive
from ganexplorer.core.errors import UserError

if TYPE_CHECKING:
    from ganexplorer.train.trainer import Trainer


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = add_command(
        commands, "train", "train a generator and its discriminator",
        "ganexplorer train --recipe mlp-64-stable --data toy:digits --out runs/first --epochs 5",
    )  # fmt: skip
    command.more_help = _train_help
    command.add_argument("--recipe", metavar="R", help="a recipe, listed below; not needed to --resume")
    command.add_argument("--data", metavar="REF", help="mnist[:DIR], folder:DIR, toy:digits or toy:1010")
    command.add_argument("--out", type=Path, required=True, metavar="RUN", help="the run folder, new or to --resume")
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a hyperparameter")
    length = command.add_mutually_exclusive_group()
    length.add_argument("--steps", type=parse_positive, help="steps in all")
    length.add_argument("--epochs", type=parse_positive, help="passes over the data")
    command.add_argument("--resume", action="store_true", help="go on with the run in RUN, exactly where it stood")
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
    import dataclasses

    from ganexplorer.train.config import RECIPES, ConfigError, Recipe, recipe
    from ganexplorer.train.events import Command, Stop, TrainRequest
    from ganexplorer.train.runs import read_config
    from ganexplorer.train.trainer import Trainer

    if arguments.recipe is not None:
        chosen = recipe(arguments.recipe)
    elif arguments.resume:
        saved = read_config(arguments.out)
        chosen = Recipe(saved.recipe, saved.data, "", saved.config)
    else:
        raise ConfigError(f"name a recipe: --recipe {' | '.join(RECIPES)}.")
    config = chosen.config.with_settings(arguments.set)
    if arguments.steps:
        config = dataclasses.replace(config, steps=arguments.steps)
    elif arguments.epochs:
        config = dataclasses.replace(config, epochs=arguments.epochs, steps=0)
    ref = arguments.data or chosen.data
    if not ref:
        raise ConfigError(f"{chosen.name} needs pictures of yours: add --data folder:DIR.")
    request = TrainRequest(config, ref, arguments.out, arguments.device, recipe=chosen.name, resume=arguments.resume)
    asked: list[Command] = []
    trainer = Trainer(request, lambda: asked.pop() if asked else None)
    # the first Ctrl+C saves and ends; a second one, after the handler is restored, interrupts at once
    previous = {
        number: signal.signal(number, lambda *_: asked.append(Stop())) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        return _follow(trainer, debug=arguments.debug)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _follow(trainer: Trainer, debug: bool) -> int:
    """Show a run's events as a progress bar; returns the exit status."""
    from tqdm import tqdm

    from ganexplorer.train.events import Ended, Notice, Progress, Scalars, SnapshotSaved, Started

    bar = tqdm(disable=True)
    for event in trainer.run():
        match event:
            case Progress(what, done, total):
                if bar.disable or bar.desc != what:
                    bar.close()
                    bar = tqdm(desc=what, total=total or None, leave=False)
                bar.update(done - bar.n)
            case Notice(text):
                tqdm.write(text, file=sys.stderr)
            case Started():
                bar.close()
                sizes = " and ".join(f"{count:,}" for count in event.parameters)
                tqdm.write(f"{event.data}; {sizes} parameters of G and D; on {event.device}", file=sys.stderr)
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
                if debug and trainer.error is not None:
                    raise trainer.error
                kept = f" Last snapshot: {snapshot}" if snapshot else ""
                return fail(message + kept, 2 if isinstance(trainer.error, UserError) else 1)
            case Ended(reason, step, _, snapshot):
                bar.close()
                print(f"{reason} at step {step:,}: {snapshot}")
    return 0
