"""publish: a model folder of anything that opens."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from ganexplorer.cli.parsing import add_command, add_model, fail, tell
from ganexplorer.core.errors import UserError, plain

_MAX_NUMBERS = 1024 * 1024  # bytes


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = add_command(
        commands, "publish", "make a model folder, with card and samples, to keep or to give away",
        "ganexplorer publish runs/faces -o my-faces --title Faces",
    )  # fmt: skip
    add_model(command)
    command.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER", help="a new folder; its name is "
                         "the model's")  # fmt: skip
    command.add_argument("--title", default="", help="what it is, in a few words")
    command.add_argument("--note", default="", help="what one should know: the source of the data, terms of use")
    command.add_argument("--numbers", type=Path, metavar="FILE.json",
                         help="what `ganexplorer evaluate --json` printed, for the card")  # fmt: skip
    command.add_argument("--directions", type=Path, metavar="FILE.json", help="what `ganexplorer directions -o` wrote; "
                         "default those that the model has")  # fmt: skip
    command.add_argument("--precise", action="store_true", help="weights as float32 also where float16 shows the same")
    command.set_defaults(run=_publish)


def _publish(arguments: argparse.Namespace) -> int:
    from ganexplorer.core.direction_files import load_directions, shipped_file
    from ganexplorer.core.publishing import publish
    from ganexplorer.core.zoo import default_roots, resolve, user_folder

    source = resolve(arguments.model)
    path = arguments.directions or shipped_file(source)
    directions = [] if path is None else load_directions(path, source.spec.z_dim)
    facts = {key: value for key, value in (("title", arguments.title), ("note", arguments.note)) if value}
    numbers = {} if arguments.numbers is None else {"evaluation": _numbers(arguments.numbers, source.name)}
    try:
        entry = publish(source, arguments.out, facts | numbers, directions=directions, precise=arguments.precise)
    except OSError as error:
        raise UserError(
            f"{error.filename or arguments.out}: cannot be written ({error.strerror or error}). Name a folder of yours."
        ) from None
    along = f", {len(directions)} directions" if directions else ""
    tell(f"{arguments.out}: {entry.spec.summary()}, {entry.size / 1e6:.1f} MB, weights {entry.card['weights']}{along}")
    if "evaluation" not in entry.card:
        fail("The card has no numbers: add them by --numbers with what `ganexplorer evaluate --json` prints.", 0)
    if arguments.out.absolute().parent not in default_roots():
        fail(
            f"It opens by its path; among the models of the window, and by its name, once it lies in {user_folder()}.",
            0,
        )
    return 0


def _numbers(path: Path, name: str) -> dict[str, Any]:
    from ganexplorer.core.files import read_small

    try:
        numbers: Any = json.loads(read_small(path, _MAX_NUMBERS))
    except (ValueError, RecursionError):
        numbers = None
    metrics = numbers.get("metrics") if isinstance(numbers, dict) else None
    if not isinstance(metrics, dict) or not all(isinstance(metric, dict) for metric in metrics.values()):
        raise UserError(f"{path}: is not what `ganexplorer evaluate --json` prints. Save its output to a file.")
    if numbers.get("model", name) != name:
        raise UserError(
            f"{path}: is of {plain(str(numbers['model']))}, not of {name}. Evaluate the model that you publish."
        )
    kept = {key: numbers[key] for key in ("count", "seed", "repeats", "features", "held_out") if numbers.get(key)}
    told = {
        name: {key: _short(metric[key]) for key in ("value", "error", "floor", "unit", "interval") if key in metric}
        for name, metric in metrics.items()
    }
    described = {"data": _described(str(numbers.get("data", ""))), **kept, "metrics": told}
    classes = numbers.get("classes")
    if isinstance(classes, dict) and classes:
        described["classes"] = {name: _short(share) for name, share in classes.items()}
    return described


def _short(value: Any) -> Any:
    """A number with as many digits as say something; anything else as it is."""
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _described(data: str) -> str:
    """The description of data without the folders of this machine: of a path its last name stays."""
    return re.sub(r"(?<=pictures of ).*[\\/](?=[^\\/]+, \d+x\d+, )", "", data)
