"""Columns that are left out of the score or named in a warning because of their cells."""

import warnings

import numpy as np
import pandas as pd
import pytest

from aeanomaly import DenoisingAutoencoder

N = 300
rng = np.random.default_rng(0)


def table(**columns):
    plain = pd.DataFrame({"a": rng.normal(size=N), "b": rng.normal(size=N)})
    return plain.assign(**{name: pd.Series(list(cells)) for name, cells in columns.items()})


def fit(frame, **parameters):
    """Return a detector and the texts of its warnings."""
    detector = DenoisingAutoencoder(max_iter=5, missing="model", contamination=0.1, random_state=0, **parameters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        detector.fit(frame)
    return detector, [str(warning.message) for warning in caught]


def remarks(n_missing=60, n_words=5):
    words = ["valve", "pump", "motor", "was", "is", "replaced", "checked", "today", "again", "slowly"]
    cells = [" ".join(rng.choice(words, n_words)) + f" {row // 2}" for row in range(N)]
    return [None if row < n_missing else cell for row, cell in enumerate(cells)]


def test_free_text_is_left_out_with_a_warning_that_names_the_remedy():
    frame = table(note=remarks())
    detector, told = fit(frame)
    assert told == [
        "column 'note' holds free text and is left out of the score; drop it, encode the text as numbers, or set "
        "column_types={'note': 'categorical'} to score categories"
    ]
    assert detector.schema_.kinds == ["gaussian", "gaussian", "ignored"]
    np.testing.assert_array_equal(
        detector.score_samples(frame), fit(frame[["a", "b"]])[0].score_samples(frame[["a", "b"]])
    )


@pytest.mark.parametrize(
    ("frame", "parameters"),
    [
        (table(note=remarks()), {"column_types": {"note": "categorical"}}),
        (table(note=remarks()), {"identifiers": "keep"}),
        (table(note=[f"{cell}" for cell in rng.choice(["very good", "not so good at all", "bad"], N)]), {}),
        (table(note=[f"city {row // 2}" for row in range(N)]), {}),
    ],
    ids=["declared", "kept", "repeated", "two words"],
)
def test_other_text_is_scored(frame, parameters):
    assert fit(frame, **parameters)[0].schema_.kinds[2] == "categorical"


@pytest.mark.parametrize(("mark", "low", "high"), [(-999, 0, 2000), (9999, 0, 100), (-9999, -50, 50), (-99, 10, 60)])
def test_marks_of_missing_values_among_numbers_are_named(mark, low, high):
    values = rng.uniform(low, high, N).round(1)
    values[::25] = mark
    _, told = fit(table(x=values))
    assert told == [
        f"column 'x' holds {mark} in 12 rows, outside the range of its other values; if {mark} marks missing cells, "
        f"replace it with NaN, or set na_values=['{mark}'] in aeanomaly.read_table"
    ]


@pytest.mark.parametrize(
    "values",
    [
        np.where(np.arange(N) == 7, -999, rng.uniform(0, 10, N)),
        np.where(np.arange(N) % 25 == 0, 999, rng.uniform(0, 5000, N)),
        np.where(np.arange(N) % 25 == 0, -1, rng.uniform(0, 10, N)),
        np.where(np.arange(N) % 2 == 0, 0, 999),
    ],
    ids=["once", "among others", "minus one", "two values"],
)
def test_other_numbers_are_not(values):
    assert fit(table(x=values))[1] == []


class TestFilling:
    """``X.fillna(detector.reconstruct(X))`` raises nothing and leaves no missing cell."""

    FRAME = table(
        integer=pd.array(rng.integers(0, 9, N), dtype="Int64"),
        flag=pd.array(rng.random(N) < 0.5, dtype="boolean"),
        kind=pd.Categorical(rng.choice(list("abc"), N)),
        size=pd.Categorical(rng.choice(["s", "m", "l"], N), ["s", "m", "l"], ordered=True),
        when=pd.date_range("2024-01-01", periods=N, freq="7h"),
        zoned=pd.date_range("2024-01-01", periods=N, freq="7h", tz="Europe/Berlin"),
        many=pd.array([f"k{i}" for i in rng.integers(0, 250, N)], dtype="string"),
        took=pd.to_timedelta(rng.integers(0, 999, N), unit="min"),
        day=pd.period_range("2020-01", periods=N, freq="D"),
        narrow=pd.array(rng.normal(size=N), dtype="Float32"),
        note=remarks(n_missing=0),
    )

    @pytest.fixture
    def incomplete(self):
        types = {"integer": "Int64", "flag": "boolean", "many": "string", "narrow": "Float32"}
        frame = self.FRAME.astype(types)
        for name in frame.columns:
            frame.loc[rng.random(N) < 0.1, name] = None
        return frame

    def test_of_all_dtypes(self, incomplete):
        rows = fit(incomplete)[0].reconstruct(incomplete)
        filled = incomplete.fillna(rows)
        assert not filled.isna().any(axis=None)
        pd.testing.assert_series_equal(filled.dtypes, incomplete.dtypes)
        there = incomplete.notna()
        assert (filled.astype(object)[there] == incomplete.astype(object)[there]).sum().sum() == there.sum().sum()

    def test_of_numbers(self):
        frame = table(c=rng.normal(size=N)).mask(rng.random((N, 3)) < 0.1)
        rows = fit(frame)[0].reconstruct(frame)
        assert isinstance(rows, pd.DataFrame)
        assert rows.index.equals(frame.index)
        assert not frame.fillna(rows).isna().any(axis=None)
        of_array = fit(frame.to_numpy())[0].reconstruct(frame.to_numpy())
        np.testing.assert_array_equal(of_array, rows)
