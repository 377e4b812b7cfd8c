"""Checkpoints: a safetensors file that carries everything a picture depends on.

Tensors are named ``generator.layers.0.weight`` and so on; the metadata holds the format's version, the
specs and the card. The same format serves shipped models, a run's snapshots and exports.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ganexplorer.core.errors import UserError, plain
from ganexplorer.core.files import FileError, atomic_write, open_regular
from ganexplorer.core.networks import Network, build, check_cost, state_shapes
from ganexplorer.core.spec import NetworkSpec, Shape, SpecError

FORMAT = "ganexplorer-1"
_FAMILY = "ganexplorer-"  # what the formats of all versions begin with
ROLES = ("generator", "discriminator")
MAX_FILE_BYTES = 4 * 1024**3
MAX_HEADER_BYTES = 1024**2


_AGAIN = "Copy or save it again."
_LARGEST_ITEM = 16  # bytes of a value, of any type

_Value = TypeVar("_Value")


class CheckpointError(UserError):
    """A file that is no usable checkpoint. The text names file, reason and remedy."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A generator, perhaps its discriminator, and what is known about them.

    Parameters
    ----------
    generator, discriminator
        Built networks in eval mode, on the CPU after `load`.
    card
        Free-form facts for people, JSON values only: ``name``, ``recipe``, ``data``, ``step``, ``seed``, …
    """

    generator: Network
    discriminator: Network | None = None
    card: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: Path | str) -> None:
        """Write one file that holds all of it. Atomic: `path` is absent, the old file, or the whole new one."""
        networks = {"generator": self.generator}
        if self.discriminator is not None:
            networks["discriminator"] = self.discriminator
        write_networks(path, networks, self.card)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what `save` wrote; raises `CheckpointError` as `read_networks` does."""
        networks, card = read_networks(path)
        if "generator" not in networks:
            raise CheckpointError(f"{path}: holds a discriminator alone. Open the generator's file instead.")
        return cls(networks["generator"], networks.get("discriminator"), card)


def write_networks(
    path: Path | str, networks: Mapping[str, Network], card: Mapping[str, Any], *, half: bool = False
) -> None:
    """Write networks by role (``generator``, ``discriminator``) and their card to one file, atomically.

    With `half`, the matrices and kernels among the weights are written as float16; biases and batch norms, which are
    few, stay as they are.
    """
    tensors: dict[str, Tensor] = {}
    card_json = json.dumps(dict(card))
    metadata = {"format": FORMAT, "card": card_json}
    for role, network in networks.items():
        metadata[role] = network.spec.to_json()
        for name, tensor in network.state_dict().items():
            values = tensor.detach().cpu().contiguous()
            tensors[f"{role}.{name}"] = values.half() if half and values.ndim > 1 else values
    data = safetensors.torch.save(tensors, metadata)
    if int.from_bytes(data[:8], "little") > MAX_HEADER_BYTES:
        raise CheckpointError(
            f"{path}: not written, its card of {len(card_json):,} characters is too long. Shorten it."
        )
    with atomic_write(path) as file:
        file.write(data)


def fingerprint(generator: Network) -> str:
    """16 hex digits that tell a network from every other: of the SHA-256 of its description and all its tensors.

    The same on every device and after saving and loading; one changed bit of a weight gives others.
    """
    # there and back: 2 and 2.0 of a description in memory are one number
    spec = NetworkSpec.from_json(generator.spec.to_json())
    digest = hashlib.sha256(spec.to_json().encode())
    for name, tensor in sorted(generator.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"\n{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def read_networks(path: Path | str) -> tuple[dict[str, Network], dict[str, Any]]:
    """The networks of a file by role, in eval mode on the CPU, and the card.

    The file is read whole before anything is believed: a later change on disk cannot touch the model.

    Raises
    ------
    CheckpointError
        File absent, unreadable, not a safetensors file of ours, weights that do not match the description
        or are not finite.
    """
    path = Path(path)
    with _opened(path) as file:
        head = _head(file)
        metadata = _metadata(path, head)
        size = os.fstat(file.fileno()).st_size
        if size > MAX_FILE_BYTES:
            raise CheckpointError(
                f"{path}: {size / 1e9:.1f} GB is more than the {MAX_FILE_BYTES / 1e9:.1f} GB allowed. "
                "Save a smaller model."
            )
        specs = {role: spec_of(path, role, metadata[role]) for role in ROLES if role in metadata}
        _check_header(path, head, size, specs)  # a file with other weights is not read to its end
        file.seek(0)
        data = file.read(size)
    try:
        tensors = safetensors.torch.load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path}: damaged safetensors file ({plain(str(error), 300)}). {_AGAIN}") from None
    networks = {role: _network(path, role, spec, tensors) for role, spec in specs.items()}
    return networks, card_of(metadata)


