"""The threshold that a fit sets with ``contamination="auto"``."""

import numpy as np
import pytest
from sklearn.base import clone

from aeanomaly import DenoisingAutoencoder, UndercompleteAutoencoder, load
from aeanomaly.detectors import REGISTRY
from aeanomaly.fitting import Folds
from aeanomaly.streams import MemberKey, numpy_stream
from aeanomaly.thresholds import ExpectedRate

WITH_CLONES = True


def draw(n, seed=0, n_columns=4):
    return np.random.default_rng(seed).normal(size=(n, n_columns))


def flagged(detector, rows):
    return float((detector.predict(rows) == -1).mean())


@pytest.mark.parametrize("cls", REGISTRY.values())
def test_few_new_rows_of_a_small_table_are_flagged(cls):
    detector = cls(random_state=0).fit(draw(300))
    assert 0.005 < flagged(detector, draw(5000, 1)) < 0.1
    assert "aims to flag" in detector.threshold_info_.guarantee
    assert detector.threshold_info_.source == "rows scored out of 5 folds"
    assert detector.threshold_info_.n_scores == len(detector.calibration_scores_) == 300


@pytest.mark.parametrize(
    ("n_rows", "folds"),
    [(19, None), (20, (5, 5)), (600, (5, 5)), (1000, (5, 3)), (2500, (5, 1)), (7500, (7, 1)), (24_999, (10, 1))],
)
def test_folds_that_are_scored_have_five_hundred_rows_where_the_table_has_them(n_rows, folds):
    assert Folds.for_rows("auto", n_rows) == folds
    if folds is not None:
        assert folds[1] * n_rows / folds[0] >= min(n_rows, 500)


def test_scores_of_folds_are_those_of_detectors_fitted_on_the_others():
    """Each of the scores is that of its row by a detector fitted without the fold, to the bit."""
    X = draw(60)
    detector = UndercompleteAutoencoder(random_state=0).fit(X)
    known = set(detector.calibration_scores_)
    assert len(known) == 60
    order, found = numpy_stream(MemberKey(0), "folds").permutation(60), set()
    for part in map(np.sort, np.array_split(order, 5)):
        others = clone(detector).set_params(contamination=0.1).fit(np.delete(X, part, axis=0))
        found |= set(others.score_samples(X[part]))
    assert found == known


def test_many_rows_are_scored_by_the_detector_itself():
    X = draw(26_000, n_columns=2)
    detector = DenoisingAutoencoder(latent_dim=32, hidden_layer_sizes=(), random_state=0).fit(X)
    assert detector.threshold_info_.source == "training rows, each used at most five times in training"
    assert flagged(detector, draw(20_000, 1, 2)) == pytest.approx(0.05, abs=0.01)
    detector.set_params(max_iter=1100).fit(X)
    assert detector.threshold_info_.source == "rows scored out of 10 folds"


def test_the_order_of_many_rows_does_not_matter():
    X = draw(26_000, n_columns=2)
    X[:10_000] *= 3
    detector = DenoisingAutoencoder(latent_dim=32, hidden_layer_sizes=(), random_state=0)
    in_order = flagged(detector.fit(X), X)
    shuffled = flagged(detector.fit(np.random.default_rng(0).permutation(X)), X)
    assert in_order == pytest.approx(shuffled, abs=0.01)


def test_few_rows_are_thresholded_on_training_scores():
    detector = UndercompleteAutoencoder(random_state=0).fit(draw(19))
    assert detector.threshold_info_.source == "training rows"
    assert flagged(detector, draw(19)) == pytest.approx(1 / 19)


def test_robust_expects_the_anomalies_among_the_training_rows():
    X = draw(300)
    X[:15] = 6 + 0.1 * X[:15]
    detector = DenoisingAutoencoder(robust=True, random_state=0).fit(X)
    assert detector.threshold_info_.source == "training rows"
    assert flagged(detector, X[:15]) == 1


def test_partial_fit_uses_the_training_rows_and_says_so():
    detector = UndercompleteAutoencoder(random_state=0).partial_fit(draw(200)).partial_fit(draw(200, 1))
    assert detector.threshold_info_.source == "training rows"
    assert "no rate is guaranteed for other rows" in detector.threshold_info_.guarantee
    assert (detector.training_scores_ < detector.offset_).mean() == pytest.approx(0.05)


def test_a_rate_of_ones_own_and_a_model_file(tmp_path):
    detector = UndercompleteAutoencoder(contamination=ExpectedRate(0.2), random_state=0).fit(draw(400))
    assert flagged(detector, draw(2000, 1)) == pytest.approx(0.2, abs=0.08)
    detector.save(tmp_path / "model.aea")
    again = load(tmp_path / "model.aea")
    assert again.threshold_info_ == detector.threshold_info_
    assert again.set_threshold("auto").offset_ == detector.set_threshold("auto").offset_


def test_no_more_training_rows_are_flagged_than_stated():
    """Clones may learn another code than the detector; the rate of training rows bounds the damage."""
    rng = np.random.default_rng(3)
    for seed in range(3):
        X = rng.integers(0, 4, size=(200, 3)).astype(float)
        detector = UndercompleteAutoencoder(random_state=seed).fit(X)
        assert (detector.training_scores_ < detector.offset_).mean() <= 0.1
