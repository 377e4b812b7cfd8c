"""What the commands share: their parser, the types of their arguments, and the one plain line of an error."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ganexplorer.core.errors import UserError, plain

if TYPE_CHECKING:
    from ganexplorer.core.session import Session
    from ganexplorer.core.spec import NetworkSpec
    from ganexplorer.core.zoo import ModelEntry

MAX_LINE = 2000  # characters
LINGER_SECONDS = 2.0  # torchrun ends all processes as soon as one has left


def fail(message: str, status: int) -> int:
    """Print one plain line; returns `status`."""
    print(f"ganexplorer: {plain(message)}", file=sys.stderr)
    return status


def tell(text: str) -> None:
    """Print one line that may hold names from a file: nothing in it steers the terminal."""
    print(plain(text, MAX_LINE))


class Parser(argparse.ArgumentParser):
    """A command's parser whose help may end in text that is slow to come by (`more_help`)."""

    more_help: Callable[[], str] | None = None

    def error(self, message: str) -> NoReturn:
        """One plain line, like every other error; of the processes that torchrun has started, the first tells it."""
        if os.environ.get("LOCAL_RANK", "0") != "0":
            time.sleep(LINGER_SECONDS)
            sys.exit(2)
        sys.exit(fail(f"{message}. See {self.prog} --help", 2))

    def format_help(self) -> str:
        help = super().format_help()
        return help if self.more_help is None else f"{help}\n{self.more_help()}"


def add_command(commands: Any, name: str, help: str, example: str) -> Parser:
    """A new command's parser; `help` begins in lower case and has no full stop."""
    parser: Parser = commands.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # before or after the command; suppressed, so that it does not undo the one before
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
    )
    return parser


def add_model(command: argparse.ArgumentParser) -> None:
    """The argument MODEL, for `zoo.resolve`."""
    command.add_argument("model", metavar="MODEL", help="a name from `ganexplorer models`, a run folder, or a file")


def add_model_or_session(command: argparse.ArgumentParser) -> None:
    """The argument MODEL, which a session that ``--session`` names replaces; for `chosen_model`."""
    command.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        help="a name from `ganexplorer models`, a run folder, or a file; with --session only to take another model "
        "than the session's own",
    )


def chosen_model(arguments: argparse.Namespace) -> tuple[ModelEntry, Session | None]:
    """The model that the arguments name, and the session if they name one; tells what the model's entry notes."""
    from ganexplorer.core.session import load_session, model_of
    from ganexplorer.core.zoo import resolve

    session = None if arguments.session is None else load_session(arguments.session)
    if arguments.model is not None:
        entry = resolve(arguments.model)
    elif session is not None:
        entry = model_of(arguments.session, session)
    else:
        raise UserError(f"name a MODEL, or a session with --session. See ganexplorer {arguments.command} --help")
    if entry.note:
        print(f"ganexplorer: {plain(entry.note)}", file=sys.stderr)
    return entry, session


def check_session(arguments: argparse.Namespace, session: Session, spec: NetworkSpec) -> None:
    """Refuse a session whose latents are not of this model's space."""
    if session.prior != spec.prior or len(session.state.z) != spec.z_dim:
        raise UserError(
            f"{arguments.session}: its latents are of z {len(session.state.z)}, {session.prior}, and this model takes "
            f"z {spec.z_dim}, {spec.prior}. Name the model that the session was saved with."
        )


def check_suffix(path: Path, known: Sequence[str]) -> None:
    """Raises `UserError` unless the name of the file to write ends in one of `known`."""
    if path.suffix.lower() not in known:
        raise UserError(f"{path}: cannot write this kind of file. Use a name that ends in {' or '.join(known)}.")


def parse_seed(text: str) -> int:
    """A whole number of 64 bits."""
    value = _whole(text)
    if not -(2**63) <= value < 2**64:
        raise argparse.ArgumentTypeError(f"{text} is not a seed of 64 bits")
    return value


def parse_seeds(text: str) -> list[int]:
    """Two or more seeds with commas between."""
    seeds = [parse_seed(part) for part in text.split(",")]
    if len(seeds) < 2:
        raise argparse.ArgumentTypeError("give two or more seeds, as in 1,2,3")
    return seeds


def parse_finite(text: str) -> float:
    """A number, neither NaN nor infinite."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def parse_positive(text: str) -> int:
    """A whole number, at least 1."""
    value = _whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def parse_minutes(text: str) -> float:
    """A number above 0."""
    value = parse_finite(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def parse_size(text: str) -> tuple[int, int]:
    """Width and height with an x between."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not WxH, as in 1280x800")
    return int(width), int(height)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
