"""Which samples the gallery shows: seed, truncation, how many, in which order, only the starred ones."""

from __future__ import annotations

import random
from typing import get_args

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QSpinBox, QWidget

from ganexplorer.core.state import GalleryOrder
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.gallery.look_grid import star
from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.parts.panel_parts import painted_icon, tool_button
from ganexplorer.ui.theme import Theme

COUNTS = (16, 36, 64, 100, 144)
MOST_SEEDS = 2**31 - 1  # of a spin box
NEW_SEEDS = 100_000  # short enough to be told to someone
ORDERS: tuple[GalleryOrder, ...] = get_args(GalleryOrder)


class GallerySettings(QWidget):
    """A line of boxes over the document's gallery. The seed may be another sheet's, so the panel is told of it."""

    seed_chosen = Signal(int)

    def __init__(self, document: Document, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self.seed = QSpinBox(accessibleName="Seed", toolTip="The seed that draws the samples on the sheet")
        self.seed.setRange(0, MOST_SEEDS)
        self.seed.setKeyboardTracking(False)
        self.seed.setMaximumWidth(self.seed.fontMetrics().horizontalAdvance("0" * 6) + 48)
        self.seed.valueChanged.connect(self.seed_chosen)
        self.new_seed = tool_button("", "New seed: other samples", self.draw)
        self.new_seed.setAccessibleName("New seed")
        self.truncation = QDoubleSpinBox(accessibleName="Truncation of the samples")
        self.truncation.setToolTip("Times the distance of samples from the prior's centre; below 1: more alike")
        self.truncation.setRange(0, 2)
        self.truncation.setSingleStep(0.05)
        self.truncation.valueChanged.connect(lambda value: document.set_gallery(truncation=value))
        self.count = CalmComboBox(accessibleName="How many samples", toolTip="How many samples the sheet has")
        self.count.addItems([str(count) for count in COUNTS])
        self.count.textActivated.connect(lambda text: document.set_gallery(count=int(text)))
        self.only_starred = tool_button("", "Only what you starred, of all seeds")
        self.only_starred.setAccessibleName("Only what is starred")
        self.only_starred.setCheckable(True)
        self.order = CalmComboBox(accessibleName="Order of the samples")
        self.order.setToolTip("As drawn, or by D's verdict")
        self.order.addItems([f"As {order}" if order == "drawn" else order.capitalize() for order in ORDERS])
        self.order.activated.connect(lambda index: document.set_gallery(order=ORDERS[index]))
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 0, 8, 0)
        line.setSpacing(4)
        for item in (QLabel("Seed", objectName="quiet"), self.seed, self.new_seed):
            line.addWidget(item)
        line.addSpacing(8)
        for item in (QLabel("Truncation", objectName="quiet"), self.truncation):
            line.addWidget(item)
        line.addSpacing(8)
        line.addWidget(self.count)
        line.addStretch(1)
        line.addWidget(self.only_starred)
        line.addWidget(self.order)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self.new_seed.setIcon(painted_icon(self, theme, _paint_die))
        self.only_starred.setIcon(painted_icon(self, theme, paint_star))

    def show_seed(self, seed: int) -> None:
        """Show the seed of the sheet, and the document's settings."""
        gallery = self._document.gallery
        with QSignalBlocker(self.seed), QSignalBlocker(self.truncation):
            self.seed.setValue(min(seed, MOST_SEEDS))
            self.truncation.setValue(gallery.truncation)
        if self.count.findText(str(gallery.count)) < 0:
            self.count.addItem(str(gallery.count))  # of a session
        self.count.setCurrentText(str(gallery.count))
        self.order.setCurrentIndex(ORDERS.index(gallery.order))

    @Slot()
    def draw(self) -> None:
        """Another seed."""
        seed = random.randrange(NEW_SEEDS)
        self.seed.setValue(seed if seed != self.seed.value() else seed + 1)


def _paint_die(painter: QPainter, color: QColor) -> None:
    painter.setPen(QPen(color, 1.4))
    painter.drawRoundedRect(QRectF(1.5, 1.5, 13, 13), 3, 3)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    for x, y in ((5, 5), (11, 5), (8, 8), (5, 11), (11, 11)):
        painter.drawEllipse(QPointF(x, y), 1.3, 1.3)


def paint_star(painter: QPainter, color: QColor) -> None:
    """A star as an icon."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawPolygon(star(QPointF(8, 8.5), 7))
