"""Conversion of tables of any library to frames of pandas with common dtypes, or to arrays."""

import datetime
import enum
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

_SUPPORTED = (
    "a DataFrame of pandas or polars, an Arrow table, a two-dimensional array, a list of rows or dicts, or a dict of "
    "columns"
)
_TO_RESHAPE = "use X.reshape(-1, 1) for one column, or X.reshape(1, -1) for one row (Reshape your data)"


def collect(X: Any) -> Any:
    """Read a table that can be read only once, or that is a query; return other tables unchanged."""
    module = type(X).__module__.partition(".")[0]
    if module == "polars" and callable(getattr(X, "collect", None)):  # LazyFrame
        return X.collect()
    if module == "pyarrow" and callable(getattr(X, "read_all", None)):  # RecordBatchReader
        return X.read_all()
    if "duckdb" in module and callable(getattr(X, "df", None)):
        return X.df()
    return X


def as_pandas(X: Any) -> pd.DataFrame | None:
    """Convert a frame of any supported library to pandas with common dtypes; return None for other objects."""
    frame = _to_pandas(collect(X))
    return None if frame is None else _with_common_dtypes(frame)


def as_array(X: Any) -> np.ndarray:
    """Convert rows that are not a frame to an array (N, F).

    Raises
    ------
    TypeError
        If X is not a table, or sparse.
    ValueError
        If X does not have two dimensions, or is complex.
    """
    if hasattr(X, "tocsr") or "sparse" in str(getattr(X, "layout", "")):
        dense = "X.toarray()" if hasattr(X, "toarray") else "X.to_dense()"
        raise TypeError(f"X is sparse ({type(X).__name__}), but rows must be dense; pass {dense} if memory suffices")
    kind = type(X).__name__
    if isinstance(X, (str, bytes, set)) or hasattr(X, "__fspath__") or X is None:
        files = "; use aeanomaly.read_table to read a file" if isinstance(X, str) or hasattr(X, "__fspath__") else ""
        raise TypeError(f"X is of type {kind}, but must be {_SUPPORTED}{files or '; convert it'}")
    if isinstance(X, np.ma.MaskedArray):
        X = np.where(np.ma.getmaskarray(X), np.nan, X.data)
    if callable(getattr(X, "detach", None)):  # torch
        X = X.detach().cpu()
    elif hasattr(X, "__cuda_array_interface__") and callable(getattr(X, "get", None)):  # CuPy
        X = X.get()
    try:
        array = np.asarray(X)
    except ValueError:
        lengths = sorted({len(row) for row in X if hasattr(row, "__len__")}) if isinstance(X, (list, tuple)) else []
        if len(lengths) > 1:
            got = f"rows of different lengths, {lengths[0]} to {lengths[-1]} cells"
            raise ValueError(f"X has {got}; pass rows of the same length") from None
        raise
    except TypeError:
        raise TypeError(f"X is of type {kind}, but must be {_SUPPORTED}; convert it") from None
    if array.dtype.kind == "c":
        raise ValueError(
            "Complex data not supported: X holds complex numbers; pass their real and imaginary parts as columns"
        )
    if array.ndim == 0:
        raise TypeError(f"X is of type {kind} (shape ()), but must be {_SUPPORTED}; convert it")
    if array.ndim != 2:
        remedy = _TO_RESHAPE if array.ndim == 1 else "reshape it to (n_samples, n_features)"
        remedy = "use X.to_frame() for one column, or X.to_frame().T for one row" if hasattr(X, "to_frame") else remedy
        raise ValueError(
            f"X is of type {kind} with shape {array.shape}, but a table must have two dimensions; {remedy}"
        )
    return array


def _to_pandas(X: Any) -> pd.DataFrame | None:
    if isinstance(X, pd.DataFrame):
        return X
    if isinstance(X, np.ndarray):
        return None if X.dtype.names is None else pd.DataFrame({name: X[name] for name in X.dtype.names})
    if isinstance(X, Mapping) and not hasattr(X, "tocsr"):
        return _frame_of_dict(X)
    if isinstance(X, (list, tuple)):
        return pd.DataFrame(X) if len(X) and all(isinstance(row, Mapping) for row in X) else None
    try:
        frame = _of_library(X)
    except AttributeError:
        return None
    return frame if isinstance(frame, pd.DataFrame) else None


def _of_library(X: Any) -> Any:
    """Convert a frame of polars or pyarrow, or any object with the method `to_pandas`."""
    schema = getattr(X, "schema", None)
    if isinstance(schema, Mapping):  # polars
        wide = [name for name, dtype in schema.items() if str(dtype) in ("Int128", "UInt128")]
        if wide:  # which other libraries do not know
            frame = X.drop(wide).to_pandas()
            integers = {name: pd.Series(X[name].to_list(), dtype=object) for name in wide}
            return pd.DataFrame({name: integers[name] if name in wide else frame[name] for name in schema})
    try:
        return X.to_pandas()
    except ImportError:  # polars without pyarrow
        return pd.DataFrame(X.to_dict(as_series=False))
    except ValueError as error:
        if "cannot be null" not in str(error):
            raise
        columns = [column.cast(getattr(column.type, "value_type", column.type)) for column in X.itercolumns()]
        return type(X).from_arrays(columns, names=X.column_names).to_pandas()


