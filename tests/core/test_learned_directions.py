"""Learning a direction for a score, where the truth is known, and telling how often it does what it is for."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import pytest
import torch
from small_nets import GENERATORS, same_state, trained_like
from torch import Tensor

from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network, build
from ganexplorer.core.spec import Linear, NetworkSpec, Reshape
from ganexplorer.core.steering import STEPS, Goal, Pool, Steered, check, learn, least_step

ROWS = 4


def finished(work: Generator[int, None, Any]) -> Any:
    """What a generator returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def painter(mixing: Tensor, prior: Prior | None = None) -> Network:
    """Paints row i of 4 x 4 pixels as bright as row i of `mixing`, (4, z_dim), makes of z."""
    z_dim = mixing.shape[1]
    layers = (Linear(z_dim, ROWS * 4, bias=False), Reshape((1, ROWS, 4)))
    network = build(NetworkSpec(layers, (1, ROWS, 4), z_dim, prior or Prior.normal()))
    with torch.no_grad():
        network.layers[0].weight.copy_(mixing.repeat_interleave(4, 0))
    return network.eval()


def rows(images: Tensor) -> Tensor:
    """How bright each row is, and what stands for a classifier's certainty."""
    return 3 * images.mean((1, 3))


def pool_of(steered: Steered, count: int = 1024, seed: int = 0) -> Pool:
    return finished(steered.pool(steered.sample(count, seed), rows))


def unit(*values: float) -> Tensor:
    vector = torch.tensor(values, dtype=torch.float32)
    return vector / vector.norm()


# ---- learning


@pytest.mark.parametrize("prior", [Prior.normal(), Prior.normal(1, 0.2), Prior.uniform()], ids=str)
def test_the_direction_of_a_linear_generator_is_found_from_a_bad_start(prior: Prior) -> None:
    """Each row is one dimension of z, about its centre."""
    steered = Steered(painter(torch.eye(4) / prior.std, prior))
    center = rows(steered.network(torch.full((1, 4), float(prior.center))))

    def about(images: Tensor) -> Tensor:
        return rows(images) - center

    goal = Goal(0, kept=(1, 2, 3))
    pool = finished(steered.pool(steered.sample(1024, 0), about))
    start = unit(0.3, 1.0, -1.0, 0.5)
    vector = finished(learn(steered, about, goal, start, pool, 2.5 * prior.std))
    assert vector.norm().item() == pytest.approx(1)
    assert vector[0].item() > 0.98
    held_out = finished(steered.pool(steered.sample(1024, 1), about))
    before = check(steered, about, goal, start / start.norm(), held_out, 2.5 * prior.std)
    result = check(steered, about, goal, vector, held_out, 2.5 * prior.std)
    assert result.success > 0.97
    assert result.side < 0.05
    assert before.success < 0.8
    assert before.side > 0.3


def test_a_penalty_keeps_what_is_correlated_with_the_goal() -> None:
    """Row 1 shows half of what row 0 shows: it stays only where z moves against it at the same time."""
    mixing = torch.eye(4)
    mixing[1] = torch.tensor([0.7, 0.7, 0, 0])
    steered = Steered(painter(mixing))
    goal = Goal(0, kept=(1, 2, 3))
    pool, held_out = pool_of(steered), pool_of(steered, seed=1)
    results = []
    for keep in (0.0, 2.0):
        vector = finished(learn(steered, rows, goal, unit(1, 0, 0, 0), pool, 3.0, keep=keep, still=0))
        results.append(check(steered, rows, goal, vector, held_out, 3.0))
    free, kept = results
    assert free.side > 0.1
    assert kept.side < 0.6 * free.side
    assert kept.success > 0.9


def test_a_class_is_reached_and_others_are_left_alone() -> None:
    """Rows are classes, and the start brings class 1 to all pictures."""
    steered = Steered(painter(torch.eye(4)))
    goal = Goal(1, classes=(0, 1, 2, 3), source=0)
    pool, held_out = pool_of(steered), pool_of(steered, seed=1)
    start = unit(0, 1, 0, 0)
    vector = finished(learn(steered, rows, goal, start, pool, 2.5, keep=0.3))
    result, first = (check(steered, rows, goal, which, held_out, 3.0) for which in (vector, start))
    assert result.success > 0.92
    assert result.side < first.side - 0.1
    assert vector[1] > 0
    assert vector[0] < -0.3


