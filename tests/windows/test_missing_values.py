"""Missing readings: an error, or carried forward."""

import numpy as np
import pandas as pd
import pytest

from tests.windows.tables import W, interleaved, is_a_sentence, readings, same, small, waves, windowed


def tolerant(**how):
    return windowed(estimator=small(missing="model"), **how)


@pytest.fixture(scope="module")
def fitted():
    return tolerant(time="time").fit(with_missing(readings()))


def with_missing(X, share=0.05, seed=0):
    missing = np.random.default_rng(seed).uniform(size=(len(X), 2)) < share
    return X.assign(a=X["a"].mask(missing[:, 0]), b=X["b"].mask(missing[:, 1]))


@pytest.mark.parametrize("value", [np.nan, None, pd.NA])
def test_missing_readings_are_an_error_by_default(value):
    X = readings(100)
    bad = X.assign(a=X["a"].astype("Float64" if value is pd.NA else float))
    bad.loc[7, "a"] = value
    detector = windowed(time="time").fit(X)
    for call in (detector.score_samples, windowed(time="time").fit):
        with pytest.raises(ValueError, match="NaN") as caught:
            call(bad)
        assert is_a_sentence(caught.value)


def test_an_infinite_reading_is_an_error(fitted):
    X = readings(50)
    X.loc[3, "b"] = np.inf
    with pytest.raises(ValueError, match="inf"):
        fitted.score_samples(X)


@pytest.mark.parametrize("features", ["summary", "lags", "both"])
def test_scores_are_finite_with_any_missing_readings(features):
    detector = tolerant(time="time", features=features).fit(with_missing(readings(), 0.2))
    for X in (with_missing(readings(seed=1), 0.5), with_missing(readings(50), 1.0), with_missing(readings(1), 1.0)):
        scores = detector.score_samples(X)
        assert scores.shape == (len(X),)
        assert np.isfinite(scores).all()


def test_missing_readings_before_the_first_known_one_are_accepted(fitted):
    X = readings(60)
    X.loc[:30, "a"] = np.nan
    assert np.isfinite(fitted.score_samples(X)).all()


def test_later_rows_use_the_last_known_reading(fitted):
    X = readings(60)
    missing, carried = X.copy(), X.copy()
    missing.loc[20:22, "a"], carried.loc[20:22, "a"] = np.nan, X.loc[19, "a"]
    one, other = fitted.score_samples(missing), fitted.score_samples(carried)
    same(one[:20], other[:20])
    same(one[23:], other[23:])
    assert (one[20:23] != other[20:23]).all()


def test_later_rows_do_not_fill_missing_readings(fitted):
    X = with_missing(readings(200), 0.3)
    same(fitted.score_samples(X[:100]), fitted.score_samples(X)[:100])


def test_readings_are_not_carried_over_gaps_and_groups():
    X = interleaved()
    detector = tolerant(time="time", groups="machine").fit(X)
    X.loc[X["time"] < X["time"][0] + pd.Timedelta("20min"), "a"] = np.nan
    scores = pd.Series(detector.score_samples(X))
    for _, rows in X.groupby("machine"):
        same(detector.score_samples(rows), scores[rows.index])


def test_rows_before_the_window_have_no_influence_while_readings_are_known_in_it(fitted):
    X = with_missing(readings(200), 0.1)
    X.loc[100, ["a", "b"]] = 0.5
    changed = X.copy()
    changed.loc[:99, ["a", "b"]] = 1e6
    same(fitted.score_samples(changed)[99 + W :], fitted.score_samples(X)[99 + W :])


def test_of_the_rows_before_the_window_only_the_last_known_reading_has_an_influence(fitted):
    X = readings(200)
    X.loc[100:150, "a"] = np.nan
    changed = X.copy()
    changed.loc[:98, ["a", "b"]] = 1.5
    same(fitted.score_samples(changed)[99 + W :], fitted.score_samples(X)[99 + W :])
    changed.loc[99, "a"] += 1
    assert (fitted.score_samples(changed)[110:150] != fitted.score_samples(X)[110:150]).any()


def test_a_column_that_is_missing_throughout_training_is_left_out():
    X = np.column_stack([waves(100), np.full(100, np.nan)])
    with pytest.warns(UserWarning, match="only missing values"):
        detector = tolerant().fit(X)
    assert np.isfinite(detector.score_samples(X)).all()
