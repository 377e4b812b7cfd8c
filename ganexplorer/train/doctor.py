"""What ails a training, in plain words, from what is measured anyway.

Measurements are gathered into looks: medians over at least `LOOK_MEASUREMENTS` of them and `LOOK_STEPS` steps, so that
one wild batch says nothing, whatever ``log_every`` is. The first `WARM_UP` looks after a start or a resume are not
judged. An ailment is told when it was seen in so many of the latest looks (`_COURSES`), once, and again only if it was
gone for `CURED` looks. So one that lasts is told within 6 looks of its onset (collapse, divergence, dead discriminator)
or 9 (the others); a look takes 100 steps where ``log_every`` is at most 20, else 5 measurements. A generator that never
varied has `PATIENCE` steps to begin: healthy ones were seen to take up to 800.

Thresholds are in units of the loss: a discriminator that cannot tell has the loss `_Scale.chance`. Critics (wgan,
wgan-gp) have no such unit, and are built to tell the two apart: of them less is said.
"""

from __future__ import annotations

import collections
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from ganexplorer.core.latent import PriorKind
from ganexplorer.train.events import Scalars
from ganexplorer.train.losses import LossName

LOOK_MEASUREMENTS = 5
LOOK_STEPS = 100
WARM_UP = 4  # looks
CURED = 10  # looks
PATIENCE = 2000  # steps in which a generator's samples may be alike from the start
_HISTORY = 100  # looks that are remembered
_WINDOW = 5  # looks that are compared with each other

ALIKE = 0.15  # diversity below which samples are all alike
_VARIED = 0.3  # diversity that shows that G has learned to vary
_FALL = 0.4  # of the best diversity that lasted: below it, samples have become alike
_BLIND = 0.02  # gap of D's verdicts below which it cannot tell; as little as a probability needs
_NO_SLOPE = 1e-7  # norm of G's gradient, which D's slope makes: float32 zero
_STILL = 0.05  # of the gap: a D(x) that moves less over `_WINDOW` looks no longer learns
_WORSE = 2.0  # times chance: a discriminator that judges so much worse than guessing
_WILD, _BEYOND = 10.0, 100.0  # times chance: losses that no network in balance has
_GROWTH = 100.0  # of a gradient, over its running median
_CRITIC_BOUND = 1000.0  # more than a critic of slope 1 can say of two images in [-1, 1], 256 x 256, in colour (887)

Ailment = Literal["dead", "collapse", "never varied", "overpowering", "divergence", "overshoot"]
_COURSES: Mapping[Ailment, tuple[int, int]] = {  # told when seen in so many of the latest so many looks
    "dead": (1, 1),  # compares `_WINDOW` looks by itself
    "collapse": (4, 5),
    "never varied": (4, 5),
    "overpowering": (8, 10),
    "divergence": (3, 5),
    "overshoot": (8, 10),
}


@dataclass(frozen=True, slots=True)
class _Scale:
    """What D's loss and verdicts are when D guesses, and when it has won."""

    chance: float  # D's loss where it cannot tell at all
    apart: float  # D(x) - D(G(z)) of a discriminator that tells nearly all images apart
    won: float  # D's loss on generated images, at most, when it sees through nearly all
    lost: float  # G's loss, at least, then


_SCALES: Mapping[LossName, _Scale] = {
    "bce": _Scale(2 * math.log(2), 0.85, 0.015, 4.0),
    "mse": _Scale(0.5, 0.85, 0.0125, 0.9),
    "hinge": _Scale(2.0, 2.0, 0.02, 1.0),
    "relativistic": _Scale(math.log(2), 3.5, 0.008, 3.5),
}


@dataclass(frozen=True, slots=True)
class _Look:
    """Medians of some measurements in a row; nan for what none of them has."""

    first: int  # step
    d_loss: float
    d_loss_fake: float
    g_loss: float
    d_real: float
    d_fake: float
    gap: float  # D(x) - D(G(z)), before the step of G
    d_grad: float
    g_grad: float
    diversity: float

    @classmethod
    def of(cls, seen: Sequence[Scalars]) -> _Look:
        return cls(
            seen[0].step,
            _median(item.d_loss for item in seen),
            _median(item.d_loss_fake for item in seen),
            _median(item.g_loss for item in seen),
            _median(item.d_real for item in seen),
            _median(item.d_fake_before for item in seen),
            _median(item.d_real - item.d_fake_before for item in seen),
            _median(item.d_grad for item in seen),
            _median(item.g_grad for item in seen),
            _median(item.diversity for item in seen),
        )


