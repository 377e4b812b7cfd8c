"""The last values beside the ends of the lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

ROOM = 58  # pixels beside the curves
GAP = 4


@dataclass(frozen=True, slots=True)
class EndLabel:
    """Words in a colour, and where their middle is, pixels."""

    y: float
    words: str
    color: str


def part(labels: Sequence[EndLabel], line: float, top: float, bottom: float) -> list[EndLabel]:
    """From top to bottom, moved so that they are at least `line` apart and stay between `top` and `bottom`."""
    labels = sorted(labels, key=lambda label: label.y)
    found = [label.y for label in labels]
    for index in range(len(found)):
        found[index] = max(found[index], found[index - 1] + line if index else top + line / 2)
    limit = bottom - line / 2
    for index in reversed(range(len(found))):
        found[index] = min(found[index], limit)
        limit = found[index] - line
    return [EndLabel(y, label.words, label.color) for y, label in zip(found, labels, strict=True)]


def paint_ends(painter: QPainter, labels: Sequence[EndLabel], x: float, font: QFont) -> None:
    """Draw them to the right of `x`."""
    painter.setFont(font)
    height = QFontMetricsF(font).height()
    for label in labels:
        painter.setPen(QColor(label.color))
        box = QRectF(x + GAP, label.y - height / 2, ROOM, height)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, label.words)
