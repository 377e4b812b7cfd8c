"""The command `bench`, on benchmarks that take no time, and what the real ones share."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ganexplorer import cli
from ganexplorer.cli import benching

FOLDER = Path(__file__).parents[2] / "benchmarks"
FAKE = """
import argparse, sys
sys.path.insert(0, {folder!r})
import measuring
measuring.machine = lambda: {{"cores": 2}}  # the real one imports PyTorch

def measure(arguments):
    values = [float(arguments.rounds)] * 3
    yield measuring.Row("{name}", "ms", {{"ours": values, "theirs": [2.0]}}, [measuring.Bound("ratio", 0.5)],
                        guard=measuring.Bound("ratio", {guard}))
    if not arguments.check:
        yield measuring.Row("more", "ms", {{"ours": values}})

sys.exit(measuring.main("a benchmark", measure))
"""

UNEVEN = """
import argparse, sys
sys.path.insert(0, {folder!r})
import measuring
measuring.machine = lambda: {{"cores": 2}}  # the real one imports PyTorch
turns = []

def measure(arguments):
    turns.append(len(turns))
    guard = measuring.Bound("ratio", 1.5)
    for what, slow_turns in {slow}.items():
        yield measuring.Row(what, "ms", {{"ours": [2.0 if turns[-1] in slow_turns else 1.0], "theirs": [1.0]}},
                            guard=guard)

sys.exit(measuring.main("a benchmark", measure))
"""

WATCHED = """
import argparse, sys
sys.path.insert(0, {folder!r})
import measuring
measuring.machine = lambda: {{"cores": 2}}  # the real one imports PyTorch

def measure(arguments):
    yield measuring.Row("watched", "MB/h", {{"slope": [arguments.minutes]}})

