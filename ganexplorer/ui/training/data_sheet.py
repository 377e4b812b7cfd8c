"""The data of a run as the networks will see them: pictures, numbers, classes, and what is done to them."""

from __future__ import annotations

import dataclasses
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QLocale, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ganexplorer.core.errors import plain
from ganexplorer.train.config import parameters
from ganexplorer.train.data import ref_of_folder
from ganexplorer.train.events import Progress
from ganexplorer.train.preparation import Preparation
from ganexplorer.ui.files.dropping import FileDrops
from ganexplorer.ui.parts.figures import tabular
from ganexplorer.ui.parts.panel_parts import QuietLabel, tool_button
from ganexplorer.ui.parts.tips import plain_tip
from ganexplorer.ui.theme import GAP, Theme
from ganexplorer.ui.training.class_list import ClassList, Counts, is_filter, kept_of
from ganexplorer.ui.training.config_fields import FIXED, ConfigField, name_width, row_height
from ganexplorer.ui.training.data_facts import BrokenFiles, FactList
from ganexplorer.ui.training.sample_sheet import SampleSheet
from ganexplorer.ui.work.data_reading import DataReader, DataRequest, DataSeen

SETTINGS = ("image_size", "fit", "flip")  # of `TrainConfig`; classes have a list of their own
NO_DATA = "No data is chosen yet. Choose a folder of pictures, or drop one here."
CANCELLED = "Cancelled: nothing was read."
DROP_ONE = "Drop one folder of pictures, or of class folders of pictures."
HINT = "Drop the folder to look at its pictures"
_SIDE_WIDTH = 236  # pixels, of what is told beside the pictures


