"""Validation of tables and their conversion to numbers, tested once, without a detector.

`tests/detectors/test_validation.py` tests that every method of every detector validates its rows.
"""

import re
import time
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator

from aeanomaly.preprocessing import InferenceOptions, check_table

NAMES = ["flow", "pressure", "level", "torque", "speed"]
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.Table.from_pandas}


class Reader(BaseEstimator):
    """Estimator that validates its rows, as detectors do, and nothing more."""

    def __init__(self, allow_nan=False):
        self.allow_nan = allow_nan

    def fit(self, X):
        self.numbers_, self.columns_ = check_table(self, X, allow_nan=self.allow_nan, least_rows=2)
        return self

    def read(self, X):
        return check_table(self, X, columns=self.columns_, allow_nan=self.allow_nan)[0]


def both_calls(known):
    """Return the validation of training rows and of later rows."""
    return Reader().fit, Reader().fit(known).read


@pytest.fixture
def X():  # noqa: N802
    return np.random.default_rng(0).normal(size=(120, 5)) + np.arange(5.0)


def named(X, names=NAMES):
    return pd.DataFrame(np.asarray(X), columns=names)


def with_value(X, value, *places):
    rows = X.copy()
    for place in places:
        rows[place] = value
    return rows


def message_of(call, rows, error=ValueError):
    with pytest.raises(error) as raised:
        call(rows)
    return str(raised.value)


def assert_same_numbers(rows, expected):
    """Check that a table is read as these numbers, with the same column types, in training and later."""
    fitted, plain = Reader().fit(rows), Reader().fit(expected)
    assert [column.kind for column in fitted.columns_] == [column.kind for column in plain.columns_]
    for numbers in (fitted.numbers_, fitted.read(rows)):
        np.testing.assert_array_equal(np.asarray(numbers, dtype=float), np.asarray(expected, dtype=float))


# Duplicate column names


def test_duplicate_column_names_are_listed(X):
    rows = named(X, ["flow", "pressure", "flow", "torque", "pressure"])
    for call in both_calls(named(X)):
        message = message_of(call, rows)
        assert re.search(r"(?i)duplicate|unique|twice|more than once", message)
        assert "flow" in message
        assert "pressure" in message
        assert "torque" not in message


def test_duplicate_names_of_an_arrow_table_are_listed(X):
    rows = pa.table([pa.array(column) for column in X.T], names=["flow", "flow", "level", "torque", "speed"])
    with pytest.raises(ValueError, match="flow"):
        Reader().fit(rows)


# Columns that are reordered, missing, extra or renamed


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_reordered_columns_are_refused(X, make):
    fitted = Reader().fit(make(named(X)))
    with pytest.raises(ValueError, match=r"(?i)order|feature names"):
        fitted.read(make(named(X)[NAMES[::-1]]))


def test_missing_extra_and_renamed_columns_are_named(X):
    fitted = Reader().fit(named(X))
    with pytest.raises(ValueError, match="level"):
        fitted.read(named(X).drop(columns="level"))
    with pytest.raises(ValueError, match="humidity"):
        fitted.read(named(X).assign(humidity=1.0))
    with pytest.raises(ValueError, match="depth"):
        fitted.read(named(X).rename(columns={"level": "depth"}))


def test_the_remedy_for_other_columns_is_named(X):
    fitted = Reader().fit(named(X))
    remedy = r"Pass the columns of fit, X\[detector\.feature_names_in_\]"
    with pytest.raises(ValueError, match=rf"{remedy}, or X\.set_index\('order'\) if this column names the rows\.$"):
        fitted.read(named(X).assign(order=1))
    with pytest.raises(ValueError, match=rf"{remedy}\.$"):
        fitted.read(named(X).assign(order=1, humidity=1.0))
    with pytest.raises(ValueError, match=rf"{remedy}\.$"):
        fitted.read(named(X)[NAMES[::-1]])
    with pytest.raises(ValueError, match="missing") as raised:
        fitted.read(named(X).drop(columns="level"))
    assert "Pass" not in str(raised.value)


