"""The rule behind ``contamination="auto"``."""

import numpy as np
import pytest

from aeanomaly.thresholds import ExpectedRate, as_threshold


def test_auto_is_this_rule():
    assert as_threshold("auto") == ExpectedRate(0.05)


def test_a_new_normal_row_is_flagged_at_the_rate_whatever_the_distribution():
    """The k-th lowest of n scores has rank k of n + 1, which is exact for exchangeable scores."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(2000):
        scores = -rng.lognormal(size=100)
        found.append((-rng.lognormal(size=100) < ExpectedRate(0.05).fit(scores)).mean())
    assert np.mean(found) == pytest.approx(5 / 101, abs=0.002)


def test_few_scores_give_the_lowest():
    assert ExpectedRate(0.05).fit([-3.0, -1.0, -2.0]) == -3.0
    assert "aims to flag 25% of new normal rows" in ExpectedRate(0.05).guarantee(np.array([-3.0, -1.0, -2.0]))


@pytest.mark.parametrize(
    ("lowest", "offset", "said"),
    [
        (-96.0, -95.0, "5%"),  # it is flagged anyway
        (-95.0, -94.5, "5%"),
        (-91.5, -91.25, "8%"),
        (-90.0, -89.5, "10%"),
        (-89.0, -95.0, "5%"),  # eleven of a hundred would be flagged
    ],
)
def test_it_is_raised_to_flag_a_row_at_most_to_the_largest_rate(lowest, offset, said):
    rule, scores = ExpectedRate(0.05, lowest=lowest), -np.arange(100.0)
    assert rule.fit(scores) == offset
    assert f"aims to flag {said} of new normal rows" in rule.guarantee(scores)


def test_it_does_not_exceed_the_highest_offset():
    assert ExpectedRate(0.05, highest=-97.5).fit(-np.arange(100.0)) == -97.5


def test_ties_are_not_flagged():
    scores = np.repeat([-2.0, -1.0], 50)
    assert ExpectedRate(0.05).fit(scores) == -2.0
    assert ExpectedRate(0.05, lowest=-2.0).fit(scores) == -2.0


@pytest.mark.parametrize("rate", [0, 1, -0.1, "5%", None])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(ValueError, match=r"ExpectedRate: rate must lie between 0 and 1; got .*; set the share"):
        ExpectedRate(rate)
