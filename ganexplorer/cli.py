"""The command line. Exit status 0; 1: it failed; 2: bad arguments or unusable input."""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ganexplorer import __version__
from ganexplorer.core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from ganexplorer.core.generator import Generator
    from ganexplorer.core.zoo import ModelEntry
    from ganexplorer.train.trainer import Trainer

# heavy imports (torch) stand in the commands: --help answers at once


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets ``run``, a function of the parsed arguments."""
    parser = _Parser(prog="ganexplorer", description="Hold a GAN in your hands. Without a command, the window opens.")
    parser.add_argument("--version", action="version", version=f"ganexplorer {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", parser_class=_Parser)
    _add_gui(commands)

    command = _add(commands, "models", "list the models", "ganexplorer models --json")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_models)

    command = _add(commands, "inspect", "tell what a model is", "ganexplorer inspect mnist-mlp-64")
    _add_model(command)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_inspect)

    command = _add(
        commands,
        "sample",
        "draw samples",
        "ganexplorer sample mnist-mlp-64 -n 64 --seed 7 --truncation 0.8 -o sheet.png",
    )
    _add_model(command)
    command.add_argument("-n", "--count", type=_positive, default=64, help="how many (default 64)")
    command.add_argument("--seed", type=_seed, default=0, help="of z (default 0)")
    command.add_argument("--truncation", type=_finite, default=1.0, help="distance from the prior's centre (default 1)")
    command.add_argument("--z", type=Path, metavar="Z.npy", help="z, (N, z_dim), to use instead of a seed")
    command.add_argument(
        "-o", "--out", type=Path, required=True, help="OUT.png: a sheet; OUT.npy: float32 (N, C, H, W)"
    )
    command.set_defaults(run=_sample)

    command = _add(
        commands, "interpolate", "morph from seed to seed, as the window does between A and B",
        "ganexplorer interpolate mnist-mlp-64 --seeds 1,2,3 --mode slerp --loop -o morph.gif",
    )  # fmt: skip
    _add_model(command)
    command.add_argument("--seeds", type=_seeds, required=True, metavar="1,2,3", help="two or more seeds")
    command.add_argument(
        "--mode", choices=("lerp", "slerp", "box"), default="slerp", help="kind of path (default slerp)"
    )
    command.add_argument("--frames", type=_positive, default=60, help="pictures in all (default 60)")
    command.add_argument("--fps", type=float, default=30, help="frames a second of a GIF (default 30)")
    command.add_argument("--loop", action="store_true", help="return to the first seed")
    command.add_argument("-o", "--out", type=Path, required=True, help="OUT.gif, or OUT.png for a sheet")
    command.set_defaults(run=_interpolate)

    _add_train(commands)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run a command other than ``gui``; returns the exit status."""
    return run(build_parser().parse_args(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Run what `build_parser` parsed; errors become one plain line on stderr."""
    command: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return command(arguments)
    except UserError as error:
        if arguments.debug:
            raise
        return fail(str(error), 2)
    except KeyboardInterrupt:
        return fail("interrupted", 130)
    except Exception as error:
        if arguments.debug:
            raise
        return fail(f"{type(error).__name__}: {error} (--debug shows where)", 1)


def fail(message: str, status: int) -> int:
    """Print one plain line; returns `status`."""
    print(f"ganexplorer: {' '.join(message.split())}", file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    """A command's parser whose help may end in text that is slow to come by (`more_help`)."""

    more_help: Callable[[], str] | None = None

    def error(self, message: str) -> NoReturn:
        """One plain line, like every other error."""
        sys.exit(fail(f"{message}. See {self.prog} --help", 2))

    def format_help(self) -> str:
        help = super().format_help()
        return help if self.more_help is None else f"{help}\n{self.more_help()}"


def _add(commands: Any, name: str, help: str, example: str) -> _Parser:
    parser: _Parser = commands.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # before or after the command; suppressed, so that it does not undo the one before
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
    )
    return parser


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", help="a name from `ganexplorer models`, a run folder, or a file")


def _add_gui(commands: Any) -> None:
    command = _add(commands, "gui", "open the window", "ganexplorer gui --model mnist-mlp-64")
    command.add_argument("--model", metavar="M", help="a name, a run folder, or a file")
    command.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="where to render")
    command.add_argument("--theme", default="system", choices=("system", "dark", "light"), help="colours of the window")
    command.add_argument(
        "--size", type=_size, default=(1280, 800), metavar="WxH", help="size of the window (default 1280x800)"
    )
    command.add_argument("--screenshot", type=Path, metavar="PNG", help="save a picture of the window and leave")


def _add_train(commands: Any) -> None:
    command = _add(
        commands, "train", "train a generator and its discriminator",
        "ganexplorer train --recipe mlp-64-stable --data toy:digits --out runs/first --epochs 5",
    )  # fmt: skip
    command.more_help = _train_help
    command.add_argument("--recipe", metavar="R", help="a recipe, listed below; not needed to --resume")
    command.add_argument("--data", metavar="REF", help="mnist[:DIR], folder:DIR, toy:digits or toy:1010")
    command.add_argument("--out", type=Path, required=True, metavar="RUN", help="the run folder, new or to --resume")
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a hyperparameter")
    length = command.add_mutually_exclusive_group()
    length.add_argument("--steps", type=_positive, help="steps in all")
    length.add_argument("--epochs", type=_positive, help="passes over the data")
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


