"""All dimensions of z as sliders: one item view with a painted bar, number and measured effect in each row."""

from __future__ import annotations

from typing import Any

import torch
from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QLocale,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from torch import Tensor

from ganexplorer.ui.document import Document, Subject
from ganexplorer.ui.theme import Theme

Index = QModelIndex | QPersistentModelIndex

ROW_HEIGHT = 26
NAME_WIDTH = 34
EFFECT_WIDTH = 28
NUMBER_WIDTH = 68
FINE = 0.2  # of the mouse's way, with Shift
KEY_STEP = 0.1  # standard deviations; with Shift `FINE` of it
VALUE_LIMIT = 1000.0  # of the spin box


class LatentModel(QAbstractListModel):
    """The rows: which dimension stands where. The values are the document's."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self._order: list[int] = []
        self.effects: Tensor | None = None  # (z_dim,), gray levels per unit; None until measured
        self._by_effect = True
        document.subject_changed.connect(self._on_subject_changed)
        document.z_changed.connect(self._on_z_changed)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._order)

    def dimension(self, row: int) -> int:
        """The latent dimension that stands in a row."""
        return self._order[row]

    def row(self, dimension: int) -> int:
        return self._order.index(dimension)

    def value(self, row: int) -> float:
        return float(self._document.z[self._order[row]])

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        dimension = self.dimension(index.row())
        value = self.value(index.row())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"z{dimension}: {value:.2f}"
        if role == Qt.ItemDataRole.EditRole:
            return value
        if role == Qt.ItemDataRole.ToolTipRole and self.effects is not None:
            return (
                f"z{dimension} changes the picture by {self.effects[dimension]:.1f} gray levels per unit.\n"
                "Drag, or arrow keys; Shift is fine; double-click resets."
            )
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        self._document.set_dimension(self.dimension(index.row()), float(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def set_effects(self, effects: Tensor) -> None:
        """Show measured effects, (z_dim,), and sort by them if asked for."""
        if len(effects) == len(self._document.z):
            self.effects = effects
            self._sort()

    def sort_by_effect(self, by_effect: bool) -> None:
        self._by_effect = by_effect
        self._sort()

    def _sort(self) -> None:
        self.layoutAboutToBeChanged.emit()
        count = len(self._document.z)
        order = list(range(count))
        if self._by_effect and self.effects is not None:
            order = self.effects.argsort(descending=True, stable=True).tolist()
        kept = {index.row(): self._order[index.row()] for index in self.persistentIndexList()}
        self._order = order
        for row, dimension in kept.items():
            self.changePersistentIndex(self.index(row), self.index(self.row(dimension)))
        self.layoutChanged.emit()

    def _on_subject_changed(self, subject: Subject) -> None:
        if subject.spec.z_dim == len(self._order):
            return
        self.beginResetModel()
        self.effects = None
        self._order = list(range(subject.spec.z_dim))
        self.endResetModel()

    def _on_z_changed(self, z: Tensor) -> None:
        if self._order:
            self.dataChanged.emit(self.index(0), self.index(len(self._order) - 1))


class LatentDelegate(QStyledItemDelegate):
    """Paints a row: name, effect, bipolar bar, number; edits the number in a spin box."""

    def __init__(self, document: Document, model: LatentModel, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self._model = model
        self.theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, ROW_HEIGHT)

    @staticmethod
    def track_rect(row: QRect) -> QRect:
        """Where the bar of a row is."""
        left = row.left() + NAME_WIDTH + EFFECT_WIDTH + 12
        return QRect(left, row.top() + 5, max(20, row.right() - NUMBER_WIDTH - 16 - left), row.height() - 10)

    @staticmethod
    def number_rect(row: QRect) -> QRect:
        """Where the number of a row is; a click on it opens the spin box."""
        return QRect(row.right() - NUMBER_WIDTH - 7, row.top() + 2, NUMBER_WIDTH, row.height() - 4)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, row = self.theme, option.rect
        value = self._model.value(index.row())
        dimension = self._model.dimension(index.row())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(QRect(row.left(), row.top() + 3, 3, row.height() - 6), QColor(theme.accent))
        painter.setPen(QColor(theme.quiet))
        name = QRect(row.left() + 4, row.top(), NAME_WIDTH, row.height())
        painter.drawText(name, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"z{dimension}")
        if self._model.effects is not None:
            strongest = float(self._model.effects.max()) or 1.0
            self._paint_effect(painter, row, float(self._model.effects[dimension]) / strongest)
        self._paint_bar(painter, QRectF(self.track_rect(row)), value)
        self._paint_number(painter, self.number_rect(row), value)
        painter.restore()

    def _paint_effect(self, painter: QPainter, row: QRect, share: float) -> None:
        """A short line: how much this dimension does, against the strongest."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme.faint))
        left = row.left() + NAME_WIDTH + 10
        painter.drawRect(QRectF(left, row.center().y() - 0.5, max(1.0, (EFFECT_WIDTH - 8) * share), 2.5))

    def _paint_bar(self, painter: QPainter, track: QRectF, value: float) -> None:
        theme, prior = self.theme, self._document.prior
        low, high = prior.slider_range

        def x(at: float) -> float:
            return track.left() + track.width() * (min(max(at, low), high) - low) / (high - low)

        # the part that the prior covers is solid, what lies outside fades
        painter.setPen(Qt.PenStyle.NoPen)
        faint = QColor(theme.track)
        faint.setAlpha(90)
        painter.setBrush(faint)
        painter.drawRoundedRect(track, 3, 3)
        inner_low, inner_high = prior.support
        painter.setBrush(QColor(theme.track))
        painter.drawRect(QRectF(x(inner_low), track.top(), x(inner_high) - x(inner_low), track.height()))
        outside = not inner_low <= value <= inner_high
        painter.setBrush(QColor(theme.warning if outside else theme.accent))
        zero, end = x(prior.center), x(value)
        painter.drawRect(QRectF(min(zero, end), track.top() + 3, abs(end - zero), track.height() - 6))
        painter.setPen(QPen(QColor(theme.faint), 1))
        ticks = [prior.a + k * prior.b for k in (-2, -1, 1, 2)] if prior.kind == "normal" else [inner_low, inner_high]
        for tick in ticks:
            painter.drawLine(QPointF(x(tick), track.bottom() - 3), QPointF(x(tick), track.bottom()))
        painter.setPen(QPen(QColor(theme.quiet), 1))
        painter.drawLine(QPointF(zero, track.top()), QPointF(zero, track.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.text))
        painter.drawRoundedRect(QRectF(end - 2, track.top() - 1, 4, track.height() + 2), 2, 2)

    def _paint_number(self, painter: QPainter, rect: QRect, value: float) -> None:
        painter.setPen(QPen(QColor(self.theme.line), 1))
        painter.setBrush(QColor(self.theme.surface))
        painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        # the arrows of the spin box that a click opens
        painter.setPen(QPen(QColor(self.theme.faint), 1.2))
        x, y = rect.right() - 9, rect.center().y() + 0.5
        for way in (-1, 1):
            tip = QPointF(x, y + way * 6)
            painter.drawLine(QPointF(x - 3, y + way * 3), tip)
            painter.drawLine(tip, QPointF(x + 3, y + way * 3))
        painter.setPen(QColor(self.theme.text))
        text = rect.adjusted(4, 0, -18, 0)
        painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:.2f}")

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        box = QDoubleSpinBox(parent)
        box.setLocale(QLocale.c())
        box.setDecimals(2)
        box.setRange(-VALUE_LIMIT, VALUE_LIMIT)
        box.setSingleStep(KEY_STEP * (self._document.prior.std or 0.1))
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
        editor.setGeometry(self.number_rect(option.rect))


