"""The bytes of a stranger's file as named numpy arrays: safetensors and what torch.save writes, nothing of it run.

What a file is, its bytes say and not its name. A pickle is read by `pickles`, which calls nothing; every size that a
file claims is held against the bytes that are there before anything is allocated.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, NoReturn

import numpy as np

from ganexplorer.core.errors import UserError
from ganexplorer.core.foreign import pickles
from ganexplorer.core.foreign.pickles import Inert, TensorClaim

MAX_HEADER_BYTES = 1024**2
MAX_DIRECTORY_BYTES = 8 * 1024**2
MAX_TENSORS = 20_000
MAX_MEMBERS = 3 * MAX_TENSORS + 16  # an optimizer keeps two more for each weight
MAX_DEPTH = 16  # of dictionaries and lists
MAX_MODULE_DEPTH = 64
MAX_NAME = 300  # characters
MAX_GROWTH = 2  # bytes of tensors for each of the file: float16 becomes float32, two names may share their values
MAX_STEPS = 2_000_000  # entries looked at: a list can hold itself many times over
MAX_VALUES = 48  # attributes kept of a module
MAX_TEXT = 200  # characters of such an attribute

_Array = np.ndarray[Any, Any]


class ContainerError(UserError):
    """A file whose tensors cannot be read. The text names file, reason and remedy."""


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """What a pickled module says about itself.

    Parameters
    ----------
    class_name
        Without its module: "ConvTranspose2d". Anyone can name a class so: `module` says whose it is.
    values
        Its public attributes that are plain: numbers, truth values, short texts, and lists of up to four of these.
    module
        Where its class is from: "torch.nn.modules.conv".
    """

    class_name: str
    values: dict[str, int | float | bool | str | list[int | float | bool | str]] = field(default_factory=dict)
    module: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds.

    Parameters
    ----------
    kind
        Which format it was.
    tensors
        By name, in the file's order. Real numbers of any precision are float32; integers and bool keep their types.
        Dictionaries are joined by "/", module paths keep their ".": "G/main.0.weight". Arrays may be read-only and may
        share memory.
    modules
        Of each pickled module, in its order, also those without weights. The name is that of its tensors without the
        last part: "G/main.0". The outermost module has the name that stands before those of all others: "G/", or "" if
        it is all that the file holds.
    metadata
        Of a safetensors file.
    """

    kind: Literal["safetensors", "pytorch"]
    tensors: dict[str, _Array]
    modules: dict[str, ModuleFacts] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


def parse(file: BinaryIO, name: str) -> Contents:
    """Read an open, seekable file; `name` is what messages call it.

    Raises
    ------
    ContainerError
        Not a format that is read, damaged, larger than the limits of this module, or asking for more than plain data.
    """
    try:
        return _parse(file)
    except Reason as reason:
        raise ContainerError(f"{name}: {reason}") from None
    except pickles.Refused as refusal:
        raise ContainerError(f"{name}: {refusal.reason}. {refusal.remedy}") from None
    except pickles.Damaged as damage:
        raise ContainerError(f"{name}: its pickle is damaged ({damage}). {_AGAIN}") from None
    except OSError as error:
        raise ContainerError(f"{name}: cannot be read ({error.strerror or error}). {_AGAIN}") from None
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
        raise ContainerError(f"{name}: is damaged. {_AGAIN}") from error


class Reason(Exception):
    """Why a file is not read, and the remedy; whole sentences that go on from its name."""


_AGAIN = "Copy or download it again."
_NO_TENSORS = "holds no tensors. Give the file of the model's weights."

# ---- which format

_NEEDED = "Give a .safetensors file or one that torch.save wrote."
_UNPACK = "Unpack it and give the file inside."

