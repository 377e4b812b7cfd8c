"""Looking for one named direction after another, in samples that two witnesses have looked at.

First guesses are boundaries in z (Shen et al. 2020, arXiv:1907.10786), which are then refined by gradient
(`core.steering`).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from ganexplorer.core.attributes import ATTRIBUTES, Attribute
from ganexplorer.core.directions import Direction, boundary, measured
from ganexplorer.core.errors import UserError
from ganexplorer.core.steering import Check, Goal, Pool, Steered, check, learn, least_step
from ganexplorer.train.events import Progress
from ganexplorer.train.progress import Pace, finished
from ganexplorer.train.witnesses import LEAST_ACCURACY, Labels, Witness

LEAST_SUCCESS = 0.75  # below which a direction is not kept
PAIRS = 12  # of classes, that are looked for where none are named

# names of directions for what is measured in the picture itself, so that no classifier is needed
MEASURED = {
    "thicker": "thickness",
    "slanted": "slant",
    "wider": "width",
    "taller": "height",
    "brighter": "brightness",
    "warmer": "warmth",
}

_FOUND, _JUDGED = 6144, 4096  # samples to find directions by; held-out ones, half of them to choose a step by
_FEWEST = 20  # samples that show it, and as many that do not
_WANTED = 0.93  # success that a step is made long enough for; on other samples it may come out lower than this
_TRIAL = 192  # samples of each kind that a step is chosen by
_ENOUGH = 0.9  # success with which the first attempt is good
_KEEP_CLASSES, _KEEP_ATTRIBUTES, _STILL = 0.3, 1.0, 0.5  # weights of `steering.learn`
# step to learn at, in standard deviations of the prior, and how much of the weight of what is to stay then counts
_ATTEMPTS = ((2.5, 1.0), (3.5, 0.1))
_ROUNDS = 80
_TRIED = 18  # pairs at most
_CANDIDATES = 90  # pairs of which these are chosen, all of ten classes
_QUICK = 48  # samples that are looked at for that

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """A direction that was looked for.

    Attributes
    ----------
    direction
        With effect, step, success and side, refused or not; None where it did not come that far.
    first
        What the same step does along the boundary that it was refined from.
    refused
        Why it is not kept; empty where it is.
    """

    name: str
    direction: Direction | None = None
    first: Check | None = None
    refused: str = ""


Looking = Generator[Progress, None, Finding]


@dataclass(frozen=True, slots=True)
class _Sight:
    """Scores (N, names + measures) of what a witness sees and of what is measured, each by its median and spread."""

    witness: Witness
    measures: tuple[tuple[Attribute, float, float], ...]

    def __call__(self, images: Tensor) -> Tensor:
        columns = [(attribute.measure(images) - median) / spread for attribute, median, spread in self.measures]
        return torch.cat([self.witness(images), *(column[:, None] for column in columns)], dim=1)


def prepared(
    steered: Steered, labels: Labels, finder: Witness, judge: Witness, extras: Sequence[str], seed: int
) -> Generator[Progress, None, Search]:
    """Draw the samples, some for the finder and others for the judge."""
    measures = []
    with torch.no_grad():
        pictures = torch.cat([steered.network(z) for z in torch.split(steered.sample(1024, seed), steered.chunk)])
        for attribute in (ATTRIBUTES[MEASURED[name]] for name in extras):
            values = attribute.measure(pictures)
            measures.append((attribute, float(values.median()), max(float(values.std()), 1e-6)))
    finds, judges = (_Sight(witness, tuple(measures)) for witness in (finder, judge))
    z = steered.sample(_FOUND + _JUDGED, seed + 1)
    pool = yield from _told(steered.pool(z[:_FOUND], finds), "Looking at samples", _FOUND)
    judged = yield from _told(steered.pool(z[_FOUND:], judges), "Looking at other samples", _JUDGED)
    accuracy = tuple(map(min, finder.accuracy, judge.accuracy))
    half = _JUDGED // 2
    return Search(steered, labels, finds, judges, pool, judged[:half], judged[half:], accuracy, seed)


@dataclass(frozen=True, slots=True)
class Search:
    """A generator and those who look at its samples; each method looks for one direction, or for the best pairs.

    Attributes
    ----------
    pool
        To learn by, scored by the finder.
    trial, held_out
        To choose a step by and to tell success by, scored by the judge.
    accuracy
        For each name, of the less accurate of both.
    """

    steered: Steered
    labels: Labels
    finder: _Sight
    judge: _Sight
    pool: Pool
    trial: Pool
    held_out: Pool
    accuracy: tuple[float, ...]
    seed: int

    @property
    def classes(self) -> tuple[int, ...]:
        return tuple(range(len(self.labels.names))) if self.labels.are_classes else ()

    def attribute(self, number: int) -> Looking:
        """Of the labels; the others are to stay as they are, those that both witnesses tell."""
        return (yield from self._look(self.labels.names[number], Goal(number, kept=self._known(number)), [number]))

    def measure(self, name: str, column: int) -> Looking:
        """Of `MEASURED`, in this column of the scores."""
        kept = () if self.labels.are_classes else self._known(column)
        return (yield from self._look(name, Goal(column, self.classes, kept=kept), []))

    def pair(self, a: int, b: int) -> Looking:
        """From one class to another."""
        name = f"{self.labels.names[a]} -> {self.labels.names[b]}"
        return (yield from self._look(name, Goal(b, self.classes, a), [a, b]))

    def towards(self, number: int) -> Looking:
        """From all other classes to one; what counts is the class that it succeeds with least."""
        name = f"more {self.labels.names[number]}"
        found = yield from self._look(name, Goal(number, self.classes), [number])
        if found.direction is None or found.refused:
            return found
        shares = [(1.0, "")]
        for source in (source for source in self.classes if source != number):
            goal = Goal(number, self.classes, source)
            if len(goal.ahead(self.held_out.scores)) >= _FEWEST:
                result = self._checked(goal, found.direction.vector, found.direction.step)
                shares.append((result.success, self.labels.names[source]))
        least, name = min(shares)
        if least < LEAST_SUCCESS:
            return dataclasses.replace(found, refused=f"works on only {least:.0%} of the samples that show {name}")
        return found

    def best_pairs(self) -> Generator[Progress, None, list[Finding]]:
        """Pairs that go well after a few rounds, of many classes rather than of few, and not there and back."""
        goals = self._candidates()
        quick: dict[Goal, float] = {}
        for goal in goals:
            yield Progress("Looking for pairs", len(quick), len(goals))
            start = self._boundary(goal, "")
            step = _ATTEMPTS[0][0] * self.steered.unit
            vector = finished(self._learned(goal, start, step, _KEEP_CLASSES, 15, 16))
            result = check(self.steered, self.judge, goal, vector, self.trial, step, _QUICK)
            # a pair that leaves other classes alone is worth more; with two others there are no others
            quick[goal] = result.success - (0.5 * result.side if result.side == result.side else 0.0)
        found: list[Finding] = []
        used: Counter[int | None] = Counter()
        for _ in range(min(_TRIED, len(goals))):
            goal = max(quick, key=lambda goal: quick[goal] - 0.15 * (used[goal.source] + used[goal.column]))
            assert goal.source is not None
            finding = yield from self.pair(goal.source, goal.column)
            found.append(finding)
            del quick[goal]
            if not finding.refused:
                used.update((goal.source, goal.column))
                quick.pop(Goal(goal.source, self.classes, goal.column), None)
            if not quick or sum(not finding.refused for finding in found) == PAIRS:
                break
        return found

    def _candidates(self) -> list[Goal]:
        """Pairs of classes that both show often enough, those first that samples are nearest to."""
        scores = self.pool.scores
        known = [number for number in self.classes if not self._unfit(Goal(number, self.classes), [number])]
        goals = [Goal(b, self.classes, a) for a, b in itertools.permutations(known, 2)]
        goals = [goal for goal in goals if not self._unfit(goal, [])]
        if not goals:
            raise UserError(
                "No two classes show in the samples of this model often enough. Choose the data that it was trained on."
            )
        near = {goal: float(goal.gain(scores[goal.ahead(scores)]).mean()) for goal in goals}
        return sorted(goals, key=lambda goal: -near[goal])[:_CANDIDATES]

    def _known(self, but: int) -> tuple[int, ...]:
        """Attributes that both witnesses tell, but for one."""
        return tuple(n for n, share in enumerate(self.accuracy) if n != but and share >= LEAST_ACCURACY)

    def _unfit(self, goal: Goal, numbers: Sequence[int]) -> str:
        """Why a goal cannot be looked for; empty where it can be. `numbers`: which names have to be told."""
        for number in numbers:
            if self.accuracy[number] < LEAST_ACCURACY:
                told = f"is told right in only {self.accuracy[number]:.0%} of held-out images, mean of with and without"
                return f"{self.labels.names[number]} {told}"
        for pool in (self.pool, self.trial, self.held_out):
            has = int(goal.has(pool.scores).sum())
            for count, what in ((has, "show it"), (len(goal.ahead(pool.scores)), "are what it begins from")):
                if count < _FEWEST:
                    return f"only {count} of {len(pool.z):,} samples {what}"
        return ""

    def _boundary(self, goal: Goal, name: str) -> Tensor:
        z, scores = self.pool.z, self.pool.scores
        return boundary(z[goal.has(scores)], z[goal.ahead(scores)], self.steered.prior, name).vector

    def _learned(
        self, goal: Goal, start: Tensor, step: float, keep: float, rounds: int, batch: int
    ) -> Generator[int, None, Tensor]:
        return learn(self.steered, self.finder, goal, start, self.pool, step, rounds, batch, keep, _STILL, self.seed)

    def _checked(self, goal: Goal, vector: Tensor, step: float) -> Check:
        return check(self.steered, self.judge, goal, vector, self.held_out, step)

    def _look(self, name: str, goal: Goal, numbers: Sequence[int]) -> Looking:
        """Learn, choose a step, check; `numbers` as for `_unfit`."""
        yield Progress(f"Learning {name}", 0, _ROUNDS)
        unfit = self._unfit(goal, numbers)
        if unfit:
            return Finding(name, refused=unfit)
        keep = _KEEP_CLASSES if goal.classes else _KEEP_ATTRIBUTES
        start = vector = self._boundary(goal, name)
        step, share = 0.0, -1.0
        for train_step, part in _ATTEMPTS:
            work = self._learned(goal, start, train_step * self.steered.unit, part * keep, _ROUNDS, 32)
            learned = yield from _told(work, f"Learning {name}", _ROUNDS)
            tried = least_step(self.steered, self.judge, goal, learned, self.trial, _WANTED, _TRIAL)
            new_step, new_share = yield from _told(tried, f"Checking {name}", 0)
            if new_share > share:
                vector, step, share = learned, new_step, new_share
            if share >= _ENOUGH:
                break
        if (
            share < LEAST_SUCCESS
            and check(self.steered, self.judge, goal, start, self.trial, step, _TRIAL).success > share
        ):
            vector = start
        result, first = (self._checked(goal, which, step) for which in (vector, start))
        direction = Direction.of(name, vector, origin="learned")
        direction = measured([direction], self._pictures, self.steered.prior, chunk_size=self.steered.chunk)[0]
        direction = dataclasses.replace(direction, step=step, success=result.success, side=result.side)
        is_kept = result.success >= LEAST_SUCCESS
        return Finding(name, direction, first, "" if is_kept else f"works on only {result.success:.0%} of samples")

    @torch.no_grad()
    def _pictures(self, z: Tensor) -> Tensor:
        return self.steered.network(z)  # type: ignore[no-any-return]


def _told(work: Generator[int, None, T], what: str, total: int) -> Generator[Progress, None, T]:
    """Steps done become progress."""
    pace = Pace()
    while True:
        try:
            done = next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if pace.is_due():
            yield Progress(what, done, total)
