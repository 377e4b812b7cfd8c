"""A list to choose from that does nothing by accident."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QWidget


class CalmComboBox(QComboBox):
    """The wheel passes over it, and a letter that is typed on it finds an item instead of being a window's shortcut.

    The mouse alone does not bring the keys here: else the R that is typed next would choose instead of drawing.
    """

    def __init__(self, parent: QWidget | None = None, **properties: object) -> None:
        super().__init__(parent, **properties)  # type: ignore[arg-type]
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def setEditable(self, editable: bool) -> None:
        super().setEditable(editable)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if editable else Qt.FocusPolicy.TabFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # scrolling what it stands on must not choose under the pointer

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and not self.isEditable()  # else its line takes what it needs
            and event.text().isprintable()
            and event.text()
            and not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
        ):
            event.accept()
            return True
        return super().event(event)
