"""The reader of the zip archives that torch.save writes."""

from __future__ import annotations

import itertools
import math
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import BinaryIO

from ganexplorer.core.foreign import pickles
from ganexplorer.core.foreign.claims import TensorClaim
from ganexplorer.core.foreign.contents import MAX_TENSORS, Contents
from ganexplorer.core.foreign.reasons import AGAIN, NEEDED, NO_TENSORS, Reason, amount, quoted
from ganexplorer.core.foreign.values import CODES, Array, array_of, item_bytes, read_exactly, read_into, refuse_dtype
from ganexplorer.core.foreign.walk import Walk

MAX_DIRECTORY_BYTES = 8 * 1024**2
MAX_MEMBERS = 3 * MAX_TENSORS + 16  # an optimizer keeps two more for each weight
MAX_GROWTH = 2  # bytes of tensors for each of the file: float16 becomes float32, two names may share their values

_DATA = re.compile(r"data/[0-9]{1,24}")
_OTHER_MEMBERS = frozenset(
    {"data.pkl", "version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"}
)


class Archive:
    """An open PyTorch zip archive: its directory checked, nothing else read yet."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size = file, size
        self.members = _directory(file, size)
        infos = self.members.values()
        spans = sorted((info.header_offset, self._start(info) + info.file_size) for info in infos)
        if any(end > start for (_, end), (start, _) in itertools.pairwise(spans)) or spans[-1][1] > size:
            raise Reason(f"is damaged (its members overlap or leave the file). {AGAIN}")
        # torch.serialization.set_crc32_options(False) writes 0 for all of them
        self.has_checksums = any(info.CRC for info in infos)
        order = bytes(self.read("byteorder", 16)) if "byteorder" in self.members else b"little"
        if order not in (b"little", b"big"):
            raise Reason(f"is damaged (its order of bytes is not known). {AGAIN}")
        self.order = "<" if order == b"little" else ">"

    def contents(self) -> Contents:
        value = pickles.read(bytes(self.read("data.pkl", pickles.MAX_BYTES)))
        walk = Walk()
        walk.value(value, "", "")
        if not walk.tensors:
            raise Reason(NO_TENSORS)
        return Contents("pytorch", self._tensors(walk.tensors), walk.modules)

    def read(self, name: str, limit: int) -> Array:
        """The bytes of a member, checked."""
        info = self.members[name]
        if info.file_size > limit:
            raise Reason(f"its {name} has {amount(info.file_size)}; at most {amount(limit)} are read. {AGAIN}")
        self.file.seek(self._start(info))
        data = read_into(self.file, info.file_size)
        if self.has_checksums and zlib.crc32(data.data) != info.CRC:
            raise Reason(f"is damaged (the checksum of {name} is wrong). {AGAIN}")
        return data

    def _start(self, info: zipfile.ZipInfo) -> int:
        """Where the data of a member begin; its own header must agree with the directory."""
        if not 0 <= info.header_offset < self.size:
            raise Reason(f"is damaged (a member outside of the file). {AGAIN}")
        self.file.seek(info.header_offset)
        header = read_exactly(self.file, 30)
        name_length, extra_length = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        name = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
        if header[:4] != b"PK\x03\x04" or read_exactly(self.file, name_length) != name:
            raise Reason(f"is damaged (a member that is not where the directory says). {AGAIN}")
        return info.header_offset + 30 + name_length + extra_length

    def _tensors(self, claims: Mapping[str, TensorClaim]) -> dict[str, Array]:
        total = 0
        for name, claim in claims.items():
            total += self._check(name, claim)
            if total > MAX_GROWTH * self.size:
                raise Reason(
                    f"describes more than {MAX_GROWTH} times the values that its {amount(self.size)} hold. "
                    "Save the state dict of one network alone."
                )
        storages: dict[str, Array] = {}
        views: dict[tuple[object, ...], Array] = {}
        result = {}
        for name, claim in claims.items():
            view = (claim.storage.key, claim.dtype, claim.offset, claim.size, claim.stride)
            if view not in views:
                if claim.storage.key not in storages:
                    storages[claim.storage.key] = self.read(f"data/{claim.storage.key}", self.size)
                views[view] = array_of(storages[claim.storage.key], claim, self.order)
            result[name] = views[view]
        return result

    def _check(self, name: str, claim: TensorClaim) -> int:
        """Hold a tensor against its storage; the bytes that it will have."""
        label, storage = quoted(name), claim.storage
        if claim.dtype not in CODES:
            refuse_dtype(name, claim.dtype)
        item = item_bytes(claim.dtype)
        if storage.dtype != claim.dtype and storage.dtype != "untyped":
            raise Reason(f"is damaged (tensor {label} is of another type than its storage). {AGAIN}")
        info = self.members.get(f"data/{storage.key}")
        if info is None:
            raise Reason(f"lacks the values of tensor {label}. {AGAIN}")
        claimed = storage.numel * (1 if storage.dtype == "untyped" else item)
        if claimed != info.file_size:
            raise Reason(
                f"tensor {label} claims a storage of {amount(claimed)}, "
                f"the file has {amount(info.file_size)} for it. {AGAIN}"
            )
        count = math.prod(claim.size)
        last = claim.offset + sum((n - 1) * step for n, step in zip(claim.size, claim.stride, strict=True))
        if count * item > claimed or (count and (last + 1) * item > claimed):
            raise Reason(
                f"tensor {label} of shape {list(claim.size)} claims more values "
                f"than its storage of {amount(claimed)} holds. Save a .contiguous() copy of it."
            )
        return count * (4 if "float" in claim.dtype else item)


def _directory(file: BinaryIO, size: int) -> dict[str, zipfile.ZipInfo]:
    """The members by name, below their one top folder; raises what is wrong with them."""
    if _directory_bytes(file, size) > MAX_DIRECTORY_BYTES:
        raise Reason(f"its directory is larger than {amount(MAX_DIRECTORY_BYTES)}. {AGAIN}")
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
    names = [info.orig_filename.partition("/")[2] for info in infos]
    if "archive_format" in names or "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise Reason(
            "is a TorchScript or exported program, which is not run here. "
            "Save the weights of the Python model: torch.save(model.state_dict(), FILE)."
        )
    if "data.pkl" not in names or len({info.orig_filename.partition("/")[0] for info in infos}) != 1:
        raise Reason(f"is {_zip_kind(infos)}, not one that torch.save wrote. {NEEDED}")
    if len(infos) > MAX_MEMBERS:
        raise Reason(f"has {len(infos):,} members; at most {MAX_MEMBERS:,} are read. Save the weights alone.")
    for name, info in zip(names, infos, strict=True):
        if name not in _OTHER_MEMBERS and not _DATA.fullmatch(name):
            raise Reason(f"holds {quoted(name)}, which torch.save does not write. {NEEDED}")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size or info.flag_bits & 0x61:
            raise Reason(f"its {name} is compressed or encrypted, as torch.save never writes it. {NEEDED}")
    if len(set(names)) != len(names):
        raise Reason(f"is damaged (a member occurs twice). {AGAIN}")
    claimed = sum(info.file_size for info in infos)
    if claimed > size:
        raise Reason(f"its members claim {amount(claimed)}, the file has {amount(size)}. {AGAIN}")
    return dict(zip(names, infos, strict=True))


def _directory_bytes(file: BinaryIO, size: int) -> int:
    """The claimed length of the directory, from the records at the end of the file, in either of its two sizes."""
    file.seek(max(0, size - 98))
    tail = file.read(98)
    end = tail[-22:]
    if end[:4] != b"PK\x05\x06":
        raise Reason(f"is cut short (the directory at its end is missing). {AGAIN}")
    large = tail[40:48] if tail[:4] == b"PK\x06\x06" else b""
    return max(int.from_bytes(end[12:16], "little"), int.from_bytes(large, "little"))


def _zip_kind(infos: Iterable[zipfile.ZipInfo]) -> str:
    names = {info.filename for info in infos}
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz)"
    if "config.json" in names and "model.weights.h5" in names:
        return "a Keras model"
    return "a zip archive"
