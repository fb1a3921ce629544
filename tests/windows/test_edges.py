"""Cases at the edges: constant columns, starts of series, groups of thresholds, extreme readings, other containers."""

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly import DenoisingAutoencoder
from aeanomaly.thresholds import Conformal
from aeanomaly.windows import WindowedDetector
from tests.windows.tables import interleaved, readings, same, waves


def windowed(**parameters):
    estimator = parameters.pop("estimator", DenoisingAutoencoder(max_iter=20, random_state=0))
    return WindowedDetector(estimator, **{"window": 12, "contamination": 0.05} | parameters)


def test_a_constant_column_is_as_usual_at_the_start_of_a_series():
    X = np.c_[waves(2000), np.full(2000, 5.0)]
    detector = windowed().fit(X[:1500])
    terms = detector.explain(X[1500:1520])
    assert terms["x2"].max() < 1
    X[1600:, 2] = 6.0
    assert (detector.predict(X[1500:])[100:] == -1).mean() > 0.9


def test_a_longer_stop_is_told_as_such():
    X = waves(600)
    detector = windowed(estimator=DenoisingAutoencoder(random_state=0)).fit(X[:500])
    X[550:, 0] = X[550, 0]
    assert "has not changed for at least 11 rows" in detector.explain_text(X)[590]


def test_the_stream_uses_the_offsets_of_groups():
    X = interleaved(200)
    X.loc[X["machine"] == "x", ["a", "b"]] *= 3
    rule = Conformal(0.1, groups="machine", calibration_fraction=0.3)
    detector = windowed(groups="machine", time="time", contamination=rule).fit(X)
    stream = detector.stream()
    decisions = [stream.update(row).decision for row in X[:90].to_dict("records")]
    same(decisions, detector.decision_function(X[:90]))
    assert len(set(detector.offsets(X))) > 1
    assert detector.estimator_.predict(detector.window_features(X)).shape == (600,)


def test_series_that_are_too_short_for_a_rule_are_refused():
    X = pd.DataFrame(waves(120), columns=["a", "b"]).assign(machine=np.arange(120) // 4)
    with pytest.raises(ValueError, match="needs the latest rows of each series, but the longest series has 4 rows"):
        windowed(groups="machine", window=2, contamination=Conformal(0.1, calibration_fraction=0.2)).fit(X)


def test_latest_rows_do_not_choose_the_window():
    X = np.cumsum(np.random.default_rng(0).normal(size=(800, 1)), axis=0)
    changed = X.copy()
    changed[640:] = np.random.default_rng(1).normal(size=(160, 1))
    fits = [windowed(window="auto", contamination=Conformal(0.1)).fit(rows) for rows in (X, changed)]
    assert fits[0].window_ == fits[1].window_
    same(fits[0].score_samples(X), fits[1].score_samples(X))


def test_declared_categories_are_no_readings():
    X = readings(300).assign(code=np.arange(300) % 3)
    estimator = DenoisingAutoencoder(max_iter=5, random_state=0, column_types={"code": "categorical"})
    detector = windowed(estimator=estimator, time="time").fit(X)
    assert [name for name in detector.window_features(X) if "code" in name] == ["code"]
    assert detector.estimator_.column_types == {"code": "categorical"}


def test_two_columns_tell_series_apart_whatever_their_cells():
    X = pd.DataFrame(waves(200), columns=["a", "b"])
    X["site"], X["unit"] = np.where(np.arange(200) < 100, "A, B", "A"), np.where(np.arange(200) < 100, "C", "B, C")
    detector = windowed(groups=["site", "unit"]).fit(X)
    alone = detector.score_samples(X[100:])
    same(detector.score_samples(X)[100:], alone)


@pytest.mark.parametrize(
    "as_table", [lambda X: X.to_dict("list"), lambda X: X.to_dict("records")], ids=["dict", "rows"]
)
@pytest.mark.parametrize("window", [1, 12])
def test_dicts_are_tables(as_table, window):
    X = readings(200)[["a", "b"]]
    detector = windowed(window=window).fit(X)
    same(detector.score_samples(as_table(X)), detector.score_samples(X))
    same(detector.decision_function(as_table(X)), detector.decision_function(X))
    assert list(detector.explain_text(as_table(X))) == list(detector.explain_text(X))


def test_a_reader_that_can_be_read_once_is_explained():
    pa = pytest.importorskip("pyarrow")
    X = readings(200)[["a", "b"]]
    detector = windowed().fit(X)
    assert len(detector.explain(pa.Table.from_pandas(X).to_reader())) == 200
    assert len(detector.window_features(pa.Table.from_pandas(X).to_reader())) == 200


def test_columns_with_numbers_as_names_are_saved(tmp_path):
    X = pd.DataFrame(np.c_[np.arange(300), waves(300)], columns=[5, 6, 7])
    detector = windowed(time=5, max_gap=pd.Timedelta("5s").total_seconds()).fit(X)
    detector.save(tmp_path / "model.aea")
    same(aeanomaly.load(tmp_path / "model.aea").score_samples(X), detector.score_samples(X))


def test_a_duration_is_saved(tmp_path):
    X = readings(300)
    detector = windowed(time="time", max_gap=pd.Timedelta("5min")).fit(X)
    detector.save(tmp_path / "model.aea")
    loaded = aeanomaly.load(tmp_path / "model.aea")
    same(loaded.fit(X).score_samples(X), detector.score_samples(X))


def test_extreme_readings_have_finite_scores():
    X = waves(300)
    X[200] = [1.7e308, -1.7e308]
    assert np.isfinite(windowed().fit(X[:150]).score_samples(X)).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"stride": 10_000}, "stride=10000 leaves 1 window of 300 training rows"),
        ({"groups": 1.5}, "groups must be None, a column or a list of columns"),
        ({"time": ["time"]}, "time must be None, or a column"),
        ({"time": 0, "max_gap": "10min"}, "max_gap='10min' is a duration, but column 0 holds numbers"),
    ],
)
def test_invalid_parameters_are_refused_in_one_sentence(parameters, message):
    with pytest.raises(ValueError, match=message):
        windowed(**parameters).fit(np.c_[np.arange(300), waves(300)])


def test_many_groups_do_not_warn():
    X = pd.DataFrame(waves(1500), columns=["a", "b"]).assign(machine=[f"m{n // 5}" for n in range(1500)])
    assert np.isfinite(windowed(groups="machine", window=3).fit(X).score_samples(X)).all()


def test_a_missing_group_is_one_series():
    estimator = DenoisingAutoencoder(missing="model", max_iter=5, random_state=0)
    X = interleaved(100).drop(columns="time")
    X.loc[X["machine"] == "z", "machine"] = None
    detector = windowed(groups="machine", estimator=estimator).fit(X)
    stream = detector.stream()
    same([stream.update(row).score for row in X.to_dict("records")], detector.score_samples(X))
    assert len(stream.state()["series"]) == 3
