"""Which device to compute on."""

from __future__ import annotations

from typing import Literal

import torch

from ganexplorer.core.errors import UserError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


def pick_device(name: str = "auto") -> torch.device:
    """The device of a name; ``auto`` is CUDA, else MPS, else the CPU. Raises `UserError` where it is not there."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if available[kind]))
    kind = name.partition(":")[0]
    if not available.get(kind, False):
        there = ", ".join(kind for kind, is_there in available.items() if is_there)
        raise UserError(f"device {name!r} is not available on this machine. Available: {there}.")
    try:
        return torch.device(name)
    except RuntimeError:
        raise UserError(f"device {name!r} is not a device. Use {kind} or {kind}:0.") from None
