"""The rows of the latent panel: which dimension stands where, and how its bar, number and effect are painted."""

from __future__ import annotations

from typing import Any

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
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
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
        self._shown = document.z
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
        before, self._shown = self._shown, z
        if not self._order:
            return
        first, last = 0, len(self._order) - 1
        if before.shape == z.shape:
            changed = (before != z).nonzero().flatten().tolist()
            if len(changed) == 1:  # a slider in hand: the others need no paint
                first = last = self.row(changed[0])
        self.dataChanged.emit(self.index(first), self.index(last))


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
