"""The door: what a caller passes as X -> a numeric array (N, F), or one clear sentence."""

import warnings
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

_LARGEST_EXACT_INT = 2**53
_ENCODE_IT = "encode it first (OneHotEncoder in a ColumnTransformer, say) or leave the column out"


def check_table(estimator: Any, X: Any, *, reset: bool, least_rows: int = 1) -> np.ndarray:
    """Check a table against an estimator, and return its numbers.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_`` if `reset`, else is compared with them.
    X : array-like or DataFrame (N, F)
    reset : bool
    least_rows : int
        Rows needed.

    Returns
    -------
    ndarray (N, F) of a real dtype; X itself where that is possible, never written to.

    Raises
    ------
    ValueError
        For columns that are not numeric, missing, renamed or named twice, values that are not
        finite, and too few rows.
    TypeError
        For sparse matrices, and column names that are not all strings.
    """
    frame = _as_pandas(X)
    if frame is not None:
        _check_column_names(frame)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        table = _numbers_of_frame(frame)
    else:
        table = _numbers_of_array(estimator, X, reset)
    if len(table) < least_rows:
        needs = "at least 1 row" if least_rows == 1 else f"at least {least_rows} rows"
        raise ValueError(f"X has n_samples={len(table)} (shape={table.shape}), and this needs {needs}; pass more rows")
    if table.shape[1] == 0:
        raise ValueError(f"0 feature(s) (shape={table.shape}) while a minimum of 1 is required.")
    check_finite(table, getattr(estimator, "feature_names_in_", None))
    return table


def _as_pandas(X: Any) -> pd.DataFrame | None:
    """X as a pandas frame if it is a frame, of pandas or of another library."""
    if isinstance(X, pd.DataFrame):
        return X
    try:
        frame = X.to_pandas()
    except (AttributeError, ImportError):
        return None
    return frame if isinstance(frame, pd.DataFrame) else None


def check_finite(table: np.ndarray, names: np.ndarray | None) -> None:
    """Raise a ValueError that names the columns with NaN or infinite values and counts them."""
    if table.dtype.kind in "biu":
        return
    # One pass in the common case: a sum is finite only if all its terms are (or it overflows, and we look again).
    with np.errstate(all="ignore"):
        if np.isfinite(np.sum(table, dtype=np.float64)):
            return
    for text, wrong, remedy in (
        ("NaN", np.isnan, "impute them (SimpleImputer, say) or drop the rows"),
        ("infinity (inf)", np.isinf, "replace them by finite values or drop the rows"),
    ):
        counts = wrong(table).sum(axis=0)
        if counts.any():
            columns = [f"{_name(names, j)} ({counts[j]})" for j in np.flatnonzero(counts).tolist()]
            shown = ", ".join(columns[:10]) + (f" and {len(columns) - 10} more" if len(columns) > 10 else "")
            raise ValueError(f"X contains {text} in column(s) {shown}; {remedy}")


def _name(names: np.ndarray | None, column: int) -> str:
    return str(column) if names is None else repr(str(names[column]))


def _check_column_names(frame: pd.DataFrame) -> None:
    twice = frame.columns[frame.columns.duplicated()].unique()
    if len(twice):
        raise ValueError(f"X has column names more than once: {', '.join(map(repr, twice))}; rename or drop them")


def _numbers_of_frame(frame: pd.DataFrame) -> np.ndarray:
    for j in range(frame.shape[1]):
        _check_column(frame.iloc[:, j], frame.columns[j])
    if all(isinstance(dtype, np.dtype) and dtype.kind in "fiu" for dtype in frame.dtypes):
        return frame.to_numpy()
    return np.column_stack([_numbers_of_column(frame.iloc[:, j]) for j in range(frame.shape[1])])


def _check_column(column: pd.Series, name: Any) -> None:
    if column.dtype == object:
        for value in column[column.notna()]:
            if not isinstance(value, (Real, Decimal, np.bool_)):
                raise ValueError(f"column {name!r} holds {value!r}, and only numbers are taken; {_ENCODE_IT}")
    elif not _is_numeric(column.dtype):
        raise ValueError(f"column {name!r} is of dtype {column.dtype}, and only numbers are taken; {_ENCODE_IT}")
    elif not pd.api.types.is_integer_dtype(column.dtype):
        return
    _warn_if_rounded(column.dropna(), repr(str(name)))


def _is_numeric(dtype: Any) -> bool:
    # Asked apart, as pandas does not count Arrow's truth values among its numbers.
    numeric = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    return numeric and not pd.api.types.is_complex_dtype(dtype)


def _numbers_of_column(column: pd.Series) -> np.ndarray:
    if column.dtype == object:
        column = column.where(column.notna(), np.nan)
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _warn_if_rounded(values: Any, name: str) -> None:
    """Warn where integers are too large for float64."""
    if len(values) and max(abs(int(values.max())), abs(int(values.min()))) > _LARGEST_EXACT_INT:
        warnings.warn(
            f"column {name} holds integers beyond 2**53, which float64 rounds; "
            "if it is an identifier leave it out, else subtract a constant first",
            UserWarning,
            stacklevel=2,
        )


def _numbers_of_array(estimator: Any, X: Any, reset: bool) -> np.ndarray:
    try:
        table = validate_data(estimator, X, reset=reset, dtype="numeric", ensure_all_finite=False, ensure_min_samples=0)
        if table.dtype == object:  # a frame of a library without a way to pandas
            table = table.astype(np.float64)
    except ValueError as error:
        if "could not convert" in str(error):
            _raise_for_text(np.asarray(X, dtype=object), getattr(estimator, "feature_names_in_", None))
        raise
    if table.dtype.kind in "mM":
        raise ValueError(f"X is of dtype {table.dtype}, and only numbers are taken; {_ENCODE_IT}")
    if table.dtype.itemsize > 8:
        with np.errstate(over="ignore"):
            return table.astype(np.float64)
    if table.dtype.kind in "iu" and table.dtype.itemsize == 8:
        for j, column in enumerate(table.T):
            _warn_if_rounded(column, str(j))
    return table


def _raise_for_text(cells: np.ndarray, names: np.ndarray | None) -> None:
    """Name the first column with a cell that is no number."""
    for j, column in enumerate(cells.T):
        for cell in column:
            try:
                float(cell)
            except (TypeError, ValueError):
                raise ValueError(
                    f"column {_name(names, j)} holds {cell!r}, and only numbers are taken; {_ENCODE_IT}"
                ) from None
