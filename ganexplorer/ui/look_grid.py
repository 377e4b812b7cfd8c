"""Looks of many latents as a grid: which stands in which cell, how it is painted, and the mouse and keys on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)
from torch import Tensor

from ganexplorer.core.state import GalleryOrder
from ganexplorer.ui.document import Document
from ganexplorer.ui.panel_parts import transparent
from ganexplorer.ui.small_looks import side_of
from ganexplorer.ui.studio import Look, Studio
from ganexplorer.ui.theme import D_COLOR, Theme
from ganexplorer.ui.thumbnails import paint_look

Index = QModelIndex | QPersistentModelIndex

THUMBNAIL = 64  # pixels, the most that a picture takes
MARGIN = 4
BAR = 3  # height of D's verdict
STAR = 18  # the side of its place in a cell


def star(center: QPointF, radius: float) -> QPolygonF:
    """A star of five points, its first upwards."""
    corners = []
    for i in range(10):
        r, angle = radius * (0.42 if i % 2 else 1.0), math.pi * i / 5
        corners.append(QPointF(center.x() + r * math.sin(angle), center.y() - r * math.cos(angle)))
    return QPolygonF(corners)


def verdict_words(verdict: float, is_probability: bool) -> str:
    """D's verdict for a person."""
    if is_probability:
        return f"D takes it for real: {100 * verdict:.0f} %"
    return f"D says {verdict:.2f} (1 is its target for real pictures, 0 for generated ones)"


def key_of(z: Tensor) -> bytes:
    """The bits of a latent: the same key, the same latent."""
    return z.numpy().tobytes()


class LookModel(QAbstractListModel):
    """Which latent stands in which cell, and what is known of it. `rows` are the latents as drawn."""

    def __init__(self, document: Document, studio: Studio, parent: QWidget) -> None:
        super().__init__(parent)
        self._document, self._studio = document, studio
        self.rows: list[Tensor] = []
        self._names: list[str] = []
        self._keys: list[bytes] = []
        self._pinned = 0
        self._cells: list[int] = []  # the row that stands in each cell
        self._order: GalleryOrder = "drawn"
        self._stars: set[bytes] = set()
        self._here = key_of(document.z)
        self._looks: list[Look | None] = []  # of each row the last there was
        self._fresh: list[bool] = []  # whether it is that of the model on show
        self._asked: set[int] = set()
        studio.changed.connect(self._on_model_changed)
        studio.arrived.connect(self._on_arrived)
        document.z_changed.connect(self._on_z_changed)
        document.stars_changed.connect(self._on_stars_changed)

    def show(self, latents: Sequence[Tensor], names: Sequence[str], pinned: int = 0, is_alike: bool = False) -> None:
        """Other latents, (z_dim,) each; the first `pinned` come first in each order.

        `is_alike`: they are the same as before with another setting. Cells then stay where they are, selected too,
        and show what they did until their new pictures are there.
        """
        is_alike = is_alike and len(latents) == len(self.rows)
        if not is_alike:
            self.beginResetModel()
            self._cells = list(range(len(latents)))
            self._looks = [None] * len(latents)
        self.rows, self._names, self._pinned = list(latents), list(names), pinned
        self._keys = [key_of(z) for z in self.rows]
        self._stars = {key_of(z) for z in self._document.stars}
        self._here = key_of(self._document.z)
        self._on_model_changed()
        if not is_alike:
            self.endResetModel()
        elif self.rows:
            self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))

    def order_by(self, order: GalleryOrder) -> None:
        """How to `arrange`."""
        self._order = order

    def arrange(self) -> None:
        """Put the cells in the order asked for; by verdict once all verdicts are there, until then nothing moves."""
        cells = list(range(len(self.rows)))
        if self._order != "drawn":
            # asked for last is made first
            looks = [self.look(row) for row in reversed(cells)][::-1]
            if not all(self._fresh):
                return
            sign = -1 if self._order == "most real first" else 1
            verdicts = [(look.verdict if look else None) or 0.0 for look in looks]
            cells[self._pinned :] = sorted(cells[self._pinned :], key=lambda row: sign * verdicts[row])
        if cells == self._cells:
            return
        self.layoutAboutToBeChanged.emit()
        moved = {index.row(): self._cells[index.row()] for index in self.persistentIndexList()}
        self._cells = cells
        for cell, row in moved.items():
            self.changePersistentIndex(self.index(cell), self.index(self.cell(row)))
        self.layoutChanged.emit()

    def look(self, row: int) -> Look | None:
        """The picture of a row; until it is made the one before, or None. To be asked for what is visible."""
        if not self._fresh[row]:
            found = self._studio.look(self.rows[row])
            if found is None:
                self._asked.add(row)
            else:
                self._looks[row], self._fresh[row] = found, True
                self._asked.discard(row)
        return self._looks[row]

    def _on_model_changed(self) -> None:
        self._fresh = [False] * len(self.rows)
        self._asked.clear()

    def _on_arrived(self) -> None:
        for row in sorted(self._asked):
            self.look(row)
            if self._fresh[row]:
                self._touch_cell(self.cell(row))

    # -- a cell --------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._cells)

    def row(self, cell: int) -> int:
        """The row that stands in a cell."""
        return self._cells[cell]

    def cell(self, row: int) -> int:
        return self._cells.index(row)

    def z(self, cell: int) -> Tensor:
        """Of a cell, a copy: the rows of a sheet share their memory."""
        return self.rows[self._cells[cell]].clone()

    def name(self, cell: int) -> str:
        return self._names[self._cells[cell]]

    def is_here(self, cell: int) -> bool:
        """Whether it is the current z."""
        return self._keys[self._cells[cell]] == self._here

    def is_starred(self, cell: int) -> bool:
        return self._keys[self._cells[cell]] in self._stars

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        cell = index.row()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            marks = [
                word for word, holds in (("starred", self.is_starred(cell)), ("here", self.is_here(cell))) if holds
            ]
            return ", ".join([self.name(cell), *marks])
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(cell)
        return None

    def _tip(self, cell: int) -> str:
        lines = [self.name(cell) + (", where you are" if self.is_here(cell) else "")]
        look, sight = self.look(self._cells[cell]), self._studio.sight
        if look is not None and look.verdict is not None and sight is not None and sight.judge is not None:
            lines.append(verdict_words(look.verdict, sight.judge.is_probability))
        return "\n".join([*lines, "Click: go there. Ctrl or Shift: select more. Right button: what else to do."])

    def _on_z_changed(self, z: Tensor) -> None:
        before, self._here = self._here, key_of(z)
        for key in {before, self._here}:
            self._touch({key})

    def _on_stars_changed(self) -> None:
        before, self._stars = self._stars, {key_of(z) for z in self._document.stars}
        self._touch(before ^ self._stars)

    def _touch(self, keys: set[bytes]) -> None:
        """Have the cells of latents painted again."""
        for cell, row in enumerate(self._cells):
            if self._keys[row] in keys:
                self._touch_cell(cell)

    def _touch_cell(self, cell: int) -> None:
        index = self.index(cell)
        self.dataChanged.emit(index, index)


