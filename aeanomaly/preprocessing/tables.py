"""Validation of tables and conversion to numbers (N, F)."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import validate_data

from aeanomaly.preprocessing.cells import (
    column_label,
    infer_cell_type,
    numbers,
    seconds,
    time_zone_of,
    warn_if_rounded,
)
from aeanomaly.preprocessing.columns import Column, Ignored, Numeric, are_numeric
from aeanomaly.preprocessing.conversion import as_array, as_pandas
from aeanomaly.preprocessing.inference import InferenceOptions, infer_columns, mark_count_columns
from aeanomaly.reading import name_columns

_ENCODE_IT = (
    "pass a DataFrame, or name the column in column_types to encode it, such as column_types={0: 'categorical'}"
)


def check_table(
    estimator: Any,
    X: Any,
    *,
    columns: Sequence[Column] | None = None,
    options: InferenceOptions | None = None,
    mark_counts: bool = False,
    numeric: Collection[Any] = (),
    allow_nan: bool = False,
    least_rows: int = 1,
) -> tuple[np.ndarray, tuple[Column, ...]]:
    """Validate a table for an estimator, and return its numbers and column types.

    Parameters
    ----------
    estimator : estimator
        Without `columns`, ``n_features_in_`` and ``feature_names_in_`` are set; otherwise X is compared with them.
    X : array-like or DataFrame (N, F)
    columns : sequence of Column, optional
        Column types; inferred by default.
    options : InferenceOptions, optional
        Options of the inference of column types.
    mark_counts : bool, default=False
        Infer `Logarithmic` for numeric columns with wide counts, except those of declared types and in `numeric`.
    numeric : collection, optional
        Names of columns, or positions without names.
    allow_nan : bool, default=False
        Accept missing values (NaN).
    least_rows : int, default=1
        Minimum number of rows.

    Returns
    -------
    table : ndarray (N, F) of a real dtype
        X itself if possible; never written to.
    columns : tuple of Column (F,)

    Raises
    ------
    ValueError
        If columns cannot be read, are missing, renamed or duplicated, if values are not finite, or if there are too
        few rows.
    TypeError
        If X is a sparse matrix, or if column names are not all strings.
    """
    reset, options = columns is None, options or InferenceOptions()
    frame = as_pandas(X)
    has_names = frame is not None
    if frame is not None:
        _check_column_names(frame)
        _compare_names(estimator, frame, reset)
    else:
        X = as_array(_with_nan(X))
        of_types = options.column_types or options.left_out or options.groups or options.unscored
        is_incomplete = reset and allow_nan and _has_empty_column(X)
        if of_types or is_incomplete or not (reset or _are_plain(columns or ())):
            frame = _frame_of_array(estimator, X, reset)
    if frame is None:
        table = _numbers_of_array(estimator, X, reset)
        columns = (Numeric(),) * table.shape[1] if columns is None else tuple(columns)
    else:
        _check_size(frame, least_rows)
        columns = infer_columns(frame, options, has_names=has_names) if columns is None else tuple(columns)
        table = _numbers_of_frame(frame, columns)
    _check_size(table, least_rows)
    check_finite(table, getattr(estimator, "feature_names_in_", None), allow_nan=allow_nan)
    if mark_counts and reset:
        declared = {*options.column_types, *numeric}
        columns = mark_count_columns(table, columns, declared, getattr(estimator, "feature_names_in_", None))
    return table, columns


def _compare_names(estimator: Any, frame: pd.DataFrame, reset: bool) -> None:
    """Compare the column names with those of `fit`; if there are only other columns or another order, say a remedy."""
    try:
        validate_data(estimator, frame, reset=reset, skip_check_array=True)
    except ValueError as error:
        names = getattr(estimator, "feature_names_in_", ())
        others = [name for name in frame.columns if name not in names]
        if reset or len(names) == 0 or len(names) + len(others) != frame.shape[1]:
            raise
        as_index = f", or X.set_index({others[0]!r}) if this column names the rows" if len(others) == 1 else ""
        message = str(error).rstrip()
        raise ValueError(f"{message}\nPass the columns of fit, X[detector.feature_names_in_]{as_index}.") from None


def _are_plain(columns: Sequence[Column]) -> bool:
    """Return True if the number of each cell is the cell itself."""
    return are_numeric(columns) and not any(isinstance(column, Ignored) for column in columns)


def _check_size(table: Any, least_rows: int) -> None:
    if len(table) < least_rows:
        needs = "at least 1 row" if least_rows == 1 else f"at least {least_rows} rows"
        raise ValueError(f"X has n_samples={len(table)} (shape={table.shape}), but needs {needs}; pass more rows")
    if table.shape[1] == 0:
        raise ValueError(f"0 feature(s) (shape={table.shape}) while a minimum of 1 is required.")


def rows_of(X: Any, which: np.ndarray) -> Any:
    """Select rows of a table that `check_table` accepts, by index or by a mask (N,)."""
    frame = as_pandas(X)
    which = np.flatnonzero(which) if which.dtype == bool else which
    return _safe_indexing(X, which) if frame is None else frame.iloc[which]


def order_of_time(X: Any, name: str | int, parameter: str = "order") -> np.ndarray:
    """Return the times of rows as numbers (N,), from a column of times or numbers without missing values.

    Times are in seconds, in UTC if they have a time zone. `parameter` names the column in error messages.

    Raises
    ------
    ValueError
        If the column does not exist, or has other or missing cells.
    """
    frame = as_pandas(X)
    frame = pd.DataFrame(np.asarray(X)) if frame is None else frame
    if name not in frame.columns:
        known = ", ".join(map(repr, frame.columns[:20]))
        raise ValueError(
            f"{parameter} names {name!r}, which is not a column of X; the columns are {known}; set {parameter}="
            f"{'None' if parameter == 'time' else repr('rows')} for the order of the rows"
        )
    cells = frame[name]
    cell_type = infer_cell_type(cells)
    if cell_type not in ("numbers", "times"):
        raise ValueError(
            f"{parameter} names column {name!r}, which holds {cell_type}; name a column of times or numbers"
        )
    found = numbers(cells) if cell_type == "numbers" else seconds(cells, None if time_zone_of(cells) is None else "UTC")
    if np.isnan(found).any():
        raise ValueError(
            f"{parameter} names column {name!r}, which has {np.isnan(found).sum()} missing values; drop the rows"
        )
    return found


def labels_of(X: Any) -> list[Any]:
    """Return the labels by which parameters name the columns of a table: names of a frame, positions of an array."""
    frame = as_pandas(X)
    return list(range(as_array(X).shape[1])) if frame is None else frame.columns.tolist()


def cells_as_given(X: Any) -> pd.DataFrame:
    """Return the cells of a table that `check_table` accepts, with rows and columns numbered from 0."""
    frame = as_pandas(X)
    frame = pd.DataFrame(as_array(X)) if frame is None else frame
    return frame.set_axis(range(len(frame)), axis=0).set_axis(range(frame.shape[1]), axis=1)


def _frame_of_array(estimator: Any, X: Any, reset: bool) -> pd.DataFrame:
    """Convert an array whose columns are not all numeric to a frame."""
    cells = np.asarray(X, dtype=object)
    validate_data(estimator, cells, reset=reset, skip_check_array=True)
    return pd.DataFrame(cells).infer_objects()


def check_finite(table: np.ndarray, names: np.ndarray | None, *, allow_nan: bool = False) -> None:
    """Raise a ValueError that counts the infinite values by column, and NaN unless `allow_nan`."""
    if table.dtype.kind in "biu":
        return
    # A finite sum has finite terms, so that one pass suffices; a sum that overflows is checked again.
    with np.errstate(all="ignore"):
        if np.isfinite(np.sum(table, dtype=np.float64)):
            return
    for text, wrong, remedy in (
        ("NaN", np.isnan, "set missing='model', impute the cells (for example with SimpleImputer) or drop the rows"),
        ("infinity (inf)", np.isinf, "replace the cells with finite values or drop the rows"),
    ):
        if allow_nan and wrong is np.isnan:
            continue
        counts = wrong(table).sum(axis=0)
        if counts.any():
            columns = [f"{_name(names, j)} ({counts[j]})" for j in np.flatnonzero(counts).tolist()]
            raise ValueError(f"X contains {text} in {name_columns(columns)}; {remedy}")


def _has_empty_column(array: np.ndarray) -> bool:
    """Return True if all cells of some column are missing."""
    if len(array) == 0 or array.dtype.kind not in "fO":
        return False
    places = np.flatnonzero(pd.isna(array[0]))
    return any(pd.isna(array[:, j]).all() for j in places)


def _name(names: np.ndarray | None, column: int) -> str:
    return str(column) if names is None else repr(str(names[column]))


def _check_column_names(frame: pd.DataFrame) -> None:
    twice = frame.columns[frame.columns.duplicated()].unique()
    if len(twice):
        raise ValueError(f"X has duplicate column names: {', '.join(map(repr, twice))}; rename or drop them")


def _numbers_of_frame(frame: pd.DataFrame, columns: Sequence[Column]) -> np.ndarray:
    parts = [frame.iloc[:, j] for j in range(frame.shape[1])]
    if _are_plain(columns) and all(isinstance(dtype, np.dtype) and dtype.kind in "fiu" for dtype in frame.dtypes):
        for part in parts:
            if part.dtype.kind != "f":
                warn_if_rounded(part, column_label(part))
        return frame.to_numpy()
    return np.column_stack([column.numbers(part) for column, part in zip(columns, parts, strict=True)])


def _numbers_of_array(estimator: Any, X: np.ndarray, reset: bool) -> np.ndarray:
    names = getattr(estimator, "feature_names_in_", None)
    if X.dtype.kind in "SU":
        _raise_for_text(X, names)
    try:
        table = validate_data(estimator, X, reset=reset, dtype="numeric", ensure_all_finite=False, ensure_min_samples=0)
    except OverflowError:
        _numbers_of_frame(pd.DataFrame(X), [Numeric()] * X.shape[1])
        raise
    except (ValueError, TypeError) as error:
        if X.dtype.kind == "O" and "convert" in str(error):
            _raise_for_text(X, names)
        raise
    if table.dtype.kind in "mM":
        raise ValueError(f"X has dtype {table.dtype}, but only numbers are accepted; {_ENCODE_IT}")
    if table.dtype.itemsize > 8:
        with np.errstate(over="ignore"):
            return table.astype(np.float64)
    if table.dtype.kind in "iu" and table.dtype.itemsize == 8:
        for j, column in enumerate(table.T):
            warn_if_rounded(column, str(j))
    return table


def _with_nan(X: Any) -> Any:
    """Replace missing values of pandas among objects by NaN, and keep numbers and text in a list apart."""
    if isinstance(X, np.ndarray):
        return np.where(pd.isna(X), np.nan, X) if X.dtype.kind == "O" else X
    if not isinstance(X, (list, tuple)) or not X or not all(isinstance(row, (list, tuple)) for row in X):
        return X
    rows = [[np.nan if cell is pd.NA or cell is pd.NaT else cell for cell in row] for row in X]
    has_text = any(isinstance(cell, str) for cell in rows[0])
    return np.array(rows, dtype=object) if has_text and len(set(map(len, rows))) == 1 else rows


def _raise_for_text(cells: np.ndarray, names: np.ndarray | None) -> None:
    """Raise a ValueError that names the first column with a cell that is not a number."""
    for j, column in enumerate(cells.T):
        for cell in column:
            try:
                float(cell)
            except (TypeError, ValueError):
                raise ValueError(
                    f"column {_name(names, j)} holds {cell!r}, but only numbers are accepted; {_ENCODE_IT}"
                ) from None
