"""Offsets and probabilities from labeled rows, compared with a search over every offset."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import f1_score, precision_score, recall_score

from aeanomaly.thresholds import BestF1, ExpectedCost, ScoreCalibrator, TargetPrecision, TargetRecall

RULES = [BestF1(), TargetPrecision(0.5), TargetRecall(0.5), ExpectedCost(10, 1, 0.01)]


@st.composite
def answers(draw):
    """Scores with ties, and labels of both kinds."""
    pairs = draw(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40))
    scores, y = np.array([float(s) for s, _ in pairs]), np.array([int(a) for _, a in pairs])
    assume(0 < y.sum() < len(y))
    assume(scores.min() < scores.max())
    return scores, y


def every_decision(scores):
    """Return all sets of rows that a threshold can flag, the smallest first."""
    return [scores < cut for cut in [*np.unique(scores), np.inf]]


@given(answers())
@settings(max_examples=200, deadline=None)
def test_no_offset_has_a_better_f1(drawn):
    scores, y = drawn
    best = max(f1_score(y, flagged, zero_division=0) for flagged in every_decision(scores))
    assert f1_score(y, scores < BestF1().fit(scores, y)) == pytest.approx(best)


@given(answers(), st.sampled_from([0.1, 0.3, 0.5, 0.75, 0.9, 1]))
@settings(max_examples=200, deadline=None)
def test_no_offset_of_that_precision_has_a_better_recall(drawn, precision):
    scores, y = drawn
    allowed = [
        recall_score(y, flagged)
        for flagged in every_decision(scores)
        if precision_score(y, flagged, zero_division=0) >= precision
    ]
    rule = TargetPrecision(precision)
    if max(allowed, default=0) == 0:
        with pytest.raises(ValueError, match=r"no offset has a precision of .* on these rows; the best is"):
            rule.fit(scores, y)
    else:
        flagged = scores < rule.fit(scores, y)
        assert precision_score(y, flagged) >= precision
        assert recall_score(y, flagged) == pytest.approx(max(allowed))


@given(answers(), st.floats(0.05, 0.95))
@settings(max_examples=200, deadline=None)
def test_recall_counts_anomalies_as_a_conformal_rank(drawn, recall):
    scores, y = drawn
    m = int(y.sum())
    rank = math.ceil((m + 1) * recall * (1 - 1e-12))
    if rank > m:
        with pytest.raises(ValueError, match=r"guarantee a recall of at most .*, but .* requires"):
            TargetRecall(recall).fit(scores, y)
    else:
        offset = TargetRecall(recall).fit(scores, y)
        kth = np.sort(scores[y == 1])[rank - 1]
        assert kth < offset
        assert offset == np.nextafter(kth, np.inf)


def test_a_new_anomaly_is_flagged_at_the_rate_promised():
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(2000):
        scores, y = np.append(rng.normal(size=19), 9.0), np.append(np.ones(19), 0)
        hits.append(rng.normal() < TargetRecall(0.8).fit(scores, y))
    assert np.mean(hits) == pytest.approx(0.8, abs=4 * 0.4 / np.sqrt(2000))


@pytest.mark.parametrize(("m", "recall"), [(1, 0.5), (9, 0.9), (4, 0.8), (99, 0.99)])
def test_just_enough_anomalies_are_enough_and_one_fewer_is_not(m, recall):
    scores, y = np.arange(m + 1.0), np.append(np.ones(m), 0)
    assert (scores[:m] < TargetRecall(recall).fit(scores, y)).all()
    if m > 1:
        with pytest.raises(ValueError, match=f"{recall:g} requires {m} of them"):
            TargetRecall(recall).fit(scores[1:], y[1:])


@given(answers(), st.sampled_from([1.0, 10.0, 500.0]), st.sampled_from([0.001, 0.05, 0.5]))
@settings(max_examples=200, deadline=None)
def test_no_offset_costs_less(drawn, miss, rate):
    scores, y = drawn

    def cost(flagged):
        return rate * miss * (1 - flagged[y == 1].mean()) + (1 - rate) * 1.0 * flagged[y == 0].mean()

    rule = ExpectedCost(miss, 1.0, rate)
    assert cost(scores < rule.fit(scores, y)) == pytest.approx(min(map(cost, every_decision(scores))))
    assert rule.guarantee(scores, y).endswith("the least on the labeled rows; no rate is guaranteed")


def test_without_labels_the_cost_becomes_a_p_value():
    scores = np.random.default_rng(0).normal(size=400_000)
    for miss in (1, 10, 40):
        rule = ExpectedCost(miss, 1, 0.01)
        p = (scores < rule.fit(scores)).mean()
        assert -math.e * p * math.log(p) == pytest.approx(miss * 0.01 / 0.99, rel=0.05)
    assert ExpectedCost(40, 1, 0.01).fit(scores) > ExpectedCost(4, 1, 0.01).fit(scores)
    with pytest.raises(ValueError, match="it is optimal to flag every row"):
        ExpectedCost(1000, 1, 0.01).fit(scores)
    with pytest.raises(ValueError, match=r"flags p-values below .* extrapolate with PeaksOverThreshold"):
        ExpectedCost(1, 1, 1e-6).fit(scores)


def test_both_conventions_and_any_container_give_the_same_offset():
    scores, y = np.array([-9.0, -5.0, -4.0, -1.0]), np.array([1, 1, 0, 0])
    for rule in RULES:
        offset = rule.fit(scores, y)
        assert rule.fit(scores.tolist(), y.tolist()) == offset
        assert rule.fit(scores, y.astype(bool)) == offset
        assert rule.fit(scores, y.astype(float)) == offset
        assert rule.fit(scores, 1 - 2 * y) == offset


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize(
    ("y", "told"),
    [
        ([0, 0, 0], "normal rows and anomalies, but all 3 labels are 0"),
        ([True, True, True], "all 3 labels are 1"),
        ([-1, -1, -1], "all 3 labels are -1"),
        ([0, 1], "3 scores, but 2 labels"),
        ([0, 1, 2], "labels must be 0 and 1"),
        (["no", "yes", "no"], "labels must be 0 and 1"),
        ([[0], [1], [0]], "in a 1D array"),
    ],
)
def test_labels_that_say_nothing_are_refused(rule, y, told):
    with pytest.raises(ValueError, match=told):
        rule.fit([-3.0, -2.0, -1.0], y)


@pytest.mark.parametrize("rule", RULES[:3], ids=lambda rule: type(rule).__name__)
def test_labels_that_are_missing_are_asked_for(rule):
    with pytest.raises(ValueError, match="needs labels; pass y"):
        rule.fit([-3.0, -2.0, -1.0])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_constant_scores_are_refused(rule):
    with pytest.raises(ValueError, match="all 4 scores are 1, so no threshold can separate anomalies"):
        rule.fit(np.ones(4), [0, 1, 0, 1])


@pytest.mark.parametrize(
    "build",
    [
        lambda: TargetPrecision(0),
        lambda: TargetPrecision(1.1),
        lambda: TargetRecall(1),
        lambda: TargetRecall("most"),
        lambda: ExpectedCost(0, 1, 0.1),
        lambda: ExpectedCost(1, math.inf, 0.1),
        lambda: ExpectedCost(1, 1, 1),
        lambda: ExpectedCost(1, 1, None),
    ],
)
def test_targets_and_costs_out_of_range_are_refused(build):
    with pytest.raises(ValueError, match="must"):
        build()


class TestProbabilities:
    """Scores are those of a detector whose log-odds are known."""

    @staticmethod
    def rows(n, seed=0, rate=0.2):
        rng = np.random.default_rng(seed)
        y = (rng.uniform(size=n) < rate).astype(int)
        # Two normal classes at distance 2: log-odds of an anomaly at s are logit(rate) - 2 s - 2.
        return rng.normal(size=n) - 2.0 * y, y

    @pytest.mark.parametrize("n", [200, 20_000])
    def test_they_are_calibrated(self, n):
        scores, y = self.rows(n)
        curve = ScoreCalibrator.fit(scores, y)
        assert curve.is_sigmoid == (n == 200)
        new, labels = self.rows(100_000, seed=1)
        p = curve.probability(new)
        order = np.argsort(p)
        # Expected calibration error over ten equal parts.
        off = [abs(p[part].mean() - labels[part].mean()) for part in np.array_split(order, 10)]
        assert np.mean(off) < (0.05 if n == 200 else 0.02)

    def test_another_rate_shifts_the_odds_exactly(self):
        scores, y = self.rows(20_000)
        curve = ScoreCalibrator.fit(scores, y)
        new, labels = self.rows(100_000, seed=1, rate=0.02)
        assert curve.probability(new, rate=0.02).mean() == pytest.approx(labels.mean(), rel=0.15)
        shifted = logit(curve.probability(new, rate=0.02)) - logit(curve.probability(new))
        assert np.allclose(shifted, logit(0.02) - logit(curve.rate))

    @pytest.mark.parametrize("n", [6, 200, 5000])
    def test_they_never_rise_with_the_score_and_stay_off_zero_and_one(self, n):
        scores, y = self.rows(n)
        y[:2] = [0, 1]
        p = ScoreCalibrator.fit(scores, y).probability(np.linspace(-10, 10, 1001))
        assert (np.diff(p) <= 1e-12).all()
        assert 0 < p.min() < p.max() < 1

    def test_classes_that_a_score_parts_give_finite_odds(self):
        scores, y = np.append(np.linspace(-1, 0, 30), [-9.0, -8.0]), np.append(np.zeros(30), [1, 1])
        p = ScoreCalibrator.fit(scores, y).probability(scores)
        assert np.isfinite(p).all()
        assert p[:30].max() < 0.5 < p[30:].min()

    def test_labels_the_wrong_way_round_give_the_rate_alone(self):
        scores, y = self.rows(300)
        p = ScoreCalibrator.fit(-scores, y).probability(scores)
        assert np.ptp(p) == 0
        assert p[0] == pytest.approx(y.mean(), abs=0.02)

    def test_arrays_bring_it_back_to_the_bit_and_nothing_else_does(self):
        for n in (50, 5000):
            curve = ScoreCalibrator.fit(*self.rows(n))
            again = ScoreCalibrator.from_arrays(curve.arrays())
            points = np.linspace(-5, 5, 100)
            assert (again.probability(points) == curve.probability(points)).all()
            for change in (
                {"knots": curve.knots[::-1].copy()},
                {"spread": np.array([0.0])},
                {"rate": np.array([1.0])},
                {"log_odds": curve.log_odds[:-1].copy()},
                {"centre": np.array([np.nan])},
            ):
                with pytest.raises(ValueError, match=r"the probability curve"):
                    ScoreCalibrator.from_arrays({**curve.arrays(), **change})

    def test_the_sigmoid_is_a_sigmoid(self):
        curve = ScoreCalibrator.fit(*self.rows(100))
        x = np.arcsinh((curve.center - np.linspace(-3, 3, 7)) / curve.spread)
        slope = (curve.log_odds[1] - curve.log_odds[0]) / (curve.knots[1] - curve.knots[0])
        line = curve.log_odds[0] + slope * (x - curve.knots[0])
        assert np.allclose(curve.probability(np.linspace(-3, 3, 7)), expit(line))
