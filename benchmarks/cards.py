"""Whether the shipped models are what their cards say: evaluates each again, with seeds that the card has not.

    uv run python benchmarks/cards.py --data mnist:DIR folder:DIR
    uv run python benchmarks/cards.py --table

A number agrees when it differs by no more than four standard deviations, or by a fiftieth of itself; a share of the
samples has at least the deviation of counting, for one sample in thousands may be there or not. The exit status is 1
where one does not. A model whose data are not named (and are no toys) is not evaluated, and told. `--table` prints
what the cards say, as it stands in docs/models.md.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ganexplorer.core.publishing import without_path
from ganexplorer.core.zoo import ModelEntry, discover
from ganexplorer.train.evaluation import evaluate, read_real
from ganexplorer.train.preparation import Preparation
from ganexplorer.train.progress import finished
from ganexplorer.train.scores import figure

MODELS = Path(__file__).parents[1] / "models"
COLUMNS = {
    "distance": ("lenet_fid", "frechet_random"),
    "sure, %": ("sure",),
    "SWD": ("swd",),
    "precision": ("precision",),
    "recall": ("recall",),
    "nearest": ("nearest_median",),
    "copies, %": ("copies",),
    "diversity": ("diversity",),
}  # of the table, and their keys in a card


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--data", nargs="*", default=[], metavar="REF", help="where the data of the models are")
    parser.add_argument("--only", nargs="*", default=[], metavar="MODEL")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    entries = discover([MODELS])
    if arguments.table:
        print("\n".join(table(entries)))
        return 0
    agree = True
    for entry in entries:
        if arguments.only and entry.name not in arguments.only:
            continue
        if "evaluation" not in entry.card:
            print(f"{entry.name}: not evaluated, for its card has no numbers")
            continue
        named = str(entry.card.get("data", ""))
        known = [ref for ref in arguments.data if without_path(ref) == named]
        ref = named if named.startswith("toy:") else next(iter(known), "")
        if not ref:
            print(f"{entry.name}: not evaluated, for --data does not name its data")
            continue
        for key, told, found, is_near in compared(entry, ref):
            agree &= is_near
            print(
                f"{entry.name:24} {key:18} card {figure(told):>8}  now {figure(found):>8}  {'' if is_near else 'OTHER'}"
            )
    return 0 if agree else 1


def compared(entry: ModelEntry, ref: str) -> Iterator[tuple[str, float, float, bool]]:
    """Each number of a card: its name, what the card says, what is found now, whether the two agree."""
    card = entry.card["evaluation"]
    network = entry.load().generator
    config = entry.card.get("config", {})
    preparation = Preparation(fit=config.get("fit", "crop"), classes=config.get("classes", ""))
    real = finished(read_real(ref, network.spec.image_shape, preparation))
    seed = card.get("seed", 0) + card.get("repeats", 1)
    now = finished(evaluate(network, real, card["count"], seed))
    for key, told in card["metrics"].items():
        found = now[key].value
        yield key, told["value"], found, abs(found - told["value"]) <= allowed(told, card["count"])


def allowed(told: dict[str, Any], count: int) -> float:
    """By how much a number of a card, of so many samples, may differ from one of another seed."""
    deviation = told.get("error", 0.0)
    if told.get("unit") == "%":
        share = max(told["value"] / 100, 1 / count)
        deviation = max(deviation, 100 * math.sqrt(share / count))
    return max(4 * deviation, abs(told["value"]) / 50)


def table(entries: list[ModelEntry]) -> list[str]:
    """Lines of markdown: what the cards say, with the floor of each number in brackets."""
    lines = [f"| model | {' | '.join(COLUMNS)} |", "|---" * (1 + len(COLUMNS)) + "|"]
    for entry in entries:
        metrics: dict[str, dict[str, Any]] = entry.card.get("evaluation", {}).get("metrics", {})
        cells = []
        for keys in COLUMNS.values():
            found = next((metrics[key] for key in keys if key in metrics), None)
            cells.append("" if found is None else f"{figure(found['value'])} ({figure(found['floor'])})")
        if any(cells):
            lines.append(f"| `{entry.name}` | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
