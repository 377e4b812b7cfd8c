"""Directions that are learned from what pictures show, and how often they do what they are for.

What shows in pictures comes as `Scores`, and where they come from does not matter here. Linear walks in a latent
space, learned by gradient: Jahanian et al. 2020, arXiv:1907.07171.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ganexplorer.core.directions import exploring
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network, batch_size
from ganexplorer.core.render import fold_batch_norm
from ganexplorer.core.spec import Conv2d, ConvTranspose2d

# images (N, C, H, W) in [-1, 1] -> scores (N, K), each above 0 where a picture has what it is for
Scores = Callable[[Tensor], Tensor]

STEPS = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0)  # standard deviations of the prior that a direction may take
CHUNK = 256  # pictures at once
_RATE = 0.03  # of the gradient steps; components of a unit vector are about 0.1


@dataclass(frozen=True, slots=True)
class Goal:
    """What a direction is to change in pictures.

    Attributes
    ----------
    column
        Of the scores: what a step ahead is to bring.
    classes
        Columns of which a picture always has one, the greatest. If `column` is among them, a step ahead is to lead to
        that class, and a step back is to do nothing in particular; else a step back is to take away what one
        ahead brings.
    source
        The class whose pictures a step ahead is for; None for those of all others.
    kept
        Columns of other attributes, which are to stay as they are. So are `classes` that `column` is not among; and
        if it is, pictures of neither `source` nor `column` are to stay what they are.
    """

    column: int
    classes: tuple[int, ...] = ()
    source: int | None = None
    kept: tuple[int, ...] = ()

    @property
    def is_class(self) -> bool:
        """Whether a step ahead leads to a class."""
        return self.column in self.classes

    def gain(self, scores: Tensor) -> Tensor:
        """How clearly pictures of scores (N, K) have it, (N,), above 0 where they do: log odds of a class."""
        wanted = scores[:, self.column]
        if not self.is_class:
            return wanted
        return wanted - scores[:, [number for number in self.classes if number != self.column]].logsumexp(1)

    def has(self, scores: Tensor) -> Tensor:
        """Whether pictures have it, (N,) bool."""
        return self.shown(scores) == self.column if self.is_class else scores[:, self.column] > 0

    def shown(self, scores: Tensor) -> Tensor:
        """The column of the class of pictures, (N,)."""
        return torch.tensor(self.classes)[scores[:, list(self.classes)].argmax(1)]

    def ahead(self, scores: Tensor) -> Tensor:
        """Numbers of the pictures that a step ahead is for."""
        is_for = ~self.has(scores) if self.source is None else self.shown(scores) == self.source
        return is_for.nonzero()[:, 0]

    def back(self, scores: Tensor) -> Tensor:
        """Numbers of the pictures that a step back is for."""
        return self.has(scores).nonzero()[:, 0][: 0 if self.is_class else None]

    def bystanders(self, scores: Tensor) -> Tensor:
        """Numbers of the pictures of classes that a step ahead is not for, and which it is to leave alone."""
        if not self.is_class or self.source is None:
            return torch.arange(0)
        shown = self.shown(scores)
        return ((shown != self.source) & (shown != self.column)).nonzero()[:, 0]

    def drift(self, before: Tensor, after: Tensor) -> Tensor:
        """How far what is to stay has changed, (N,), at least 0: Kullback-Leibler divergence, the mean of all kept."""
        parts = []
        if self.kept:
            old, new = before[:, list(self.kept)], after[:, list(self.kept)]
            truth = old.sigmoid()
            cost = functional.binary_cross_entropy_with_logits
            parts.append((cost(new, truth, reduction="none") - cost(old, truth, reduction="none")).mean(1))
        if self.classes:
            old, new = (scores[:, list(self.classes)].log_softmax(1) for scores in (before, after))
            parts.append((old.exp() * (old - new)).sum(1))
        return torch.stack(parts).mean(0) if parts else before.new_zeros(len(before))

    def flipped(self, before: Tensor, after: Tensor) -> Tensor:
        """The share of what is to stay whose verdict has changed, (N,)."""
        parts = []
        if self.kept:
            old, new = before[:, list(self.kept)], after[:, list(self.kept)]
            parts.append(((old > 0) != (new > 0)).float().mean(1))
        if self.classes:
            parts.append((self.shown(before) != self.shown(after)).float())
        return torch.stack(parts).mean(0) if parts else before.new_full((len(before),), math.nan)


@dataclass(frozen=True, slots=True)
class Pool:
    """Samples of a generator and what shows in them."""

    z: Tensor  # (N, z_dim)
    scores: Tensor  # (N, K)

    def __getitem__(self, part: slice | Tensor) -> Pool:
        return Pool(self.z[part], self.scores[part])


@dataclass(frozen=True, slots=True)
class Check:
    """How often a step does what it is for, each a share of samples; nan where there are none to tell by."""

    success: float  # those without it that a step ahead gives it and those with it that a step back takes it from
    side: float  # what else changes: of `Goal.flipped` on the same samples, for a class on its bystanders


class Steered:
    """A private copy of a generator in eval mode, through which gradients of z pass, and the steps one may take in it.

    A step may leave the box of a uniform prior, which the generator was trained in, as far as the sliders of a window
    do: here to twice the box, where z is stopped.
    """

    def __init__(self, generator: Network) -> None:
        network = fold_batch_norm(generator).float()
        if any(isinstance(layer, Conv2d | ConvTranspose2d) for layer in network.spec.layers):
            network = network.to(memory_format=torch.channels_last)
        assert network.spec.prior is not None
        self.spec = network.spec
        self.prior: Prior = network.spec.prior
        self.network = network.eval().requires_grad_(False)
        self.chunk = batch_size(self.spec, CHUNK)

    @property
    def unit(self) -> float:
        """A standard deviation of the prior, in units of z; 0.5 for a constant prior."""
        return exploring(self.prior).std

    def sample(self, count: int, seed: int) -> Tensor:
        """z of the prior, (count, z_dim); of a constant one, about it."""
        return exploring(self.prior).sample(count, self.spec.z_dim, torch.Generator().manual_seed(seed))

    def moved(self, z: Tensor, shift: Tensor) -> Tensor:
        """z (N, z_dim) moved by shifts that broadcast to it."""
        moved = z + shift
        if self.prior.kind != "uniform":
            return moved
        reach = self.prior.b - self.prior.a
        return moved.clamp(self.prior.center - reach, self.prior.center + reach)

    def pool(self, z: Tensor, scores: Scores) -> Generator[int, None, Pool]:
        """Score the pictures of z, (N, z_dim); a generator of how many are done."""
        found = []
        with torch.no_grad():
            for chunk in torch.split(z, self.chunk):
                found.append(scores(self.network(chunk)))
                yield sum(map(len, found))
        return Pool(z, torch.cat(found))


def learn(
    steered: Steered,
    scores: Scores,
    goal: Goal,
    start: Tensor,
    pool: Pool,
    step: float,
    rounds: int = 120,
    batch: int = 32,
    keep: float = 1.0,
    still: float = 0.2,
    seed: int = 0,
) -> Generator[int, None, Tensor]:
    """Refine a direction; a generator of rounds done that returns the unit vector, (z_dim,).

    What is minimised is, over samples of the pool that lack it, -log sigmoid of `Goal.gain` after a step ahead, and
    over those that have it, of its negative after a step back, each of which is worth nothing more once that is clear;
    and with the weight `keep` `Goal.drift`, with `still` the mean square of the change of the picture. By Adam, whose
    rate falls to 0 in a cosine.

    Parameters
    ----------
    start
        (z_dim,), where to begin, of any length.
    pool
        Scored by `scores`. Must have a sample that a step is for.
    step
        In units of z.
    batch
        Samples in one round.
    """
    sides = [(1.0, goal.ahead(pool.scores)), (-1.0, goal.back(pool.scores))]
    sides = [(sign, numbers) for sign, numbers in sides if len(numbers)]
    bystanders = goal.bystanders(pool.scores)
    random = torch.Generator().manual_seed(seed)

    def drawn(numbers: Tensor, count: int) -> Tensor:
        return numbers[torch.randint(len(numbers), (count,), generator=random)]

    vector: Tensor = start.detach().float() / start.norm()
    momentum, spread = torch.zeros_like(vector), torch.zeros_like(vector)
    for done in range(1, rounds + 1):
        parts = [drawn(numbers, batch // len(sides)) for _, numbers in sides]
        signs = torch.cat([torch.full((len(part),), sign) for (sign, _), part in zip(sides, parts, strict=True)])
        aside = drawn(bystanders, batch // 2) if len(bystanders) and keep else bystanders[:0]
        before = pool[torch.cat([*parts, aside])]
        way = torch.cat([signs, torch.ones(len(aside))])[:, None]
        free = vector.clone().requires_grad_(True)
        pictures = steered.network(steered.moved(before.z, way * (step * free / free.norm())))
        # a measure may have no slope where nothing shows
        pictures.register_hook(torch.nan_to_num)
        after = scores(pictures)
        loss = functional.softplus(-signs * goal.gain(after[: len(signs)])).mean()
        stays = slice(len(signs), None) if goal.is_class else slice(None)
        if keep and len(after[stays]):
            loss = loss + keep * goal.drift(before.scores[stays], after[stays]).mean()
        if still:
            with torch.no_grad():
                first = steered.network(before.z)
            loss = loss + still * (pictures - first).square().mean()
        # Adam by hand (Kingma & Ba 2015, arXiv:1412.6980): the first step of PyTorch's imports its compiler
        (slope,) = torch.autograd.grad(loss, free)
        momentum, spread = momentum.lerp(slope, 0.1), spread.lerp(slope.square(), 0.01)
        rate = _RATE * 0.5 * (1 + math.cos(math.pi * (done - 1) / rounds))
        vector = vector - rate * (momentum / (1 - 0.9**done)) / ((spread / (1 - 0.99**done)).sqrt() + 1e-8)
        vector = vector / vector.norm()
        yield done
    return vector


@torch.no_grad()
def check(
    steered: Steered, scores: Scores, goal: Goal, vector: Tensor, pool: Pool, step: float, most: int = 256
) -> Check:
    """What a step of `step`, in units of z, along a unit vector, (z_dim,), does to samples of the pool.

    Parameters
    ----------
    scores
        What judges: not what the direction was learned by.
    pool
        Scored by `scores`, and not used to find the direction.
    most
        Samples of each kind that are looked at: for a step ahead, for one back, bystanders.
    """

    def after(numbers: Tensor, sign: float) -> Tensor:
        z = steered.moved(pool.z[numbers], sign * step * vector)
        return torch.cat([scores(steered.network(chunk)) for chunk in torch.split(z, steered.chunk)])

    reached, side = [], []
    for sign, numbers in ((1.0, goal.ahead(pool.scores)[:most]), (-1.0, goal.back(pool.scores)[:most])):
        if len(numbers):
            then = after(numbers, sign)
            reached.append(float((goal.has(then) == (sign > 0)).float().mean()))
            if not goal.is_class:
                side.append(float(goal.flipped(pool.scores[numbers], then).mean()))
    bystanders = goal.bystanders(pool.scores)[:most]
    if len(bystanders):
        side.append(float(goal.flipped(pool.scores[bystanders], after(bystanders, 1.0)).mean()))
    return Check(_mean(reached), _mean(side))


def least_step(
    steered: Steered, scores: Scores, goal: Goal, vector: Tensor, pool: Pool, wanted: float = 0.9, most: int = 96
) -> Generator[int, None, tuple[float, float]]:
    """The first of `STEPS` at which `wanted` of the samples change as they should, else the best of them.

    A generator of steps tried that returns the step, in units of z, and the share. See `check`.
    """
    best = (STEPS[0] * steered.unit, -1.0)
    for number, step in enumerate(STEPS, 1):
        success = check(steered, scores, goal, vector, pool, step * steered.unit, most).success
        if success > best[1]:
            best = (step * steered.unit, success)
        if success >= wanted:
            break
        yield number
    return best


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
