"""Offsets from scores."""

import numpy as np
import pytest

from aeanomaly.thresholds import Contamination, MedianAbsoluteDeviation, ScoreSummary, as_threshold

SCORES = np.random.default_rng(0).normal(size=1001)


@pytest.mark.parametrize("fraction", [0.001, 0.01, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("n", [2, 3, 10, 101, 1001])
def test_a_share_is_flagged_exactly(fraction, n):
    scores = SCORES[:n]
    flagged = (scores < Contamination(fraction).fit(scores)).sum()
    assert flagged == min(max(1, round(fraction * n)), n - 1)


def test_adjacent_floats_are_told_apart():
    scores = np.array([1.0, np.nextafter(1.0, 2.0), 2.0])
    assert (scores < Contamination(0.3).fit(scores)).sum() == 1


def test_ties_are_flagged_together_or_not_at_all():
    assert (np.zeros(10) < Contamination(0.3).fit(np.zeros(10))).sum() == 0


def test_the_robust_rule_follows_shift_and_scale_and_ignores_a_third_of_outliers():
    rule = MedianAbsoluteDeviation(3)
    assert rule.fit(SCORES) == pytest.approx(-3, abs=0.25)
    assert rule.fit(5 * SCORES + 7) == pytest.approx(5 * rule.fit(SCORES) + 7)
    spoiled = np.concatenate([SCORES, np.full(300, -1e6)])
    assert rule.fit(spoiled) > -6
    assert MedianAbsoluteDeviation(2).fit(SCORES) > rule.fit(SCORES)


@pytest.mark.parametrize("value", [0, 0.6, -0.1, "often", None, True, Contamination, float("nan")])
def test_a_value_that_is_not_a_threshold_is_refused(value):
    with pytest.raises(ValueError, match="a threshold must be 'auto', a fraction"):
        as_threshold(value)


def test_scores_that_are_not_finite_are_refused():
    for scores in (np.array([1.0, np.nan]), np.array([]), np.zeros((2, 2))):
        with pytest.raises(ValueError, match="scores must be a non-empty 1D array of finite numbers"):
            MedianAbsoluteDeviation().fit(scores)


def test_scores_that_become_many_are_kept_as_order_statistics():
    rng = np.random.default_rng(1)
    parts = [rng.normal(size=n) for n in (80_000, 70_000, 40_000, 7, 90_000)]
    summary, *others = [ScoreSummary(part, len(part)) for part in parts]
    for other in others:
        summary = summary.merge(other)
    everything = np.concatenate(parts)
    assert summary.n_rows == len(everything)
    assert len(summary.values) == 100_000
    assert summary.values[0] == everything.min()
    assert summary.values[-1] == everything.max()
    for q in (0.001, 0.01, 0.1, 0.5, 0.9):
        assert (everything < np.quantile(summary.values, q)).mean() == pytest.approx(q, abs=2e-4)


def test_scores_that_stand_for_more_rows_weigh_more():
    merged = ScoreSummary(np.full(60_000, -1.0), 540_000).merge(ScoreSummary(np.full(60_000, 1.0), 60_000))
    assert merged.n_rows == 600_000
    assert (merged.values == -1).mean() == pytest.approx(0.9, abs=1e-4)
