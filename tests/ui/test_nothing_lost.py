"""Tests that try to make the window lose a run: its process killed or out of memory, closing, many runs and windows."""

import dataclasses
import gc
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from quick_children import trainers
from test_training import PATIENCE, census, choose, start, wait_end

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.train.events import Change, Ended, Pause, TrainRequest
from ganexplorer.train.recipes import RECIPES
from ganexplorer.train.runs import is_being_written, read_config
from ganexplorer.train.trainer import Trainer
from ganexplorer.ui import theme
from ganexplorer.ui.main_window import MainWindow
from ganexplorer.ui.training.run_controls import RunState
from ganexplorer.ui.work.workers import TrainingSession

MEBIBYTE = 1024**2
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def runs(tmp_path):
    """The window's folder of runs, in memory: each flush to a busy disk takes a fifth of a second."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        (tmp_path / "runs").symlink_to(folder)
        yield tmp_path / "runs"


@pytest.fixture(autouse=True)
def _one_thread_in_children(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def newest_state(run):
    return torch.load(max((run / "checkpoint").glob("*.pt")), weights_only=True)


def logged(run):
    """Step and losses of each line of the log."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [(line["step"], line["d_loss"], line["g_loss"]) for line in lines if "event" not in line]


def same_weights(state, other):
    return all(
        state[network].keys() == other[network].keys()
        and all(torch.equal(tensor, other[network][name]) for name, tensor in state[network].items())
        for network in ("generator", "discriminator")
    )


def starve(window, shot, generator, qtbot, quick_recipe):
    """Let a run need more memory than its process may take; the window and the process live on."""
    quick_recipe("pattern-1010", steps=20)
    choose(window, "pattern-1010")
    start(window, qtbot)
    wait_end(window, qtbot)
    (trainer,) = trainers()
    _, hard = trainer.rlimit(psutil.RLIMIT_AS)
    trainer.rlimit(psutil.RLIMIT_AS, (trainer.memory_info().vms + 150 * MEBIBYTE, hard))
    quick_recipe("pattern-1010", g_widths=(4096,), d_widths=(4096,), batch_size=4096)  # 64 MiB a layer
    choose(window, "mlp-96")
    choose(window, "pattern-1010")
    start(window, qtbot)
    wait_end(window, qtbot)
    trainer.rlimit(psutil.RLIMIT_AS, (hard, hard))
    assert "Out of memory. Use a smaller batch_size" in window.notices.text
    window.document.random()
    assert np.array_equal(shot.settled(), shot.expected(generator))
    quick_recipe("pattern-1010", g_widths=(3,), d_widths=(3,), batch_size=1, steps=20)
    choose(window, "mlp-96")
    choose(window, "pattern-1010")
    start(window, qtbot)
    wait_end(window, qtbot)
    assert window.train.status.text() == "Finished at step 20, saved"
    assert trainers() == [trainer]


def test_neither_want_of_memory_nor_a_killed_process_nor_closing_loses_a_run(
    runs, window, shot, generator, qtbot, tmp_path, quick_recipe
):
    if sys.platform.startswith("linux"):  # elsewhere another process's memory cannot be limited
        starve(window, shot, generator, qtbot, quick_recipe)
        shutil.rmtree(runs.resolve())
        runs.resolve().mkdir()
    choose(window, "mlp-96")
    quick_recipe("pattern-1010", steps=10**7, snapshot_every=100, log_every=10)
    choose(window, "pattern-1010")
    start(window, qtbot)
    qtbot.waitUntil(lambda: len(list(runs.glob("*/checkpoint/*.pt"))) > 2, timeout=PATIENCE)
    (run,) = runs.iterdir()
    (trainer,) = trainers()
    trainer.kill()
    wait_end(window, qtbot)
    assert "SIGKILL" in window.notices.text
    assert not is_being_written(run)
    saved = newest_state(run)["step"]

    assert window.train.controls.resume.isEnabled()
    qtbot.mouseClick(window.train.controls.resume, LEFT)
    qtbot.waitUntil(lambda: window.train.controls.state is RunState.RUNNING, timeout=PATIENCE)
    window.train.session.send(Pause())
    qtbot.waitUntil(lambda: window.train.controls.state is RunState.PAUSED, timeout=PATIENCE)
    last = newest_state(run)["step"] + 500
    window.train.session.send(Change({"steps": last}))
    qtbot.mouseClick(window.train.controls.go_on, LEFT)
    wait_end(window, qtbot)
    assert window.train.status.text().startswith(f"Finished at step {last:,}")

    config = dataclasses.replace(read_config(run).config, steps=last, snapshot_every=10**6)
    *_, end = Trainer(TrainRequest(config, "toy:1010", tmp_path / "undisturbed", "cpu")).run()
    assert isinstance(end, Ended)
    assert end.step == last > saved
    assert not list(run.rglob("*.part"))
    assert same_weights(newest_state(run), newest_state(tmp_path / "undisturbed"))
    assert logged(run) == logged(tmp_path / "undisturbed")

    start(window, qtbot)  # another one, which waits when the window is closed
    qtbot.waitUntil(lambda: len(window.train.plots.points[0]) > 3, timeout=PATIENCE)
    window.train.session.send(Pause())
    qtbot.waitUntil(lambda: window.train.controls.state is RunState.PAUSED, timeout=PATIENCE)
    begin = time.perf_counter()
    window.close()
    assert time.perf_counter() - begin < 5
    assert trainers() == []
    (other,) = (folder for folder in runs.iterdir() if folder != run)
    assert not is_being_written(other)
    step = newest_state(other)["step"]
    assert (other / "LATEST").read_text() == f"{step:08d}.safetensors\n"
    assert Checkpoint.load(other / "snapshots" / f"{step:08d}.safetensors").card["step"] == step
    assert [entry[0] for entry in logged(other)] == [*range(10, step + 1, 10)]


