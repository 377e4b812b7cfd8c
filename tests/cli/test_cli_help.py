"""Help, the entry point, and how errors leave the program."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import ganexplorer
from ganexplorer import __main__ as entry_point
from ganexplorer import cli
from ganexplorer.cli import parsing
from ganexplorer.core import zoo
from ganexplorer.core.errors import UserError
from ganexplorer.train.config import TrainConfig, parameters
from ganexplorer.train.recipes import RECIPES

Command = Callable[..., Any]


def commands() -> dict[str, argparse.ArgumentParser]:
    """Every command with its parser."""
    (action,) = (a for a in cli.build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


def test_the_commands_of_this_version_are_there() -> None:
    assert {"gui", "models", "inspect", "sample", "interpolate", "train"} <= commands().keys()


@pytest.mark.parametrize("name", commands())
def test_the_help_of_a_command_ends_in_an_example_that_parses(command: Command, name: str) -> None:
    answer = command(name, "--help")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"usage: ganexplorer {name} ")
    _, _, example = answer.out.partition("example:\n  ")
    words = example.splitlines()[0].split()
    assert words[:2] == ["ganexplorer", name]
    assert cli.build_parser().parse_args(words[1:]).command == name


@pytest.mark.parametrize("name", commands())
def test_the_help_of_a_command_explains_every_argument(name: str) -> None:
    assert all(action.help for action in commands()[name]._actions)


def test_the_help_of_the_program_lists_its_commands(command: Command) -> None:
    answer = command("--help")
    assert answer.status == 0
    listed = [line.split() for line in answer.out.splitlines() if line.startswith("    ")]
    assert commands().keys() <= {words[0] for words in listed}


def help_of_train(command: Command, monkeypatch: pytest.MonkeyPatch, columns: int = 80) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    out: str = command("train", "--help").out
    return out


def test_the_help_of_train_explains_each_hyperparameter_and_says_whether_it_may_change(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = help_of_train(command, monkeypatch)
    plain = " ".join(out.split())
    assert "* may change while a run goes on" in plain
    for parameter in parameters():
        ((default, mark, _),) = re.findall(rf"^    {parameter.name}=(\S*) +(\*)? +(\S.*)$", out, re.MULTILINE)
        assert bool(mark) is parameter.live, parameter.name
        assert parameter.parse(default) == parameter.default
        assert " ".join(parameter.help.split()) in plain
        assert all(choice in plain for choice in parameter.choices)


def test_the_help_of_train_shows_all_that_makes_a_recipe(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands below its name is enough to do without the recipe."""
    recipes, _, _ = help_of_train(command, monkeypatch).partition("\nhyperparameters")
    for recipe in RECIPES.values():
        _, _, below = recipes.partition(f"\n  {recipe.name}  (data: {recipe.data or 'folder:DIR'})\n")
        own = re.split(r"\n  (?=\S)", below)[0]
        assert " ".join(recipe.summary.split()) in " ".join(own.split())
        settings = [word for word in own.split() if re.fullmatch(r"\w+=\S+", word)]
        assert TrainConfig().with_settings(settings) == recipe.config


@pytest.mark.parametrize(("columns", "widest"), [(20, 60), (80, 78), (300, 100)])
def test_the_list_of_hyperparameters_fits_the_terminal_and_stays_readable(
    command: Command, monkeypatch: pytest.MonkeyPatch, columns: int, widest: int
) -> None:
    _, _, listed = help_of_train(command, monkeypatch, columns).partition("\nrecipes")
    assert len(listed.splitlines()) > 60
    assert max(map(len, listed.splitlines())) <= widest


def test_the_version_is_printed(command: Command) -> None:
    assert command("--version").out == f"ganexplorer {ganexplorer.__version__}\n"


def test_help_of_the_module_answers_without_importing_pytorch_or_qt() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ganexplorer", "--help"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 0
    assert result.stdout.startswith("usage: ganexplorer ")
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"torch", "numpy", "PIL", "PySide6", "pyqtgraph"}


