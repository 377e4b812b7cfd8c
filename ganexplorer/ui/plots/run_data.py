"""What the charts of one run share, and the choices that a person makes for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ganexplorer.ui.plots.chart_words import WORDS, LossWords
from ganexplorer.ui.plots.marks import Marks
from ganexplorer.ui.plots.record import Axis, Record


@dataclass(frozen=True, slots=True)
class Choices:
    """How all charts are drawn."""

    axis: Axis = "steps"
    weight: float = 0.0  # of the average that smooths, from 0, none, to below 1
    is_log: bool = False


@dataclass(slots=True)
class RunData:
    """A run, perhaps a second one to compare it with, and how they are shown."""

    record: Record = field(default_factory=Record)
    marks: Marks = field(default_factory=Marks)
    title: str = ""
    words: LossWords = WORDS["bce"]
    overlay: Record | None = None
    overlay_title: str = ""
    cursor: int | None = None  # the step whose samples are on show
    choices: Choices = Choices()
