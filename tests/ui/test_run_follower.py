"""Following a run that another process writes: what the follower tells, and what the window makes of it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from quick_children import Forking
from small_models import make_discriminator, make_generator

from ganexplorer import cli
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.latent import Prior
from ganexplorer.core.media import sheet
from ganexplorer.core.render import Pixels
from ganexplorer.train import run_log
from ganexplorer.train.events import LogEntry, Mark, Scalars, TrainRequest
from ganexplorer.train.recipes import RECIPES
from ganexplorer.train.runs import Run, is_being_written, read_log
from ganexplorer.ui.training.run_controls import RunState
from ganexplorer.ui.work import run_follower
from ganexplorer.ui.work.run_follower import RunFollower

pytest.importorskip("fcntl")  # without locks no run is known to be another process's

LEFT = Qt.MouseButton.LeftButton
PATIENCE = 120_000  # milliseconds; another process that imports torch, on a busy machine
SOON = 10_000
SHEETS = {"pattern": (3, 1, 4), "gray": (3, 6, 5), "colour": (3, 4, 4, 3)}


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_follower, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(run_follower, "DRAIN_MILLISECONDS", 10)


def scalars(step: int, loss: float = 0.5) -> Scalars:
    return Scalars(step, 0.0, loss, loss, 0.0, 2 * loss, 0.6, 0.4, 0.5, 100.0, 1.0, 1.0, 1.0, step / 100)


def snapshot(run: Run, step: int, seed: int = 0) -> Path:
    """A generator of a constant, as the recipe of the run has it, and a state that nobody reads."""
    generator = make_generator(seed, 1, Prior.constant(0.5), (1, 1, 4))
    path = run.save_snapshot(step, Checkpoint(generator, make_discriminator(generator.spec), {"step": step}))
    run.save_state({"step": step})
    return path


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Make a run folder that is being trained, as far as anybody can tell: `Run` holds its lock."""
    with contextlib.ExitStack() as runs:

        def call(name: str = "run", sample_count: int = 3) -> Run:
            config = dataclasses.replace(RECIPES["pattern-1010"].config, sample_count=sample_count)
            run = Run.create(TrainRequest(config, "toy:1010", tmp_path / "others" / name, recipe="pattern-1010"))
            runs.callback(run.close)
            return run

        yield call


class Heard:
    """All that a follower said."""

    def __init__(self, follower: RunFollower) -> None:
        self.batches: list[list[LogEntry]] = []
        self.entries: list[LogEntry] = []  # since the log began anew
        self.beginnings = 0
        self.snapshots: list[list[int]] = []
        self.sheets: list[tuple[int, Pixels]] = []
        self.ends: list[str] = []
        follower.entries.connect(self._on_entries)
        follower.snapshots.connect(lambda found: self.snapshots.append([s.step for s in found]))
        follower.sheet.connect(lambda step, pixels: self.sheets.append((step, pixels)))
        follower.over.connect(lambda: self.ends.append("over"))
        follower.lost.connect(self.ends.append)

    def _on_entries(self, entries: list[LogEntry], began_anew: bool) -> None:
        self.batches.append(entries)
        self.beginnings += began_anew
        self.entries = [*([] if began_anew else self.entries), *entries]

    @property
    def steps(self) -> list[int]:
        return [entry.step for entry in self.entries]


@pytest.fixture
def follower(qapp: QApplication) -> Iterator[RunFollower]:
    follower = RunFollower()
    yield follower
    follower.close()


@pytest.fixture
def heard(follower: RunFollower) -> Heard:
    return Heard(follower)


# ---- the follower


