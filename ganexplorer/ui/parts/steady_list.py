"""A list whose items keep their size."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractItemView, QListView

Index = QModelIndex | QPersistentModelIndex


class SteadyListView(QListView):
    """A list whose items keep their size when their data change."""

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """Repaint an item that changed, or all that are in sight; a QListView lays all of them out again."""
        is_edited, is_read_out = self.state() == self.State.EditingState, QAccessible.isActive()
        if first == last or is_edited or is_read_out:
            QAbstractItemView.dataChanged(self, first, last, roles)
        else:  # the base class looks for the place of each item first, also of those that are not in sight
            self.viewport().update()
