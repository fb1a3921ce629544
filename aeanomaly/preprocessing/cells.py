"""Cell types of columns, for all supported libraries and dtypes."""

import datetime
import reprlib
from decimal import Decimal
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd

from aeanomaly._warnings import warn
from aeanomaly.reading import parse_time_texts

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
#: Digits of the largest float64.
_MOST_DIGITS = 308
_LARGEST_EXACT_INT = 2**53


def infer_cell_type(cells: pd.Series) -> CellType:
    """Infer the type of the cells of a column.

    Raises
    ------
    ValueError
        If the type is not supported, or the cells are of several types.
    """
    dtype = cells.dtype
    if isinstance(dtype, np.dtype) and dtype.kind == "S":
        raise ValueError(f"column {column_label(cells)} holds bytes ({cells.iloc[0]!r}); decode or drop the column")
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
        f"column {column_label(cells)} has dtype {dtype}, but cells must be numbers, booleans, text, times or "
        "durations; convert or drop the column"
    )


def column_label(cells: pd.Series) -> str:
    """Return the name of a column for a message."""
    return str(cells.name) if isinstance(cells.name, (int, np.integer)) else repr(str(cells.name))


def format_cell(cell: Any) -> str:
    """Return a shortened cell for a message, with text in quotes."""
    return reprlib.repr(cell) if isinstance(cell, str) else reprlib.repr(str(cell))[1:-1]


def cell_texts(cells: pd.Series) -> np.ndarray:
    """Return cells of any type as text (N,), so that integers are alike in any dtype; "missing" for missing values."""
    codes, found = pd.factorize(cells)
    return np.array([*map(_cell_text, found), "missing"], dtype=object)[codes]  # the code of a missing value is -1


def _cell_text(value: Any) -> str:
    is_integral = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value)) if is_integral else str(value)


def numbers(cells: pd.Series) -> np.ndarray:
    """Convert cells of type "numbers" to float64 (N,), with NaN for missing values."""
    try:
        found = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    except OverflowError:
        digits = max((len(str(abs(cell))) for cell in cells if isinstance(cell, int)), default=0)
        largest = f"an integer of {digits} digits" if digits > _MOST_DIGITS else "a number"
        raise ValueError(
            f"column {column_label(cells)} holds {largest}, beyond the range of float64; drop the column if it is "
            "an identifier, otherwise divide it or take its logarithm"
        ) from None
    if cells.dtype == object or pd.api.types.is_integer_dtype(cells.dtype):
        warn_if_rounded(cells.dropna(), column_label(cells))
    return found


def numbers_or_missing(cells: pd.Series) -> np.ndarray:
    """Return the output of `numbers`, or NaN if all cells are missing, for any dtype."""
    return np.full(len(cells), np.nan) if cells.isna().all() else numbers(cells)


def warn_if_rounded(values: Any, name: str) -> None:
    """Warn of integers that float64 cannot represent exactly."""
    ends = (values.max(), values.min()) if len(values) else ()
    if any(abs(int(end)) > _LARGEST_EXACT_INT for end in ends if isinstance(end, (int, np.integer))):
        warn(
            f"column {name} holds integers beyond 2**53, which float64 rounds; "
            "drop the column if it is an identifier, otherwise subtract a constant"
        )


def time_zone_of(cells: pd.Series) -> str | None:
    """Return the time zone of cells of type "times"."""
    zone = getattr(times(cells).dtype, "tz", None)
    return None if zone is None else str(zone)


def seconds(cells: pd.Series, zone: str | None) -> np.ndarray:
    """Convert times to seconds since 1970 in local time of `zone`, float64 (N,), with NaN for missing values."""
    points = times(cells)
    found = getattr(points.dtype, "tz", None)
    if (found is None) != (zone is None) and points.notna().any():
        had = "without a time zone" if zone is None else f"with time zone {zone}"
        has = "without a time zone" if found is None else f"with time zone {found}"
        raise ValueError(
            f"column {column_label(cells)} holds times {has}, but held times {had} in training; use "
            ".dt.tz_localize or .dt.tz_convert"
        )
    if found is not None:
        points = points.dt.tz_convert(zone).dt.tz_localize(None)
    steps = points.to_numpy("datetime64[us]")
    return np.where(np.isnat(steps), np.nan, steps.astype(np.int64) / 1e6)


def duration_seconds(cells: pd.Series) -> np.ndarray:
    """Convert durations to seconds, float64 (N,), with NaN for missing values."""
    spans = pd.to_timedelta(cells).to_numpy("timedelta64[us]")
    return np.where(np.isnat(spans), np.nan, spans.astype(np.int64) / 1e6)


def times(cells: pd.Series) -> pd.Series:
    """Convert cells of type "times", or text with times, to datetime64; raise a ValueError for other cells."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype) and not isinstance(cells.dtype, pd.ArrowDtype):
        return cells
    try:
        return parse_time_texts(cells) if infer_cell_type(cells) == "text" else _times_of_objects(cells)
    except (ValueError, TypeError, OverflowError) as error:
        reason = str(error).split(". ")[0].split(", at position")[0]
    raise ValueError(
        f"column {column_label(cells)} cannot be read as times: {reason}; write times as 2024-05-31 or "
        "2024-05-31T12:30:00, all with a time zone or all without, or drop the column"
    )


def _times_of_objects(cells: pd.Series) -> pd.Series:
    """Convert objects to datetime64; times with several offsets from UTC are converted to UTC."""
    zones = {str(getattr(cell, "tzinfo", None)) for cell in cells if not pd.isna(cell)}
    if len(zones) > 1 and "None" in zones:
        raise ValueError("only some times have a time zone")
    return pd.to_datetime(cells, utc=True) if len(zones) > 1 else pd.to_datetime(cells)


def _infer_object_type(cells: pd.Series) -> CellType:
    inferred = pd.api.types.infer_dtype(cells, skipna=True)
    if inferred in _BY_INFERENCE:
        return _BY_INFERENCE[inferred]
    there = cells[cells.notna()]
    found: dict[str, Any] = {}
    for cell in there:
        cell_type = _type_of_cell(cell)
        if cell_type is None:
            shown = " ".join(reprlib.repr(cell).split())
            raise ValueError(
                f"column {column_label(cells)} holds {shown}, which is not a number, a boolean, text, a "
                "date or a duration; convert or drop the column"
            )
        found.setdefault(cell_type, cell)
    if len(found) > 1:
        (first, one), (second, other) = list(found.items())[:2]
        raise ValueError(
            f"column {column_label(cells)} holds both {first} and {second} ({format_cell(one)} and "
            f"{format_cell(other)}); correct it, or convert it with .astype(str) to encode it as categories"
        )
    return next(iter(found), "nothing")  # type: ignore[arg-type]


def _type_of_cell(cell: Any) -> CellType | None:
    if isinstance(cell, (Real, Decimal, np.bool_)):
        return "numbers"
    if isinstance(cell, str):
        return "text"
    if isinstance(cell, (datetime.date, np.datetime64)):
        return "times"
    return "durations" if isinstance(cell, (datetime.timedelta, np.timedelta64)) else None


def _is_numeric(dtype: Any) -> bool:
    # Tested separately, because pandas does not count booleans of Arrow as numeric.
    numeric = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    return numeric and not pd.api.types.is_complex_dtype(dtype)
