"""Tables of every make and shape: the same numbers give the same scores, or one clear error."""

import hashlib
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
from sklearn.exceptions import NotFittedError

NAMES = ["flow", "pressure", "level", "torque", "speed"]


def named(X, names=NAMES):
    return pd.DataFrame(np.asarray(X), columns=names)


def assert_same_scores(left, right, rows, other_rows):
    np.testing.assert_array_equal(left.score_samples(rows), right.score_samples(other_rows))


# Case 7


def test_duplicate_column_names_are_listed(any_detector, X):
    fitted = any_detector().fit(named(X))
    rows = named(X, ["flow", "pressure", "flow", "torque", "pressure"])
    for door in ("fit", "partial_fit", "score_samples", "predict", "transform"):
        with pytest.raises(ValueError, match=r"(?i)duplicate|unique|twice|more than once") as raised:
            getattr(fitted, door)(rows)
        assert "flow" in str(raised.value)
        assert "pressure" in str(raised.value)
        assert "torque" not in str(raised.value)


def test_duplicate_names_of_an_arrow_table_are_listed(detector, X):
    rows = pa.table([pa.array(column) for column in X.T], names=["flow", "flow", "level", "torque", "speed"])
    with pytest.raises(ValueError, match="flow"):
        detector().fit(rows)


# Case 8

DOORS = ["score_samples", "decision_function", "predict", "transform", "reconstruct", "reconstruction_error"]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.Table.from_pandas], ids=["pandas", "polars", "arrow"])
def test_reordered_columns_are_refused(any_detector, X, make):
    fitted = any_detector().fit(make(named(X)))
    for door in [*DOORS, "partial_fit"]:
        with pytest.raises(ValueError, match=r"(?i)order|feature names"):
            getattr(fitted, door)(make(named(X)[NAMES[::-1]]))


def test_missing_extra_and_renamed_columns_are_named(any_detector, X):
    fitted = any_detector().fit(named(X))
    for door in [*DOORS, "partial_fit"]:
        with pytest.raises(ValueError, match="level"):
            getattr(fitted, door)(named(X).drop(columns="level"))
        with pytest.raises(ValueError, match="humidity"):
            getattr(fitted, door)(named(X).assign(humidity=1.0))
        with pytest.raises(ValueError, match="depth"):
            getattr(fitted, door)(named(X).rename(columns={"level": "depth"}))


def test_a_wrong_number_of_columns_is_refused_with_both_numbers(any_detector, X):
    fitted = any_detector().fit(X)
    for door in [*DOORS, "partial_fit"]:
        for rows in (X[:, :4], np.hstack([X, X[:, :2]])):
            with pytest.raises(ValueError, match=rf"\b{rows.shape[1]}\b.*\b5\b"):
                getattr(fitted, door)(rows)


def test_names_mixed_with_numbers_are_a_type_error(detector, X):
    mixed = named(X, ["flow", 1, "level", 3, "speed"])
    with pytest.raises(TypeError, match=r"(?i)string|str"):
        detector().fit(mixed)
    with pytest.raises(TypeError, match=r"(?i)string|str"):
        detector().fit(named(X)).score_samples(mixed)


def test_column_numbers_are_no_names(detector, X):
    fitted = detector().fit(named(X, [10, 20, 30, 40, 50]))
    assert not hasattr(fitted, "feature_names_in_")
    assert_same_scores(fitted, detector().fit(X), X, X)


def test_names_that_come_or_go_are_warned_of(detector, X):
    with pytest.warns(UserWarning, match="feature names"):
        detector().fit(named(X)).score_samples(X)
    with pytest.warns(UserWarning, match="feature names"):
        detector().fit(X).score_samples(named(X))


def test_the_names_of_the_last_fit_count(detector, X):
    other = [name.upper() for name in NAMES]
    fitted = detector().fit(named(X)).fit(named(X, other))
    assert list(fitted.feature_names_in_) == other
    with pytest.raises(ValueError, match="flow"):
        fitted.score_samples(named(X))


@pytest.mark.parametrize("bad", [[1.0, 2.0], 3.0, np.zeros((3, 5, 2)), "flow", None, {"a": 1}])
def test_what_is_no_table_is_refused(any_detector, X, bad):
    fitted = any_detector().fit(X)
    for door in ("fit", "score_samples"):
        with pytest.raises((ValueError, TypeError)):
            getattr(fitted, door)(bad)


