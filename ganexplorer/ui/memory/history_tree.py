"""The history as a tree from left to right: where each step stands, and how it is painted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from ganexplorer.core.state import Step
from ganexplorer.ui.editing.history import History
from ganexplorer.ui.parts.thumbnails import paint_look
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Look

Place = tuple[int, int]  # column, row

MARGIN = 8
COLUMN_GAP = 20
ROW_GAP = 8
BEND = 6  # radius of a corner
FAINT = 0.5  # opacity of a branch that does not lead here


def layout(history: History) -> dict[int, Place]:
    """The column and row of each step.

    A step stands right of its parent. The first that was made from it goes on in its row; the others begin rows of
    their own, below all that came of those before, so that nothing crosses.
    """
    children = defaultdict[int | None, list[int]](list)
    for step in history:
        children[step.parent].append(step.number)
    places: dict[int, Place] = {}
    row = -1
    todo = [(number, 0, False) for number in reversed(children[None])]
    while todo:
        number, column, goes_on = todo.pop()
        row += not goes_on
        places[number] = (column, row)
        for i, child in reversed(list(enumerate(children[number]))):
            todo.append((child, column + 1, i == 0))
    return places


@dataclass(frozen=True, slots=True)
class Grid:
    """Where places are, in pixels from the corner of the tree: squares of `side`."""

    side: float

    def room(self, place: Place) -> QRectF:
        column, row = place
        x = MARGIN + column * (self.side + COLUMN_GAP)
        return QRectF(x, MARGIN + row * (self.side + ROW_GAP), self.side, self.side)

    def size(self, columns: int, rows: int) -> QSizeF:
        last = self.room((columns - 1, rows - 1))
        return QSizeF(last.right() + MARGIN, last.bottom() + MARGIN)

    def place_at(self, point: QPointF) -> Place | None:
        """The place whose square is there."""
        column = int((point.x() - MARGIN) // (self.side + COLUMN_GAP))
        row = int((point.y() - MARGIN) // (self.side + ROW_GAP))
        return (column, row) if self.room((column, row)).contains(point) else None

    def columns(self, area: QRectF) -> range:
        """Those that `area` shows a part of."""
        pitch = self.side + COLUMN_GAP
        return range(int((area.left() - MARGIN) // pitch), int((area.right() - MARGIN) // pitch) + 1)

    def rows(self, area: QRectF) -> range:
        pitch = self.side + ROW_GAP
        return range(int((area.top() - MARGIN) // pitch), int((area.bottom() - MARGIN) // pitch) + 1)


class Tree:
    """A history that is laid out."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.places = layout(history)
        self.at = {place: number for number, place in self.places.items()}
        self.columns = 1 + max((column for column, _ in self.places.values()), default=-1)
        self.rows = 1 + max((row for _, row in self.places.values()), default=-1)

    def beside(self, number: int, down: int) -> int:
        """The step nearest to `number` in the row `down` rows below (-1: above); itself where there is none."""
        column, row = self.places[number]
        there = [(abs(c - column), other) for other, (c, r) in self.places.items() if r == row + down]
        return min(there, default=(0, number))[1]


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands out: the current step and those that lead to it; where the keyboard and the pointer are."""

    current: int
    path: Collection[int]
    cursor: int | None
    hovered: int | None


def paint_tree(
    painter: QPainter,
    area: QRectF,
    tree: Tree,
    grid: Grid,
    marks: Marks,
    look_of: Callable[[Step], Look | None],
    theme: Theme,
) -> None:
    """Paint what lies in `area`, in pixels from the corner of the tree; looks are asked for nothing else."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    columns, rows = grid.columns(area), grid.rows(area)
    faint, strong = QPainterPath(), QPainterPath()
    for step in tree.history:
        if step.parent is None:
            continue
        start, end = tree.places[step.parent], tree.places[step.number]
        if end[0] >= columns.start and start[0] < columns.stop and end[1] >= rows.start and start[1] < rows.stop:
            _add_line(strong if step.number in marks.path else faint, grid.room(start), grid.room(end))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for path, color, width in ((faint, theme.line, 1.5), (strong, theme.accent, 2.0)):
        painter.setPen(QPen(QColor(color), width))
        painter.drawPath(path)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for column in columns:
        for row in rows:
            number = tree.at.get((column, row))
            if number is not None:
                _paint_step(painter, grid.room((column, row)), tree.history[number], marks, look_of, theme)


def _add_line(path: QPainterPath, start: QRectF, end: QRectF) -> None:
    """From the right of one square to the left of another: straight, or down and on."""
    here, there = QPointF(start.right(), start.center().y()), QPointF(end.left(), end.center().y())
    path.moveTo(here)
    if there.y() > here.y():
        middle = (here.x() + there.x()) / 2
        path.lineTo(middle - BEND, here.y())
        path.quadTo(middle, here.y(), middle, here.y() + BEND)
        path.lineTo(middle, there.y() - BEND)
        path.quadTo(middle, there.y(), middle + BEND, there.y())
    path.lineTo(there)


def _paint_step(
    painter: QPainter, room: QRectF, step: Step, marks: Marks, look_of: Callable[[Step], Look | None], theme: Theme
) -> None:
    painter.setOpacity(1 if step.number in marks.path or step.number == marks.hovered else FAINT)
    paint_look(painter, room, look_of(step), theme)
    painter.setOpacity(1)
    if step.number == marks.current:
        _paint_frame(painter, room, 1.5, QPen(QColor(theme.accent), 3))
    elif step.number == marks.hovered:
        _paint_frame(painter, room, 0.5, QPen(QColor(theme.quiet), 1))
    if step.number == marks.cursor:
        _paint_frame(painter, room, 3.5, QPen(QColor(theme.text), 1, Qt.PenStyle.DotLine))


def _paint_frame(painter: QPainter, room: QRectF, distance: float, pen: QPen) -> None:
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.drawRect(room.adjusted(-distance, -distance, distance, distance))
