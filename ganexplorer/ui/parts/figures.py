"""Numbers that change, set so that they do not jitter."""

from __future__ import annotations

import math

from PySide6.QtGui import QFont


def tabular(font: QFont) -> QFont:
    """The font with figures of one width, where it has them."""
    font = QFont(font)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th …"""
    last = number % 10 if number % 100 not in (11, 12, 13) else 0
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def percentile_words(percentile: float) -> str:
    """A percentile, [0, 100], as "41st percentile"; the outermost thousandths in words, nan as nothing."""
    if math.isnan(percentile):
        return ""
    if percentile > 99.9:
        return "beyond 99.9 % of samples"
    if percentile < 0.1:
        return "nearer than 99.9 % of samples"
    return f"{ordinal(min(max(round(percentile), 1), 99))} percentile"
