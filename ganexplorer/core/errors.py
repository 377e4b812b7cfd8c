"""The one base of errors that a person can mend, and words for them; shown without a traceback everywhere."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``Did you mean A?``, of what looks most like `name`; A or B where they are as near, empty where nothing is."""
    names = {folded(item): item for item in known}
    word = folded(name)
    if word in names:
        return question([names[word]])
    found = difflib.get_close_matches(word, names, 3)
    likeness = {item: difflib.SequenceMatcher(None, item, word).ratio() for item in found}
    return question([names[item] for item in found if likeness[item] == likeness[found[0]]])


def question(names: Sequence[str]) -> str:
    """``Did you mean A or B?``; empty for none."""
    return f"Did you mean {' or '.join(names)}?" if names else ""


def folded(name: str) -> str:
    """Without what is easily confused: capitals, dashes for underscores."""
    return name.strip().lower().replace("_", "-")