# Case 9


def test_no_rows_are_refused(any_detector, X):
    fitted = any_detector().fit(named(X))
    for door in ["fit", *DOORS, "fit_predict", "score"]:
        with pytest.raises(ValueError, match=r"\b0\b|(?i:no row|empty)"):
            getattr(fitted, door)(named(X[:0]))
    assert np.isfinite(fitted.score_samples(named(X))).all()


@pytest.mark.parametrize("empty", [np.empty((0, 5)), np.empty((5, 0)), np.empty((0, 0)), [[]], [], pd.DataFrame()])
def test_an_empty_table_is_refused(any_detector, X, empty):
    for call in (any_detector().fit, any_detector().partial_fit, any_detector().fit(X).score_samples):
        with pytest.raises(ValueError, match=r"\b0\b|(?i:empty)|\[\]"):
            call(empty)


def test_an_empty_chunk_of_a_stream_changes_nothing(any_detector, X):
    fitted = any_detector().partial_fit(X)
    before = fitted.score_samples(X)
    try:
        fitted.partial_fit(X[:0])
    except ValueError as error:
        assert re.search(r"\b0\b|(?i:no row|empty)", str(error))  # noqa: PT017
    np.testing.assert_array_equal(fitted.score_samples(X), before)
    assert_same_scores(fitted.partial_fit(X[:50]), any_detector().partial_fit(X).partial_fit(X[:50]), X, X)


# Case 10


@pytest.mark.parametrize("door", ["fit", "partial_fit", "fit_predict"])
def test_one_row_is_too_few_to_fit(any_detector, X, door):
    with pytest.raises(ValueError, match="n_samples=1"):
        getattr(any_detector(), door)(X[:1])


@pytest.mark.parametrize("door", ["fit", "partial_fit"])
def test_two_rows_are_enough(any_detector, X, door):
    fitted = getattr(any_detector(), door)(X[:2])
    assert np.isfinite(fitted.score_samples(X)).all()
    assert np.isfinite(fitted.offset_)


def test_one_row_is_enough_for_a_later_chunk(any_detector, X):
    fitted = any_detector().partial_fit(X).partial_fit(X[:1])
    assert np.isfinite(fitted.score_samples(X)).all()


@pytest.mark.parametrize("n", [2, 3, 4, 10])
def test_early_stopping_on_few_rows_works_or_says_why(any_detector, X, n):
    try:
        fitted = any_detector(early_stopping=True).fit(X[:n])
    except ValueError as error:
        assert re.search("validation_fraction|early_stopping|n_samples", str(error))  # noqa: PT017
    else:
        assert np.isfinite(fitted.score_samples(X)).all()


@pytest.mark.parametrize("n", [2, 3])
def test_two_equal_rows_are_enough(any_detector, X, n):
    assert np.isfinite(any_detector().fit(np.repeat(X[:1], n, axis=0)).score_samples(X)).all()


# Case 11


@pytest.mark.parametrize("n", [3, 31, 33, 65])
def test_any_number_of_rows_fits_any_batch(any_detector, X, n):
    for door in ("fit", "partial_fit"):
        fitted = getattr(any_detector(batch_size=32), door)(X[:n])
        assert np.isfinite(fitted.score_samples(X)).all()
        assert len(fitted.training_scores_) == fitted.n_samples_seen_ == n


@pytest.mark.parametrize("batch_size", [1, 4, 8, 100])
@pytest.mark.parametrize("door", ["fit", "partial_fit"])
def test_no_row_is_dropped_from_training(detector, X, batch_size, door):
    rows, probe = X[:9], X[20:40]

    def fitted(rows):
        return getattr(detector(batch_size=batch_size, standardize=False, max_iter=24), door)(rows)

    plain = fitted(rows).score_samples(probe)
    for row in range(len(rows)):
        moved = rows.copy()
        moved[row] += 1.0
        assert (fitted(moved).score_samples(probe) != plain).any(), row


def test_one_pass_takes_every_row_in_whole_steps(any_detector, X):
    assert any_detector(batch_size=32).partial_fit(X[:97]).n_iter_ == 4


# Case 14


def test_an_object_column_of_numbers_is_converted(any_detector, X):
    rows = named(X).astype(object)
    assert_same_scores(any_detector().fit(rows), any_detector().fit(named(X)), rows, named(X))
    assert_same_scores(any_detector().fit(X.astype(object)), any_detector().fit(X), X.astype(object), X)


