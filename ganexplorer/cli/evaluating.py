"""evaluate: how good a generator is, in numbers."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from ganexplorer.cli.parsing import add_command, add_model, fail, parse_positive, parse_seed, tell
from ganexplorer.core.errors import UserError, plain

if TYPE_CHECKING:
    from ganexplorer.core.zoo import ModelEntry
    from ganexplorer.train.events import Notice, Progress
    from ganexplorer.train.preparation import Preparation

_T = TypeVar("_T")


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = add_command(
        commands,
        "evaluate",
        "measure how good a generator is, beside what real images get",
        "ganexplorer evaluate mnist-mlp-64 --data mnist --repeats 3",
    )
    add_model(command)
    command.add_argument(
        "--data",
        metavar="REF",
        help="real images to compare with: mnist, fashion-mnist, kmnist (each [:DIR]), celeba:DIR, folder:DIR, "
        "toy:digits, toy:faces, toy:1010; default what the model's card names, with its classes",
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "-n", "--count", type=parse_positive, default=10_000, help="samples, and real images (default 10000)"
    )
    command.add_argument(
        "--seed", type=parse_seed, default=0, help="draws z, and which real images are taken (default 0)"
    )
    command.add_argument(
        "--repeats", type=parse_positive, default=1, metavar="R", help="evaluate with R seeds, this one and those that "
        "follow: means, and standard deviations"
    )  # fmt: skip
    command.add_argument(
        "--device", default="auto", choices=("auto", "cpu", "cuda", "mps"), help="where to compute (default auto)"
    )
    command.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
    from ganexplorer.core import zoo
    from ganexplorer.core.devices import pick_device
    from ganexplorer.train.evaluation import evaluate, read_real
    from ganexplorer.train.scores import mean_of, table

    device = pick_device(arguments.device)
    entry = zoo.resolve(arguments.model)
    if entry.note:
        fail(entry.note, 0)
    network = entry.load().generator
    ref, preparation = _data(entry, arguments.data)
    real = _shown(read_real(ref, network.spec.image_shape, preparation, device))
    found = []
    for repeat in range(arguments.repeats):
        seed = arguments.seed + repeat
        seed -= 2**64 if seed >= 2**64 else 0
        found.append(_shown(evaluate(network, real, arguments.count, seed, device), f"{repeat + 1}: "
                            if arguments.repeats > 1 else ""))  # fmt: skip
    evaluation = dataclasses.replace(mean_of(found), model=entry.name)
    if arguments.json:
        print(evaluation.to_json())
    else:
        for line in table(evaluation):
            tell(line)
    return 0


def _data(entry: ModelEntry, ref: str | None) -> tuple[str, Preparation]:
    """The data to compare with, and how the model saw them; raises `UserError` where nobody names any."""
    from ganexplorer.train.preparation import Fit, Preparation

    if ref is not None:
        return ref, Preparation()
    named, config = entry.card.get("data"), entry.card.get("config")
    if not isinstance(named, str) or not named:
        raise UserError(f"{entry.name}: does not tell what it was trained on. Name the data: --data REF.")
    config = config if isinstance(config, dict) else {}
    fits: dict[object, Fit] = {fit: fit for fit in get_args(Fit)}
    classes = config.get("classes")
    return named, Preparation(
        fit=fits.get(str(config.get("fit")), "crop"), classes=classes if isinstance(classes, str) else ""
    )


def _shown(working: Generator[Progress | Notice, None, _T], before: str = "") -> _T:
    """What a generator of progress returns; progress and notices on stderr, the bars only of what takes long."""
    from tqdm import tqdm

    from ganexplorer.train.events import Notice

    bar = tqdm(disable=True)
    try:
        while True:
            event = next(working)
            if isinstance(event, Notice):
                tqdm.write(plain(event.text), file=sys.stderr)
                continue
            what = plain(before + event.what)
            if bar.disable or (bar.desc.removesuffix(": "), bar.total or 0) != (what, event.total):
                bar.close()
                bar = tqdm(desc=what, total=event.total or None, leave=False, delay=0.5)
            bar.update(event.done - bar.n)
    except StopIteration as end:
        result: _T = end.value
        return result
    finally:
        bar.close()
