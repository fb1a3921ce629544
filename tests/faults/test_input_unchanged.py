"""Rows are never written to, and no answer shares memory with them."""

import hashlib
import warnings

import numpy as np
import pandas as pd
import pytest

NAMES = ["flow", "pressure", "level", "torque", "speed"]


def as_read_only(values):
    values = np.array(values)
    values.flags.writeable = False
    return values


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
    np.testing.assert_array_equal(fitted.score_samples(rows), fitted.score_samples(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int16, bool])
def test_read_only_rows_of_any_dtype_are_accepted(detector, X, dtype):
    rows = as_read_only((X * 10).astype(dtype))
    left, right = (detector(standardize=False).fit(table) for table in (rows, rows.copy()))
    np.testing.assert_array_equal(left.score_samples(rows), right.score_samples(rows))


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
def test_an_array_is_never_written_to(either_detector, X, methods_on_rows, dtype, order, standardize):
    rows = np.array(X if dtype is not bool else X > 2, dtype=dtype, order=order)
    before = digest(rows)
    fitted = either_detector(standardize=standardize)
    for method in ("fit", "partial_fit", "fit_predict", "fit_transform"):
        getattr(fitted, method)(rows)
        assert digest(rows) == before, method
    for method in [*methods_on_rows(fitted), "score"]:
        getattr(fitted, method)(rows)
        assert digest(rows) == before, method
    fitted.reconstruction_error(rows, per_feature=True)
    fitted.set_threshold(0.2, rows)
    assert digest(rows) == before


def test_a_data_frame_is_never_written_to(any_detector, X, methods_on_rows):
    rows = pd.DataFrame(X, columns=NAMES).assign(
        flag=X[:, 0] > 0, count=pd.Series(np.arange(len(X)) % 9, dtype="Int64")
    )
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
