"""How a row of the latent panel is painted: lock, name, effect, bipolar bar, number; and edited: in a spin box."""

from __future__ import annotations

from typing import Literal, NamedTuple

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
from PySide6.QtGui import QColor, QFont, QHelpEvent, QPainter, QPixmap
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
KEPT_BYTES = 16 * 2**20  # of pictures of rows

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


class _RowKey(NamedTuple):
    """What the part of a row that does not move depends on."""

    dimension: int
    share: float | None
    is_locked: bool
    is_selected: bool
    is_soloed: bool
    hovered: Zone | None


class LatentDelegate(QStyledItemDelegate):
    """Paints the rows. What does not move is painted once and kept: a hundred rows may move sixty times a second."""

    def __init__(self, document: Document, model: LatentModel, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self._model = model
        self._prior, self._scale = document.prior, Scale.of_dimension(document.prior)
        self._places, self._font, self._pixels = _Places(QSize(0, 0)), QFont(), 1.0
        self._kept: dict[_RowKey, QPixmap] = {}
        self.hovered: tuple[int, Zone] = (-1, "")  # row, and what of it
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self._bars = BarPainter(theme)
        self._kept.clear()
        self._surface = QColor(theme.surface)
        self._text, self._quiet, self._faint = QColor(theme.text), QColor(theme.quiet), QColor(theme.faint)
        self._accent, self._on_accent, self._track = QColor(theme.accent), QColor(theme.on_accent), QColor(theme.track)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, ROW_HEIGHT)

    # -- painting ------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        number, model = index.row(), self._model
        dimension, value = model.dimension(number), model.value(number)
        key = _RowKey(
            dimension,
            model.share(number),
            model.is_locked(number),
            bool(option.state & QStyle.StateFlag.State_Selected),
            model.soloed == dimension,
            self.hovered[1] if self.hovered[0] == number else None,
        )
        self._forget_outdated(option)
        places = self._places
        painter.save()
        painter.translate(option.rect.topLeft())
        scale = painter.device().devicePixelRatio()
        # a picture would not lie on whole pixels at a scale of 1.5; a row under the pointer changes too often
        if scale == self._pixels and scale.is_integer() and key.hovered is None:
            if key not in self._kept:
                self._kept[key] = self._picture(key, option.font, scale)
            painter.drawPixmap(0, 0, self._kept[key])
        else:
            self._paint_ground(painter, key)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_outside = dimension in model.outside
        self._bars.value(painter, places.track, value, self._scale, is_outside, key.is_locked)
        self._bars.digits(painter, places.number, value, key.is_locked)
        painter.restore()

    def _forget_outdated(self, option: QStyleOptionViewItem) -> None:
        """Forget what was painted for rows of another size or font, or for another prior."""
        if option.rect.size() != self._places.size or option.font != self._font:
            self._places, self._font = _Places(option.rect.size()), QFont(option.font)
            self._kept.clear()
        if self._document.prior != self._prior:
            self._prior, self._scale = self._document.prior, Scale.of_dimension(self._document.prior)
            self._kept.clear()
        pixels, size = option.widget.devicePixelRatio(), self._places.size
        if pixels != self._pixels or len(self._kept) * 4 * size.width() * size.height() * pixels**2 > KEPT_BYTES:
            self._pixels = pixels
            self._kept.clear()

    def _picture(self, key: _RowKey, font: QFont, scale: float) -> QPixmap:
        pixmap = QPixmap(self._places.size * scale)
        pixmap.setDevicePixelRatio(scale)
        pixmap.fill(self._surface)
        with QPainter(pixmap) as painter:
            painter.setFont(font)
            self._paint_ground(painter, key)
        return pixmap

    def _paint_ground(self, painter: QPainter, key: _RowKey) -> None:
        """What of a row is the same for all values."""
        places, hovered = self._places, key.hovered
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if key.is_selected:
            painter.fillRect(places.mark, self._accent)
        if key.is_locked or hovered is not None:
            color = self._text if hovered == "lock" else self._quiet if key.is_locked else self._faint
            paint_padlock(painter, places.lock, 12, color, key.is_locked)
        painter.setPen(self._quiet)
        painter.drawText(places.name, _RIGHT, f"z{key.dimension}")
        if hovered is not None or key.is_soloed:
            self._paint_solo(painter, key.is_soloed, hovered == "solo")
        elif key.share is not None:
            self._bars.effect(painter, places.effect, key.share)
        self._bars.ground(painter, places.track, self._scale, key.is_locked)
        if (key.is_selected or hovered is not None) and not key.is_locked:
            self._bars.field(painter, places.number)

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
