"""Exports to ONNX that share what PyTorch knows of its operators; building that anew takes half of the time of each."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def known_operators() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        with contextlib.suppress(ImportError, AttributeError):  # no part of the interface: it may be elsewhere one day
            from torch.onnx._internal.exporter._registration import ONNXRegistry

            patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(functools.cache(ONNXRegistry.from_torchlib)))
        yield