def test_what_is_made_before_a_run_may_fail_in_any_way(qtbot, tmp_path):
    """Else the session would wait for the end of a run that never began."""
    session = TrainingSession()

    def prepare(_):
        raise ZeroDivisionError("nothing to divide by")

    with qtbot.waitSignal(session.ended, timeout=PATIENCE) as ended:
        session.start(TrainRequest(RECIPES["pattern-1010"].config, "toy:1010", tmp_path / "run", "cpu"), prepare)
    assert ended.args[0].message == "ZeroDivisionError: nothing to divide by"
    assert not session.is_running
    session.close()
    assert trainers() == []


def test_fifty_runs_of_a_session_leave_no_thread_timer_or_process_and_no_memory_behind(qtbot, runs):
    session, ends = TrainingSession(), []
    session.ended.connect(ends.append)
    config = dataclasses.replace(RECIPES["pattern-1010"].config, log_every=1)
    endless, short = dataclasses.replace(config, steps=10**7), dataclasses.replace(config, steps=5)
    found = []
    for cycle in range(50):
        asked = short if cycle % 3 == 0 else endless
        session.start(TrainRequest(asked, "toy:1010", runs / str(cycle), "cpu"))
        if cycle % 3 == 1:  # while it goes on; else before it begins
            with qtbot.waitSignal(session.scalars, timeout=PATIENCE):
                pass
        if asked is endless:
            session.stop()
        qtbot.waitUntil(lambda: not session.is_running, timeout=PATIENCE)
        if cycle in (14, 49):
            kept = census(qtbot)
            processes = (psutil.Process(), *trainers())
            counts = [(process.num_fds(), process.num_threads()) for process in processes]
            found.append((kept, counts, [process.memory_info().rss for process in processes]))
    assert [end.reason for end in ends] == (["finished", "stopped", "stopped"] * 17)[:50]
    assert found[0][:2] == found[1][:2]
    assert len(found[0][2]) == 2
    for before, after in zip(found[0][2], found[1][2], strict=True):
        assert after - before < 6 * MEBIBYTE
    session.close()
    assert trainers() == []
    assert [is_being_written(run) for run in runs.iterdir()] == [False] * 50


def test_five_windows_two_of_which_train_leave_nothing_behind(qtbot, runs, model_path, quick_recipe, monkeypatch):
    quick_recipe("pattern-1010", steps=10**7, log_every=1)
    # small ones in the list: megabytes of weights that are read for a thumbnail while a window closes hide a leak
    small = [entry for entry in zoo.discover() if entry.name in ("mnist-mlp-64", "pattern-1010")]
    assert len(small) == 2
    monkeypatch.setattr(zoo, "discover", lambda *_: small)
    found = []
    for number in range(5):
        window = MainWindow(theme.DARK, str(model_path), "cpu", runs)
        with qtbot.waitSignal(window.first_image, timeout=20_000):
            window.show()
        if number % 2:
            choose(window, "pattern-1010")
            start(window, qtbot)
        if number == 1:  # the other is closed while its process is still being started
            qtbot.waitUntil(lambda window=window: len(window.train.plots.points[0]) > 3, timeout=PATIENCE)
        window.close()
        window.deleteLater()
        del window
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
        assert trainers() == []
        found.append((census(qtbot), psutil.Process().num_threads(), psutil.Process().memory_info().rss))
    assert found[1][:2] == found[2][:2] == found[3][:2] == found[4][:2]
    assert found[4][2] - found[1][2] < 20 * MEBIBYTE
    trained, *late = sorted(runs.iterdir())
    assert newest_state(trained)["step"] > 3
    assert all(newest_state(run)["step"] >= 0 for run in late)  # of a machine that is quick