@dataclass(slots=True)
class _Course:
    """How one ailment comes and goes."""

    needed: int
    of: int
    seen: collections.deque[int | None] = field(default_factory=collections.deque)  # step of a look with it; or None
    well: int = 0  # looks in a row
    is_told: bool = False

    def take(self, since: int, is_ill: bool, is_well: bool) -> bool:
        """Whether it is to be told now; a look may be neither ill nor well."""
        self.well = self.well + 1 if is_well else 0
        if self.is_told and self.well >= CURED:
            self.is_told = False
            self.seen.clear()
        self.seen.append(since if is_ill else None)
        if len(self.seen) > self.of:
            self.seen.popleft()
        is_due = not self.is_told and is_ill and sum(item is not None for item in self.seen) >= self.needed
        self.is_told = self.is_told or is_due
        return is_due

    @property
    def onset(self) -> int:
        """First step of the first look, of the latest, that had it."""
        return next(step for step in self.seen if step is not None)


class Doctor:
    """Looks at the scalars of a run as they come.

    Parameters
    ----------
    loss
        Of the run; where it changes, a new doctor begins anew.
    prior
        Of the generator: from a constant, samples are all alike by nature, and that is not told.
    """

    def __init__(self, loss: LossName, prior: PriorKind = "normal") -> None:
        self._scale = _SCALES.get(loss)
        self._is_varied = prior != "constant"
        self._since: int | None = None  # step before the look that is being gathered
        self._gathered: list[Scalars] = []
        self._looks: collections.deque[_Look] = collections.deque(maxlen=_HISTORY)
        self._count = 0  # looks so far
        self._start = self._judged = 0  # first step ever seen, and first one that is judged
        self._best = 0.0  # highest diversity that lasted for `_WINDOW` looks
        self._courses = {name: _Course(*course) for name, course in _COURSES.items()}

    def examine(self, scalars: Scalars) -> list[str]:
        """What is wrong since now, each in a sentence with advice; said once."""
        if self._since is None:
            self._since, self._start = scalars.step - 1, scalars.step
        self._gathered.append(scalars)
        if len(self._gathered) < LOOK_MEASUREMENTS or scalars.step - self._since < LOOK_STEPS:
            return []
        look = _Look.of(self._gathered)
        self._since, self._gathered = scalars.step, []
        self._looks.append(look)
        self._count += 1
        if self._count <= WARM_UP:
            return []
        if self._count == WARM_UP + 1:
            self._judged = look.first
        return self._judge(look)

    def _judge(self, look: _Look) -> list[str]:
        latest = list(self._looks)[-_WINDOW:]
        lasting = _median(item.diversity for item in latest) if self._count >= WARM_UP + _WINDOW else math.nan
        self._best = max(self._best, min(lasting, 1.0)) if math.isfinite(lasting) else self._best
        has_varied = self._best >= _VARIED
        is_alike = self._is_varied and look.diversity < max(ALIKE, _FALL * self._best if has_varied else 0.0)
        recovers = look.diversity >= max(2 * ALIKE, 1.5 * _FALL * self._best)
        never_varied = is_alike and not has_varied and look.first - self._start >= PATIENCE
        is_dead, diverges = self._is_dead(latest), self._diverges(look)
        overshoots = self._overshoots(look) and not (is_dead or diverges)
        findings: tuple[tuple[Ailment, int, bool, bool], ...] = (
            ("dead", latest[0].first, is_dead, not is_dead),
            ("collapse", look.first, is_alike and has_varied, recovers),
            ("never varied", look.first, never_varied, recovers),
            ("overpowering", look.first, self._overpowers(look), not self._is_ahead(look, 2.0)),
            ("divergence", look.first, diverges, not self._exceeds(look, _WILD / 2)),
            ("overshoot", look.first, overshoots, not self._overshoots(look, 1.5)),
        )
        told = [name for name, since, is_ill, is_well in findings if self._courses[name].take(since, is_ill, is_well)]
        return [self._say(name, look) for name in told]

    def _is_dead(self, latest: Sequence[_Look]) -> bool:
        """D gives G no slope and tells nothing apart; or it is fooled, and its verdicts on real images stand still."""
        if self._count < WARM_UP + _WINDOW:
            return False
        if all(abs(item.gap) < _BLIND and item.g_grad < _NO_SLOPE for item in latest):
            return True
        verdicts, gaps = [item.d_real for item in latest], [item.gap for item in latest]
        is_fooled = all(gap < 0 for gap in gaps) and max(verdicts) - min(verdicts) < -_STILL * _median(gaps)
        return is_fooled and (self._scale is None or latest[-1].d_loss > 1.1 * self._scale.chance)

    def _is_ahead(self, look: _Look, tolerance: float = 1.0) -> bool:
        """D sees through nearly all that G makes, and G's loss shows it; `tolerance` above 1 takes in more."""
        scale = self._scale
        return scale is not None and (
            look.d_loss_fake < tolerance * scale.won
            and look.gap > scale.apart / tolerance
            and look.g_loss > scale.lost / tolerance
        )

    def _overpowers(self, look: _Look) -> bool:
        """D is ahead, and G does not catch up: its loss has not fallen from the last looks but one to the last ones."""
        of = _COURSES["overpowering"][1]
        losses = [item.g_loss for item in itertools.islice(reversed(self._looks), of)][::-1]
        if not self._is_ahead(look) or len(losses) < of:
            return self._is_ahead(look)
        return median(losses[of // 2 :]) > 0.9 * median(losses[: of // 2])

    def _diverges(self, look: _Look) -> bool:
        """Losses far beyond their scale; or beyond it while a gradient has grown by two orders of magnitude."""
        if self._exceeds(look, _BEYOND):
            return True
        before = list(self._looks)[:-_WINDOW]
        if self._scale is None or len(before) < _WINDOW or not self._exceeds(look, _WILD):
            return False
        return look.d_grad > _GROWTH * _median(item.d_grad for item in before) or (
            look.g_grad > _GROWTH * _median(item.g_grad for item in before)
        )

    def _exceeds(self, look: _Look, times: float) -> bool:
        """Whether a loss is so many times chance; for a critic the distance that it sees, `_BEYOND` being its bound."""
        if self._scale is None:
            return abs(look.gap) > _CRITIC_BOUND * times / _BEYOND
        return max(abs(look.d_loss), abs(look.g_loss)) > times * self._scale.chance

    def _overshoots(self, look: _Look, times: float = _WORSE) -> bool:
        """D judges worse than guessing."""
        return self._scale is not None and look.d_loss > times * self._scale.chance

    def _say(self, ailment: Ailment, look: _Look) -> str:
        onset = self._courses[ailment].onset
        back = f"Go back to a snapshot before step {onset:,}"
        if onset <= self._judged:  # who knows since when
            back = "Start anew, or go back to an older snapshot"
        match ailment:
            case "collapse":
                return (
                    f"The samples have become alike (spread {_percent(look.diversity)} of the real images', after "
                    f"{_percent(self._best)}): the generator has collapsed. {back}, and train D as often as G "
                    "(d_every 1) with an R1 penalty (r1_gamma), as mlp-64-stable does."
                )
            case "never varied":
                return (
                    f"The samples are alike (spread {_percent(look.diversity)} of the real images') and have been "
                    f"since step {self._start:,}: the generator has collapsed to one picture. Train D as often as G "
                    "(d_every 1) with an R1 penalty (r1_gamma), as mlp-64-stable does, or lower g_lr; where it is very "
                    "low already, wait."
                )
            case "dead":
                return (
                    f"D no longer learns: its verdict on real images stays at {look.d_real:.3g}, on generated ones it "
                    f"is {look.d_fake:.3g}, so G gets no guidance from it. {back}, with another d_lr (0 stops D, too "
                    "much breaks it) and d_every 1."
                )
            case "overpowering":
                return (
                    f"D sees through all that G makes (D(x) {look.d_real:.3g}, D(G(z)) {look.d_fake:.2g}; G's loss "
                    f"{look.g_loss:.3g}): it overpowers G, which learns little from it. Lower d_lr, raise d_every, add "
                    "an R1 penalty (r1_gamma), or smoothing or augment against a D that knows the images by heart; "
                    "if g_lr was raised, lower it."
                )
            case "overshoot":
                chance = self._scale.chance if self._scale else math.nan
                return (
                    f"D judges worse than by guessing (its loss is {look.d_loss:.3g}, by guessing {chance:.2g}): its "
                    "steps overshoot, or come too seldom. Lower d_lr, set d_every 1, or add an R1 penalty (r1_gamma)."
                )
            case "divergence":
                return (
                    f"The losses are out of bounds (D {look.d_loss:.3g}, G {look.g_loss:.3g}; gradients "
                    f"{look.d_grad:.2g} and {look.g_grad:.2g}): the training diverges. {back}, and lower d_lr and "
                    "g_lr, or add an R1 penalty (r1_gamma); with wgan, lower clip."
                )


def _median(values: Iterable[float]) -> float:
    """Of the finite ones; nan where there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return median(finite) if finite else math.nan


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
