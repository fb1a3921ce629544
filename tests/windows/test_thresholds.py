"""Thresholds of windowed detectors: calibrated on the latest rows."""

import numpy as np
import pytest

from aeanomaly.datasets import make_sensors
from aeanomaly.thresholds import BestF1, Conformal, CrossConformal, MedianAbsoluteDeviation
from aeanomaly.windows import WindowedDetector
from tests.windows.tables import W, interleaved, is_a_sentence, readings, same, small, waves, windowed


@pytest.mark.parametrize("seed", range(2))
def test_the_default_flags_few_new_rows(seed):
    X, _ = make_sensors(3000, n_sensors=4, anomaly_rate=0, random_state=seed)
    detector = WindowedDetector(small(max_iter=50), time="time").fit(X[:1500])
    assert 0.01 <= (detector.predict(X)[1500:] == -1).mean() <= 0.12
    assert "latest" in detector.threshold_info_.source
    assert len(detector.calibration_scores_) == 375


@pytest.mark.parametrize("share", [0.01, 0.1, 0.37])
@pytest.mark.parametrize("stride", [1, 3])
def test_a_number_flags_this_share_of_the_training_rows(share, stride):
    X = waves()
    detector = windowed(contamination=share, stride=stride).fit(X)
    assert (detector.predict(X) == -1).sum() == share * len(X)
    assert len(detector.calibration_scores_) == 0
    same(np.sort(detector.training_scores_), np.sort(detector.score_samples(X)))


@pytest.mark.parametrize("window", [1, W, "auto"])
def test_a_rule_for_new_rows_holds_out_the_latest_rows(window):
    X = waves()
    detector = windowed(contamination=Conformal(0.05), window=window).fit(X)
    assert "latest" in detector.threshold_info_.source
    assert "which are the latest ones" in detector.threshold_info_.guarantee
    assert detector.threshold_info_.n_scores == len(detector.calibration_scores_) == 80
    same(np.sort(detector.calibration_scores_), np.sort(detector.score_samples(X)[320:]))
    spoiled = X.copy()
    spoiled[320:] = 50 + np.arange(160).reshape(80, 2)
    other = windowed(contamination=Conformal(0.05), window=window).fit(spoiled)
    same(other.score_samples(X), detector.score_samples(X))
    same(other.training_scores_, detector.training_scores_)
    assert other.offset_ < detector.offset_


def test_the_latest_rows_of_each_series_are_held_out():
    X = interleaved(100).iloc[:280]
    detector = windowed(time="time", groups="machine", contamination=Conformal(0.1, calibration_fraction=0.5)).fit(X)
    scores, expected = detector.score_samples(X), []
    for rows in X.groupby("machine").groups.values():
        expected += list(scores[X.index.get_indexer(rows)][len(rows) - len(rows) // 2 :])
    same(np.sort(detector.calibration_scores_), np.sort(expected))


def test_the_default_does_not_change_scores():
    X = waves()
    same(windowed(contamination="auto").fit(X).score_samples(X), windowed().fit(X).score_samples(X))


def test_small_tables_hold_out_rows_or_use_training_rows():
    few = windowed(contamination="auto", window=4).fit(waves(15))
    assert "training" in few.threshold_info_.source
    some = windowed(contamination="auto").fit(waves(200))
    assert "latest" in some.threshold_info_.source
    assert len(some.calibration_scores_) == 50
    same(np.sort(some.calibration_scores_), np.sort(some.score_samples(waves(200))[150:]))
    many = windowed(contamination="auto").fit(waves(400))
    assert not np.isin(many.calibration_scores_, many.score_samples(waves(400))).any()


def test_p_values_and_flags_use_the_latest_rows():
    detector = windowed(contamination=Conformal(0.05)).fit(waves(1000))
    X = waves(300, seed=1)
    X[200:] *= 20
    p, scores = detector.p_values(X), np.sort(detector.calibration_scores_)
    same(p, (1 + np.searchsorted(scores, detector.score_samples(X), side="right")) / (len(scores) + 1))
    flagged = detector.flag(X, fdr=0.2)
    assert flagged[205:].mean() > 0.9
    assert flagged[:200].mean() < 0.2
    np.testing.assert_allclose(detector.outlier_probability(X), 1 - p)


def test_later_thresholds_are_used_without_a_fit():
    X, y = make_sensors(2000, n_sensors=2, random_state=0)
    detector = WindowedDetector(small(max_iter=30), window=20, time="time").fit(X[:1000])
    scores, offset = detector.score_samples(X), detector.offset_
    detector.set_threshold(0.1)
    assert (detector.predict(X[:1000]) == -1).sum() == 100
    detector.set_threshold(BestF1(), X[1000:], y[1000:])
    assert detector.threshold_info_.rule == "BestF1()"
    assert (detector.predict(X[1000:]) == -1)[y[1000:] == 1].mean() > 0.3
    chance = detector.outlier_probability(X[1000:])
    assert chance[y[1000:] == 1].mean() > chance[y[1000:] == 0].mean()
    detector.set_threshold(Conformal(0.1), X[1000:], y[1000:])
    assert len(detector.calibration_scores_) == (y[1000:] == 0).sum()
    detector.set_threshold(MedianAbsoluteDeviation(3))
    assert detector.offset_ != offset
    assert detector.estimator_.offset_ == detector.offset_
    same(detector.score_samples(X), scores)
    assert detector.contamination == "auto"


@pytest.mark.parametrize("threshold", [0.7, "low", BestF1(), -1], ids=repr)
def test_an_invalid_threshold_changes_nothing(threshold):
    detector = windowed().fit(waves())
    offset, info = detector.offset_, detector.threshold_info_
    with pytest.raises(ValueError, match=r"\w") as caught:
        detector.set_threshold(threshold)
    assert is_a_sentence(caught.value)
    assert detector.offset_ == offset
    assert detector.threshold_info_ == info


def test_labels_are_set_later():
    with pytest.raises(ValueError, match=r"BestF1\(\) needs labels.*set_threshold") as caught:
        windowed(contamination=BestF1()).fit(waves(), np.arange(400) % 2)
    assert is_a_sentence(caught.value)


def test_y_is_ignored():
    X = waves()
    same(windowed().fit(X, np.arange(400) % 2).decision_function(X), windowed().fit(X).decision_function(X))


@pytest.mark.parametrize("rule", [CrossConformal(0.1), MedianAbsoluteDeviation(3), Conformal(0.1)], ids=repr)
def test_rules_of_every_kind_are_reported(rule):
    detector = windowed(contamination=rule, time="time").fit(readings())
    info = detector.threshold_info_
    assert info.offset == detector.offset_
    assert info.n_scores > 0
    assert info.guarantee
    assert info.source


def test_windows_of_one_row_hold_out_the_latest_rows_of_alternating_series():
    X = interleaved(100)
    X.loc[X["machine"] == "x", ["a", "b"]] += 20
    detector = windowed(groups="machine", window=1, contamination=Conformal(0.1)).fit(X.drop(columns="time"))
    late = X.groupby("machine").cumcount() >= 80
    scores = detector.score_samples(X.drop(columns="time"))
    same(np.sort(detector.calibration_scores_), np.sort(scores[late]))
