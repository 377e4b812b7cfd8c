"""Training in a child process. One that is spawned lives through all that is usual; the others are forked, for time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from quick_children import forked
from tiny_runs import PATTERN, ended, of, request, saved_state, variant

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.train.events import Ended, Preview, PublishWeights, Scalars, Started, Stop, TrainEvent, Weights
from ganexplorer.train.host import TrainingHost

# it ends by a command or by force, never by itself; its only snapshot is the one it is stopped with
ENDLESS = variant(PATTERN, steps=100_000_000, snapshot_every=10_000_000)


@dataclass
class Story:
    """What a child and its runs did."""

    pid: int
    runs: dict[str, list[TrainEvent]] = field(default_factory=dict)
    pids: list[int | None] = field(default_factory=list)  # after each run
    alive_before_close: bool = True
    seconds_to_close: float = 0.0
    alive_after_close: bool = True


def close(host: TrainingHost, story: Story) -> None:
    story.alive_before_close = host.is_alive
    start = time.perf_counter()
    host.close()
    story.seconds_to_close = time.perf_counter() - start
    story.alive_after_close = psutil.pid_exists(story.pid)


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[TrainingHost]]:
    """Three children, the first of which is started as it is for people."""
    hosts = [TrainingHost()]
    with forked():
        hosts += [TrainingHost() for _ in range(2)]
    processes = [psutil.Process(host.pid) for host in hosts]
    yield hosts
    for process in processes:  # only where a test went wrong
        if process.is_running():
            process.kill()


@pytest.fixture(scope="module")
def worker(hosts: list[TrainingHost], tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A child that does four runs, one after the other, and is closed while idle."""
    host, folder = hosts[0], tmp_path_factory.mktemp("worker")
    assert host.pid is not None
    story = Story(host.pid)

    def follow(name: str, asked: list[TrainEvent]) -> None:
        story.runs[name] = asked
        story.pids.append(host.pid)

    host.start(request(variant(PATTERN, steps=7), "toy:1010", folder / "first"))
    follow("finished", list(host.events()))

    host.start(request(ENDLESS, "toy:1010", folder / "second"))
    events = []
    for event in host.events():
        events.append(event)
        if isinstance(event, Started):
            host.send(PublishWeights())
        if isinstance(event, Weights):
            host.send(Stop())
    follow("stopped", events)

    host.start(request(PATTERN, folder / "absent", folder / "third"))
    follow("failed", list(host.events()))

    host.send(Stop())  # too late for the run before, and not meant for the next
    host.start(request(variant(PATTERN, steps=3), "toy:1010", folder / "fourth"))
    follow("after a failure", list(host.events()))
    close(host, story)
    return story


