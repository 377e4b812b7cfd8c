"""``ganexplorer FILE`` opens the window on it; nothing at all opens it on the first model."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

import ganexplorer.__main__ as program

Start = Callable[..., Namespace]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """Run ``ganexplorer WORDS``; returns what the window would be opened with."""
    opened: list[Namespace] = []

    def call(*words: str) -> Namespace:
        monkeypatch.setattr(sys, "argv", ["ganexplorer", *words])
        monkeypatch.setattr(program, "_gui", lambda arguments: opened.append(arguments) or 0)
        assert program.main() == 0
        return opened.pop()

    return call


def test_a_file_opens_the_window_on_it(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a file.pt"
    file.touch()
    monkeypatch.chdir(tmp_path)
    for words in ([str(file)], ["a file.pt"], ["./a file.pt"]):
        assert start(*words).model == str(file)


def test_a_folder_opens_the_window_on_it(start: Start, tmp_path: Path) -> None:
    assert start(str(tmp_path)).model == str(tmp_path)


def test_options_stand_before_and_after_the_file(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "m.pt"
    file.touch()
    arguments = start("--debug", str(file), "--theme", "dark", "--size", "800x600")
    assert (arguments.debug, arguments.model, arguments.theme, arguments.size) == (True, str(file), "dark", (800, 600))
    assert start(str(file), "--debug").debug


def test_without_a_file_the_window_opens_on_the_first_model(start: Start) -> None:
    assert start().model is None
    assert start("--debug").debug
    assert start("gui", "--model", "absent").model == "absent"


def test_a_command_is_a_command_where_a_file_has_its_name(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "gui").touch()
    monkeypatch.chdir(tmp_path)
    assert start("gui").model is None
    monkeypatch.setattr(sys, "argv", ["ganexplorer", "models"])
    assert program.main() == 0
    assert "mnist-mlp-64" in capsys.readouterr().out


def test_what_is_neither_a_command_nor_a_path_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ganexplorer", "absent.pt"])
    with pytest.raises(SystemExit) as left:
        program.main()
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert "absent.pt" in told
    assert told.count("\n") == 1


def test_help_and_version_open_no_window(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for word, words in (("--help", "COMMAND"), ("--version", "ganexplorer ")):
        monkeypatch.setattr(sys, "argv", ["ganexplorer", word])
        with pytest.raises(SystemExit) as left:
            program.main()
        assert left.value.code == 0
        assert words in capsys.readouterr().out
