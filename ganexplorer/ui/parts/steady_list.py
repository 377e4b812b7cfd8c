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
        """Repaint the items that changed; a QListView lays all of them out again and repaints each."""
        is_heard = self.state() == self.State.EditingState or QAccessible.isActive()  # by an editor, a screen reader
        if first == last or is_heard:
            QAbstractItemView.dataChanged(self, first, last, roles)
        else:  # the base class asks for the rectangle of each, also of those that are not in sight
            self.viewport().update()
