"""The rows of the bookmarks: the model, and how a row is painted and renamed."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from PySide6.QtCore import QAbstractListModel, QModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from ganexplorer.core.errors import plain
from ganexplorer.core.state import Bookmark
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.parts.latent_menu import MAX_NAME
from ganexplorer.ui.parts.small_looks import SmallLooks
from ganexplorer.ui.parts.steady_list import Index
from ganexplorer.ui.parts.thumbnails import paint_look
from ganexplorer.ui.parts.tips import plain_tip
from ganexplorer.ui.theme import GAP, Theme
from ganexplorer.ui.work.studio import Studio

THUMBNAIL = 36  # pixels, the most that a picture takes
MARGIN = 4


class BookmarkModel(QAbstractListModel):
    """The document's bookmarks that fit the model on show."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self.bookmarks: list[Bookmark] = []
        self._rows = torch.zeros(0, 0)  # (N, z_dim), their latents
        self._here: list[int] = []
        document.bookmarks_changed.connect(self.refresh)
        document.z_changed.connect(self._on_z_changed)
        self.refresh()

    def refresh(self) -> None:
        """Show what there is; selections are up to the view."""
        shown = self._document.bookmarks
        if len(shown) == len(self.bookmarks) and all(a is b for a, b in zip(shown, self.bookmarks, strict=True)):
            return
        is_as_many = len(shown) == len(self.bookmarks)  # one was renamed, or some moved: editors and selections stay
        if not is_as_many:
            self.beginResetModel()
        self.bookmarks = shown
        self._rows = torch.stack([bookmark.z for bookmark in shown]) if shown else torch.zeros(0, 0)
        self._here = self._found()
        if is_as_many:
            self.dataChanged.emit(self.index(0), self.index(len(shown) - 1))
        else:
            self.endResetModel()

    def is_here(self, row: int) -> bool:
        """Whether it is the current z."""
        return row in self._here

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.bookmarks)

    def flags(self, index: Index) -> Qt.ItemFlag:
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        bookmark = self.bookmarks[index.row()]
        name = plain(bookmark.name)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return name + (", where you are" if self.is_here(index.row()) else "")
        if role == Qt.ItemDataRole.ToolTipRole:
            distance = float(torch.linalg.vector_norm(bookmark.z - self._document.prior.center))
            return plain_tip(
                f"{name}, |z| {distance:.2f}\nClick: go there. F2: rename. Alt+Up, Alt+Down or drag: move."
            )
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        name = plain(str(value), MAX_NAME).strip()
        bookmark = self.bookmarks[index.row()]
        if not name or name == bookmark.name:
            return False
        renamed = dataclasses.replace(bookmark, name=name)
        self._document.set_bookmarks([renamed if b is bookmark else b for b in self.bookmarks])
        return True

    def _found(self) -> list[int]:
        z = self._document.z
        if not len(self._rows) or self._rows.shape[1] != len(z):
            return []
        found: list[int] = (self._rows == z).all(1).nonzero().flatten().tolist()
        return found

    def _on_z_changed(self) -> None:
        before, self._here = self._here, self._found()
        for row in {*before} ^ {*self._here}:
            if row < len(self.bookmarks):
                self.dataChanged.emit(self.index(row), self.index(row))


class BookmarkDelegate(QStyledItemDelegate):
    """Paints a row: picture and name; the name is edited where it stands."""

    def __init__(self, model: BookmarkModel, studio: Studio, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._looks = SmallLooks(studio)
        self.theme = theme
        self.side = float(THUMBNAIL)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, max(int(self.side + 0.999), QFontMetrics(option.font).height()) + 2 * MARGIN)

    def picture_rect(self, row: QRect) -> QRectF:
        return QRectF(row.left() + GAP, row.top() + MARGIN, self.side, self.side)

    def name_rect(self, row: QRect) -> QRect:
        left = int(self.picture_rect(row).right()) + 1 + GAP
        return QRect(left, row.top(), row.right() - 4 - left, row.height())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, row = self.theme, option.rect
        bookmark = self._model.bookmarks[index.row()]
        is_here = self._model.is_here(index.row())
        painter.save()
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            painter.fillRect(row, QColor(theme.raised))
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(QRect(row.left(), row.top(), 3, row.height()), QColor(theme.accent))
        paint_look(painter, self.picture_rect(row), self._looks.look(bookmark.z), theme, is_here)
        painter.setPen(QColor(theme.text))
        area = self.name_rect(row)
        name = QFontMetrics(option.font).elidedText(plain(bookmark.name), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.text), 1, Qt.PenStyle.DotLine))
            painter.drawRect(QRectF(row).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        line = QLineEdit(parent)
        line.setMaxLength(MAX_NAME)
        line.setFrame(False)
        line.setAccessibleName("Name of the bookmark")
        return line

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        area, height = self.name_rect(option.rect), editor.sizeHint().height()
        editor.setGeometry(area.left() - 3, area.center().y() - height // 2, area.width() + 4, height)
