"""The menu bar and the toolbar. A command that stands in both is one action."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QDockWidget, QMainWindow, QToolBar

from ganexplorer.ui.files.recent import RecentMenu

Keys = QKeySequence.StandardKey


class Commands:
    """The actions of the window; who puts them into effect connects to `triggered`."""

    def __init__(self, window: QMainWindow) -> None:
        self.open = _action(window, "&Open…", "Open a model file", Keys.Open)
        self.open_run = _action(window, "Open r&un…", "Open a run folder; one that is being trained is followed", "")
        self.reload = _action(window, "Re&load", "Read the open model's file again", "F5")
        self.save_picture = _action(window, "&Save picture…", "Save the picture as PNG", Keys.Save)
        self.save_model = _action(
            window, "Save &model…", "Write the open model as a file of ganexplorer's own", Keys.SaveAs
        )
        self.save_session = _action(
            window, "Sa&ve session…", "Write model, latents, history and all that was kept to one file", "Ctrl+Alt+S"
        )
        self.compare = _action(window, "&Compare…", "Another model, or another snapshot, under the same latent", "F8")
        self.compare.setCheckable(True)
        self.show_sheet = _action(window, "&Import sheet", "What was assumed about the open file", "F6")
        self.reopen_session = _action(
            window,
            "Reopen last sess&ion",
            "Go on where a window was closed, or a session opened over it, last",
            "Ctrl+Shift+T",
        )
        self.reset_panels = _action(window, "Rese&t panels", "Put all panels back where they were at first", "")
        self.themes = QActionGroup(window)
        for name, text in (("system", "As the &system"), ("dark", "&Dark"), ("light", "&Light")):
            choice = self.themes.addAction(text)
            choice.setData(name)
            choice.setCheckable(True)
        self.show_theme("system")
        self.quit = _action(window, "&Quit", "Close the window", "Ctrl+Q")
        self.undo = _action(window, "&Undo", "Undo", Keys.Undo)
        self.redo = _action(window, "&Redo", "Redo", Keys.Redo)
        self.random = _action(window, "Ra&ndom", "A new sample from the prior (R)", "R")
        self.zero = _action(window, "&Zero", "The centre of the prior (0)", "0")
        self.copy = _action(window, "&Copy latent", "Copy z as text", Keys.Copy)
        self.paste = _action(window, "&Paste latent", "Go to the z that was copied, or open the file", Keys.Paste)
        self.bookmark = _action(window, "&Bookmark", "Keep the sample under a name", "Ctrl+D")
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)
        for action in (self.reload, self.save_model, self.show_sheet):  # until a model is open
            action.setEnabled(False)
        self.undo.setEnabled(False)
        self.redo.setEnabled(False)

    def show_theme(self, name: str) -> None:
        """Tick the theme of this name: ``system``, ``dark`` or ``light``."""
        for action in self.themes.actions():
            action.setChecked(action.data() == name)


def add_menu_bar(window: QMainWindow, commands: Commands, recent: RecentMenu, docks: Sequence[QDockWidget]) -> None:
    """File, Edit and View; the latter shows, hides and resets the panels, and chooses the colours."""
    file = window.menuBar().addMenu("&File")
    file.addActions([commands.open, commands.open_run])
    file.addMenu(recent)
    file.addActions([commands.reopen_session, commands.reload])
    file.addSeparator()
    file.addActions([commands.save_picture, commands.save_session, commands.save_model])
    file.addSeparator()
    file.addAction(commands.quit)
    edit = window.menuBar().addMenu("&Edit")
    edit.addActions([commands.undo, commands.redo])
    edit.addSeparator()
    edit.addActions([commands.copy, commands.paste, commands.bookmark])
    edit.addSeparator()
    edit.addActions([commands.random, commands.zero])
    view = window.menuBar().addMenu("&View")
    for dock in docks:
        toggle = dock.toggleViewAction()
        toggle.setToolTip(f"Show or hide the panel {dock.windowTitle()}")
        view.addAction(toggle)
    view.addSeparator()
    view.addAction(commands.reset_panels)
    view.addMenu("T&heme").addActions(commands.themes.actions())
    view.addSeparator()
    view.addActions([commands.compare, commands.show_sheet])


def add_toolbar(window: QMainWindow, commands: Commands) -> None:
    bar = QToolBar("Main", window, objectName="Main", movable=False)
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    window.addToolBar(bar)
    bar.addActions([commands.open, commands.save_picture])
    bar.addSeparator()
    bar.addActions([commands.random, commands.zero, commands.undo, commands.redo])


def _action(window: QMainWindow, text: str, tip: str, key: QKeySequence.StandardKey | str) -> QAction:
    action = QAction(text, window)
    action.setShortcuts(key if isinstance(key, QKeySequence.StandardKey) else [QKeySequence(key)])
    action.setToolTip(tip)
    return action
