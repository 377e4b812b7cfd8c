"""The latents in the basket as a row: the wheel, the arrow keys and a spin box change their weights."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QLocale, Qt, QTimer, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QDoubleSpinBox, QStyleOptionViewItem, QWidget

from ganexplorer.core.state import Share
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.latent.latent_rows import FINE
from ganexplorer.ui.parts.look_strip import Cell, Strip, StripDelegate, StripModel
from ganexplorer.ui.parts.panel_parts import MINUS
from ganexplorer.ui.parts.steady_list import Index
from ganexplorer.ui.picture.move_tool import EDIT_PAUSE
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Studio

STEP = 0.1  # of a weight, for each notch or key; with Shift `FINE` of it
MOST = 10.0  # a weight, either way
SLOTS = (("a", 1.0), (f"{MINUS} b", -1.0), ("+ c", 1.0))  # shown empty while the basket has fewer


def weight_words(weight: float) -> str:
    """A weight with its sign: `+1.0`."""
    sign = MINUS if weight < 0 else "+"
    return f"{sign}{abs(weight):.1f}" if abs(10 * weight - round(10 * weight)) < 1e-6 else f"{sign}{abs(weight):.2f}"


class BasketDelegate(StripDelegate):
    """Edits a weight in a spin box."""

    def __init__(self, document: Document, studio: Studio, model: StripModel, theme: Theme, parent: QWidget) -> None:
        super().__init__(studio, model, theme, 1, 70, parent)
        self._document = document

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        box = QDoubleSpinBox(parent)
        box.setLocale(QLocale.c())
        box.setRange(-MOST, MOST)
        box.setSingleStep(STEP)
        box.setFrame(False)
        box.setAccessibleName("Weight")
        # live: the pictures follow each step; the whole visit is one undo step
        self._document.begin_edit(self)
        row = index.row()
        box.valueChanged.connect(lambda value: set_weight(self._document, row, value))
        return box

    def destroyEditor(self, editor: QWidget, index: Index) -> None:
        self._document.end_edit(self)
        super().destroyEditor(editor, index)

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        assert isinstance(editor, QDoubleSpinBox)
        weight = self._document.basket[index.row()].weight
        if abs(editor.value() - weight) >= 0.005:  # what the box itself wrote comes back unrounded
            editor.blockSignals(True)
            editor.setValue(weight)
            editor.blockSignals(False)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Nothing: every change was written as it was made."""

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(self.words_rect(option.rect).adjusted(2, -2, -2, 2))


class BasketStrip(Strip):
    """The basket, and the empty places of `SLOTS`."""

    def __init__(self, document: Document, studio: Studio, theme: Theme, parent: QWidget) -> None:
        self._document = document
        model = StripModel(parent)
        self.delegate = BasketDelegate(document, studio, model, theme, parent)
        super().__init__(model, self.delegate, studio, parent)
        self._model = model
        self.setAccessibleName("Basket")
        # notches in quick succession are one undo step
        self._wheel_pause = QTimer(self, singleShot=True, interval=EDIT_PAUSE)
        self._wheel_pause.timeout.connect(lambda: document.end_edit(self._wheel_pause))
        self.chosen.connect(self._on_chosen)
        document.basket_changed.connect(self.refresh)
        document.subject_changed.connect(self.refresh)
        self.refresh()

    def set_theme(self, theme: Theme) -> None:
        self.setStyleSheet("QListView { background: transparent; }")

    @Slot()
    def refresh(self) -> None:
        basket = self._document.basket
        tip = "Click: go there. Wheel, up and down, or click on the number: its weight. Delete: take it out."
        cells = [Cell((weight_words(share.weight),), tip, z=share.z, is_editable=True) for share in basket]
        for mark, weight in SLOTS[len(cells) :]:
            how = "Add" if weight > 0 else "Subtract"
            cells.append(Cell(("empty",), f"{how} the current z here", mark))
        self._model.show(cells)

    def is_share(self, row: int) -> bool:
        return 0 <= row < len(self._document.basket)

    def _on_chosen(self, row: int) -> None:
        basket = self._document.basket
        if self.is_share(row):
            self._document.leap(basket[row].z)
        else:  # fills the first empty place too where another was clicked: there are no gaps
            self._document.set_basket([*basket, Share(self._document.z, SLOTS[row][1])])

    def _nudge(self, row: int, notches: float, is_fine: bool) -> None:
        weight = self._document.basket[row].weight + notches * STEP * (FINE if is_fine else 1)
        set_weight(self._document, row, round(min(max(weight, -MOST), MOST), 4))

    def remove(self, row: int) -> None:
        basket = self._document.basket
        self._document.set_basket(basket[:row] + basket[row + 1 :])

    # -- mouse and keys ------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        is_words = self.delegate.words_rect(self.visualRect(index)).contains(event.position().toPoint())
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.is_share(index.row()) and is_words:
            self._pressed = None
            self.edit(index)

    def wheelEvent(self, event: QWheelEvent) -> None:
        row = self.indexAt(event.position().toPoint()).row()
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120  # some systems turn it with Shift
        if self.is_share(row) and notches:
            self._document.begin_edit(self._wheel_pause)
            self._nudge(row, notches, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            self._wheel_pause.start()
        event.accept()

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        if hint == QAbstractItemDelegate.EndEditHint.RevertModelCache:  # Escape
            self._document.cancel_edit(self.delegate)
        super().closeEditor(editor, hint)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row, ways = self.currentIndex().row(), {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        if self.is_share(row) and event.key() in ways:
            self._document.begin_edit(self)  # until the key is released
            is_fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._nudge(row, ways[Qt.Key(event.key())], is_fine)
        elif self.is_share(row) and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove(row)
        elif self.is_share(row) and event.key() == Qt.Key.Key_F2:
            self.edit(self.currentIndex())
        elif self.state() != Strip.State.EditingState:  # the spin box passes its own Return on
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat():
            self._document.end_edit(self)
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._document.end_edit(self)  # the release of a key will be another's
        super().focusOutEvent(event)


def set_weight(document: Document, row: int, weight: float) -> None:
    """Change the weight of one in the basket."""
    basket = document.basket
    if row < len(basket) and basket[row].weight != weight:
        document.set_basket([*basket[:row], Share(basket[row].z, weight), *basket[row + 1 :]])
