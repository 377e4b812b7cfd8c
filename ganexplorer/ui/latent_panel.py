"""All dimensions of z as sliders: one item view with a painted bar, number and measured effect in each row."""

from __future__ import annotations

import torch
from PySide6.QtCore import (
    QPointF,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListView,
    QVBoxLayout,
    QWidget,
)
from torch import Tensor

from ganexplorer.ui.calm_combo import CalmComboBox
from ganexplorer.ui.document import Document
from ganexplorer.ui.latent_rows import FINE, KEY_STEP, ROW_HEIGHT, LatentDelegate, LatentModel
from ganexplorer.ui.theme import Theme


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
        self.order = CalmComboBox(accessibleName="Order of the sliders")
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
