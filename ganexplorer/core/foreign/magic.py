"""Formats that are not read, by their first bytes."""

from __future__ import annotations

import re

from ganexplorer.core.foreign.reasons import AGAIN, NEEDED, Reason

_UNPACK = "Unpack it and give the file inside."

# (offset, bytes, what it is, remedy)
_MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"version https://git-lfs", "a pointer of Git LFS and not the file itself", "Run git lfs pull to get that."),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, perhaps of Keras", NEEDED),
    (0, b"\x08\x01\x12", "a TensorFlow model", NEEDED),
    (4, b"TFL3", "a TensorFlow Lite model", NEEDED),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", NEEDED),
    (0, b"\xff\xd8\xff", "a JPEG image", NEEDED),
    (0, b"GIF8", "a GIF image", NEEDED),
    (0, b"RIFF", "a RIFF file (WebP, WAV or AVI)", NEEDED),
    (0, b"%PDF", "a PDF document", NEEDED),
    (0, b"\x93NUMPY", "a NumPy array", NEEDED),
    (0, b"GGUF", "a GGUF model", NEEDED),
    (0, b"\x7fELF", "a program", NEEDED),
    (0, b"MZ", "a program", NEEDED),
    (0, b"#!", "a script", NEEDED),
    (0, b"PK\x05\x06", "an empty zip archive", AGAIN),
    (0, b"\x1f\x8b", "compressed by gzip", _UNPACK),
    (0, b"BZh", "compressed by bzip2", _UNPACK),
    (0, b"\xfd7zXZ\0", "compressed by xz", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "compressed by zstd", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
)
_PATTERNS = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), kind)
    for pattern, kind in (
        (rb"\s*(<!doctype html|<html|<head)", "a web page, as a download that failed leaves it"),
        # the number of its version, then another field
        (rb"\x08[\x02-\x14][\x12\x1a\x22\x2a\x32\x3a\x42]", "an ONNX model"),
        (rb"\x0a.{1,3}\x0a.{1,80}\x12.(Placeholder|Const|NoOp|VarHandleOp)", "a TensorFlow graph"),
    )
)


def refuse_other(head: bytes) -> None:
    """Raise for the first bytes of a format that is known and not read."""
    for offset, magic, kind, remedy in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            raise Reason(f"is {kind}. {remedy}")
    for pattern, kind in _PATTERNS:
        if pattern.match(head):
            raise Reason(f"is {kind}. {NEEDED}")
