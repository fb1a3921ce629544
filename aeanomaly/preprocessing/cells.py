"""What the cells of a column hold, whatever library and dtype they came with."""

import datetime
import reprlib
from decimal import Decimal
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd

from aeanomaly._warnings import warn
from aeanomaly.preprocessing import text

CellType = Literal["numbers", "text", "times", "durations", "nothing"]
_BY_INFERENCE: dict[str, CellType] = {
    "string": "text",
    "datetime": "times",
    "datetime64": "times",
    "date": "times",
    "timedelta": "durations",
    "timedelta64": "durations",
    "empty": "nothing",
}
_LARGEST_EXACT_INT = 2**53


def infer_cell_type(cells: pd.Series) -> CellType:
    """What the cells are.

    Raises
    ------
    ValueError
        Where they are none of these, or not all of one family.
    """
    dtype = cells.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "numbers" if pd.api.types.is_numeric_dtype(dtype.categories.dtype) else "text"
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _infer_object_type(cells)
    if _is_numeric(dtype):
        return "numbers"
    if pd.api.types.is_string_dtype(dtype):
        return "text"
    if isinstance(dtype, pd.ArrowDtype) and dtype.kind in "mMO":
        kind = str(dtype.pyarrow_dtype)
        if kind.startswith(("timestamp", "date")):
            return "times"
        if kind.startswith("duration"):
            return "durations"
        if kind.startswith("decimal"):
            return "numbers"
    elif pd.api.types.is_datetime64_any_dtype(dtype):
        return "times"
    elif pd.api.types.is_timedelta64_dtype(dtype):
        return "durations"
    raise ValueError(
        f"column {column_label(cells)} is of dtype {dtype}, and cells must be numbers, truth values, text, times or "
        "durations; convert it, or leave the column out"
    )


def column_label(cells: pd.Series) -> str:
    """The name of a column for a message."""
    return str(cells.name) if isinstance(cells.name, (int, np.integer)) else repr(str(cells.name))


def example_cell(cells: pd.Series) -> str:
    """Return one of the cells for a message."""
    there = cells[cells.notna()]
    return format_cell(there.iloc[0]) if len(there) else "nothing"


def format_cell(cell: Any) -> str:
    """Return a cell for a message: text in quotes, all else as it is printed, not too long."""
    return reprlib.repr(cell) if isinstance(cell, str) else reprlib.repr(str(cell))[1:-1]


def _is_number(value: Any) -> bool:
    return isinstance(value, (Real, Decimal, np.bool_))


def numbers(cells: pd.Series) -> np.ndarray:
    """Cells of the family of numbers -> float64 (N,), NaN for holes."""
    if cells.dtype == object:
        cells = cells.where(cells.notna(), np.nan)
        try:
            found = cells.to_numpy(dtype=np.float64)
        except OverflowError:
            digits = max(len(str(abs(cell))) for cell in cells if isinstance(cell, int))
            raise ValueError(
                f"column {column_label(cells)} holds an integer of {digits} digits, beyond the range of float64; if it is an "
                "identifier leave it out, else divide it or take its logarithm first"
            ) from None
        warn_if_rounded(cells.dropna(), column_label(cells))
        return found
    if not pd.api.types.is_integer_dtype(cells.dtype):
        return cells.to_numpy(dtype=np.float64, na_value=np.nan)
    warn_if_rounded(cells.dropna(), column_label(cells))
    return cells.to_numpy(dtype=np.float64, na_value=np.nan)


def numbers_or_missing(cells: pd.Series) -> np.ndarray:
    """As `numbers`; of cells that are all missing, whatever their dtype, NaN."""
    return np.full(len(cells), np.nan) if cells.isna().all() else numbers(cells)


def warn_if_rounded(values: Any, name: str) -> None:
    """Warn where integers are too large for float64."""
    ends = (values.max(), values.min()) if len(values) else ()
    if any(abs(int(end)) > _LARGEST_EXACT_INT for end in ends if isinstance(end, (int, np.integer))):
        warn(
            f"column {name} holds integers beyond 2**53, which float64 rounds; "
            "if it is an identifier leave it out, else subtract a constant first"
        )


