"""Summary of a table in one pass: moments and a sample that do not depend on its parts."""

from functools import reduce
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aeanomaly.exceptions import SourceError
from aeanomaly.preprocessing import Statistics
from aeanomaly.streaming import RowSample, TableSummary
from aeanomaly.streaming.sample import row_keys

RNG = np.random.default_rng(0)
N = 20_000
HARD = np.column_stack(
    [
        RNG.normal(size=N),
        1e9 + RNG.choice([-1.0, 0.5, 1.0], size=N),
        3.0 * RNG.integers(0, 2, N) + 1,
        RNG.normal(size=N) * 1e300,
        RNG.uniform(-1, 1, N) * 1.7e308,
        RNG.normal(size=N) * 1e-300,
        np.full(N, 7.0),
        np.full(N, np.nan),
        np.where(RNG.random(N) < 0.3, np.nan, RNG.normal(size=N)),
    ]
)


@pytest.mark.parametrize("size", [1, 777, N])
def test_merged_moments_are_those_of_all_rows(size):
    found = reduce(Statistics.merge, (Statistics.from_rows(HARD[i : i + size]) for i in range(0, N, size)))
    there = ~np.isnan(HARD).all(axis=0)
    exact = [column[~np.isnan(column)].astype(np.longdouble) for column in HARD.T[there]]
    mean, deviation = ([float(f(c)) for c in exact] for f in (np.mean, np.std))
    np.testing.assert_array_equal(found.count, (~np.isnan(HARD)).sum(axis=0))
    np.testing.assert_array_equal(found.low[there], [c.min() for c in exact])
    np.testing.assert_array_equal(found.high[there], [c.max() for c in exact])
    assert (np.abs(found.mean[there] - mean) <= 1e-5 * np.maximum(deviation, 1e-320)).all()
    np.testing.assert_allclose(found.deviation[there], deviation, rtol=1e-7)
    assert found.two_valued.tolist() == [False, False, True, False, False, False, True, True, False]


def parted(rows, cuts):
    edges = [0, *sorted(cuts), len(rows)]
    return [rows[a:b] for a, b in pairwise(edges)]


def surveyed(parts, size=50):
    survey = TableSummary(size, seed=3, allow_nan=True)
    for number, part in enumerate(parts):
        survey.add(part, f"part {number}")
    return survey


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, N), max_size=6))
def test_parts_do_not_matter_to_the_bit(monkeypatch_block, cuts):
    whole, other = surveyed([HARD]), surveyed(parted(HARD, cuts))
    np.testing.assert_array_equal(whole.sample.rows(), other.sample.rows())
    for name, values in whole.statistics().arrays().items():
        np.testing.assert_array_equal(values, other.statistics().arrays()[name], err_msg=name)


@pytest.fixture(scope="module")
def monkeypatch_block():
    """Make blocks so small that the table has many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aeanomaly.streaming.summary.BLOCK", 1 << 10)
        yield


def test_the_sample_is_of_the_smallest_keys_in_the_order_of_the_rows():
    rows = np.arange(5000.0)[:, None]
    sample = RowSample(100, seed=1)
    for first in range(0, 5000, 333):
        sample.offer(first, rows[first : first + 333])
    smallest = np.sort(np.argsort(row_keys(1, np.arange(5000)))[:100])
    np.testing.assert_array_equal(sample.rows()[:, 0], smallest)


def test_every_row_is_as_likely_as_any_other():
    counts = np.zeros(40)
    for seed in range(3000):
        counts[np.argsort(row_keys(seed, 10**9 + np.arange(40)))[:10]] += 1
    assert ((counts - 750) ** 2 / (750 * 0.75)).sum() < 80  # chi-square of 39, beyond 1 in 10,000


def test_a_sample_holds_no_batch_alive_and_few_rows():
    sample = RowSample(10, seed=0)
    for first in range(0, 100_000, 1000):
        sample.offer(first, np.zeros((1000, 50)))
    assert sum(len(part) for part in sample._parts) < 40
    assert all(part.base is None or len(part.base) < 2000 for part in sample._parts)


def test_columns_that_change_on_the_way_are_named():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    with pytest.raises(SourceError, match=r"part 1: the columns are 'a', 'c', but were 'a', 'b' in previous parts"):
        surveyed([frame, frame.rename(columns={"b": "c"})])
    with pytest.raises(SourceError, match=r"part 1: column 'a' holds text, but held numbers in previous parts"):
        surveyed([frame, frame.assign(a=["1", "2"])])
    assert surveyed([frame, frame.assign(b=[None, None], a=[3, 4])]).n_rows == 4


def test_values_that_are_not_finite_are_reported_with_their_part():
    frame = pd.DataFrame({"t": ["x", "y"], "a": [1.0, np.inf]})
    with pytest.raises(SourceError, match=r"part 0: X contains infinity \(inf\) in column 'a' \(1\)"):
        surveyed([frame])
    survey = TableSummary(5, 0, allow_nan=False)
    with pytest.raises(SourceError, match=r"here: X contains NaN in column 'a' \(1\)"):
        survey.add(frame.assign(a=[np.nan, 1.0]), "here")
