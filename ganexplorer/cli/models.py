"""models, inspect: what there is, and what it is."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganexplorer.cli.converting import choice_lines
from ganexplorer.cli.parsing import add_command, add_model, fail, tell
from ganexplorer.core.errors import UserError, plain

if TYPE_CHECKING:
    from ganexplorer.core.zoo import ModelEntry

_FIRST_NUMBERS = ("lenet_fid", "frechet_random", "sure", "precision", "recall")


def add(commands: Any) -> None:
    """Add the parsers of both commands."""
    command = add_command(commands, "models", "list the models", "ganexplorer models --json")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_models)

    command = add_command(
        commands,
        "inspect",
        "tell what a model is, and what was understood of a file from elsewhere",
        "ganexplorer inspect mnist-mlp-64",
    )
    add_model(command)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_inspect)


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
            [r["name"], r["layers"], str(r["z_dim"]), _shape_words(r["image_shape"]), plain(r["data"], 40),
             f"{r['size'] / 1e6:.1f} MB"]
            for r in rows
        ]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for row in table:
            tell("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    else:
        print("no models found")
    return 0


def _inspect(arguments: argparse.Namespace) -> int:
    from ganexplorer.core import zoo

    entry = zoo.resolve(arguments.model)
    if entry.note:
        fail(entry.note, 0)
    entry.load()  # a damaged file is told here, not later
    facts = _facts(entry)
    if arguments.json:
        print(json.dumps(facts, indent=2))
        return 0
    for key in ("name", "family", "layers", "z_dim", "prior", "image_shape", "value_range", "parameters"):
        tell(f"{key.replace('_', ' '):<14}{facts[key]}")
    print(f"{'discriminator':<14}{'yes' if facts['has_discriminator'] else 'no'}")
    for key in ("title", "recipe", "data", "step", "note", "source"):
        if facts[key] not in (None, ""):
            tell(f"{key:<14}{facts[key]}")
    if facts["directions"]:
        tell(f"{'directions':<14}{facts['directions']}")
    if facts["numbers"]:
        told = (f"{key} {value:.4g} ({floor:.4g})" for key, (value, floor) in facts["numbers"].items())
        tell(f"{'numbers':<14}{', '.join(told)} (in brackets: of real images)")
    if entry.foreign is not None:
        for title, words in choice_lines(entry.foreign):
            tell(f"{title:<14}{words}")
        tell(f"{'to change':<14}give flags to `ganexplorer convert`, or open the file in the window")
        if entry.foreign.note:
            tell(f"{'note':<14}{entry.foreign.note}")
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
        "title": str(card.get("title", "")),
        "note": str(card.get("note", "")),
        "recipe": card.get("recipe", ""),
        "data": str(card.get("data", "")),
        "step": card.get("step"),
        "directions": _direction_count(entry),
        "numbers": _numbers(card),
        "assumed": card.get("assumed", {}),
        "size": entry.size,
        "source": str(entry.path),
    }


def _numbers(card: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Of the numbers in a card the first to look at, and those of real images. Somebody else may have written it."""
    evaluation = card.get("evaluation")
    metrics = evaluation.get("metrics") if isinstance(evaluation, dict) else None
    found = {}
    for key in _FIRST_NUMBERS:
        metric = metrics.get(key) if isinstance(metrics, dict) else None
        value, floor = (metric.get("value"), metric.get("floor")) if isinstance(metric, dict) else (None, None)
        if isinstance(value, int | float) and isinstance(floor, int | float):
            found[key] = (float(value), float(floor))
    return found


def _direction_count(entry: ModelEntry) -> int:
    from ganexplorer.core.direction_files import shipped_directions

    try:
        return len(shipped_directions(entry))
    except UserError:  # the window tells
        return 0


def _shape_words(shape: Sequence[int]) -> str:
    channels, height, width = shape
    return f"{width}x{height} {({1: 'gray', 3: 'colour'}).get(channels, f'x{channels}')}"