# ---- the entry point


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The arguments that the window would be opened with, in place of a window."""
    calls: list[Any] = []

    def window(arguments: object) -> int:
        calls.append(arguments)
        return 0

    monkeypatch.setattr(entry_point, "_gui", window)
    return calls


@pytest.mark.parametrize("words", [[], ["gui"], ["--debug"], ["--debug", "gui"], ["gui", "--debug"]], ids=" ".join)
def test_without_a_command_the_window_opens(
    words: list[str], opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["ganexplorer", *words])
    assert entry_point.main() == 0
    (arguments,) = opened
    assert (arguments.model, arguments.device, arguments.screenshot) == (None, "auto", None)
    assert arguments.debug is ("--debug" in words)


def test_a_command_is_run_without_a_window(
    opened: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ganexplorer", "inspect", "no-such-model"])
    assert entry_point.main() == 2
    assert capsys.readouterr().err.startswith("ganexplorer: no-such-model: no such model")
    assert not opened


def test_the_size_of_the_window_is_width_and_height() -> None:
    assert cli.build_parser().parse_args(["gui", "--size", "800x600"]).size == (800, 600)


# ---- errors


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sing"], "invalid choice: 'sing'"),
        (["inspect"], "required: MODEL"),
        (["sample", "m"], "required: -o/--out"),
        (["sample", "m", "-o", "a.png", "-n", "0"], "0 is not at least 1"),
        (["sample", "m", "-o", "a.png", "-n", "-3"], "-3 is not at least 1"),
        (["sample", "m", "-o", "a.png", "--seed", "1.5"], "--seed: "),
        (["interpolate", "m", "-o", "a.gif"], "required: --seeds"),
        (["interpolate", "m", "-o", "a.gif", "--seeds", "4"], "give two or more seeds, as in 1,2,3"),
        (["interpolate", "m", "-o", "a.gif", "--seeds", "1,2", "--mode", "cubic"], "invalid choice: 'cubic'"),
        (["train", "--recipe", "mlp-64"], "required: --out"),
        (["train", "--recipe", "mlp-64", "--out", "r", "--steps", "5", "--epochs", "5"], "not allowed with argument"),
        (["train", "--recipe", "mlp-64", "--out", "r", "--device", "tpu"], "invalid choice: 'tpu'"),
        (["models", "--jsn"], "unrecognized arguments: --jsn"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_arguments_are_told_with_status_2(command: Command, words: list[str], message: str) -> None:
    assert message in command(*words).bad_arguments


@pytest.mark.parametrize(
    "words",
    [
        ["sample", "m", "-o", "a.png", "-n", "many"],
        ["interpolate", "m", "-o", "a.gif", "--seeds", "one,two"],
        ["gui", "--size", "large"],
        ["gui", "--size", "800"],
    ],
    ids=" ".join,
)
def test_bad_arguments_are_told_in_words_for_people(command: Command, words: list[str]) -> None:
    """Not as ``invalid _positive value``, the name of a function of ours."""
    assert "_" not in command(*words).bad_arguments


def test_bad_arguments_of_many_processes_are_told_by_one(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others wait: torchrun would end the one that tells as soon as they leave."""
    waits: list[float] = []
    monkeypatch.setattr(parsing.time, "sleep", waits.append)
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert command("train").bad_arguments == "the following arguments are required: --out"
    assert not waits
    monkeypatch.setenv("LOCAL_RANK", "1")
    answer = command("train")
    assert (answer.status, answer.out, answer.err) == (2, "", "")
    assert waits == [parsing.LINGER_SECONDS]


def test_a_failure_is_one_plain_line_and_status_1(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("first line\n  second line")

    monkeypatch.setattr(zoo, "discover", fail)
    answer = command("models")
    assert (answer.status, answer.out) == (1, "")
    assert answer.err == "ganexplorer: RuntimeError: first line second line (--debug shows where)\n"


def test_an_interruption_is_one_plain_line_and_status_130(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(zoo, "discover", interrupt)
    answer = command("models")
    assert (answer.status, answer.err) == (130, "ganexplorer: interrupted\n")


def test_debug_lets_a_failure_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(zoo, "discover", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["--debug", "models"])


def test_debug_lets_unusable_input_through() -> None:
    with pytest.raises(UserError, match="no-such-model: no such model"):
        cli.main(["--debug", "inspect", "no-such-model"])
