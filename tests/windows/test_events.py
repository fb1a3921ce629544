"""Events: runs of flagged rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest

from aeanomaly.windows.events import runs_of
from tests.windows.tables import interleaved, is_a_sentence, readings, same, small, waves, windowed

#: Rows with a fault, and its size.
FAULTS = {100: 10, 101: 20, 102: 60, 103: 20, 104: 10, 106: 10, 110: 10, 200: 30, 201: 25}


def noise(n=400):
    return np.random.default_rng(0).normal(size=(n, 2))


def planted():
    X = noise().clip(-1.5, 1.5) / 2
    for row, size in FAULTS.items():
        X[row, 1] = size
    return X


@pytest.fixture(scope="module")
def fitted():
    """Return a detector that flags single rows far from the others."""
    detector = windowed(window=1, estimator=small(max_iter=30)).fit(noise())
    assert set(np.flatnonzero(detector.predict(planted()) == -1)) == set(FAULTS)
    return detector


def spans(events):
    return list(zip(events["first"], events["last"], strict=True))


def test_two_faults_are_two_events(fitted):
    events = fitted.events(planted(), cooldown=3)
    assert spans(events) == [(100, 110), (200, 201)]
    assert list(events["worst"]) == [102, 200]
    assert list(events["n_rows"]) == [11, 2]
    assert [columns.split(", ")[0] for columns in events["columns"]] == ["x1", "x1"]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, [(100, 104), (106, 106), (110, 110), (200, 201)]),
        ({"cooldown": 1}, [(100, 106), (110, 110), (200, 201)]),
        ({"cooldown": 2}, [(100, 106), (110, 110), (200, 201)]),
        ({"cooldown": 3}, [(100, 110), (200, 201)]),
        ({"cooldown": 88}, [(100, 110), (200, 201)]),
        ({"cooldown": 89}, [(100, 201)]),
        ({"min_length": 2}, [(100, 104), (200, 201)]),
        ({"min_length": 6}, []),
        ({"min_length": 6, "cooldown": 1}, [(100, 106)]),
        ({"min_length": 7, "cooldown": 1}, []),
    ],
    ids=repr,
)
def test_short_runs_are_left_out_and_near_ones_joined(fitted, how, expected):
    assert spans(fitted.events(planted(), **how)) == expected


def test_severity_is_relative_to_the_threshold(fitted):
    X = planted()
    scores, middle = fitted.score_samples(X), np.median(fitted.training_scores_)
    events = fitted.events(X)
    expected = [(middle - scores[a : b + 1].min()) / (middle - fitted.offset_) for a, b in spans(events)]
    np.testing.assert_allclose(events["severity"], expected)
    assert (events["severity"] > 1).all()


def test_severity_increases_with_the_fault_and_is_one_at_the_threshold(fitted):
    found = []
    for size in (8, 10, 15, 30, 100):
        X = planted()
        X[list(FAULTS), 1] = 0
        X[50, 1] = size
        found += list(fitted.events(X)["severity"])
    assert len(found) == 5
    assert (np.diff(found) > 0).all()
    score = fitted.score_samples(planted())[200]
    scores = fitted.training_scores_
    detector = windowed(window=1, estimator=small(max_iter=30)).fit(noise())
    detector.set_threshold(_JustAbove(score))
    (severity,) = detector.events(planted()[200:201])["severity"]
    assert severity == pytest.approx(1)
    same(detector.training_scores_, scores)


class _JustAbove:
    """Threshold just above a score."""

    def __init__(self, score):
        self.score = score

    def fit(self, scores):
        return np.nextafter(self.score, 0)


def test_no_flagged_row_is_no_event(fitted):
    some, none = fitted.events(planted()), fitted.events(planted()[:50])
    assert len(none) == 0
    assert list(none.columns) == list(some.columns)
    assert list(some.columns) == ["first", "last", "worst", "n_rows", "severity", "columns", "explanation"]


def test_times_or_the_index_name_the_rows():
    X, train = pd.DataFrame(planted(), columns=["a", "b"]), pd.DataFrame(noise(), columns=["a", "b"])
    times = pd.date_range("2026-01-01", periods=400, freq="min", tz="UTC")
    timed = windowed(window=1, time="time").fit(train.assign(time=times))
    events = timed.events(X.assign(time=times).set_index(np.arange(400)[::-1]), cooldown=3)
    assert spans(events) == [(times[100], times[110]), (times[200], times[201])]
    assert list(events["worst"]) == [times[102], times[200]]
    indexed = windowed(window=1).fit(train)
    assert spans(indexed.events(X.set_index(times), cooldown=3)) == spans(events)
    named = X.set_index("row " + pd.RangeIndex(400).astype(str))
    assert spans(indexed.events(named, cooldown=3)) == [("row 100", "row 110"), ("row 200", "row 201")]


def test_events_of_groups_do_not_mix():
    X = interleaved()
    detector = windowed(time="time", groups="machine", window=1).fit(X)
    quiet = X.assign(a=0.0, b=0.0)
    quiet.loc[(X["machine"] == "y") & X.index.isin(range(300, 330)), "a"] = 50
    quiet.loc[(X["machine"] == "z") & X.index.isin(range(315, 345)), "a"] = 50
    quiet.loc[(X["machine"] == "y") & X.index.isin(range(600, 603)), "a"] = 50
    events = detector.events(quiet)
    assert list(events["machine"]) == ["y", "y", "z"]
    assert list(events["n_rows"]) == [10, 1, 10]
    assert list(events["first"]) == [X["time"][300], X["time"][600], X["time"][315]]
    assert events.shape[1] == 8


def test_events_end_at_a_gap():
    X = readings()
    detector = windowed(time="time", window=2).fit(X)
    faulty = X.assign(a=0.0, b=0.0)
    faulty.loc[100:109, "a"] = np.arange(10) * 50 + 100
    assert len(detector.events(faulty, cooldown=5)) == 1
    faulty.loc[105:, "time"] += pd.Timedelta("1D")
    assert len(detector.events(faulty, cooldown=5)) == 2


def test_other_estimators_have_events_without_columns():
    detector = windowed(estimator=IsolationForest(n_estimators=5, random_state=0), window=1).fit(noise())
    events = detector.events(planted())
    assert len(events) > 0
    assert events["columns"].isna().all()


@pytest.mark.parametrize(
    "how", [{"min_length": 0}, {"min_length": 1.5}, {"cooldown": -1}, {"cooldown": None}], ids=repr
)
def test_invalid_parameters_are_refused(fitted, how):
    with pytest.raises(ValueError, match="must be an integer") as caught:
        fitted.events(planted(), **how)
    assert is_a_sentence(caught.value)


@pytest.mark.parametrize("seed", range(5))
def test_runs_are_those_of_a_naive_loop(seed):
    rng = np.random.default_rng(seed)
    flagged = rng.uniform(size=200) < 0.3
    starts = np.sort(np.append(0, rng.choice(np.arange(1, 200), 4, replace=False)))
    age = np.arange(200) - np.repeat(starts, np.diff(np.append(starts, 200)))
    for min_length in (1, 2, 4):
        for cooldown in (0, 1, 3):
            runs = []
            for k in np.flatnonzero(flagged):
                near = runs and k - runs[-1][-1] - 1 <= cooldown
                if near and age[k] >= k - runs[-1][-1]:
                    runs[-1].append(k)
                else:
                    runs.append([k])
            expected = [(run[0], run[-1]) for run in runs if len(run) >= min_length]
            assert list(map(tuple, runs_of(flagged, age, min_length, cooldown))) == expected


def test_events_are_runs_of_the_flagged_rows_of_windows():
    X = waves(seed=1)
    detector = windowed(contamination=0.2).fit(waves())
    events, flagged = detector.events(X), detector.predict(X) == -1
    assert events["n_rows"].sum() == flagged.sum()
    covered = np.concatenate([np.arange(a, b + 1) for a, b in spans(events)])
    same(covered, np.flatnonzero(flagged))
