"""Which loss to take: the same small DCGAN on digits under each, for equal processor time, judged by the same numbers.

    uv run python benchmarks/losses.py --data mnist:DIR --out FOLDER --minutes 5
    uv run python benchmarks/losses.py --recipes faces-64 modern-64 --data folder:DIR --out FOLDER --minutes 20

The second compares recipes instead, with learning rates that do not fall.

A run that FOLDER holds already is not trained again; one that was interrupted begins anew. FOLDER/losses.png has a row
of samples of each, drawn by seed 0; the table goes to stdout.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import time
from pathlib import Path

import numpy as np

from ganexplorer.core import media
from ganexplorer.core.latent import seeded
from ganexplorer.core.networks import Network
from ganexplorer.core.render import Pixels, Renderer
from ganexplorer.core.zoo import newest_of_run
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.evaluation import evaluate
from ganexplorer.train.events import Ended, Scalars, Stop, TrainRequest
from ganexplorer.train.recipes import RECIPES
from ganexplorer.train.trainer import Trainer

SAMPLES = 20  # of each loss on the sheet

# The networks are those of modern-28, samples are of the average; the rest is what the paper of each loss has.
_MODERN = dataclasses.replace(RECIPES["modern-28"].config, lr_decay=0.0, steps=10**7)
_DCGAN = dataclasses.replace(
    _MODERN, d_norm="batch", init="dcgan", g_lr=2e-4, d_lr=2e-4, beta1=0.5, beta2=0.999, r1_gamma=0.0
)
VARIANTS: dict[str, TrainConfig] = {
    "bce": _DCGAN,
    "mse": dataclasses.replace(_DCGAN, loss="mse"),
    "hinge": dataclasses.replace(_DCGAN, loss="hinge"),
    "wgan": dataclasses.replace(_DCGAN, loss="wgan", optimizer="rmsprop", g_lr=5e-5, d_lr=5e-5, g_every=5),
    "wgan-gp": dataclasses.replace(
        _MODERN, loss="wgan-gp", r1_gamma=0.0, g_lr=1e-4, d_lr=1e-4, beta1=0.0, beta2=0.9, g_every=5
    ),
    "bce + R1": _MODERN,
    "relativistic + R1 + R2": dataclasses.replace(_MODERN, loss="relativistic", r2_gamma=1.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--data", default="mnist", metavar="REF")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--minutes", type=float, default=5.0, help="of processor time for each loss (default 5)")
    parser.add_argument("--count", type=int, default=10_000, help="samples that are judged (default 10,000)")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, metavar="RECIPE", help="instead of losses")
    arguments = parser.parse_args()
    variants = {
        name: dataclasses.replace(RECIPES[name].config, epochs=0, steps=10**7, lr_decay=0.0)
        for name in arguments.recipes or ()
    }
    rows, sheet = [], []
    for name, config in (variants or VARIANTS).items():
        run = arguments.out / name.replace(" ", "")
        facts = run.with_suffix(".json")
        if not facts.exists():
            shutil.rmtree(run, ignore_errors=True)
            steps, trouble = train(config, arguments.data, run, arguments.minutes * 60)
            facts.write_text(json.dumps({"steps": steps, "trouble": trouble}))
        told = json.loads(facts.read_text())
        values = {}
        if not told["trouble"]:
            generator = trained(run)
            values = judge(generator, arguments.data, arguments.count)
            sheet.append(samples(generator))
        rows.append((name, told["steps"], told["trouble"], values))
    if sheet:
        media.save_png(arguments.out / "losses.png", media.sheet(np.concatenate(sheet), SAMPLES))
    titles = list(next((values for *_, values in rows if values), {}))
    print("| loss | steps |", " | ".join(titles), "|")
    print("|---|---|", "|".join("---" for _ in titles), "|", sep="")
    for name, steps, trouble, values in rows:
        print(f"| `{name}` | {steps:,} |", trouble or " | ".join(values.values()), "|")


def train(config: TrainConfig, data: str, run: Path, seconds: float) -> tuple[int, str]:
    """Train for so many seconds of this process's processor time; returns the steps that it took, and what failed."""
    begun = time.process_time()
    steps, trouble = 0, ""

    def poll(wait: float) -> Stop | None:
        return Stop() if time.process_time() - begun > seconds else None

    for event in Trainer(TrainRequest(config, data, run, "cpu"), poll).run():
        if isinstance(event, Scalars):
            if event.step % 500 == 0:
                print(f"{run.name}: step {event.step:,}, D {event.d_loss:.3f}, G {event.g_loss:.3f}", flush=True)
            if event.step == config.log_every:  # loading does not count
                begun = time.process_time()
        if isinstance(event, Ended):
            steps = event.step
            trouble = event.message if event.reason == "failed" else ""
    return steps, trouble


def trained(run: Path) -> Network:
    """The generator of a run's newest snapshot."""
    entry = newest_of_run(run)
    assert entry is not None
    return entry.load().generator


def samples(generator: Network) -> Pixels:
    assert generator.spec.prior is not None
    return Renderer(generator).render(seeded(generator.spec.prior, generator.spec.z_dim, 0, SAMPLES))


def judge(generator: Network, data: str, count: int) -> dict[str, str]:
    """The numbers of a generator as words."""
    judging = evaluate(generator, data, count)
    while True:
        try:
            next(judging)
        except StopIteration as done:
            return {row.name: f"{row.value:.3g}" for row in done.value.rows}


if __name__ == "__main__":
    main()
