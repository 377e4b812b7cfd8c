"""How the fixed samples of a run grew: the film and the sheet show the pictures that were saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from tiny_runs import TINY, of, request, train, variant

from ganexplorer.core.errors import UserError
from ganexplorer.core.media import enlarge, sheet, unsheet
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
    assert [moment.step for moment in found] == list(range(2, 25, 2))
    for moment in found:
        assert np.array_equal(moment.read(), previews[moment.step])


def test_the_sheet_shows_ten_moments_of_six_samples(grown: tuple[Path, dict[int, np.ndarray]], tmp_path: Path) -> None:
    run, previews = grown
    write_growth(tmp_path / "growth.png", run)
    picture = np.asarray(Image.open(tmp_path / "growth.png"))
    cells = unsheet(picture, 60, 6).reshape(10, 6, 8, 8)
    steps = [next(s for s in previews if s and np.array_equal(previews[s][:6], row)) for row in cells]
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (2, 24)


def test_a_film_shows_each_moment_with_its_step_below(
    grown: tuple[Path, dict[int, np.ndarray]], tmp_path: Path
) -> None:
    run, previews = grown
    told = []
    write_growth(tmp_path / "growth.gif", run, fps=10, progress=lambda done, total: told.append((done, total)))
    with Image.open(tmp_path / "growth.gif") as film:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(film)]
        assert film.info["duration"] == 100
    assert len(frames) == 12
    for frame, step in zip(frames, range(2, 25, 2), strict=True):
        expected = sheet(previews[step])
        expected = enlarge(expected, FILM_SIDE // max(expected.shape))
        assert np.abs(frame[: len(expected)].astype(int) - expected).max() <= 2  # a GIF's palette
        assert frame[len(expected) :].max() > 100  # words
    assert told[11] == (12, 12)


@pytest.mark.parametrize(
    ("name", "words"),
    [("growth.txt", "cannot write this kind"), ("no/growth.gif", "no"), ("growth.gif", "a film needs two")],
)
def test_what_cannot_be_written_is_told(tmp_path: Path, picture_folder: Path, name: str, words: str) -> None:
    run = tmp_path / "run"
    train(request(variant(TINY, steps=1), picture_folder, run))
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
