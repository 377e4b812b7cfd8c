"""A run whose newest snapshot is damaged: the one before is taken, and that is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganexplorer.core.checkpoint import Checkpoint

Command = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, checkpoints: dict[str, Checkpoint]) -> Path:
    """A run folder of two snapshots."""
    folder = tmp_path / "run"
    (folder / "snapshots").mkdir(parents=True)
    for step, name in ((400, "probe-gray"), (500, "probe-colour")):
        checkpoints[name].save(folder / "snapshots" / f"{step:08d}.safetensors")
    return folder


def test_a_sample_of_a_damaged_run_is_of_the_snapshot_before_and_says_so(
    command: Command, run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "of-run.png"
    assert command("sample", run, "-n", 3, "-o", out).err == ""
    newest = run / "snapshots" / "00000500.safetensors"
    newest.write_bytes(newest.read_bytes()[:-10])
    answer = command("sample", run, "-n", 3, "-o", out)
    assert (answer.status, answer.out) == (0, "")
    assert answer.err.startswith("ganexplorer: 00000500.safetensors is damaged (")
    assert answer.err.endswith("; step 400 is shown instead.\n")
    assert answer.err.count("\n") == 1
    plain = tmp_path / "of-file.png"
    assert command("sample", run / "snapshots" / "00000400.safetensors", "-n", 3, "-o", plain).err == ""
    assert out.read_bytes().partition(b"IDAT")[2] == plain.read_bytes().partition(b"IDAT")[2]  # but for the name
