"""Scores depend on the numbers of a table, not on its container, dtype or memory layout.

How tables are read is the same for all detectors, so that one detector is enough for most of these tests.
"""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

NAMES = ["flow", "pressure", "level", "torque", "speed"]


def named(X, names=NAMES):
    return pd.DataFrame(np.asarray(X), columns=names)


def assert_same_fit(build, rows, same_rows):
    """Check that two tables of the same numbers give the same detector and the same scores."""
    left, right = build().fit(rows), build().fit(same_rows)
    np.testing.assert_array_equal(left.score_samples(rows), right.score_samples(same_rows))


# Containers


def containers(X):
    frame = named(X)
    return {
        "pandas": frame,
        "polars": pl.DataFrame(dict(frame)),
        "arrow": pa.Table.from_pandas(frame, preserve_index=False),
        "arrow chunks": pa.concat_tables([pa.Table.from_pandas(frame[:50]), pa.Table.from_pandas(frame[50:])]),
        "odd index": frame.set_index(pd.Index(range(500, 500 + 3 * len(X), 3))),
        "Fortran": pd.DataFrame(np.asfortranarray(X), columns=NAMES),
        "objects": frame.astype(object),
        "nullable": frame.astype("Float64"),
        "arrow dtypes": frame.astype("double[pyarrow]"),
    }


def test_every_container_gives_the_same_answers(variational, X):
    X = np.hstack([X[:, :3], np.round(X[:, 3:4]), X[:, 4:] > 4])
    plain = variational().fit(X)
    for name, rows in containers(X).items():
        fitted = variational().fit(rows)
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


def test_lists_and_object_arrays_are_arrays(detector, X):
    for rows in (X.tolist(), tuple(map(tuple, X)), X.astype(object)):
        assert_same_fit(detector, rows, X)


def test_codes_in_a_sparse_matrix_are_refused(detector, X):
    fitted = detector().fit(X)
    with pytest.raises(TypeError, match=r"(?i)sparse|dense|toarray"):
        fitted.inverse_transform(sparse.csr_array(fitted.transform(X)))


# Dtypes


@pytest.mark.parametrize("scale", [1, 12000])
def test_float16_scores_as_float32(detector, X, scale):
    half = (X * scale).clip(-60000, 60000).astype(np.float16)
    for dtype in (np.float32, np.float64):
        assert_same_fit(detector, half, half.astype(dtype))


def test_float32_scores_as_the_same_numbers_in_float64(either_detector, X):
    single = X.astype(np.float32)
    assert_same_fit(either_detector, single, single.astype(float))
    fitted = either_detector().fit(X)
    np.testing.assert_array_equal(fitted.score_samples(single), fitted.score_samples(single.astype(float)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_scores_are_float64_for_any_dtype(any_detector, X, dtype):
    rows = X.astype(dtype)
    assert any_detector(max_iter=1).fit(rows).score_samples(rows).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint64])
def test_small_integers_score_as_float64(detector, dtype):
    ends = np.iinfo(dtype) if np.dtype(dtype).itemsize < 4 else np.iinfo(np.int16)
    low = max(ends.min, np.iinfo(dtype).min)
    rows = np.random.default_rng(0).integers(low, ends.max, size=(120, 5), endpoint=True).astype(dtype)
    rows[0], rows[1] = low, ends.max
    assert_same_fit(detector, rows, rows.astype(float))


def test_columns_at_the_two_ends_of_int8_score_as_float64(detector):
    rows = np.random.default_rng(0).choice(np.array([-128, 127], dtype=np.int8), size=(60, 4))
    assert_same_fit(detector, rows, rows.astype(float))


def test_booleans_score_as_float64(detector, X):
    assert_same_fit(detector, X > 2, (X > 2).astype(float))


# Memory layouts


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


def test_any_layout_scores_as_a_c_copy(variational, X):
    fitted = variational().fit(X)
    for name, layout in LAYOUTS.items():
        rows = layout(X)
        np.testing.assert_array_equal(rows.astype(float), X)
        for answer in ("score_samples", "transform", "reconstruct", "predict"):
            expected = getattr(fitted, answer)(X)
            np.testing.assert_array_equal(getattr(fitted, answer)(rows), expected, f"{answer}, {name}")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_fits_as_a_c_copy(detector, X, layout):
    expected = detector().fit(X).score_samples(X)
    np.testing.assert_array_equal(detector().fit(LAYOUTS[layout](X)).score_samples(X), expected)


def test_a_row_repeated_without_memory_scores_as_a_copy(detector, X):
    fitted = detector().fit(X)
    rows = np.broadcast_to(X[:1], (300, 5))
    np.testing.assert_array_equal(fitted.score_samples(rows), fitted.score_samples(rows.copy()))


def test_codes_of_any_layout_decode_as_a_c_copy(detector, X):
    fitted = detector(latent_dim=3).fit(X)
    code = fitted.transform(X).astype(float)
    expected = fitted.inverse_transform(code)
    for name, layout in LAYOUTS.items():
        np.testing.assert_array_equal(fitted.inverse_transform(layout(code)), expected, name)
