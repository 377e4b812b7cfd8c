"""A second model, or another snapshot of a run, under the same latent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import torch
from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QWidget
from torch import Tensor

from ganexplorer.core import zoo
from ganexplorer.core.render import Renderer
from ganexplorer.train.runs import folder_of
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.editing.latent_space import LatentSpace, carry, difference
from ganexplorer.ui.files.opening import Opened, OpenFailed, OpenRequest, read_model
from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.picture.canvas import Canvas, to_qimage
from ganexplorer.ui.picture.comparison import Second, Split, Way
from ganexplorer.ui.work.workers import Frame, JobResult, JobThread, RenderThread

SHARE_STEPS = 100


class CompareBar(QFrame):
    """Above the picture while two are compared: with which model, at which snapshot, in which way."""

    chosen = Signal(object)  # ModelEntry
    split_changed = Signal(object)  # Split
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="sheet")
        self.model = CalmComboBox(accessibleName="Compare with")
        self.model.setToolTip("The model to compare with")
        self.snapshot = CalmComboBox(accessibleName="Snapshot")
        self.snapshot.setToolTip("Which snapshot of its run")
        for box in (self.model, self.snapshot):
            box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.model.activated.connect(self._on_model)
        self.snapshot.activated.connect(self._on_snapshot)
        self.side, self.wipe = QToolButton(text="Side by side"), QToolButton(text="Wipe")
        self._ways = QButtonGroup(self)
        for button, tip in ((self.side, "Both pictures beside each other"), (self.wipe, "One over the other")):
            button.setCheckable(True)
            button.setToolTip(tip)
            self._ways.addButton(button)
        self.side.setChecked(True)
        self._ways.buttonToggled.connect(self._on_split)
        self.share = QSlider(Qt.Orientation.Horizontal, accessibleName="Where the wipe stands")
        self.share.setToolTip("Where the line stands; it can be dragged in the picture too")
        self.share.setRange(0, SHARE_STEPS)
        self.share.setValue(SHARE_STEPS // 2)
        self.share.setFixedWidth(90)
        self.share.hide()
        self.share.valueChanged.connect(self._on_split)
        close = QToolButton(text="✕", objectName="flat", toolTip="Stop comparing", accessibleName="Stop comparing")
        close.clicked.connect(self.closed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 6, 4)
        layout.addWidget(QLabel("Compare with", objectName="quiet"))
        layout.addWidget(self.model, 1)
        layout.addWidget(self.snapshot)
        for widget in (self.side, self.wipe, self.share, close):
            layout.addWidget(widget)
        self._entries: list[zoo.ModelEntry] = []
        self._snapshots: list[zoo.ModelEntry] = []
        self.hide()

    @property
    def split(self) -> Split:
        way: Way = "wipe" if self.wipe.isChecked() else "side by side"
        return Split(way, self.share.value() / SHARE_STEPS)

    def offer(self, entries: list[zoo.ModelEntry]) -> None:
        """List the models that there are; the one chosen before stays so."""
        self._entries = entries
        name = self.model.currentText()
        self.model.clear()
        self.model.addItems([entry.name for entry in entries])
        self.model.setCurrentText(name)

    def select(self, entry: zoo.ModelEntry) -> None:
        """Show which model it is, and the snapshots of its run if it is one of a run."""
        self.model.setCurrentText(entry.name)
        self._snapshots = snapshots_of(entry)
        self.snapshot.clear()
        self.snapshot.addItems([f"step {int(e.path.stem):,}" for e in self._snapshots])
        self.snapshot.setVisible(len(self._snapshots) > 1)
        paths = [e.path for e in self._snapshots]
        if entry.path in paths:
            self.snapshot.setCurrentIndex(paths.index(entry.path))

    def move_share(self, share: float) -> None:
        """Put the wipe's line to where it was dragged."""
        self.share.setValue(round(share * SHARE_STEPS))

    @Slot(int)
    def _on_model(self, index: int) -> None:
        self.chosen.emit(self._entries[index])

    @Slot(int)
    def _on_snapshot(self, index: int) -> None:
        self.chosen.emit(self._snapshots[index])

    @Slot()
    def _on_split(self) -> None:
        self.share.setVisible(self.wipe.isChecked())
        self.split_changed.emit(self.split)


