"""What the help of train ends in: the recipes and the hyperparameters."""

from __future__ import annotations

import shutil
import textwrap

MIN_WIDTH, MAX_WIDTH = 60, 100  # characters of a line


def train_help() -> str:
    """The recipes and the hyperparameters, made from `RECIPES` and `TrainConfig`."""
    from ganexplorer.train.config import parameters
    from ganexplorer.train.recipes import RECIPES

    width = max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size().columns - 2))  # as argparse has it

    def filled(text: str, first: str, rest: str) -> str:
        return textwrap.fill(
            text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
        )

    lines = ["recipes, each with what it has otherwise than below:"]
    for item in RECIPES.values():
        lines += [f"  {item.name}  (data: {item.data or 'folder:DIR'})", filled(item.summary, "    ", "    ")]
        lines.append(filled(" ".join(item.config.settings()), "    ", "    "))
    lines += ["", "hyperparameters for --set:"]
    lines += [
        filled(text, "  ", "  ")
        for text in (
            "The values are those of a recipe that does not say otherwise.",
            "* may change while a run goes on: in the window, and with --fork; all others are fixed.",
            f"--resume takes other values of {', '.join(_free_to_change())} only.",
        )
    ]
    group = ""
    for parameter in parameters():
        if parameter.group != group:
            group = parameter.group
            lines += ["", f"  {group}"]
        choices = f" [{', '.join(parameter.choices)}]" if parameter.choices else ""
        first = f"    {parameter.setting:<25} {'*' if parameter.live else ' '} "
        lines.append(filled(parameter.help + choices, first, " " * len(first)))
    return "\n".join(lines) + "\n"


def _free_to_change() -> list[str]:
    """What a run may be resumed with otherwise, in the order of the hyperparameters."""
    from ganexplorer.train.config import parameters
    from ganexplorer.train.runs import FREE_TO_CHANGE

    return [parameter.name for parameter in parameters() if parameter.name in FREE_TO_CHANGE]
