"""How the fixed samples of a run grew: the film and the sheet show the pictures that were saved."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from tiny_runs import TINY, of, request, train, variant

from ganexplorer.core.errors import UserError
from ganexplorer.core.media import enlarge, save_png, sheet, unsheet
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Preview
from ganexplorer.train.growth import FILM_SIDE, moments, write_growth


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, picture_folder: Path) -> tuple[Path, dict[int, np.ndarray]]:
    """A run with a sheet of seven samples after every second step, and its previews."""
    run = tmp_path_factory.mktemp("grown") / "run"
    config = variant(TINY, steps=24, sample_every=2, sample_count=7)
    previews = of(Preview, train(request(config, picture_folder, run)))
    return run, {preview.step: preview.pixels for preview in previews}


@pytest.mark.parametrize("shape", [(7, 8, 8), (1, 5, 3), (9, 1, 4), (12, 6, 6, 3), (2, 28, 28)])
@pytest.mark.parametrize("columns", [None, 1, 4])
def test_a_sheet_is_cut_into_the_pictures_it_was_made_of(shape: tuple[int, ...], columns: int | None) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(unsheet(sheet(pictures, columns), len(pictures), columns), pictures)


def test_what_is_no_sheet_of_so_many_pictures_is_refused() -> None:
    with pytest.raises(ValueError, match="17x18 pixels are no sheet of 4 pictures"):
        unsheet(np.zeros((18, 17), np.uint8), 4)


def test_moments_are_the_saved_sheets_in_order(grown: tuple[Path, dict[int, np.ndarray]]) -> None:
    run, previews = grown
    found = moments(run)
    assert [moment.step for moment in found] == list(range(0, 25, 2))
    for moment in found:
        assert np.array_equal(moment.read(), previews[moment.step])


def test_the_sheet_shows_ten_moments_of_six_samples(grown: tuple[Path, dict[int, np.ndarray]], tmp_path: Path) -> None:
    run, previews = grown
    shown = write_growth(tmp_path / "growth.png", run)
    picture = np.asarray(Image.open(tmp_path / "growth.png"))
    zoom, gap = 8, 4  # 6 samples of 8 pixels and 5 gaps: 404, and with a zoom of 7 356
    samples = picture[:, -(6 * 8 * zoom + 5 * gap) :]
    cells = unsheet(samples, 60, 6, gap)[:, ::zoom, ::zoom].reshape(10, 6, 8, 8)
    steps = [next(s for s in previews if np.array_equal(previews[s][:6], row)) for row in cells]
    assert steps == sorted(set(steps)) == [moment.step for moment in shown]
    assert (steps[0], steps[-1]) == (0, 24)


def a_run(path: Path, samples: dict[int, np.ndarray]) -> Path:
    """A folder with what a film needs of a run."""
    config = TrainConfig(sample_count=len(next(iter(samples.values()))))
    (path / "samples").mkdir(parents=True)
    (path / "config.json").write_text(json.dumps({"recipe": "", "data": "", "config": config.to_dict()}))
    for step, pixels in samples.items():
        save_png(path / "samples" / f"{step:08d}.png", sheet(pixels))
    return path


def runs_of(flags: np.ndarray) -> list[tuple[int, int]]:
    """Where runs of True begin and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