class Comparison(QObject):
    """Opens the second model, has it rendered with the first, and puts both on the canvas."""

    notice = Signal(str)
    news = Signal(str)
    redraw_wanted = Signal()
    is_on_changed = Signal(bool)

    def __init__(
        self,
        bar: CompareBar,
        canvas: Canvas,
        document: Document,
        thread: RenderThread,
        jobs: JobThread,
        device: torch.device,
    ) -> None:
        super().__init__(bar)
        self._device = device
        self._bar, self._canvas, self._document, self._thread, self._jobs = bar, canvas, document, thread, jobs
        self._renderer: Renderer | None = None
        self._label = ""
        self._wanted: OpenRequest | None = None
        bar.chosen.connect(self.open)
        bar.closed.connect(self.stop)
        bar.split_changed.connect(canvas.set_split)
        canvas.share_dragged.connect(bar.move_share)
        thread.second_ready.connect(self._on_frame)
        jobs.job_done.connect(self._on_job_done)
        document.subject_changed.connect(self._follow)

    @property
    def is_on(self) -> bool:
        return not self._bar.isHidden()

    def start(self, entries: list[zoo.ModelEntry], shown: zoo.ModelEntry | None) -> None:
        """Compare the model on show, `shown`, with another of `entries`, or with an earlier snapshot of its run."""
        others = [entry for entry in entries if shown is None or entry.path != shown.path]
        earlier = [] if shown is None else [entry for entry in snapshots_of(shown) if entry.path != shown.path]
        candidates = [*reversed(earlier), *others]
        if not candidates:
            self.is_on_changed.emit(False)
            self.notice.emit("There is no second model to compare with: open or train one first.")
            return
        self.start_with(entries, candidates[0])

    def start_with(self, entries: list[zoo.ModelEntry], entry: zoo.ModelEntry) -> None:
        """Compare with `entry`, one of `entries` or a snapshot of one."""
        self._bar.offer(entries)
        self._bar.show()
        self.is_on_changed.emit(True)
        self.open(entry)

    @Slot(object)
    def open(self, entry: zoo.ModelEntry) -> None:
        """Read a model in the job thread; until it is there the last one stays."""
        request = self._wanted = OpenRequest(entry)
        device = self._device
        self._bar.select(entry)
        self._jobs.submit("second", lambda: read_model(request, device), first=True)

    @Slot()
    def stop(self) -> None:
        """One picture again."""
        self._wanted = self._renderer = None
        self._thread.compare(None, _same)
        self._bar.hide()
        self._canvas.show_second(None)
        self.is_on_changed.emit(False)

    @Slot(object)
    def _on_job_done(self, result: JobResult) -> None:
        if result.name != "second" or result.error is not None or result.value.request is not self._wanted:
            return
        if isinstance(result.value, OpenFailed):
            self.notice.emit(f"Not compared: {result.value.error}")
            if self._renderer is None:
                self.stop()
            return
        opened: Opened = result.value
        self._renderer = opened.sight.renderer
        self._label = Subject(opened.entry.name, opened.checkpoint.generator.spec, snapshot=step_of(opened.entry)).label
        words = self._follow()
        if words:
            self.news.emit(f"{self._label}: {words}")
        self.redraw_wanted.emit()

    @Slot()
    def _follow(self) -> str:
        """Take latents over to the second model's space; returns what is lost on the way, in words."""
        subject, renderer = self._document.subject, self._renderer
        if renderer is None or subject is None:
            return ""
        spec = renderer.spec
        assert spec.prior is not None
        here, there = subject.space, LatentSpace(spec.z_dim, spec.prior)
        self._thread.compare(renderer, _same if here == there else _carrying(here, there))
        return "" if here == there else difference(here, there)

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        if self._renderer is not None:
            image = None if frame.pixels is None else to_qimage(frame.pixels)
            self._canvas.show_second(Second(self._label, image, frame.values, frame.error))


def step_of(entry: zoo.ModelEntry) -> int | None:
    """The step at which a run kept a model; None if it is of no run."""
    stem = entry.path.stem
    return int(stem) if folder_of(entry.path) is not None and stem.isdecimal() else None


def snapshots_of(entry: zoo.ModelEntry) -> list[zoo.ModelEntry]:
    """All snapshots of the run that a model is of, the oldest first; none if it is of no run."""
    run = folder_of(entry.path)
    if run is None:
        return []
    paths: list[Path] = sorted(path for path in entry.path.parent.glob("*.safetensors") if path.stem.isdecimal())
    return [dataclasses.replace(entry, path=path) for path in paths]


def _same(z: Tensor) -> Tensor:
    return z


def _carrying(here: LatentSpace, there: LatentSpace) -> Callable[[Tensor], Tensor]:
    return lambda z: carry(z[None], here, there)[0]
