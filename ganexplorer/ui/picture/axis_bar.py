"""Which directions drags on the picture go along, and whether the map of their plane is shown: one line of controls."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.picture.axes import AxisChoice
from ganexplorer.ui.picture.move_tool import MoveTool

_CHOICE = Qt.ItemDataRole.UserRole
_LONGEST = 18  # characters that a list is wide for


class AxisBar(QWidget):
    """To stand along the canvas while the move tool is in hand."""

    def __init__(self, tool: MoveTool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tool = tool
        self._items = QStandardItemModel(self)  # of both lists
        self._labels: list[list[str]] = []
        self.lists = [self._list(0, "To the right"), self._list(1, "Upwards")]
        self.swap = QToolButton(text="⇄", toolTip="Swap the two axes", accessibleName="Swap the two axes")
        self.swap.clicked.connect(tool.chooser.swap)
        self.swap.setFixedWidth(32)  # the lists need the room
        self.map = QToolButton(text="Map", checkable=True, accessibleName="Map of the plane")
        self.map.setToolTip("A map of the plane of both axes; click or drag on it to go there")
        self.map.setChecked(tool.is_map_shown)
        self.map.toggled.connect(tool.show_map)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(4)
        for arrow, box in zip("→↑", self.lists, strict=True):
            layout.addWidget(QLabel(arrow, objectName="quiet"))
            layout.addWidget(box, 10)
            layout.addSpacing(8)
        layout.addStretch(1)
        layout.addWidget(self.swap)
        layout.addWidget(self.map)
        tool.chooser.options_changed.connect(self._on_options_changed)
        tool.map_toggled.connect(self.map.setChecked)
        self._on_options_changed()

    def sizeHint(self) -> QSize:
        return QSize(420, super().sizeHint().height())

    def _list(self, which: int, words: str) -> CalmComboBox:
        box = CalmComboBox(accessibleName=f"{words}: direction of a drag")
        box.setModel(self._items)
        box.setToolTip(f"{words}: what a drag on the picture moves along")
        box.setSizeAdjustPolicy(CalmComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(6)
        box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        box.setMaximumWidth(self.fontMetrics().averageCharWidth() * (_LONGEST + 6))
        box.setMaxVisibleItems(20)
        box.activated.connect(lambda row: self._on_activated(which, row))
        return box

    def _on_activated(self, which: int, row: int) -> None:
        choice = self._items.item(row).data(_CHOICE)
        if isinstance(choice, AxisChoice):
            self._tool.chooser.choose(which, choice)

    @Slot()
    def _on_options_changed(self) -> None:
        groups = self._tool.chooser.options()
        labels = [[label for label, _ in group] for group in groups]
        if labels != self._labels:
            self._labels = labels
            self._items.clear()
            for group in groups:
                if self._items.rowCount():
                    self._items.appendRow(_separator())
                for label, _ in group:
                    self._items.appendRow(QStandardItem(label))
        row = 0
        for number, group in enumerate(groups):
            row += bool(number)  # the line above a group
            for _, choice in group:
                self._items.item(row).setData(choice, _CHOICE)
                row += 1
        for box, chosen in zip(self.lists, self._tool.chooser.choices, strict=True):
            box.setCurrentIndex(self._row_of(chosen))
            box.setEnabled(self._items.rowCount() > 0)

    def _row_of(self, chosen: AxisChoice) -> int:
        for row in range(self._items.rowCount()):
            choice = self._items.item(row).data(_CHOICE)
            if isinstance(choice, AxisChoice) and choice.is_same(chosen):
                return row
        return -1


def _separator() -> QStandardItem:
    item = QStandardItem()
    item.setData("separator", Qt.ItemDataRole.AccessibleDescriptionRole)  # as QComboBox marks its own
    item.setFlags(Qt.ItemFlag.NoItemFlags)
    return item