def _frame_of_dict(X: Mapping[Any, Any]) -> pd.DataFrame:
    lengths = {
        name: len(cells) for name, cells in X.items() if hasattr(cells, "__len__") and not isinstance(cells, str)
    }
    if len(lengths) < len(X):
        name = next(name for name in X if name not in lengths)
        remedy = "pass its item 'data'" if hasattr(X.get("data"), "shape") else "pass a dict of columns, or a DataFrame"
        raise TypeError(f"X is a {type(X).__name__} whose item {name!r} is not a column; {remedy}")
    if len(set(lengths.values())) > 1:
        (first, a), (second, b) = next(
            (pair, other) for pair in lengths.items() for other in lengths.items() if pair[1] != other[1]
        )
        raise ValueError(
            f"column {first!r} has {a} rows, but column {second!r} has {b}; pass columns of the same length"
        )
    if not X:
        raise ValueError("X is a dict without columns: 0 feature(s) while a minimum of 1 is required; pass columns")
    return pd.DataFrame(dict(X))


def _with_common_dtypes(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert the columns of rare dtypes; the frame itself is returned if it has none."""
    converters = {}
    for place, dtype in enumerate(frame.dtypes):
        converter = _converter_of_dtype(dtype) or (
            _converter_of_objects(frame.iloc[:, place]) if dtype == np.dtype(object) else None
        )
        if converter is not None:
            converters[place] = converter
    if not converters:
        return frame
    columns = [frame.iloc[:, j] for j in range(frame.shape[1])]
    converted = [converters[j](cells) if j in converters else cells for j, cells in enumerate(columns)]
    return pd.concat(converted, axis=1).set_axis(frame.columns, axis=1)


def _converter_of_dtype(dtype: Any) -> Callable[[pd.Series], pd.Series] | None:
    """Return the function that converts cells of a dtype, or None if the dtype is common."""
    if isinstance(dtype, np.dtype):
        if dtype.kind == "f" and dtype.itemsize > 8:
            return _to_float64
        return None if dtype.isnative else lambda cells: cells.astype(dtype.newbyteorder("="))
    if isinstance(dtype, pd.PeriodDtype):
        return lambda cells: cells.dt.to_timestamp()
    if isinstance(dtype, pd.IntervalDtype):
        return _midpoints
    if isinstance(dtype, pd.SparseDtype):
        return lambda cells: pd.Series(np.asarray(cells.array), index=cells.index, name=cells.name)
    if not isinstance(dtype, pd.ArrowDtype):
        return None
    kind = str(dtype.pyarrow_dtype)
    if kind.startswith(("time32", "time64")):
        return lambda cells: _times_of_day(cells.astype(object))
    if kind.startswith("dictionary"):
        return lambda cells: cells.astype(object).astype("category")
    if kind == "null":
        return lambda cells: pd.Series(np.nan, index=cells.index, name=cells.name)
    if kind == "string_view":
        return _refuse_string_view
    return None


def _to_float64(cells: pd.Series) -> pd.Series:
    with np.errstate(over="ignore"):
        return cells.astype(np.float64)


def _refuse_string_view(cells: pd.Series) -> pd.Series:
    raise ValueError(
        f"column {str(cells.name)!r} has dtype string_view, which pandas cannot read; convert it to string"
    )


def _converter_of_objects(cells: pd.Series) -> Callable[[pd.Series], pd.Series] | None:
    """Return the function that converts objects of the type of the first one; others remain, and are refused."""
    first = next((cell for cell in cells if not _is_missing(cell)), None)
    if isinstance(first, enum.Enum):
        return lambda cells: _map(
            cells, type(first), lambda cell: int(cell) if isinstance(cell, int) else _text_of(cell)
        )
    if isinstance(first, uuid.UUID):
        return lambda cells: _map(cells, uuid.UUID, str)
    if isinstance(first, datetime.time):
        return _times_of_day
    if isinstance(first, pd.Period):
        return lambda cells: pd.to_datetime(_map(cells, pd.Period, lambda cell: cell.to_timestamp()))
    return _midpoints if isinstance(first, pd.Interval) else None


def _is_missing(cell: Any) -> bool:
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and cell != cell)


def _text_of(member: enum.Enum) -> str:
    return member.value if isinstance(member.value, str) and isinstance(member, str) else member.name


def _map(cells: pd.Series, kind: type, convert: Callable[[Any], Any]) -> pd.Series:
    """Convert cells if all are of a type or missing."""
    if not all(isinstance(cell, kind) or _is_missing(cell) for cell in cells):
        return cells
    found = [None if _is_missing(cell) else convert(cell) for cell in cells]
    return pd.Series(found, index=cells.index, name=cells.name, dtype=object).infer_objects()


def _midpoints(cells: pd.Series) -> pd.Series:
    return _map(cells.astype(object), pd.Interval, lambda cell: cell.mid)


def _times_of_day(cells: pd.Series) -> pd.Series:
    """Convert times of day to times on the first day of 1970, for which `Datetime` has a daily cycle only."""
    day = datetime.date(1970, 1, 1)
    combined = _map(cells, datetime.time, lambda cell: datetime.datetime.combine(day, cell.replace(tzinfo=None)))
    return combined if combined is cells else pd.to_datetime(combined)
