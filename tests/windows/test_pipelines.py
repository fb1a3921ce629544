"""Windowed detectors within scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aeanomaly import AutoencoderEnsemble
from aeanomaly.windows import WindowedDetector
from tests.windows.tables import W, readings, same, small, waves, windowed


def labeled(n=400):
    """Return waves with pairs of exchanged readings, which are usual each, and labels: -1 = anomaly."""
    X, y = waves(n), np.ones(n, dtype=int)
    for row in range(165, n, 60):
        X[row, 0] *= -1
        y[row] = -1
    return X, y


def test_a_pipeline_scores_as_its_parts():
    X = waves()
    pipeline = make_pipeline(StandardScaler(), windowed()).fit(X)
    scaled = StandardScaler().fit_transform(X)
    same(pipeline.score_samples(X), windowed().fit(scaled).score_samples(scaled))
    same(pipeline.predict(X), pipeline.fit_predict(X))


def test_an_index_of_times_passes_through_a_pipeline():
    X = readings().set_index("time")
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), windowed()).fit(X)
    events = pipeline[-1].events(pipeline[:-1].transform(X))
    assert set(events["first"]) <= set(X.index)
    gap = X.set_index(X.index.where(np.arange(400) < 50, X.index + pd.Timedelta("1D")))
    same(pipeline.score_samples(gap)[50:], pipeline.score_samples(X[50:]))


def test_a_column_of_times_passes_through_a_transformer():
    scaler = make_column_transformer((StandardScaler(), ["a", "b"]), remainder="passthrough")
    pipeline = make_pipeline(scaler.set_output(transform="pandas"), windowed(time="remainder__time"))
    assert set(pipeline.fit(readings()).predict(readings())) == {-1, 1}


def test_cross_validation_with_splits_by_time():
    X, y = labeled()
    found = cross_val_score(windowed(), X, y, cv=TimeSeriesSplit(3), scoring="roc_auc")
    assert found.shape == (3,)
    of_rows = cross_val_score(windowed(window=1), X, y, cv=TimeSeriesSplit(3), scoring="roc_auc")
    assert found.mean() > of_rows.mean() + 0.2


def test_a_search_over_windows_and_parameters_of_the_estimator():
    X, y = labeled()
    grid = {"window": [1, W], "estimator__max_iter": [2, 5]}
    search = GridSearchCV(windowed(), grid, cv=TimeSeriesSplit(2), scoring="roc_auc").fit(X, y)
    assert search.best_params_["window"] == W
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_parameters_are_nested():
    detector = windowed()
    assert detector.get_params()["estimator__max_iter"] == 5
    detector.set_params(estimator__max_iter=7, window=3, stride=2)
    assert detector.estimator.max_iter == 7
    assert (detector.window, detector.stride) == (3, 2)
    assert "estimator__max_iter" not in detector.get_params(deep=False)
    with pytest.raises(ValueError, match="Invalid parameter"):
        detector.set_params(estimator__iterations=7)
    assert detector.set_params(estimator=AutoencoderEnsemble()).get_params()["estimator__n_estimators"] is not None


def test_a_clone_is_not_fitted_and_has_equal_parameters():
    X, detector = waves(), windowed()
    copied = clone(detector.fit(X))
    assert not hasattr(copied, "estimator_")
    assert copied.estimator is not detector.estimator
    assert repr(copied) == repr(detector)
    same(copied.fit(X).decision_function(X), detector.decision_function(X))


def test_the_first_three_parameters_may_be_positional():
    detector = WindowedDetector(small(), 5, 2)
    assert (detector.window, detector.stride) == (5, 2)
    with pytest.raises(TypeError):
        WindowedDetector(small(), 5, 2, "lags")
