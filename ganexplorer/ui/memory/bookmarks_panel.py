"""Latents that a person keeps by name."""

from __future__ import annotations

from pathlib import Path

import torch
from PySide6.QtCore import QItemSelectionModel, QSize, Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget
from torch import Tensor

from ganexplorer.core.state import Bookmark
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.files.clipboard import copy_latent
from ganexplorer.ui.memory.bookmark_rows import THUMBNAIL, BookmarkDelegate, BookmarkModel
from ganexplorer.ui.memory.bookmarks_view import BookmarksView
from ganexplorer.ui.parts.latent_menu import add_bookmarks, add_latent_actions
from ganexplorer.ui.parts.panel_parts import tool_button
from ganexplorer.ui.parts.small_looks import side_of
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Studio

FILTER = "Latents (*.npy)"


class BookmarksPanel(QWidget):
    """A button that bookmarks what is on show, a menu of files, and the list."""

    notice = Signal(str)
    export_wanted = Signal(str, object)  # path, latents (N, z_dim): to be written in another thread
    import_wanted = Signal(str)  # path: its latents are to be read, and become bookmarks

    def __init__(self, document: Document, studio: Studio, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.model = BookmarkModel(document, self)
        self._delegate = BookmarkDelegate(self.model, studio, theme, self)
        self.view = BookmarksView(self.model, self._delegate, self)
        self.keep = tool_button("+ Bookmark", "Bookmark the latent on show (Ctrl+D)", self.bookmark)
        self.more = QToolButton(text="Files", toolTip="Bookmarks from and to files of numbers (.npy)")
        self.more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.more)
        menu.addAction("Import .npy…", self.choose_import)
        self._export_all = menu.addAction("Export all as .npy…", lambda: self.choose_export(self.model.bookmarks))
        self.more.setMenu(menu)
        head = QHBoxLayout()
        head.setContentsMargins(4, 4, 4, 4)
        head.setSpacing(4)
        head.addWidget(self.keep)
        head.addStretch(1)
        head.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.view, 1)
        self.setFocusProxy(self.view)
        self.view.commands = {
            "Return": self.go,
            "Enter": self.go,
            "Del": self.remove,
            "Backspace": self.remove,
            "Alt+Up": lambda: self.shift(-1),
            "Alt+Down": lambda: self.shift(1),
            "Ctrl+C": self.copy,
        }
        self.view.chosen.connect(self.go_to)
        self.view.moved.connect(self.move_to)
        self.view.menu_wanted.connect(lambda row, point: self.menu(row).popup(point))
        self._row = -1  # that was current before the model was reset
        self.model.modelAboutToBeReset.connect(self._note_row)
        self.model.modelReset.connect(self._on_reset)
        document.subject_changed.connect(self._on_model_changed)
        studio.changed.connect(self._on_model_changed)
        studio.arrived.connect(self.view.viewport().update)
        self._on_reset()
        self._on_model_changed()

    def sizeHint(self) -> QSize:
        return QSize(180, 200)

    def minimumSizeHint(self) -> QSize:
        return QSize(150, 2 * THUMBNAIL + 16)

    def set_theme(self, theme: Theme) -> None:
        self._delegate.theme = theme
        self.view.viewport().update()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._on_model_changed()  # perhaps another screen

    # -- what can be done ----------------------------------------------------------------------------------

    @Slot()
    def bookmark(self) -> None:
        """Bookmark the latent on show."""
        if self._document.subject is not None:
            add_bookmarks(self._document, [self._document.z])
            self._select(self.model.rowCount() - 1)

    @Slot(int)
    def go_to(self, row: int) -> None:
        self._document.leap(self.model.bookmarks[row].z)

    def go(self) -> None:
        """Go to the selected one."""
        if self._has_row:
            self.go_to(self._current)

    def copy(self) -> None:
        if self._has_row:
            copy_latent(self.model.bookmarks[self._current].z)

    def remove(self) -> None:
        """Remove the selected one; the next one is selected."""
        if self._has_row:
            row, bookmarks = self._current, list(self.model.bookmarks)
            del bookmarks[row]
            self._document.set_bookmarks(bookmarks)

    def shift(self, down: int) -> None:
        """Move the selected one."""
        if self._has_row:
            self.move_to(self._current, self._current + down)

    @Slot(int, int)
    def move_to(self, row: int, goal: int) -> None:
        """Give the bookmark of a row another one, if there is that."""
        bookmarks = list(self.model.bookmarks)
        if 0 <= goal < len(bookmarks) and goal != row:
            bookmarks.insert(goal, bookmarks.pop(row))
            self._document.set_bookmarks(bookmarks)
            self._select(goal)

    def menu(self, row: int) -> QMenu:
        """What can be done with a bookmark; it deletes itself when closed."""
        bookmark = self.model.bookmarks[row]
        self._select(row)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Go there", lambda: self._document.leap(bookmark.z))
        menu.addAction("Rename", lambda: self.view.edit(self.view.currentIndex()))
        menu.addSeparator()
        add_latent_actions(menu, self._document, bookmark.z, name=None)
        menu.addAction("Export as .npy…", lambda: self.choose_export([bookmark]))
        menu.addSeparator()
        menu.addAction("Remove", self.remove)
        return menu

    @Slot()
    def choose_import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Import latents", "", FILTER)
        if path:
            self.import_wanted.emit(path)

    def choose_export(self, bookmarks: list[Bookmark]) -> None:
        """Ask where to, then have the latents written; more than one in one file, row by row."""
        if not bookmarks:
            self.notice.emit("There are no bookmarks to export.")
            return
        latents: Tensor = torch.stack([bookmark.z for bookmark in bookmarks])
        name = "bookmarks" if len(bookmarks) > 1 else _file_name(bookmarks[0].name)
        path, _ = QFileDialog.getSaveFileName(self, "Export latents", f"{name}.npy", FILTER)
        if path:
            self.export_wanted.emit(path, latents)

    # -- the row in hand -----------------------------------------------------------------------------------

    @property
    def _current(self) -> int:
        return self.view.currentIndex().row()

    @property
    def _has_row(self) -> bool:
        return 0 <= self._current < self.model.rowCount()

    def _select(self, row: int) -> None:
        index = self.model.index(row)
        self.view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.view.scrollTo(index)

    @Slot()
    def _note_row(self) -> None:
        self._row = self._current

    @Slot()
    def _on_reset(self) -> None:
        count = self.model.rowCount()
        self._export_all.setEnabled(count > 0)
        if count:
            self._select(min(max(self._row, 0), count - 1))

    @Slot()
    def _on_model_changed(self) -> None:
        """Bookmarks of another z_dim, perhaps; pictures of another size. In training the same, again and again."""
        subject = self._document.subject
        self.keep.setEnabled(subject is not None)
        self.more.setEnabled(subject is not None)
        if subject is not None:
            self.model.refresh()
            side = side_of(subject.spec.image_shape, THUMBNAIL, self.devicePixelRatioF())
            if side != self._delegate.side:
                self._delegate.side = side
                self.view.scheduleDelayedItemsLayout()
        self.view.viewport().update()


def _file_name(name: str) -> str:
    """A name that is one of a file on every system."""
    return Path("".join(c if c.isalnum() or c in " -_.,()" else "-" for c in name)).name.strip(" .") or "bookmark"