def card_of(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The card in a file's metadata; empty where it is malformed, for it is only information."""
    try:
        card = json.loads(metadata.get("card", "{}"))
    except (ValueError, RecursionError):
        return {}
    return card if isinstance(card, dict) else {}


def read_metadata(path: Path | str) -> dict[str, str]:
    """The metadata of a checkpoint (``format``, ``generator``, ``discriminator``, ``card``) without its weights."""
    path = Path(path)
    with _opened(path) as file:
        return _metadata(path, _head(file))


def is_own(path: Path | str) -> bool:
    """Whether a file is a checkpoint of any ganexplorer, older or newer, whole or not.

    Raises
    ------
    FileError
        No file that can be opened.
    """
    with open_regular(path) as file:
        try:
            stated = json.loads(_head(file)[8:])["__metadata__"]["format"]
            return isinstance(stated, str) and stated.startswith(_FAMILY)
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return False


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """An open file; whatever keeps it from being read is a `CheckpointError`."""
    try:
        with open_regular(path) as file:
            yield file
    except FileError as error:
        raise CheckpointError(str(error)) from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error}). {_AGAIN}") from None


def _head(file: BinaryIO) -> bytes:
    """The length of a safetensors header and the header; of one that is too long, the length and two bytes."""
    length = file.read(8)
    claim = int.from_bytes(length, "little")
    return length + file.read(max(claim, 2) if claim <= MAX_HEADER_BYTES else 2)


