"""The bytes of a stranger's file as named numpy arrays: safetensors and what torch.save writes, nothing of it run.

What a file is, its bytes say and not its name. A pickle is read by `pickles`, which calls nothing; every size that a
file claims is held against the bytes that are there before anything is allocated.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import BinaryIO, NoReturn

from ganexplorer.core.errors import UserError
from ganexplorer.core.foreign import pickles
from ganexplorer.core.foreign.archive import Archive
from ganexplorer.core.foreign.claims import Damaged, Refused
from ganexplorer.core.foreign.contents import Contents
from ganexplorer.core.foreign.magic import refuse_other
from ganexplorer.core.foreign.reasons import AGAIN, NEEDED, Reason
from ganexplorer.core.foreign.safetensors_file import parse_safetensors


class ContainerError(UserError):
    """A file whose tensors cannot be read. The text names file, reason and remedy."""


def parse(file: BinaryIO, name: str) -> Contents:
    """Read an open, seekable file; `name` is what messages call it.

    Raises
    ------
    ContainerError
        Not a format that is read, damaged, larger than the limits of its reader, or asking for more than plain data.
    """
    try:
        return _parse(file)
    except Reason as reason:
        raise ContainerError(f"{name}: {reason}") from None
    except Refused as refusal:
        raise ContainerError(f"{name}: {refusal.reason}. {refusal.remedy}") from None
    except Damaged as damage:
        raise ContainerError(f"{name}: its pickle is damaged ({damage}). {AGAIN}") from None
    except OSError as error:
        raise ContainerError(f"{name}: cannot be read ({error.strerror or error}). {AGAIN}") from None
    except MemoryError:
        raise ContainerError(f"{name}: needs more memory than there is. Save a smaller part of it.") from None
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        EOFError,
        LookupError,
        NotImplementedError,
        RecursionError,
        TypeError,
        ValueError,
        struct.error,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ContainerError(f"{name}: is damaged. {AGAIN}") from error


_PICKLE = re.compile(rb"\x80[\x00-\x05]")


def _parse(file: BinaryIO) -> Contents:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(512)
    if not head:
        raise Reason(f"is empty. {AGAIN}")
    claim = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and not (_PICKLE.match(head) and claim > size):
        return parse_safetensors(file, size)
    if head.startswith(b"PK\x03\x04"):
        return Archive(file, size).contents()
    refuse_other(head)
    _refuse_pickle(file, head)


# ---- pickles that are no zip archive

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_RESAVE = "Save it again with PyTorch 1.6 or newer: torch.save(torch.load(FILE, weights_only=True), OUT)."


def _refuse_pickle(file: BinaryIO, head: bytes) -> NoReturn:
    """Say which pickle this is. It is read all the same, so that one that would do harm is called that."""
    file.seek(0)
    data = file.read(pickles.MAX_BYTES)
    try:
        value, end = pickles.read_first(data)
    except Damaged:
        if _PICKLE.match(head):
            raise
        raise Reason(f"is of no known format. {NEEDED}") from None
    if value != _LEGACY_MAGIC or type(value) is not int:
        raise Reason(f"is a plain pickle, which PyTorch did not write. {NEEDED}")
    for _ in range(4):  # the protocol's number, facts about the machine, the object, the storages' keys
        _, end = pickles.read_first(data, end)
    raise Reason(f"is in the format that PyTorch used before 1.6, which is not read. {_RESAVE}")
