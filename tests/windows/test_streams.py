"""Streams: rows one at a time have the bits of a table."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest

from aeanomaly.datasets import make_sensors
from aeanomaly.windows import WindowedDetector, WindowStream
from tests.windows.tables import W, interleaved, is_a_sentence, readings, same, small, waves, windowed


def with_gaps(X, n_gaps=5, seed=0):
    """Delay rows at random places, and remove some."""
    rng = np.random.default_rng(seed)
    late = np.cumsum(np.isin(np.arange(len(X)), rng.choice(len(X), n_gaps))) * pd.Timedelta("1h")
    return X.assign(time=X["time"] + late).sample(frac=0.9, random_state=seed).sort_index()


def with_missing(X, seed=0):
    return X.assign(a=X["a"].mask(np.random.default_rng(seed).uniform(size=len(X)) < 0.2))


def with_category(X):
    return X.assign(mode=np.random.default_rng(1).choice(["idle", "busy"], len(X)))


def numbered(X):
    return np.column_stack([np.arange(len(X)), X[["a", "b"]]])


CASES = {
    "a series": ({"time": "time"}, readings),
    "gaps": ({"time": "time"}, lambda n, seed: with_gaps(readings(n, seed))),
    "gaps without a limit": ({"time": "time", "max_gap": None}, lambda n, seed: with_gaps(readings(n, seed))),
    "groups": ({"time": "time", "groups": "machine"}, lambda n, seed: with_gaps(interleaved(n // 3, seed))),
    "groups without times": ({"groups": ["machine"]}, lambda n, seed: interleaved(n // 3, seed).drop(columns="time")),
    "missing values": (
        {"time": "time", "groups": "machine", "estimator": small(missing="model")},
        lambda n, seed: with_missing(with_gaps(interleaved(n // 3, seed))),
    ),
    "a category": ({"time": "time"}, lambda n, seed: with_category(readings(n, seed))),
    "a category in one row": (
        {"time": "time", "window": 1},
        lambda n, seed: with_category(readings(n, seed)),
    ),
    "windows of one row": ({"window": 1}, lambda n, seed: readings(n, seed)[["a", "b"]]),
    "lags": ({"time": "time", "features": "lags"}, readings),
    "both": ({"time": "time", "features": "both"}, lambda n, seed: with_gaps(readings(n, seed))),
    "an array": ({}, lambda n, seed: waves(n, seed=seed)),
    "an array with times": ({"time": 0}, lambda n, seed: numbered(readings(n, seed))),
    "another estimator": ({"estimator": IsolationForest(n_estimators=3, random_state=0)}, lambda n, s: waves(n, 2, s)),
    "a zone": (
        {"time": "time"},
        lambda n, seed: readings(n, seed).assign(time=pd.date_range("2026-10-25", periods=n, freq="min", tz="CET")),
    ),
}


def rows_of(X):
    return X.to_dict("records") if isinstance(X, pd.DataFrame) else list(X)


def replay(stream, X):
    return [stream.update(row) for row in rows_of(X)]


def scores_of(stream, X):
    return [scored.score for scored in replay(stream, X)]


@pytest.fixture(scope="module")
def fitted():
    return windowed(time="time", groups="machine").fit(interleaved(60))


@pytest.mark.parametrize("case", CASES)
def test_rows_have_the_bits_of_a_table(case):
    how, make = CASES[case]
    detector, X = windowed(**how).fit(make(150, 0)), make(48, 1)
    scored = replay(detector.stream(), X)
    same([row.score for row in scored], detector.score_samples(X))
    same([row.decision for row in scored], detector.decision_function(X))
    same([row.is_anomaly for row in scored], detector.predict(X) == -1)
    if case != "another estimator":
        assert [row.reasons for row in scored[::9]] == list(detector.explain_text(X))[::9]


def test_the_reasons_of_other_estimators_raise():
    detector = windowed(estimator=IsolationForest(n_estimators=3, random_state=0)).fit(waves(100))
    with pytest.raises(TypeError, match="IsolationForest"):
        _ = detector.stream().update([0.0, 0.0]).reasons


def test_the_defaults_have_the_bits_of_a_table():
    X, _ = make_sensors(900, n_sensors=3, random_state=0)
    detector = WindowedDetector(small(), time="time").fit(X[:700])
    same(scores_of(detector.stream(), X[700:]), detector.score_samples(X[700:]))


def test_an_index_of_times_is_not_needed():
    X = readings().set_index("time")
    detector = windowed().fit(X)
    same(scores_of(detector.stream(), X[:50]), detector.score_samples(X[:50]))


def test_rows_may_be_sequences_in_the_order_of_the_table(fitted):
    X = interleaved(10, seed=2)
    stream = fitted.stream()
    same([stream.update(list(row)).score for row in X.itertuples(index=False)], fitted.score_samples(X))
    stream = fitted.stream()
    same([stream.update(dict(reversed(row.items()))).score for row in rows_of(X)], fitted.score_samples(X))


@pytest.mark.parametrize("case", ["groups", "missing values", "groups without times", "an array with times", "a zone"])
def test_the_state_continues_from_json(case):
    how, make = CASES[case]
    detector, X = windowed(**how).fit(make(150, 0)), make(48, 1)
    expected = detector.score_samples(X)
    for end in (1, 30):
        first = detector.stream()
        replay(first, X[:end])
        text = json.dumps(first.state())
        second = detector.stream(json.loads(text))
        assert json.dumps(second.state()) == text
        same(scores_of(second, X[end:]), expected[end:])


def test_the_state_is_strict_json():
    how, make = CASES["missing values"]
    detector, X = windowed(**how).fit(make(150, 0)), make(48, 1)
    stream = detector.stream()
    X.loc[X.index[:30], "a"] = np.nan
    for row in rows_of(X[:30]):
        stream.update(row)
        json.dumps(stream.state(), allow_nan=False)


@pytest.mark.parametrize(
    "cells", [[1, 2, 3], [0.5, 1.5, 2.5], pd.date_range("2026-01-01", periods=3)], ids=["int", "float", "time"]
)
def test_the_state_is_json_with_groups_of_every_type(cells):
    X = interleaved(30)
    X["machine"] = X["machine"].map(dict(zip("xyz", cells, strict=True)))
    detector = windowed(time="time", groups="machine").fit(X)
    first = detector.stream()
    scores = scores_of(first, X[:40])
    second = detector.stream(json.loads(json.dumps(first.state())))
    same(scores + scores_of(second, X[40:]), detector.score_samples(X))


def test_the_state_does_not_change_with_the_stream(fitted):
    stream = fitted.stream()
    replay(stream, interleaved(20))
    state = stream.state()
    before = json.dumps(state)
    replay(stream, interleaved(20).assign(time=pd.Timestamp("2027-01-01")))
    assert json.dumps(state) == before


def test_the_state_holds_the_rows_of_a_window_at_most(fitted):
    stream = fitted.stream()
    replay(stream, interleaved(60))
    assert len(stream.state()["series"]) == 3
    assert all(len(series["readings"]) <= W for series in stream.state()["series"])


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state | {"window": W + 1},
        lambda state: {},
        lambda state: state | {"series": [series | {"readings": [[1.0]]} for series in state["series"]]},
    ],
    ids=["window", "empty", "columns"],
)
def test_a_state_of_other_windows_or_columns_is_refused(fitted, change):
    stream = fitted.stream()
    replay(stream, interleaved(20))
    state = stream.state()
    for call in (fitted.stream, stream.restore):
        with pytest.raises(ValueError, match="state") as caught:
            call(change(state))
        assert is_a_sentence(caught.value)
    assert stream.state() == state


def test_a_pickled_stream_continues(fitted):
    X = interleaved(40, seed=1)
    expected, stream = fitted.score_samples(X), fitted.stream()
    replay(stream, X[:50])
    copied = pickle.loads(pickle.dumps(stream))
    assert isinstance(copied, WindowStream)
    scored = replay(copied, X[50:])
    same([row.score for row in scored], expected[50:])
    assert scored[-1].reasons == fitted.explain_text(X).iloc[-1]
    same(scores_of(stream, X[50:]), expected[50:])


def test_later_fits_and_thresholds_do_not_change_a_stream():
    X = readings()
    detector = windowed(time="time").fit(X)
    stream, scores, decision = detector.stream(), detector.score_samples(X), detector.decision_function(X)
    replay(stream, X[:50])
    detector.set_threshold(0.4)
    detector.set_params(window=3).fit(readings(seed=5))
    scored = replay(stream, X[50:100])
    same([row.score for row in scored], scores[50:100])
    same([row.decision for row in scored], decision[50:100])
    assert stream.state()["window"] == W


def test_streams_do_not_change_the_detector(fitted):
    X = interleaved(20, seed=1)
    before = fitted.score_samples(X)
    replay(fitted.stream(), X)
    same(fitted.score_samples(X), before)
    same(scores_of(fitted.stream(), X), before)


INVALID = {
    "no column": lambda row: {name: cell for name, cell in row.items() if name != "b"},
    "no group": lambda row: {name: cell for name, cell in row.items() if name != "machine"},
    "no time": lambda row: {name: cell for name, cell in row.items() if name != "time"},
    "text": lambda row: row | {"a": "much"},
    "NaN": lambda row: row | {"a": float("nan")},
    "None": lambda row: row | {"a": None},
    "infinity": lambda row: row | {"b": float("inf")},
    "an earlier time": lambda row: row | {"time": row["time"] - pd.Timedelta("1D")},
    "text as time": lambda row: row | {"time": "noon"},
    "NaT": lambda row: row | {"time": pd.NaT},
    "None as time": lambda row: row | {"time": None},
    "a number as time": lambda row: row | {"time": 3.5},
    "a time in a zone": lambda row: row | {"time": row["time"].tz_localize("UTC")},
    "too few cells": lambda row: list(row.values())[:2],
    "too many cells": lambda row: [*row.values(), 1.0],
    "a list as reading": lambda row: row | {"a": [1.0, 2.0]},
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_row_leaves_the_stream_unchanged(fitted, name):
    X = interleaved(7, seed=1)
    rows, expected, stream = rows_of(X), fitted.score_samples(X), fitted.stream()
    same([stream.update(row).score for row in rows[:10]], expected[:10])
    before = stream.state()
    with pytest.raises(ValueError, match=r"\w") as caught:
        stream.update(INVALID[name](rows[10]))
    assert stream.state() == before
    same([stream.update(row).score for row in rows[10:]], expected[10:])
    assert is_a_sentence(caught.value), caught.value


@pytest.mark.parametrize("row", [5, None], ids=repr)
def test_an_object_other_than_a_row_is_refused(fitted, row):
    with pytest.raises((TypeError, ValueError), match="row") as caught:
        fitted.stream().update(row)
    assert is_a_sentence(caught.value)


def test_missing_readings_are_accepted_by_a_detector_that_accepts_them():
    how, make = CASES["missing values"]
    stream = windowed(**how).fit(make(150, 0)).stream()
    for cell in (None, float("nan"), pd.NA, 1.0):
        assert np.isfinite(stream.update(rows_of(make(30, 1))[0] | {"a": cell}).score)


def test_times_may_be_text_as_in_json(fitted):
    X = interleaved(20, seed=1)
    rows = [row | {"time": row["time"].isoformat()} for row in rows_of(X)]
    same([fitted.stream().update(rows[0]).score], fitted.score_samples(X[:1]))
    same(scores_of(fitted.stream(), pd.DataFrame(rows)), fitted.score_samples(X))


def test_equal_times_follow_the_order_of_the_rows():
    X = readings(60)
    detector = windowed(time="time").fit(X)
    X.loc[30, "time"] = X.loc[29, "time"]
    with pytest.warns(UserWarning, match="time of the row before"):
        expected = detector.score_samples(X)
    same(scores_of(detector.stream(), X), expected)