class LookDelegate(QStyledItemDelegate):
    """Paints a cell: the picture, D's verdict below it, a star, and whether it is selected or where z is."""

    def __init__(self, model: LookModel, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self.side = float(THUMBNAIL)
        self.has_verdicts = False
        # painted once, because dozens of cells are painted in each frame
        self._tiles: dict[int, tuple[Look | None, QPixmap]] = {}  # of each row
        self._stars: dict[bool, QPixmap] = {}

    @property
    def theme(self) -> Theme:
        return self._theme

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.forget()

    def forget(self) -> None:
        """Paint everything anew: other colours, sizes or another screen."""
        self._tiles, self._stars = {}, {}

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        width = math.ceil(self.side) + 2 * MARGIN
        return QSize(width, width + (BAR + 2 if self.has_verdicts else 0))

    def picture_rect(self, cell: QRect) -> QRectF:
        return QRectF(cell.left() + MARGIN, cell.top() + MARGIN, self.side, self.side)

    def star_rect(self, cell: QRect) -> QRectF:
        """Where a click stars: the picture's upper right corner."""
        picture = self.picture_rect(cell)
        return QRectF(picture.right() - STAR, picture.top(), STAR, STAR)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        cell, rect, state = index.row(), option.rect, option.state
        if state & QStyle.StateFlag.State_Selected:
            self._paint_frame(painter, rect, QStyle.StateFlag.State_Selected)
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(rect.topLeft(), self._tile(self._model.row(cell), rect.size(), ratio))
        if self._model.is_here(cell):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._theme.accent), 2))
            painter.drawRect(self.picture_rect(rect).adjusted(1, 1, -1, -1))
        is_starred = self._model.is_starred(cell)
        if is_starred or state & QStyle.StateFlag.State_MouseOver:
            painter.drawPixmap(self.star_rect(rect).topLeft(), self._star(is_starred, ratio))
        if state & QStyle.StateFlag.State_HasFocus:
            self._paint_frame(painter, rect, QStyle.StateFlag.State_HasFocus)

    def _paint_frame(self, painter: QPainter, rect: QRect, state: QStyle.StateFlag) -> None:
        """About the whole cell: a ground where it is selected, dots where the keys are."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state == QStyle.StateFlag.State_Selected:
            ground = QColor(self._theme.accent)
            ground.setAlpha(110)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), 4, 4)
        else:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._theme.text), 1, Qt.PenStyle.DotLine))
            painter.drawRoundedRect(QRectF(rect).adjusted(1.5, 1.5, -1.5, -1.5), 4, 4)
        painter.restore()

    def _tile(self, row: int, size: QSize, ratio: float) -> QPixmap:
        """A row's picture with its verdict."""
        look = self._model.look(row)
        known = self._tiles.get(row)
        if known is not None and known[0] is look:
            return known[1]
        pixmap = transparent(size, ratio)
        painter = QPainter(pixmap)
        room = self.picture_rect(QRect(QPoint(0, 0), size))
        paint_look(painter, room, look, self._theme)
        if look is not None and look.verdict is not None:
            self._paint_verdict(painter, room, look.verdict)
        painter.end()
        self._tiles[row] = (look, pixmap)
        return pixmap

    def _paint_verdict(self, painter: QPainter, room: QRectF, verdict: float) -> None:
        """A bar from 0 to 1 below the picture."""
        track = QRectF(room.left(), room.bottom() + 2, room.width(), BAR)
        painter.fillRect(track, QColor(self._theme.track))
        track.setWidth(track.width() * min(max(verdict, 0.0), 1.0))
        painter.fillRect(track, QColor(D_COLOR))

    def _star(self, is_starred: bool, ratio: float) -> QPixmap:
        """The sign of a starred cell, or the place to click on."""
        if is_starred not in self._stars:
            pixmap = self._stars[is_starred] = transparent(QSize(STAR, STAR), ratio)
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            shape = star(QPointF(STAR / 2, STAR / 2), 7)
            # a rim in the colour of the ground, so that it is seen on any picture
            for color, width, is_filled in ((self._theme.surface, 3.0, True), (self._theme.accent, 1.2, is_starred)):
                pen = QPen(QColor(color), width)
                pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
                painter.setPen(pen)
                painter.setBrush(QColor(color) if is_filled else Qt.BrushStyle.NoBrush)
                painter.drawPolygon(shape)
            painter.end()
        return self._stars[is_starred]


