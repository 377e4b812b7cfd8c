"""A row of pictures with words below each: what a cell is, how it is painted, and the mouse and keys on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)
from torch import Tensor

from ganexplorer.ui.gallery.look_grid import MARGIN, THUMBNAIL
from ganexplorer.ui.gallery.look_model import key_of
from ganexplorer.ui.parts.small_looks import side_of
from ganexplorer.ui.parts.steady_list import Index, SteadyListView
from ganexplorer.ui.parts.thumbnails import paint_look
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Look, Studio


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A picture, or the place of one.

    Attributes
    ----------
    lines
        The words below: the first loud, the others quiet.
    mark
        Stands in the frame where there is no picture.
    z
        Where a click goes; None: nowhere.
    look
        The picture; None: the studio's of z.
    is_editable
        Whether the delegate has an editor for it.
    """

    lines: tuple[str, ...]
    tip: str
    mark: str = ""
    z: Tensor | None = None
    look: Look | None = None
    is_editable: bool = False


class StripModel(QAbstractListModel):
    """The cells, which the panel makes."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.cells: tuple[Cell, ...] = ()

    def show(self, cells: Sequence[Cell]) -> None:
        if len(cells) == len(self.cells):
            self.cells = tuple(cells)
            self.dataChanged.emit(self.index(0), self.index(len(cells) - 1))
        else:
            self.beginResetModel()
            self.cells = tuple(cells)
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.cells)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsEditable if index.isValid() and self.cells[index.row()].is_editable else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        cell = self.cells[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return " ".join([*([cell.mark] if cell.mark else []), *cell.lines])
        return cell.tip if role == Qt.ItemDataRole.ToolTipRole else None


class StripDelegate(QStyledItemDelegate):
    """Paints a cell: the picture or an empty frame, and the words."""

    def __init__(
        self, studio: Studio, model: StripModel, theme: Theme, line_count: int, width: int, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._studio, self._model = studio, model
        self._line_count, self._width = line_count, width
        self._line_height = parent.fontMetrics().height()
        self.theme = theme
        self.side = float(THUMBNAIL)
        self.here = b""  # the key of z, whose cells are framed

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self.size_for(self.side)

    def size_for(self, side: float) -> QSize:
        """Of a cell whose picture has this side."""
        height = math.ceil(side) + 2 * MARGIN + self._line_count * self._line_height + MARGIN
        return QSize(max(self._width, math.ceil(side) + 2 * MARGIN), height)

    def picture_rect(self, cell: QRect) -> QRectF:
        left = cell.left() + round((cell.width() - self.side) / 2)
        return QRectF(left, cell.top() + MARGIN, self.side, self.side)

    def words_rect(self, cell: QRect) -> QRect:
        """Where the first line of the words is."""
        top = cell.top() + math.ceil(self.side) + 2 * MARGIN
        return QRect(cell.left(), top, cell.width(), self._line_height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        cell, theme = self._model.cells[index.row()], self.theme
        room = self.picture_rect(option.rect)
        painter.save()
        look = cell.look
        if look is None and cell.z is not None:
            look = self._studio.look(cell.z)
        paint_look(painter, room, look, theme, cell.z is not None and key_of(cell.z) == self.here)
        if cell.mark:
            font = QFont(painter.font())
            font.setPointSizeF(1.4 * font.pointSizeF())
            painter.setFont(font)
            painter.setPen(QColor(theme.quiet))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, cell.mark)
            painter.setFont(option.font)
        line = self.words_rect(option.rect)
        for number, words in enumerate(cell.lines):
            painter.setPen(QColor(theme.quiet if number else theme.text))
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, words)
            line.translate(0, line.height())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.text), 1, Qt.PenStyle.DotLine))
            # the rows of a list are as high as it is
            size = self.sizeHint(option, index)
            painter.drawRoundedRect(QRectF(option.rect.topLeft(), size).adjusted(1.5, 1.5, -1.5, -1.5), 4, 4)
        painter.restore()


class Strip(SteadyListView):
    """The cells side by side. Letters and signs are left to the panel that it stands in."""

    chosen = Signal(int)  # a cell, by a click or Return
    least_cells = 2  # that are always seen

    def __init__(self, model: StripModel, delegate: StripDelegate, studio: Studio, parent: QWidget) -> None:
        super().__init__(parent)
        self._delegate, self._studio = delegate, studio
        self._pressed: QPersistentModelIndex | None = None
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setStyleSheet("QListView { background: transparent; }")  # no box in the panel
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        studio.arrived.connect(self.viewport().update)
        studio.changed.connect(self.relayout)
        model.modelReset.connect(self._keep_current)
        self._last = 0
        self._most = THUMBNAIL
        self.relayout()

    def fit(self, most: int) -> None:
        """Show pictures of up to `most` pixels, where that is more than a thumbnail has."""
        self._most = max(most, THUMBNAIL)
        self.relayout()

    def relayout(self) -> None:
        """Another model, or another room: pictures of another size."""
        side = self._side(self._most)
        if side != self._delegate.side:
            self._delegate.side = side
            self.scheduleDelayedItemsLayout()
            self.updateGeometry()
        self.viewport().update()

    def _side(self, most: int) -> float:
        """Of the pictures, if they may take `most` pixels."""
        sight = self._studio.sight
        return most if sight is None else side_of(sight.renderer.spec.image_shape, most, self.devicePixelRatioF())

    def picture_rect(self, row: int) -> QRectF:
        return self._delegate.picture_rect(self.visualRect(self.model().index(row, 0)))

    def sizeHint(self) -> QSize:
        size = self.sizeHintForIndex(self.model().index(0, 0))
        return QSize(size.width() * self.model().rowCount(), size.height())

    def minimumSizeHint(self) -> QSize:
        size = self._delegate.size_for(self._side(THUMBNAIL))  # larger ones give way when the panel is made smaller
        return QSize(self.least_cells * size.width(), size.height())

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self._last = current.row()

    def _keep_current(self) -> None:
        """More or fewer cells: the keys stay where they were."""
        self.updateGeometry()
        last = min(self._last, self.model().rowCount() - 1)
        if last >= 0 and self.hasFocus():
            self.setCurrentIndex(self.model().index(last, 0))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        is_left = event.button() == Qt.MouseButton.LeftButton
        self._pressed = QPersistentModelIndex(index) if is_left and index.isValid() else None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        pressed, self._pressed = self._pressed, None
        if pressed is not None and pressed.isValid() and self.indexAt(event.position().toPoint()) == pressed:
            self.chosen.emit(pressed.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        if index.isValid() and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(index.row())
        elif plain and event.text() and event.text().isprintable() and event.key() != Qt.Key.Key_Space:
            event.ignore()  # no search by name
        else:
            super().keyPressEvent(event)
