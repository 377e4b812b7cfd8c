"""What is typed to find sliders, such as "12", "3-9", ">2", "locked" or "outside"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

EXAMPLES = "12, 3-9, >2, locked or outside"

_NUMBER = re.compile(r"z?(\d+)")
_RANGE = re.compile(r"z?(\d+)-z?(\d+)")
_VALUE = re.compile(r"([<>])=?([-+]?(?:\d+\.?\d*|\.\d+))")
_UNFINISHED = re.compile(r"z|z?\d+-z?|[<>]=?[-+]?\.?")


@dataclass(frozen=True, slots=True)
class Row:
    """What a search can ask of a slider."""

    dimension: int
    value: float
    is_locked: bool
    is_outside: bool  # of the prior


class Search:
    """Numbers and ranges name sliders, any of them; conditions narrow: all must hold.

    What is half typed is left out; what is not understood finds nothing.
    """

    def __init__(self, text: str = "") -> None:
        self.text = text.strip()
        self._ranges: list[range] = []
        self._conditions: list[Callable[[Row], bool]] = []
        for term in re.split(r"[\s,;]+", self.text.lower()):
            self._read(term)

    def matches(self, row: Row) -> bool:
        is_named = not self._ranges or any(row.dimension in numbers for numbers in self._ranges)
        return is_named and all(condition(row) for condition in self._conditions)

    def _read(self, term: str) -> None:
        if not term or _UNFINISHED.fullmatch(term):
            return
        if found := _NUMBER.fullmatch(term):
            self._ranges.append(range(int(found[1]), int(found[1]) + 1))
        elif found := _RANGE.fullmatch(term):
            low, high = sorted((int(found[1]), int(found[2])))
            self._ranges.append(range(low, high + 1))
        elif found := _VALUE.fullmatch(term):
            bound = float(found[2])
            is_above = found[1] == ">"
            self._conditions.append(lambda row: row.value > bound if is_above else row.value < bound)
        elif "locked".startswith(term):
            self._conditions.append(lambda row: row.is_locked)
        elif "outside".startswith(term):
            self._conditions.append(lambda row: row.is_outside)
        else:
            self._conditions.append(lambda row: False)