def time_zone_of(cells: pd.Series) -> str | None:
    """The time zone of cells of the family of times."""
    zone = getattr(times(cells).dtype, "tz", None)
    return None if zone is None else str(zone)


def seconds(cells: pd.Series, zone: str | None) -> np.ndarray:
    """Times -> seconds since 1970 on the clock of `zone`, float64 (N,), NaN for holes."""
    points = times(cells)
    found = getattr(points.dtype, "tz", None)
    if (found is None) != (zone is None) and points.notna().any():
        had = "none" if zone is None else f"one ({zone})"
        has = "none" if found is None else f"one ({found})"
        raise ValueError(
            f"column {column_label(cells)} holds times that have {'no' if found is None else 'a'} time zone, and those of "
            f"training had {had}, these {has}; use .dt.tz_localize or .dt.tz_convert"
        )
    if found is not None:
        points = points.dt.tz_convert(zone).dt.tz_localize(None)
    steps = points.to_numpy("datetime64[us]")
    return np.where(np.isnat(steps), np.nan, steps.astype(np.int64) / 1e6)


def duration_seconds(cells: pd.Series) -> np.ndarray:
    """Durations -> seconds, float64 (N,), NaN for holes."""
    spans = pd.to_timedelta(cells).to_numpy("timedelta64[us]")
    return np.where(np.isnat(spans), np.nan, spans.astype(np.int64) / 1e6)


def times(cells: pd.Series) -> pd.Series:
    """Return cells of the family of times, or of text that holds times, as datetime64; a ValueError for others."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype) and not isinstance(cells.dtype, pd.ArrowDtype):
        return cells
    try:
        return text.times(cells) if infer_cell_type(cells) == "text" else pd.to_datetime(cells)
    except text.CellError as error:
        reason = f"{error.text!r} in row {error.row}, {error.reason}"
    except (ValueError, TypeError, OverflowError) as error:
        reason = f"what cannot be read as a time: {str(error).split('. ')[0].split(', at position')[0]}"
    raise ValueError(
        f"column {column_label(cells)} holds {reason}; write times as 2024-05-31 or 2024-05-31T12:30:00, all with one time "
        "zone or all without, or leave the column out"
    )


def _infer_object_type(cells: pd.Series) -> CellType:
    inferred = pd.api.types.infer_dtype(cells, skipna=True)
    if inferred in _BY_INFERENCE:
        return _BY_INFERENCE[inferred]
    there = cells[cells.notna()]
    found: dict[str, Any] = {}
    for cell in there:
        cell_type = _type_of_cell(cell)
        if cell_type is None:
            raise ValueError(
                f"column {column_label(cells)} holds {reprlib.repr(cell)}, which is not a number, a truth value, text, a date "
                "or a duration; convert it to one of these, or leave the column out"
            )
        found.setdefault(cell_type, cell)
    if len(found) > 1:
        (first, one), (second, other) = list(found.items())[:2]
        raise ValueError(
            f"column {column_label(cells)} holds both {first} and {second} ({format_cell(one)} and {format_cell(other)}); correct it, "
            "or convert all of it with .astype(str) to encode it as categories"
        )
    return next(iter(found), "nothing")  # type: ignore[arg-type]


def _type_of_cell(cell: Any) -> CellType | None:
    if _is_number(cell):
        return "numbers"
    if isinstance(cell, str):
        return "text"
    if isinstance(cell, (datetime.date, np.datetime64)):
        return "times"
    return "durations" if isinstance(cell, (datetime.timedelta, np.timedelta64)) else None


def _is_numeric(dtype: Any) -> bool:
    # Asked apart, as pandas does not count Arrow's truth values among its numbers.
    numeric = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    return numeric and not pd.api.types.is_complex_dtype(dtype)