def test_an_object_column_of_many_kinds_of_number_is_converted(detector, X):
    kinds = [1, 2.5, True, np.float32(0.5), np.int8(-3)]
    column = [kinds[i % len(kinds)] for i in range(len(X))]
    rows, plain = named(X), named(X)
    rows["level"] = pd.Series(column, dtype=object)
    plain["level"] = [float(value) for value in column]
    assert_same_scores(detector().fit(rows), detector().fit(plain), rows, plain)


@pytest.mark.parametrize("dtype", [object, "str", "string", "string[pyarrow]"])
@pytest.mark.parametrize("door", ["partial_fit", "score_samples", "explain"])
def test_text_where_numbers_were_is_refused_with_its_column_and_the_way_out(detector, X, door, dtype):
    fitted = detector().fit(named(X))
    rows = named(X).assign(level=pd.Series(["low", "high"] * 60, dtype=dtype))
    with pytest.raises(ValueError, match=r"(?i)encod") as raised:
        getattr(fitted, door)(rows)
    assert "level" in str(raised.value)
    assert "pressure" not in str(raised.value)


@pytest.mark.parametrize(
    "value", ["high", "", b"low", [1, 2], (1,), {"a": 1}, 1 + 2j, object()], ids=lambda value: type(value).__name__
)
def test_one_odd_object_is_refused_with_its_column(detector, X, value):
    rows = named(X).astype(object)
    rows.at[7, "torque"] = value
    for call in (detector().fit, detector().fit(named(X)).score_samples):
        with pytest.raises((ValueError, TypeError), match="torque"):
            call(rows)


@pytest.mark.parametrize("make", [pl.DataFrame, pa.Table.from_pandas], ids=["polars", "arrow"])
@pytest.mark.parametrize("door", ["partial_fit", "score_samples"])
def test_text_in_other_containers_is_refused_with_its_column(detector, X, make, door):
    fitted = detector().fit(make(named(X)))
    with pytest.raises(ValueError, match="level"):
        getattr(fitted, door)(make(named(X).assign(level=["low", "high"] * 60)))


def test_text_in_an_object_array_is_refused_with_its_column(detector, X):
    rows = X.astype(object)
    rows[3, 2] = "high"
    for call in (detector().fit, detector().fit(X).score_samples):
        with pytest.raises(ValueError, match=r"(\b|x)2\b"):
            call(rows)


@pytest.mark.parametrize("dtype", ["U8", "S8"])
def test_an_array_of_text_is_refused(detector, X, dtype):
    rows = X.astype(dtype)
    rows[3, 2] = "high"
    with pytest.raises(ValueError, match=r"(?i)string|text|number"):
        detector().fit(rows)


def test_complex_numbers_are_refused(detector, X):
    for rows in (X.astype(complex), named(X.astype(complex))):
        with pytest.raises(ValueError, match=r"(?i)complex"):
            detector().fit(rows)


# Case 16


@pytest.mark.parametrize("dtype", ["Float64", "Int64", "double[pyarrow]", "int32[pyarrow]"])
def test_nullable_and_arrow_columns_score_as_numpy(any_detector, X, dtype):
    plain = named(np.abs(np.round(X * 7)))
    rows = plain.astype(dtype)
    assert_same_scores(any_detector().fit(rows), any_detector().fit(plain), rows, plain)


@pytest.mark.parametrize("dtype", ["boolean", "bool[pyarrow]", "bool"])
def test_columns_of_truth_values_score_as_numbers(any_detector, X, dtype):
    plain = named(X).assign(level=(X[:, 2] > 2).astype(float))
    rows = plain.assign(level=(X[:, 2] > 2)).astype({"level": dtype})
    assert_same_scores(any_detector().fit(rows), any_detector().fit(plain), rows, plain)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "double[pyarrow]", "int64[pyarrow]", "bool[pyarrow]"])
