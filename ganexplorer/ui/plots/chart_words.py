"""What the charts show, and in which words: they fit the loss that a run is trained with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QColor

from ganexplorer.train.losses import LossName
from ganexplorer.ui.parts.panel_parts import MINUS
from ganexplorer.ui.plots.record import Axis
from ganexplorer.ui.theme import D_COLOR, G_COLOR, REAL_COLOR, Theme

NOT_FINITE = "not finite"
NOT_MEASURED = "\N{EN DASH}"
WIDEST = (NOT_FINITE, f"{MINUS}8.88e{MINUS}88", f"{MINUS}88888.8")  # of the numbers that are usual
PALE = 0.5  # share of white in a pale colour


@dataclass(frozen=True, slots=True)
class LossWords:
    """How the axes of a loss are called, verdicts in words of several lengths, and whether D(x) is a probability."""

    loss: str
    verdict: tuple[str, ...]
    is_probability: bool = False


_SCORES = ("critic's score, not a probability", "critic's score", "score")
_CRITIC = LossWords("critic loss", _SCORES)
_SCORE = LossWords("loss", _SCORES)
WORDS: Mapping[LossName, LossWords] = {
    "bce": LossWords("loss", ("D(x), probability of real", "probability of real", "P(real)"), True),
    "mse": _SCORE,
    "hinge": _SCORE,
    "relativistic": _SCORE,
    "wgan": _CRITIC,
    "wgan-gp": _CRITIC,
}


@dataclass(frozen=True, slots=True)
class Curve:
    """One field of `Scalars` as a line. `end` stands before its last value; a sparse one is not measured each time.

    A value that `holds` is measured so seldom that it is read as it was last.
    """

    field: str
    name: str
    line: Callable[[Theme], str]
    text: Callable[[Theme], str]
    end: str = ""
    is_sparse: bool = False
    holds: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What one chart against steps shows.

    Attributes
    ----------
    label
        Of the axis of values, from the words of the loss, in several lengths.
    span
        What the axis of values shows whatever the values are; None: what it takes to show them.
    level
        A value with a line of its own, and what it means.
    """

    title: str
    accessible: str
    curves: tuple[Curve, ...]
    label: Callable[[LossWords], tuple[str, ...]]
    hint: str
    span: Callable[[LossWords], tuple[float, float] | None] = lambda words: None
    level: tuple[float, str] | None = None


def mixed(color: str, ground: str, share: float) -> str:
    """A colour with a share of another in it, [0, 1]."""
    a, b = QColor(color), QColor(ground)
    parts = zip((a.red(), a.green(), a.blue()), (b.red(), b.green(), b.blue()), strict=True)
    return QColor(*(round(own + share * (other - own)) for own, other in parts)).name()


LOSSES = Page(
    "Losses",
    "Losses of D and G",
    (
        Curve("d_loss", "D", lambda theme: D_COLOR, lambda theme: theme.d_text, "D "),
        Curve("g_loss", "G", lambda theme: G_COLOR, lambda theme: theme.g_text, "G "),
    ),
    lambda words: (words.loss,),
    "the losses of D and G",
)
VERDICTS = Page(
    "Verdicts",
    "D's verdicts on real and generated images",
    (
        Curve("d_real", "D(x)", lambda theme: REAL_COLOR, lambda theme: theme.quiet),
        Curve("d_fake_before", "D(G(z))", lambda theme: G_COLOR, lambda theme: theme.g_text),
        Curve(
            "d_fake_after",
            "after G's step",
            lambda theme: mixed(G_COLOR, "#ffffff", PALE),
            lambda theme: mixed(theme.g_text, "#ffffff", PALE / 2),
        ),
    ),
    lambda words: words.verdict,
    "D's verdicts on real and generated images",
    lambda words: (0.0, 1.0) if words.is_probability else None,
)
GRADIENTS = Page(
    "Gradients",
    "Norms of the gradients of D and G",
    (
        Curve("d_grad", "D", lambda theme: D_COLOR, lambda theme: theme.d_text, "D ", True),
        Curve("g_grad", "G", lambda theme: G_COLOR, lambda theme: theme.g_text, "G ", True),
    ),
    lambda words: ("norm of the gradient", "gradient norm", "norm"),
    "the norms of the gradients of D and G",
)
QUALITY = Page(
    "Quality",
    "Diversity, precision and recall of the generated images, and how many are clear digits",
    (
        Curve("diversity", "diversity", lambda theme: G_COLOR, lambda theme: theme.g_text, "", True),
        Curve(
            "precision",
            "precision",
            lambda theme: mixed(G_COLOR, "#ffffff", PALE),
            lambda theme: mixed(theme.g_text, "#ffffff", PALE / 2),
            "P ",
            True,
            True,
        ),
        Curve("recall", "recall", lambda theme: REAL_COLOR, lambda theme: theme.quiet, "R ", True, True),
        Curve("sure", "clear digits", lambda theme: theme.accent, lambda theme: theme.accent, "S ", True, True),
    ),
    lambda words: ("relative to real images", "relative to real", "share"),
    "how various the generated images are, and how near to real ones",
    level=(1.0, "as real images"),
)
DISTANCE = Page(
    "Distance",
    "Distance of the generated images to real ones",
    (Curve("distance", "distance", lambda theme: G_COLOR, lambda theme: theme.g_text, "", True, True),),
    lambda words: ("Fréchet distance to real images", "Fréchet distance", "distance"),
    "how far the samples are from real images; set metrics_every above 0",
)

PHASE_HINT = "D against G"

AXIS_NAMES: dict[Axis, str] = {"steps": "step", "epochs": "epoch", "time": "training time"}
UNITS = ((7200.0, 3600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))  # from which length on, seconds, name


def number(value: float) -> str:
    """A value in four figures or so, at most ten characters."""
    if not math.isfinite(value):
        return NOT_FINITE
    size = abs(value)
    form = ".3f" if size < 100 else ".1f"
    return f"{value:{form if size == 0 or 1e-3 <= size < 1e5 else '.2e'}}".replace("-", MINUS)


def unit_of(seconds: float) -> tuple[float, str]:
    """The unit that a time is best told in: its length in seconds and its name."""
    return next((length, name) for least, length, name in UNITS if seconds >= least)


def place_words(axis: Axis, step: float, place: float) -> str:
    """Where a point is, as in: step 1,200; epoch 3.25; 4 min 05 s."""
    if axis == "steps":
        return f"step {step:,.0f}"
    if axis == "epochs":
        return f"epoch {place:.2f}"
    if math.isnan(place):
        return "time unknown"
    seconds = int(place)
    if seconds < 60:
        return f"{place:.1f} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    return f"{seconds // 3600} h {seconds // 60 % 60:02} min"
