"""What comes out of a stranger's file, and how much of it at most."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ganexplorer.core.foreign.reasons import Reason
from ganexplorer.core.foreign.values import Array

MAX_TENSORS = 20_000
MAX_NAME = 300  # characters


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
    tensors: dict[str, Array]
    modules: dict[str, ModuleFacts] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


def check_count(count: int) -> None:
    """Raise `Reason` for more tensors than are read."""
    if count > MAX_TENSORS:
        raise Reason(f"holds more than {MAX_TENSORS:,} tensors. Save the weights of one network alone.")


def check_name(name: str) -> None:
    """Raise for a name that is too long, or no text."""
    if len(name) > MAX_NAME:
        raise Reason(f"has a name of more than {MAX_NAME:,} characters. Save the weights under shorter ones.")
    name.encode()  # raises for the halves of characters that JSON and pickle let through