def test_what_is_logged_and_saved_is_told_as_it_comes(
    begin: Callable[..., Run], follower: RunFollower, heard: Heard, qtbot: Any
) -> None:
    run = begin()
    run.log(scalars(1))
    follower.follow(run.path)
    assert follower.run == run.path
    qtbot.waitUntil(lambda: heard.entries == [scalars(1)], timeout=SOON)
    run.log(scalars(2))
    run.log(Mark(2, "health", "D wins"))
    qtbot.waitUntil(lambda: heard.entries == [scalars(1), scalars(2), Mark(2, "health", "D wins")], timeout=SOON)
    snapshot(run, 2)
    qtbot.waitUntil(lambda: heard.snapshots[-1] == [2], timeout=SOON)
    snapshot(run, 4)
    qtbot.waitUntil(lambda: heard.snapshots[-1] == [2, 4], timeout=SOON)
    assert heard.ends == []
    run.log(scalars(5))  # and what comes just before the end is told before it
    snapshot(run, 5)
    run.close()
    qtbot.waitUntil(lambda: heard.ends == ["over"], timeout=SOON)
    assert (heard.steps[-1], heard.snapshots[-1], heard.beginnings) == (5, [2, 4, 5], 0)
    assert follower.run is None
    run.path.joinpath("log.jsonl").unlink()  # nobody looks any more
    qtbot.wait(100)
    assert heard.ends == ["over"]


@pytest.mark.parametrize("kind", SHEETS)
def test_the_newest_samples_are_told_cut_into_pictures(
    begin: Callable[..., Run], follower: RunFollower, heard: Heard, qtbot: Any, kind: str
) -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(0, 256, (2, *SHEETS[kind]), np.uint8)
    run = begin()
    run.save_sheet(100, second)
    run.save_sheet(900, first)
    follower.follow(run.path)
    qtbot.waitUntil(lambda: len(heard.sheets) == 1, timeout=SOON)
    run.save_sheet(1000, second)
    qtbot.waitUntil(lambda: len(heard.sheets) == 2, timeout=SOON)
    assert [step for step, _ in heard.sheets] == [900, 1000]
    for (_, told), saved in zip(heard.sheets, (first, second), strict=True):
        assert np.array_equal(told, saved)


def test_a_sheet_that_is_no_picture_is_passed_over(
    begin: Callable[..., Run], follower: RunFollower, heard: Heard, qtbot: Any
) -> None:
    run = begin()
    (run.path / "samples" / "00000001.png").write_bytes(b"no picture")
    (run.path / "samples" / "notes.png").write_bytes(b"")
    follower.follow(run.path)
    qtbot.waitUntil(lambda: bool(heard.snapshots), timeout=SOON)
    pixels = np.full((3, 1, 4), 7, np.uint8)
    run.save_sheet(2, pixels)
    qtbot.waitUntil(lambda: len(heard.sheets) == 1, timeout=SOON)
    assert np.array_equal(heard.sheets[0][1], pixels)
    assert heard.ends == []


def test_a_line_is_told_when_it_is_whole(
    begin: Callable[..., Run], follower: RunFollower, heard: Heard, qtbot: Any
) -> None:
    run = begin()
    line = run_log.line_of(scalars(12)).encode()
    follower.follow(run.path)
    with (run.path / "log.jsonl").open("ab", buffering=0) as log:
        for part in (line[:1], line[1:-2], line[-2:-1]):  # the last: whole but for its end
            log.write(part)
            qtbot.wait(60)
            assert heard.entries == []
        log.write(line[-1:] + line[:5])
        qtbot.waitUntil(lambda: heard.entries == [scalars(12)], timeout=SOON)


def test_of_a_log_that_is_replaced_the_new_one_is_told(
    begin: Callable[..., Run], follower: RunFollower, heard: Heard, qtbot: Any
) -> None:
    run = begin()
    for step in range(1, 9):
        run.log(scalars(step))
    follower.follow(run.path)
    qtbot.waitUntil(lambda: heard.steps == list(range(1, 9)), timeout=SOON)
    log = run.path / "log.jsonl"
    run_log.cut(log, 3)
    qtbot.waitUntil(lambda: heard.steps == [1, 2, 3], timeout=SOON)
    with log.open("a") as file:
        file.write(run_log.line_of(scalars(4, 0.9)))
    qtbot.waitUntil(lambda: heard.steps == [1, 2, 3, 4], timeout=SOON)
    assert heard.entries[-1] == scalars(4, 0.9)
    assert heard.beginnings == 1


