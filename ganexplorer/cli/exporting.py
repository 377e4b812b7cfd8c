"""export: a model for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ganexplorer.cli.parsing import add_command, add_model, check_suffix, tell


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = add_command(
        commands,
        "export",
        "write a generator for other programs (ONNX)",
        "ganexplorer export mnist-mlp-64 --format onnx -o mnist-mlp-64.onnx",
    )
    add_model(command)
    command.add_argument("--format", choices=("onnx",), default="onnx", help="kind of file (default onnx)")
    command.add_argument(
        "-o", "--out", type=Path, required=True, help="OUT.onnx: from z (N, z dim) to images (N, C, H, W) in [-1, 1]"
    )
    command.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> int:
    from ganexplorer.core.onnx_export import BATCH, export_onnx
    from ganexplorer.core.zoo import resolve

    check_suffix(arguments.out, (".onnx",))
    entry = resolve(arguments.model)
    difference = export_onnx(entry.load_generator(), arguments.out, entry.name)
    tell(
        f"{arguments.out}: differs from the original by {difference:.1g} at most, "
        f"checked with one sample alone and {BATCH} at once"
    )
    return 0
