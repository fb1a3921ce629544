"""Quantiles from counts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aeanomaly.thresholds import Contamination, ScoreSketch

RNG = np.random.default_rng(0)


def test_quantiles_are_within_a_thousandth_of_their_value():
    for scores in (
        -RNG.exponential(size=200_001),
        RNG.normal(size=99_999),
        -np.exp(20 * RNG.normal(size=150_000)),
        np.zeros(10),
        np.array([-1e300, -1e-300, 0.0, 3.0]),
    ):
        found = np.quantile(ScoreSketch.from_scores(scores).scores(), [0, 0.01, 0.5, 0.99, 1], method="inverted_cdf")
        exact = np.quantile(scores, [0, 0.01, 0.5, 0.99, 1], method="inverted_cdf")
        # Of more than 100,000 scores the rank is off by a hundred-thousandth as well.
        tolerance = 1.001e-3 if len(scores) <= 100_000 else 5e-3
        np.testing.assert_allclose(found, exact, rtol=tolerance, atol=1e-199)


@given(st.lists(st.floats(-1e9, 1e9), max_size=60), st.integers(0, 60))
def test_parts_and_their_order_do_not_matter(scores, cut):
    scores = np.array(scores)
    whole, left, right = (ScoreSketch.from_scores(part) for part in (scores, scores[:cut], scores[cut:]))
    for merged in (left.merge(right), right.merge(left)):
        np.testing.assert_array_equal(merged.buckets, whole.buckets)
        np.testing.assert_array_equal(merged.counts, whole.counts)
    assert whole.n_scores == len(scores)
    assert (np.diff(whole.scores()) >= 0).all()


def test_it_is_small_and_serves_a_threshold():
    scores = -RNG.gamma(3, size=2_000_000)
    sketch = ScoreSketch.from_scores(scores)
    assert len(sketch.buckets) < 10_000
    assert abs((scores < Contamination(0.01).fit(sketch.scores())).mean() - 0.01) < 2e-4