def test_the_picture_is_held_still_where_nothing_asks_for_a_change() -> None:
    """Two dimensions make row 0 as bright, and one of them row 3, which has no name, much brighter."""
    mixing = torch.eye(4)
    mixing[0], mixing[3] = torch.tensor([0.7, 0.7, 0, 0]), torch.tensor([0.0, 3, 0, 0])
    steered = Steered(painter(mixing))
    pool, goal, start = pool_of(steered), Goal(0), unit(1, 1, 0, 0)
    still, free = (
        finished(learn(steered, rows, goal, start, pool, 2.5, still=weight, rounds=60)) for weight in (0.2, 0.0)
    )
    assert abs(free[1]) > 0.6
    assert abs(still[1]) < 0.3


def test_the_same_seed_learns_the_same_and_the_global_generator_is_left_alone() -> None:
    steered = Steered(painter(torch.eye(4)))
    goal = Goal(2, kept=(0, 1, 3))
    torch.manual_seed(5)
    state = torch.get_rng_state()
    pool, start = pool_of(steered), unit(1, 1, 1, 1)
    first, again, other = (
        finished(learn(steered, rows, goal, start, pool, 2.5, rounds=8, seed=seed)) for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_score_without_a_slope_where_nothing_shows_spoils_nothing() -> None:
    """The slope of a root is infinite at 0, and infinite times 0 is no number."""

    def rooted(images: Tensor) -> Tensor:
        return torch.cat([rows(images)[:, :1], torch.hypot(images[:, 0, 3, :1], images[:, 0, 3, 1:2])], dim=1)

    mixing = torch.eye(4)
    mixing[3] = 0
    steered = Steered(painter(mixing))
    pool = finished(steered.pool(steered.sample(256, 0), rooted))
    vector = finished(learn(steered, rooted, Goal(0, kept=(1,)), unit(1, 1, 0, 0), pool, 2.5, rounds=30))
    assert vector.isfinite().all()
    assert vector[0] > 0.9


# ---- the generator


@pytest.mark.parametrize("name", GENERATORS)
def test_a_copy_in_eval_mode_paints_what_the_generator_paints_and_leaves_it_as_it_was(name: str) -> None:
    network = trained_like(GENERATORS[name]).requires_grad_(True).train()
    before = trained_like(GENERATORS[name])
    steered = Steered(network)
    z = steered.sample(3, 0)
    torch.testing.assert_close(steered.network(z), before(z), rtol=1e-4, atol=1e-4)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert not any(parameter.requires_grad for parameter in steered.network.parameters())
    steered.network(z.requires_grad_(True)).sum().backward()
    assert z.grad is not None
    assert same_state(network, before)


def test_a_step_leaves_the_box_of_a_uniform_prior_as_far_as_twice_the_box() -> None:
    steered = Steered(painter(torch.eye(4), Prior.uniform(0, 2)))
    moved = steered.moved(torch.tensor([[1.0, 1.0, 0.5, 2.0]]), torch.tensor([0.5, 9.0, -9.0, 0.5]))
    assert moved.tolist() == [[1.5, 3.0, -1.0, 2.5]]
    free = Steered(painter(torch.eye(4)))
    assert free.moved(torch.zeros(1, 4), torch.full((4,), 9.0)).tolist() == [[9.0] * 4]


def test_samples_of_a_constant_prior_lie_about_it() -> None:
    steered = Steered(painter(torch.eye(4), Prior.constant(2.0)))
    z = steered.sample(2000, 0)
    assert steered.unit == 0.5
    assert z.mean().item() == pytest.approx(2.0, abs=0.05)
    assert z.std().item() == pytest.approx(0.5, abs=0.05)


def test_a_pool_is_scored_in_chunks_and_tells_how_many_are_done() -> None:
    steered = Steered(painter(torch.eye(4)))
    steered.chunk = 100
    z = steered.sample(250, 0)
    assert list(steered.pool(z, rows)) == [100, 200, 250]
    assert torch.equal(finished(steered.pool(z, rows)).scores, rows(steered.network(z)))


# ---- goals

SCORES = torch.tensor([[2.0, 1, -1], [0, 1, -1], [-1, -2, 3], [-1, -2, -3]])


def test_an_attribute_is_brought_ahead_and_taken_away_back() -> None:
    goal = Goal(1, kept=(0, 2))
    assert goal.gain(SCORES).tolist() == [1, 1, -2, -2]
    assert goal.ahead(SCORES).tolist() == [2, 3]
    assert goal.back(SCORES).tolist() == [0, 1]
    assert goal.bystanders(SCORES).tolist() == []


def test_a_class_is_what_scores_highest() -> None:
    goal = Goal(1, classes=(0, 1, 2), source=0)
    assert goal.has(SCORES).tolist() == [False, True, False, False]
    assert goal.ahead(SCORES).tolist() == [0, 3]
    assert goal.back(SCORES).tolist() == []
    assert goal.bystanders(SCORES).tolist() == [2]
    assert Goal(1, classes=(0, 1, 2)).ahead(SCORES).tolist() == [0, 2, 3]
    assert Goal(1, classes=(0, 1, 2)).bystanders(SCORES).tolist() == []
    odds = SCORES.softmax(1)[:, 1]
    torch.testing.assert_close(goal.gain(SCORES), (odds / (1 - odds)).log())


def test_what_flips_is_counted_among_what_is_to_stay() -> None:
    after = SCORES * torch.tensor([-1.0, 1, 1])
    assert Goal(1, kept=(0, 2)).flipped(SCORES, after).tolist() == [0.5, 0, 0.5, 0.5]
    assert Goal(0, kept=(1, 2)).flipped(SCORES, after).tolist() == [0, 0, 0, 0]
    assert Goal(1, classes=(0, 1, 2)).flipped(SCORES, after).tolist() == [1, 0, 0, 0]
    assert all(math.isnan(share) for share in Goal(0).flipped(SCORES, after))


@pytest.mark.parametrize("goal", [Goal(1, kept=(0, 2)), Goal(1, classes=(0, 1, 2)), Goal(0)])
def test_drift_is_0_where_nothing_changes_and_grows_with_the_change(goal: Goal) -> None:
    none, some, more = (goal.drift(SCORES, SCORES + change * torch.tensor([1.0, -2, 3])) for change in (0, 0.5, 2))
    torch.testing.assert_close(none, torch.zeros(4))
    if goal.kept or goal.classes:
        assert (some > 0).all()
        assert (more > some).all()


# ---- checking


def test_success_is_the_mean_of_both_ways_and_side_is_of_the_same_samples() -> None:
    """Along z0 + z1 with a step that turns every sample's first row, the second turns just as often."""
    steered = Steered(painter(torch.eye(4)))
    held_out = pool_of(steered, 2000)
    both = check(steered, rows, Goal(0, kept=(1,)), unit(1, 1, 0, 0), held_out, 20.0, most=2000)
    assert both.success == 1
    assert both.side == pytest.approx(0.5, abs=0.05)  # those that were on the other side before
    nothing = check(steered, rows, Goal(0, kept=(1,)), unit(0, 0, 1, 0), held_out, 20.0)
    assert (nothing.success, nothing.side) == (0, 0)
    backwards = check(steered, rows, Goal(0, kept=(1,)), unit(-1, 0, 0, 0), held_out, 20.0)
    assert (backwards.success, backwards.side) == (0, 0)


def test_what_was_not_seen_is_not_a_number() -> None:
    steered = Steered(painter(torch.eye(4)))
    held_out = pool_of(steered, 50)
    assert math.isnan(check(steered, rows, Goal(0), unit(1, 0, 0, 0), held_out, 1.0).side)
    none = held_out[held_out.scores.argmax(1) == 2]
    result = check(steered, rows, Goal(1, classes=(0, 1, 2, 3), source=0), unit(1, 0, 0, 0), none, 1.0)
    assert math.isnan(result.success)


def test_the_least_step_that_does_it_is_taken_else_the_best() -> None:
    steered = Steered(painter(torch.eye(4), Prior.normal(0, 2)))
    held_out = pool_of(steered)
    step, share = finished(least_step(steered, rows, Goal(0), unit(1, 0, 0, 0), held_out, 0.93, most=500))
    assert step == 2.0 * 2  # 95 % of samples lie within 2 standard deviations of the middle, 87 % within 1.5
    assert share >= 0.93
    assert check(steered, rows, Goal(0), unit(1, 0, 0, 0), held_out, 1.5 * 2, 500).success < 0.93
    step, share = finished(least_step(steered, rows, Goal(0), unit(0.2, 0, 0, 1), held_out))
    assert step == STEPS[-1] * 2
    assert 0.5 < share < 0.9