def _metadata(path: Path, data: bytes) -> dict[str, str]:
    """The metadata of the bytes of a safetensors file: 8 bytes of header length, then a JSON header."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 10 or data[8:9] != b"{":
        raise CheckpointError(
            f"{path}: is not a safetensors file. This version opens the .safetensors files that ganexplorer writes."
        )
    if size > MAX_HEADER_BYTES:
        raise CheckpointError(f"{path}: its header claims {size:,} bytes; at most {MAX_HEADER_BYTES:,} are read.")
    try:
        header = json.loads(data[8 : 8 + size])
        metadata = header.get("__metadata__", {})
    except (ValueError, AttributeError, RecursionError):
        raise CheckpointError(f"{path}: damaged safetensors header. {_AGAIN}") from None
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise CheckpointError(f"{path}: damaged safetensors header (its metadata are no texts). {_AGAIN}")
    stated = metadata.get("format", "")
    if stated.startswith(_FAMILY) and stated != FORMAT:
        raise CheckpointError(
            f"{path}: written by a newer ganexplorer, in format {stated[:40]!r}; this version reads {FORMAT!r}. "
            "Update ganexplorer."
        )
    if "format" not in metadata or not any(role in metadata for role in ROLES):
        raise CheckpointError(
            f"{path}: a safetensors file without ganexplorer's network description. "
            "This version opens the files that ganexplorer writes."
        )
    if metadata["format"] != FORMAT:
        raise CheckpointError(
            f"{path}: written in format {stated[:40]!r}, this version reads {FORMAT!r}. "
            "Open the files that ganexplorer writes."
        )
    return metadata


def spec_of(path: Path, role: str, spec_json: str) -> NetworkSpec:
    """The description of a network in the metadata; raises `CheckpointError`."""
    try:
        spec = NetworkSpec.from_json(spec_json)
        check_cost(spec)
    except SpecError as error:
        raise CheckpointError(
            f"{path}: its {role} cannot be built: {plain(str(error), 300)}. Save the model again."
        ) from None
    if spec.is_generator != (role == "generator"):
        raise CheckpointError(
            f"{path}: the network it calls its {role} is described as something else. Save the model again."
        )
    return spec


def _check_header(path: Path, head: bytes, size: int, specs: Mapping[str, NetworkSpec]) -> None:
    """Hold what the header says of the weights against the descriptions and the file's size, before it is read."""
    shapes = {role: spec.image_shape for role, spec in specs.items()}
    if len(set(shapes.values())) > 1:
        raise CheckpointError(
            f"{path}: its generator and its discriminator are for images of different shapes. Save the model again."
        )
    entries = json.loads(head[8:])
    entries.pop("__metadata__", None)
    try:
        end = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
        found = {name: tuple(int(side) for side in entry["shape"]) for name, entry in entries.items()}
    except (LookupError, TypeError, ValueError, OverflowError):
        raise CheckpointError(f"{path}: damaged safetensors header. {_AGAIN}") from None
    values = 0
    for role, spec in specs.items():
        expected = state_shapes(spec)
        _check_shapes(path, role, expected, _of(role, found))
        values += sum(map(math.prod, expected.values()))
    others = [name for name in found if name.partition(".")[0] not in specs]
    if others:
        raise CheckpointError(f"{path}: holds weights of no network that it describes: {_list(others)}. {_AGAIN}")
    if len(head) + end != size or end > values * _LARGEST_ITEM:
        raise CheckpointError(
            f"{path}: damaged safetensors file (by its header it has {len(head) + end:,} bytes, really {size:,}). "
            f"{_AGAIN}"
        )


def _of(role: str, values: Mapping[str, _Value]) -> dict[str, _Value]:
    """The values of one network, by the names inside it."""
    return {name.removeprefix(f"{role}."): value for name, value in values.items() if name.startswith(f"{role}.")}


def _check_shapes(path: Path, role: str, expected: Mapping[str, Shape], found: Mapping[str, Shape]) -> None:
    missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or extra:
        detail = "; ".join(f"{word} {_list(keys)}" for word, keys in (("missing", missing), ("extra", extra)) if keys)
        raise CheckpointError(
            f"{path}: the {role}'s weights do not match its description: {detail}. Save the model again."
        )
    for name, shape in found.items():
        if shape != expected[name]:
            raise CheckpointError(
                f"{path}: {role} {name} has shape {list(shape)}, expected {list(expected[name])}. Save the model again."
            )


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4:,} more" if len(names) > 4 else ""
    return ", ".join(plain(name, 80) for name in names[:4]) + more


def _network(path: Path, role: str, spec: NetworkSpec, tensors: Mapping[str, Tensor]) -> Network:
    found = _of(role, tensors)
    _check_shapes(path, role, state_shapes(spec), {name: tuple(tensor.shape) for name, tensor in found.items()})
    network = build(spec)
    expected = network.state_dict()
    for name in expected:  # in the same order each time
        tensor = found[name]
        if tensor.is_floating_point():
            tensor = tensor.to(expected[name].dtype)
            if (
                expected[name].is_floating_point()
                and not math.isfinite(tensor.float().sum().item())
                and not torch.isfinite(tensor).all()
            ):
                raise CheckpointError(f"{path}: {role} {name} holds NaN or infinite values; take an earlier snapshot.")
            if name.endswith("running_var") and (tensor < 0).any():
                raise CheckpointError(f"{path}: {role} {name} holds negative variances; the file is damaged. {_AGAIN}")
        elif expected[name].is_floating_point():
            raise CheckpointError(
                f"{path}: {role} {name} is of type {tensor.dtype}, expected floating point. Save the model again."
            )
    with torch.no_grad():
        state = {name: tensor.to(expected[name].dtype) for name, tensor in found.items()}
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)