class LatentView(QListView):
    """The list of sliders; the mouse and the arrow keys move them."""

    def __init__(self, document: Document, model: LatentModel, delegate: LatentDelegate, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self._model = model
        self._drag: tuple[int, float, float] | None = None  # row, x of the press, value at the press
        self._z_at_press = document.z
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setMouseTracking(True)
        self.setAccessibleName("Latent dimensions")
        self.verticalScrollBar().setSingleStep(ROW_HEIGHT)

    def track_rect(self, row: int) -> QRect:
        """Where the bar of a row is, in the viewport."""
        return LatentDelegate.track_rect(self.visualRect(self._model.index(row)))

    def number_rect(self, row: int) -> QRect:
        return LatentDelegate.number_rect(self.visualRect(self._model.index(row)))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or not index.isValid():
            return
        if self.number_rect(index.row()).contains(event.position().toPoint()):
            self.edit(index)
        elif self.track_rect(index.row()).adjusted(-6, -5, 6, 5).contains(event.position().toPoint()):
            self._document.begin_edit(self)
            self._z_at_press = self._document.z
            is_fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            value = self._model.value(index.row()) if is_fine else self._value_at(index.row(), event.position().x())
            self._drag = (index.row(), event.position().x(), value)
            self._model.setData(index, value)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            on_track = self._row_of_track(event.position()) is not None
            self.viewport().setCursor(Qt.CursorShape.SizeHorCursor if on_track else Qt.CursorShape.ArrowCursor)
            return
        row, start_x, start_value = self._drag
        x = event.position().x()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            unit = self._value_at(row, start_x + 1, clip=False) - self._value_at(row, start_x, clip=False)
            value = start_value + (x - start_x) * unit * FINE
        else:
            value = self._value_at(row, x)
            self._drag = (row, x, value)
        self._model.setData(self._model.index(row), value)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drag = None
            self._document.end_edit(self)
            return
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row = self._row_of_track(event.position())
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            # where the first click moved the slider, both are one step
            self._document.reopen_edit(self, self._z_at_press)
            self.reset_row(row)
            self._document.end_edit(self)

    def reset(self) -> None:
        """Other rows: nothing of the old ones stays in hand."""
        self._drag = None
        self._document.end_edit(self)
        super().reset()

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        if hint == QAbstractItemDelegate.EndEditHint.RevertModelCache:  # Escape
            self._document.cancel_edit(self.itemDelegate())
        super().closeEditor(editor, hint)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        ways = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if index.isValid() and event.key() in ways:
            step = KEY_STEP * (self._document.prior.std or 0.1)
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                step *= FINE
            self._document.begin_edit(self)  # until the key is released
            self._model.setData(index, self._model.value(index.row()) + ways[Qt.Key(event.key())] * step)
        elif index.isValid() and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset_row(index.row())
        elif index.isValid() and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.state() != QAbstractItemView.State.EditingState:  # the spin box passes its own Return on
                self.edit(index)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat() and self._drag is None:
            self._document.end_edit(self)
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if self._drag is None:  # the release of a key will be another's
            self._document.end_edit(self)
        super().focusOutEvent(event)

    def reset_row(self, row: int) -> None:
        """Put a dimension back to the prior's centre."""
        self._model.setData(self._model.index(row), self._document.prior.center)

    def _row_of_track(self, position: QPointF) -> int | None:
        index = self.indexAt(position.toPoint())
        if index.isValid() and self.track_rect(index.row()).adjusted(-6, -5, 6, 5).contains(position.toPoint()):
            return index.row()
        return None

    def _value_at(self, row: int, x: float, clip: bool = True) -> float:
        track = self.track_rect(row)
        low, high = self._document.prior.slider_range
        share = (x - track.left()) / track.width()
        return low + (high - low) * (min(max(share, 0.0), 1.0) if clip else share)


class LatentPanel(QWidget):
    """The sliders and how they are sorted."""

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = LatentModel(document, self)
        self._delegate = LatentDelegate(document, self.model, theme, self)
        self.view = LatentView(document, self.model, self._delegate, self)
        self._document = document
        self._norm = QLabel(objectName="quiet")
        self.order = QComboBox(accessibleName="Order of the sliders")
        self.order.addItems(["Strongest first", "By number"])
        self.order.setToolTip("Order of the sliders: by how much each changes the picture, or by its number")
        self.order.currentIndexChanged.connect(self._on_order_changed)
        head = QHBoxLayout()
        head.setContentsMargins(8, 4, 8, 4)
        head.addWidget(self._norm, 1)
        head.addWidget(self.order)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.view, 1)
        document.z_changed.connect(self._on_z_changed)

    def sizeHint(self) -> QSize:
        return QSize(340, 600)

    def set_theme(self, theme: Theme) -> None:
        self._delegate.theme = theme
        self.view.viewport().update()

    def _on_order_changed(self, index: int) -> None:
        self.model.sort_by_effect(index == 0)

    def _on_z_changed(self, z: Tensor) -> None:
        distance = float(torch.linalg.vector_norm(z - self._document.prior.center))
        self._norm.setText(f"{len(z)} dimensions, |z| {distance:.2f}" if len(z) > 1 else "1 dimension")
        self._norm.setToolTip("The distance of z from the centre of the prior")
