"""Columns of numbers: extremes of any stretch, what is derived from them, and runs that go back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganexplorer.train.events import Scalars
from ganexplorer.ui.plots.derived import Logarithm, Rising, Smoothed
from ganexplorer.ui.plots.record import FIELDS, PIECE, Record
from ganexplorer.ui.plots.series import Series, Values

ODD = [math.nan, math.inf, -math.inf]


def numbers(seed: int, count: int, odd_share: float = 0.0) -> Values:
    random = np.random.default_rng(seed)
    values = random.normal(size=count)
    is_odd = random.random(count) < odd_share
    values[is_odd] = random.choice(ODD, is_odd.sum())
    return values


def grown(values: Values, seed: int) -> Series:
    """A series that got its values in pieces of any length, and was asked in between."""
    random = np.random.default_rng(seed)
    series = Series(room=1)
    while len(series) < len(values):
        series.extend(values[len(series) : len(series) + int(random.integers(1, 200))])
        series.bounds(0, len(series))
    return series


def brute(values: Values) -> tuple[float, float]:
    finite = [v for v in values.tolist() if math.isfinite(v)]
    return (min(finite), max(finite)) if finite else (math.nan, math.nan)


def point(step: int, **fields: Any) -> Scalars:
    values = {"epoch": step / 10, "d_loss": 0.5, "g_loss": 1.5, "seconds": step / 4} | fields
    return Scalars(**({"step": step} | {name: values.get(name, 0.25) for name in FIELDS if name != "step"}))


# -- extremes ----------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 3000), st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 0.97]), st.data())
def test_bounds_are_those_of_all_numbers_in_the_stretch(count: int, seed: int, odd: float, data: st.DataObject) -> None:
    values = numbers(seed, count, odd)
    series = grown(values, seed)
    start = data.draw(st.integers(0, count))
    stop = data.draw(st.integers(start, count))
    np.testing.assert_equal(series.bounds(start, stop), brute(values[start:stop]))
    kept = data.draw(st.integers(0, count))
    more = numbers(seed + 1, 70)
    series.cut(kept)
    series.extend(more)
    values = np.append(values[:kept], more)
    np.testing.assert_equal(series.values, values)
    np.testing.assert_equal(series.bounds(start, stop), brute(values[start:stop]))
    np.testing.assert_equal(series.bounds(0, len(series)), brute(values))


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 200), st.integers(0, 10**6), st.data())
def test_an_outline_has_the_extremes_of_each_block_and_few_points(
    count: int, most: int, seed: int, data: st.DataObject
) -> None:
    values = numbers(seed, count, 0.05)
    series = grown(values, seed)
    start = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(start + 1, count))
    indices, drawn = series.outline(start, stop, most)
    assert len(indices) == len(drawn) <= 2 * most + 5
    assert (np.diff(indices) >= 0).all()
    if stop - start <= 2 * most:
        assert indices.tolist() == list(range(start, stop))
        np.testing.assert_equal(drawn, np.where(np.isfinite(values[start:stop]), values[start:stop], np.nan))
        return
    starts = np.unique(indices[:-1])
    for block, (begin, end) in enumerate(zip(starts, [*starts[1:], stop], strict=True)):
        low, high = brute(values[begin:end])
        np.testing.assert_equal(np.sort(drawn[2 * block : 2 * block + 2]), [low, high])
    assert indices[-1] == stop - 1


def test_a_growing_series_is_drawn_from_the_same_blocks_again() -> None:
    values = numbers(3, 4096)
    series = grown(values[:4000], 3)
    before, _ = series.outline(0, 4000, 300)
    series.extend(values[4000:])
    after, _ = series.outline(0, 4096, 300)
    assert set(before[:-1]) <= set(after)


def test_a_drawing_of_a_million_numbers_looks_at_a_few_thousand() -> None:
    series = Series()
    series.extend(np.sin(np.arange(1_000_000) / 50_000))
    series.outline(0, len(series), 300)
    levels = [(len(low.values), len(high.values)) for low, high in series._levels]
    assert levels == [(1_000_000 // (16 << level),) * 2 for level in range(len(levels))]
    series._data[:900_000] = np.nan  # the numbers themselves are not read again
    indices, drawn = series.outline(0, 900_000, 300)
    assert len(indices) < 700
    assert np.isfinite(drawn[:-1]).all()


# -- derived columns ---------------------------------------------------------------------------------------


def plain_average(values: Values, weight: float) -> list[float]:
    total, count, out = 0.0, 0, []
    for value in values.tolist():
        if math.isfinite(value):
            total, count = weight * total + (1 - weight) * value, count + 1
            out.append(total / (1 - weight**count))
        else:
            out.append(math.nan)
    return out


@pytest.mark.parametrize("weight", [0.001, 0.3, 0.9, 0.999, 0.99999])
@pytest.mark.parametrize("odd", [0.0, 0.3])
def test_smoothing_equals_a_plain_loop_however_the_numbers_arrive(weight: float, odd: float) -> None:
    values = numbers(1, 9000, odd) * 1e3
    source = Series()
    smoothed = Smoothed(source, weight)
    for begin, end in ((0, 1), (1, 8500), (8500, 8501), (8501, 9000)):
        source.extend(values[begin:end])
        smoothed.follow()
    np.testing.assert_allclose(smoothed.values, plain_average(values, weight), rtol=1e-8, atol=1e-7)


def test_smoothing_goes_on_after_a_cut_as_if_what_was_cut_had_never_been() -> None:
    values, other = numbers(5, 1000, 0.2), numbers(6, 300, 0.2)
    source = Series()
    smoothed = Smoothed(source, 0.95)
    for kept in (0, 400, 3):
        source.cut(kept)
        smoothed.cut(kept)
        source.extend(values[kept:])
        smoothed.follow()
        source.cut(700)
        smoothed.cut(700)
        source.extend(other)
        smoothed.follow()
        np.testing.assert_allclose(smoothed.values, plain_average(np.append(values[:700], other), 0.95), rtol=1e-9)


def test_smoothing_begins_with_the_first_value_and_all_nan_stays_nan() -> None:
    source = Series()
    smoothed = Smoothed(source, 0.99)
    source.extend(np.array([math.nan, math.inf, 7.0]))
    smoothed.follow()
    np.testing.assert_allclose(smoothed.values, [math.nan, math.nan, 7.0])


def test_logarithms_leave_out_what_has_none() -> None:
    source = Series()
    logarithm = Logarithm(source)
    source.extend(np.array([100.0, 0.0, -1.0, math.nan, math.inf, 0.001]))
    logarithm.follow()
    np.testing.assert_allclose(logarithm.values, [2, math.nan, math.nan, math.nan, math.nan, -3])


def test_an_axis_never_runs_back_and_knows_where_it_begins() -> None:
    source = Series()
    axis = Rising(source)
    source.extend(np.array([math.nan, math.nan]))
    axis.follow()
    source.extend(np.array([math.nan, 2.0, 1.0, math.nan, 5.0]))
    axis.follow()
    np.testing.assert_equal(axis.values, [math.nan] * 3 + [2, 2, 2, 5])
    assert axis.unknown == 3
    for column in (axis, source):
        column.cut(2)
    assert axis.unknown == 2
    source.extend(np.array([1.0]))
    axis.follow()
    assert axis.unknown == 2
    assert axis.values[-1] == 1


# -- records -----------------------------------------------------------------------------------------------


def test_a_record_made_in_one_call_is_the_record_of_its_points() -> None:
    points = [point(step, d_real=step / 7) for step in range(1, 2 * PIECE + 9)]
    whole = Record()
    whole.extend(points)
    np.testing.assert_equal(Record.of(points).table(), whole.table())
    assert len(Record.of([])) == 0


def test_a_record_keeps_every_field_of_every_point() -> None:
    record = Record()
    points = [point(step, d_real=step / 7) for step in range(10, 5000, 10)]
    for begin in range(0, len(points), 37):
        assert record.extend(points[begin : begin + 37]) is None
    assert record.extend([]) is None
    assert len(record) == len(points)
    for index in (0, 100, len(points) - 1):
        np.testing.assert_equal(record.table()[index], [getattr(points[index], name) for name in FIELDS])


def test_a_run_that_goes_back_drops_what_came_from_there_on() -> None:
    record = Record()
    record.extend([point(step, d_loss=1.0) for step in range(1, 101)])
    before = record.series("d_loss", 0.9, True)
    assert len(before) == 100
    assert record.extend([point(step, d_loss=3.0) for step in (60, 61)]) == 60
    assert record.steps.tolist() == [*range(1, 60), 60, 61]
    assert record.column("d_loss").tolist() == [1.0] * 59 + [3.0] * 2
    smoothed = plain_average(record.column("d_loss"), 0.9)
    np.testing.assert_allclose(record.series("d_loss", 0.9, True).values, np.log10(smoothed), atol=1e-12)
    np.testing.assert_allclose(record.axis("time"), record.steps / 4)
    # the same within one batch, and to between two points, and to before the first
    assert record.extend([point(62), point(63), point(62), point(63)]) == 62
    assert record.steps.tolist()[-3:] == [61, 62, 63]
    assert record.extend([point(0)]) == 0
    assert record.steps.tolist() == [0]


@pytest.mark.parametrize("axis", ["steps", "epochs", "time"])
def test_points_are_found_on_each_axis(axis: Any) -> None:
    record = Record()
    record.extend([point(step) for step in range(0, 1000, 10)])
    places = record.axis(axis)
    for index in (0, 37, 99):
        assert record.nearest(axis, float(places[index])) == index
    gap = float(places[1] - places[0])
    assert record.nearest(axis, float(places[5]) + 0.4 * gap) == 5
    assert record.nearest(axis, float(places[5]) + 0.6 * gap) == 6
    assert record.nearest(axis, -1e9) == 0
    assert record.nearest(axis, 1e9) == 99
    assert record.span(axis, float(places[10]), float(places[20]), 0) == (10, 21)
    assert record.span(axis, float(places[10]), float(places[20])) == (9, 22)
    assert record.span(axis, -1e9, 1e9) == (0, 100)
    np.testing.assert_allclose(record.places(axis, np.array([10.0, 15.0])), [places[1], places[1] + gap / 2])


def test_points_without_a_time_have_no_place_on_that_axis() -> None:
    record = Record()
    record.extend([point(step, seconds=math.nan) for step in (1, 2, 3)])
    assert record.nearest("time", 0.0) is None
    assert np.isnan(record.places("time", np.array([1.0]))).all()
    record.extend([point(step) for step in (4, 5)])
    assert record.unknown("time") == 3
    assert record.nearest("time", 0.0) == 3
    assert record.span("time", -1e9, 1e9) == (3, 5)
    assert record.places("time", np.array([4.5])).tolist() == [1.125]
