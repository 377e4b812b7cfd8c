"""How many threads a run computes with, and that it keeps to it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_runs import PATTERN, of, request, train

from ganexplorer.train.events import Notice
from ganexplorer.train.requests import forked, replayed, resumed
from ganexplorer.train.runs import read_config
from ganexplorer.train.threads import threads_of_run
from ganexplorer.train.trainer import Trainer


@pytest.fixture(autouse=True)
def _four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("asked", "got"), [(0, 4), (1, 1), (4, 4), (8, 4)])
def test_a_run_has_the_threads_it_asks_for_as_far_as_they_are_there(asked: int, got: int) -> None:
    with threads_of_run(asked) as count:
        assert count == torch.get_num_threads() == got
    assert torch.get_num_threads() == 4


def test_threads_come_back_when_a_run_fails_or_is_left() -> None:
    with pytest.raises(ValueError, match="in between"), threads_of_run(2):
        raise ValueError("in between")
    assert torch.get_num_threads() == 4


def test_a_run_computes_with_its_threads_and_writes_down_how_many(tmp_path: Path) -> None:
    events = Trainer(request(PATTERN, "toy:1010", tmp_path / "run", threads=2)).run()
    next(events)
    assert torch.get_num_threads() == 2
    assert len(list(events)) > 12
    assert torch.get_num_threads() == 4
    assert read_config(tmp_path / "run").threads == 2


def test_a_run_that_asks_for_no_number_writes_down_what_it_had(tmp_path: Path) -> None:
    train(request(PATTERN, "toy:1010", tmp_path / "run"))
    assert read_config(tmp_path / "run").threads == 4


def test_what_goes_on_with_a_run_or_does_it_again_has_its_number(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(request(PATTERN, "toy:1010", run, threads=2))
    assert resumed(run).threads == 2
    assert replayed(run, tmp_path / "again").threads == 2
    assert forked(run, None, tmp_path / "fork").threads == 2


def test_fewer_threads_than_a_run_began_with_are_told(tmp_path: Path) -> None:
    for asked, told in ((4, 0), (6, 1)):
        events = train(request(PATTERN, "toy:1010", tmp_path / str(asked), threads=asked))
        assert ["not to the last bit" in notice.text for notice in of(Notice, events)] == [True] * told


def test_a_run_of_an_older_version_goes_on_with_what_there_is(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(request(PATTERN, "toy:1010", run, threads=2))
    config = run / "config.json"
    facts = json.loads(config.read_text())
    assert facts.pop("threads") == 2
    config.write_text(json.dumps(facts))
    assert resumed(run).threads == 0
