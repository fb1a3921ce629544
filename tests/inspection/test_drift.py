"""Distances of columns from those of training."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aeanomaly import DenoisingAutoencoder, VariationalAutoencoder
from aeanomaly.inspection import column_drift
from aeanomaly.inspection.drift import drift_to_text


def table(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "normal": rng.normal(size=n),
            "skewed": rng.lognormal(sigma=2, size=n),
            "counts": rng.poisson(1.0, size=n),
            "flag": rng.random(n) < 0.2,
            "huge": 1e9 + rng.normal(size=n),
            "constant": 5.0,
            "level": rng.choice(["a", "b", "c"], p=[0.6, 0.3, 0.1], size=n),
            "order": pd.Categorical.from_codes(rng.integers(0, 3, n), ["low", "mid", "high"], ordered=True),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 90, n), "D"),
            "long": pd.to_timedelta(rng.exponential(3600, n), "s"),
        }
    )


@pytest.fixture(scope="module")
def trained():
    X = table()
    X.loc[::4, ["normal", "level"]] = None
    return DenoisingAutoencoder(missing="model", max_iter=10, random_state=0).fit(X), X


def test_the_training_rows_have_not_drifted(trained):
    detector, X = trained
    drift = column_drift(detector, X)
    assert list(drift.index) == list(X.columns)
    assert list(drift.columns) == [
        "kind", "drift", "missing_in_training", "missing", "outside", "median_in_training", "median",
        "part", "new_categories",
    ]  # fmt: skip
    assert (drift["drift"] < 0.02).all()
    assert (drift["outside"] == 0).all()
    np.testing.assert_allclose(drift["missing"], drift["missing_in_training"])
    assert drift["missing"]["level"] == 0.25
    assert dict(drift["kind"][["flag", "level", "order", "when", "long"]]) == {
        "flag": "numeric", "level": "categorical", "order": "ordinal", "when": "datetime", "long": "duration",
    }  # fmt: skip


def test_other_rows_of_the_same_kind_have_drifted_by_chance_alone(trained):
    new = table(400, seed=1)
    assert (column_drift(trained[0], new)["drift"] < 1.8 * np.sqrt(1 / 400 + 1 / 1500) + 0.02).all()


def test_distances_are_those_of_kolmogorov_and_smirnov(trained):
    detector, X = trained
    new = table(300, seed=2)
    new["normal"] += 0.7
    new["skewed"] *= 3
    new["counts"] += np.arange(300) % 2
    new["flag"] = ~new["flag"]
    new["huge"] += 1
    drift = column_drift(detector, new)["drift"]
    for name in ("normal", "skewed", "counts", "flag", "huge"):
        before, here = X[name].dropna().to_numpy(float), new[name].to_numpy(float)
        assert drift[name] == pytest.approx(ks_2samp(before, here).statistic, abs=0.02), name


def test_distances_of_categories_are_half_the_difference_of_shares(trained):
    detector, X = trained
    before = X["level"].value_counts(normalize=True)
    new = table(100, seed=3).assign(level=["a"] * 50 + ["x"] * 30 + ["y"] * 10 + [None] * 10)
    found = column_drift(detector, new).loc["level"]
    expected = 0.5 * (abs(50 / 90 - before["a"]) + before["b"] + before["c"] + 40 / 90)
    assert found["drift"] == pytest.approx(expected)
    assert found["outside"] == pytest.approx(40 / 90)
    assert found["missing"] == pytest.approx(0.1)


def test_nothing_in_common_is_1_and_all_of_it_is_outside(trained):
    new = table(50, seed=4)
    new = new.assign(
        normal=99.0, skewed=-1.0, counts=-3, flag=2.0, huge=2e9, constant=5.5, level="z", order="none of them",
        when=new["when"] + pd.Timedelta(days=40_000), long=pd.Timedelta(days=99),
    )  # fmt: skip
    drift = column_drift(trained[0], new)
    np.testing.assert_allclose(drift["drift"].astype(float), 1.0)
    assert (drift["outside"] == 1).all()


def test_times_drift_by_their_hours_weekdays_and_months_and_not_by_their_progress():
    rng = np.random.default_rng(0)
    weekdays = 7 * rng.integers(0, 150, 1200) + rng.integers(0, 5, 1200)
    when = pd.Timestamp("2021-01-04") + pd.to_timedelta(weekdays, "D") + pd.to_timedelta(rng.uniform(9, 17, 1200), "h")
    X = pd.DataFrame({"when": when, "amount": rng.normal(size=1200)})
    detector = DenoisingAutoencoder(max_iter=5, random_state=0).fit(X)

    def found(days=0, hours=0, rows=X):
        moved = rows.assign(when=rows["when"] + pd.Timedelta(days=days, hours=hours))
        return column_drift(detector, moved).loc["when"]

    assert found()["drift"] < 0.01
    later = found(days=7 * 208)  # almost four years
    assert later["drift"] < 0.1
    assert later["outside"] == 0
    assert found(days=7 * 160, rows=X[X["when"] < "2021-03-01"])["drift"] < 0.2  # a part of the year
    assert found(hours=11)["part"] == "hour"
    assert found(hours=11)["drift"] > 0.5
    assert found(days=3, rows=X[X["when"] < "2021-01-30"])["part"] == "weekday"
    assert found(rows=X[X["when"].dt.month <= 6])["part"] == "month"
    text = drift_to_text(column_drift(detector, X.assign(when=X["when"] + pd.Timedelta(hours=11))))
    assert text.startswith("when: its hours are distributed otherwise than in training; drift 0.")


def test_new_categories_are_named(trained):
    new = table(100, seed=3).assign(level=["a"] * 50 + ["y"] * 10 + ["x"] * 30 + [None] * 10)
    drift = column_drift(trained[0], new)
    assert drift["new_categories"]["level"] == ["x", "y"]
    assert drift["new_categories"]["normal"] == []
    assert "44% of the values are not in the training rows, such as 'x', 'y'; 10% of the rows" in drift_to_text(drift)


def test_a_column_without_values_has_no_drift_to_speak_of(trained):
    new = table(5, seed=5).assign(normal=np.nan, level=None)
    found = column_drift(trained[0], new).loc[["normal", "level"]]
    assert found[["drift", "outside"]].isna().all(axis=None)
    assert (found["missing"] == 1).all()


def test_more_shift_is_more_drift(trained):
    new = table(300, seed=6)
    drifts = [column_drift(trained[0], new.assign(normal=new["normal"] + s))["drift"]["normal"] for s in (0, 0.5, 1, 3)]
    assert drifts == sorted(drifts)
    assert drifts[-1] > 0.8


def test_arrays_pipelines_and_files(tmp_path):
    X = np.random.default_rng(0).normal(size=(200, 3))
    detector = VariationalAutoencoder(max_iter=10, random_state=0)
    pipeline = make_pipeline(StandardScaler(), detector).fit(X)
    assert list(column_drift(pipeline, X + 100).index) == ["x0", "x1", "x2"]
    assert (column_drift(pipeline, X + 100)["drift"] == 1).all()
    detector = DenoisingAutoencoder(max_iter=10, random_state=0).fit(X)
    detector.save(tmp_path / "model.aea")
    from aeanomaly import load

    pd.testing.assert_frame_equal(column_drift(load(tmp_path / "model.aea"), X), column_drift(detector, X))


def test_incomparable_estimators_are_refused(trained):
    with pytest.raises(ValueError, match="n_samples=0"):
        column_drift(trained[0], table(5).iloc[:0])
    with pytest.raises(TypeError, match="column_drift needs a detector of this package"):
        column_drift(StandardScaler().fit([[1.0], [2.0]]), [[1.0]])
    with pytest.raises(ValueError, match="not fitted"):
        column_drift(DenoisingAutoencoder(), [[1.0]])


def test_medians_of_numbers(trained):
    detector, X = trained
    new = table(101, seed=7).assign(huge=lambda rows: rows["huge"] * 3)
    drift = column_drift(detector, new)
    for name in ("normal", "skewed", "counts", "huge", "constant"):
        assert drift["median"][name] == np.median(new[name])
        assert drift["median_in_training"][name] == pytest.approx(X[name].median(), abs=0.06 * X[name].std())
    assert drift.loc[["level", "order", "when", "long"], ["median", "median_in_training"]].isna().all(axis=None)
    assert np.isnan(column_drift(detector, new.assign(normal=np.nan))["median"]["normal"])


class TestText:
    def test_numbers_categories_and_missing_values(self, trained):
        new = table(100, seed=8)
        new = new.assign(huge=new["huge"] * 2.5, normal=new["normal"] - 2, level=["z"] * 60 + ["a"] * 40)
        new.loc[:49, "counts"] = np.nan
        lines = drift_to_text(column_drift(trained[0], new)).splitlines()
        text = dict(line.split(": ", 1) for line in lines)
        assert next(iter(text)) == "huge"
        assert text["huge"] == (
            "100% of the values lie outside the training range; its median is 2.5 times that of training; drift 1.00"
        )
        assert text["level"].startswith("60% of the values are not in the training rows, such as 'z'; ")
        assert "0% of the rows have a missing value, and 25% in training" in text["level"]
        assert "its median is -2.068, and -0.0" in text["normal"]
        assert " in training; " in text["normal"]
        assert text["counts"].startswith("50% of the rows have a missing value, and 0% in training")
        assert "constant" not in text

    def test_no_drift(self, trained):
        detector, X = trained
        text = drift_to_text(column_drift(detector, X))
        assert text.startswith("No column differs clearly from the training rows; the largest drift is 0.0")

    def test_the_number_of_lines(self, trained):
        drift = column_drift(trained[0], table(50, seed=4).assign(normal=99.0, skewed=-1.0, counts=-3, huge=2e9))
        *lines, last = drift_to_text(drift, n_columns=2).splitlines()
        assert len(lines) == 2
        assert last.startswith("and ")
        assert last.endswith(" more columns")
        with pytest.raises(ValueError, match="drift_to_text: n_columns must be an integer of at least 1; got 0"):
            drift_to_text(drift, n_columns=0)

    def test_columns_without_values_or_effect_and_hostile_names(self, trained):
        drift = column_drift(trained[0], table(50, seed=5).assign(normal=np.nan))
        assert drift_to_text(drift).startswith("normal: 100% of the rows have a missing value, and 25% in training")
        ignored = drift.assign(kind="ignored", missing=1.0)
        assert drift_to_text(ignored).startswith("No column differs")
        renamed = drift.set_axis(["\x1b[31mred\n" + "x" * 200, *drift.index[1:]], axis=0)
        line = drift_to_text(renamed).splitlines()[0]
        assert "\x1b" not in line
        assert len(line) < 160
