"""directions: what to move z along, with names that say what it does."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ganexplorer.cli.parsing import add_command, add_model, check_suffix, fail, parse_positive, parse_seed, tell
from ganexplorer.cli.showing import shown
from ganexplorer.core.errors import UserError

if TYPE_CHECKING:
    from ganexplorer.core.directions import Direction
    from ganexplorer.core.zoo import ModelEntry
    from ganexplorer.train.named_directions import Finding, Findings
    from ganexplorer.train.sources import ImageSource

_COUNT = 5  # directions of the first layer


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = add_command(
        commands, "directions", "find directions that change what their names say, and check them on held-out samples",
        "ganexplorer directions mnist-mlp-64 --data mnist --pairs 3-8,4-9 -o directions.json",
    )  # fmt: skip
    add_model(command)
    command.add_argument(
        "--data",
        metavar="REF",
        help="labelled images like the model's: mnist, fashion-mnist, kmnist (each [:DIR]), celeba:DIR, folder:DIR "
        "with class folders, toy:digits, toy:faces; default what the model's card names",
    )
    command.add_argument(
        "--method",
        default="learned",
        choices=("learned", "sefa", "pca"),
        help="learned: what the labels of the data name (default); sefa, pca: what is strongest in the first layer, "
        "without data and names",
    )
    command.add_argument(
        "--names",
        "--classes",
        default="",
        metavar="A,B",
        help="attributes, or classes to lead to, or what is measured without labels: thicker, slanted, wider, taller, "
        "brighter, warmer; default all attributes, the rarer of two classes, a dozen pairs of more",
    )
    command.add_argument("--pairs", default="", metavar="A-B,...", help="from class A to class B, as in 3-8,1-7")
    command.add_argument("-n", "--count", type=parse_positive, help="how many, with --method sefa or pca (default 5)")
    command.add_argument(
        "--seed", type=parse_seed, default=0, help="of the classifiers, the samples and the search (default 0)"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "-o", "--out", type=Path, metavar="FILE.json", help="write those that passed; directions.json in a model's "
        "folder comes with the model"
    )  # fmt: skip
    command.add_argument(
        "--append", action="store_true", help="keep what is in FILE.json already, but for the same names"
    )
    command.set_defaults(run=_directions)


def _directions(arguments: argparse.Namespace) -> int:
    from ganexplorer.core import zoo
    from ganexplorer.core.direction_files import save_directions

    _check(arguments)
    entry = zoo.resolve(arguments.model)
    if entry.note:
        fail(entry.note, 0)
    before = _before(arguments, entry.spec.z_dim)
    if arguments.method == "learned":
        found = _learned(arguments, entry)
        directions, lines, facts = found.directions, _table(found.items), _facts(found)
        told = f"{len(directions)} of {len(found.items)} passed"
    else:
        directions = _first_layer(arguments, entry)
        rows = [["name", "gray levels per unit"], *([item.name, f"{item.effect:.1f}"] for item in directions)]
        lines, facts = _aligned(rows), {"directions": [{"name": d.name, "effect": d.effect} for d in directions]}
        told = f"{len(directions)} found"
    if arguments.json:
        print(json.dumps({"model": entry.name, "method": arguments.method} | facts, indent=2))
    else:
        for line in lines:
            tell(line)
    if arguments.out is not None and directions:
        names = {direction.name for direction in directions}
        kept = [*(direction for direction in before if direction.name not in names), *directions]
        save_directions(arguments.out, kept, entry.spec.z_dim)
        told += f"; {arguments.out}: {len(kept)} directions"
    fail(told, 0)
    return 0 if directions else 1


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be said together or written, before anything takes long; raises `UserError`."""
    if arguments.method != "learned":
        for flag in ("data", "names", "pairs"):
            if getattr(arguments, flag):
                raise UserError(f"--{flag}: --method {arguments.method} looks at weights alone. Leave it out.")
    elif arguments.count is not None:
        raise UserError(
            "-n: is for --method sefa and pca; here --names and --pairs say what to look for. Leave it out."
        )
    if arguments.out is None:
        if arguments.append:
            raise UserError("--append: keeps what is in a file. Name it with -o FILE.json.")
        return
    check_suffix(arguments.out, (".json",))
    if arguments.out.exists() and not arguments.append:
        raise UserError(f"{arguments.out}: is there already. Add --append to keep what is in it, or name another file.")
    if not arguments.out.parent.is_dir():
        raise UserError(f"{arguments.out.parent}: no such folder. Make it first, or write elsewhere.")


