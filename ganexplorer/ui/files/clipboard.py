"""Copying and pasting latents."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication
from torch import Tensor

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent_text import MAX_TEXT, from_text, to_text
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.files.dropping import local_files


def copy_latent(z: Tensor) -> None:
    """Put z, (z_dim,), on the clipboard as text, from which it comes back bit for bit."""
    QGuiApplication.clipboard().setText(to_text(z))


def paste_latent(document: Document, mime: QMimeData | None = None) -> None:
    """Go to the latent that the clipboard, or `mime`, holds as text.

    Raises
    ------
    UserError
        No model is on show, no text, or none that is a latent of the model.
    """
    if document.subject is None:
        raise UserError("There is no model on show to paste a latent into. Open one first.")
    mime = mime or _on_clipboard()
    if not mime.hasText():
        raise UserError("The clipboard holds no latent. Copy one as numbers, or a .npy file of it.")
    document.leap(from_text(mime.text()[: MAX_TEXT + 1], len(document.z)))


class LatentClipboard(QObject):
    """What Copy and Paste of the window do while no text field has the focus."""

    notice = Signal(str)  # why nothing could be pasted
    news = Signal(str)
    file_pasted = Signal(str)  # path of a file or folder that was copied: to be opened as if it had been dropped

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document

    @Slot()
    def copy(self) -> None:
        """Copy the latent on show."""
        if self._document.subject is None:
            self.notice.emit("There is no model on show, and so no latent to copy.")
            return
        copy_latent(self._document.z)
        count = len(self._document.z)
        self.news.emit(f"Copied the latent: {count} number{'s' * (count != 1)}.")

    @Slot()
    def paste(self) -> None:
        """Go to the latent that was copied, or open the file that was."""
        mime = _on_clipboard()
        files = local_files(mime)
        if len(files) > 1:
            self.notice.emit(f"{len(files)} files were copied, and one alone can be pasted.")
        elif files:
            self.file_pasted.emit(files[0])
        else:
            try:
                paste_latent(self._document, mime)
            except UserError as error:
                self.notice.emit(str(error))


def _on_clipboard() -> QMimeData:
    return QGuiApplication.clipboard().mimeData() or QMimeData()  # None where nothing was ever copied
