"""Rates for a finite number of rows, compared with exact distributions and with counts."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from aeanomaly.thresholds import Conformal, CrossConformal, conformal_p_values, flag_discoveries
from aeanomaly.thresholds.phrases import round_numbers

#: Scores with many ties.
COARSE = st.lists(st.integers(-6, 6), min_size=1, max_size=60).map(lambda values: np.array(values, dtype=float))


@pytest.mark.parametrize(
    ("n", "alpha"),
    [(9, 0.1), (19, 0.05), (100, 0.1), (100, 0.05), (1000, 0.01), (999, 0.001), (10_000, 0.001)],
)
def test_false_alarms_on_new_rows_come_at_the_rate_promised(n, alpha):
    rng = np.random.default_rng(n)
    # Of a uniform score the false-alarm rate of an offset is the offset.
    rates = np.array([Conformal(alpha).fit(rng.uniform(size=n)) for _ in range(1000)])
    rank = int(np.floor((n + 1) * alpha * (1 + 1e-12)))
    exact = stats.beta(rank, n + 1 - rank)
    assert exact.mean() <= alpha
    assert rates.mean() == pytest.approx(exact.mean(), abs=4 * exact.std() / np.sqrt(1000))
    assert stats.kstest(rates, exact.cdf).pvalue > 1e-4
    alarms = rng.binomial(500, rates)
    low, high = stats.betabinom(500, rank, n + 1 - rank).ppf([0.0005, 0.9995])
    assert ((low <= alarms) & (alarms <= high)).mean() >= 0.99


@pytest.mark.parametrize("heavy", [stats.t(2).rvs, stats.lognorm(2).rvs, lambda size, random_state: np.zeros(size)])
def test_the_rate_holds_for_any_distribution_and_with_ties(heavy):
    rates = []
    for seed in range(300):
        scores = heavy(size=(2, 199), random_state=np.random.RandomState(seed))
        rates.append((scores[1] < Conformal(0.05).fit(scores[0])).mean())
    assert np.mean(rates) <= 0.05 + 4 * np.std(rates) / np.sqrt(300) + 1e-12


@given(COARSE, st.floats(0.02, 0.98))
@settings(max_examples=200, deadline=None)
def test_the_offset_is_the_kth_lowest_score(scores, alpha):
    rank = int(np.floor((len(scores) + 1) * alpha * (1 + 1e-12)))
    if rank < 1:
        with pytest.raises(ValueError, match="calibration rows guarantee a false-alarm rate of"):
            Conformal(alpha).fit(scores)
    else:
        offset = Conformal(alpha).fit(scores)
        assert offset == sorted(scores)[rank - 1]
        assert CrossConformal(alpha).fit(scores) == offset
        # As a rule on p-values: below the offset lies what has a p-value of alpha at most.
        new = np.arange(-8.0, 8.0, 0.5)
        assert ((new < offset) <= (conformal_p_values(scores, new) <= alpha + 1e-9)).all()


@pytest.mark.parametrize(("n", "alpha"), [(99, 0.01), (19, 0.05), (9, 0.1), (999, 0.001)])
def test_just_enough_rows_are_enough_and_one_fewer_is_not(n, alpha):
    scores = np.random.default_rng(0).normal(size=n)
    assert Conformal(alpha).fit(scores) == scores.min()
    with pytest.raises(ValueError, match="guarantee a false-alarm rate") as caught:
        Conformal(alpha).fit(scores[1:])
    told = str(caught.value)
    assert f"rate of {1 / n:.3g} at best" in told
    assert f"alpha={alpha:g} requires {n:,} rows" in told
    assert f"PeaksOverThreshold({alpha:g})" in told


def test_the_promise_states_the_spread_for_one_calibration_set():
    told = Conformal(0.05).guarantee(np.arange(999.0))
    low, high = stats.beta(50, 950).ppf([0.025, 0.975])
    assert f"between {low:.2g} and {high:.2g}" in told
    assert "the rate is not bounded" in CrossConformal(0.05).guarantee(np.arange(99.0))


@given(COARSE, COARSE)
@settings(max_examples=200, deadline=None)
def test_p_values_are_counts(calibration, scores):
    counted = [(1 + sum(c <= s for c in calibration)) / (len(calibration) + 1) for s in scores]
    assert conformal_p_values(calibration, scores).tolist() == counted


def test_p_values_of_normal_rows_are_never_too_small():
    rng = np.random.default_rng(0)
    p_values = np.concatenate([conformal_p_values(rng.normal(size=99), rng.normal(size=20)) for _ in range(2000)])
    for level in (0.01, 0.05, 0.1, 0.5):
        assert (p_values <= level).mean() <= level * (1 + 0.1)


@given(
    st.lists(st.floats(0.0, 1.0), max_size=40).map(np.array),
    st.floats(0.001, 0.999),
)
@settings(max_examples=300, deadline=None)
def test_flags_are_the_step_up_procedure(p_values, fdr):
    m = len(p_values)
    steps = fdr * np.arange(1, m + 1) / max(1, m)
    assume((np.abs(np.sort(p_values) - steps) > 1e-9).all())  # where rounding decides
    within = np.flatnonzero(np.sort(p_values) <= steps)
    limit = steps[within[-1]] if len(within) else -1.0
    flagged = flag_discoveries(p_values, fdr)
    assert flagged.dtype == bool
    assert (flagged == (p_values <= limit)).all()


@pytest.mark.parametrize("fdr", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("n_calibration", [500, 1000])
def test_of_what_is_flagged_no_larger_share_is_normal_and_power_is_kept(fdr, n_calibration):
    rng = np.random.default_rng(0)
    is_anomaly = np.arange(1000) < 100
    false_shares, power, best = [], [], []
    for _ in range(200):
        scores = rng.normal(size=1000)
        scores[is_anomaly] -= 3.5
        flagged = flag_discoveries(conformal_p_values(rng.normal(size=n_calibration), scores), fdr)
        false_shares.append((flagged & ~is_anomaly).sum() / max(1, flagged.sum()))
        power.append(flagged[is_anomaly].mean())
        # With endless calibration rows a p-value is the distribution's own.
        best.append(flag_discoveries(stats.norm.cdf(scores), fdr)[is_anomaly].mean())
    assert np.mean(false_shares) <= fdr + 2 * np.std(false_shares) / np.sqrt(200)
    assert np.mean(power) >= 0.8 * np.mean(best)


def test_nothing_is_flagged_in_an_empty_batch_nor_among_ones():
    assert flag_discoveries([], 0.1).shape == (0,)
    assert not flag_discoveries(np.ones(5), 0.5).any()


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.5, "often", None, True, float("nan")])
def test_an_invalid_rate_is_refused(value):
    for build in (Conformal, CrossConformal, lambda a: Conformal(0.1, a), lambda a: flag_discoveries([0.5], a)):
        with pytest.raises(ValueError, match="must lie between 0 and 1"):
            build(value)


@pytest.mark.parametrize("n_splits", [1, 0, -2, 2.5, "five", True])
def test_an_invalid_number_of_parts_is_refused(n_splits):
    with pytest.raises(ValueError, match="n_splits must be an integer of at least 2; got"):
        CrossConformal(0.1, n_splits)


@pytest.mark.parametrize("scores", [[], [np.nan, 1.0], [np.inf, 1.0], [[1.0, 2.0]]])
def test_scores_that_are_not_finite_are_refused(scores):
    for use in (Conformal(0.5).fit, CrossConformal(0.5).fit, lambda s: conformal_p_values(s, [1.0])):
        with pytest.raises(ValueError, match="scores must be a non-empty 1D array of finite numbers"):
            use(scores)


def test_p_values_beyond_one_are_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        flag_discoveries([0.5, 1.5], 0.1)


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        *((0.05, "about 5 of 100"), (0.0167, "about 17 of 1,000"), (0.0025, "about 25 of 10,000")),
        *((0.5, "about 50 of 100"), (1 / 60, "about 1 of 60"), (5 / 57, "about 5 of 57")),
    ],
)
def test_a_rate_is_also_a_number_of_rows(rate, told):
    guarantee = Conformal(rate).guarantee(np.zeros(1000))
    assert f"flags {told} new normal rows, at a rate of at most {rate:.3g} on average" in guarantee
    assert "for the 1,000 calibration rows used" in guarantee


def test_long_numbers_of_a_rule_are_rounded():
    assert round_numbers(repr(Conformal(1 / 60))) == "Conformal(alpha=0.0167, calibration_fraction=0.2)"
    assert round_numbers("PeaksOverThreshold(risk=1.23456789e-05)") == "PeaksOverThreshold(risk=1.23e-05)"
