"""What the cells of a column hold, whatever library and dtype they came with."""

import warnings
from decimal import Decimal
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd

Family = Literal["numbers", "text", "times", "durations", "nothing"]
_BY_INFERENCE: dict[str, Family] = {
    "string": "text",
    "datetime": "times",
    "datetime64": "times",
    "date": "times",
    "timedelta": "durations",
    "timedelta64": "durations",
    "empty": "nothing",
}
_LARGEST_EXACT_INT = 2**53


def family_of(cells: pd.Series) -> Family:
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
        return _family_of_objects(cells)
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
        f"column {named(cells)} is of dtype {dtype}, and cells must be numbers, truth values, text, times or "
        "durations; convert it, or leave the column out"
    )


def named(cells: pd.Series) -> str:
    """The name of a column for a message."""
    return str(cells.name) if isinstance(cells.name, (int, np.integer)) else repr(str(cells.name))


def example(cells: pd.Series) -> str:
    """One of the cells for a message."""
    there = cells[cells.notna()]
    return repr(there.iloc[0]) if len(there) else "nothing"


def _is_number(value: Any) -> bool:
    return isinstance(value, (Real, Decimal, np.bool_))


def numbers(cells: pd.Series) -> np.ndarray:
    """Cells of the family of numbers -> float64 (N,), NaN for holes."""
    if cells.dtype == object:
        cells = cells.where(cells.notna(), np.nan)
    elif not pd.api.types.is_integer_dtype(cells.dtype):
        return cells.to_numpy(dtype=np.float64, na_value=np.nan)
    warn_if_rounded(cells.dropna(), named(cells))
    return cells.to_numpy(dtype=np.float64, na_value=np.nan)


def warn_if_rounded(values: Any, name: str) -> None:
    """Warn where integers are too large for float64."""
    if len(values) and max(abs(int(values.max())), abs(int(values.min()))) > _LARGEST_EXACT_INT:
        warnings.warn(
            f"column {name} holds integers beyond 2**53, which float64 rounds; "
            "if it is an identifier leave it out, else subtract a constant first",
            UserWarning,
            stacklevel=2,
        )


def zone_of(cells: pd.Series) -> str | None:
    """The time zone of cells of the family of times."""
    zone = getattr(_times(cells).dtype, "tz", None)
    return None if zone is None else str(zone)


def seconds(cells: pd.Series, zone: str | None) -> np.ndarray:
    """Times -> seconds since 1970 on the clock of `zone`, float64 (N,), NaN for holes."""
    times = _times(cells)
    found = getattr(times.dtype, "tz", None)
    if (found is None) != (zone is None) and times.notna().any():
        had = "none" if zone is None else f"one ({zone})"
        has = "none" if found is None else f"one ({found})"
        raise ValueError(
            f"column {named(cells)} holds times that have {'no' if found is None else 'a'} time zone, and those of "
            f"training had {had}, these {has}; use .dt.tz_localize or .dt.tz_convert"
        )
    if found is not None:
        times = times.dt.tz_convert(zone).dt.tz_localize(None)
    points = times.to_numpy("datetime64[us]")
    return np.where(np.isnat(points), np.nan, points.astype(np.int64) / 1e6)


def lengths(cells: pd.Series) -> np.ndarray:
    """Durations -> seconds, float64 (N,), NaN for holes."""
    spans = pd.to_timedelta(cells).to_numpy("timedelta64[us]")
    return np.where(np.isnat(spans), np.nan, spans.astype(np.int64) / 1e6)


def _times(cells: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(cells.dtype) and not isinstance(cells.dtype, pd.ArrowDtype):
        return cells
    is_text = family_of(cells) == "text"
    try:
        return pd.to_datetime(cells, format="ISO8601" if is_text else None)
    except (ValueError, TypeError, OverflowError) as error:
        reason = str(error).split(". ")[0].split(", at position")[0]
        raise ValueError(
            f"column {named(cells)} holds what cannot be read as a time: {reason}; write times as 2024-05-31 or "
            "2024-05-31T12:30:00, all with one time zone or all without, or leave the column out"
        ) from None


def _family_of_objects(cells: pd.Series) -> Family:
    inferred = pd.api.types.infer_dtype(cells, skipna=True)
    if inferred in _BY_INFERENCE:
        return _BY_INFERENCE[inferred]
    there = cells[cells.notna()]
    odd = next((cell for cell in there if not _is_number(cell)), None)
    if odd is None:
        return "numbers"
    kinds = {"text" if isinstance(cell, str) else "numbers" if _is_number(cell) else "else" for cell in there}
    if kinds == {"text", "numbers"}:
        number = next(cell for cell in there if _is_number(cell))
        raise ValueError(
            f"column {named(cells)} holds both numbers and text ({number!r} and {odd!r}); correct it, or convert "
            "all of it with .astype(str) to encode it as levels"
        )
    raise ValueError(
        f"column {named(cells)} holds {odd!r}, and a cell must be a number, a truth value, text, a time or a duration; "
        "encode it by one or more of these, or leave the column out"
    )


def _is_numeric(dtype: Any) -> bool:
    # Asked apart, as pandas does not count Arrow's truth values among its numbers.
    numeric = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    return numeric and not pd.api.types.is_complex_dtype(dtype)
