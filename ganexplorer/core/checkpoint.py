"""Checkpoints: a safetensors file that carries everything a picture depends on.

Tensors are named ``generator.layers.0.weight`` and so on; the metadata holds the format's version, the
specs and the card. The same format serves shipped models, a run's snapshots and exports.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ganexplorer.core.errors import UserError
from ganexplorer.core.files import FileError, atomic_write, open_regular
from ganexplorer.core.networks import Network, build
from ganexplorer.core.spec import NetworkSpec, SpecError

FORMAT = "ganexplorer-1"
_FAMILY = "ganexplorer-"  # what the formats of all versions begin with
ROLES = ("generator", "discriminator")
MAX_FILE_BYTES = 4 * 1024**3
MAX_HEADER_BYTES = 1024**2


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


def write_networks(path: Path | str, networks: Mapping[str, Network], card: Mapping[str, Any]) -> None:
    """Write networks by role (``generator``, ``discriminator``) and their card to one file, atomically."""
    tensors: dict[str, Tensor] = {}
    card_json = json.dumps(dict(card))
    metadata = {"format": FORMAT, "card": card_json}
    for role, network in networks.items():
        metadata[role] = network.spec.to_json()
        for name, tensor in network.state_dict().items():
            tensors[f"{role}.{name}"] = tensor.detach().cpu().contiguous()
    data = safetensors.torch.save(tensors, metadata)
    if int.from_bytes(data[:8], "little") > MAX_HEADER_BYTES:
        raise CheckpointError(
            f"{path}: not written, its card of {len(card_json):,} characters is too long. Shorten it."
        )
    with atomic_write(path) as file:
        file.write(data)


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
    data = _read(path)
    metadata = _metadata(path, data)
    try:
        tensors = safetensors.torch.load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path}: damaged safetensors file ({error}). Copy or save it again.") from None
    networks = {role: _network(path, role, metadata[role], tensors) for role in ROLES if role in metadata}
    if len(networks) == 2 and networks["generator"].spec.image_shape != networks["discriminator"].spec.image_shape:
        raise CheckpointError(f"{path}: its generator and its discriminator are for images of different shapes.")
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
            metadata = json.loads(_head(file)[8:])["__metadata__"]
            return str(metadata["format"]).startswith(_FAMILY)
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
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error}).") from None


def _head(file: BinaryIO) -> bytes:
    """The length of a safetensors header and the header; of one that is too long, the length and two bytes."""
    length = file.read(8)
    claim = int.from_bytes(length, "little")
    return length + file.read(max(claim, 2) if claim <= MAX_HEADER_BYTES else 2)


def _read(path: Path) -> bytes:
    with _opened(path) as file:
        _metadata(path, _head(file))  # a file of another kind is not read to its end
        size = os.fstat(file.fileno()).st_size
        if size > MAX_FILE_BYTES:
            raise CheckpointError(
                f"{path}: {size / 1e9:.1f} GB is more than the {MAX_FILE_BYTES / 1e9:.1f} GB allowed."
            )
        file.seek(0)
        return file.read(size)


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
        raise CheckpointError(f"{path}: damaged safetensors header. Copy or save the file again.") from None
    stated = str(metadata.get("format", "")) if isinstance(metadata, dict) else ""
    if stated.startswith(_FAMILY) and stated != FORMAT:
        raise CheckpointError(
            f"{path}: written by a newer ganexplorer, in format {stated[:40]!r}; this version reads {FORMAT!r}. "
            "Update ganexplorer."
        )
    if not isinstance(metadata, dict) or "format" not in metadata or not any(role in metadata for role in ROLES):
        raise CheckpointError(
            f"{path}: a safetensors file without ganexplorer's network description. "
            "This version opens the files that ganexplorer writes."
        )
    if metadata["format"] != FORMAT:
        raise CheckpointError(
            f"{path}: written in format {stated[:40]!r}, this version reads {FORMAT!r}. "
            "Open the files that ganexplorer writes."
        )
    return {str(k): str(v) for k, v in metadata.items()}


def _network(path: Path, role: str, spec_json: str, tensors: Mapping[str, Tensor]) -> Network:
    try:
        spec = NetworkSpec.from_json(spec_json)
    except SpecError as error:
        raise CheckpointError(f"{path}: its {role} cannot be built: {error}.") from None
    if spec.is_generator != (role == "generator"):
        raise CheckpointError(f"{path}: the network it calls its {role} is described as something else.")
    network = build(spec)
    expected = network.state_dict()
    found = {k.removeprefix(f"{role}."): v for k, v in tensors.items() if k.startswith(f"{role}.")}
    missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or extra:
        detail = "; ".join(
            f"{word} {', '.join(keys[:4])}" for word, keys in (("missing", missing), ("extra", extra)) if keys
        )
        raise CheckpointError(f"{path}: the {role}'s weights do not match its description: {detail}.")
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            raise CheckpointError(
                f"{path}: {role} {name} has shape {list(tensor.shape)}, expected {list(expected[name].shape)}."
            )
        if tensor.is_floating_point():
            tensor = tensor.to(expected[name].dtype)
            if (
                expected[name].is_floating_point()
                and not math.isfinite(tensor.float().sum().item())
                and not torch.isfinite(tensor).all()
            ):
                raise CheckpointError(f"{path}: {role} {name} holds NaN or infinite values; take an earlier snapshot.")
            if name.endswith("running_var") and (tensor < 0).any():
                raise CheckpointError(f"{path}: {role} {name} holds negative variances; the file is damaged.")
        elif expected[name].is_floating_point():
            raise CheckpointError(f"{path}: {role} {name} is of type {tensor.dtype}, expected floating point.")
    with torch.no_grad():
        state = {name: tensor.to(expected[name].dtype) for name, tensor in found.items()}
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)
