"""The kept snapshots of a run on a line, and what can be done with one of them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ganexplorer.train.snapshots import Snapshot
from ganexplorer.ui.parts.panel_parts import QuietLabel, tool_button
from ganexplorer.ui.theme import Theme

MARGIN = 8  # pixels beside the line
TICK = 5  # half the height of a tick
KNOB = 6  # radius
PLAY_MILLISECONDS = 250  # a snapshot


class SnapshotLine(QWidget):
    """Snapshots as ticks, of which one is chosen by pointer, wheel or keys."""

    chosen = Signal(int)  # index

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._steps: list[int] = []
        self._index = -1
        self._kept: set[int] = set()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Snapshots of the run")

    @property
    def index(self) -> int:
        """Of the chosen snapshot; -1: none."""
        return self._index

    def sizeHint(self) -> QSize:
        return QSize(160, 26)

    def show_steps(self, steps: Sequence[int], kept: set[int]) -> None:
        """Show the snapshots of these steps, in order; `kept` ones have a larger tick. The chosen one stays so."""
        chosen = self._steps[self._index] if self._index >= 0 else None
        self._steps, self._kept = list(steps), kept
        self._index = self._steps.index(chosen) if chosen in self._steps else -1
        self.setEnabled(bool(self._steps))
        self.update()

    def choose(self, index: int) -> None:
        """Choose a snapshot by its number; -1: none. Says nothing."""
        self._index = index
        self.update()

    def choose_nearest(self, step: int) -> None:
        """Choose the snapshot closest to a step, as by the pointer."""
        if self._steps:
            self.pick(min(range(len(self._steps)), key=lambda index: abs(self._steps[index] - step)))

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.update()

    def x_of(self, index: int) -> float:
        """Where the tick of a snapshot stands."""
        first, last = self._steps[0], self._steps[-1]
        share = (self._steps[index] - first) / (last - first) if last > first else 0.5
        return MARGIN + share * (self.width() - 2 * MARGIN)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.track))
        painter.drawRoundedRect(QRectF(MARGIN, middle - 1.5, self.width() - 2 * MARGIN, 3), 1.5, 1.5)
        for index, step in enumerate(self._steps):
            is_kept = step in self._kept
            painter.setPen(QPen(QColor(self._theme.accent if is_kept else self._theme.quiet), 2 if is_kept else 1))
            x, half = self.x_of(index), TICK + 2 * is_kept
            painter.drawLine(QPointF(x, middle - half), QPointF(x, middle + half))
        if self._index >= 0:
            painter.setPen(QPen(QColor(self._theme.surface), 2))
            painter.setBrush(QColor(self._theme.accent))
            painter.drawEllipse(QPointF(self.x_of(self._index), middle), KNOB, KNOB)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._theme.accent), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._steps:
            self.pick(self._nearest(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._steps:
            return
        nearest = self._nearest(event.position().x())
        kept = ", kept" if self._steps[nearest] in self._kept else ""
        self.setToolTip(f"Snapshot of step {self._steps[nearest]:,}{kept}")
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.pick(nearest)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus() and event.angleDelta().y():  # a person who scrolls the panel means the panel
            self.pick(self._index + (1 if event.angleDelta().y() < 0 else -1))
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._steps) - 1
        moves = {
            Qt.Key.Key_Left: self._index - 1 if self._index >= 0 else last,
            Qt.Key.Key_Right: self._index + 1,
            Qt.Key.Key_PageUp: self._index - 10,
            Qt.Key.Key_PageDown: self._index + 10,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        if event.key() in moves:
            self.pick(moves[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def _nearest(self, x: float) -> int:
        return min(range(len(self._steps)), key=lambda index: abs(self.x_of(index) - x))

    def pick(self, index: int) -> None:
        """Choose a snapshot, or the nearest there is, and say so."""
        index = max(0, min(index, len(self._steps) - 1))
        if self._steps and index != self._index:
            self.choose(index)
            self.chosen.emit(index)


class Timeline(QWidget):
    """Scrub through the snapshots of a run; roll back to one, branch off from it, film how the samples grew."""

    chosen = Signal(object)  # Snapshot to look at; None: none any more
    roll_back_wanted = Signal(int)  # step
    fork_wanted = Signal(int)  # step
    keep_wanted = Signal()
    film_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._snapshots: list[Snapshot] = []
        self.line = SnapshotLine(theme)
        self.words = QuietLabel()
        self.now = tool_button("Leave", "Look at no snapshot any more: back to the model that was open", self.go_back)
        self.play = tool_button("Play", "Go through the snapshots under the present latent, from the first to the last")
        self.play.setCheckable(True)
        self.roll_back = tool_button(
            "Roll back", "Train on from this snapshot at once; what came later is set aside in the run's folder",
            lambda: self.roll_back_wanted.emit(self._step()),
        )  # fmt: skip
        self.fork = tool_button(
            "Fork", "Train a new run from this snapshot at once; this one stays as it is",
            lambda: self.fork_wanted.emit(self._step()),
        )  # fmt: skip
        self.keep = tool_button("Keep", "Save a snapshot now that is never thinned out", self.keep_wanted.emit)
        self.film = tool_button("Film…", "How the fixed samples grew: GIF, MP4 or a sheet", self.film_wanted.emit)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for button in (self.now, self.play, self.roll_back, self.fork):
            buttons.addWidget(button)
        buttons.addStretch(1)
        said = QHBoxLayout()
        said.setSpacing(4)
        said.addWidget(self.words, 1)
        said.addWidget(self.keep)
        said.addWidget(self.film)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.line)
        layout.addLayout(said)
        layout.addLayout(buttons)
        self._player = QTimer(self, interval=PLAY_MILLISECONDS)
        self._player.timeout.connect(self._on_tick)
        self.play.toggled.connect(self._on_play_toggled)
        self.line.chosen.connect(self._on_chosen)
        self._is_training = False
        self.show_snapshots([], set())

    @property
    def snapshots(self) -> Sequence[Snapshot]:
        """All on show, in order."""
        return self._snapshots

    @property
    def snapshot(self) -> Snapshot | None:
        """The one that is looked at."""
        return self._snapshots[self.line.index] if self.line.index >= 0 else None

    def show_snapshots(self, snapshots: Sequence[Snapshot], kept: set[int]) -> None:
        """Show these, in order of their steps; the one that is looked at stays so while it is there."""
        was_chosen = self.snapshot is not None
        self._snapshots = list(snapshots)
        self.line.show_steps([snapshot.step for snapshot in snapshots], kept)
        self._refresh()
        if was_chosen and self.snapshot is None:  # it was thinned out
            self.chosen.emit(None)

    def show_training(self, is_training: bool) -> None:
        """Whether a run is going on, of which a snapshot can be kept."""
        self._is_training = is_training
        self._refresh()

    def leave(self) -> None:
        """No snapshot is looked at any more; says nothing."""
        self.play.setChecked(False)
        self.line.choose(-1)
        self._refresh()

    def choose_nearest(self, step: int) -> None:
        """Look at the snapshot that is closest to a step."""
        self.line.choose_nearest(step)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.line.set_theme(theme)

    def go_back(self) -> None:
        """Look at no snapshot any more, and say so."""
        if self.snapshot is not None:
            self.leave()
            self.chosen.emit(None)

    def _step(self) -> int:
        assert self.snapshot is not None  # the buttons are off without one
        return self.snapshot.step

    @Slot(bool)
    def _on_play_toggled(self, is_on: bool) -> None:
        if not is_on:
            self._player.stop()
            return
        if self.line.index in (-1, len(self._snapshots) - 1):
            self.line.pick(0)
        self._player.start()

    @Slot()
    def _on_tick(self) -> None:
        self.line.pick(self.line.index + 1)
        if self.line.index >= len(self._snapshots) - 1:
            self.play.setChecked(False)

    @Slot(int)
    def _on_chosen(self, index: int) -> None:
        self._refresh()
        self.chosen.emit(self._snapshots[index])

    def _refresh(self) -> None:
        snapshot, count = self.snapshot, len(self._snapshots)
        can_branch = snapshot is not None and snapshot.has_state
        self.now.setEnabled(snapshot is not None)
        self.roll_back.setEnabled(can_branch)
        self.fork.setEnabled(can_branch)
        self.keep.setEnabled(self._is_training)
        self.film.setEnabled(count > 0)
        self.play.setEnabled(count > 1)
        if snapshot is not None:
            self.words.setText(f"Step {snapshot.step:,}: snapshot {self.line.index + 1} of {count}")
        elif count == 1:
            self.words.setText(f"1 snapshot, step {self._snapshots[0].step:,}")
        elif count:
            self.words.setText(f"{count} snapshots, steps {self._snapshots[0].step:,} to {self._snapshots[-1].step:,}")
        else:
            self.words.setText("Snapshots appear here")
