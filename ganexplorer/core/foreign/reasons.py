"""Why a stranger's file is not read: what the messages of its readers have in common."""

from __future__ import annotations

AGAIN = "Copy or download it again."
NEEDED = "Give a .safetensors file or one that torch.save wrote."
NO_TENSORS = "holds no tensors. Give the file of the model's weights."


class Reason(Exception):
    """Why a file is not read, and the remedy; whole sentences that go on from its name."""


def quoted(text: str) -> str:
    """Text from a file, fit for a message: one line, quoted, not long."""
    shown = "".join(character if character.isprintable() else "?" for character in text[:80])
    return f"'{shown}{'…' if len(text) > 80 else ''}'"


def amount(count: int) -> str:
    """A number of bytes, fit for a message: "1.5 MB"."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} bytes"