@pytest.fixture(scope="module")
def victim(hosts: list[TrainingHost], tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A child that is killed in mid-run, and asked for another run."""
    host, folder = hosts[1], tmp_path_factory.mktemp("victim")
    assert host.pid is not None
    story = Story(host.pid)
    host.start(request(ENDLESS, "toy:1010", folder / "run"))
    events = []
    for event in host.events():
        events.append(event)
        if isinstance(event, Scalars) and event.step == 3:
            os.kill(story.pid, signal.SIGKILL)
    story.runs["killed"] = events
    host.send(Stop())
    host.start(request(PATTERN, "toy:1010", folder / "other"))
    story.runs["dead"] = list(host.events())
    close(host, story)
    return story


@pytest.fixture(scope="module")
def leaver(hosts: list[TrainingHost], tmp_path_factory: pytest.TempPathFactory) -> tuple[Story, Path]:
    """A child whose parent closes while it trains and nobody reads its events; and its run folder."""
    host, run = hosts[2], tmp_path_factory.mktemp("leaver") / "run"
    assert host.pid is not None
    story = Story(host.pid)
    host.start(request(ENDLESS, "toy:1010", run))
    for event in host.events():
        if isinstance(event, Scalars):
            break
    close(host, story)
    return story, run


def test_a_run_in_a_child_has_the_events_of_a_run(worker: Story) -> None:
    events = worker.runs["finished"]
    assert [type(event) for event in events[:2]] == [Started, Preview]
    assert [scalars.step for scalars in of(Scalars, events)] == [1, 2, 3, 4, 5, 6, 7]
    assert (ended(events).reason, ended(events).step) == ("finished", 7)


def test_a_child_serves_runs_one_after_the_other(worker: Story) -> None:
    reasons = {name: ended(events).reason for name, events in worker.runs.items()}
    assert reasons == {"finished": "finished", "stopped": "stopped", "failed": "failed", "after a failure": "finished"}
    assert worker.pids == [worker.pid] * 4


def test_the_events_of_a_run_are_its_own(worker: Story) -> None:
    for name in ("finished", "stopped", "after a failure"):
        events = worker.runs[name]
        (started,) = of(Started, events)
        snapshot = ended(events).snapshot
        assert snapshot is not None
        assert snapshot.is_relative_to(started.run)


def test_stop_reaches_the_child_and_leaves_a_snapshot(worker: Story) -> None:
    end = ended(worker.runs["stopped"])
    assert end.step < ENDLESS.steps
    assert end.snapshot is not None
    assert Checkpoint.load(end.snapshot).card["step"] == end.step


def test_weights_asked_for_come_from_the_child(worker: Story) -> None:
    (weights,) = of(Weights, worker.runs["stopped"])
    shapes = {name: values.shape for name, values in weights.tensors.items()}
    assert shapes == {
        "layers.0.weight": (3, 1),
        "layers.0.bias": (3,),
        "layers.2.weight": (4, 3),
        "layers.2.bias": (4,),
    }


def test_a_failure_in_the_child_is_told_as_in_the_parent(worker: Story) -> None:
    assert "absent: no such folder" in ended(worker.runs["failed"]).message


def test_a_stop_that_comes_too_late_does_not_stop_the_next_run(worker: Story) -> None:
    assert ended(worker.runs["after a failure"]).step == 3


def test_a_child_stays_between_runs(worker: Story) -> None:
    assert worker.alive_before_close


def test_closing_an_idle_child_takes_no_five_seconds_and_leaves_no_process(worker: Story) -> None:
    assert worker.seconds_to_close < 5
    assert not worker.alive_after_close


def test_a_killed_child_ends_its_run_as_failed_with_the_signals_name(victim: Story) -> None:
    end = ended(victim.runs["killed"])
    assert end.reason == "failed"
    assert "SIGKILL" in end.message
    assert "memory" in end.message


def test_a_killed_childs_run_ends_at_the_last_step_that_was_heard_of(victim: Story) -> None:
    events = victim.runs["killed"]
    assert ended(events).step == max(scalars.step for scalars in of(Scalars, events))


def test_a_run_asked_of_a_dead_child_fails_at_once(victim: Story) -> None:
    (end,) = victim.runs["dead"]
    assert isinstance(end, Ended)
    assert (end.reason, end.step) == ("failed", 0)


def test_a_killed_child_is_known_to_be_dead_and_can_be_closed(victim: Story) -> None:
    assert not victim.alive_before_close
    assert not victim.alive_after_close
    assert victim.seconds_to_close < 5


def test_closing_while_training_takes_no_five_seconds_and_leaves_no_process(leaver: tuple[Story, Path]) -> None:
    story, _ = leaver
    assert story.alive_before_close
    assert story.seconds_to_close < 5
    assert not story.alive_after_close


def test_closing_while_training_saves_a_last_snapshot(leaver: tuple[Story, Path]) -> None:
    _, run = leaver
    (snapshot,) = (run / "snapshots").iterdir()
    assert (run / "LATEST").read_text().strip() == snapshot.name
    step = Checkpoint.load(snapshot).card["step"]
    assert step >= 1
    assert saved_state(run)["/step"] == step


def test_a_child_that_the_system_terminates_saves_first(tmp_path: Path) -> None:
    """As at shutdown, when the window and the child are told at once."""
    with forked():
        host = TrainingHost()
    host.start(request(ENDLESS, "toy:1010", tmp_path / "run"))
    events: list[TrainEvent] = []
    for event in host.events():
        events.append(event)
        if isinstance(event, Scalars) and len(events) < 10:
            assert host.pid is not None
            os.kill(host.pid, signal.SIGTERM)
    assert ended(events).reason == "stopped"
    snapshot = ended(events).snapshot
    assert snapshot is not None
    Checkpoint.load(snapshot)
    host.close()


def test_an_idle_child_that_the_system_terminates_leaves() -> None:
    host = TrainingHost()
    assert host.pid is not None
    os.kill(host.pid, signal.SIGTERM)
    (child,) = (process for process in multiprocessing.active_children() if process.pid == host.pid)
    child.join(20)
    assert not host.is_alive
    host.close()
