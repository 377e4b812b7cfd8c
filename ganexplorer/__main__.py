"""Entry point: no argument, a FILE, or ``gui`` opens the window; anything else is a command."""

from __future__ import annotations

import argparse
import os
import sys

from ganexplorer import cli


def main() -> int:
    """Run the program; returns the exit status."""
    parser = cli.build_parser()
    arguments = parser.parse_args(_with_command(parser, sys.argv[1:]))
    if arguments.command == "gui":
        arguments.run = _gui
    return cli.run(arguments)


def _with_command(parser: argparse.ArgumentParser, words: list[str]) -> list[str]:
    """The words with the command that they leave out: ``FILE`` means ``gui --model FILE``, nothing means ``gui``."""
    first = next((index for index, word in enumerate(words) if not word.startswith("-")), None)
    if first is None:
        return [*words, "gui"]
    commands = {name for action in parser._actions if isinstance(action.choices, dict) for name in action.choices}
    if words[first] in commands or not os.path.exists(words[first]):
        return words
    # absolute: a model of the same name must not take its place
    return [*words[:first], "gui", "--model", os.path.abspath(words[first]), *words[first + 1 :]]


def _gui(arguments: argparse.Namespace) -> int:
    from ganexplorer.ui import app  # neither torch nor Qt before it is needed

    return app.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
