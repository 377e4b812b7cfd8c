"""The one base of errors that a person can mend; window and command line show them without a traceback."""

from __future__ import annotations

import re

MAX_LENGTH = 1000  # characters of a message


class UserError(Exception):
    """Unusable input. The text names what, where and the remedy in one or two plain sentences.

    It is made `plain`: it may quote names and values from a file that means harm.
    """

    def __init__(self, text: str) -> None:
        super().__init__(plain(text))


def plain(text: str, length: int = MAX_LENGTH) -> str:
    """Text fit for a terminal and for one line: what cannot be printed as ``?``, the middle of a long one left out."""
    if len(text) > length:
        text = f"{text[: length // 2 - 1]}…{text[-(length // 2) :]}"
    text = re.sub(r"\s*[^\S ]\s*", " ", text)  # spaces alone may be part of a file's name
    return "".join(character if character.isprintable() else "?" for character in text)
