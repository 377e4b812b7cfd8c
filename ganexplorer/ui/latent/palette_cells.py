"""Where the cells of the latent palette are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

MARGIN = 12
LARGEST = 48


@dataclass(frozen=True, slots=True)
class Cells:
    """`count` square cells in a room of `width` and `height`, ceil(sqrt(count)) in a line, in the middle of the top."""

    count: int
    width: int
    height: int

    @property
    def columns(self) -> int:
        return max(1, math.ceil(math.sqrt(self.count)))

    @property
    def side(self) -> float:
        """Of a cell, in pixels: whole ones where that is not too coarse."""
        rows = max(1, math.ceil(self.count / self.columns))
        room = min((self.width - 2 * MARGIN) / self.columns, (self.height - 2 * MARGIN) / rows)
        return max(1.0, min(float(math.floor(room)) if room >= 8 else room, LARGEST))

    def rect(self, cell: int) -> QRectF:
        side = self.side
        row, column = divmod(cell, self.columns)
        left = round((self.width - side * self.columns) / 2)
        return QRectF(left + column * side, MARGIN + row * side, side, side)

    def at(self, point: QPointF) -> int:
        """The cell at a point; -1 beside them."""
        offset = (point - self.rect(0).topLeft()) / self.side
        column, row = math.floor(offset.x()), math.floor(offset.y())
        cell = row * self.columns + column
        return cell if 0 <= column < self.columns and 0 <= cell < self.count else -1

    def along(self, start: QPointF, end: QPointF) -> list[int]:
        """The cells that a straight stroke crosses, in order."""
        way = end - start
        count = max(1, math.ceil(2 * max(abs(way.x()), abs(way.y())) / self.side))
        crossed = dict.fromkeys(self.at(start + way * (i / count)) for i in range(count + 1))
        return [cell for cell in crossed if cell >= 0]

    def neighbour(self, cell: int, dx: int, dy: int) -> int:
        """The cell beside another; the same at the edge."""
        row, column = divmod(cell, self.columns)
        other = (row + dy) * self.columns + min(max(column + dx, 0), self.columns - 1)
        return other if 0 <= other < self.count else cell