class LookGrid(QListView):
    """The cells. Letters and signs are left to the panel that it stands in."""

    chosen = Signal(int)  # a cell: go there
    starred = Signal(int)  # the star of a cell was clicked
    menu_wanted = Signal(int, QPoint)  # for a cell, at a point of the screen

    def __init__(self, model: LookModel, delegate: LookDelegate, studio: Studio, parent: QWidget) -> None:
        super().__init__(parent)
        self._delegate, self._studio, self._look_model = delegate, studio, model
        self.empty_words = ""
        self._pressed: QPersistentModelIndex | None = None
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setViewportMargins(MARGIN, 0, 0, 0)
        self.setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover)
        studio.arrived.connect(self.arrange)
        studio.changed.connect(self.relayout)

    def relayout(self) -> None:
        """Another model or screen: pictures of another size, with or without verdicts."""
        sight = self._studio.sight
        if sight is not None:
            side = side_of(sight.renderer.spec.image_shape, THUMBNAIL, self.devicePixelRatioF())
            if (side, sight.judge is not None) != (self._delegate.side, self._delegate.has_verdicts):
                self._delegate.side, self._delegate.has_verdicts = side, sight.judge is not None
                self._delegate.forget()
                self.scheduleDelayedItemsLayout()
            self.verticalScrollBar().setSingleStep(int(side) // 2)
        self.arrange()
        self.viewport().update()

    def arrange(self) -> None:
        """`LookModel.arrange`, which asks for all pictures, while they are seen."""
        if self.isVisible():
            self._look_model.arrange()

    def selected_cells(self) -> list[int]:
        return sorted(index.row() for index in self.selectionModel().selectedIndexes())

    def select(self, cells: Sequence[int]) -> None:
        self.selectionModel().clearSelection()
        for cell in cells:
            self.selectionModel().select(self._look_model.index(cell), QItemSelectionModel.SelectionFlag.Select)

    def star_rect(self, cell: int) -> QRectF:
        """Where the star of a cell is, in the viewport."""
        return self._delegate.star_rect(self.visualRect(self._look_model.index(cell)))

    def picture_rect(self, cell: int) -> QRectF:
        return self._delegate.picture_rect(self.visualRect(self._look_model.index(cell)))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.relayout()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._look_model.rowCount() and self.empty_words:
            painter = QPainter(self.viewport())
            painter.setPen(QColor(self._delegate.theme.quiet))
            area = self.viewport().rect().adjusted(24, 8, -24, -8)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.empty_words)

    # -- mouse and keys ------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = None
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.RightButton:
            if index.isValid() and not self.selectionModel().isSelected(index):
                self.select([index.row()])
            return
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            if self.star_rect(index.row()).contains(event.position()):
                self.starred.emit(index.row())
                return
            if not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier):
                self._pressed = QPersistentModelIndex(index)
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        pressed, self._pressed = self._pressed, None
        if pressed is not None and pressed.isValid() and self.indexAt(event.position().toPoint()) == pressed:
            self.chosen.emit(pressed.row())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        is_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if is_mouse else self.currentIndex()
        if index.isValid():
            below = self.viewport().mapToGlobal(self.visualRect(index).center())
            self.menu_wanted.emit(index.row(), event.globalPos() if is_mouse else below)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        if index.isValid() and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(index.row())
        elif plain and event.text() and event.text().isprintable() and event.key() != Qt.Key.Key_Space:
            event.ignore()  # no search by name
        else:
            super().keyPressEvent(event)
