"""What can be done with any latent that a view shows: the same words and the same effects everywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtWidgets import QMenu
from torch import Tensor

from ganexplorer.core.errors import plain
from ganexplorer.core.state import Bookmark, Share
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.files.clipboard import copy_latent
from ganexplorer.ui.parts.panel_parts import MINUS

MAX_NAME = 60  # characters


def add_latent_actions(menu: QMenu, document: Document, z: Tensor, name: str | None = "") -> None:
    """Add the actions of a latent, (z_dim,), to its context menu. `name`: of its bookmark; None: it is one already."""
    menu.addAction("Keep as A", lambda: document.set_keys(z, document.state.middle, document.b))
    menu.addAction("Keep as B", lambda: document.set_keys(document.a, document.state.middle, z))
    menu.addAction("Add as key frame", lambda: document.add_key(z))
    menu.addSeparator()
    if name is not None:
        menu.addAction("Bookmark", lambda: add_bookmarks(document, [z], name))
    menu.addAction("Add to basket (+)", lambda: document.set_basket([*document.basket, Share(z, 1.0)]))
    menu.addAction(f"Subtract in basket ({MINUS})", lambda: document.set_basket([*document.basket, Share(z, -1.0)]))
    menu.addSeparator()
    menu.addAction("Copy latent", lambda: copy_latent(z))


def add_bookmarks(document: Document, latents: Sequence[Tensor], name: str = "") -> None:
    """Bookmark latents, (z_dim,) each: by their number among the bookmarks, or by a name of their own."""
    known = document.bookmarks
    name = plain(name, MAX_NAME).strip()
    if name and len(latents) > 1:
        names = [f"{name} {i}" for i in range(1, len(latents) + 1)]
    elif name:
        names = [name]
    else:
        taken = [int(found[1]) for b in known if (found := re.fullmatch(r"Bookmark ([0-9]{1,9})", b.name))]
        first = max(taken, default=0) + 1
        names = [f"Bookmark {first + i}" for i in range(len(latents))]
    document.set_bookmarks([*known, *(Bookmark(name, z) for name, z in zip(names, latents, strict=True))])
