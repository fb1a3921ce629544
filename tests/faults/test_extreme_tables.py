"""Tables at the ends of what dtypes hold: largest floats, last dates, longest durations, odd missing cells."""

import io

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.inspection import ContributionsDisplay, ReconstructionDisplay, column_drift, report

RNG = np.random.default_rng(0)
QUICK = {"max_iter": 5, "random_state": 0}


def largest_floats():
    return pd.DataFrame({"a": [1.79e308, -1.79e308, 0.0] * 20, "b": np.tile(range(30), 2)})


def last_dates():
    dates = pd.Series(pd.date_range("2020-01-01", periods=200)).astype("datetime64[us]")
    dates[RNG.random(200) < 0.3] = pd.Timestamp("9999-12-31").as_unit("us")
    return pd.DataFrame({"valid_to": dates, "a": RNG.normal(size=200)})


def longest_durations():
    spans = pd.Series(pd.to_timedelta(RNG.integers(1, 99, 100), unit="s")).astype("timedelta64[ns]")
    spans[::5] = pd.Timedelta.max
    return pd.DataFrame({"took": spans, "a": RNG.normal(size=100)})


def durations_of_centuries():
    spans = np.array([10**11, 5, 7, 9] * 25, dtype="timedelta64[s]")
    return pd.DataFrame({"took": spans, "a": RNG.normal(size=100)})


def names_with_a_surrogate():
    names = pd.Index(["price\ud800", "weight", "\udfff"], dtype=object)
    return pd.DataFrame(RNG.normal(size=(60, 3)), columns=names)


TABLES = {
    f.__name__: f
    for f in (largest_floats, last_dates, longest_durations, durations_of_centuries, names_with_a_surrogate)
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("cls", [aeanomaly.DenoisingAutoencoder, aeanomaly.VariationalAutoencoder])
def test_every_answer_is_given_and_survives_a_file(name, cls, tmp_path):
    plt = pytest.importorskip("matplotlib.pyplot")
    X = TABLES[name]()
    detector = cls(**QUICK).fit(X)
    assert np.isfinite(detector.score_samples(X)).all()
    assert len(detector.explain_text(X)) == len(X)
    assert "<h2" in report(detector, X)
    assert column_drift(detector, X)["drift"].between(0, 0.1).all()
    for rows in (detector.reconstruct(X), detector.inverse_transform(detector.transform(X))):
        assert np.shape(rows) == X.shape
    for display in (ReconstructionDisplay, ContributionsDisplay):
        figure = display.from_estimator(detector, X).figure_
        figure.savefig(tmp_path / "figure.png")
        plt.close(figure)
    detector.save(tmp_path / "model.aea")
    again = aeanomaly.load(tmp_path / "model.aea")
    np.testing.assert_array_equal(again.score_samples(X), detector.score_samples(X))


def test_a_category_of_hundreds_of_digits_is_explained():
    X = pd.DataFrame({"c": pd.Series([10**400, 1, 2, 1] * 25, dtype=object), "a": RNG.normal(size=100)})
    detector = aeanomaly.DenoisingAutoencoder(column_types={"c": "categorical"}, **QUICK).fit(X)
    assert len(detector.explain_text(X)) == 100


class TestMissingCells:
    @pytest.fixture
    def fitted(self):
        X = pd.DataFrame({"v": np.arange(40.0), "s": ["a", "b"] * 20})
        return aeanomaly.DenoisingAutoencoder(missing="model", **QUICK).fit(X)

    def test_of_the_null_type_of_arrow(self, fitted):
        pytest.importorskip("pyarrow")
        record = pd.read_csv(io.StringIO("v,s\n3.0,\n"), dtype_backend="pyarrow")
        expected = fitted.score_samples(pd.DataFrame({"v": [3.0], "s": [None]}))
        np.testing.assert_array_equal(fitted.score_samples(record), expected)

    @pytest.mark.parametrize("dtype", ["period[D]", "complex128", "interval[float64]"])
    def test_of_types_that_no_column_has(self, fitted, dtype):
        empty = pd.Series([None], dtype=dtype)
        assert empty.isna().all()
        expected = fitted.score_samples(pd.DataFrame({"v": [3.0], "s": [None]}))
        np.testing.assert_array_equal(fitted.score_samples(pd.DataFrame({"v": [3.0], "s": empty})), expected)

    @pytest.mark.parametrize("cell", [pd.NA, pd.NaT, None], ids=repr)
    def test_of_lists_and_arrays(self, cell):
        X = RNG.normal(size=(50, 2))
        fitted = aeanomaly.DenoisingAutoencoder(missing="model", **QUICK).fit(X)
        expected = fitted.score_samples([[3.0, np.nan]])
        for rows in ([[3.0, cell]], np.array([[3.0, cell]], dtype=object)):
            np.testing.assert_array_equal(fitted.score_samples(rows), expected)

    def test_of_the_first_block_of_a_file(self, tmp_path, monkeypatch):
        pytest.importorskip("pyarrow")
        monkeypatch.setattr("aeanomaly.reading.delimited.PART_ROWS", 50)
        lines = [f"{i % 7}.5,,\n" for i in range(400)] + [f"{i % 7}.5,x,2.5\n" for i in range(100)]
        (tmp_path / "late.csv").write_text("v,s,w\n" + "".join(lines))
        frame = pd.read_csv(tmp_path / "late.csv")
        detector = aeanomaly.DenoisingAutoencoder(missing="model", **QUICK)
        streamed = detector.fit_batches(tmp_path / "late.csv").score_samples(frame)
        np.testing.assert_array_equal(streamed, detector.fit_batches(frame).score_samples(frame))
        parts = list(detector.score_batches(tmp_path / "late.csv"))
        np.testing.assert_array_equal(np.concatenate(parts), streamed)


class TestSubclassesOfUsers:
    """A method that a user overrides is not replaced by the package's own."""

    def test_of_a_base_class_and_of_a_mixin(self):
        class Zero(aeanomaly.DenoisingAutoencoder):
            def score_samples(self, X):
                return np.zeros(len(X))

        class Derived(Zero):
            pass

        class Seven:
            def score_samples(self, X):
                return np.full(len(X), 7.0)

        class Mixed(Seven, aeanomaly.DenoisingAutoencoder):
            pass

        X = RNG.normal(size=(20, 2))
        assert (Derived(**QUICK).fit(X).score_samples(X) == 0).all()
        assert (Mixed(**QUICK).fit(X).score_samples(X) == 7).all()