add = lambda parser: parser.add_argument("--minutes", type=float, default=60.0)
sys.exit(measuring.main("a benchmark", measure, add, has_guards=False, has_rounds=False))
"""


@pytest.fixture(scope="module")
def measuring() -> ModuleType:
    spec = importlib.util.spec_from_file_location("measuring", FOLDER / "measuring.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["measuring"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Benchmarks that tell how many rounds or minutes they were asked for; the guard of `slow` never holds."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    for name, guard in (("fast", 100.0), ("slow", 0.0)):
        (folder / f"{name}.py").write_text(FAKE.format(folder=str(FOLDER), name=name, guard=guard))
    (folder / "watched.py").write_text(WATCHED.format(folder=str(FOLDER)))
    (folder / "broken.py").write_text("raise RuntimeError('broken')")
    monkeypatch.setattr(benching, "SCRIPTS", folder)
    monkeypatch.setattr(benching, "BENCHMARKS", dict.fromkeys(("fast", "slow", "watched", "broken"), "of the test"))
    monkeypatch.setattr(benching, "CHECKED", ("fast", "slow"))
    monkeypatch.setattr(benching, "LONG", ("slow", "watched", "broken"))
    return folder


def test_every_benchmark_that_is_named_is_a_script_that_tells_its_options() -> None:
    for name in benching.BENCHMARKS:
        source = (FOLDER / f"{name}.py").read_text()
        assert "measuring.main(__doc__, measure" in source
    assert {*benching.CHECKED, *benching.NEED_QT, *benching.LONG} <= set(benching.BENCHMARKS)


def test_both_sides_mean_the_same_by_their_exit_status(measuring: ModuleType) -> None:
    assert benching.REGRESSION == measuring.REGRESSION


@pytest.mark.usefixtures("scripts")
def test_json_has_the_rows_of_each_benchmark_with_ratio_and_bounds(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "fast", "--rounds", "7", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert list(told) == ["fast"]
    assert told["fast"]["machine"] == {"cores": 2}
    first, second = told["fast"]["rows"]
    assert first["ways"]["ours"] == {"p50": 7.0, "p99": 7.0, "count": 3}
    assert first["ratio"] == 3.5
    assert first["bounds"] == [{"of": "ratio", "at_most": 0.5, "reached": 3.5, "holds": False}]
    assert (second["what"], second["ratio"], second["bounds"]) == ("more", None, [])


@pytest.mark.usefixtures("scripts")
def test_an_aim_that_is_missed_is_told_and_no_failure(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "fast"]) == 0
    told = capfd.readouterr().out
    assert "aim: ratio <= 0.5, is 2.5: NOT REACHED" in told  # five rounds, if nobody says otherwise
    assert "more" in told


@pytest.mark.usefixtures("scripts")
def test_without_a_name_all_run_that_take_no_hour(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--rounds", "2", "--json"]) == 0
    assert list(json.loads(capfd.readouterr().out)) == ["fast"]


@pytest.mark.usefixtures("scripts")
def test_what_is_watched_is_told_for_how_long(capfd: pytest.CaptureFixture[str]) -> None:
    for words, minutes in (([], 60.0), (["--minutes", "0.5"], 0.5)):
        assert cli.main(["bench", "watched", *words, "--json"]) == 0
        (row,) = json.loads(capfd.readouterr().out)["watched"]["rows"]
        assert row["ways"]["slope"]["p50"] == minutes
    for words, refusal in (
        (["watched", "--rounds", "3"], "watched is watched for --minutes, not measured in rounds"),
        (["--minutes", "3"], "Name it, and nothing else"),
        (["fast", "watched", "--minutes", "3"], "Name it, and nothing else"),
    ):
        assert cli.main(["bench", *words]) == 2
        assert refusal in capfd.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["bench", "watched", "--minutes", "0"])
    assert "0 is not above 0" in capfd.readouterr().err


@pytest.mark.usefixtures("scripts")
def test_check_runs_what_has_guards_and_fails_where_one_does_not_hold(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "fast", "--check"]) == 0
    assert "more" not in capfd.readouterr().out
    assert cli.main(["bench", "--check"]) == 1
    told = capfd.readouterr().out
    assert "== fast" in told
    assert "== slow" in told
    assert "REGRESSION" in told
    assert cli.main(["bench", "slow", "--check", "--json"]) == 1
    (row,) = json.loads(capfd.readouterr().out)["slow"]["rows"]
    assert row["guard"] == {"of": "ratio", "value": 0.0, "holds": False}
    assert cli.main(["bench", "broken", "--check"]) == 2
    assert "broken has nothing to check. Those that have: fast, slow" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("slow", "broken"),
    [
        ({"a": [0], "b": []}, [False, False]),  # a machine that was slow for a moment
        ({"a": [0], "b": [1]}, [False, False]),  # two moments
        ({"a": [0, 1], "b": []}, [True, False]),
    ],
)
def test_check_fails_only_where_a_guard_does_not_hold_twice(
    slow: dict[str, list[int]], broken: list[bool], scripts: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (scripts / "fast.py").write_text(UNEVEN.format(folder=str(FOLDER), slow=slow))
    assert cli.main(["bench", "fast", "--check", "--json"]) == any(broken)
    caught = capfd.readouterr()
    assert [not row["guard"]["holds"] for row in json.loads(caught.out)["fast"]["rows"]] == broken
    assert caught.err.count("once more") == 1
    assert f"broken in both looks: {'a' if any(broken) else 'nothing'}\n" in caught.err
    assert cli.main(["bench", "fast", "--json"]) == 1  # else a first look counts
    assert "once more" not in capfd.readouterr().err


@pytest.mark.usefixtures("scripts")
def test_what_cannot_be_run_is_told_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "fastt"]) == 2
    assert "unknown benchmark 'fastt'; known: fast, slow, watched, broken" in capfd.readouterr().err
    for words in (["broken"], ["broken", "--json"]):
        assert cli.main(["bench", *words]) == 1
        assert "benchmark broken failed, with exit status 1" in capfd.readouterr().err


def test_an_installed_copy_says_where_the_benchmarks_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "of-another-package").mkdir()
    for name in ("absent", "of-another-package"):
        monkeypatch.setattr(benching, "SCRIPTS", tmp_path / name)
        assert cli.main(["bench"]) == 2
        assert "come with the repository" in capsys.readouterr().err


def test_figures_are_told_with_the_machine_that_they_belong_to(measuring: ModuleType) -> None:
    told = measuring.machine()
    assert {"cores", "torch", "processor", "vector instructions"} <= told.keys()
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 50.0), (0.501, 51.0), (0.99, 99.0), (0.991, 100.0), (1.0, 100.0)]
)
def test_a_quantile_is_the_least_value_that_so_many_do_not_exceed(
    measuring: ModuleType, share: float, expected: float
) -> None:
    assert measuring.quantile([float(value) for value in range(100, 0, -1)], share) == expected


def test_ways_take_turns_and_the_round_before_is_not_counted(measuring: ModuleType) -> None:
    calls: list[str] = []

    def way(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    found = measuring.alternate({"a": lambda: way("a"), "b": lambda: way("b")}, 2)
    assert calls == ["a", "b"] * 3
    assert found == {"a": [3.0, 5.0], "b": [4.0, 6.0]}


def test_a_row_reaches_what_its_first_way_does(measuring: ModuleType) -> None:
    row = measuring.Row("what", "ms", {"ours": [1.0, 2.0, 9.0], "theirs": [4.0, 4.0]})
    assert [row.reached(kind) for kind in ("p50", "p99", "longest", "ratio")] == [2.0, 9.0, 9.0, 0.5]
    with pytest.raises(ValueError, match="nothing was measured"):
        measuring.Row("what", "ms", {"ours": []})
    assert math.isnan(measuring.Row("what", "ms", {"ours": [1.0]}).ratio)
    assert measuring.Bound("ratio", 0.5).holds(0.5)
    assert not measuring.Bound("ratio", 0.5).holds(0.51)
    assert measuring.Bound("ratio", 2.0, is_most=False).holds(2.1)
    assert not measuring.Bound("ratio", 2.0, is_most=False).holds(1.9)
