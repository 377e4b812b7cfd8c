"""sample, interpolate: pictures from a generator."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganexplorer.cli.parsing import (
    add_command,
    add_model,
    check_suffix,
    parse_finite,
    parse_positive,
    parse_seed,
    parse_seeds,
)
from ganexplorer.core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from ganexplorer.core.generator import Generator


def add(commands: Any) -> None:
    """Add the parsers of both commands."""
    command = add_command(
        commands,
        "sample",
        "draw samples",
        "ganexplorer sample mnist-mlp-64 -n 64 --seed 7 --truncation 0.8 -o sheet.png",
    )
    add_model(command)
    command.add_argument("-n", "--count", type=parse_positive, default=64, help="how many (default 64)")
    command.add_argument(
        "--seed", type=parse_seed, default=0, help="draws z; the same seed draws the same z (default 0)"
    )
    command.add_argument(
        "--truncation",
        type=parse_finite,
        default=1.0,
        metavar="FACTOR",
        help="times the distance of z from the prior's centre; below 1: more alike (default 1)",
    )
    command.add_argument(
        "--z", type=Path, metavar="Z.npy", help="z from a file, an array (N, z dim), instead of --count and --seed"
    )
    command.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        help="OUT.png: one picture of all; OUT.npy: numbers, float32 (N, C, H, W) in [-1, 1]",
    )
    command.set_defaults(run=_sample)

    command = add_command(
        commands, "interpolate", "morph from seed to seed, as the window does between A and B",
        "ganexplorer interpolate mnist-mlp-64 --seeds 1,2,3 --mode slerp --loop -o morph.gif",
    )  # fmt: skip
    add_model(command)
    command.add_argument("--seeds", type=parse_seeds, required=True, metavar="1,2,3", help="two or more seeds")
    command.add_argument(
        "--mode",
        choices=("lerp", "slerp", "box"),
        default="slerp",
        help="path from z to z: straight (lerp), along a circle (slerp), inside a uniform prior (box); default slerp",
    )
    command.add_argument("--frames", type=parse_positive, default=60, help="pictures in all (default 60)")
    command.add_argument("--fps", type=float, default=30, help="frames a second of a GIF (default 30)")
    command.add_argument("--loop", action="store_true", help="return to the first seed")
    command.add_argument("-o", "--out", type=Path, required=True, help="OUT.gif, or OUT.png: one picture of all")
    command.set_defaults(run=_interpolate)


def _sample(arguments: argparse.Namespace) -> int:
    import torch

    import ganexplorer
    from ganexplorer.core import latent, media
    from ganexplorer.core.generator import Generator
    from ganexplorer.core.render import to_pixels
    from ganexplorer.core.zoo import resolve

    check_suffix(arguments.out, (".png", ".npy"))
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

    check_suffix(arguments.out, (".gif", ".png"))
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
    """Images of z, at most 64 at a time, with a progress bar where it takes long."""
    import torch
    from tqdm import tqdm

    from ganexplorer.core.networks import batch_size

    for chunk in tqdm(torch.split(z, batch_size(generator.spec, 64)), desc="rendering", delay=1):
        yield generator(chunk)
