"""The models at hand, each with a picture of its own."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from ganexplorer.core.errors import UserError
from ganexplorer.core.spec import NetworkSpec
from ganexplorer.core.zoo import ModelEntry
from ganexplorer.ui.parts.tips import plain_tip
from ganexplorer.ui.picture.canvas import to_qimage

THUMBNAIL = 40


class ModelsPanel(QWidget):
    """A list of models; a click opens one."""

    chosen = Signal(object)  # ModelEntry

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QListWidget(accessibleName="Models")
        self.setMinimumWidth(300)
        self.list.setIconSize(QSize(THUMBNAIL, THUMBNAIL))
        self.list.setUniformItemSizes(True)
        self.list.itemActivated.connect(self._on_activated)
        self.list.itemClicked.connect(self._on_activated)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)

    def sizeHint(self) -> QSize:
        return QSize(340, 110)

    def minimumSizeHint(self) -> QSize:
        return QSize(260, THUMBNAIL + 16)

    @property
    def entries(self) -> list[ModelEntry]:
        return [self.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.list.count())]

    def show_entries(self, entries: list[ModelEntry]) -> None:
        """List the models; a damaged one says so in its row."""
        self.list.clear()
        for entry in entries:
            self.add(entry)

    def add(self, entry: ModelEntry) -> None:
        """Add one, or replace the row of the same file."""
        try:
            text = f"{entry.name}\n{_summary(entry.spec) if entry.is_known else 'not by ganexplorer'}"
        except UserError:
            text = f"{entry.name}\ncannot be opened"
        item = next((i for i in self._items() if i.data(Qt.ItemDataRole.UserRole).path == entry.path), None)
        if item is None:
            item = QListWidgetItem()
            self.list.addItem(item)
            blank = QPixmap(THUMBNAIL, THUMBNAIL)
            blank.fill(Qt.GlobalColor.transparent)
            item.setIcon(QIcon(blank))
        item.setText(text)
        item.setData(Qt.ItemDataRole.UserRole, entry)
        item.setToolTip(plain_tip(str(entry.path)))

    def select(self, entry: ModelEntry) -> None:
        for item in self._items():
            if item.data(Qt.ItemDataRole.UserRole).path == entry.path:
                self.list.setCurrentItem(item)

    def set_thumbnail(self, entry: ModelEntry, pixels: np.ndarray) -> None:
        """Show a picture (H, W[, 3]) of the model."""
        ratio = self.devicePixelRatioF()
        side = round(THUMBNAIL * ratio)
        picture = QPixmap.fromImage(to_qimage(pixels))
        is_tiny = max(picture.width(), picture.height()) < THUMBNAIL // 4
        smooth = Qt.TransformationMode.FastTransformation if is_tiny else Qt.TransformationMode.SmoothTransformation
        image = picture.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, smooth)
        image.setDevicePixelRatio(ratio)
        for item in self._items():
            if item.data(Qt.ItemDataRole.UserRole).path == entry.path:
                icon = QIcon(image)
                icon.addPixmap(image, QIcon.Mode.Selected)  # else Qt tints it
                item.setIcon(icon)

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    @Slot(QListWidgetItem)
    def _on_activated(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(Qt.ItemDataRole.UserRole))


def _summary(spec: NetworkSpec) -> str:
    _, height, width = spec.image_shape
    return f"z {spec.z_dim}, {width}x{height}, {spec.family.upper()}"
