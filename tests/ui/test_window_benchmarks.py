"""The benchmarks of the window, on so little that they take no time: that they measure, and can do so twice."""

import argparse
import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.mark.usefixtures("qapp")
def test_charts_are_measured_twice_as_where_something_has_broken(benchmark):
    asked = argparse.Namespace(check=False, points=2000, rounds=1)
    for _ in range(2):
        (row,) = benchmark("plots").measure(asked)
        assert row.what.startswith("2,000 points")
        assert row.ratio > 0
        assert row.guard is not None


@pytest.mark.usefixtures("qapp")
def test_the_window_is_measured_under_a_hand_and_in_play(benchmark, tmp_path, monkeypatch):
    window = benchmark("window")
    monkeypatch.setattr(window, "SHAPES", {"mlp-64": (1, 28, 28)})
    monkeypatch.setattr(window, "SETTLE", 0.1)
    asked = argparse.Namespace(train=[], events=20, rounds=1, seconds=0.1, only=["latency", "play"])
    rows = list(window.measure(asked))
    assert [row.what for row in rows] == [
        "slider to pixels, mlp-64, idle",
        *(f"{name}, 64 sliders, mlp-64" for name in ("random", "undo", "morph")),
    ]
    assert len(rows[0].ways["event to paint"]) >= 20
    assert all(row.reached("p50") > 0 for row in rows)