@pytest.mark.parametrize(
    ("shape", "zoom"),
    [
        ((6, 28, 28), 3), ((9, 28, 28), 3), ((6, 1, 4), 16), ((1, 1, 4), 100), ((40, 1, 4), 16), ((6, 96, 96, 3), 1),
        ((2, 96, 96), 3), ((1, 5, 3, 3), 96), ((2, 64, 1), 7), ((3, 300, 300), 1),
    ],
    ids=str,
)  # fmt: skip
def test_a_sheet_has_whole_multiples_of_all_samples_beside_their_steps(
    tmp_path: Path, shape: tuple[int, ...], zoom: int
) -> None:
    """Samples are found by their brightness: words and ground are darker."""
    rng = np.random.default_rng(0)
    samples = {step: rng.integers(200, 256, shape, dtype=np.uint8) for step in (5, 1_000, 2_000_000)}
    write_growth(tmp_path / "growth.png", a_run(tmp_path / "run", samples))
    with Image.open(tmp_path / "growth.png") as file:
        picture = np.asarray(file)
    gray = picture if picture.ndim == 2 else picture.max(2)
    across, down = runs_of((gray >= 200).any(0)), runs_of((gray >= 200).any(1))
    assert (len(across), len(down)) == (min(6, shape[0]), 3)
    for (top, bottom), pixels in zip(down, samples.values(), strict=True):
        for (left, right), sample in zip(across, pixels, strict=False):
            block = np.ones((zoom, zoom) if sample.ndim == 2 else (zoom, zoom, 1), np.uint8)
            assert np.array_equal(picture[top:bottom, left:right], np.kron(sample, block))
    width = across[-1][1] - across[0][0]
    assert width >= 400 or zoom * max(shape[1:3]) > 400  # wide enough, or what is tall is tall enough
    assert picture.shape[1] == across[-1][1]  # nothing is cut, nothing is left over
    words = gray[:, : across[0][0]]
    ground = int(words[0, 0])
    assert 0 < ground < 100
    ink = words.astype(int) - ground > 40
    assert not ink[:, :4].any()
    assert not ink[:, -4:].any()  # words end before the samples begin
    edges = [0, *((a[1] + b[0]) // 2 for a, b in itertools.pairwise(down)), len(picture)]
    for (top, bottom), (start, end) in zip(down, itertools.pairwise(edges), strict=True):
        rows = np.flatnonzero(ink[start:end].any(1)) + start
        assert abs((rows[0] + rows[-1] + 1) / 2 - (top + bottom) / 2) <= 3  # in the middle of its row
        assert 8 <= rows[-1] - rows[0] < 17
        assert start < rows[0]
        assert rows[-1] < end - 1
    widths = [np.flatnonzero(ink[a:b].any(0)) for a, b in itertools.pairwise(edges)]
    assert widths[0][0] > widths[1][0] > widths[2][0]  # longer numbers begin further left, and all end alike
    assert max(columns[-1] for columns in widths) - min(columns[-1] for columns in widths) <= 2


def test_a_film_shows_each_moment_with_its_step_below(
    grown: tuple[Path, dict[int, np.ndarray]], tmp_path: Path
) -> None:
    run, previews = grown
    told = []
    write_growth(tmp_path / "growth.gif", run, fps=10, progress=lambda done, total: told.append((done, total)))
    with Image.open(tmp_path / "growth.gif") as film:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(film)]
        assert film.info["duration"] == 100
    assert len(frames) == 13
    for frame, step in zip(frames, range(0, 25, 2), strict=True):
        expected = sheet(previews[step])
        expected = enlarge(expected, FILM_SIDE // max(expected.shape))
        assert np.abs(frame[: len(expected)].astype(int) - expected).max() <= 2  # a GIF's palette
        assert frame[len(expected) :].max() > 100  # words
    assert told[12] == (13, 13)


@pytest.mark.parametrize(
    ("name", "words"),
    [("growth.txt", "cannot write this kind"), ("no/growth.gif", "no"), ("growth.gif", "a film needs two")],
)
def test_what_cannot_be_written_is_told(tmp_path: Path, picture_folder: Path, name: str, words: str) -> None:
    run = tmp_path / "run"
    train(request(variant(TINY, steps=1), picture_folder, run))
    (run / "samples" / "00000000.png").unlink()
    with pytest.raises(UserError, match=words):
        write_growth(tmp_path / name, run)
    assert not (tmp_path / name).exists()


def test_a_damaged_sheet_is_named(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    train(request(TINY, picture_folder, run))
    (run / "samples" / "00000010.png").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"00000010\.png"):
        write_growth(tmp_path / "growth.png", run)
    assert not (tmp_path / "growth.png").exists()
