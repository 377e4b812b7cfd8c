"""The line at the bottom: the device, how fast pictures come, how fast a training goes, and what is going on."""

from __future__ import annotations

import time
from collections import deque

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from ganexplorer.ui.work.workers import Frame


class StatusLine(QStatusBar):
    """Counts the frames that are shown; the rest is told to it."""

    def __init__(self, device: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._render, self.training = QLabel(), QLabel()
        self.activity = QLabel(textFormat=Qt.TextFormat.PlainText)
        for label in (QLabel(device), self._render, self.training, self.activity):
            self.addWidget(label)
        self.setSizeGripEnabled(False)
        self._milliseconds: float | None = None  # of the last frame
        self._times: deque[float] = deque(maxlen=60)  # when frames came
        self._timer = QTimer(self, interval=500)
        self._timer.timeout.connect(self._show_speed)
        self._timer.start()

    def count(self, frame: Frame) -> None:
        self._times.append(time.perf_counter())
        self._milliseconds = frame.milliseconds

    def stop(self) -> None:
        self._timer.stop()

    @Slot()
    def _show_speed(self) -> None:
        """Frames shown in the last second, where there were any."""
        since = time.perf_counter() - 1
        count = sum(moment > since for moment in self._times)
        text = "" if self._milliseconds is None else f"render {self._milliseconds:.1f} ms"
        self._render.setText(f"{text}   {count} frames/s" if count > 1 else text)
