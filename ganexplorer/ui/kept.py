"""What the window keeps from one start to the next: its place and size, how its panels lie, and its theme.

It is read before PyTorch is loaded, and so needs nothing but Qt. What is damaged is as if it were absent.
"""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QWidget

from ganexplorer.core.places import home_folder

THEMES = ("system", "dark", "light")


def _settings() -> QSettings:
    return QSettings(str(home_folder() / "window.ini"), QSettings.Format.IniFormat)


def theme() -> str:
    """One of `THEMES`: what was chosen in the window last."""
    name = _settings().value("theme")
    return name if name in THEMES else THEMES[0]


def keep_theme(name: str) -> None:
    _settings().setValue("theme", name)


def keep_layout(window: QWidget, panels: QByteArray) -> None:
    """Keep where the window stands, for which it must be on the screen, and how its panels lie."""
    settings = _settings()
    settings.setValue("geometry", window.saveGeometry())
    settings.setValue("panels", panels)


def restore_geometry(window: QWidget) -> None:
    """Give a window its place, its size, and whether it fills the screen; Qt sees that it is on one."""
    geometry = _settings().value("geometry")
    if isinstance(geometry, QByteArray):
        window.restoreGeometry(geometry)


def panels() -> QByteArray:
    """How the panels lay; empty where nothing is known of that."""
    panels = _settings().value("panels")
    return panels if isinstance(panels, QByteArray) else QByteArray()
