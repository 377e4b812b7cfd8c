"""Films of a walk through a latent space: the latents, and their pictures as GIF, MP4, PNG sheet or numbered PNGs.

Window and command line both come here: for the same path, settings and model they write the same bytes.
"""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganexplorer.core.directions import ImageFunction
from ganexplorer.core.errors import UserError
from ganexplorer.core.media import Origin, check_folder, enlarge, save_gif, save_mp4, save_png, sheet
from ganexplorer.core.paths import LatentPath
from ganexplorer.core.render import Pixels, Renderer, one_thread

FILM_SUFFIXES = (".gif", ".mp4", ".png")
FILM_SIDE = 256  # pixels that the longer side of a GIF or MP4 has at least, about: players blur small pictures
MAX_FRAMES = 100_000

# %04d, or %d that begins no word: a sheet may be called 50%done.png
_NUMBER = re.compile(r"%0[1-9]d|%d(?![^\W\d_])")

Progress = Callable[[int, int], None]  # frames done, frames in all; what it raises ends the work


def film_latents(
    path: LatentPath,
    frames: int,
    reach: float = 0.0,
    ping_pong: bool = False,
    images: ImageFunction | None = None,
) -> Tensor:
    """The latents of a film, (N, z_dim), one a frame.

    Parameters
    ----------
    path
        Through the key latents.
    frames
        2 to 100,000, one way.
    reach
        How far to go on beyond both ends, as a share of the whole path; 0 for a loop.
    ping_pong
        There and back, 2 * frames - 2 in all: neither end comes twice in a row, also when the film repeats. Not for a
        loop.
    images
        `Renderer.images`, for equal perceptual steps (`LatentPath.evenly`), whatever the path's pace; None: keep that.

    Raises
    ------
    UserError
        Any other number of frames, or a loop with `reach` or `ping_pong`.
    """
    if frames < 2:
        raise UserError("--frames: a morph needs at least 2.")
    if frames > MAX_FRAMES:
        raise UserError(f"--frames: a morph has {MAX_FRAMES:,} at most, not {frames:,}.")
    if path.loop and (ping_pong or reach):
        raise UserError("a loop has no ends to reach beyond or to turn back at. Choose the loop or these.")
    with one_thread():
        if images is not None:
            path = path.evenly(images)
        z = path.frames(frames, reach)
    return torch.cat([z, z[1:-1].flip(0)]) if ping_pong else z


def write_film(
    path: Path | str,
    renderer: Renderer,
    z: Tensor,
    fps: float,
    origin: Origin,
    progress: Progress = lambda done, total: None,
) -> None:
    """Render z (N, z_dim) and write the film; all of it or, after any exception, nothing: old files stay as they were.

    Parameters
    ----------
    path
        OUT.gif; OUT.mp4; OUT.png: one sheet of all; OUT-%04d.png: a PNG each, numbered from 1.
    fps
        Frames a second of a GIF or MP4.
    origin
        The model's name and fingerprint, for the metadata of PNGs; the z there are those of the pictures.
    progress
        Called after each frame, and with (N, N) again and again while a GIF is encoded.

    Raises
    ------
    UserError
        Another kind of file, no such folder, a speed that the kind cannot have, no ffmpeg for MP4.
    ValueError
        No latents.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FILM_SUFFIXES:
        raise UserError(
            f"{path}: cannot write this kind of file. Use a name that ends in {' or '.join(FILM_SUFFIXES)}."
        )
    check_folder(path)
    if not len(z):
        raise ValueError("a film needs at least one frame")
    if is_sequence(path):
        write_pictures(path, renderer, z, origin, progress)
        return
    pictures = _counted(renderer, z, progress)
    if suffix == ".png":
        save_png(path, sheet(np.stack(list(pictures))), dataclasses.replace(origin, z=z))
    else:
        zoom = max(1, FILM_SIDE // max(renderer.spec.image_shape[1:]))
        frames = (enlarge(picture, zoom) for picture in pictures)
        if suffix == ".gif":  # all frames are encoded at the end, which takes about as long as rendering
            save_gif(path, frames, fps, lambda: progress(len(z), len(z)))
        else:
            save_mp4(path, frames, fps)


def write_pictures(
    path: Path | str,
    renderer: Renderer,
    z: Tensor,
    origin: Origin,
    progress: Progress = lambda done, total: None,
) -> None:
    """Render z (N, z_dim) and write numbered PNGs under a name that `is_sequence`, from 1; all of them or none.

    They are made in a folder of their own beside their goal and moved when all are there; what is left there of a
    longer sequence stays. Each has its own z in its metadata, the rest of which is that of `origin`; `progress` is
    called after each.

    Raises
    ------
    UserError
        No such folder, or a folder has the name of a picture.
    """
    path = Path(path)
    check_folder(path)
    goals = [frame_path(path, number) for number in range(1, len(z) + 1)]
    for goal in goals:
        if goal.is_dir():
            raise UserError(f"{goal}: is a folder. Use another name for the pictures.")
    folder = path.with_name(f".{secrets.token_hex(4)}.part")
    folder.mkdir()
    try:
        for goal, own, picture in zip(goals, z[:, None], _counted(renderer, z, progress), strict=True):
            save_png(folder / goal.name, picture, dataclasses.replace(origin, z=own))
        for goal in goals:
            os.replace(folder / goal.name, goal)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_sequence(path: Path | str) -> bool:
    """Whether this is the name of numbered PNGs, with a place for the number such as ``%04d``."""
    path = Path(path)
    return path.suffix.lower() == ".png" and _NUMBER.search(path.name) is not None


def frame_path(path: Path | str, number: int) -> Path:
    """The file of a frame, numbered from 1, of a name that `is_sequence`."""
    path = Path(path)
    return path.with_name(_NUMBER.sub(lambda place: place[0] % number, path.name))


def _counted(renderer: Renderer, z: Tensor, progress: Progress) -> Iterator[Pixels]:
    for done, picture in enumerate(renderer.stills(z), start=1):
        yield picture
        progress(done, len(z))