@pytest.mark.parametrize("folder", [True, False], ids=["folder", "config"])
def test_a_folder_that_is_deleted_is_told_once(
    begin: Callable[..., Run], follower: RunFollower, heard: Heard, qtbot: Any, folder: bool
) -> None:
    run = begin()
    run.log(scalars(1))
    follower.follow(run.path)
    qtbot.waitUntil(lambda: heard.steps == [1], timeout=SOON)
    if folder:
        shutil.rmtree(run.path)
    else:
        (run.path / "config.json").unlink()
    qtbot.waitUntil(lambda: bool(heard.ends), timeout=SOON)
    qtbot.wait(100)
    assert heard.ends == [f"{run.path} is gone: it is followed no longer."]
    assert follower.run is None
    assert heard.steps == [1]


def test_a_run_without_a_log_yet_is_waited_for(
    begin: Callable[..., Run], follower: RunFollower, heard: Heard, qtbot: Any
) -> None:
    run = begin()
    (run.path / "log.jsonl").unlink()
    follower.follow(run.path)
    qtbot.wait(80)
    (run.path / "log.jsonl").write_text(run_log.line_of(scalars(3)))
    qtbot.waitUntil(lambda: heard.steps == [3], timeout=SOON)
    assert heard.beginnings == 0


def test_a_long_log_comes_in_pieces_and_the_end_after_them(
    begin: Callable[..., Run], follower: RunFollower, heard: Heard, qtbot: Any
) -> None:
    run = begin()
    run_log.write(run.path / "log.jsonl", (scalars(step) for step in range(1, 12_346)))
    run.close()  # over before the first look
    follower.follow(run.path)
    qtbot.waitUntil(lambda: heard.ends == ["over"], timeout=SOON)
    assert max(len(batch) for batch in heard.batches) <= 5000
    assert heard.steps == list(range(1, 12_346))


def test_nothing_is_told_after_stop_and_no_file_stays_open(
    begin: Callable[..., Run], follower: RunFollower, heard: Heard, qtbot: Any
) -> None:
    run, other = begin(), begin("other")
    run.log(scalars(1))
    other.log(scalars(100))
    before = psutil.Process().num_fds()
    follower.follow(run.path)
    qtbot.waitUntil(lambda: heard.steps == [1], timeout=SOON)
    follower.follow(other.path)
    run.log(scalars(2))
    qtbot.waitUntil(lambda: heard.steps == [1, 100], timeout=SOON)
    follower.stop()
    other.log(scalars(101))
    qtbot.wait(100)
    assert heard.steps == [1, 100]
    follower.close()
    assert psutil.Process().num_fds() <= before
    follower.close()  # harmless


# ---- the window


def open_run(window: Any, qtbot: Any, run: Path) -> None:
    """Open a run folder and wait until it is followed."""
    window.open(str(run))
    qtbot.waitUntil(lambda: window.train.following.follower.run == run, timeout=SOON)


def points(window: Any) -> list[int]:
    steps: list[int] = window.train.plots.points[0].astype(int).tolist()
    return steps