def _models(arguments: argparse.Namespace) -> int:
    from ganexplorer.core import zoo

    rows = []
    for entry in [*zoo.discover(), *zoo.discover_runs(zoo.runs_folder())]:
        try:
            rows.append(_facts(entry))
        except UserError as error:
            fail(str(error), 2)
    if arguments.json:
        print(json.dumps(rows, indent=2))
    elif rows:
        table = [["name", "layers", "z", "image", "data", "size"]]
        table += [
            [r["name"], r["layers"], str(r["z_dim"]), _shape_words(r["image_shape"]), r["data"],
             f"{r['size'] / 1e6:.1f} MB"]
            for r in rows
        ]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for row in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    else:
        print("no models found")
    return 0


def _inspect(arguments: argparse.Namespace) -> int:
    from ganexplorer.core import zoo

    entry = zoo.resolve(arguments.model)
    entry.load()  # a damaged file is told here, not later
    facts = _facts(entry)
    if arguments.json:
        print(json.dumps(facts, indent=2))
        return 0
    for key in ("name", "family", "layers", "z_dim", "prior", "image_shape", "value_range", "parameters"):
        print(f"{key.replace('_', ' '):<14}{facts[key]}")
    print(f"{'discriminator':<14}{'yes' if facts['has_discriminator'] else 'no'}")
    for key in ("recipe", "data", "step", "source"):
        if facts[key] not in (None, ""):
            print(f"{key:<14}{facts[key]}")
    return 0


def _facts(entry: ModelEntry) -> dict[str, Any]:
    """A model as JSON values; ``inspect --json`` and ``models --json`` print it."""
    spec, card = entry.spec, entry.card
    return {
        "name": entry.name,
        "family": spec.family,
        "layers": spec.summary(),
        "z_dim": spec.z_dim,
        "prior": str(spec.prior),
        "image_shape": list(spec.image_shape),
        "value_range": list(spec.value_range),
        "parameters": spec.parameter_count,
        "has_discriminator": entry.has_discriminator,
        "recipe": card.get("recipe", ""),
        "data": str(card.get("data", "")),
        "step": card.get("step"),
        "size": entry.size,
        "source": str(entry.path),
    }


def _sample(arguments: argparse.Namespace) -> int:
    import torch

    import ganexplorer
    from ganexplorer.core import latent, media
    from ganexplorer.core.generator import Generator
    from ganexplorer.core.render import to_pixels
    from ganexplorer.core.zoo import resolve

    _check_suffix(arguments.out, (".png", ".npy"))
    entry = resolve(arguments.model)
    generator = Generator(entry.load())
    if arguments.z is None:
        z = ganexplorer.sample(generator, arguments.count, arguments.seed, arguments.truncation)
    else:
        z = latent.truncate(media.load_latents(arguments.z, generator.z_dim), generator.prior, arguments.truncation)
    images = torch.cat(list(_in_chunks(generator, z)))
    if arguments.out.suffix.lower() == ".npy":
        media.save_npy(arguments.out, images)
    else:
        media.save_png(arguments.out, media.sheet(to_pixels(images)), media.Origin(entry.name, z))
    return 0


def _interpolate(arguments: argparse.Namespace) -> int:
    from ganexplorer.core import latent, media
    from ganexplorer.core.generator import Generator
    from ganexplorer.core.render import to_pixels
    from ganexplorer.core.zoo import resolve

    _check_suffix(arguments.out, (".gif", ".png"))
    if arguments.frames < 2:
        raise UserError("--frames: a morph needs at least 2.")
    entry = resolve(arguments.model)
    generator = Generator(entry.load())
    keys = [latent.seeded(generator.prior, generator.z_dim, seed)[0] for seed in arguments.seeds]
    z = latent.path(keys, arguments.frames, arguments.mode, generator.prior, arguments.loop)
    pixels = [picture for images in _in_chunks(generator, z) for picture in to_pixels(images)]
    if arguments.out.suffix.lower() == ".gif":
        # GIF players blur small pictures: enlarge to about 256 pixels
        zoom = max(1, 256 // max(generator.image_shape[1:]))
        media.save_gif(arguments.out, [media.enlarge(picture, zoom) for picture in pixels], arguments.fps)
    else:
        import numpy as np

        media.save_png(arguments.out, media.sheet(np.stack(pixels)), media.Origin(entry.name, z))
    return 0


def _in_chunks(generator: Generator, z: Tensor) -> Iterator[Tensor]:
    """Images of z, 64 at a time, with a progress bar where it takes long."""
    import torch
    from tqdm import tqdm

    for chunk in tqdm(torch.split(z, 64), desc="rendering", delay=1):
        yield generator(chunk)


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


def _check_suffix(path: Path, known: Sequence[str]) -> None:
    if path.suffix.lower() not in known:
        raise UserError(f"{path}: cannot write this kind of file. Use a name that ends in {' or '.join(known)}.")


def _shape_words(shape: Sequence[int]) -> str:
    channels, height, width = shape
    return f"{width}x{height} {({1: 'gray', 3: 'colour'}).get(channels, f'x{channels}')}"


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _seed(text: str) -> int:
    value = _whole(text)
    if not -(2**63) <= value < 2**64:
        raise argparse.ArgumentTypeError(f"{text} is not a seed of 64 bits")
    return value


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def _positive(text: str) -> int:
    value = _whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def _seeds(text: str) -> list[int]:
    seeds = [_seed(part) for part in text.split(",")]
    if len(seeds) < 2:
        raise argparse.ArgumentTypeError("give two or more seeds, as in 1,2,3")
    return seeds


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not WxH, as in 1280x800")
    return int(width), int(height)
