"""Making a model folder of anything that opens: what `models/` holds, and what can be given to somebody else."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganexplorer.core import latent, media
from ganexplorer.core.checkpoint import Checkpoint, fingerprint
from ganexplorer.core.direction_files import DIRECTIONS_FILE, measures_of, save_directions
from ganexplorer.core.directions import Direction
from ganexplorer.core.errors import UserError
from ganexplorer.core.networks import Network
from ganexplorer.core.render import Pixels, Renderer
from ganexplorer.core.zoo import ModelEntry, save_model

SAMPLES_FILE = "samples.png"
SAMPLES, COLUMNS = 100, 10
TINY = 16  # pixels of a side, below which a picture is enlarged as many times
VISIBLE = 2  # gray levels of 255: where float16 changes a pixel of the sheet by as much, weights stay float32
_OF_THE_RUN = ("recipe", "data", "step", "seconds", "config", "source")  # what a card keeps of the run's


def publish(
    entry: ModelEntry,
    folder: Path,
    facts: Mapping[str, Any],
    *,
    directions: Sequence[Direction] = (),
    precise: bool = False,
    seed: int = 0,
) -> ModelEntry:
    """Write a model folder: generator, discriminator (where there is one), directions, card and a sheet of samples.

    Weights are written as float16 unless `precise`, or unless that would show: a pixel of the sheet that changes by
    `VISIBLE` gray levels.

    Parameters
    ----------
    facts
        What the card says beside name, recipe, data, step, hyperparameters and the generator's fingerprint: a title,
        a note, numbers.
    directions
        That come with the model; the card has what was measured of each.
    seed
        Of the latents of the sheet, drawn from the model's prior.

    Raises
    ------
    UserError
        The model cannot be opened, or the folder holds another model.
    OSError
        It cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder}: is not empty. Name a new folder, or remove this one first.")
    checkpoint = entry.load()
    generator = checkpoint.generator
    prior = generator.spec.prior
    assert prior is not None  # of every generator
    z = latent.seeded(prior, generator.spec.z_dim, seed, SAMPLES if prior.std else 1)
    pixels = Renderer(generator).render(z)
    rounded = _rounded(generator)
    half = not precise and _change(pixels, Renderer(rounded).render(z)) < VISIBLE
    shown = rounded if half else generator
    card: dict[str, Any] = {"name": folder.name, **facts}
    card |= {key: checkpoint.card[key] for key in _OF_THE_RUN if key in checkpoint.card}
    if "data" in card:
        card["data"] = without_path(str(card["data"]))
    if directions:
        card["directions"] = {direction.name: _rounded_measures(direction) for direction in directions}
    card |= {"weights": "float16" if half else "float32", "fingerprint": fingerprint(shown), "torch": torch.__version__}
    published = save_model(folder, Checkpoint(generator, checkpoint.discriminator, card), half=half)
    if directions:
        save_directions(folder / DIRECTIONS_FILE, directions, generator.spec.z_dim)
    sheet = media.sheet(Renderer(shown).render(z), COLUMNS)
    tiny = max(generator.spec.image_shape[1:]) < TINY
    media.save_png(folder / SAMPLES_FILE, media.enlarge(sheet, TINY) if tiny else sheet)
    return published


def without_path(ref: str) -> str:
    """A REF without the folders that it lies in: they are of one machine. A folder of pictures keeps its own name."""
    kind, _, rest = ref.partition(":")
    if kind == "toy" or not rest:
        return ref
    return f"{kind}:{Path(rest).name}" if kind == "folder" else kind


def _rounded_measures(direction: Direction) -> dict[str, float]:
    return {key: float(f"{value:.4g}") for key, value in measures_of(direction).items()}


def _rounded(network: Network) -> Network:
    """A copy with the weights that `write_networks` writes with `half`, as they come back."""
    rounded = copy.deepcopy(network)
    with torch.no_grad():
        for value in rounded.state_dict().values():
            if value.ndim > 1:
                value.copy_(value.half())
    return rounded


def _change(a: Pixels, b: Pixels) -> int:
    """The most that a pixel changes, in gray levels."""
    return int(np.abs(a.astype(np.int16) - b.astype(np.int16)).max())
