"""evaluate: how good a generator is, in numbers."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any, get_args

from ganexplorer.cli.parsing import add_command, add_model, fail, parse_positive, parse_seed, tell
from ganexplorer.cli.showing import shown
from ganexplorer.core.errors import UserError

if TYPE_CHECKING:
    from ganexplorer.core.zoo import ModelEntry
    from ganexplorer.train.preparation import Preparation


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
        "toy:digits, toy:faces, toy:1010; default what the model's card names; of the same data its classes",
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
    network = entry.load_generator()
    ref, preparation = _data(entry, arguments.data)
    real = shown(read_real(ref, network.spec.image_shape, preparation, device))
    found = []
    for repeat in range(arguments.repeats):
        seed = arguments.seed + repeat
        seed -= 2**64 if seed >= 2**64 else 0
        found.append(shown(evaluate(network, real, arguments.count, seed, device), f"{repeat + 1}: "
                            if arguments.repeats > 1 else ""))  # fmt: skip
    evaluation = dataclasses.replace(mean_of(found), model=entry.name)
    if arguments.json:
        print(evaluation.to_json())
    else:
        for line in table(evaluation):
            tell(line)
    return 0


def _data(entry: ModelEntry, ref: str | None) -> tuple[str, Preparation]:
    """The data to compare with, and how the model saw them; raises `UserError` where nobody names any.

    Data of the same kind are prepared as the model's were, wherever they lie.
    """
    from ganexplorer.core.publishing import without_path
    from ganexplorer.train.preparation import Fit, Preparation

    named, config = entry.card.get("data"), entry.card.get("config")
    named = named if isinstance(named, str) else ""
    if ref is None and not named:
        raise UserError(f"{entry.name}: does not tell what it was trained on. Name the data: --data REF.")
    if ref is not None and without_path(ref) != without_path(named):
        return ref, Preparation()
    config = config if isinstance(config, dict) else {}
    fits: dict[object, Fit] = {fit: fit for fit in get_args(Fit)}
    classes = config.get("classes")
    return ref or named, Preparation(
        fit=fits.get(str(config.get("fit")), "crop"), classes=classes if isinstance(classes, str) else ""
    )
