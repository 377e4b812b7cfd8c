"""film: what it writes, says and refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ganexplorer import cli

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with thirteen sheets, of steps 0 to 120. Only to be read."""
    run = tmp_path_factory.mktemp("runs") / "grown"
    words = ["train", "--recipe", "pattern-1010", "--device", "cpu", "--steps", "120", "--set", "sample_every=10"]
    assert cli.main([*words, "--set", "log_every=120", "--out", str(run)]) == 0
    return run


@pytest.mark.parametrize(
    ("name", "count", "frames"), [("growth.gif", 13, 13), ("growth.png", 10, 1)], ids=["film", "sheet"]
)
def test_a_film_says_on_stderr_what_it_holds(
    command: Command, grown: Path, tmp_path: Path, name: str, count: int, frames: int
) -> None:
    """stdout stays empty, as that of sample and interpolate."""
    answer = command("film", grown, "-o", tmp_path / name)
    assert (answer.status, answer.out) == (0, "")
    assert answer.err == f"{tmp_path / name}: {count} moments, from step 0 to 120\n"
    with Image.open(tmp_path / name) as picture:
        assert getattr(picture, "n_frames", 1) == frames
        assert picture.width >= 400


def test_a_sheet_has_as_many_rows_as_are_asked_for(command: Command, grown: Path, tmp_path: Path) -> None:
    assert "3 moments, from step 0 to 120" in command("film", grown, "-o", tmp_path / "a.png", "--rows", 3).err
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.height == 3 * 100 + 2 * 4  # 1x4 pixels, a hundred times as large


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--fps", "fast"), "argument --fps: 'fast' is not a number"), (("--rows", "0"), "argument --rows: 0 is not at "
      "least 1"), (("--columns", "-1"), "argument --columns: -1 is not at least 1")],
)  # fmt: skip
def test_bad_numbers_are_refused(
    command: Command, grown: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    assert command("film", grown, "-o", tmp_path / "a.gif", *words).bad_arguments == said


def test_a_film_of_what_has_not_grown_is_refused(command: Command, tmp_path: Path) -> None:
    command("train", "--recipe", "pattern-1010", "--device", "cpu", "--steps", 5, "--out", tmp_path / "run")
    (tmp_path / "run" / "samples" / "00000000.png").unlink()
    refusal = command("film", tmp_path / "run", "-o", tmp_path / "a.gif").refusal
    assert refusal == (
        f"{tmp_path / 'run'}: has 1 sheet of samples, and a film needs two. Train it further, or the next one with a "
        "smaller sample_every."
    )
    assert not (tmp_path / "a.gif").exists()
