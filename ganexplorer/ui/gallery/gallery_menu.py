"""What can be done with a picture of the gallery."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget
from torch import Tensor

from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.parts.latent_menu import add_latent_actions


def cell_menu(
    parent: QWidget,
    document: Document,
    z: Tensor,
    origin: str,
    has_seed: bool,
    is_starred: bool,
    toggle_stars: Callable[[list[Tensor]], None],
) -> QMenu:
    """A menu for a latent, (z_dim,), that deletes itself when closed.

    Parameters
    ----------
    origin
        Where it is from, in words: the name of its bookmark, and what is copied.
    has_seed
        Whether those words are enough to draw it again.
    """
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.addAction("Go there", lambda: document.leap(z))
    menu.addAction("Take the star away" if is_starred else "Star", lambda: toggle_stars([z]))
    menu.addSeparator()
    add_latent_actions(menu, document, z, origin)
    copy = menu.addAction("Copy seed and number", lambda: QGuiApplication.clipboard().setText(origin))
    copy.setEnabled(has_seed)
    return menu
