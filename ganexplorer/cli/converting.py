"""convert: a file from elsewhere as a model of ganexplorer's own format."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganexplorer.cli.parsing import add_command, check_suffix, tell
from ganexplorer.core.errors import UserError

if TYPE_CHECKING:
    from ganexplorer.core.foreign.opening import ForeignFile

# the fields of foreign.choices.Choices (a test compares), written out because that module imports torch
_FLAGS: dict[str, tuple[str, str]] = {
    "activation": (
        "NAME",
        "activation between layers: relu, leaky_relu[:SLOPE], elu, selu, gelu, silu, tanh, sigmoid, none",
    ),
    "slope": ("NUMBER", "slope of a leaky ReLU below 0, such as 0.2"),
    "output": ("NAME", "activation after the last layer: tanh, sigmoid (images in [0, 1]), none"),
    "eps": ("NUMBER", "eps of the batch norms, such as 1e-5 or 0.8"),
    "first_eps": ("NUMBER", "eps of a batch norm that comes right after the reshape to an image"),
    "upsample": ("NAME", "kind of upsampling: nearest, bilinear"),
    "prior": (
        "PRIOR",
        "what z was drawn from: normal, normal:MEAN,STD, uniform (-1 to 1), uniform:LOW,HIGH, constant:VALUE",
    ),
    "image_shape": ("C,H,W", "channels, height, width, such as 3,64,64; one number is a gray square"),
}
_SWITCHES = {
    "lift_activation": "whether an activation comes right after the linear layer whose values become an image",
    "transpose": "whether to swap rows and columns of the picture",
    "channels_last": "whether an MLP gives its values as height, width, channels (colours last)",
}


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = add_command(
        commands, "convert", "make a model file of a checkpoint from elsewhere",
        "ganexplorer convert netG.pth -o faces.safetensors --activation relu --prior uniform",
    )  # fmt: skip
    command.add_argument("file", type=Path, metavar="FILE", help="a .pt, .pth, .ckpt or .safetensors file")
    command.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.safetensors", help="the file to write")
    group = command.add_argument_group(
        "what names and shapes of weights do not tell",
        "Without a flag: what was chosen in the window, else what the file says, else what is usual.\n"
        "`ganexplorer inspect FILE` shows which.",
    )
    for name, (metavar, help) in _FLAGS.items():
        group.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=help)
    for name, help in _SWITCHES.items():
        group.add_argument(
            f"--{name.replace('_', '-')}", action=argparse.BooleanOptionalAction, default=None, help=help
        )
    group.add_argument("--network", metavar="NAME", help="which generator, where the file has several, such as g_ema")
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
    given = choices_of(arguments)
    for title, words in choice_lines(file, given):
        tell(f"{title}: {words}")
    idle = [f"--{name.replace('_', '-')}" for name in given if not _matters(file, name)]
    if idle:
        tell(f"no effect on this network: {', '.join(idle)}")
    if file.note:
        tell(file.note)
    return 0


def choice_lines(file: ForeignFile, given: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Titles and words: where each choice that matters comes from, and which network of several it is for.

    `given` are the names of choices that a person made just now; they may be those that are usual.
    """
    from ganexplorer.core.foreign.choices import to_text

    lines: dict[str, list[str]] = {"chosen": [], "in the file": [], "batch norms": [], "assumed": []}
    for name in file.reading.open_choices:
        if not _matters(file, name):
            continue
        if name in file.stored or name in given:
            title = "chosen"
        elif name in file.evident:
            title = "batch norms"
        else:
            title = "in the file" if name in file.reading.told else "assumed"
        lines[title].append(f"{name} {to_text(getattr(file.choices, name))}")
    told = [(title, ", ".join(words)) for title, words in lines.items() if words]
    others = [label for label in file.labels if label != file.network]
    if others:
        told.append(("network", f"{file.network}; also in the file: {', '.join(others)} (convert --network)"))
    return told


def _matters(file: ForeignFile, name: str) -> bool:
    return name in file.reading.open_choices and (name != "slope" or file.choices.activation == "leaky_relu")


def _is_same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:  # one is not there, or not to be read: writing or reading it says so
        return False