class DataSheet(QDialog):
    """Shows data as training reads them, and changes how; the window can be used meanwhile."""

    setting_changed = Signal(str, object)  # a field of `TrainConfig`, and its new value
    folder_wanted = Signal()  # to be asked for
    data_chosen = Signal(str)  # REF of a folder that was dropped
    activated = Signal()  # the person turned to it: what the window says may have changed

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("The data as the networks see it")
        self.reader = DataReader(self)
        self._request = DataRequest("", Preparation())  # what the settings say
        self._seen: DataSeen | None = None
        self._handful = 0  # the one on show
        self._counts: dict[str, Counts] = {}  # by REF: its classes without a filter

        self.title = QuietLabel()
        self.choose = tool_button("Choose folder…", "Look at another folder, and train on it", self.folder_wanted.emit)
        self.words = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText, alignment=Qt.AlignmentFlag.AlignCenter)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setMinimumWidth(1)
        self.pictures = SampleSheet()
        self.pictures.setAccessibleName("Pictures as the networks see them")
        self.broken = BrokenFiles(theme)
        self.stack = QStackedWidget()
        for page in (self.words, self.pictures, self.broken.list):
            self.stack.addWidget(page)
        self.others = tool_button("Others", "Show other pictures of the set", self._on_others)
        self.caption = QuietLabel()
        self._side = QWidget()
        self.fields = {p.name: ConfigField(p, row_height(self), self._side) for p in parameters() if p.name in SETTINGS}
        self._entered: dict[str, Any] = {}  # by name, as the fields have it
        self.classes = ClassList(theme)
        self.facts = FactList()
        self.progress_words = QuietLabel()
        self.progress = QProgressBar(textVisible=False, accessibleName="Pictures read")
        self.cancel = QPushButton("Cancel", autoDefault=False)
        self.close_button = QPushButton("Close", autoDefault=False)
        self._lay_out()
        self._connect()
        self.set_theme(theme)
        self._show_words(NO_DATA)
        self._show_reading(False)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.choose)
        below = QHBoxLayout()
        below.addWidget(self.others)
        below.addWidget(self.caption, 1)
        left = QVBoxLayout()
        left.setSpacing(GAP)
        left.addWidget(self.stack, 1)
        left.addLayout(below)
        form = QFormLayout()
        form.setHorizontalSpacing(GAP)
        form.setVerticalSpacing(4)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        width = max(name_width(self, name) for name in SETTINGS)
        for field in self.fields.values():
            field.label.setFixedWidth(width)
            form.addRow(field.label, field)
        side = QVBoxLayout(self._side)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(12)
        side.addLayout(form)
        side.addWidget(self.facts)
        side.addWidget(self.classes, 1)
        self._side.setFixedWidth(_SIDE_WIDTH)
        self._side.setFont(tabular(self.font()))
        self._side.setLocale(QLocale.c())  # the point is a point
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addLayout(left, 1)
        middle.addWidget(self._side)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        buttons.addWidget(self.progress_words, 1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(GAP)
        layout.addLayout(top)
        layout.addLayout(middle, 1)
        layout.addWidget(self.broken)
        layout.addWidget(self.progress)
        layout.addLayout(buttons)
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self.setMinimumSize(560, 520)
        stops = [self.choose, self.broken.list, self.others, *(field.editor for field in self.fields.values())]
        stops += [self.classes.all, self.classes.list, self.broken.show_list, self.broken.copy, self.broken.save]
        stops += [self.cancel, self.close_button]
        for earlier, later in pairwise(stops):
            QWidget.setTabOrder(earlier, later)

    def _connect(self) -> None:
        self.reader.progressed.connect(self._on_progressed)
        self.reader.seen.connect(self._on_seen)
        self.reader.failed.connect(self._on_failed)
        for name, field in self.fields.items():
            field.edited.connect(lambda value, name=name: self._entered.update({name: value}))
            field.committed.connect(lambda name=name: self._on_committed(name))
        self.classes.classes_chosen.connect(lambda text: self._change("classes", text))
        self.broken.show_list.toggled.connect(self._show_page)
        self.broken.told.connect(self.progress_words.setText)
        self.cancel.clicked.connect(self._on_cancel)
        self.close_button.clicked.connect(self.reject)
        drops = FileDrops(self)
        drops.hint.connect(self._on_hint)
        drops.dropped.connect(self._on_dropped)

    def sizeHint(self) -> QSize:
        return QSize(860, 640)

    # -- what is looked at ---------------------------------------------------------------------------------

    @property
    def request(self) -> DataRequest:
        """What is on show, or being read; its REF is empty where nothing is chosen."""
        return self._request

    @property
    def is_reading(self) -> bool:
        return self.reader.request is not None

    def look(self, ref: str, preparation: Preparation, seed: int = 0) -> None:
        """Read data and show them. Also what is on show is read again, for files may have changed."""
        if ref != self._request.ref:
            self._show_seen(None)
        self._request = DataRequest(ref, preparation, seed)
        self._show_settings()
        if not ref:
            self.reader.cancel()
            self._show_words(NO_DATA)
            self._show_reading(False)
            return
        self.progress_words.setText("Reading…")
        self.progress.setRange(0, 0)
        self._show_reading(True)
        if self._seen is None:
            self._show_words("")
        self.reader.read(self._request)

    def follow(self, ref: str, preparation: Preparation, seed: int = 0) -> None:
        """Like `look`, where any of it differs from what is on show."""
        if DataRequest(ref, preparation, seed) != self._request:
            self.look(ref, preparation, seed)

    def set_fixed(self, is_fixed: bool) -> None:
        """Whether nothing can be changed for now, as while a run goes on."""
        for field in self.fields.values():
            field.set_fixed(is_fixed)
        for widget in (self.classes, self.choose):
            widget.setEnabled(not is_fixed)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.broken.set_theme(theme)
        self.classes.set_theme(theme)

    def stop(self) -> None:
        """Give up what is being read, wait for its end, and close."""
        self.reader.stop()
        self.hide()

    def reject(self) -> None:
        """Escape, or the dialog closed."""
        self.reader.cancel()
        self._show_reading(False)
        super().reject()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.WindowActivate:
            self.activated.emit()
        return super().event(event)

    # -- what the person does ------------------------------------------------------------------------------

    def _on_committed(self, name: str) -> None:
        value = self._entered.get(name)
        if value is not None:
            self._change(name, value)

    def _change(self, name: str, value: Any) -> None:
        """Take over a setting: tell it and read again."""
        preparation = _changed(self._request.preparation, name, value)
        if preparation != self._request.preparation:
            ref, seed = self._request.ref, self._request.seed
            self.look(ref, preparation, seed)
            self.setting_changed.emit(name, value)

    def _on_others(self) -> None:
        if self._seen is not None:
            self._handful = (self._handful + 1) % len(self._seen.handfuls)
            self.pictures.show_pixels(self._seen.handfuls[self._handful], 0)

    @Slot()
    def _on_cancel(self) -> None:
        if self.is_reading:
            self.reader.cancel()
            self._show_seen(None)
            self._show_words(CANCELLED)
            self._show_reading(False)
        else:
            self.look(self._request.ref, self._request.preparation, self._request.seed)

    @Slot(str)
    def _on_hint(self, hint: str) -> None:
        if not self.is_reading:
            self.progress_words.setText(HINT if hint else "")

    @Slot(object)
    def _on_dropped(self, paths: list[str]) -> None:
        if len(paths) != 1 or not os.path.isdir(paths[0]):
            self.progress_words.setText(DROP_ONE)
        elif not self.choose.isEnabled():
            self.progress_words.setText(f"The data are {FIXED}.")
        else:
            self.data_chosen.emit(ref_of_folder(Path(paths[0])))

    # -- what the reader says ------------------------------------------------------------------------------

    @Slot(object)
    def _on_progressed(self, event: Progress) -> None:
        done = f": {event.done:,} of {event.total:,}" if event.total else f": {event.done:,}" if event.done else "…"
        self.progress_words.setText(f"{plain(event.what)}{done}")
        self.progress.setRange(0, event.total)
        self.progress.setValue(event.done)

    @Slot(object)
    def _on_seen(self, seen: DataSeen) -> None:
        self._show_reading(False)
        self._show_seen(seen)

    @Slot(str)
    def _on_failed(self, text: str) -> None:
        self._show_reading(False)
        self._show_seen(None)
        self._show_words(text)

    # -- showing -------------------------------------------------------------------------------------------

    def _show_seen(self, seen: DataSeen | None) -> None:
        self._seen, self._handful = seen, 0
        self._show_classes()
        report = None if seen is None else seen.report
        self.facts.show_report(report)
        self.broken.show_report(report, "" if seen is None else seen.request.ref.partition(":")[2])
        if seen is None:
            self.caption.setText("")
            self.pictures.clear()
            return
        drawn = f"From {seen.report.used:,}" if seen.report.used else "Drawn at random"
        self.caption.setText(f"{drawn}{', some mirrored' if seen.request.preparation.flip else ''}")
        self.pictures.show_pixels(seen.handfuls[0], 0)
        self._show_page()
        notices = [text for text in seen.notices if not seen.report.broken_count or "left out" not in text]
        self.progress_words.setText(" ".join(notices))

    def _show_classes(self) -> None:
        ref, classes = self._request.ref, self._request.preparation.classes
        used: Counts = () if self._seen is None else self._seen.report.classes
        if self._seen is not None and not is_filter(classes):
            self._counts[ref] = used
        counts = self._counts.get(ref, used)
        needs_all = ref.startswith("celeba:")
        is_whole = not is_filter(classes) or ref in self._counts
        self.classes.show_classes(counts, kept_of(classes, counts, used, needs_all), needs_all, is_whole)

    def _show_settings(self) -> None:
        preparation = self._request.preparation
        values = {"image_size": preparation.size[0], "fit": preparation.fit, "flip": preparation.flip}
        for name, value in values.items():
            self._entered[name] = value
            self.fields[name].show_value(value)
        self.classes.show_filtered(is_filter(preparation.classes))
        self.title.setText(plain(self._request.ref))
        self.title.setToolTip(plain_tip(self._request.ref))

    def _show_words(self, text: str) -> None:
        """Words in place of the pictures."""
        self.words.setText(text)
        self._show_page()

    @Slot()
    def _show_page(self) -> None:
        page: QWidget = self.words if self._seen is None else self.pictures
        self.stack.setCurrentWidget(self.broken.list if self.broken.show_list.isChecked() else page)
        self.others.setEnabled(self.stack.currentWidget() is self.pictures)

    def _show_reading(self, is_reading: bool) -> None:
        self.progress.setVisible(is_reading)
        self.cancel.setText("Cancel" if is_reading else "Read again")
        self.cancel.setEnabled(bool(self._request.ref))
        if not is_reading:
            self.progress_words.setText("")


def _changed(preparation: Preparation, name: str, value: Any) -> Preparation:
    """With a field of `TrainConfig` changed; see `TrainConfig.preparation`."""
    if name == "image_size":
        return dataclasses.replace(preparation, size=(value, value))
    return dataclasses.replace(preparation, **{name: value})
