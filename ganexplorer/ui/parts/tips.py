"""Tooltips of texts that are not ours, such as the names of files."""

from __future__ import annotations

import html

from PySide6.QtGui import Qt


def plain_tip(text: str) -> str:
    """A tooltip that shows `text` as it is; Qt would take what looks like HTML for that, pictures and links too."""
    return f"<span>{html.escape(text)}</span>" if Qt.mightBeRichText(text) else text