@pytest.mark.parametrize("door", ["fit", "score_samples"])
def test_na_is_nan(detector, X, dtype, door):
    rows = named((X > 2).astype(float))
    rows["level"] = rows["level"].astype(dtype)
    fitted = detector().fit(rows)
    rows.loc[[4, 9], "level"] = pd.NA
    with pytest.raises(ValueError, match=r"(?i)nan") as raised:
        getattr(fitted, door)(rows)
    assert "level" in str(raised.value)
    assert re.search(r"\b2\b", str(raised.value))


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table], ids=["polars", "arrow"])
def test_null_is_nan(detector, X, make):
    columns = {name: list(column) for name, column in zip(NAMES, X.T, strict=True)}
    fitted = detector().fit(make(columns))
    columns["level"][3] = None
    with pytest.raises(ValueError, match="level"):
        fitted.score_samples(make(columns))


BIG = 2**53


def big_integers(n, dtype="int64"):
    return np.array([BIG + 1 + 2 * i for i in range(n)], dtype=dtype)


@pytest.mark.parametrize("dtype", ["int64", "uint64", "Int64", "UInt64", "int64[pyarrow]", object])
def test_integers_beyond_float64_are_warned_of(detector, X, dtype):
    rows = named(X).assign(level=pd.Series(big_integers(len(X))).astype(dtype))
    with pytest.warns(UserWarning, match=r"(?i)level.*(precision|2\*\*53|exact|float64)"):
        fitted = detector().fit(rows)
    with pytest.warns(UserWarning, match="level"):
        assert np.isfinite(fitted.score_samples(rows)).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_an_array_of_integers_beyond_float64_is_warned_of(detector, sign):
    rows = sign * np.tile(big_integers(40)[:, None], (1, 3))
    with pytest.warns(UserWarning, match=r"(?i)precision|2\*\*53|exact|float64"):
        detector().fit(rows)


def test_integers_up_to_two_to_the_53_pass_in_silence(detector, X):
    rows = named(X).assign(level=np.arange(len(X), dtype=np.int64) * (BIG // 119), torque=-BIG + np.arange(len(X)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(detector().fit(rows).score_samples(rows)).all()


# Case 17


def containers(X):
    frame = named(X)
    return {
        "pandas": frame,
        "polars": pl.DataFrame(dict(frame)),
        "arrow": pa.Table.from_pandas(frame, preserve_index=False),
        "arrow chunks": pa.concat_tables([pa.Table.from_pandas(frame[:50]), pa.Table.from_pandas(frame[50:])]),
        "odd index": frame.set_index(pd.Index(range(500, 500 + 3 * len(X), 3))),
        "Fortran": pd.DataFrame(np.asfortranarray(X), columns=NAMES),
    }


def test_every_container_gives_the_same_scores(any_detector, X):
    X = np.hstack([X[:, :3], np.round(X[:, 3:4]), X[:, 4:] > 4])
    plain = any_detector().fit(X)
    for name, rows in containers(X).items():
        fitted = any_detector().fit(rows)
        for answer in ("score_samples", "predict", "transform", "reconstruction_error"):
            np.testing.assert_array_equal(getattr(fitted, answer)(rows), getattr(plain, answer)(X), f"{answer}, {name}")
        assert fitted.offset_ == plain.offset_, name
        if name != "odd index":
            assert list(fitted.feature_names_in_) == NAMES, name


def test_fit_in_one_container_and_score_in_another(detector, X):
    tables = containers(X)
    expected = detector().fit(X).score_samples(X)
    for trained in tables.values():
        fitted = detector().fit(trained)
        for rows in tables.values():
            np.testing.assert_array_equal(fitted.score_samples(rows), expected)


def test_lists_are_arrays(any_detector, X):
    assert_same_scores(any_detector().fit(X.tolist()), any_detector().fit(X), X.tolist(), X)
    assert_same_scores(any_detector().fit(tuple(map(tuple, X))), any_detector().fit(X), X, X)


# Case 18

SPARSE = [sparse.csr_matrix, sparse.csc_array, sparse.coo_array, sparse.lil_matrix, sparse.dok_array]


@pytest.mark.parametrize("make", SPARSE)
def test_a_sparse_matrix_is_refused_with_advice(detector, X, make):
    fitted = detector().fit(X)
    for door in ["fit", "partial_fit", *DOORS]:
        with pytest.raises(TypeError, match=r"(?i)toarray|dense"):
            getattr(fitted, door)(make(X))


def test_a_large_sparse_matrix_is_refused_at_once(any_detector, X):
    rows = sparse.random_array((1_000_000, 100_000), density=1e-9, format="csr", rng=np.random.default_rng(0))
    fitted = any_detector().fit(X)
    tracemalloc.start()
    begun = time.perf_counter()
    for door in ("fit", "partial_fit", "score_samples"):
        with pytest.raises(TypeError, match=r"(?i)sparse"):
            getattr(fitted, door)(rows)
    assert time.perf_counter() - begun < 2
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


def test_codes_in_a_sparse_matrix_are_refused(detector, X):
    fitted = detector().fit(X)
    with pytest.raises(TypeError, match=r"(?i)sparse|dense|toarray"):
        fitted.inverse_transform(sparse.csr_array(fitted.transform(X)))


# Case 19


@pytest.mark.parametrize("scale", [1, 12000])
def test_float16_scores_as_float32(any_detector, X, scale):
    half = (X * scale).clip(-60000, 60000).astype(np.float16)
    for same in (half.astype(np.float32), half.astype(np.float64)):
        assert_same_scores(any_detector().fit(half), any_detector().fit(same), half, same)


def test_float32_scores_as_the_same_numbers_in_float64(any_detector, X):
    single = X.astype(np.float32)
    assert_same_scores(any_detector().fit(single), any_detector().fit(single.astype(float)), single, single)
    fitted = any_detector().fit(X)
    assert_same_scores(fitted, fitted, single, single.astype(float))


def test_the_answers_are_float64_whatever_comes_in(any_detector, X):
    for dtype in (np.float16, np.float32, np.float64, np.int8):
        fitted = any_detector().fit(X.astype(dtype))
        assert fitted.score_samples(X.astype(dtype)).dtype == np.float64


# Case 20


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint64])
def test_small_integers_score_as_float64(any_detector, dtype):
    ends = np.iinfo(dtype) if np.dtype(dtype).itemsize < 4 else np.iinfo(np.int16)
    low = max(ends.min, np.iinfo(dtype).min)
    rows = np.random.default_rng(0).integers(low, ends.max, size=(120, 5), endpoint=True).astype(dtype)
    rows[0], rows[1] = low, ends.max
    assert_same_scores(any_detector().fit(rows), any_detector().fit(rows.astype(float)), rows, rows.astype(float))


