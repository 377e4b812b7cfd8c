"""The buttons that steer a run: start, pause, single steps, stop, resume."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QToolButton, QWidget

from ganexplorer.train.events import Networks

STEPS: dict[Networks, str] = {"both": "Both networks", "d": "D only", "g": "G only"}


class RunState(Enum):
    """What the run of the panel is doing."""

    IDLE = auto()
    STARTING = auto()  # data is read, or an earlier run ends first
    RUNNING = auto()
    PAUSED = auto()
    WAITING = auto()  # until its folder can be written
    STOPPING = auto()


class RunControls(QWidget):
    """One row of buttons, of which those that can do something now are on."""

    start_wanted = Signal()
    pause_wanted = Signal()
    continue_wanted = Signal()
    step_wanted = Signal(str)  # Networks
    stop_wanted = Signal()
    resume_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.start = QPushButton("Start", objectName="primary")
        self.start.setToolTip("Start a new run of this recipe on this data")
        self.pause = QPushButton("Pause")
        self.pause.setToolTip("Wait before the next step; nothing is lost")
        self.go_on = QPushButton("Continue", objectName="primary")
        self.go_on.setToolTip("Go on after the pause")
        self.step = QToolButton(text="Step")
        self.step.setToolTip("While paused: one step of both networks, or of one of them alone")
        self.step.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.step.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.step.setAccessibleName("Take one step")
        menu = QMenu(self.step)
        for networks, text in STEPS.items():
            action = menu.addAction(text)
            action.setData(networks)
        menu.triggered.connect(self._on_step_chosen)
        self.step.setMenu(menu)
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("Save and end; the run can be resumed")
        self.resume = QPushButton("Resume")
        self.resume.setToolTip("Go on with the run that is shown here, exactly where it stood")
        self.explore = QPushButton("Explore this", objectName="explore", checkable=True)
        self.explore.setToolTip("The big picture shows the generator in training; the sliders stay live")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        stretches = {self.start: 2, self.pause: 2, self.go_on: 2, self.step: 0, self.stop: 1, self.resume: 1}
        for button, stretch in {**stretches, self.explore: 2}.items():
            layout.addWidget(button, stretch)
        self.start.clicked.connect(self.start_wanted)
        self.pause.clicked.connect(self.pause_wanted)
        self.go_on.clicked.connect(self.continue_wanted)
        self.stop.clicked.connect(self.stop_wanted)
        self.resume.clicked.connect(self.resume_wanted)
        self._can_resume = False
        self.show_state(RunState.IDLE)

    @property
    def state(self) -> RunState:
        """What `show_state` said last."""
        return self._state

    def show_state(self, state: RunState) -> None:
        """Offer what can be done in this state."""
        self._state = state
        had_focus = self.focusWidget() if self.isAncestorOf(self.focusWidget() or self) else None
        is_idle, is_paused = state is RunState.IDLE, state is RunState.PAUSED
        self.start.setVisible(is_idle or state is RunState.STARTING)
        self.start.setEnabled(is_idle)
        self.pause.setVisible(state in (RunState.RUNNING, RunState.WAITING, RunState.STOPPING))
        self.pause.setEnabled(state is RunState.RUNNING)
        self.go_on.setVisible(is_paused)
        self.step.setEnabled(is_paused)
        self.stop.setVisible(not is_idle)
        self.stop.setEnabled(state is not RunState.STOPPING)
        self.resume.setVisible(is_idle)
        self.resume.setEnabled(is_idle and self._can_resume)
        self.explore.setEnabled(not is_idle and state is not RunState.STARTING)
        if had_focus is not None and had_focus.isHidden():  # the key that was pressed stays in hand
            (self.go_on if is_paused else self.pause if state is RunState.RUNNING else self.start).setFocus()

    @Slot(object)
    def _on_step_chosen(self, action: QAction) -> None:
        self.step_wanted.emit(action.data())

    def offer_resume(self, can_resume: bool) -> None:
        """Whether there is a run to go on with."""
        self._can_resume = can_resume
        self.show_state(self._state)
