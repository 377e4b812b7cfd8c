"""What the window keeps from one start to the next: its place and size, how its panels lie, and its theme.

It is read before PyTorch is loaded, and so needs nothing but Qt. What is damaged, or of another version of Qt, which
alone knows what it means, is as if it were absent: Qt itself crashes on some damaged layouts.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, qVersion
from PySide6.QtWidgets import QWidget

from ganexplorer.core.errors import UserError
from ganexplorer.core.files import atomic_write, read_small
from ganexplorer.core.places import home_folder

THEMES = ("system", "dark", "light")
MAX_BYTES = 2**20
_LAYOUT = ("geometry", "panels")


def kept_file() -> Path:
    return home_folder() / "window.json"


def read_theme() -> str:
    """One of `THEMES`: what was chosen in the window last."""
    name = _read().get("theme")
    return name if name in THEMES else THEMES[0]


def keep_theme(name: str) -> None:
    _write(_read() | {"theme": name})


def keep_layout(window: QWidget, panels: QByteArray) -> None:
    """Keep where the window stands, for which it must be on the screen, and how its panels lie."""
    layout = {
        name: base64.b64encode(values.data()).decode()
        for name, values in zip(_LAYOUT, (window.saveGeometry(), panels), strict=True)
    }
    _write(_read() | layout | {"check": _check(layout)})


def restore_geometry(window: QWidget) -> None:
    """Give a window its place, its size, and whether it fills the screen; Qt moves it onto a screen that exists."""
    geometry = _layout("geometry")
    if not geometry.isEmpty():
        window.restoreGeometry(geometry)


def read_panels() -> QByteArray:
    """How the panels lay; empty where nothing is known of that."""
    return _layout("panels")


def _layout(name: str) -> QByteArray:
    values = _read()
    layout = {name: values.get(name) for name in _LAYOUT}
    text = layout[name]
    if not isinstance(text, str) or values.get("check") != _check(layout):
        return QByteArray()
    return QByteArray(base64.b64decode(text))


def _check(layout: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([qVersion(), layout], sort_keys=True).encode()).hexdigest()


def _read() -> dict[str, Any]:
    try:
        values = json.loads(read_small(kept_file(), MAX_BYTES))
    except (UserError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _write(values: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # a folder that cannot be written must not keep a window from closing
        kept_file().parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(kept_file()) as file:
            file.write(json.dumps(values, indent=2).encode())
