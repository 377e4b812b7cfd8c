"""convert: a stranger's file as a model of ganexplorer's own format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ganexplorer.cli.parsing import add_command, check_suffix, tell
from ganexplorer.core.errors import UserError

# the fields of foreign.choices.Choices (a test compares), written out because that module imports torch
_FLAGS: dict[str, tuple[str, str]] = {
    "activation": ("NAME", "between layers: relu, leaky_relu[:SLOPE], elu, selu, gelu, silu, tanh, sigmoid, none"),
    "slope": ("NUMBER", "of a leaky ReLU below 0, such as 0.2"),
    "output": ("NAME", "after the last layer: tanh, sigmoid (images in [0, 1]), none"),
    "eps": ("NUMBER", "of the batch norms, such as 1e-5 or 0.8"),
    "first_eps": ("NUMBER", "of a batch norm that stands first on the reshaped image"),
    "upsample": ("NAME", "how an upsampling fills in: nearest, bilinear"),
    "prior": ("PRIOR", "what z is drawn from: normal, uniform, uniform:LOW,HIGH, constant:VALUE"),
    "image_shape": ("C,H,W", "channels, height, width; one number is a gray square"),
}
_SWITCHES = {
    "lift_activation": "whether an activation follows the linear layer that becomes an image",
    "transpose": "whether rows and columns are swapped",
    "channels_last": "whether an MLP's values are in the order height, width, channels",
}


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = add_command(
        commands, "convert", "make a model file of a stranger's checkpoint",
        "ganexplorer convert netG.pth -o faces.safetensors --activation relu --prior uniform",
    )  # fmt: skip
    command.add_argument("file", type=Path, metavar="FILE", help="a .pt, .pth, .ckpt or .safetensors file")
    command.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.safetensors", help="the file to write")
    group = command.add_argument_group(
        "what names and shapes of weights do not tell", "Each has the value that is usual for the family of networks."
    )
    for name, (metavar, help) in _FLAGS.items():
        group.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=help)
    for name, help in _SWITCHES.items():
        group.add_argument(
            f"--{name.replace('_', '-')}", action=argparse.BooleanOptionalAction, default=None, help=help
        )
    group.add_argument("--network", metavar="NAME", help="which generator of several in the file, such as g_ema")
    command.set_defaults(run=_convert)


def choices_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The choices that were given as flags."""
    given = {name: getattr(arguments, name) for name in (*_FLAGS, *_SWITCHES)}
    return {name: value for name, value in given.items() if value is not None}


def _convert(arguments: argparse.Namespace) -> int:
    from ganexplorer.core.checkpoint import Checkpoint, is_own
    from ganexplorer.core.foreign import opening

    check_suffix(arguments.out, (".safetensors",))
    if _is_same(arguments.out, arguments.file):
        raise UserError(f"{arguments.out}: is the file to convert itself. Name another one to write.")
    if is_own(arguments.file):
        Checkpoint.load(arguments.file)  # a damaged or newer one is refused as everywhere
        raise UserError(f"{arguments.file}: is a model of ganexplorer already. Copy the file.")
    file = opening.read(arguments.file).with_choices(choices_of(arguments), arguments.network)
    checkpoint = file.checkpoint()
    try:
        checkpoint.save(arguments.out)
    except OSError as error:
        raise UserError(
            f"{arguments.out}: cannot be written ({error.strerror or error}). Name a file in a folder of yours."
        ) from None
    tell(f"{arguments.out}: {file.spec.summary()}, z {file.spec.z_dim}")
    tell(f"assumed: {file.assumed}")
    others = [label for label in file.labels if label != file.network]
    if others:
        tell(f"taken: {file.network}; also in the file (--network): {', '.join(others)}")
    if file.note:
        tell(file.note)
    return 0


def _is_same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:  # one is not there, or not to be read: writing or reading it says so
        return False
