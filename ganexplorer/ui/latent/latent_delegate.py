"""How a row of the latent panel is painted: lock, name, effect, bipolar bar, number; and edited: in a spin box."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QLocale,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QHelpEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDoubleSpinBox,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.latent.latent_rows import KEY_STEP, LatentModel
from ganexplorer.ui.parts.bipolar_bar import BarPainter, Scale
from ganexplorer.ui.parts.glyphs import paint_padlock
from ganexplorer.ui.parts.steady_list import Index
from ganexplorer.ui.theme import Theme

Zone = Literal["lock", "name", "solo", "bar", "number", ""]

ROW_HEIGHT = 26
LOCK_WIDTH = 22
NAME_WIDTH = 32
EFFECT_WIDTH = 28
NUMBER_WIDTH = 64
VALUE_LIMIT = 1000.0  # of the spin box

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def lock_rect(row: QRect) -> QRect:
    return QRect(row.left() + 4, row.top(), LOCK_WIDTH, row.height())


def name_rect(row: QRect) -> QRect:
    return QRect(row.left() + 4 + LOCK_WIDTH, row.top(), NAME_WIDTH, row.height())


def solo_rect(row: QRect) -> QRect:
    """Where the effect of a row is shown, and under the pointer the button for solo."""
    return QRect(name_rect(row).right() + 5, row.top(), EFFECT_WIDTH, row.height())


def track_rect(row: QRect) -> QRect:
    """Where the bar of a row is."""
    left = solo_rect(row).right() + 9
    return QRect(left, row.top() + 5, max(20, row.right() - NUMBER_WIDTH - 16 - left), row.height() - 10)


def number_rect(row: QRect) -> QRect:
    """Where the number of a row is; a click on it opens the spin box."""
    return QRect(row.right() - NUMBER_WIDTH - 7, row.top() + 2, NUMBER_WIDTH, row.height() - 4)


def zone_at(row: QRect, point: QPoint) -> Zone:
    """What of a row is at a point."""
    zones: list[tuple[Zone, QRect]] = [
        ("number", number_rect(row)),
        ("bar", track_rect(row).adjusted(-6, -5, 6, 5)),
        ("lock", lock_rect(row)),
        ("solo", solo_rect(row)),
        ("name", name_rect(row)),
    ]
    return next((zone for zone, rect in zones if rect.contains(point)), "")


class _Places:
    """Where the parts of a row of a size are, the row's own corner being (0, 0)."""

    def __init__(self, size: QSize) -> None:
        row = QRect(QPoint(0, 0), size)
        self.size = size
        self.mark = QRect(0, 3, 3, row.height() - 6)
        self.lock = QRectF(lock_rect(row)).center()
        self.name, self.number = name_rect(row), number_rect(row)
        self.track = QRectF(track_rect(row))
        self.effect = solo_rect(row).adjusted(2, 0, -6, 0)
        self.solo = QRectF(0, 0, 18, 18)
        self.solo.moveCenter(QRectF(solo_rect(row)).center())


class LatentDelegate(QStyledItemDelegate):
    """Paints the rows. What paints need is made once, not for each of a hundred rows."""

    def __init__(self, document: Document, model: LatentModel, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self._model = model
        self._prior, self._scale = document.prior, Scale.of_dimension(document.prior)
        self._places = _Places(QSize(0, 0))
        self.hovered: tuple[int, Zone] = (-1, "")  # row, and what of it
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self._bars = BarPainter(theme)
        self._text, self._quiet, self._faint = QColor(theme.text), QColor(theme.quiet), QColor(theme.faint)
        self._accent, self._on_accent, self._track = QColor(theme.accent), QColor(theme.on_accent), QColor(theme.track)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, ROW_HEIGHT)

    # -- painting ------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        number = index.row()
        hovered = self.hovered[1] if self.hovered[0] == number else None
        dimension, value = self._model.dimension(number), self._model.value(number)
        is_locked, is_selected = self._model.is_locked(number), bool(option.state & QStyle.StateFlag.State_Selected)
        if option.rect.size() != self._places.size:
            self._places = _Places(option.rect.size())
        if self._document.prior is not self._prior:
            self._prior, self._scale = self._document.prior, Scale.of_dimension(self._document.prior)
        places = self._places
        painter.save()
        painter.translate(option.rect.topLeft())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_selected:
            painter.fillRect(places.mark, self._accent)
        if is_locked or hovered is not None:
            color = self._text if hovered == "lock" else self._quiet if is_locked else self._faint
            paint_padlock(painter, places.lock, 12, color, is_locked)
        painter.setPen(self._quiet)
        painter.drawText(places.name, _RIGHT, f"z{dimension}")
        share = self._model.share(number)
        if hovered is not None or self._model.soloed == dimension:
            self._paint_solo(painter, self._model.soloed == dimension, hovered == "solo")
        elif share is not None:
            self._bars.effect(painter, places.effect, share)
        self._bars.bar(painter, places.track, value, self._scale, dimension in self._model.outside, is_locked)
        self._bars.number(painter, places.number, value, is_selected or hovered is not None, is_locked)
        painter.restore()

    def _paint_solo(self, painter: QPainter, is_on: bool, is_hot: bool) -> None:
        """An S in a rounded square, as on a mixing desk."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._accent if is_on else self._track if is_hot else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(self._places.solo, 4, 4)
        painter.setPen(self._on_accent if is_on else self._text if is_hot else self._faint)
        painter.drawText(self._places.solo, Qt.AlignmentFlag.AlignCenter, "S")

    def helpEvent(self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index) -> bool:
        zone = zone_at(option.rect, event.pos())
        if event.type() == QEvent.Type.ToolTip and index.isValid() and zone in ("lock", "solo"):
            name = f"z{self._model.dimension(index.row())}"
            if zone == "solo":
                tip = f"Solo {name}: all others to the prior's centre; once more: back (S)"
            elif self._model.is_locked(index.row()):
                tip = f"Unlock {name} (L)"
            else:
                tip = f"Lock {name}: random, zero, drags and its own slider leave it as it is (L)"
            QToolTip.showText(event.globalPos(), tip, view.viewport())
            return True
        return super().helpEvent(event, view, option, index)

    # -- the spin box --------------------------------------------------------------------------------------

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        box = QDoubleSpinBox(parent)
        box.setLocale(QLocale.c())
        box.setDecimals(2)
        box.setRange(-VALUE_LIMIT, VALUE_LIMIT)
        box.setSingleStep(KEY_STEP * self._document.unit)
        box.setFrame(False)
        box.setAccessibleName(f"z{self._model.dimension(index.row())}")
        # live: the picture follows each step; the whole visit is one undo step
        self._document.begin_edit(self)
        persistent = QPersistentModelIndex(index)
        box.valueChanged.connect(lambda value: self._model.setData(persistent, value))
        return box

    def destroyEditor(self, editor: QWidget, index: Index) -> None:
        self._document.end_edit(self)
        super().destroyEditor(editor, index)

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        assert isinstance(editor, QDoubleSpinBox)
        value = self._model.value(index.row())
        if abs(editor.value() - value) >= 0.005:  # what the box itself wrote comes back unrounded
            editor.blockSignals(True)
            editor.setValue(value)
            editor.blockSignals(False)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Nothing: every change was written as it was made."""

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(number_rect(option.rect))
