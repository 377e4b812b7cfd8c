"""What can be done with a picture of the gallery."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget
from torch import Tensor

from ganexplorer.core.state import Bookmark, Share
from ganexplorer.ui.document import Document
from ganexplorer.ui.panel_parts import MINUS


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
    state = document.state
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.addAction("Go there", lambda: document.leap(z))
    menu.addSeparator()
    menu.addAction("Keep as A", lambda: document.set_keys(z, state.middle, state.b))
    menu.addAction("Keep as B", lambda: document.set_keys(state.a, state.middle, z))
    menu.addAction("Add as key frame", lambda: document.add_key(z))
    menu.addSeparator()
    menu.addAction("Take the star away" if is_starred else "Star", lambda: toggle_stars([z]))
    menu.addAction("Add to basket (+)", lambda: document.set_basket([*document.basket, Share(z, 1.0)]))
    menu.addAction(f"Subtract in basket ({MINUS})", lambda: document.set_basket([*document.basket, Share(z, -1.0)]))
    menu.addAction("Bookmark", lambda: document.set_bookmarks([*document.bookmarks, Bookmark(origin, z)]))
    menu.addSeparator()
    copy = menu.addAction("Copy seed number", lambda: QGuiApplication.clipboard().setText(origin))
    copy.setEnabled(has_seed)
    return menu