def test_a_run_folder_that_is_dropped_is_followed_and_grows(begin: Callable[..., Run], shot: Any, qtbot: Any) -> None:
    window, panel = shot.window, shot.window.train
    run = begin()
    run.log(scalars(1))
    snapshot(run, 1)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(run.path))])
    for kind in (QDragEnterEvent, QDropEvent):
        place = window.rect().center() if kind is QDragEnterEvent else QPointF(window.rect().center())
        none = Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(window, kind(place, Qt.DropAction.CopyAction, mime, LEFT, none))
    qtbot.waitUntil(lambda: panel.following.run == run.path, timeout=SOON)
    qtbot.waitUntil(lambda: points(window) == [1], timeout=SOON)
    assert window.document.subject.spec.image_shape == (1, 1, 4)
    for step in range(2, 1_235):
        run.log(scalars(step))
    run.log(Mark(1_234, "kept", "kept"))
    snapshot(run, 1_234)
    run.save_sheet(1_234, np.full((3, 1, 4), 9, np.uint8))
    qtbot.waitUntil(lambda: points(window) == list(range(1, 1_235)), timeout=SOON)
    qtbot.waitUntil(lambda: panel.samples.step == 1_234, timeout=SOON)
    text = "Followed: step 1,234, another process is training it\nD(x) 0.60   D(G(z)) 0.40 → 0.50"
    qtbot.waitUntil(lambda: panel.status.text() == text, timeout=SOON)
    qtbot.waitUntil(lambda: panel.timeline.words.text().startswith("2 snapshots"), timeout=SOON)
    assert not panel.controls.resume.isEnabled()
    assert panel.controls.start.isEnabled()
    run.close()
    qtbot.waitUntil(lambda: panel.following.run is None, timeout=SOON)
    assert panel.status.text() == "Ended at step 1,234, trained by another process"
    assert panel.controls.resume.isEnabled()
    assert not panel.controls.explore.isEnabled()
    assert any(entry.path.name == "00001234.safetensors" for entry in window.models.entries)


def test_explore_this_goes_along_with_the_newest_snapshot(begin: Callable[..., Run], shot: Any, qtbot: Any) -> None:
    window, panel = shot.window, shot.window.train
    run = begin()
    run.log(scalars(1))
    snapshot(run, 1, seed=1)
    open_run(window, qtbot, run.path)
    before = window.document.subject
    qtbot.mouseClick(panel.controls.explore, LEFT)
    for step in (1, 2, 3):
        if step > 1:
            snapshot(run, step, seed=step)
        qtbot.waitUntil(lambda step=step: window.document.subject.snapshot == step, timeout=SOON)
        qtbot.waitUntil(lambda step=step: panel.timeline.snapshot.step == step, timeout=SOON)
        generator = make_generator(step, 1, Prior.constant(0.5), (1, 1, 4))
        assert np.array_equal(shot.settled(), shot.expected(generator))
        assert panel.controls.explore.isChecked()
    panel.timeline.choose_nearest(2)  # by hand: from now on that one
    assert not panel.controls.explore.isChecked()
    snapshot(run, 4)
    qtbot.waitUntil(lambda: "of 4" in panel.timeline.words.text(), timeout=SOON)
    qtbot.waitUntil(lambda: window.document.subject.snapshot == 2, timeout=SOON)
    assert panel.timeline.snapshot.step == 2
    qtbot.mouseClick(panel.controls.explore, LEFT)
    qtbot.waitUntil(lambda: window.document.subject.snapshot == 4, timeout=SOON)
    qtbot.mouseClick(panel.controls.explore, LEFT)
    assert window.document.subject == before
    assert panel.timeline.snapshot is None


def test_the_end_of_a_run_that_is_explored_leaves_its_last_snapshot_on_show(
    begin: Callable[..., Run], window: Any, qtbot: Any
) -> None:
    run = begin()
    snapshot(run, 1)
    open_run(window, qtbot, run.path)
    qtbot.mouseClick(window.train.controls.explore, LEFT)
    snapshot(run, 7)
    run.close()
    qtbot.waitUntil(lambda: window.train.following.follower.run is None, timeout=SOON)
    qtbot.waitUntil(lambda: window.document.subject.snapshot == 7, timeout=SOON)
    assert not window.train.controls.explore.isChecked()
    assert window.train.timeline.snapshot.step == 7


