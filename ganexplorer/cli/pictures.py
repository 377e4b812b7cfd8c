"""sample, interpolate: pictures from a generator."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganexplorer.cli.parsing import (
    add_command,
    add_model_or_session,
    check_session,
    check_suffix,
    chosen_model,
    parse_finite,
    parse_positive,
    parse_seed,
    parse_seeds,
)
from ganexplorer.core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from ganexplorer.core.generator import Generator
    from ganexplorer.core.latent import Prior
    from ganexplorer.core.networks import Network
    from ganexplorer.core.session import Session
    from ganexplorer.core.state import Morph
    from ganexplorer.core.zoo import ModelEntry


DEFAULT_COUNT = 64


def add(commands: Any) -> None:
    """Add the parsers of both commands."""
    command = add_command(
        commands,
        "sample",
        "draw samples",
        "ganexplorer sample mnist-mlp-64 -n 64 --seed 7 --truncation 0.8 -o sheet.png",
    )
    add_model_or_session(command)
    command.add_argument("-n", "--count", type=parse_positive, help="how many (default 64)")
    command.add_argument("--seed", type=parse_seed, help="draws z; the same seed draws the same z (default 0)")
    command.add_argument(
        "--truncation",
        type=parse_finite,
        metavar="FACTOR",
        help="times the distance of z from the prior's centre; below 1: more alike (default 1)",
    )
    what = command.add_mutually_exclusive_group()
    what.add_argument(
        "--z", type=Path, metavar="Z.npy", help="z from a file, an array (N, z dim), instead of --count and --seed"
    )
    what.add_argument(
        "--session",
        type=Path,
        metavar="FILE",
        help="the one sample that a saved session shows, byte for byte the picture that the window saves of it; "
        "--count, --seed and --truncation do not apply",
    )
    command.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        help="OUT.png: one sheet of all; OUT-%%04d.png: a picture each, numbered from 1; OUT.npy: numbers, "
        "float32 (N, C, H, W) in [-1, 1]",
    )
    command.set_defaults(run=_sample)

    command = add_command(
        commands, "interpolate", "morph from seed to seed, as the window does between its key frames",
        "ganexplorer interpolate mnist-mlp-64 --seeds 1,2,3 --spline --even --loop -o morph.gif",
    )  # fmt: skip
    add_model_or_session(command)
    keys = command.add_argument_group("keys: what to morph through (one of these)").add_mutually_exclusive_group()
    keys.add_argument("--seeds", type=parse_seeds, metavar="1,2,3", help="two or more seeds")
    keys.add_argument("--z", type=Path, metavar="KEYS.npy", help="latents from a file, an array (2 or more, z dim)")
    keys.add_argument(
        "--session",
        type=Path,
        metavar="FILE",
        help="the key frames of a saved session and its options of the morph; flags add to them, "
        "--frames and --fps are as here",
    )
    command.add_argument(
        "--truncation",
        type=parse_finite,
        default=1.0,
        metavar="FACTOR",
        help="times the distance of the keys from the prior's centre (default 1)",
    )
    command.add_argument(
        "--mode",
        choices=("lerp", "slerp", "box"),
        help="path from z to z: straight (lerp), along a circle (slerp), inside a uniform prior (box); default slerp",
    )
    command.add_argument(
        "--spline",
        action=argparse.BooleanOptionalAction,
        help="smoothly through the keys instead of in corners (Smooth)",
    )
    command.add_argument(
        "--even",
        action=argparse.BooleanOptionalAction,
        help="pictures that differ equally from frame to frame, not latents (Even)",
    )
    command.add_argument("--loop", action=argparse.BooleanOptionalAction, help="return to the first key (Loop)")
    command.add_argument("--ping-pong", action=argparse.BooleanOptionalAction, help="there and back; not with --loop")
    command.add_argument(
        "--extrapolate",
        type=parse_finite,
        metavar="SHARE",
        help="go on beyond both ends by this share of the whole path, such as 0.25; not with --loop (default 0)",
    )
    command.add_argument(
        "--frames", type=parse_positive, default=60, help="pictures in all, with --ping-pong one way (default 60)"
    )
    command.add_argument("--fps", type=float, default=30, help="frames a second of a GIF or MP4 (default 30)")
    command.add_argument(
        "--device", default="cpu", choices=("auto", "cpu", "cuda", "mps"), help="where to render (default cpu)"
    )
    command.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        help="OUT.gif; OUT.mp4 (needs the extra `video`); OUT.png: one sheet of all; OUT-%%04d.png: a picture each",
    )
    command.set_defaults(run=_interpolate)


def _sample(arguments: argparse.Namespace) -> int:
    import torch
    from tqdm import tqdm

    import ganexplorer
    from ganexplorer.core import film, latent, media
    from ganexplorer.core.checkpoint import fingerprint
    from ganexplorer.core.generator import Generator
    from ganexplorer.core.render import Renderer, to_pixels

    check_suffix(arguments.out, (".png", ".npy"))
    if arguments.session is not None:
        for flag in ("count", "seed", "truncation"):
            if getattr(arguments, flag) is not None:
                raise UserError(f"--{flag}: a session has the one z that it shows. Leave out --{flag} or --session.")
    entry, session = chosen_model(arguments)
    checkpoint = entry.load()
    if session is not None:
        check_session(arguments, session, checkpoint.generator.spec)
        return _sample_session(arguments.out, entry, checkpoint.generator, session)
    generator = Generator(checkpoint)
    truncation = 1.0 if arguments.truncation is None else arguments.truncation
    if arguments.z is None:
        z = ganexplorer.sample(generator, arguments.count or DEFAULT_COUNT, arguments.seed or 0, truncation)
    else:
        z = latent.truncate(media.load_latents(arguments.z, generator.z_dim), generator.prior, truncation)
    origin = media.Origin(entry.name, z, fingerprint(checkpoint.generator))
    if film.is_sequence(arguments.out):
        renderer = Renderer(checkpoint.generator, torch.device("cpu"))
        with tqdm(total=len(z), desc="rendering", delay=1) as bar:
            film.write_pictures(arguments.out, renderer, z, origin, lambda done, total: bar.update(done - bar.n))
        return 0
    images = torch.cat(list(_in_chunks(generator, z)))
    if arguments.out.suffix.lower() == ".npy":
        media.save_npy(arguments.out, images)
    else:
        media.save_png(arguments.out, media.sheet(to_pixels(images)), origin)
    return 0


def _sample_session(out: Path, entry: ModelEntry, network: Network, session: Session) -> int:
    """The sample that the session's window shows, on the device that it would choose."""
    from ganexplorer.core import film, media
    from ganexplorer.core.checkpoint import fingerprint
    from ganexplorer.core.devices import pick_device
    from ganexplorer.core.render import Renderer, one_thread

    mark = fingerprint(network)
    if session.fingerprint and mark != session.fingerprint:
        print(f"ganexplorer: {entry.name} has other weights than when the session was saved", file=sys.stderr)
    renderer, z = Renderer(network, pick_device("auto")), session.state.z[None]
    origin = media.Origin(entry.name, z, mark)
    if out.suffix.lower() == ".npy":
        with one_thread():
            media.save_npy(out, renderer.images(z))
    elif film.is_sequence(out):
        film.write_pictures(out, renderer, z, origin)
    else:
        media.save_png(out, next(renderer.stills(z)), origin)
    return 0


