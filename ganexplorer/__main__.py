"""Entry point: no argument, or ``gui``, opens the window; anything else is a command."""

from __future__ import annotations

import argparse
import sys

from ganexplorer import cli


def main() -> int:
    """Run the program; returns the exit status."""
    parser = cli.build_parser()
    arguments = parser.parse_args(sys.argv[1:] or ["gui"])
    if arguments.command is None:
        arguments = parser.parse_args([*sys.argv[1:], "gui"])
    if arguments.command == "gui":
        arguments.run = _gui
    return cli.run(arguments)


def _gui(arguments: argparse.Namespace) -> int:
    from ganexplorer.ui import app  # torch before Qt, and neither before it is needed

    return app.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
