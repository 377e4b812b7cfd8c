"""The files a person opened last, kept from one start to the next and shared by all windows."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QMenu, QWidget

from ganexplorer.core.files import FileError, atomic_write, read_small
from ganexplorer.core.places import home_folder
from ganexplorer.ui.parts.tips import plain_tip

LENGTH = 10
TEXT_WIDTH = 420  # pixels of a path in the menu
MAX_BYTES = 1024**2
MAX_PATH = 4096  # bytes


def recent_file() -> Path:
    """Where the list is kept."""
    return home_folder() / "recent.json"


def read() -> list[Path]:
    """Files and folders, the newest first; empty where the list is absent or damaged."""
    try:
        values = json.loads(read_small(recent_file(), MAX_BYTES))
    except (FileError, ValueError, RecursionError):
        return []
    if not isinstance(values, list):
        return []
    return [Path(value) for value in values if _is_possible(value)][:LENGTH]


def _is_possible(value: object) -> bool:
    """Whether it can be a path, which is no text without end and has no half characters."""
    try:
        return isinstance(value, str) and 0 < len(os.fsencode(value)) <= MAX_PATH and "\0" not in value
    except UnicodeEncodeError:
        return False


def remember(path: Path) -> None:
    """Put a path in front."""
    path = path.absolute()
    _write([path, *(known for known in read() if known != path)][:LENGTH])


def forget(path: Path) -> None:
    _write([known for known in read() if known != path])


def clear() -> None:
    _write([])


def _write(paths: list[Path]) -> None:
    with contextlib.suppress(OSError):  # a folder that cannot be written must not keep a model from opening
        recent_file().parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(recent_file()) as file:
            file.write(json.dumps([str(path) for path in paths], indent=2).encode())


class RecentMenu(QMenu):
    """A submenu of the recent files, made anew each time it opens: another window may have added some."""

    chosen = Signal(object)  # str, a path: as Signal(str) it would lose bytes that are no UTF-8
    missing = Signal(str)  # a sentence: what was chosen is not there

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Open &recent", parent)
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)
        self.fill()

    @Slot()
    def fill(self) -> None:
        self.clear()
        paths = read()
        for number, path in enumerate(paths, 1):
            action = self.addAction(f"&{number % 10}  {self._shown(path)}")
            action.setToolTip(plain_tip(_text(path)))
            action.triggered.connect(lambda _=False, path=path: self._choose(path))
        if not paths:
            self.addAction("No files yet").setEnabled(False)
        self.addSeparator()
        self.addAction("&Clear", clear).setEnabled(bool(paths))

    def _choose(self, path: Path) -> None:
        if _is_missing(path):
            forget(path)
            self.missing.emit(f"{_text(path)} is not there any more. It was taken off the list of recent files.")
        else:
            self.chosen.emit(str(path))

    def _shown(self, path: Path) -> str:
        """The path in a width that fits, from ~ on where it is below the home folder."""
        with contextlib.suppress(ValueError, RuntimeError):
            path = "~" / path.relative_to(Path.home())
        text = self.fontMetrics().elidedText(_text(path), Qt.TextElideMode.ElideMiddle, TEXT_WIDTH)
        return text.replace("&", "&&")


def _text(path: Path) -> str:
    """A path for the screen: bytes that are no UTF-8 are shown as such."""
    return str(path).encode(errors="replace").decode()


def _is_missing(path: Path) -> bool:
    """Not so where a folder refuses to tell: opening says why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
