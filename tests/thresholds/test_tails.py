"""Rates beyond the calibration scores, compared with distributions of known tails."""

import numpy as np
import pytest
from scipy import stats

from aeanomaly.thresholds import Conformal, PeaksOverThreshold
from aeanomaly.thresholds.tails import generalized_pareto

TAILS = {"normal": stats.norm(), "exponential": stats.expon(), "t4": stats.t(4), "lognormal": stats.lognorm(1)}


@pytest.mark.parametrize("name", TAILS)
def test_a_tenth_of_one_in_n_is_met_within_a_factor_three_in_the_median(name):
    rng, error = np.random.default_rng(0), TAILS[name]
    n, risk = 10_000, 1e-5
    rates = [error.sf(-PeaksOverThreshold(risk).fit(-error.rvs(n, random_state=rng))) for _ in range(150)]
    assert risk / 3 < np.median(rates) < 3 * risk


@pytest.mark.parametrize("shape", [-0.4, 0.0, 0.3, 0.8])
def test_a_generalized_pareto_sample_gives_its_parameters(shape):
    found = [
        generalized_pareto(np.sort(stats.genpareto(shape, scale=2.5).rvs(2000, random_state=seed)))
        for seed in range(20)
    ]
    assert np.mean([s for s, _ in found]) == pytest.approx(shape, abs=0.03)
    assert np.mean([scale for _, scale in found]) == pytest.approx(2.5, rel=0.03)


def test_within_the_tail_it_counts():
    scores = np.random.default_rng(0).normal(size=1000)
    for risk in (0.1, 0.2, 0.4):
        assert PeaksOverThreshold(risk).fit(scores) == Conformal(risk).fit(scores)
        assert PeaksOverThreshold(risk).guarantee(scores) == Conformal(risk).guarantee(scores)
    assert "the rate is not bounded" in PeaksOverThreshold(1e-4).guarantee(scores)


def test_smaller_risks_lie_further_out_and_the_unit_does_not_matter():
    scores = -np.random.default_rng(0).exponential(size=5000)
    offsets = [PeaksOverThreshold(risk).fit(scores) for risk in (0.2, 0.05, 1e-2, 1e-3, 1e-4, 1e-6, 1e-9)]
    assert (np.diff(offsets) < 0).all()
    for unit in (1e-200, 1e-30, 1e200):
        assert PeaksOverThreshold(1e-5).fit(scores * unit) == pytest.approx(
            PeaksOverThreshold(1e-5).fit(scores) * unit, rel=1e-9
        )
    assert PeaksOverThreshold(1e-5).fit(scores + 100) == pytest.approx(PeaksOverThreshold(1e-5).fit(scores) + 100)


def test_too_few_scores_and_constant_ones_are_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"needs at least 100 calibration rows, but there are 99"):
        PeaksOverThreshold(1e-4).fit(np.arange(99.0))
    with pytest.raises(ValueError, match=r"constant.*use Conformal or Contamination"):
        PeaksOverThreshold(1e-4).fit(np.zeros(1000))
    for risk in (0, 0.5, 1, -1, "small", None, float("nan")):
        with pytest.raises(ValueError, match=r"must lie between 0 and 0\.5"):
            PeaksOverThreshold(risk)
