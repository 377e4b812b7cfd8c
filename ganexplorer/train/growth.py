"""How the fixed samples of a run grew, step after step: a film, or one sheet."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganexplorer.core.errors import UserError
from ganexplorer.core.files import open_regular
from ganexplorer.core.media import check_folder, enlarge, save_gif, save_mp4, save_png, sheet, unsheet
from ganexplorer.core.render import Pixels
from ganexplorer.train.runs import read_config

SUFFIXES = (".gif", ".mp4", ".png")
ROWS, COLUMNS = 10, 6  # of the sheet, unless said otherwise: ten moments of six samples
MAX_FRAMES = 600
FILM_SIDE = 480  # pixels that the longer side of a film is brought to, in whole multiples
SHEET_WIDTH = 400  # pixels that the samples of a sheet are brought to at least, in whole multiples
CAPTION = 18  # pixels below a frame, and at least of a row of a sheet, for the step
MARGIN = 8  # pixels at either side of the step on a sheet
GAP = 4  # pixels between the samples of a sheet
GRAY = (160, 160, 160)
GROUND = (48, 48, 48)  # of a sheet: neither black nor white, in which samples end

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Moment:
    """The fixed samples after a step, on disk."""

    step: int
    path: Path
    count: int

    def read(self) -> Pixels:
        """The samples, (N, H, W[, 3]); raises `UserError`."""
        try:
            with open_regular(self.path) as file, Image.open(file, formats=("PNG",)) as picture:
                return unsheet(np.asarray(picture), self.count)
        except (OSError, ValueError, SyntaxError) as error:
            raise UserError(f"{self.path}: is no sheet of samples ({error}). Take it away and try again.") from None


def moments(run: Path) -> list[Moment]:
    """The saved sheets of a run, oldest first; raises `UserError` for what is no run."""
    count = read_config(run).config.sample_count
    paths = sorted(path for path in (run / "samples").glob("*.png") if path.stem.isdigit())
    return [Moment(int(path.stem), path, count) for path in paths]


def write_growth(
    path: Path | str,
    run: Path,
    fps: float = 10.0,
    rows: int = ROWS,
    columns: int = COLUMNS,
    progress: Progress = lambda done, total: None,
) -> list[Moment]:
    """Write how the fixed samples of a run grew; all of it or, after any exception, nothing. Returns what it shows.

    Parameters
    ----------
    path
        OUT.gif or OUT.mp4: a film of all samples, the step below each frame. OUT.png: a sheet of `rows` moments, evenly
        spaced from the first to the last, of the first `columns` samples, the step at the left of each row; samples are
        enlarged in whole multiples until they are 400 pixels wide together.
    fps
        Frames a second of a film, which shows at most 600 moments.
    progress
        Called with how many moments are read, and of how many.

    Raises
    ------
    UserError
        Another kind of file, no such folder, no run, fewer than two moments.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{path}: cannot write this kind of file. Use a name that ends in {' or '.join(SUFFIXES)}.")
    check_folder(path)
    all_moments = moments(run)
    if len(all_moments) < 2:
        raise UserError(
            f"{run}: has {len(all_moments)} sheet of samples, and a film needs two. Train it further, or the next one "
            "with a smaller sample_every."
        )
    if rows < 1 or columns < 1:
        raise UserError(f"a sheet of {rows} x {columns} pictures is none. Take at least one row and one column.")
    chosen = _spread(all_moments, rows if suffix == ".png" else MAX_FRAMES)
    if suffix == ".png":
        samples = [samples[:columns] for samples in _read(chosen, progress)]
        save_png(path, _sheet([moment.step for moment in chosen], samples))
    elif suffix == ".gif":
        save_gif(path, _frames(chosen, progress), fps, lambda: progress(len(chosen), len(chosen)))
    else:
        save_mp4(path, _frames(chosen, progress), fps)
    return chosen


def _spread(found: list[Moment], count: int) -> list[Moment]:
    """At most `count` moments, as evenly spaced in steps as there are some; the first and the last always."""
    if len(found) <= count:
        return found
    steps = np.array([moment.step for moment in found])
    picks: list[int] = []
    for number, wanted in enumerate(np.linspace(steps[0], steps[-1], count)):
        first, last = (picks[-1] + 1 if picks else 0), len(found) - (count - number)
        picks.append(first + int(np.abs(steps[first : last + 1] - wanted).argmin()))
    return [found[pick] for pick in picks]


def _read(chosen: list[Moment], progress: Progress) -> Iterator[Pixels]:
    for done, moment in enumerate(chosen, start=1):
        yield moment.read()
        progress(done, len(chosen))


def _frames(chosen: list[Moment], progress: Progress) -> Iterator[Pixels]:
    zoom = 0
    for moment, samples in zip(chosen, _read(chosen, progress), strict=True):
        picture = sheet(samples)
        zoom = zoom or max(1, FILM_SIDE // max(picture.shape[:2]))
        yield _captioned(enlarge(picture, zoom), f"step {moment.step:,}")


def _sheet(steps: list[int], samples: list[Pixels]) -> Pixels:
    """A row a moment: its step, and its samples (N, H, W[, 3]) enlarged; (H', W'[, 3])."""
    count, height, width = samples[0].shape[:3]
    wanted = math.ceil((SHEET_WIDTH - GAP * (count - 1)) / (count * width))
    zoom = max(1, min(wanted, FILM_SIDE // max(height, width)))
    font = ImageFont.load_default(12)
    words = [f"step {step:,}" for step in steps]
    left = 2 * MARGIN + math.ceil(max(font.getlength(text) for text in words))
    across, tall = width * zoom + GAP, max(height * zoom, CAPTION)
    size = (left + count * across - GAP, len(samples) * (tall + GAP) - GAP)
    is_gray = samples[0].ndim == 3
    image = Image.new("L" if is_gray else "RGB", size, GROUND[0] if is_gray else GROUND)
    draw = ImageDraw.Draw(image)
    for number, (text, row) in enumerate(zip(words, samples, strict=True)):
        top = number * (tall + GAP)
        draw.text((left - MARGIN, top + tall / 2), text, GRAY[0] if is_gray else GRAY, font, anchor="rm")
        for column, sample in enumerate(row):
            place = (left + column * across, top + (tall - height * zoom) // 2)
            image.paste(Image.fromarray(enlarge(sample, zoom)), place)
    return np.asarray(image)


def _captioned(picture: Pixels, words: str) -> Pixels:
    """With words below, (H + 18, W[, 3])."""
    height, width = picture.shape[:2]
    image = Image.new("L" if picture.ndim == 2 else "RGB", (width, height + CAPTION))
    image.paste(Image.fromarray(picture), (0, 0))
    fill = GRAY[0] if picture.ndim == 2 else GRAY
    ImageDraw.Draw(image).text((4, height + 2), words, fill=fill, font=ImageFont.load_default(12))
    return np.asarray(image)
