"""Looks of many latents as a grid: how a cell is painted, and the mouse and keys on it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import (
    QItemSelectionModel,
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

from ganexplorer.ui.gallery.look_model import LookModel
from ganexplorer.ui.parts.panel_parts import transparent
from ganexplorer.ui.parts.small_looks import side_of
from ganexplorer.ui.parts.steady_list import Index, SteadyListView
from ganexplorer.ui.parts.thumbnails import paint_look
from ganexplorer.ui.theme import D_COLOR, Theme
from ganexplorer.ui.work.studio import Look, Studio

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


class LookGrid(SteadyListView):
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