# (offset, bytes, what it is, remedy)
_MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"version https://git-lfs", "a pointer of Git LFS and not the file itself", "Run git lfs pull to get that."),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, perhaps of Keras", _NEEDED),
    (0, b"\x08\x01\x12", "a TensorFlow model", _NEEDED),
    (4, b"TFL3", "a TensorFlow Lite model", _NEEDED),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", _NEEDED),
    (0, b"\xff\xd8\xff", "a JPEG image", _NEEDED),
    (0, b"GIF8", "a GIF image", _NEEDED),
    (0, b"RIFF", "a RIFF file (WebP, WAV or AVI)", _NEEDED),
    (0, b"%PDF", "a PDF document", _NEEDED),
    (0, b"\x93NUMPY", "a NumPy array", _NEEDED),
    (0, b"GGUF", "a GGUF model", _NEEDED),
    (0, b"\x7fELF", "a program", _NEEDED),
    (0, b"MZ", "a program", _NEEDED),
    (0, b"#!", "a script", _NEEDED),
    (0, b"PK\x05\x06", "an empty zip archive", _AGAIN),
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
_PICKLE = re.compile(rb"\x80[\x00-\x05]")


def _parse(file: BinaryIO) -> Contents:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(512)
    if not head:
        raise Reason(f"is empty. {_AGAIN}")
    claim = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and not (_PICKLE.match(head) and claim > size):
        return parse_safetensors(file, size)
    if head.startswith(b"PK\x03\x04"):
        return _Archive(file, size).contents()
    _refuse_other(head)
    _refuse_pickle(file, head)


def _refuse_other(head: bytes) -> None:
    """Raise for the first bytes of a format that is known and not read."""
    for offset, magic, kind, remedy in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            raise Reason(f"is {kind}. {remedy}")
    for pattern, kind in _PATTERNS:
        if pattern.match(head):
            raise Reason(f"is {kind}. {_NEEDED}")


# ---- pickles that are no zip archive

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_RESAVE = "Save it again with PyTorch 1.6 or newer: torch.save(torch.load(FILE, weights_only=True), OUT)."


def _refuse_pickle(file: BinaryIO, head: bytes) -> NoReturn:
    """Say which pickle this is. It is read all the same, so that one that would do harm is called that."""
    file.seek(0)
    data = file.read(pickles.MAX_BYTES)
    try:
        value, end = pickles.read_first(data)
    except pickles.Damaged:
        if _PICKLE.match(head):
            raise
        raise Reason(f"is of no known format. {_NEEDED}") from None
    if value != _LEGACY_MAGIC or type(value) is not int:
        raise Reason(f"is a plain pickle, which PyTorch did not write. {_NEEDED}")
    for _ in range(4):  # the protocol's number, facts about the machine, the object, the storages' keys
        _, end = pickles.read_first(data, end)
    raise Reason(f"is in the format that PyTorch used before 1.6, which is not read. {_RESAVE}")


# ---- safetensors

_SAFETENSORS = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