def test_a_rollback_by_the_other_process_is_followed(begin: Callable[..., Run], window: Any, qtbot: Any) -> None:
    run = begin()
    for step in range(1, 9):
        run.log(scalars(step))
    run.log(Mark(8, "kept", "kept"))
    for step in (2, 8):
        snapshot(run, step)
    open_run(window, qtbot, run.path)
    qtbot.waitUntil(lambda: points(window) == list(range(1, 9)), timeout=SOON)
    run_log.cut(run.path / "log.jsonl", 2)
    (run.path / "snapshots" / "00000008.safetensors").unlink()
    with (run.path / "log.jsonl").open("a") as log:
        log.write(run_log.line_of(Mark(2, "rolled back", "Rolled back to step 2")))
        log.write(run_log.line_of(scalars(3, 0.9)))
    qtbot.waitUntil(lambda: points(window) == [1, 2, 3], timeout=SOON)
    assert window.train.plots.points[1].tolist() == [0.5, 0.5, 0.9]
    assert "step 3," in window.train.status.text()
    qtbot.waitUntil(lambda: window.train.timeline.words.text() == "1 snapshot, step 2", timeout=SOON)


def test_a_deleted_run_is_told_and_its_curves_stay(begin: Callable[..., Run], window: Any, qtbot: Any) -> None:
    run = begin()
    run.log(scalars(1))
    snapshot(run, 1)
    open_run(window, qtbot, run.path)
    qtbot.waitUntil(lambda: points(window) == [1], timeout=SOON)
    window.watch.stop()  # it tells that the open file is gone
    shutil.rmtree(run.path)
    qtbot.waitUntil(lambda: "is gone: it is followed no longer" in window.notices.text, timeout=SOON)
    assert points(window) == [1]
    assert window.train.status.text() == "Followed until step 1"
    assert window.train.timeline.words.text() == "Snapshots appear here"
    assert not window.train.controls.explore.isEnabled()
    assert not window.train.controls.resume.isEnabled()


def test_opening_another_run_follows_that_one_and_the_same_one_again_goes_on(
    begin: Callable[..., Run], window: Any, qtbot: Any
) -> None:
    run, other = begin(), begin("other")
    for number, each in enumerate((run, other), start=1):
        each.log(scalars(10 * number))
        snapshot(each, 10 * number)
    open_run(window, qtbot, run.path)
    qtbot.waitUntil(lambda: points(window) == [10], timeout=SOON)
    open_run(window, qtbot, other.path)
    qtbot.waitUntil(lambda: points(window) == [20], timeout=SOON)
    run.log(scalars(11))
    other.log(scalars(21))
    qtbot.waitUntil(lambda: points(window) == [20, 21], timeout=SOON)
    with qtbot.waitSignal(window.opener.opened, timeout=SOON):
        window.reload()
    other.log(scalars(22))
    qtbot.waitUntil(lambda: points(window) == [20, 21, 22], timeout=SOON)
    other.close()
    qtbot.waitUntil(lambda: window.train.following.follower.run is None, timeout=SOON)
    window.open(str(other.path))  # now it is one of the past
    qtbot.waitUntil(lambda: window.train.status.text().startswith("pattern-1010 on toy:1010\n20 of "), timeout=SOON)
    assert window.train.following.follower.run is None
    assert points(window) == [20, 21, 22]


