"""Classes of a data set with their numbers of images, and boxes to choose some of them."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from ganexplorer.core.errors import plain
from ganexplorer.train.classes import chosen
from ganexplorer.train.folders import UNSORTED
from ganexplorer.train.sources import DataError
from ganexplorer.ui.parts.panel_parts import QuietLabel, tool_button
from ganexplorer.ui.parts.steady_list import Index
from ganexplorer.ui.parts.tips import plain_tip
from ganexplorer.ui.theme import Theme, with_edge
from ganexplorer.ui.training.config_fields import GUTTER

Counts = tuple[tuple[str, int], ...]  # name, number of images
_NAME = Qt.ItemDataRole.UserRole


class ClassList(QWidget):
    """Classes with boxes; those that are checked are kept, and where none is, all are."""

    classes_chosen = Signal(str)  # as `TrainConfig.classes` has them

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: Counts = ()
        self.all = tool_button("All", "Use the images of all classes", self._on_all)
        self.list = QListWidget(accessibleName="Classes")
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.list.setMinimumHeight(44)
        self._words = QuietLabel()
        top = QHBoxLayout()
        top.setContentsMargins(GUTTER, 0, 0, 0)
        top.addWidget(QLabel("Classes", objectName="heading"), 1)
        top.addWidget(self.all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        below = QHBoxLayout()
        below.setContentsMargins(GUTTER, 0, 0, 0)
        below.addWidget(self._words)
        layout.addLayout(below)
        layout.addWidget(self.list, 1)
        layout.addStretch()  # where there is no list
        self._boxes = _Boxes(theme, self.list)
        self.list.setItemDelegate(self._boxes)
        self.list.itemChanged.connect(self._on_item_changed)

    @property
    def checked(self) -> list[str]:
        """Names of the classes that are chosen."""
        items = [self.list.item(row) for row in range(self.list.count())]
        return [item.data(_NAME) for item in items if item.checkState() == Qt.CheckState.Checked]

    def show_classes(self, counts: Counts, kept: frozenset[str], needs_all: bool, is_whole: bool) -> None:
        """Show the classes there are, and check those that are kept.

        Parameters
        ----------
        counts
            Without a filter; with it where `is_whole` is false.
        needs_all
            An image may be of several classes, and must be of all that are checked.
        """
        with QSignalBlocker(self.list):
            if counts != self._counts:  # else the place in a long list stays
                self._counts = counts
                self.list.clear()
                for name, count in counts:
                    self.list.addItem(_item(name, count))
            for row in range(self.list.count()):
                item = self.list.item(row)
                is_kept = item.data(_NAME) in kept
                item.setCheckState(Qt.CheckState.Checked if is_kept else Qt.CheckState.Unchecked)
        has_choice = len(counts) > 1 or bool(kept)
        self.list.setVisible(has_choice)
        words = "Kept: images that are all of these" if needs_all else "None checked: all are used"
        if not is_whole:
            words = "All others are left out"
        self._words.setText(words if has_choice else "There are none to choose from" if counts else "")

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._boxes.theme = theme
        self.list.viewport().update()

    def show_filtered(self, is_filtered: bool) -> None:
        """Whether some classes are left out."""
        self.all.setEnabled(is_filtered)

    @Slot(QListWidgetItem)
    def _on_item_changed(self, _: QListWidgetItem) -> None:
        self.classes_chosen.emit(",".join(self.checked))

    def _on_all(self) -> None:
        with QSignalBlocker(self.list):
            for row in range(self.list.count()):
                self.list.item(row).setCheckState(Qt.CheckState.Unchecked)
        self.list.setFocus() if self.list.count() else None  # the button will be disabled, and lose the keys
        self.classes_chosen.emit("")


class _Boxes(QStyledItemDelegate):
    """Draws items whose boxes can be seen."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        option.palette = with_edge(option.palette, self.theme)


def is_filter(classes: str) -> bool:
    """Whether a text, as `TrainConfig.classes` has it, names any class."""
    return any(map(str.strip, classes.split(",")))


def kept_of(classes: str, counts: Counts, used: Counts, needs_all: bool) -> frozenset[str]:
    """The names among `counts` that a text like 3,8 or smiling means.

    `used`: what was left with that filter. It says it better, but not where images may be of several classes.
    """
    if not is_filter(classes):
        return frozenset()
    if used and not needs_all:
        return frozenset(name for name, _ in used)
    names = [name for name, _ in counts]
    try:
        return frozenset(names[number] for number in chosen(classes, names, ""))
    except DataError:
        return frozenset()


def _item(name: str, count: int) -> QListWidgetItem:
    words = "in no class folder" if name == UNSORTED else plain(name, 200)
    item = QListWidgetItem(f"{words}   {count:,}")
    item.setData(_NAME, name)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
    item.setToolTip(plain_tip(f"{words}: {count:,} images"))
    if "," in name or name != name.strip():
        item.setFlags(Qt.ItemFlag.ItemIsSelectable)
        item.setToolTip("A class with a comma in its name, or a space at its end, cannot be chosen: rename its folder")
    return item