def parse_safetensors(file: BinaryIO, size: int, header_limit: int = MAX_HEADER_BYTES) -> Contents:
    """Read a safetensors file of `size` bytes by the letter of its format.

    Raises `Reason`, and of damaged files whatever reading them raises: `parse` makes a `ContainerError` of all of it.
    """
    file.seek(0)
    length = int.from_bytes(_read(file, 8), "little")
    if length > header_limit:
        raise Reason(f"its header claims {length:,} bytes; at most {header_limit:,} are read. {_AGAIN}")
    if 8 + length > size:
        raise Reason(f"ends within its header. {_AGAIN}")
    header = json.loads(_read(file, length).decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Reason(f"has a damaged header (its metadata are no texts). {_AGAIN}")
    spans = {name: _span(name, entry) for name, entry in header.items()}
    _check_count(len(spans))
    end = 0
    for name, (_, _, start, stop) in sorted(spans.items(), key=lambda item: item[1][2:]):
        if start != end:
            raise Reason(f"has a damaged header (tensor {_shown(name)} overlaps another or leaves a hole). {_AGAIN}")
        end = stop
    if 8 + length + end != size:
        raise Reason(f"should have {_bytes(8 + length + end)} by its header and has {_bytes(size)}. {_AGAIN}")
    if not spans:
        raise Reason(_NO_TENSORS)
    tensors = {}
    for name, (dtype, shape, start, stop) in spans.items():
        file.seek(8 + length + start)
        tensors[name] = _convert(_read_into(file, stop - start), dtype, "<").reshape(shape)
    return Contents("safetensors", tensors, {}, metadata)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice")
    return result


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _span(name: str, entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    """(dtype, shape, start, stop) of an entry of the header."""
    _check_name(name)
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise Reason(f"has a damaged header (tensor {_shown(name)}). {_AGAIN}")
    if entry["dtype"] not in _SAFETENSORS:
        _refuse_dtype(name, str(entry["dtype"]))
    dtype, shape, offsets = _SAFETENSORS[entry["dtype"]], entry["shape"], entry["data_offsets"]
    numbers = [*shape, *offsets]
    if len(offsets) != 2 or len(shape) > pickles.MAX_DIMENSIONS or not all(map(_is_count, numbers)):
        raise Reason(f"has a damaged header (shape or place of tensor {_shown(name)}). {_AGAIN}")
    start, stop = offsets
    if stop - start != math.prod(shape) * _item_bytes(dtype):
        raise Reason(
            f"has a damaged header (tensor {_shown(name)} of {shape} cannot have {stop - start:,} bytes). {_AGAIN}"
        )
    return dtype, tuple(shape), start, stop


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


# ---- zip archives of PyTorch

_DATA = re.compile(r"data/[0-9]{1,24}")
_OTHER_MEMBERS = frozenset(
    {"data.pkl", "version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"}
)


class _Archive:
    """An open PyTorch zip archive: its directory checked, nothing else read yet."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size = file, size
        self.members = _directory(file, size)
        infos = self.members.values()
        spans = sorted((info.header_offset, self._start(info) + info.file_size) for info in infos)
        if any(end > start for (_, end), (start, _) in itertools.pairwise(spans)) or spans[-1][1] > size:
            raise Reason(f"is damaged (its members overlap or leave the file). {_AGAIN}")
        # torch.serialization.set_crc32_options(False) writes 0 for all of them
        self.has_checksums = any(info.CRC for info in infos)
        order = bytes(self.read("byteorder", 16)) if "byteorder" in self.members else b"little"
        if order not in (b"little", b"big"):
            raise Reason(f"is damaged (its order of bytes is not known). {_AGAIN}")
        self.order = "<" if order == b"little" else ">"

    def contents(self) -> Contents:
        value = pickles.read(bytes(self.read("data.pkl", pickles.MAX_BYTES)))
        walk = _Walk()
        walk.value(value, "", "")
        if not walk.tensors:
            raise Reason(_NO_TENSORS)
        return Contents("pytorch", self._tensors(walk.tensors), walk.modules)

    def read(self, name: str, limit: int) -> _Array:
        """The bytes of a member, checked."""
        info = self.members[name]
        if info.file_size > limit:
            raise Reason(f"its {name} has {_bytes(info.file_size)}; at most {_bytes(limit)} are read. {_AGAIN}")
        self.file.seek(self._start(info))
        data = _read_into(self.file, info.file_size)
        if self.has_checksums and zlib.crc32(data.data) != info.CRC:
            raise Reason(f"is damaged (the checksum of {name} is wrong). {_AGAIN}")
        return data

    def _start(self, info: zipfile.ZipInfo) -> int:
        """Where the data of a member begin; its own header must agree with the directory."""
        if not 0 <= info.header_offset < self.size:
            raise Reason(f"is damaged (a member outside of the file). {_AGAIN}")
        self.file.seek(info.header_offset)
        header = _read(self.file, 30)
        name_length, extra_length = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        name = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
        if header[:4] != b"PK\x03\x04" or _read(self.file, name_length) != name:
            raise Reason(f"is damaged (a member that is not where the directory says). {_AGAIN}")
        return info.header_offset + 30 + name_length + extra_length

    def _tensors(self, claims: Mapping[str, TensorClaim]) -> dict[str, _Array]:
        total = 0
        for name, claim in claims.items():
            total += self._check(name, claim)
            if total > MAX_GROWTH * self.size:
                raise Reason(
                    f"describes more than {MAX_GROWTH} times the values that its {_bytes(self.size)} hold. "
                    "Save the state dict of one network alone."
                )
        storages: dict[str, _Array] = {}
        views: dict[tuple[object, ...], _Array] = {}
        result = {}
        for name, claim in claims.items():
            view = (claim.storage.key, claim.dtype, claim.offset, claim.size, claim.stride)
            if view not in views:
                if claim.storage.key not in storages:
                    storages[claim.storage.key] = self.read(f"data/{claim.storage.key}", self.size)
                views[view] = _view(storages[claim.storage.key], claim, self.order)
            result[name] = views[view]
        return result

    def _check(self, name: str, claim: TensorClaim) -> int:
        """Hold a tensor against its storage; the bytes that it will have."""
        label, storage = _shown(name), claim.storage
        if claim.dtype not in _CODES:
            _refuse_dtype(name, claim.dtype)
        item = _item_bytes(claim.dtype)
        if storage.dtype != claim.dtype and storage.dtype != "untyped":
            raise Reason(f"is damaged (tensor {label} is of another type than its storage). {_AGAIN}")
        info = self.members.get(f"data/{storage.key}")
        if info is None:
            raise Reason(f"lacks the values of tensor {label}. {_AGAIN}")
        claimed = storage.numel * (1 if storage.dtype == "untyped" else item)
        if claimed != info.file_size:
            raise Reason(
                f"tensor {label} claims a storage of {_bytes(claimed)}, "
                f"the file has {_bytes(info.file_size)} for it. {_AGAIN}"
            )
        count = math.prod(claim.size)
        last = claim.offset + sum((n - 1) * step for n, step in zip(claim.size, claim.stride, strict=True))
        if count * item > claimed or (count and (last + 1) * item > claimed):
            raise Reason(
                f"tensor {label} of shape {list(claim.size)} claims more values "
                f"than its storage of {_bytes(claimed)} holds. Save a .contiguous() copy of it."
            )
        return count * (4 if "float" in claim.dtype else item)


def _directory(file: BinaryIO, size: int) -> dict[str, zipfile.ZipInfo]:
    """The members by name, below their one top folder; raises what is wrong with them."""
    if _directory_bytes(file, size) > MAX_DIRECTORY_BYTES:
        raise Reason(f"its directory is larger than {_bytes(MAX_DIRECTORY_BYTES)}. {_AGAIN}")
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
    names = [info.orig_filename.partition("/")[2] for info in infos]
    if "archive_format" in names or "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise Reason(
            "is a TorchScript or exported program, which is not run here. "
            "Save the weights of the Python model: torch.save(model.state_dict(), FILE)."
        )
    if "data.pkl" not in names or len({info.orig_filename.partition("/")[0] for info in infos}) != 1:
        raise Reason(f"is {_zip_kind(infos)}, not one that torch.save wrote. {_NEEDED}")
    if len(infos) > MAX_MEMBERS:
        raise Reason(f"has {len(infos):,} members; at most {MAX_MEMBERS:,} are read. Save the weights alone.")
    for name, info in zip(names, infos, strict=True):
        if name not in _OTHER_MEMBERS and not _DATA.fullmatch(name):
            raise Reason(f"holds {_shown(name)}, which torch.save does not write. {_NEEDED}")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size or info.flag_bits & 0x61:
            raise Reason(f"its {name} is compressed or encrypted, as torch.save never writes it. {_NEEDED}")
    if len(set(names)) != len(names):
        raise Reason(f"is damaged (a member occurs twice). {_AGAIN}")
    claimed = sum(info.file_size for info in infos)
    if claimed > size:
        raise Reason(f"its members claim {_bytes(claimed)}, the file has {_bytes(size)}. {_AGAIN}")
    return dict(zip(names, infos, strict=True))


def _directory_bytes(file: BinaryIO, size: int) -> int:
    """The claimed length of the directory, from the records at the end of the file, in either of its two sizes."""
    file.seek(max(0, size - 98))
    tail = file.read(98)
    end = tail[-22:]
    if end[:4] != b"PK\x05\x06":
        raise Reason(f"is cut short (the directory at its end is missing). {_AGAIN}")
    large = tail[40:48] if tail[:4] == b"PK\x06\x06" else b""
    return max(int.from_bytes(end[12:16], "little"), int.from_bytes(large, "little"))


def _zip_kind(infos: Iterable[zipfile.ZipInfo]) -> str:
    names = {info.filename for info in infos}
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz)"
    if "config.json" in names and "model.weights.h5" in names:
        return "a Keras model"
    return "a zip archive"


# ---- what a pickle holds


class _Walk:
    """Names the tensors of what a pickle holds, and the modules."""

    def __init__(self) -> None:
        self.tensors: dict[str, TensorClaim] = {}
        self.modules: dict[str, ModuleFacts] = {}
        self.steps = 0

    def value(self, value: object, name: str, prefix: str, depth: int = 0) -> None:
        """Walk a value called `name`; what it holds is called `prefix` and its own key."""
        if isinstance(value, TensorClaim):
            self._add(value, name)
            return
        if isinstance(value, Inert):
            state = _module_state(value)
            if state is not None:
                self._module(value, state, prefix, prefix)
                return
            value = value.content
        if not isinstance(value, dict | list | tuple) or (isinstance(value, dict) and "param_groups" in value):
            return
        if depth == MAX_DEPTH:
            raise Reason(f"nests dictionaries deeper than {MAX_DEPTH} levels. Save the weights alone.")
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise Reason(f"holds more than {MAX_STEPS:,} entries. Save the weights alone.")
            if type(key) in (str, int) and isinstance(item, TensorClaim | Inert | dict | list | tuple):
                inner = f"{prefix}{key}"
                if len(inner) <= MAX_NAME or isinstance(item, TensorClaim):  # else text, and no part of a network
                    _check_name(inner)
                    self.value(item, inner, f"{inner}/", depth + 1)

    def _module(self, module: Inert, state: Mapping[str, Any], path: str, prefix: str, depth: int = 0) -> None:
        """Walk a module as state_dict does."""
        if depth > MAX_MODULE_DEPTH:
            raise Reason(f"nests modules deeper than {MAX_MODULE_DEPTH} levels. Save the state dict.")
        if len(self.modules) == MAX_TENSORS:
            raise Reason(f"holds more than {MAX_TENSORS:,} modules. Save the state dict.")
        if path in self.modules:
            raise Reason(f"gives two modules the name {_shown(path)}. Save the state dict.")
        self.modules[path] = _facts(module.name, state)
        passing = state.get("_non_persistent_buffers_set", ())
        for key, value in [*state["_parameters"].items(), *state["_buffers"].items()]:
            if isinstance(value, TensorClaim) and key not in passing:
                self._add(value, f"{prefix}{_text(key)}")
        for key, child in state["_modules"].items():
            if isinstance(child, Inert) and (inner := _module_state(child)) is not None:
                _check_name(below := f"{prefix}{_text(key)}")
                self._module(child, inner, below, f"{below}.", depth + 1)

    def _add(self, claim: TensorClaim, name: str) -> None:
        _check_name(name)
        if name in self.tensors:
            raise Reason(f"gives two tensors the name {_shown(name)}. Save the state dict of one network alone.")
        self.tensors[name] = claim
        _check_count(len(self.tensors))


def _module_state(value: Inert) -> dict[str, Any] | None:
    """The attributes of a pickled nn.Module; None for any other object."""
    state = value.state[0] if isinstance(value.state, tuple) and value.state else value.state
    if isinstance(state, dict) and all(
        isinstance(state.get(key), dict) for key in ("_parameters", "_buffers", "_modules")
    ):
        return state
    return None


def _facts(path: str, state: Mapping[Any, object]) -> ModuleFacts:
    values: dict[str, Any] = {}
    for key, value in state.items():
        if len(values) < MAX_VALUES and isinstance(key, str) and len(key) <= MAX_TEXT and not key.startswith("_"):
            if _is_plain(value):
                values[key] = value
            elif isinstance(value, tuple | list) and len(value) <= 4 and all(map(_is_plain, value)):
                values[key] = list(value)
    module, _, class_name = path.rpartition(".")
    return ModuleFacts(class_name[:MAX_TEXT], values, module[:MAX_TEXT])


def _is_plain(value: object) -> bool:
    if isinstance(value, int):
        return value.bit_length() <= 63
    return isinstance(value, float) or (isinstance(value, str) and len(value) <= MAX_TEXT)


def _text(key: object) -> str:
    if not isinstance(key, str):
        raise Reason(f"is damaged (a module's part without a name). {_AGAIN}")
    return key


# ---- values

# name -> numpy's code of the bits, without their order
_CODES = {
    "float64": "f8",
    "float32": "f4",
    "float16": "f2",
    "bfloat16": "u2",
    "int64": "i8",
    "int32": "i4",
    "int16": "i2",
    "int8": "i1",
    "uint64": "u8",
    "uint32": "u4",
    "uint16": "u2",
    "uint8": "u1",
    "bool": "u1",
}


def _item_bytes(dtype: str) -> int:
    return int(_CODES[dtype][1])


def _view(data: _Array, claim: TensorClaim, order: str) -> _Array:
    """The tensor of a claim that was checked against `data`, the bytes of its storage; contiguous."""
    item = _item_bytes(claim.dtype)
    strides = [step * item for step in claim.stride]
    bits = np.dtype(f"V{item}")
    if math.prod(claim.size) == 0:
        values = np.empty(claim.size, bits)
    else:
        values = np.ndarray(claim.size, bits, data, claim.offset * item, strides)
    return _convert(np.ascontiguousarray(values).reshape(-1).view(np.uint8), claim.dtype, order).reshape(claim.size)


def _convert(data: _Array, dtype: str, order: str) -> _Array:
    """Bytes (N,) as a flat array: float32 for each kind of real number, else of their type."""
    values = data.view(f"{order}{_CODES[dtype]}")
    if dtype == "bfloat16":
        return (values.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is infinite, which the reader sees
        return values.astype(np.float32 if dtype.startswith("float") else dtype, copy=False)


def _refuse_dtype(name: str, dtype: str) -> NoReturn:
    raise Reason(
        f"tensor {_shown(name)} is of type {_shown(dtype)}, which is not read. "
        "Convert the weights to float32 and save them again."
    )


def _check_count(count: int) -> None:
    if count > MAX_TENSORS:
        raise Reason(f"holds more than {MAX_TENSORS:,} tensors. Save the weights of one network alone.")


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME:
        raise Reason(f"has a name of more than {MAX_NAME:,} characters. Save the weights under shorter ones.")
    name.encode()  # raises for the halves of characters that JSON and pickle let through


def _read(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise Reason(f"ends too early. {_AGAIN}")
    return data


def _read_into(file: BinaryIO, count: int) -> _Array:
    """The next `count` bytes, uint8 (count,)."""
    data: _Array = np.empty(count, np.uint8)
    rest = memoryview(data.data)
    while rest:
        got = file.readinto(rest)  # type: ignore[attr-defined]
        if not got:
            raise Reason(f"ends too early. {_AGAIN}")
        rest = rest[got:]
    return data


def _shown(text: str) -> str:
    """Text from a file, fit for a message: one line, quoted, not long."""
    shown = "".join(character if character.isprintable() else "?" for character in text[:80])
    return f"'{shown}{'…' if len(text) > 80 else ''}'"


def _bytes(count: int) -> str:
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} bytes"