def test_a_wrong_number_of_columns_is_refused_with_both_numbers(X):
    fitted = Reader().fit(X)
    for rows in (X[:, :4], np.hstack([X, X[:, :2]])):
        with pytest.raises(ValueError, match=rf"\b{rows.shape[1]}\b.*\b5\b"):
            fitted.read(rows)


def test_names_mixed_with_numbers_are_a_type_error(X):
    for call in both_calls(named(X)):
        with pytest.raises(TypeError, match=r"(?i)string|str"):
            call(named(X, ["flow", 1, "level", 3, "speed"]))


def test_column_numbers_are_not_names(X):
    fitted = Reader().fit(named(X, [10, 20, 30, 40, 50]))
    assert not hasattr(fitted, "feature_names_in_")
    np.testing.assert_array_equal(fitted.read(X), X)


def test_names_that_appear_or_disappear_are_warned_of(X):
    with pytest.warns(UserWarning, match="feature names"):
        Reader().fit(named(X)).read(X)
    with pytest.warns(UserWarning, match="feature names"):
        Reader().fit(X).read(named(X))


def test_the_names_of_the_last_fit_count(X):
    other = [name.upper() for name in NAMES]
    fitted = Reader().fit(named(X)).fit(named(X, other))
    assert list(fitted.feature_names_in_) == other
    with pytest.raises(ValueError, match="flow"):
        fitted.read(named(X))


# Objects that are not a table, and empty tables


@pytest.mark.parametrize("bad", [[1.0, 2.0], 3.0, np.zeros((3, 5, 2)), "flow", None, {"a": 1}])
def test_objects_that_are_not_a_table_are_refused(X, bad):
    for call in both_calls(X):
        with pytest.raises((ValueError, TypeError)):
            call(bad)


@pytest.mark.parametrize("empty", [np.empty((0, 5)), np.empty((5, 0)), np.empty((0, 0)), [[]], [], pd.DataFrame()])
def test_an_empty_table_is_refused(X, empty):
    for call in both_calls(X):
        with pytest.raises(ValueError, match=r"\b0\b|(?i:empty)|\[\]"):
            call(empty)


def test_a_frame_without_rows_is_refused(X):
    for call in both_calls(named(X)):
        with pytest.raises(ValueError, match=r"\b0\b|(?i:no row|empty)"):
            call(named(X[:0]))


def test_one_row_is_too_few_where_two_are_needed(X):
    with pytest.raises(ValueError, match="n_samples=1"):
        Reader().fit(X[:1])
    assert Reader().fit(X[:2]).read(X[:1]).shape == (1, 5)


# Cells that are not numbers


def test_an_object_column_of_numbers_is_converted(X):
    assert_same_numbers(named(X).astype(object), X)
    assert_same_numbers(X.astype(object), X)
    kinds = [1, 2.5, True, np.float32(0.5), np.int8(-3)]
    column = [kinds[i % len(kinds)] for i in range(len(X))]
    rows, plain = named(X), named(X)
    rows["level"] = pd.Series(column, dtype=object)
    plain["level"] = [float(value) for value in column]
    assert_same_numbers(rows, plain)


@pytest.mark.parametrize("dtype", [object, "str", "string", "string[pyarrow]"])
def test_text_in_a_numeric_column_is_refused_with_column_and_remedy(X, dtype):
    message = message_of(
        Reader().fit(named(X)).read, named(X).assign(level=pd.Series(["low", "high"] * 60, dtype=dtype))
    )
    assert "encod" in message.lower()
    assert "level" in message
    assert "pressure" not in message


@pytest.mark.parametrize(
    "value", ["high", "", b"low", [1, 2], (1,), {"a": 1}, 1 + 2j, object()], ids=lambda value: type(value).__name__
)
def test_one_odd_object_is_refused_with_its_column(X, value):
    rows = named(X).astype(object)
    rows.at[7, "torque"] = value
    for call in both_calls(named(X)):
        with pytest.raises((ValueError, TypeError), match="torque"):
            call(rows)


