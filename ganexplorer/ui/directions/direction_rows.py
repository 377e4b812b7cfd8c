"""The rows of the directions panel: the document's named directions, how they are painted and edited in place."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QLocale,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QDoubleSpinBox, QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget
from torch import Tensor

from ganexplorer.core.direction_files import MAX_NAME
from ganexplorer.core.directions import Direction
from ganexplorer.core.errors import plain
from ganexplorer.core.latent import Prior
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.latent.latent_delegate import NUMBER_WIDTH, ROW_HEIGHT, VALUE_LIMIT
from ganexplorer.ui.latent.latent_rows import KEY_STEP
from ganexplorer.ui.parts.bipolar_bar import BarPainter, Scale
from ganexplorer.ui.parts.steady_list import Index
from ganexplorer.ui.parts.tips import plain_tip
from ganexplorer.ui.theme import Theme

EFFECT_WIDTH = 20

KEYS = (
    "Drag the bar, or arrow keys; Shift is fine. Click the number, or Return, to type it.\n"
    "Double-click the bar, or Delete: back to 0. Ctrl+Delete: remove the direction.\n"
    "Drag the name, or Alt+Up and Alt+Down: move it. F2: rename it."
)


def unused_name(name: str, taken: Iterable[str]) -> str:
    """The name, with the first number that makes it unlike all that are taken."""
    taken, free, number = set(taken), name, 1
    while free in taken:
        number += 1
        end = f" ({number})"
        free = name[: MAX_NAME - len(end)] + end
    return free


def joined(known: Sequence[Direction], more: Iterable[Direction]) -> list[Direction]:
    """`known` and those of `more` that are not among them, name (but for its number) and vector.

    They get names that are not used yet.
    """
    result = list(known)
    for direction in more:
        namesakes = (o for o in known if o.name == direction.name or o.name.startswith(f"{direction.name} ("))
        if not any(torch.equal(other.vector, direction.vector) for other in namesakes):
            name = unused_name(direction.name, (other.name for other in result))
            result.append(direction if name == direction.name else dataclasses.replace(direction, name=name))
    return result


class DirectionModel(QAbstractListModel):
    """The directions that fit the model on show, in the document's order; each row's value is its amount in z."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self.directions: list[Direction] = []
        # what a paint of all rows needs, made once for each z
        self._amounts: list[float] = []
        self._amounts_of: tuple[Tensor, Prior] | None = None
        self._scales: list[Scale] = []
        self._shares: list[float | None] = []
        document.subject_changed.connect(self._on_directions_changed)
        document.directions_changed.connect(self._on_directions_changed)
        document.z_changed.connect(self._on_z_changed)
        self._on_directions_changed()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.directions)

    def amount(self, row: int) -> float:
        """The document's `amount_along` the direction of a row."""
        z, prior = self._document.z, self._document.prior
        if len(self.directions[row].vector) != len(z):  # on its way out, as another model is
            return 0.0
        if self._amounts_of is None or self._amounts_of[0] is not z or self._amounts_of[1] != prior:
            vectors = torch.stack([direction.vector for direction in self.directions])
            self._amounts = (vectors @ (z - prior.center) / self._document.unit).tolist()
            if self._amounts_of is None or self._amounts_of[1] != prior:
                self._scales = [Scale.along(prior, vector) for vector in vectors]
            self._amounts_of = (z, prior)
        return self._amounts[row]

    def scale(self, row: int) -> Scale:
        """What the bar of a row spans."""
        self.amount(row)
        return self._scales[row]

    def share(self, row: int) -> float | None:
        """The effect of a row against the strongest in samples, [0, 1]; None where it is not known."""
        return self._shares[row]

    @property
    def unit(self) -> str:
        """What amounts are counted in, in words."""
        return "standard deviations" if self._document.prior.std else "units of z"

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        direction = self.directions[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return direction.name
        if role == Qt.ItemDataRole.EditRole:
            return self.amount(index.row())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{direction.name}: {self.amount(index.row()):.2f} {self.unit}"
        if role == Qt.ItemDataRole.ToolTipRole:
            told = f"{_origin(direction)}{_checked(direction, self._document.unit, self.unit)}"
            return plain_tip(f"{direction.name}\n{told}\n{KEYS}")
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Move z until its amount along the direction of the row is `value`."""
        self._document.set_amount(self.directions[index.row()], float(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    # -- edits of the list ---------------------------------------------------------------------------------

    def rename(self, row: int, name: str) -> None:
        """Give a row another name; an empty one is not taken, and one that is used gets a number."""
        direction = self.directions[row]
        name = plain(name).strip()[:MAX_NAME]
        if name and name != direction.name:
            others = [other.name for other in self.directions if other is not direction]
            renamed = dataclasses.replace(direction, name=unused_name(name, others))
            self._document.set_directions([*self.directions[:row], renamed, *self.directions[row + 1 :]])

    def remove(self, row: int) -> None:
        self._document.set_directions([*self.directions[:row], *self.directions[row + 1 :]])

    def shift(self, row: int, to: int) -> None:
        """Move a row to another place."""
        if row != to and 0 <= to < len(self.directions):
            directions = list(self.directions)
            directions.insert(to, directions.pop(row))
            self._document.set_directions(directions)

    # -- the document's signals ----------------------------------------------------------------------------

    def _on_directions_changed(self, _: object = None) -> None:
        """Take the document's list over, so that the current row and an open editor stay with their direction."""
        new = self._document.directions
        self._amounts_of = None
        if len(new) == len(self.directions) and sum(a is not b for a, b in zip(new, self.directions, strict=True)) == 1:
            self.directions = new  # a row that was renamed
        else:
            self._remove_all_but(new)
            self._sort_like(new)
            self._insert_missing(new)
        effects = [direction.effect for direction in new]
        # what was measured at one z is many times what samples change by, and would leave a dot of the others
        means = [direction.effect for direction in new if direction.origin != "jacobian"]
        strongest = max(filter(math.isfinite, means), default=0.0) or max(filter(math.isfinite, effects), default=0.0)
        self._shares = [min(e / (strongest or 1.0), 1.0) if math.isfinite(e) else None for e in effects]
        if new:
            self.dataChanged.emit(self.index(0), self.index(len(new) - 1))

    def _remove_all_but(self, new: list[Direction]) -> None:
        stay = {id(direction) for direction in new}
        for row in range(len(self.directions) - 1, -1, -1):
            if id(self.directions[row]) not in stay:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self.directions[row]
                self._amounts_of = None
                self.endRemoveRows()

    def _sort_like(self, new: list[Direction]) -> None:
        here = {id(direction) for direction in self.directions}
        ordered = [direction for direction in new if id(direction) in here]
        if all(a is b for a, b in zip(ordered, self.directions, strict=True)):
            return
        self.layoutAboutToBeChanged.emit()
        row_of = {id(direction): row for row, direction in enumerate(ordered)}
        for index in self.persistentIndexList():
            self.changePersistentIndex(index, self.index(row_of[id(self.directions[index.row()])]))
        self.directions, self._amounts_of = ordered, None
        self.layoutChanged.emit()

    def _insert_missing(self, new: list[Direction]) -> None:
        for row, direction in enumerate(new):
            if row >= len(self.directions) or self.directions[row] is not direction:
                self.beginInsertRows(QModelIndex(), row, row)
                self.directions.insert(row, direction)
                self._amounts_of = None
                self.endInsertRows()

    def _on_z_changed(self, _: object) -> None:
        if self.directions and len(self.directions[0].vector) == len(self._document.z):
            self.dataChanged.emit(self.index(0), self.index(len(self.directions) - 1))


def _origin(direction: Direction) -> str:
    """Where a direction is from and what it does, in words."""
    words = {
        "": "Given",
        "dimension": "A latent dimension",
        "sefa": "Found in the first layer's weights (SeFa)",
        "pca": "Found in the first layer's activations (PCA)",
        "jacobian": "Found in the pictures about one latent (Jacobian)",
        "between": "From one latent to another",
        "boundary": "From what was starred",
        "attribute": "Measured in samples",
        "learned": "Learned from labelled images",
        "file": "From a file",
        "model": "Came with the model",
    }[direction.origin]
    if math.isfinite(direction.fit):
        words += f", explains {max(direction.fit, 0):.0%} of the attribute"
    if math.isfinite(direction.effect):
        words += f"; changes the picture by {direction.effect:.1f} gray levels per unit"
    return f"{words}."


def _checked(direction: Direction, unit: float, words: str) -> str:
    """A line about what it did to held-out samples; empty where that was not measured.

    `unit`: what amounts are counted in, in z; `words`: its name.
    """
    if not (math.isfinite(direction.success) and math.isfinite(direction.step)):
        return ""
    told = f"\nTurns {direction.success:.0%} of pictures at {direction.step / unit:.3g} {words}"
    if math.isfinite(direction.side):
        told += f"; {direction.side:.0%} of what should stay changes too"
    return f"{told}."


class DirectionDelegate(QStyledItemDelegate):
    """Paints a row: name, effect, bipolar bar, number; edits the number in a spin box and the name in a line."""

    def __init__(self, document: Document, model: DirectionModel, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self._model = model
        self.is_renaming = False  # what the next editor is for
        self.hovered = -1  # row
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self._bars = BarPainter(theme)
        self._text, self._quiet, self._accent = (QColor(c) for c in (theme.text, theme.quiet, theme.accent))

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(240, ROW_HEIGHT)

    @staticmethod
    def name_rect(row: QRect) -> QRect:
        """Where the name of a row is; a drag from here moves the row."""
        width = min(max(row.width() * 3 // 10, 64), 200)
        return QRect(row.left() + 10, row.top(), width, row.height())

    @staticmethod
    def track_rect(row: QRect) -> QRect:
        """Where the bar of a row is."""
        left = DirectionDelegate.name_rect(row).right() + 8 + EFFECT_WIDTH + 8
        return QRect(left, row.top() + 5, max(20, row.right() - NUMBER_WIDTH - 16 - left), row.height() - 10)

    @staticmethod
    def number_rect(row: QRect) -> QRect:
        """Where the number of a row is; a click on it opens the spin box."""
        return QRect(row.right() - NUMBER_WIDTH - 7, row.top() + 2, NUMBER_WIDTH, row.height() - 4)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row, number = option.rect, index.row()
        direction, amount, scale = self._model.directions[number], self._model.amount(number), self._model.scale(number)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_selected:
            painter.fillRect(QRect(row.left(), row.top() + 3, 3, row.height() - 6), self._accent)
        painter.setPen(self._text if is_selected else self._quiet)
        name = self.name_rect(row)
        text = option.fontMetrics.elidedText(direction.name, Qt.TextElideMode.ElideRight, name.width())
        painter.drawText(name, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        share = self._model.share(number)
        if share is not None:
            self._bars.effect(painter, QRect(name.right() + 8, row.top(), EFFECT_WIDTH, row.height()), share)
        self._bars.bar(painter, QRectF(self.track_rect(row)), amount, scale, not scale.covers(amount))
        self._bars.number(painter, self.number_rect(row), amount, is_selected or number == self.hovered)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        name = self._model.directions[index.row()].name
        if self.is_renaming:
            line = QLineEdit(parent)
            line.setMaxLength(MAX_NAME)
            line.setAccessibleName(f"New name of {name}")
            return line
        box = QDoubleSpinBox(parent)
        box.setLocale(QLocale.c())
        box.setDecimals(2)
        box.setRange(-VALUE_LIMIT, VALUE_LIMIT)
        box.setSingleStep(KEY_STEP)
        box.setFrame(False)
        box.setAccessibleName(name)
        # live: the picture follows each step; the whole visit is one undo step
        self._document.begin_edit(self)
        persistent = QPersistentModelIndex(index)
        box.valueChanged.connect(lambda value: persistent.isValid() and self._model.setData(persistent, value))
        return box

    def destroyEditor(self, editor: QWidget, index: Index) -> None:
        self._document.end_edit(self)
        super().destroyEditor(editor, index)

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        if isinstance(editor, QLineEdit):
            if not editor.isModified():  # z moves while a name is typed
                editor.setText(self._model.directions[index.row()].name)
                editor.selectAll()
        elif isinstance(editor, QDoubleSpinBox):
            amount = self._model.amount(index.row())
            if abs(editor.value() - amount) >= 0.0051:  # what the box itself wrote comes back unrounded
                editor.blockSignals(True)
                editor.setValue(amount)
                editor.blockSignals(False)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """The name; every change of a number was written as it was made."""
        if isinstance(editor, QLineEdit):
            self._model.rename(index.row(), editor.text())

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        rect = self.number_rect(option.rect)
        if isinstance(editor, QLineEdit):
            rect = self.name_rect(option.rect).adjusted(-6, 1, EFFECT_WIDTH + 8, -1)
        editor.setGeometry(rect)
