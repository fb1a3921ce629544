"""Cells at the limits of floats, text and figures, and parts of a table without values in a column."""

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.inspection import ContributionsDisplay, ReconstructionDisplay, column_drift, report

DENORMAL = pd.DataFrame({"i": np.arange(40) * 1e-320, "j": range(40)})


def mixed(n=60):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "v": rng.normal(size=n),
            "s": pd.Series(rng.choice(["x", "y", "z"], size=n), dtype=object),
            "t": rng.choice(["p", "q"], size=n),
            "when": pd.date_range("2026-01-01", periods=n, freq="5h"),
            "took": pd.to_timedelta(rng.integers(1, 99, size=n), unit="s"),
            "size": pd.Categorical(rng.choice(["s", "m"], size=n), ["s", "m"], ordered=True),
        }
    )


@pytest.fixture
def fitted():
    return aeanomaly.DenoisingAutoencoder(missing="model", max_iter=8, random_state=0).fit(mixed())


def test_a_column_of_the_smallest_floats_is_reported_on():
    detector = aeanomaly.DenoisingAutoencoder(max_iter=8, random_state=0).fit(DENORMAL)
    drift = column_drift(detector, DENORMAL)["drift"]
    assert drift.between(0, 0.1).all()
    assert column_drift(detector, DENORMAL.assign(i=1e-310))["drift"]["i"] == 1
    assert "<h2" in report(detector, DENORMAL)


def test_drift_of_the_largest_floats_is_finite():
    rows = np.random.default_rng(0).choice([-1.7e308, 0.0, 1.7e308], size=(60, 2))
    detector = aeanomaly.DenoisingAutoencoder(max_iter=8, random_state=0).fit(rows)
    assert column_drift(detector, rows)["drift"].between(0, 0.1).all()


def test_text_columns_are_drawn(fitted):
    plt = pytest.importorskip("matplotlib.pyplot")
    display = ReconstructionDisplay.from_estimator(fitted, mixed(), columns=list(mixed()))
    assert len(display.ax_) == 6
    texts = mixed().assign(when=mixed()["when"].astype(str), took=mixed()["took"].astype(object))
    plt.close(ReconstructionDisplay.from_estimator(fitted, texts, columns=["s", "when", "took"]).figure_)
    plt.close(display.figure_)


class TestUnpairedSurrogates:
    @pytest.fixture
    def rows(self):
        cells = np.where(np.arange(60) % 3 == 0, "\udcff", "y")
        return pd.DataFrame({"a": np.sin(np.arange(60.0)), "s": pd.Series(cells, dtype=object)})

    def test_all_methods_and_files_accept_them(self, detector, rows, tmp_path):
        detector = detector(hidden_layer_sizes=()).fit(rows)
        assert len(detector.explain_text(rows)) == 60
        assert set(detector.reconstruct(rows)["s"].dropna()) <= {"\udcff", "y"}
        assert detector.explain(rows, details=True).shape[0] == 60
        report(detector, rows, tmp_path / "report.html")
        detector.save(tmp_path / "model.aea")
        again = aeanomaly.load(tmp_path / "model.aea")
        np.testing.assert_array_equal(again.score_samples(rows), detector.score_samples(rows))

    def test_pictures_show_them(self, detector, rows, tmp_path):
        plt = pytest.importorskip("matplotlib.pyplot")
        fitted = detector().fit(rows)
        for display in (ReconstructionDisplay, ContributionsDisplay):
            figure = display.from_estimator(fitted, rows).figure_
            figure.savefig(tmp_path / "figure.png")
            plt.close(figure)

    def test_onnx_refuses_them_by_name(self, detector, rows, tmp_path):
        to_onnx = pytest.importorskip("aeanomaly.onnx").to_onnx
        with pytest.raises(aeanomaly.exceptions.ExportError, match="column 's' has a category that is not valid"):
            to_onnx(detector().fit(rows), tmp_path / "model.onnx")


def test_a_column_called_kl_stays_apart_from_the_term(variational):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=["kl", "kl_term", "b"])
    fitted = variational().fit(X)
    explained = fitted.explain(X)
    assert list(explained) == ["kl", "kl_term", "b", "kl_term_term"]
    np.testing.assert_allclose(explained.sum(axis=1), -fitted.score_samples(X), rtol=1e-6)
    assert list(fitted.explain(X, details=True)["contribution"]) == list(explained)
    assert list(variational().fit(X.set_axis(list("abc"), axis=1)).explain(X.set_axis(list("abc"), axis=1)))[-1] == "kl"


@pytest.mark.parametrize("column", list(mixed()))
def test_a_column_without_values_in_a_part_of_a_table_is_missing_in_it(column):
    rows = mixed()
    partly = rows.assign(**{column: rows[column].where(np.arange(60) >= 20)})

    def fit(parts):
        return aeanomaly.DenoisingAutoencoder(missing="model", max_iter=2, random_state=0).fit_batches(parts)

    expected = fit([partly]).score_samples(rows)
    for dtype in ("float64", "object", "str", "datetime64[us]"):
        empty = pd.Series([None] * 20, dtype=dtype)
        parts = [rows[:20].assign(**{column: empty}), rows[20:40], rows[40:]]
        fitted = fit(parts)
        np.testing.assert_array_equal(fitted.score_samples(rows), expected, dtype)
        np.testing.assert_array_equal(np.concatenate(list(fitted.score_batches(parts))), fitted.score_samples(partly))