def _before(arguments: argparse.Namespace, z_dim: int) -> list[Direction]:
    from ganexplorer.core.direction_files import load_directions

    return load_directions(arguments.out, z_dim) if arguments.append and arguments.out.exists() else []


def _first_layer(arguments: argparse.Namespace, entry: ModelEntry) -> list[Direction]:
    from ganexplorer.core.directions import CHUNK, measured
    from ganexplorer.core.first_layer import pca, sefa
    from ganexplorer.core.networks import batch_size
    from ganexplorer.core.render import Renderer

    network = entry.load_generator()
    prior = network.spec.prior
    assert prior is not None
    if arguments.method == "sefa":
        directions = sefa(network, arguments.count or _COUNT)
    else:
        directions = pca(network, prior, arguments.count or _COUNT, seed=arguments.seed)
    renderer = Renderer(network)
    return measured(directions, renderer.images, prior, chunk_size=batch_size(network.spec, CHUNK))


def _learned(arguments: argparse.Namespace, entry: ModelEntry) -> Findings:
    import torch

    from ganexplorer.train.data import load
    from ganexplorer.train.named_directions import Wishes, find_named
    from ganexplorer.train.preparation import Fit, Preparation
    from ganexplorer.train.sources import ResidentImages

    network = entry.load_generator()
    ref = arguments.data or entry.card.get("data")
    if not isinstance(ref, str) or not ref:
        raise UserError(f"{entry.name}: does not tell what it was trained on. Name labelled data: --data REF.")
    config = entry.card.get("config")
    config = config if isinstance(config, dict) else {}
    channels, height, width = network.spec.image_shape
    fit: Fit = next((known for known in get_args(Fit) if known == config.get("fit")), "crop")
    preparation = Preparation((height, width), fit, channels=channels if channels in (1, 3) else 0)
    source: ImageSource = shown(load(ref, preparation, torch.device("cpu"), 0))
    if not isinstance(source, ResidentImages):
        raise UserError(f"{ref}: has no labels. Use labelled data: class folders, toy:faces, CelebA or digits.")
    wishes = Wishes(
        names=tuple(_words(arguments.names)),
        pairs=tuple(_pair(word, source.members.names) for word in _words(arguments.pairs)),
        seed=arguments.seed,
        # a model whose images were mirrored in training tells that they may be
        flip=config.get("flip") is True,
    )
    return shown(find_named(network, source.images, source.members, wishes))


def _words(text: str) -> list[str]:
    return list(filter(None, map(str.strip, text.split(","))))


def _pair(text: str, names: Sequence[str]) -> tuple[str, str]:
    """Both names of ``A-B``, where names may have dashes themselves; raises `UserError`."""
    parts = text.replace("->", "-").split("-")
    pairs = [("-".join(parts[:i]).strip(), "-".join(parts[i:]).strip()) for i in range(1, len(parts))]
    if not pairs:
        raise UserError(f"--pairs: {text!r} is no pair of classes. Write the two with a dash between, as in 3-8.")
    known = {name.casefold() for name in names}
    return next((pair for pair in pairs if {name.casefold() for name in pair} <= known), pairs[0])


def _table(items: Sequence[Finding]) -> list[str]:
    rows = [["name", "step", "success", "side", "gray levels", "before refining", ""]]
    for item in items:
        cells = ["", "", "", ""]
        if item.direction is not None:
            found = item.direction
            cells = [f"{found.step:.3g}", _percent(found.success), _percent(found.side), f"{found.effect:.1f}"]
        first = "" if item.first is None else f"{_percent(item.first.success)}, side {_percent(item.first.side)}"
        rows.append([item.name, *cells, first, f"refused: {item.refused}" if item.refused else ""])
    return _aligned(rows)


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.0%}"


def _facts(found: Findings) -> dict[str, Any]:
    """As JSON values; null for what was not measured."""

    def number(value: float) -> float | None:
        return value if math.isfinite(value) else None

    items = []
    for item in found.items:
        facts: dict[str, Any] = {"name": item.name, "kept": not item.refused, "refused": item.refused}
        if item.direction is not None:
            facts |= {key: number(getattr(item.direction, key)) for key in ("step", "success", "side", "effect")}
        if item.first is not None:
            facts["before_refining"] = {"success": number(item.first.success), "side": number(item.first.side)}
        items.append(facts)
    accuracy = {name: {"finder": finder, "judge": judge} for name, finder, judge in found.accuracy}
    return {"classifiers": accuracy, "directions": items}
