"""Explanations: contributions of columns, lags and features, and sentences."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest

from aeanomaly import AutoencoderEnsemble, VariationalAutoencoder
from aeanomaly.datasets import make_sensors
from tests.windows.tables import W, interleaved, is_a_sentence, readings, same, small, waves, windowed

BY = ["column", "lag", "feature"]


@pytest.fixture(scope="module")
def fitted():
    return windowed(time="time", groups="machine").fit(table())


def table(seed=0):
    X = interleaved(100, seed)
    X["mode"] = np.random.default_rng(seed).choice(["idle", "busy"], len(X))
    return X.set_index(np.arange(len(X)) + 1000)


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("features", ["summary", "lags", "both"])
def test_contributions_sum_to_minus_the_score(by, features):
    X = table()
    detector = windowed(time="time", groups="machine", features=features).fit(X)
    terms = detector.explain(X, by=by)
    np.testing.assert_allclose(terms.sum(axis=1), -detector.score_samples(X), rtol=1e-5)
    assert (terms.to_numpy() >= 0).all()
    assert set(terms.columns.get_level_values(0)) == {"a", "b", "mode"}


@pytest.mark.parametrize("estimator", [VariationalAutoencoder, AutoencoderEnsemble])
@pytest.mark.parametrize("by", BY)
def test_contributions_of_other_detectors_sum_to_minus_the_score(estimator, by):
    how = {"n_estimators": 2} if estimator is AutoencoderEnsemble else {}
    wrapped = estimator(max_iter=5, latent_dim=16, hidden_layer_sizes=(16,), random_state=0, **how)
    detector, X = windowed(estimator=wrapped).fit(waves()), waves(50, seed=1)
    np.testing.assert_allclose(detector.explain(X, by=by).sum(axis=1), -detector.score_samples(X), rtol=1e-5)


def test_coarser_contributions_are_sums_of_finer_ones(fitted):
    X = table(1)
    column, lag, feature = (fitted.explain(X, by=by) for by in BY)
    assert lag.columns.nlevels == 2
    assert list(feature.columns.names) == ["column", "kind", "rows"]
    pd.testing.assert_frame_equal(lag.T.groupby(level=0).sum().T, column[sorted(column)], check_names=False, rtol=1e-5)
    by_rows = feature.T.groupby(level=["column", "rows"]).sum().T
    pd.testing.assert_frame_equal(by_rows, lag[by_rows.columns], check_names=False, rtol=1e-5)
    assert max(lag.columns.get_level_values(1)) == W


def test_the_index_is_kept(fitted):
    X = table(1)[:50]
    for result in (fitted.explain(X), fitted.explain_text(X), fitted.window_features(X)):
        pd.testing.assert_index_equal(result.index, X.index)
    for result in (fitted.explain(X[::2]), fitted.explain_text(X[::2]), fitted.window_features(X[::2])):
        pd.testing.assert_index_equal(result.index, X.index[::2])


def test_an_index_of_times_is_kept():
    X = readings().set_index("time")
    detector = windowed().fit(X)
    for result in (detector.explain(X), detector.explain_text(X), detector.window_features(X)):
        pd.testing.assert_index_equal(result.index, X.index)


def test_rows_that_alternate_are_explained_as_each_series_alone(fitted):
    X = table(1)
    terms, text = fitted.explain(X), fitted.explain_text(X)
    for _, rows in X.groupby("machine"):
        pd.testing.assert_frame_equal(fitted.explain(rows), terms.loc[rows.index])
        assert list(fitted.explain_text(rows)) == list(text[rows.index])


def test_sentences_name_the_column_of_a_level_fault():
    X, y = make_sensors(3000, n_sensors=4, faults=["level"], random_state=0)
    normal, _ = make_sensors(3000, n_sensors=4, faults=["level"], anomaly_rate=0, random_state=0)
    detector = windowed(estimator=small(max_iter=50), time="time", window=40).fit(X[:1500])
    sensors = X.columns[1:]
    faulty = (X[sensors] != normal[sensors])[y == 1].to_numpy().argmax(axis=1)
    text = detector.explain_text(X[1500:])[y == 1]
    named = [sensors[k] in sentence for k, sentence in zip(faulty, text, strict=True)]
    assert np.mean(named) > 0.8
    first = [sentence.startswith(sensors[k]) for k, sentence in zip(faulty, text, strict=True)]
    assert np.mean(first) > 0.5


def test_sentences_have_a_limited_number_of_columns(fitted):
    X = table(1)
    for n_columns in (1, 2):
        assert (fitted.explain_text(X, n_columns=n_columns).str.split("; ").str.len() <= n_columns).all()
    assert (fitted.explain_text(X).str.len() > 5).all()


@pytest.mark.parametrize(("method", "how"), [("explain", {"by": "row"}), ("explain_text", {"n_columns": 0})])
def test_invalid_parameters_are_refused(fitted, method, how):
    with pytest.raises(ValueError, match="got") as caught:
        getattr(fitted, method)(table(), **how)
    assert is_a_sentence(caught.value)


def test_other_estimators_cannot_be_explained():
    detector = windowed(estimator=IsolationForest(n_estimators=3, random_state=0)).fit(waves())
    for method in (detector.explain, detector.explain_text):
        with pytest.raises(TypeError, match="IsolationForest") as caught:
            method(waves())
        assert is_a_sentence(caught.value)


def test_explanations_depend_on_windows_only(fitted):
    X = table(1)
    alone = X[X["machine"] == "x"]
    same(fitted.explain(alone)[:30], fitted.explain(alone[:30]))
    same(fitted.explain(alone)[W + 9 :], fitted.explain(alone[10:])[W - 1 :])
