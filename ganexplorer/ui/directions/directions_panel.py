"""The named directions: a list of sliders along them, and what finds, saves and loads more of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAction,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ganexplorer.core.attributes import for_channels
from ganexplorer.core.direction_files import DIRECTIONS_FILE, save_directions
from ganexplorer.core.directions import Direction
from ganexplorer.core.errors import UserError
from ganexplorer.ui.directions import direction_finder
from ganexplorer.ui.directions.direction_finder import DirectionFinder, Find
from ganexplorer.ui.directions.direction_rows import DirectionDelegate, DirectionModel, joined
from ganexplorer.ui.directions.direction_view import DirectionView
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Studio

COUNT = 5  # of SeFa and of PCA
LOCAL_COUNT = 2
FILES = "Directions (*.json);;All files (*)"
EMPTY = (
    "A direction is a way through the latent space that changes one thing in the picture: "
    "how it slants, how bright it is. Find some, and each becomes a slider."
)


class DirectionsPanel(QWidget):
    """The sliders along named directions, above them what adds, loads and saves some."""

    notice = Signal(str)
    axis_wanted = Signal(object, int)  # Direction, 0 for the horizontal axis of drags and 1 for the vertical one

    def __init__(self, document: Document, studio: Studio, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.model = DirectionModel(document, self)
        self._delegate = DirectionDelegate(document, self.model, theme, self)
        self.view = DirectionView(document, self.model, self._delegate)
        self.view.axis_wanted.connect(self.axis_wanted)
        self.finder = DirectionFinder(studio, self)
        self.finder.notice.connect(self.notice)
        self.finder.found.connect(self._on_found)
        self.finder.activity.connect(self._on_activity)
        self._activity = ""
        self._channels: int | None = None  # that the menu is for
        self.menu = QMenu("Add", self, toolTipsVisible=True)
        self.between = QAction("A to B", self, toolTip="From what is kept as A to what is kept as B")
        self.starred = QAction("From stars", self, toolTip="Towards what you starred, away from other samples")
        self.between.triggered.connect(self.add_between)
        self.starred.triggered.connect(self.add_starred)
        self.add = self._add_button("Add", "Find directions, and add them to the list")
        self._state = QLabel(objectName="quiet")
        self._load = QToolButton(text="Load…", toolTip="Add the directions of a file")
        self._save = QToolButton(text="Save…", toolTip="Write all directions of the list to a file")
        self._load.clicked.connect(self.choose_and_load)
        self._save.clicked.connect(self.choose_and_save)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty_page())
        self._pages.addWidget(self.view)
        self._lay_out()
        document.subject_changed.connect(self._on_subject_changed)
        for signal in (document.directions_changed, document.slots_changed, document.stars_changed):
            signal.connect(self._show_state)
        self._on_subject_changed()

    def sizeHint(self) -> QSize:
        return QSize(340, 400)

    def set_theme(self, theme: Theme) -> None:
        self._delegate.set_theme(theme)
        self.view.viewport().update()

    # -- adding --------------------------------------------------------------------------------------------

    def add_found(self, directions: list[Direction]) -> bool:
        """Add directions that are not in the list yet, numbered where a name is used; whether there were any."""
        before = self._document.directions
        after = joined(before, directions)
        if len(after) > len(before):
            self._document.set_directions(after)
        return len(after) > len(before)

    @Slot()
    def add_between(self) -> None:
        a, b = self._document.a, self._document.b
        if a is not None and b is not None:
            self.finder.find("A to B", lambda sight: direction_finder.find_between(sight, a, b))

    @Slot()
    def add_starred(self) -> None:
        stars = self._document.stars
        if stars:
            self.finder.find("stars", lambda sight: direction_finder.find_starred(sight, stars))

    def _add_local(self) -> None:
        z = self._document.z
        self.finder.find("local", lambda sight: direction_finder.find_local(sight, z, LOCAL_COUNT))

    @Slot(object)
    def _on_found(self, directions: list[Direction]) -> None:
        first = self.model.rowCount()
        if self.add_found(directions):
            self.view.setCurrentIndex(self.model.index(first))
        elif directions:
            names = ", ".join(direction.name for direction in directions[:COUNT])
            self.notice.emit(f"{names}: in the list already, nothing was added.")
        else:
            self.notice.emit("There are no such directions in this model. Add others.")

    # -- files ---------------------------------------------------------------------------------------------

    @Slot()
    def choose_and_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the directions", DIRECTIONS_FILE, FILES)
        if path:
            self.save_to(path)

    @Slot()
    def choose_and_load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load directions", "", FILES)
        if path:
            self.load_from(path)

    def save_to(self, path: Path | str) -> None:
        """Write the list to a JSON file; at once, so that nothing is lost whatever comes next."""
        try:
            save_directions(path, self._document.directions, len(self._document.z))
        except UserError as error:
            self.notice.emit(str(error))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self.notice.emit(f"{path}: could not be written: {reason}. Choose another place.")

    def load_from(self, path: Path | str) -> None:
        """Add the directions of a JSON file, read in a thread."""
        name = Path(path).name
        self.finder.find(name, lambda sight: direction_finder.find_in_file(sight, str(path)))

    # -- parts ---------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(8, 4, 8, 4)
        head.setSpacing(4)
        head.addWidget(self._state, 1)
        for button in (self.add, self._load, self._save):
            head.addWidget(button)
        self._state.setMinimumWidth(1)  # a long file name must not widen the panel
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._pages, 1)

    def _empty_page(self) -> QWidget:
        page = QWidget()
        words = QLabel(EMPTY, objectName="quiet", wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self.add_first = self._add_button("Add directions", "Find directions, and add them to the list")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(24, 16, 24, 16)
        layout.setSpacing(12)
        layout.addStretch(1)
        layout.addWidget(words)
        layout.addWidget(self.add_first, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(2)
        return page

    def _add_button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, toolTip=tip, accessibleName=tip)
        button.setMenu(self.menu)
        return button

    def _fill_menu(self, channels: int) -> None:
        """What can be found in a model whose pictures have so many channels."""
        self.menu.clear()
        finds: list[tuple[str, str, Find]] = [
            (
                f"SeFa, {COUNT} strongest",
                "What the weights of the first layer pass on most strongly",
                lambda sight: direction_finder.find_sefa(sight, COUNT),
            ),
            (
                f"PCA of the first layer, {COUNT} strongest",
                "Along which the activations of the first layer vary most",
                lambda sight: direction_finder.find_pca(sight, COUNT),
            ),
        ]
        for text, tip, find in finds:
            action = self.menu.addAction(text, partial(self.finder.find, text.split()[0].rstrip(","), find))
            action.setToolTip(tip)
        local = self.menu.addAction("Local: what changes most right here", self._add_local)
        local.setToolTip("What changes the picture most right here (Jacobian)")
        self.menu.addSeparator()
        self.menu.addActions([self.between, self.starred])
        self.menu.addSection("Measured in samples")
        for attribute in for_channels(channels).values():
            action = self.menu.addAction(
                attribute.name.capitalize(),
                partial(
                    self.finder.find, attribute.name, partial(direction_finder.find_attribute, attribute=attribute)
                ),
            )
            action.setToolTip(f"What changes {attribute.words}")

    @Slot()
    def _on_subject_changed(self, _: object = None) -> None:
        subject = self._document.subject
        channels = subject.spec.image_shape[0] if subject is not None else None
        if channels is not None and channels != self._channels:
            self._fill_menu(channels)
        self._channels = channels or self._channels
        self._show_state()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_state()

    @Slot(str)
    def _on_activity(self, text: str) -> None:
        self._activity = text
        self._show_state()

    @Slot()
    def _show_state(self) -> None:
        has_model = self._document.subject is not None
        count = len(self._document.directions) if has_model else 0
        text = self._activity or (f"{count} direction{'s' * (count != 1)}" if count else "")
        self._state.setText(self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, self._state.width()))
        self._state.setToolTip(self._activity)
        self._pages.setCurrentIndex(1 if count else 0)
        for button in (self.add, self.add_first, self._load):
            button.setEnabled(has_model)
        self._save.setEnabled(count > 0)
        self.between.setEnabled(self._document.a is not None and self._document.b is not None)
        self.starred.setEnabled(bool(self._document.stars) if has_model else False)
