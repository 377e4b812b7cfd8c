"""What is on show when answers about a file, a training and snapshots arrive in any order."""

import pytest
import torch
from small_models import make_generator

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError
from ganexplorer.core.render import Renderer
from ganexplorer.core.zoo import ModelEntry
from ganexplorer.train.snapshots import Snapshot
from ganexplorer.ui.editing.document import Subject
from ganexplorer.ui.training.run_record import SnapshotSeen
from ganexplorer.ui.work.studio import Sight
from ganexplorer.ui.work.workers import JobResult


@pytest.fixture
def run(tmp_path):
    """A run folder with snapshots of steps 100 and 200."""
    folder = tmp_path / "runs" / "mine"
    (folder / "snapshots").mkdir(parents=True)
    for step in (100, 200):
        Checkpoint(make_generator(seed=step)).save(Snapshot(folder, step).networks)
    return folder


def sight(seed=1):
    return Sight(Renderer(make_generator(seed=seed)), None)


def live(name="mine", step=500):
    """The answer to weights of a generator in training."""
    seen = sight()
    return JobResult("live", (Subject(name, seen.renderer.spec, step), seen))


def seen(run, step):
    """The answer to a click on a snapshot."""
    at, of = Snapshot(run, step), sight(step)
    entry = ModelEntry(run.name, at.networks)
    return JobResult("snapshot", SnapshotSeen(entry, at, of, of.renderer.render(torch.zeros(4, 64))))


def tick(window, is_on):
    """Press or release *Explore this* as it is while a training goes on, and no more."""
    button = window.train.controls.explore
    button.blockSignals(True)
    button.setChecked(is_on)
    button.blockSignals(False)


def choose(window, run, step):
    """What the line of snapshots has when one was clicked."""
    line = window.train.timeline
    line.show_snapshots([Snapshot(run, 100), Snapshot(run, 200)], set())
    line.line.choose([100, 200].index(step))


def answer(window, result):
    window.job_thread.job_done.emit(result)


@pytest.fixture
def measured(window, monkeypatch):
    """The spaces whose effects were measured."""
    spaces = []
    monkeypatch.setattr(window.effects, "measure", lambda renderer, space: spaces.append(space))
    return spaces


def test_weights_that_come_after_exploring_ended_are_not_shown(window):
    before = window.document.subject
    tick(window, False)
    answer(window, live())
    assert window.document.subject is before
    tick(window, True)
    answer(window, live())
    assert window.document.subject.step == 500


def test_effects_are_measured_once_for_a_generator_in_training_and_again_for_what_follows(window, measured):
    tick(window, True)
    for step in (500, 510, 520):
        answer(window, live(step=step))
    assert len(measured) == 1
    answer(window, live("another", 10))
    assert len(measured) == 2
    window.exploring.show_file()
    assert len(measured) == 3


def test_a_snapshot_is_shown_only_while_it_is_the_one_that_is_chosen(window, run):
    before = window.document.subject
    answer(window, seen(run, 100))
    assert window.document.subject is before  # none was
    choose(window, run, 200)
    answer(window, seen(run, 100))
    assert window.document.subject is before  # another was
    answer(window, seen(run, 200))
    assert (window.document.subject.name, window.document.subject.snapshot) == ("mine", 200)


def test_what_stands_to_be_saved_and_compared_follows_what_is_on_show(window, run):
    exploring, file = window.exploring, window.exploring.entry
    assert exploring.entry_on_show is exploring.file_or_snapshot is file
    choose(window, run, 100)
    answer(window, seen(run, 100))
    assert exploring.entry_on_show.path == exploring.file_or_snapshot.path == Snapshot(run, 100).networks
    exploring._run = run
    tick(window, True)
    answer(window, live())
    assert exploring.entry_on_show.path == run
    assert exploring.file_or_snapshot is file
    tick(window, False)
    exploring.show_file()
    assert exploring.entry_on_show is exploring.file_or_snapshot is file


def test_what_could_not_be_read_changes_nothing_and_is_told(window, run):
    before = window.document.subject
    choose(window, run, 100)
    tick(window, True)
    for name in ("live", "snapshot", "run", "overlay"):
        answer(window, JobResult(name, None, UserError(f"{name} is damaged.")))
        assert f"{name} is damaged." in window.notices.text
    assert window.document.subject is before
    tick(window, False)
