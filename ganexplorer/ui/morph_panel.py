"""Slots A and B, the slider between them, and play."""

from __future__ import annotations

import time
from typing import cast, get_args

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QIcon, QKeySequence, QPainter, QPen, QPixmap, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QVBoxLayout, QWidget
from torch import Tensor

from ganexplorer.core.latent import PathMode
from ganexplorer.ui.calm_combo import CalmComboBox
from ganexplorer.ui.canvas import to_qimage
from ganexplorer.ui.document import Document

T_STEPS = 1000
SECONDS_ONE_WAY = 2.0
FRAME_MILLISECONDS = 16
THUMBNAIL = 56


class MorphPanel(QWidget):
    """A strip: A, the slider t with play and the kind of path, B."""

    thumbnail_wanted = Signal(str, object)  # "A" or "B", z

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.keep_a, self.keep_b = self._slot_button("A"), self._slot_button("B")
        self.keep_a.clicked.connect(document.keep_as_a)
        self.keep_b.clicked.connect(document.keep_as_b)
        self._pictures: dict[str, Tensor] = {}

        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, T_STEPS)
        self.slider.setPageStep(T_STEPS // 10)
        self.slider.setAccessibleName("t, from A to B")
        self.slider.sliderPressed.connect(self._on_slider_pressed)
        self.slider.sliderReleased.connect(self._on_slider_released)
        self.slider.valueChanged.connect(self._on_slider)
        self._number = QLabel("t 0.000")
        self._number.setMinimumWidth(self.fontMetrics().horizontalAdvance("t 0.000 "))
        self._hint = QLabel(objectName="quiet")
        self._hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # yields in a narrow window

        self.play = QToolButton(text="Play")
        self.play.setToolTip("Morph from A to B and back (P)")
        self.play.setCheckable(True)
        self.play.toggled.connect(self._on_play)
        self.mode = CalmComboBox(accessibleName="Kind of path")
        self.mode.addItems(get_args(PathMode))
        self.mode.setCurrentText(document.mode)
        self.mode.setToolTip(
            "lerp: a straight line\nslerp: a great circle, at the distance from the centre that samples have\n"
            "box: a path that stays inside a uniform prior"
        )
        self.mode.textActivated.connect(lambda text: document.set_mode(cast(PathMode, text)))

        self._timer = QTimer(self, interval=FRAME_MILLISECONDS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._advance)
        self._played_since = 0.0
        self._is_advancing = False
        self._played = document.z  # what play put there last

        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.play)
        line.addWidget(self.mode)
        line.addWidget(self._hint, 1)
        line.addWidget(self._number)
        middle = QVBoxLayout()
        middle.setSpacing(4)
        middle.addLayout(line)
        middle.addWidget(self.slider)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(12)
        layout.addWidget(self.keep_a)
        layout.addLayout(middle, 1)
        layout.addWidget(self.keep_b)
        # not shortcuts of the buttons: those act 100 ms later, and are lost when a text changes
        for key, slot in (("A", document.keep_as_a), ("B", document.keep_as_b), ("P", self._toggle_play)):
            QShortcut(QKeySequence(key), self, slot, context=Qt.ShortcutContext.WindowShortcut)
        document.slots_changed.connect(self._on_slots_changed)
        document.z_changed.connect(self._on_z_changed)
        document.t_changed.connect(self._on_t_changed)
        self._on_slots_changed()

    def set_thumbnail(self, slot: str, z: Tensor, pixels: np.ndarray) -> None:
        """Show the picture of a slot, if it still holds that z."""
        if self._pictures.get(slot) is z:
            image = QPixmap.fromImage(to_qimage(pixels))
            ratio = self.devicePixelRatioF()
            zoom = max(1, int(THUMBNAIL * ratio) // max(image.width(), image.height()))
            image = image.scaled(image.size() * zoom)
            image.setDevicePixelRatio(ratio)
            button = self.keep_a if slot == "A" else self.keep_b
            button.setIcon(QIcon(image))

    def refresh_thumbnails(self) -> None:
        """Ask for the pictures of both slots again, as for another generator."""
        for slot, z in self._pictures.items():
            self.thumbnail_wanted.emit(slot, z)

    def stop(self) -> None:
        """Stop playing."""
        self.play.setChecked(False)

    def _slot_button(self, name: str) -> QToolButton:
        button = QToolButton(text=f"Keep as {name}")
        button.setToolTip(f"Keep the current sample as {name} ({name})")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(THUMBNAIL, THUMBNAIL))
        button.setIcon(self._empty_icon())
        return button

    def _empty_icon(self) -> QIcon:
        """A dashed square, where a picture will be."""
        pixmap = QPixmap(THUMBNAIL, THUMBNAIL)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setPen(QPen(self.palette().placeholderText().color(), 1, Qt.PenStyle.DashLine))
        painter.drawRect(0, 0, THUMBNAIL - 1, THUMBNAIL - 1)
        painter.end()
        return QIcon(pixmap)

    @Slot(int)
    def _on_slider(self, value: int) -> None:
        if self._document.t != value / T_STEPS:
            self._document.set_t(value / T_STEPS)

    @Slot(float)
    def _on_t_changed(self, t: float) -> None:
        self._number.setText(f"t {t:.3f}")
        self.slider.blockSignals(True)
        self.slider.setValue(round(t * T_STEPS))
        self.slider.blockSignals(False)

    @Slot()
    def _on_slots_changed(self) -> None:
        slots = {"A": self._document.a, "B": self._document.b}
        for name, z in slots.items():
            if z is None:
                self._pictures.pop(name, None)
                (self.keep_a if name == "A" else self.keep_b).setIcon(self._empty_icon())
            elif self._pictures.get(name) is not z:
                self._pictures[name] = z
                self.thumbnail_wanted.emit(name, z)
        missing = [name for name, z in slots.items() if z is None]
        ready = not missing
        self.slider.setEnabled(ready)
        self.play.setEnabled(ready)
        if not ready:
            self.stop()
        self._hint.setText("" if ready else f"Keep {' and '.join(missing)} to morph")
        self.mode.setCurrentText(self._document.mode)

    @Slot()
    def _toggle_play(self) -> None:
        if self.play.isEnabled():
            self.play.toggle()

    @Slot(bool)
    def _on_play(self, is_on: bool) -> None:
        self.play.setText("Pause" if is_on else "Play")
        if is_on:
            # goes on from where t is
            self._played_since = time.perf_counter() - self._document.t * SECONDS_ONE_WAY
            self._played = self._document.z
            self._document.begin_edit(self)
            self._timer.start()
        elif self._timer.isActive():
            self._timer.stop()
            self._document.end_edit(self)

    @Slot()
    def _advance(self) -> None:
        self._is_advancing = True
        self._document.set_t(triangle(time.perf_counter() - self._played_since))
        self._is_advancing = False
        self._played = self._document.z

    @Slot(object)
    def _on_z_changed(self, z: Tensor) -> None:
        """Whatever else moves z ends play, which would undo it in the next frame; another generator alone does not."""
        if not self._is_advancing and z is not self._played:
            self.stop()

    @Slot()
    def _on_slider_pressed(self) -> None:
        self._document.begin_edit(self.slider)

    @Slot()
    def _on_slider_released(self) -> None:
        self._document.end_edit(self.slider)


def triangle(seconds: float) -> float:
    """t after playing for so long: from 0 to 1 and back, again and again."""
    phase = seconds / SECONDS_ONE_WAY % 2
    return phase if phase <= 1 else 2 - phase
