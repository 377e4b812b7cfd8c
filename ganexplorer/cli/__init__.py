"""The command line. Exit status 0; 1: it failed; 2: bad arguments or unusable input.

A module for each kind of command. Heavy imports (torch) stand in the commands: ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ganexplorer import __version__
from ganexplorer.cli import (
    benching,
    converting,
    directing,
    evaluating,
    exporting,
    growing,
    models,
    pictures,
    publishing,
    training,
)
from ganexplorer.cli.parsing import Parser, add_command, fail, parse_size
from ganexplorer.core.errors import UserError

__all__ = ["build_parser", "fail", "main", "run"]


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets ``run``, a function of the parsed arguments."""
    parser = Parser(
        prog="ganexplorer",
        description="Hold a GAN in your hands. Without a command the window opens; with only a FILE, a model or a "
        "session, on that file.",
    )
    parser.add_argument("--version", action="version", version=f"ganexplorer {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", parser_class=Parser)
    _add_gui(commands)
    models.add(commands)
    pictures.add(commands)
    converting.add(commands)
    publishing.add(commands)
    exporting.add(commands)
    training.add(commands)
    evaluating.add(commands)
    growing.add(commands)
    directing.add(commands)
    benching.add(commands)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run a command other than ``gui``; returns the exit status."""
    return run(build_parser().parse_args(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Run what `build_parser` parsed; errors become one plain line on stderr."""
    command: Callable[[argparse.Namespace], int] = arguments.run
    try:
        status = command(arguments)
        sys.stdout.flush()
        return status
    except UserError as error:
        if arguments.debug:
            raise
        return fail(str(error), 2)
    except KeyboardInterrupt:
        return fail("interrupted", 130)
    except BrokenPipeError:  # who reads has enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is flushed to nowhere
        return 0
    except Exception as error:
        if arguments.debug:
            raise
        return fail(f"{type(error).__name__}: {error} (--debug shows where)", 1)


def _add_gui(commands: Any) -> None:
    command = add_command(commands, "gui", "open the window", "ganexplorer gui --model mnist-mlp-64")
    what = command.add_mutually_exclusive_group()
    what.add_argument("--model", metavar="MODEL", help="a name from `ganexplorer models`, a run folder, or a file")
    what.add_argument("--session", type=Path, metavar="FILE", help="go on with a session that the window saved")
    command.add_argument(
        "--device",
        default="auto",
        choices=("auto", "cpu", "cuda", "mps"),
        help="where the generator computes (default auto)",
    )
    command.add_argument(
        "--theme",
        choices=("system", "dark", "light"),
        help="colours of the window (default as chosen in it; at first, and of a screenshot, the system's)",
    )
    command.add_argument(
        "--size",
        type=parse_size,
        metavar="WxH",
        help="size of the window (default as it was left; at first, and of a screenshot, 1280x800)",
    )
    command.add_argument("--screenshot", type=Path, metavar="PNG", help="save a picture of the window and leave")
