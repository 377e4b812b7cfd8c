"""Which latents stand in the cells of a grid, and what is known of them: pictures, verdicts, stars, where z is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt
from PySide6.QtWidgets import QWidget
from torch import Tensor

from ganexplorer.core.state import GalleryOrder
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.parts.steady_list import Index
from ganexplorer.ui.work.studio import Look, Studio


def verdict_words(verdict: float, is_probability: bool) -> str:
    """D's verdict for a person."""
    if is_probability:
        return f"D takes it for real: {100 * verdict:.0f} %"
    return f"D says {verdict:.2f} (1 is its target for real pictures, 0 for generated ones)"


def key_of(z: Tensor) -> bytes:
    """The bits of a latent: the same key, the same latent."""
    return z.numpy().tobytes()


class LookModel(QAbstractListModel):
    """Which latent stands in which cell, and what is known of it. `rows` are the latents as drawn."""

    def __init__(self, document: Document, studio: Studio, parent: QWidget) -> None:
        super().__init__(parent)
        self._document, self._studio = document, studio
        self.rows: list[Tensor] = []
        self._names: list[str] = []
        self._keys: list[bytes] = []
        self._pinned = 0
        self._cells: list[int] = []  # the row that stands in each cell
        self._order: GalleryOrder = "drawn"
        self._stars: set[bytes] = set()
        self._here = key_of(document.z)
        self._looks: list[Look | None] = []  # of each row the last there was
        self._fresh: list[bool] = []  # whether it is that of the model on show
        self._asked: set[int] = set()
        studio.changed.connect(self._on_model_changed)
        studio.arrived.connect(self._on_arrived)
        document.z_changed.connect(self._on_z_changed)
        document.stars_changed.connect(self._on_stars_changed)

    def show(self, latents: Sequence[Tensor], names: Sequence[str], pinned: int = 0, is_alike: bool = False) -> None:
        """Other latents, (z_dim,) each; the first `pinned` come first in each order.

        `is_alike`: they are the same as before with another setting. Cells then stay where they are, selected too,
        and show what they did until their new pictures are there.
        """
        is_alike = is_alike and len(latents) == len(self.rows)
        if not is_alike:
            self.beginResetModel()
            self._cells = list(range(len(latents)))
            self._looks = [None] * len(latents)
        self.rows, self._names, self._pinned = list(latents), list(names), pinned
        self._keys = [key_of(z) for z in self.rows]
        self._stars = {key_of(z) for z in self._document.stars}
        self._here = key_of(self._document.z)
        self._on_model_changed()
        if not is_alike:
            self.endResetModel()
        elif self.rows:
            self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))

    def order_by(self, order: GalleryOrder) -> None:
        """How to `arrange`."""
        self._order = order

    def arrange(self) -> None:
        """Put the cells in the order asked for; by verdict once all verdicts are there, until then nothing moves."""
        cells = list(range(len(self.rows)))
        if self._order != "drawn":
            # asked for last is made first
            looks = [self.look(row) for row in reversed(cells)][::-1]
            if not all(self._fresh):
                return
            sign = -1 if self._order == "most real first" else 1
            verdicts = [(look.verdict if look else None) or 0.0 for look in looks]
            cells[self._pinned :] = sorted(cells[self._pinned :], key=lambda row: sign * verdicts[row])
        if cells == self._cells:
            return
        self.layoutAboutToBeChanged.emit()
        moved = {index.row(): self._cells[index.row()] for index in self.persistentIndexList()}
        self._cells = cells
        for cell, row in moved.items():
            self.changePersistentIndex(self.index(cell), self.index(self.cell(row)))
        self.layoutChanged.emit()

    def look(self, row: int) -> Look | None:
        """The picture of a row; until it is made the one before, or None. To be asked for what is visible."""
        if not self._fresh[row]:
            found = self._studio.look(self.rows[row])
            if found is None:
                self._asked.add(row)
            else:
                self._looks[row], self._fresh[row] = found, True
                self._asked.discard(row)
        return self._looks[row]

    def _on_model_changed(self) -> None:
        self._fresh = [False] * len(self.rows)
        self._asked.clear()

    def _on_arrived(self) -> None:
        for row in sorted(self._asked):
            self.look(row)
            if self._fresh[row]:
                self._touch_cell(self.cell(row))

    # -- a cell --------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._cells)

    def row(self, cell: int) -> int:
        """The row that stands in a cell."""
        return self._cells[cell]

    def cell(self, row: int) -> int:
        return self._cells.index(row)

    def z(self, cell: int) -> Tensor:
        """Of a cell, a copy: the rows of a sheet share their memory."""
        return self.rows[self._cells[cell]].clone()

    def name(self, cell: int) -> str:
        return self._names[self._cells[cell]]

    def is_here(self, cell: int) -> bool:
        """Whether it is the current z."""
        return self._keys[self._cells[cell]] == self._here

    def is_starred(self, cell: int) -> bool:
        return self._keys[self._cells[cell]] in self._stars

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        cell = index.row()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            marks = [
                word for word, holds in (("starred", self.is_starred(cell)), ("here", self.is_here(cell))) if holds
            ]
            return ", ".join([self.name(cell), *marks])
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(cell)
        return None

    def _tip(self, cell: int) -> str:
        lines = [self.name(cell) + (", where you are" if self.is_here(cell) else "")]
        look, sight = self.look(self._cells[cell]), self._studio.sight
        if look is not None and look.verdict is not None and sight is not None and sight.judge is not None:
            lines.append(verdict_words(look.verdict, sight.judge.is_probability))
        return "\n".join([*lines, "Click: go there. Ctrl or Shift: select more. Right button: what else to do."])

    def _on_z_changed(self, z: Tensor) -> None:
        before, self._here = self._here, key_of(z)
        self._touch({before, self._here})

    def _on_stars_changed(self) -> None:
        before, self._stars = self._stars, {key_of(z) for z in self._document.stars}
        self._touch(before ^ self._stars)

    def _touch(self, keys: set[bytes]) -> None:
        """Have the cells of latents painted again."""
        for cell, row in enumerate(self._cells):
            if self._keys[row] in keys:
                self._touch_cell(cell)

    def _touch_cell(self, cell: int) -> None:
        index = self.index(cell)
        self.dataChanged.emit(index, index)
