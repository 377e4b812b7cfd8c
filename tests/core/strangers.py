"""Files as strangers make them, good and bad, for the tests of what reads them."""

from __future__ import annotations

import collections
import io
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


class Call:
    """Pickled as the call of a function."""

    def __init__(self, function: Callable[..., Any], *args: object) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.function, self.args


@dataclass(frozen=True)
class Claimed:
    """A tensor that a pickle claims, whether there are such values or not."""

    size: tuple[int, ...] = (2, 3)
    stride: tuple[int, ...] = (3, 1)
    offset: int = 0
    numel: int = 6
    storage: str = "FloatStorage"
    key: str = "0"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        stored = _Stored(self)
        hooks: collections.OrderedDict[str, object] = collections.OrderedDict()
        return torch._utils._rebuild_tensor_v2, (stored, self.offset, self.size, self.stride, False, hooks)


class _Stored:
    def __init__(self, claim: Claimed) -> None:
        self.claim = claim


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: object) -> object:
        if not isinstance(value, _Stored):
            return None
        claim = value.claim
        return ("storage", getattr(torch, claim.storage), claim.key, "cpu", claim.numel)


def pickled(value: object, protocol: int = 2) -> bytes:
    """The pickle of a value; each `Claimed` in it becomes a tensor."""
    file = io.BytesIO()
    _Pickler(file, protocol).dump(value)
    return file.getvalue()


def zipped(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED, top: str = "archive") -> bytes:
    """A zip archive of these members below one folder."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(f"{top}/{name}", data)
    return file.getvalue()


def claiming(value: object, storage: bytes = bytes(24), **members: bytes) -> bytes:
    """A PyTorch archive whose pickle holds `value`, with one storage."""
    return zipped({"data.pkl": pickled(value), "byteorder": b"little", "data/0": storage, "version": b"3\n", **members})


def members(data: bytes) -> dict[str, bytes]:
    """What an archive holds, by name below its top folder."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def saved(value: object, **options: Any) -> bytes:
    """The bytes that torch.save writes."""
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def legacy(value: object, protocol: int = 2) -> bytes:
    """The bytes that torch.save wrote before PyTorch 1.6."""
    return saved(value, _use_new_zipfile_serialization=False, pickle_protocol=protocol)


def safetensors(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file of any header, right or wrong."""
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def small_generator() -> nn.Sequential:
    """A generator like DCGAN's, of (N, 4, 1, 1) -> (N, 1, 8, 8)."""
    return nn.Sequential(
        nn.ConvTranspose2d(4, 3, 4, 1, 0, bias=False),
        nn.BatchNorm2d(3, eps=1e-3),
        nn.LeakyReLU(0.3, inplace=True),
        nn.ConvTranspose2d(3, 1, 4, 2, 1, bias=False),
        nn.Tanh(),
    )