@pytest.mark.parametrize("make", [pl.DataFrame, pa.Table.from_pandas], ids=["polars", "arrow"])
def test_text_in_other_containers_is_refused_with_its_column(X, make):
    fitted = Reader().fit(make(named(X)))
    with pytest.raises(ValueError, match="level"):
        fitted.read(make(named(X).assign(level=["low", "high"] * 60)))


def test_text_in_an_object_array_is_refused_with_its_column(X):
    rows = X.astype(object)
    rows[3, 2] = "high"
    for call in both_calls(X):
        with pytest.raises(ValueError, match=r"(\b|x)2\b"):
            call(rows)


@pytest.mark.parametrize("dtype", ["U8", "S8"])
def test_an_array_of_text_is_refused(X, dtype):
    rows = X.astype(dtype)
    rows[3, 2] = "high"
    with pytest.raises(ValueError, match=r"(?i)string|text|number"):
        Reader().fit(rows)


def test_complex_numbers_are_refused(X):
    for rows in (X.astype(complex), named(X.astype(complex))):
        with pytest.raises(ValueError, match=r"(?i)complex"):
            Reader().fit(rows)


def test_dates_in_an_array_are_refused():
    dates = np.arange("2020-01-01", "2020-02-01", dtype="datetime64[D]")
    with pytest.raises(ValueError, match="only numbers are accepted"):
        Reader().fit(dates[:, None])


@pytest.mark.parametrize("X", [pd.DataFrame({"n": pd.Series([10**400, 1, 2], dtype=object)}), [[10**400], [1], [2]]])
def test_an_integer_beyond_float64_is_refused_by_name(X):
    with pytest.raises(ValueError, match=r"column ('n'|0) holds an integer of 401 digits, beyond the range of float64"):
        Reader().fit(X)
    known = pd.DataFrame({"n": [1.0, 2.0, 3.0]}) if isinstance(X, pd.DataFrame) else [[1], [2], [3]]
    with pytest.raises(ValueError, match="holds an integer of 401 digits"):
        Reader().fit(known).read(X)


class TestCellsOfSeveralTypes:
    @pytest.mark.parametrize(
        ("cells", "told"),
        [
            ([pd.Timestamp("2026-01-01"), "unknown"], r"both times and text \(2026-01-01 00:00:00 and 'unknown'\)"),
            ([pd.Timedelta("1h"), 3.0], r"both durations and numbers \(0 days 01:00:00 and 3.0\)"),
            (["unknown", 3], r"both text and numbers \('unknown' and 3\)"),
        ],
    )
    def test_both_are_named(self, cells, told):
        with pytest.raises(ValueError, match=f"column 'c' holds {told}; correct it"):
            Reader().fit(pd.DataFrame({"c": pd.Series(cells * 5, dtype=object)}))

    def test_text_in_a_time_column_is_reported_with_its_row(self):
        table = pd.DataFrame({"c": ["2026-01-01", "2026-02-01", "unknown"] * 5})
        with pytest.raises(
            ValueError, match="column 'c' cannot be read as times: 'unknown' in row 2 is not a time such as"
        ):
            check_table(Reader(), table, options=InferenceOptions({"c": "datetime"}))

    @pytest.mark.parametrize("word", ["now", "today"])
    def test_words_for_the_present_time_are_refused(self, word):
        table = pd.DataFrame({"c": ["2026-01-01", "2026-02-01", word] * 5})
        with pytest.raises(ValueError, match=f"'{word}' in row 2 is not a time"):
            check_table(Reader(), table, options=InferenceOptions({"c": "datetime"}))


# Missing values


def test_nan_is_refused_with_column_and_count(X):
    rows = named(with_value(X, np.nan, (3, 1), (4, 1), (90, 1)))
    for call in both_calls(named(X)):
        message = message_of(call, rows)
        assert "nan" in message.lower()
        assert "pressure" in message
        assert re.search(r"\b3\b", message)
        assert "flow" not in message


