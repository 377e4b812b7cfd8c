"""Sheets of what the directions of a shipped model do, for docs/models.md.

    uv run python docs/walks.py faces-dcgan-100 smiling --samples 8 -o docs/models/smiling.png
    uv run python docs/walks.py mnist-dcgan-100 slanted --samples 6 --seed 3 -o docs/models/digits.png

A row for each direction (and sample): the sample in the middle, what one step back makes of it on the left, one ahead
on the right; of each direction, the step that its card tells.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganexplorer.core import media
from ganexplorer.core.direction_files import shipped_directions
from ganexplorer.core.directions import Direction
from ganexplorer.core.latent import seeded
from ganexplorer.core.render import Pixels, Renderer
from ganexplorer.core.zoo import ModelEntry, resolve

COLUMNS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default all that have a name and a step")
    parser.add_argument("--samples", type=int, default=1, help="rows of each direction (default 1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, required=True)
    arguments = parser.parse_args()
    entry = resolve(arguments.model)
    directions = {found.name: found for found in shipped_directions(entry) if found.step}
    unknown = [name for name in arguments.names if name not in directions]
    if unknown:
        parser.error(f"{entry.name} has no direction {', '.join(unknown)}, but {', '.join(directions)}")
    chosen = [directions[name] for name in arguments.names] or list(directions.values())
    media.save_png(arguments.out, walks(entry, chosen, arguments.samples, arguments.seed))


def walks(entry: ModelEntry, directions: list[Direction], samples: int = 1, seed: int = 0) -> Pixels:
    """The sheet: rows of `COLUMNS` pictures, for each direction as many as `samples`, of samples from `seed` on."""
    generator = entry.load().generator
    assert generator.spec.prior is not None
    z = seeded(generator.spec.prior, generator.spec.z_dim, seed, samples)
    renderer = Renderer(generator)
    rows = [renderer.render(_walk(start, direction)) for direction in directions for start in z]
    return media.sheet(np.concatenate(rows), COLUMNS)


def _walk(start: Tensor, direction: Direction) -> Tensor:
    """z, (COLUMNS, z_dim), from a step back to a step ahead."""
    return start + torch.linspace(-1, 1, COLUMNS)[:, None] * direction.step * direction.vector


if __name__ == "__main__":
    main()