def test_a_run_of_one_s_own_ends_the_following(
    begin: Callable[..., Run], window: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin()
    run.log(scalars(1))
    snapshot(run, 1)
    open_run(window, qtbot, run.path)
    panel, opened = window.train, window.document.subject
    panel.roll_back(1)
    assert "is being trained by another process" in window.notices.text
    assert panel.following.run == run.path
    qtbot.mouseClick(panel.controls.explore, LEFT)
    qtbot.waitUntil(lambda: panel.timeline.snapshot is not None, timeout=SOON)
    started: list[TrainRequest] = []
    monkeypatch.setattr(panel.session, "start", lambda request, prepare: started.append(request))
    panel.setup.recipe.setCurrentText("pattern-1010")
    qtbot.mouseClick(panel.controls.start, LEFT)
    assert len(started) == 1
    assert panel.following.run is None
    assert panel.controls.state is RunState.STARTING
    assert not panel.controls.explore.isChecked()
    assert window.document.subject == opened
    run.log(scalars(2))
    qtbot.wait(100)
    assert points(window) == []


def test_the_window_says_which_snapshot_is_shown_instead_of_a_damaged_one(
    begin: Callable[..., Run], window: Any, qtbot: Any
) -> None:
    run = begin()
    run.log(scalars(500))
    snapshot(run, 400)
    newest = snapshot(run, 500)
    run.close()
    newest.write_bytes(newest.read_bytes()[:100])
    window.open(str(run.path))
    qtbot.waitUntil(lambda: window.document.subject.snapshot == 400, timeout=SOON)
    assert window.notices.text.startswith("00000500.safetensors is damaged (")
    assert "); step 400 is shown instead." in window.notices.text
    assert sum(entry.name == "run" for entry in window.models.entries) == 1


# ---- a real process


def train(words: list[str]) -> None:
    """The command line in a process of its own, without what it says."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.exit(cli.main(words))


@pytest.fixture
def trained(tmp_path: Path) -> Iterator[tuple[BaseProcess, Path]]:
    """A process that trains the smallest recipe until it is told to end, and its run folder."""
    run = tmp_path / "others" / "real"
    settings = ["log_every=10", "sample_every=40", "snapshot_every=80"]
    words = ["train", "--recipe", "pattern-1010", "--data", "toy:1010", "--out", str(run), "--device", "cpu"]
    words += ["--steps", "100000000", *(word for each in settings for word in ("--set", each))]
    process = Forking().Process(train, (words,))
    process.start()
    try:
        yield process, run
    finally:
        process.kill()
        process.join()
        process.close()


def test_a_run_of_another_process_is_followed_to_its_end_and_gone_on_with(
    trained: tuple[BaseProcess, Path], window: Any, qtbot: Any
) -> None:
    process, run = trained
    panel, controls = window.train, window.train.controls
    qtbot.waitUntil(lambda: any(run.glob("snapshots/*.safetensors")), timeout=PATIENCE)
    open_run(window, qtbot, run)
    opened = window.document.subject
    seen = len(points(window))
    qtbot.waitUntil(lambda: len(points(window)) > seen + 3, timeout=PATIENCE)
    assert panel.status.text().startswith("Followed: step ")
    assert "D(G(z))" in panel.status.text()
    qtbot.waitUntil(lambda: (panel.samples.step or 0) >= 40, timeout=PATIENCE)

    qtbot.mouseClick(controls.explore, LEFT)
    qtbot.waitUntil(lambda: window.document.subject.snapshot is not None, timeout=PATIENCE)
    first = panel.timeline.snapshot.step
    qtbot.waitUntil(lambda: (window.document.subject.snapshot or 0) > first, timeout=PATIENCE)
    assert torch.equal(window.document.z, torch.full((1,), 0.5))
    qtbot.mouseClick(controls.explore, LEFT)
    assert window.document.subject == opened

    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)  # it saves and ends
    process.join(PATIENCE / 1000)
    assert process.exitcode is not None
    qtbot.waitUntil(lambda: panel.following.run is None, timeout=PATIENCE)
    assert points(window) == [entry.step for entry in read_log(run)]
    last = int((run / "LATEST").read_text().partition(".")[0])
    assert panel.status.text() == f"Ended at step {last:,}, trained by another process"
    assert panel.samples.step == max(int(path.stem) for path in (run / "samples").glob("*.png"))
    with Image.open(run / "samples" / f"{panel.samples.step:08d}.png") as picture:
        assert np.array_equal(sheet(panel.samples._pixels), np.asarray(picture))

    qtbot.mouseClick(controls.resume, LEFT)  # and this window's own child goes on with it
    qtbot.waitUntil(lambda: controls.state is RunState.RUNNING, timeout=PATIENCE)
    assert is_being_written(run)
    with qtbot.waitSignal(window.opener.opened, timeout=PATIENCE):
        window.open(str(run))
    qtbot.wait(200)
    assert panel.following.run is None  # it is not followed twice
    qtbot.waitUntil(lambda: points(window)[-1] > last, timeout=PATIENCE)
    assert points(window) == sorted(set(points(window)))
    panel.stop()
    qtbot.waitUntil(lambda: not panel.session.is_running, timeout=PATIENCE)