def test_each_column_with_nan_is_named(X):
    message = message_of(Reader().fit, named(with_value(X, np.nan, (0, 0), (1, 0), (7, 3))))
    assert "flow" in message
    assert "torque" in message
    assert "speed" not in message


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_in_an_array_are_named_by_position(X, value):
    for call in both_calls(X):
        assert re.search(r"(\b|x)4\b", message_of(call, with_value(X, value, (0, 4))))


def test_nan_with_a_sign_bit_or_a_payload_is_nan(X):
    payload = np.array([0xFFF8_0000_DEAD_BEEF], dtype=np.uint64).view(np.float64)[0]
    for value in (-np.nan, payload):
        assert "nan" in message_of(Reader().fit, with_value(X, value, (0, 2))).lower()


@pytest.mark.parametrize("missing", [None, pd.NA, np.nan, float("nan")], ids=["None", "NA", "np.nan", "nan"])
def test_a_missing_value_in_an_object_column_is_nan(X, missing):
    rows = named(X).astype(object)
    rows.iloc[2, 1] = missing
    message = message_of(Reader().fit, rows)
    assert "pressure" in message
    assert "nan" in message.lower()


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "double[pyarrow]", "int64[pyarrow]", "bool[pyarrow]"])
def test_na_is_nan(X, dtype):
    rows = named((X > 2).astype(float))
    rows["level"] = rows["level"].astype(dtype)
    fitted = Reader().fit(rows)
    rows.loc[[4, 9], "level"] = pd.NA
    for call in (Reader().fit, fitted.read):
        message = message_of(call, rows)
        assert "nan" in message.lower()
        assert "level" in message
        assert re.search(r"\b2\b", message)


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table], ids=["polars", "arrow"])
def test_null_is_nan(X, make):
    columns = {name: list(column) for name, column in zip(NAMES, X.T, strict=True)}
    fitted = Reader().fit(make(columns))
    columns["level"][3] = None
    with pytest.raises(ValueError, match="level"):
        fitted.read(make(columns))


# Infinite values


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_refused_with_its_column(X, value):
    for call in both_calls(named(X)):
        message = message_of(call, named(with_value(X, value, (5, 2))))
        assert "inf" in message.lower()
        assert "level" in message
        assert "speed" not in message


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_infinity_of_another_width_is_refused(X, dtype):
    rows = X.astype(dtype)
    rows[0, 0] = np.inf
    for call in both_calls(X):
        message_of(call, rows)


def test_infinity_in_an_object_column_is_refused():
    with pytest.raises(ValueError, match=r"infinity \(inf\) in column 'n'"):
        Reader().fit(pd.DataFrame({"n": pd.Series([1, float("inf"), 3], dtype=object)}))


def test_a_longdouble_beyond_float64_is_infinity(X):
    rows = X.astype(np.longdouble)
    rows[0, 0] = np.finfo(np.longdouble).max
    if np.finfo(np.longdouble).max > np.finfo(np.float64).max:
        assert "inf" in message_of(Reader().fit(X).read, rows)
    else:
        assert np.isfinite(Reader().fit(X).read(rows)).all()


# Nullable and Arrow dtypes


@pytest.mark.parametrize("dtype", ["Float64", "Int64", "double[pyarrow]", "int32[pyarrow]"])
def test_nullable_and_arrow_columns_are_read_as_numpy(X, dtype):
    plain = named(np.abs(np.round(X * 7)))
    assert_same_numbers(plain.astype(dtype), plain)


@pytest.mark.parametrize("dtype", ["boolean", "bool[pyarrow]", "bool"])
def test_boolean_columns_are_read_as_numbers(X, dtype):
    flags = X[:, 2] > 2
    assert_same_numbers(named(X).assign(level=flags).astype({"level": dtype}), named(X).assign(level=flags * 1.0))


# Integers beyond 2**53

BIG = 2**53


