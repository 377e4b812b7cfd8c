"""From the bytes of tensors to numpy arrays."""

from __future__ import annotations

import math
from typing import Any, BinaryIO, NoReturn

import numpy as np

from ganexplorer.core.foreign.claims import TensorClaim
from ganexplorer.core.foreign.reasons import AGAIN, Reason, quoted

Array = np.ndarray[Any, Any]

# name -> numpy's code of the bits, without their order
CODES = {
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


def item_bytes(dtype: str) -> int:
    """The bytes of one value."""
    return int(CODES[dtype][1])


def array_of(data: Array, claim: TensorClaim, order: str) -> Array:
    """The tensor of a claim that was checked against `data`, the bytes of its storage; contiguous."""
    item = item_bytes(claim.dtype)
    strides = [step * item for step in claim.stride]
    bits = np.dtype(f"V{item}")
    if math.prod(claim.size) == 0:
        values = np.empty(claim.size, bits)
    else:
        values = np.ndarray(claim.size, bits, data, claim.offset * item, strides)
    return convert(np.ascontiguousarray(values).reshape(-1).view(np.uint8), claim.dtype, order).reshape(claim.size)


def convert(data: Array, dtype: str, order: str) -> Array:
    """Bytes (N,) as a flat array: float32 for each kind of real number, else of their type."""
    values = data.view(f"{order}{CODES[dtype]}")
    if dtype == "bfloat16":
        return (values.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is infinite, which the reader sees
        return values.astype(np.float32 if dtype.startswith("float") else dtype, copy=False)


def refuse_dtype(name: str, dtype: str) -> NoReturn:
    """Raise `Reason`: tensor `name` is of a type that is not read."""
    raise Reason(
        f"tensor {quoted(name)} is of type {quoted(dtype)}, which is not read. "
        "Convert the weights to float32 and save them again."
    )


def read_exactly(file: BinaryIO, count: int) -> bytes:
    """The next `count` bytes; raises `Reason` if there are fewer."""
    data = file.read(count)
    if len(data) != count:
        raise Reason(f"ends too early. {AGAIN}")
    return data


def read_into(file: BinaryIO, count: int) -> Array:
    """The next `count` bytes, uint8 (count,); raises `Reason` if there are fewer."""
    data: Array = np.empty(count, np.uint8)
    rest = memoryview(data.data)
    while rest:
        got = file.readinto(rest)  # type: ignore[attr-defined]
        if not got:
            raise Reason(f"ends too early. {AGAIN}")
        rest = rest[got:]
    return data