def test_columns_at_the_two_ends_of_int8_score_as_float64(any_detector):
    rows = np.random.default_rng(0).choice(np.array([-128, 127], dtype=np.int8), size=(60, 4))
    assert_same_scores(any_detector().fit(rows), any_detector().fit(rows.astype(float)), rows, rows.astype(float))


def test_truth_values_score_as_float64(any_detector, X):
    rows = X > 2
    assert_same_scores(any_detector().fit(rows), any_detector().fit(rows.astype(float)), rows, rows.astype(float))


# Case 21


def unaligned(X):
    buffer = np.zeros(X.nbytes + 1, dtype=np.uint8)
    rows = buffer[1:].view(np.float64).reshape(X.shape)
    rows[:] = X
    return rows


def every_second(X):
    wide = np.full((2 * len(X), 2 * X.shape[1]), np.nan)
    wide[::2, ::2] = X
    return wide[::2, ::2]


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "transposed": lambda X: np.ascontiguousarray(X.T).T,
    "negative row stride": lambda X: np.ascontiguousarray(X[::-1])[::-1],
    "negative column stride": lambda X: np.ascontiguousarray(X[:, ::-1])[:, ::-1],
    "big-endian": lambda X: X.astype(">f8"),
    "little-endian": lambda X: X.astype("<f8"),
    "longdouble": lambda X: X.astype(np.longdouble),
    "every second": every_second,
    "unaligned": unaligned,
    "subclass": lambda X: X.view(type("Rows", (np.ndarray,), {})),
}


def test_any_layout_scores_as_a_c_copy(any_detector, X):
    fitted = any_detector().fit(X)
    for name, layout in LAYOUTS.items():
        rows = layout(X)
        np.testing.assert_array_equal(rows.astype(float), X)
        for answer in ("score_samples", "transform", "reconstruct", "predict"):
            expected = getattr(fitted, answer)(X)
            np.testing.assert_array_equal(getattr(fitted, answer)(rows), expected, f"{answer}, {name}")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_fits_as_a_c_copy(detector, variational, X, layout):
    for build in (detector, variational):
        assert_same_scores(build().fit(LAYOUTS[layout](X)), build().fit(X), X, X)


