"""The truncation: a slider with its name and number."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.parts.figures import tabular
from ganexplorer.ui.picture.move_tool import EDIT_PAUSE

STEPS = 100  # of the slider, in a truncation of 1
MOST = 1.5
TIP = (
    "Truncation: how far from the prior's centre samples are taken, 1 as the prior has them.\n"
    "Below 1 pictures get more usual and more alike, above 1 more various and cruder. It moves z now,\n"
    "and the samples that are drawn next. Double-click or Delete: back to 1."
)


class TruncationSlider(QSlider):
    """0 to 1.5. A drag, a held key, or notches of the wheel in quick succession are one undo step."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._document = document
        self._pause = QTimer(self, singleShot=True, interval=EDIT_PAUSE)
        self._pause.timeout.connect(self._on_rest)
        self.setRange(0, round(MOST * STEPS))
        self.setSingleStep(1)
        self.setPageStep(STEPS // 10)
        self.setAccessibleName("Truncation")
        self.setToolTip(TIP)
        self.sliderPressed.connect(lambda: document.begin_edit(self))
        self.sliderReleased.connect(lambda: document.end_edit(self))
        self.valueChanged.connect(self._on_value)
        document.truncation_changed.connect(self._on_truncation_changed)
        self._on_truncation_changed(document.truncation)

    def reset(self) -> None:
        self._document.set_truncation(1.0)

    @Slot(int)
    def _on_value(self, value: int) -> None:
        if not self.isSliderDown():  # the wheel, a key, or a press beside the handle
            self._document.begin_edit(self._pause)
            self._pause.start()
        self._document.set_truncation(value / STEPS)

    @Slot()
    def _on_rest(self) -> None:
        self._pause.stop()
        self._document.end_edit(self._pause)

    @Slot(float)
    def _on_truncation_changed(self, truncation: float) -> None:
        self.blockSignals(True)
        self.setValue(round(truncation * STEPS))
        self.blockSignals(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._on_rest()
            self.reset()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._on_rest()
            self.reset()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._on_rest()
        super().focusOutEvent(event)


class TruncationRow(QWidget):
    """Name, slider, number; a double click on any of them resets."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = TruncationSlider(document, self)
        self._name, self._number = QLabel("Truncation", objectName="quiet"), QLabel()
        self._number.setFont(tabular(self.font()))
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._number.setFixedWidth(self.fontMetrics().horizontalAdvance("00.00"))
        self._name.setBuddy(self.slider)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._name)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self._number)
        for label in (self._name, self._number):
            label.setToolTip(TIP)
            label.installEventFilter(self)
        document.truncation_changed.connect(self._on_truncation_changed)
        self._on_truncation_changed(document.truncation)

    @property
    def number(self) -> str:
        return self._number.text()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonDblClick:
            self.slider.reset()
            return True
        return super().eventFilter(watched, event)

    @Slot(float)
    def _on_truncation_changed(self, truncation: float) -> None:
        self._number.setText(f"{truncation:.2f}")
