"""Files that cannot be opened, dropped on the window: it says why, in the words of the command line, and lives on."""

from __future__ import annotations

import os
import sys
import time

import numpy as np
import pytest
import torch

from ganexplorer import cli
from ganexplorer.core.foreign import guard

HANGS = [sys.executable, "-c", "import time; time.sleep(600)"]
DIES = [sys.executable, "-c", "import os; os.abort()"]


class Harm:
    """Pickled, it asks to be loaded by `os.system`."""

    def __init__(self, canary):
        self._canary = canary

    def __reduce__(self):
        return os.system, (f"touch '{self._canary}'",)


def state(**changes):
    weights = {"0.weight": torch.ones(9, 5), "0.bias": torch.ones(9), "2.weight": torch.ones(16, 9)}
    return {name: tensor for name, tensor in (weights | changes).items() if tensor is not None}


BAD = {
    "harm": (lambda folder: {"G": state(), "extra": Harm(folder / "canary")}, "system"),
    "nan": (lambda folder: state(**{"0.bias": torch.full((9,), float("nan"))}), "0.bias holds NaN"),
    "missing": (lambda folder: state(**{"2.weight": None, "2.bias": torch.ones(16)}), "2 lacks its weight"),
    "extra": (lambda folder: state(**{"attention.gamma": torch.ones(3)}), "attention"),
    "unknown": (lambda folder: {"conv.weight": torch.ones(3, 3, 3, 3, 3)}, "conv"),
    "no weights": (lambda folder: {"epoch": 3}, "no tensors"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_as_on_the_command_line_and_the_open_model_stays_live(shot, tmp_path, capsys, name):
    data, words = BAD[name]
    path = tmp_path / f"{name}.pt"
    torch.save(data(tmp_path), path)
    subject = shot.document.subject
    shot.window.open(str(path))
    shot.qtbot.waitUntil(lambda: bool(shot.window.notices.text), timeout=20_000)
    assert shot.window.notices.text.startswith(f"{path}: ")
    assert words in shot.window.notices.text
    assert not (tmp_path / "canary").exists()
    assert shot.document.subject is subject
    before = shot.settled()
    shot.document.random()
    assert not np.array_equal(shot.settled(), before)
    assert cli.main(["inspect", str(path)]) == 2
    assert capsys.readouterr().err == f"ganexplorer: {' '.join(shot.window.notices.text.split())}\n"


@pytest.fixture
def stranger(tmp_path):
    path = tmp_path / "stranger.pt"
    torch.save(state(), path)
    return path


def read_by(monkeypatch, child, seconds):
    """Let another child read strangers' files."""
    read = guard.read
    monkeypatch.setattr(guard, "read", lambda path: read(path, seconds, child))


@pytest.mark.parametrize(
    ("child", "words"),
    [(HANGS, "took longer than 1 s"), (DIES, "reading it was stopped (SIGABRT")],
    ids=["hangs", "dies"],
)
def test_a_reader_that_hangs_or_dies_is_told_and_the_window_is_live_meanwhile(
    shot, stranger, monkeypatch, child, words
):
    read_by(monkeypatch, child, 1.0)
    shot.window.open(str(stranger))
    moves = 0
    while not shot.window.notices.text or not moves:
        shot.document.random()
        shot.settled()
        moves += 1
    assert words in shot.window.notices.text
    assert str(stranger) in shot.window.notices.text
    assert moves > (3 if child is HANGS else 0)
    assert shot.document.subject.name == "small"


def test_closing_the_window_does_not_wait_for_a_reader_that_hangs(shot, stranger, monkeypatch):
    read_by(monkeypatch, HANGS, 60.0)
    shot.window.open(str(stranger))
    shot.qtbot.waitUntil(lambda: bool(guard.running()), timeout=10_000)
    start = time.monotonic()
    shot.window.close()
    assert time.monotonic() - start < 10
    assert not guard.running()
