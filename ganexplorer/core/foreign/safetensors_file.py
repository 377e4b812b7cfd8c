"""The reader of safetensors files, by the letter of their format."""

from __future__ import annotations

import json
import math
from typing import Any, BinaryIO, NoReturn

from ganexplorer.core.foreign.claims import MAX_DIMENSIONS
from ganexplorer.core.foreign.contents import Contents, check_count, check_name
from ganexplorer.core.foreign.reasons import AGAIN, NO_TENSORS, Reason, amount, quoted
from ganexplorer.core.foreign.values import convert, item_bytes, read_exactly, read_into, refuse_dtype

MAX_HEADER_BYTES = 1024**2

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

    Raises `Reason`, and of damaged files whatever reading them raises: `containers.parse` makes a `ContainerError` of
    all of it.
    """
    file.seek(0)
    length = int.from_bytes(read_exactly(file, 8), "little")
    if length > header_limit:
        raise Reason(f"its header claims {length:,} bytes; at most {header_limit:,} are read. {AGAIN}")
    if 8 + length > size:
        raise Reason(f"ends within its header. {AGAIN}")
    header = json.loads(read_exactly(file, length).decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Reason(f"has a damaged header (its metadata are no texts). {AGAIN}")
    spans = {name: _span(name, entry) for name, entry in header.items()}
    check_count(len(spans))
    end = 0
    for name, (_, _, start, stop) in sorted(spans.items(), key=lambda item: item[1][2:]):
        if start != end:
            raise Reason(f"has a damaged header (tensor {quoted(name)} overlaps another or leaves a hole). {AGAIN}")
        end = stop
    if 8 + length + end != size:
        raise Reason(f"should have {amount(8 + length + end)} by its header and has {amount(size)}. {AGAIN}")
    if not spans:
        raise Reason(NO_TENSORS)
    tensors = {}
    for name, (dtype, shape, start, stop) in spans.items():
        file.seek(8 + length + start)
        tensors[name] = convert(read_into(file, stop - start), dtype, "<").reshape(shape)
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
    check_name(name)
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise Reason(f"has a damaged header (tensor {quoted(name)}). {AGAIN}")
    if entry["dtype"] not in _SAFETENSORS:
        refuse_dtype(name, str(entry["dtype"]))
    dtype, shape, offsets = _SAFETENSORS[entry["dtype"]], entry["shape"], entry["data_offsets"]
    numbers = [*shape, *offsets]
    if len(offsets) != 2 or len(shape) > MAX_DIMENSIONS or not all(map(_is_count, numbers)):
        raise Reason(f"has a damaged header (shape or place of tensor {quoted(name)}). {AGAIN}")
    start, stop = offsets
    if stop - start != math.prod(shape) * item_bytes(dtype):
        raise Reason(
            f"has a damaged header (tensor {quoted(name)} of {shape} cannot have {stop - start:,} bytes). {AGAIN}"
        )
    return dtype, tuple(shape), start, stop


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63