def test_a_row_repeated_without_memory_scores_as_a_copy(detector, X):
    fitted = detector().fit(X)
    rows = np.broadcast_to(X[:1], (300, 5))
    assert_same_scores(fitted, fitted, rows, rows.copy())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_codes_of_any_layout_decode_as_a_c_copy(detector, X, layout):
    fitted = detector(latent_dim=3).fit(X)
    code = fitted.transform(X).astype(float)
    np.testing.assert_array_equal(fitted.inverse_transform(LAYOUTS[layout](code)), fitted.inverse_transform(code))


# Case 22


def test_a_read_only_memmap_stays_as_it_is(any_detector, X, methods_on_rows, tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, X)
    before = path.read_bytes(), path.stat().st_mtime_ns
    rows = np.load(path, mmap_mode="r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = any_detector().fit(rows).partial_fit(rows)
        for name in methods_on_rows(fitted):
            getattr(fitted, name)(rows)
        fitted.inverse_transform(as_read_only(fitted.transform(rows)))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert_same_scores(fitted, fitted, rows, X)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int16, bool])
def test_read_only_rows_of_any_dtype_work(detector, X, dtype):
    rows = as_read_only((X * 10).astype(dtype))
    assert_same_scores(detector(standardize=False).fit(rows), detector(standardize=False).fit(rows.copy()), rows, rows)


def as_read_only(values):
    values = np.array(values)
    values.flags.writeable = False
    return values


# Case 23


def digest(rows):
    if isinstance(rows, pd.DataFrame):
        state = pd.util.hash_pandas_object(rows).to_numpy().tobytes() + repr((rows.dtypes, rows.columns)).encode()
    else:
        state = np.ascontiguousarray(rows).tobytes() + repr((rows.dtype, rows.shape, rows.strides)).encode()
    return hashlib.sha256(state).hexdigest()


@pytest.mark.parametrize(
    ("dtype", "order", "standardize"),
    [
        (np.float64, "C", True),
        (np.float64, "F", False),
        (np.float32, "C", False),
        (np.float32, "F", True),
        (bool, "C", True),
    ],
)
def test_an_array_is_never_written_to(any_detector, X, methods_on_rows, dtype, order, standardize):
    rows = np.array(X if dtype is not bool else X > 2, dtype=dtype, order=order)
    before = digest(rows)
    fitted = any_detector(standardize=standardize)
    for door in ("fit", "partial_fit", "fit_predict", "fit_transform"):
        getattr(fitted, door)(rows)
        assert digest(rows) == before, door
    for door in [*methods_on_rows(fitted), "score"]:
        getattr(fitted, door)(rows)
        assert digest(rows) == before, door
    fitted.reconstruction_error(rows, per_feature=True)
    fitted.set_threshold(0.2, rows)
    assert digest(rows) == before


def test_a_data_frame_is_never_written_to(any_detector, X, methods_on_rows):
    rows = named(X).assign(flag=X[:, 0] > 0, count=pd.Series(range(len(X)), dtype="Int64"))
    before = digest(rows)
    fitted = any_detector().fit(rows).partial_fit(rows).set_threshold(0.2, rows)
    for name in methods_on_rows(fitted):
        getattr(fitted, name)(rows)
    assert digest(rows) == before


def test_codes_are_never_written_to(any_detector, X):
    fitted = any_detector().fit(X)
    code = fitted.transform(X)
    before = digest(code)
    fitted.inverse_transform(code)
    assert digest(code) == before


def test_no_answer_shares_memory_with_the_rows(any_detector, X, methods_on_rows):
    fitted = any_detector(standardize=False).fit(X)
    for rows in (X, X.astype(np.float32)):
        for name in methods_on_rows(fitted):
            assert not np.shares_memory(getattr(fitted, name)(rows), rows), name


def test_writing_to_the_rows_or_an_answer_changes_no_detector(any_detector, X):
    rows = X.astype(np.float32)
    fitted = any_detector(standardize=False).fit(rows)
    before = fitted.score_samples(X)
    rows[:] = 0
    fitted.score_samples(X)[:] = 0
    fitted.transform(X)[:] = 0
    for value in fitted.encoder_module().state_dict().values():
        value.zero_()
    np.testing.assert_array_equal(fitted.score_samples(X), before)


def test_an_unfitted_detector_says_so(any_detector, X, methods_on_rows):
    unfitted = any_detector()
    for name in methods_on_rows(unfitted):
        with pytest.raises(NotFittedError):
            getattr(unfitted, name)(X)
