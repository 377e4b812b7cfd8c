"""The branching history, without a window."""

import random

import pytest
import torch

from ganexplorer.core.state import Step
from ganexplorer.ui.editing.history import LIMIT, History


def z(value):
    return torch.tensor([float(value)])


def grown(parents):
    """A history with a step for each parent given; z is its number."""
    history = History()
    for number, parent in enumerate(parents):
        assert history.add(parent, z(number)) == number
    return history


def test_steps_are_numbered_in_the_order_they_were_made_and_know_their_parent():
    history = grown([None, 0, 1, 0, 3])
    assert [(step.number, step.parent, float(step.z)) for step in history] == [
        (0, None, 0), (1, 0, 1), (2, 1, 2), (3, 0, 3), (4, 3, 4),
    ]  # fmt: skip
    assert len(history) == 5
    assert 4 in history
    assert 5 not in history
    assert [step.number for step in history.children(0)] == [1, 3]
    assert [step.number for step in history.children(None)] == [0]
    assert history.children(4) == []


def test_a_path_goes_from_the_root_to_a_step():
    history = grown([None, 0, 1, 0, 3])
    assert history.path(4) == [0, 3, 4]
    assert history.path(0) == [0]
    assert history.path(99) == []


def test_an_unknown_parent_makes_a_root():
    history = grown([None])
    assert history[history.add(7, z(1))].parent is None


def test_the_oldest_step_is_forgotten_and_its_children_become_roots():
    history = grown([None, 0, 0, *range(2, LIMIT - 1)])
    assert len(history) == LIMIT
    number = history.add(LIMIT - 1, z(-1))
    assert number == LIMIT
    assert len(history) == LIMIT
    assert 0 not in history
    assert [step.number for step in history.children(None)] == [1, 2]
    assert history.path(LIMIT) == [2, 3, *range(4, LIMIT + 1)]


@pytest.mark.parametrize("seed", range(3))
def test_at_the_limit_every_step_but_the_oldest_ones_is_there(seed):
    history, chance = History(), random.Random(seed)
    last = history.add(None, z(0))
    for i in range(1, 2 * LIMIT):
        last = history.add(chance.choice([step.number for step in history][-50:]), z(i))
    assert [step.number for step in history] == list(range(last - LIMIT + 1, last + 1))
    for step in history:
        assert float(step.z) == step.number
        assert step.parent is None or (step.parent in history and step.parent < step.number)


def test_only_the_newest_step_is_taken_back():
    history = grown([None, 0, 1])
    history.take_back(1)
    assert len(history) == 3
    history.take_back(2)
    assert [step.number for step in history] == [0, 1]
    assert history.add(0, z(5)) == 2
    history.take_back(99)
    assert len(history) == 3


def test_with_other_latents_the_tree_and_the_next_number_stay():
    history = History([Step(3, None, z(3)), Step(7, 3, z(7))])
    other = history.with_latents({id(step.z): -step.z for step in history})
    assert [(step.number, step.parent, float(step.z)) for step in other] == [(3, None, -3), (7, 3, -7)]
    assert other.add(7, z(0)) == 8
    assert len(history) == 2


def test_of_a_longer_history_the_newest_steps_are_kept():
    long = History(Step(i, i - 1 if i else None, z(i)) for i in range(3 * LIMIT))
    assert len(long) == LIMIT
    assert long.newest == 3 * LIMIT - 1
    assert long.path(long.newest)[0] == 2 * LIMIT
    assert len(long.path(long.newest)) == LIMIT
    assert long.add(long.newest, z(0)) == 3 * LIMIT
