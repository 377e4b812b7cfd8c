"""What is told about data that were read: numbers, and files that cannot be read."""

from __future__ import annotations

import math
import os
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from ganexplorer.core.errors import plain
from ganexplorer.core.files import atomic_write
from ganexplorer.train.sources import DataReport
from ganexplorer.ui.parts.figures import tabular
from ganexplorer.ui.parts.panel_parts import tool_button
from ganexplorer.ui.plots.chart_words import mixed
from ganexplorer.ui.theme import GAP, Theme
from ganexplorer.ui.training.config_fields import GUTTER

ROWS = ("Found", "Used", "Left out by class", "Cannot be read", "Image", "Originals", "In memory")
UNKNOWN = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"


def facts(report: DataReport) -> dict[str, str]:
    """Numbers in words, by the names of `ROWS`."""
    channels, height, width = report.image_shape
    image = f"{width:,} {TIMES} {height:,}, {'gray' if channels == 1 else 'colour'}"
    if not report.found:
        return dict.fromkeys(ROWS, UNKNOWN) | {"Found": "drawn without end", "Image": image}
    low, high = (f"{size[0]:,} {TIMES} {size[1]:,}" for size in (report.smallest, report.largest))
    return {
        "Found": f"{report.found:,}",
        "Used": f"{report.used:,}",
        "Left out by class": f"{report.skipped:,}",
        "Cannot be read": f"{report.broken_count:,}",
        "Image": image,
        "Originals": low if low == high else f"{low} to\n{high}",
        "In memory": _bytes_words(report.bytes),
    }


class FactList(QWidget):
    """Names and numbers below each other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.values = {name: QLabel(UNKNOWN, accessibleName=name) for name in ROWS}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)  # a list below gives way
        form = QFormLayout(self)
        form.setContentsMargins(GUTTER, 0, 0, 0)
        form.setHorizontalSpacing(GAP)
        form.setVerticalSpacing(2)
        for name, label in self.values.items():
            label.setFont(tabular(label.font()))
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            form.addRow(QLabel(name, objectName="quiet"), label)

    def show_report(self, report: DataReport | None) -> None:
        """None: nothing is known."""
        known = dict.fromkeys(ROWS, UNKNOWN) if report is None else facts(report)
        for name, label in self.values.items():
            label.setText(known[name])


class BrokenFiles(QWidget):
    """How many pictures cannot be read, in amber; hidden where all can be.

    `list` says which and why. It stands elsewhere, and is shown where `show_list` is checked.
    """

    told = Signal(str)  # how saving the list went

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._report: DataReport | None = None
        self._folder = ""
        self.words = QLabel(wordWrap=True)
        self.words.setMinimumWidth(1)
        self.show_list = QToolButton(text="Which?", checkable=True)
        self.show_list.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.show_list.setToolTip("List the files, and what is wrong with each")
        self.copy = tool_button("Copy", "Copy the list: a path and a reason in each line", self._on_copy)
        self.save = tool_button("Save…", "Save the list as a text file", self._on_save)
        self.list = QPlainTextEdit(readOnly=True, accessibleName="Pictures that cannot be read")
        self.list.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.list.setTabChangesFocus(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.words, 1)
        for button in (self.show_list, self.copy, self.save):
            layout.addWidget(button)
        self.hide()
        self.set_theme(theme)

    @property
    def lines(self) -> list[str]:
        """A path and a reason in each; nothing in a path ends a line."""
        broken = self._report.broken if self._report is not None else ()
        return [f"{plain(path, 8000)}: {reason}" for path, reason in broken]

    def set_theme(self, theme: Theme) -> None:
        """Amber that can be read on the theme's ground."""
        palette = self.words.palette()
        amber = theme.warning if theme.is_dark else mixed(theme.warning, theme.text, 0.5)
        palette.setColor(QPalette.ColorRole.WindowText, QColor(amber))
        self.words.setPalette(palette)

    def show_report(self, report: DataReport | None, folder: str = "") -> None:
        """Show what lies broken in `folder`."""
        self._report, self._folder = report, folder
        if report is None or not report.broken_count:
            self.show_list.setChecked(False)
            self.list.clear()
            self.hide()
            return
        first = f"; the first {len(report.broken):,} are listed" if report.broken_count > len(report.broken) else ""
        tried = report.used + report.broken_count
        self.words.setText(f"{report.broken_count:,} of {tried:,} pictures cannot be read{first}")
        short = [f"{plain(_within(path, folder), 300)}: {reason}" for path, reason in report.broken]
        self.list.setPlainText("\n".join(short))
        self.show()

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self.lines))
        self.told.emit("The list is on the clipboard.")

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the list", "broken-pictures.txt", "Text (*.txt)")
        if not path:
            return
        try:
            with atomic_write(path) as file:
                file.write("".join(f"{line}\n" for line in self.lines).encode())
        except OSError as error:
            self.told.emit(plain(f"{path}: cannot be written ({error.strerror or error}). Choose a folder of yours."))
            return
        self.told.emit(plain(f"Saved to {Path(path).name}."))


def _within(path: str, folder: str) -> str:
    """A path without the folder that all of them lie in."""
    return os.path.relpath(path, folder) if folder and Path(path).is_relative_to(folder) else path


def _bytes_words(count: int) -> str:
    """As in 512 kB, 48 MB, 2.4 GB."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 10 * size else f"{count / size:,.0f} {unit}"
    return f"{math.ceil(count / 1e3)} kB"