def _interpolate(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from ganexplorer.core import film
    from ganexplorer.core.checkpoint import fingerprint
    from ganexplorer.core.devices import pick_device
    from ganexplorer.core.media import Origin
    from ganexplorer.core.paths import LatentPath
    from ganexplorer.core.render import Renderer

    check_suffix(arguments.out, film.FILM_SUFFIXES)
    _check_way(arguments)
    device = pick_device(arguments.device)
    entry, session = chosen_model(arguments)
    generator = entry.load_generator()
    assert generator.spec.prior is not None
    if session is not None:
        check_session(arguments, session, generator.spec)
    way = _way(arguments, session)
    keys = _keys(arguments, session, generator.spec.prior, generator.spec.z_dim)
    path = LatentPath(tuple(keys), way.mode, generator.spec.prior, way.loop, way.spline)
    renderer = Renderer(generator, device)
    z = film.film_latents(path, arguments.frames, way.reach, way.ping_pong, renderer.images if way.even else None)
    with tqdm(total=len(z), desc="rendering", delay=1) as bar:
        film.write_film(
            arguments.out,
            renderer,
            z,
            arguments.fps,
            Origin(entry.name, z, fingerprint(generator)),
            lambda done, total: bar.update(done - bar.n),
        )
    return 0


def _check_way(arguments: argparse.Namespace) -> None:
    """Refuse flags that say no way, before anything is read."""
    if arguments.seeds is None and arguments.z is None and arguments.session is None:
        raise UserError(
            "the following arguments are required: --seeds or --z or --session. See ganexplorer interpolate --help"
        )
    if arguments.frames < 2:
        raise UserError("--frames: a morph needs at least 2.")
    if (arguments.extrapolate or 0) < 0:
        raise UserError(f"--extrapolate: {arguments.extrapolate:g} is below 0. Give a share such as 0.25.")
    for flag, is_given in (("--ping-pong", arguments.ping_pong), ("--extrapolate", bool(arguments.extrapolate))):
        if arguments.loop and is_given:
            raise UserError(f"{flag}: a loop has no ends. Leave out --loop or {flag}.")


def _way(arguments: argparse.Namespace, session: Session | None) -> Morph:
    """How to go from key to key: the session's way, with what the flags add."""
    from ganexplorer.core.state import Morph

    saved = Morph(ping_pong=False) if session is None else session.morph
    loop = saved.loop if arguments.loop is None else arguments.loop
    reach = saved.reach if arguments.extrapolate is None else arguments.extrapolate
    return Morph(
        arguments.mode or saved.mode,
        loop,
        saved.spline if arguments.spline is None else arguments.spline,
        saved.even if arguments.even is None else arguments.even,
        0.0 if loop else reach,  # a loop has no ends
        saved.seconds,
        (saved.ping_pong if arguments.ping_pong is None else arguments.ping_pong) and not loop,
    )


def _keys(arguments: argparse.Namespace, session: Session | None, prior: Prior, z_dim: int) -> Tensor:
    """The key latents, (two or more, z_dim)."""
    import torch

    from ganexplorer.core import latent, media

    if session is not None:
        if len(session.state.keys) < 2:
            raise UserError(f"{arguments.session}: has fewer than two key frames. Keep more of them and save it again.")
        keys = torch.stack(session.state.keys)
    elif arguments.z is None:
        keys = torch.cat([latent.seeded(prior, z_dim, seed) for seed in arguments.seeds])
    else:
        keys = media.load_latents(arguments.z, z_dim)
        if len(keys) < 2:
            raise UserError(f"{arguments.z}: holds one latent, and a morph needs two or more. Add another row.")
    # 1 leaves the bits as they are
    return keys if arguments.truncation == 1 else latent.truncate(keys, prior, arguments.truncation)


def _in_chunks(generator: Generator, z: Tensor) -> Iterator[Tensor]:
    """Images of z, at most 64 at a time, with a progress bar where it takes long."""
    import torch
    from tqdm import tqdm

    from ganexplorer.core.networks import batch_size

    for chunk in tqdm(torch.split(z, batch_size(generator.spec, 64)), desc="rendering", delay=1):
        yield generator(chunk)
