"""All views of the window and where they stand: the picture in the middle, the panels in docks around it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QMainWindow, QTabBar, QTabWidget, QVBoxLayout, QWidget
from shiboken6 import isValid

from ganexplorer.ui.basket.basket_panel import BasketPanel
from ganexplorer.ui.directions.directions_panel import DirectionsPanel
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.files.import_sheet import ImportSheet
from ganexplorer.ui.files.models_panel import ModelsPanel
from ganexplorer.ui.gallery.gallery_panel import GalleryPanel
from ganexplorer.ui.latent.latent_panel import LatentPanel
from ganexplorer.ui.memory.memory_panel import MemoryPanel
from ganexplorer.ui.morph.morph_panel import MorphPanel
from ganexplorer.ui.parts.notice_bar import NoticeBar
from ganexplorer.ui.picture.axis_bar import AxisBar
from ganexplorer.ui.picture.canvas import Canvas
from ganexplorer.ui.picture.comparing import CompareBar
from ganexplorer.ui.picture.move_tool import MoveTool
from ganexplorer.ui.picture.verdict_gauge import VerdictGauge
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.training.train_panel import TrainPanel
from ganexplorer.ui.work.studio import Studio

VERSION = 1  # of the panels and what they are called
LEFT_WIDTH, RIGHT_WIDTH = 340, 370
MODELS_HEIGHT, BOTTOM_HEIGHT = 130, 236  # of a window that is as high as its hint


class Panels:
    """Makes the views and lays them out in `window`. They know document and studio, and nothing of each other."""

    def __init__(
        self, window: QMainWindow, document: Document, studio: Studio, theme: Theme, runs_folder: Path, device: str
    ) -> None:
        self.canvas = Canvas(document, theme)
        self.move_tool = MoveTool(document, self.canvas, studio, theme)
        self.canvas.take(self.move_tool)
        self.axis_bar = AxisBar(self.move_tool)
        self.verdict = VerdictGauge(theme)
        self.compare_bar = CompareBar()
        self.notices = NoticeBar()
        self.sheet = ImportSheet()
        self.models = ModelsPanel()
        self.latent = LatentPanel(document, studio, theme)
        self.directions = DirectionsPanel(document, studio, theme)
        self.morph = MorphPanel(document, studio, theme)
        self.gallery = GalleryPanel(document, studio, theme)
        self.basket = BasketPanel(document, studio, theme)
        self.memory = MemoryPanel(document, studio, theme)
        self.train = TrainPanel(theme, runs_folder, device)
        self._window = window
        window.setCentralWidget(self._centre())
        self._docks = self._make_docks()
        self._size_docks()
        self._first_layout = self.state()
        for shortcut in self.morph.shortcuts:
            shortcut.setParent(window)  # else they would go with the panel when it floats or is closed

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        for view in (
            self.canvas,
            self.move_tool,
            self.verdict,
            self.latent,
            self.directions,
            self.morph,
            self.gallery,
            self.basket,
            self.memory,
            self.train,
        ):
            view.set_theme(theme)

    def _centre(self) -> QWidget:
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        # above the notices, which come and go: a field must not move under the pointer
        layout.addWidget(self.sheet)
        layout.addWidget(self.compare_bar)
        layout.addWidget(self.notices)
        layout.addWidget(self.canvas, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(0)
        foot.addWidget(self.axis_bar, 1)
        foot.addWidget(self.verdict)
        layout.addLayout(foot)
        return centre

    def _make_docks(self) -> dict[str, _Dock]:
        window = self._window
        left, right, bottom = (
            Qt.DockWidgetArea.LeftDockWidgetArea,
            Qt.DockWidgetArea.RightDockWidgetArea,
            Qt.DockWidgetArea.BottomDockWidgetArea,
        )
        options = QMainWindow.DockOption
        # grouped: else a panel without a title of its own could not be dragged out by its tab
        window.setDockOptions(options.AnimatedDocks | options.AllowTabbedDocks | options.GroupedDragging)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        window.setCorner(Qt.Corner.BottomLeftCorner, left)
        window.setCorner(Qt.Corner.BottomRightCorner, right)
        docks: dict[str, _Dock] = {}
        for area, *tabs in (
            (left, ("Models", self.models)),
            (left, ("Latent", self.latent), ("Directions", self.directions)),
            (right, ("Train", self.train)),
            (
                bottom,
                ("Morph", self.morph),
                ("Gallery", self.gallery),
                ("Basket", self.basket),
                ("Memory", self.memory),
            ),
        ):
            for title, panel in tabs:
                docks[title] = _dock(window, title, panel)
                window.addDockWidget(area, docks[title])
                if title != tabs[0][0]:
                    window.tabifyDockWidget(docks[tabs[0][0]], docks[title])
            docks[tabs[0][0]].raise_()
        _hide_stray_tabs(window)
        return docks

    def _size_docks(self) -> None:
        docks, window = self._docks, self._window
        window.resizeDocks([docks["Models"], docks["Latent"]], [MODELS_HEIGHT, 580], Qt.Orientation.Vertical)
        window.resizeDocks([docks["Latent"], docks["Train"]], [LEFT_WIDTH, RIGHT_WIDTH], Qt.Orientation.Horizontal)
        window.resizeDocks([docks["Morph"]], [BOTTOM_HEIGHT], Qt.Orientation.Vertical)

    @property
    def docks(self) -> list[QDockWidget]:
        return list(self._docks.values())

    def reset(self) -> None:
        """Show all panels, each at its first place and about its first size."""
        self.restore(self._first_layout)
        self._size_docks()

    def raise_floating(self) -> None:
        """Those that float, alone or in a group, were on the screen before the window was, which would hide them."""
        for floating in {dock.window() for dock in self._docks.values()} - {self._window}:
            floating.raise_()

    def state(self) -> QByteArray:
        """Where all panels are, how large, and which of them are shown."""
        return self._window.saveState(VERSION)

    def restore(self, state: QByteArray) -> None:
        """Put the panels where they were; a state of another version, or none at all, changes nothing."""
        self._window.restoreState(state, VERSION)
        _hide_stray_tabs(self._window)
        for dock in self._docks.values():
            dock.show_title()


def _hide_stray_tabs(window: QMainWindow) -> None:
    """Qt leaves a tab bar of the first two panels behind where it puts a second group together, and would show it."""
    bars = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    groups = [{bar.tabText(i) for i in range(bar.count())} for bar in bars]
    for bar, group in zip(bars, groups, strict=True):
        if any(group < other for other in groups):
            bar.hide()


def _dock(window: QMainWindow, title: str, panel: QWidget) -> _Dock:
    dock = _Dock(title, window)
    dock.setObjectName(title)
    dock.setWidget(panel)
    return dock


class _Dock(QDockWidget):
    """A panel whose title stands on its tab alone while it shares its place with others."""

    def __init__(self, title: str, window: QMainWindow) -> None:
        super().__init__(title, window)
        self._window = window
        self._empty = QWidget()
        self.topLevelChanged.connect(self.show_title)
        self.dockLocationChanged.connect(self.show_title)
        self.visibilityChanged.connect(self.show_title)

    def show_title(self) -> None:
        """Show it where it does not stand on a tab."""
        if not isValid(self._window):  # it is just being taken down
            return
        is_tabbed = not self.isFloating() and bool(self._window.tabifiedDockWidgets(self))
        bar = self._empty if is_tabbed else None
        if self.titleBarWidget() is not bar:
            self.setTitleBarWidget(bar)  # type: ignore[arg-type]  # None: Qt's own again
