"""A latent as text, for the clipboard: numbers that give back the same float32 values, bit for bit."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from ganexplorer.core.errors import UserError, plain

MAX_TEXT = 1024**2  # characters

# how Python, NumPy and PyTorch print an array: the names around the numbers, and what is said about them
_CALL = re.compile(r"\b(?:(?:torch|np|numpy)\.)?(?:[Tt]ensor|FloatTensor|array|asarray|float(?:16|32|64)?)\(")
_REMARK = re.compile(r"\b(?:dtype|device|requires_grad|grad_fn)\s*=[^,;()\[\]]*")
_TYPE = re.compile(r"\bfloat(?:16|32|64)?\b")
_GAP = re.compile(r"[\s,;()\[\]]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)


def to_text(z: Tensor) -> str:
    """z, (z_dim,), as the shortest decimal numbers that are these float32 values and no others, with commas between."""
    return ", ".join(str(value) for value in z.detach().cpu().to(torch.float32).numpy())


def from_text(text: str, z_dim: int) -> Tensor:
    """The latent, (z_dim,), that a text holds: numbers with commas, semicolons, spaces or line ends between them.

    Brackets and what NumPy and PyTorch print around numbers are passed over.

    Raises
    ------
    UserError
        Not `z_dim` numbers, not all finite, anything but numbers, or too long.
    """
    if len(text) > MAX_TEXT:
        raise UserError(f"The text is no latent: it has more than {MAX_TEXT:,} characters. Copy one latent alone.")
    for pattern in (_CALL, _REMARK, _TYPE, _GAP):
        text = pattern.sub(" ", text)
    words = text.split()
    if not words:
        raise UserError(f"The text is no latent: it holds no numbers. Copy {_numbers(z_dim)}.")
    if any(word in ("...", "…") for word in words):
        raise UserError("The text is no latent: '...' stands where numbers were left out. Print and copy all of them.")
    for word in words:
        if _NOT_FINITE.fullmatch(word):
            raise UserError(f"The text is no latent: {plain(word)} is not finite. Copy finite numbers.")
        if not _NUMBER.fullmatch(word):
            raise UserError(f"The text is no latent: {plain(word, 40)!r} is not a number. Copy {_numbers(z_dim)}.")
    if len(words) != z_dim:
        rows, rest = divmod(len(words), z_dim)
        remedy = "Copy one of its latents alone." if rows > 1 and not rest else f"Copy {_numbers(z_dim)}."
        raise UserError(f"The text has {_numbers(len(words))}, and z of this model has {z_dim}. {remedy}")
    z = torch.tensor([float(word) for word in words], dtype=torch.float64).to(torch.float32)
    if not z.isfinite().all():
        word = words[int((~z.isfinite()).nonzero()[0])]
        raise UserError(
            f"The text is no latent: {plain(word, 40)} is beyond the largest float32. Copy smaller numbers."
        )
    return z


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count:,} numbers"
