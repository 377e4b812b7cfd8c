"""The rows of the latent panel: which dimension stands where, and what there is to say about it."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt
from PySide6.QtWidgets import QWidget
from torch import Tensor

from ganexplorer.core.latent import Prior
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.latent.latent_search import Row, Search
from ganexplorer.ui.parts.steady_list import Index

KEY_STEP = 0.1  # standard deviations, of a key or a notch of the wheel; with Shift `FINE` of it
FINE = 0.2  # of the mouse's way, with Shift

_FIXED = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_FREE = _FIXED | Qt.ItemFlag.ItemIsEditable


class LatentModel(QAbstractListModel):
    """The rows: which dimensions are shown, and where each stands. The values are the document's."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self._order: list[int] = []
        self._rows: dict[int, int] = {}
        self._search = Search()
        self.effects: Tensor | None = None  # (z_dim,), gray levels per unit; None until measured
        self._shares: list[float] = []  # of the strongest effect
        self._by_effect = True
        self.outside: frozenset[int] = frozenset()  # dimensions whose value no sample has
        self.soloed = -1  # the one dimension that is away from the prior's centre
        self._shown = document.z.numpy()
        self._values: list[float] = []
        self._take(document.z)
        self._arrange()
        document.subject_changed.connect(self._on_subject_changed)
        document.z_changed.connect(self._on_z_changed)
        document.locks_changed.connect(self._on_locks_changed)
        document.history_changed.connect(self._on_step)

    # -- what stands where ---------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._order)

    def dimension(self, row: int) -> int:
        """The latent dimension that stands in a row."""
        return self._order[row]

    def row(self, dimension: int) -> int:
        """Where a dimension stands; -1 where the search leaves it out."""
        return self._rows.get(dimension, -1)

    @property
    def shown(self) -> list[int]:
        """The dimensions that the search finds, from the first row to the last."""
        return list(self._order)

    @property
    def search(self) -> str:
        return self._search.text

    def set_search(self, text: str) -> None:
        """Show only what `text` finds; nothing typed finds all."""
        self._search = Search(text)
        self._arrange()

    def set_effects(self, effects: Tensor) -> None:
        """Show measured effects, (z_dim,), and sort by them if asked for."""
        if len(effects) == len(self._document.z):
            self.effects = effects
            strongest = float(effects.max()) or 1.0
            self._shares = (effects / strongest).tolist()
            self._arrange()
            self._tell_all()

    def sort_by_effect(self, by_effect: bool) -> None:
        self._by_effect = by_effect
        self._arrange()

    def _arrange(self) -> None:
        """Sort and filter; who holds an index of a row that goes holds an invalid one."""
        order = self._found()
        if order == self._order:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        kept = [self._order[index.row()] for index in before]
        self._put(order)
        self.changePersistentIndexList(before, [self.index(self.row(dimension)) for dimension in kept])
        self.layoutChanged.emit()

    def _found(self) -> list[int]:
        order = list(range(len(self._values)))
        if self._by_effect and self.effects is not None:
            order = self.effects.argsort(descending=True, stable=True).tolist()
        locked, values, outside = self._document.locked, self._values, self.outside
        return [i for i in order if self._search.matches(Row(i, values[i], i in locked, i in outside))]

    def _put(self, order: list[int]) -> None:
        self._order = order
        self._rows = {dimension: row for row, dimension in enumerate(order)}

    # -- what a row says -----------------------------------------------------------------------------------

    def value(self, row: int) -> float:
        return self._values[self._order[row]]

    def share(self, row: int) -> float | None:
        """The effect of a row's dimension against the strongest one, [0, 1]; None until measured."""
        return self._shares[self._order[row]] if self._shares else None

    def is_locked(self, row: int) -> bool:
        return self._order[row] in self._document.locked

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = index.row()
        if not index.isValid():
            return None
        dimension, value = self.dimension(row), self.value(row)
        if role == Qt.ItemDataRole.DisplayRole:
            return f"z{dimension}: {value:.2f}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"z{dimension}: {value:.2f}{self._notes(dimension)}"
        if role == Qt.ItemDataRole.EditRole:
            return value
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(dimension)
        return None

    def _notes(self, dimension: int) -> str:
        is_locked, is_outside = dimension in self._document.locked, dimension in self.outside
        return f"{', locked' * is_locked}{', outside the prior' * is_outside}"

    def _tip(self, dimension: int) -> str:
        lines = [f"z{dimension}{self._notes(dimension)}."]
        if self.effects is not None:
            lines = [f"{lines[0]} It changes the picture by {self.effects[dimension]:.1f} gray levels per unit."]
        return "\n".join(
            [
                *lines,
                "Drag, arrow keys, or Ctrl and the wheel; Shift is fine. Double-click or Delete resets.",
                "L locks, S solos, D shows where it acts: green gets brighter, magenta darker.",
            ]
        )

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if index.isValid():  # the search may have left the row out under its spin box
            self._document.set_dimension(self.dimension(index.row()), float(value))
        return index.isValid()

    def flags(self, index: Index) -> Qt.ItemFlag:
        return _FIXED if index.isValid() and self.is_locked(index.row()) else _FREE

    # -- the document --------------------------------------------------------------------------------------

    def _take(self, z: Tensor) -> None:
        prior, self._shown, self._values = self._document.prior, z.numpy(), z.tolist()
        self.outside = frozenset(outside_of(z, prior))
        away = np.flatnonzero(self._shown != prior.center)
        self.soloed = int(away[0]) if len(away) == 1 < len(z) else -1

    def _on_subject_changed(self, subject: Subject) -> None:
        if subject.spec.z_dim == len(self._values):
            self._take(self._document.z)
            self._tell_all()  # under another prior a bar differs though its value does not
            return
        self.beginResetModel()
        self.effects, self._shares = None, []
        self._take(self._document.z)
        self._put(self._found())
        self.endResetModel()

    def _on_z_changed(self, z: Tensor) -> None:
        before, soloed = self._shown, self.soloed
        self._take(z)
        if len(before) == len(z) and soloed == self.soloed:
            changed = np.flatnonzero(before != self._shown)
            if len(changed) == 1:  # a slider in hand: the others need no paint
                row = self.row(int(changed[0]))
                if row >= 0:
                    index = self.index(row)
                    self.dataChanged.emit(index, index)
                return
        self._tell_all()

    def _on_locks_changed(self) -> None:
        self._tell_all()
        self._arrange()

    def _on_step(self) -> None:
        """After an edit, not within it, values are searched again: no row goes from under the hand."""
        if len(self._document.z) == len(self._values):
            self._take(self._document.z)
            if self._search.text:  # without, the order does not depend on values
                self._arrange()

    def _tell_all(self) -> None:
        if self._order:
            self.dataChanged.emit(self.index(0), self.index(len(self._order) - 1))


def outside_of(z: Tensor, prior: Prior) -> list[int]:
    """The dimensions of z, (z_dim,), whose values lie outside the prior's support."""
    low, high = prior.support
    values = z.numpy()  # less than half of the time of tensors, and a hand moves
    found: list[int] = np.flatnonzero((values < low) | (values > high)).tolist()
    return found