def big_integers(n, dtype="int64"):
    return np.array([BIG + 1 + 2 * i for i in np.random.default_rng(0).permutation(n).tolist()], dtype=dtype)


@pytest.mark.parametrize("dtype", ["int64", "uint64", "Int64", "UInt64", "int64[pyarrow]", object])
def test_integers_beyond_float64_are_warned_of(X, dtype):
    rows = named(X).assign(level=pd.Series(big_integers(len(X))).astype(dtype))
    with pytest.warns(UserWarning, match=r"(?i)level.*(precision|2\*\*53|exact|float64)"):
        fitted = Reader().fit(rows)
    with pytest.warns(UserWarning, match="level"):
        assert np.isfinite(fitted.read(rows).astype(float)).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_an_array_of_integers_beyond_float64_is_warned_of(sign):
    rows = sign * np.tile(big_integers(40)[:, None], (1, 3))
    with pytest.warns(UserWarning, match=r"(?i)precision|2\*\*53|exact|float64"):
        Reader().fit(rows)


def test_integers_up_to_two_to_the_53_are_accepted_without_a_warning(X):
    order = np.random.default_rng(0).permutation(len(X))
    rows = named(X).assign(level=order * (BIG // 119), torque=order - BIG)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(Reader().fit(rows).read(rows)).all()


# Sparse matrices


@pytest.mark.parametrize(
    "make", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array, sparse.lil_matrix, sparse.dok_array]
)
def test_a_sparse_matrix_is_refused_with_advice(X, make):
    for call in both_calls(X):
        with pytest.raises(TypeError, match=r"(?i)toarray|dense"):
            call(make(X))


def test_a_large_sparse_matrix_is_refused_at_once(X):
    rows = sparse.random_array((1_000_000, 100_000), density=1e-9, format="csr", rng=np.random.default_rng(0))
    tracemalloc.start()
    begun = time.perf_counter()
    for call in both_calls(X):
        with pytest.raises(TypeError, match=r"(?i)sparse"):
            call(rows)
    assert time.perf_counter() - begun < 2
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


# Missing cells of any type, in a column of any type


def mixed(n=60):
    """Return a table with a column of each type."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": rng.normal(size=n),
            "object": pd.Series(rng.choice(["x", "y", "z"], size=n), dtype=object),
            "text": rng.choice(["p", "q"], size=n),
            "time": pd.date_range("2026-01-01", periods=n, freq="5h"),
            "duration": pd.to_timedelta(rng.integers(1, 99, size=n), unit="s"),
            "category": pd.Categorical(rng.choice(["s", "m"], size=n), ["s", "m"], ordered=True),
        }
    )


MISSING_CELLS = [np.nan, None, pd.NA, pd.NaT, np.datetime64("NaT"), np.timedelta64("NaT")]
DTYPES = ["float64", "object", "str", "Int64", "boolean", "datetime64[us]", "timedelta64[us]", "category"]


class TestMissingCellsFitEveryType:
    @pytest.mark.parametrize("column", list(mixed()))
    def test_in_one_record(self, column):
        fitted, record = Reader(allow_nan=True).fit(mixed()), mixed().iloc[[7]]
        expected = fitted.read(record.assign(**{column: record[column].where([False])}))
        assert np.isnan(expected[0, list(mixed()).index(column)])
        for cell in MISSING_CELLS:
            found = fitted.read(pd.DataFrame([{**record.iloc[0].to_dict(), column: cell}]))
            np.testing.assert_array_equal(found, expected, repr(cell))

    @pytest.mark.parametrize("column", list(mixed()))
    def test_in_a_whole_column(self, column):
        fitted, rows = Reader(allow_nan=True).fit(mixed()), mixed()
        expected = fitted.read(rows.assign(**{column: rows[column].where(np.zeros(60, bool))}))
        for dtype in DTYPES:
            empty = pd.Series([None] * 60, dtype=dtype)
            np.testing.assert_array_equal(fitted.read(rows.assign(**{column: empty})), expected, dtype)
