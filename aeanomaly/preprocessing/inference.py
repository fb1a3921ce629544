"""Inference of column types from dtypes, cells and the user's `column_types`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly._warnings import warn
from aeanomaly.preprocessing import text
from aeanomaly.preprocessing.cells import CellType, column_label, infer_cell_type, numbers, seconds, time_zone_of
from aeanomaly.preprocessing.columns import (
    PERIODS,
    Categorical,
    Column,
    Datetime,
    Duration,
    Logarithmic,
    Numeric,
    Ordinal,
    check_names,
    plain,
)

#: Accepted values of `column_types`, besides an ordered list of categories for an ordinal column.
COLUMN_TYPES = ("numeric", "logarithmic", "categorical", "ordinal", "datetime", "duration")
#: Maximum number of categories of a categorical column.
_MOST_CATEGORIES = 100
#: Wide counts have at least this number of distinct values, and a 99 % quantile of at least this multiple of the
#: median of the positive values.
_LEAST_COUNTS, _WIDE = 20, 5.0
#: Number of values that are checked before the whole column.
_FIRST = 1000
#: Kind of column for each type of cells.
DEFAULT_KIND: dict[CellType, str] = {
    "numbers": "numeric",
    "text": "categorical",
    "times": "datetime",
    "durations": "duration",
}


def infer_columns(frame: pd.DataFrame, column_types: Mapping[Any, Any] | None) -> tuple[Column, ...]:
    """Infer the column types of a frame; keys of `column_types` are names, or positions without names."""
    asked = dict(column_types or {})
    check_names("column_types", asked, frame.columns.tolist())
    return tuple(_infer(frame.iloc[:, j], asked.get(name)) for j, name in enumerate(frame.columns))


def _infer(cells: pd.Series, asked: Any) -> Column:
    cell_type = infer_cell_type(cells)
    if cells.isna().all():
        raise ValueError(f"column {column_label(cells)} is NaN in all {len(cells)} rows; drop the column")
    if isinstance(asked, (list, tuple)):
        return _checked(Ordinal(tuple(plain(category) for category in asked)), cells)
    kind = asked or _usual_kind(cells, cell_type)
    if kind == "categorical" and cell_type in ("text", "numbers"):
        return _categorical(cells)
    if kind == "ordinal" and (cell_type == "numbers" or isinstance(cells.dtype, pd.CategoricalDtype)):
        return _ordinal(cells)
    if kind == "datetime" and cell_type in ("times", "text"):
        return _datetime(cells)
    if kind == "duration" and cell_type == "durations":
        return Duration()
    if (
        kind in ("numeric", "logarithmic")
        and cell_type == "numbers"
        and not isinstance(cells.dtype, pd.CategoricalDtype)
    ):
        return Numeric() if kind == "numeric" else _logarithmic(cells)
    raise ValueError(
        f"column {column_label(cells)} holds {cell_type}, but column_types declares it {kind!r}; "
        + (
            f"list its categories in order, such as column_types={{{column_label(cells)}: ['low', 'high']}}"
            if kind == "ordinal"
            else "convert the column or change column_types"
        )
    )


def mark_count_columns(
    table: np.ndarray,
    columns: Sequence[Column],
    declared: Collection[Any],
    names: Sequence[Any] | None,
) -> tuple[Column, ...]:
    """Replace numeric columns that hold wide counts by `Logarithmic`, except the `declared` ones."""
    names = range(len(columns)) if names is None else names
    return tuple(
        Logarithmic(1.0)
        if isinstance(column, Numeric) and name not in declared and _are_wide_counts(table[:, j])
        else column
        for j, (column, name) in enumerate(zip(columns, names, strict=True))
    )


def _are_wide_counts(numbers: np.ndarray) -> bool:
    """Return True if the values, of any dtype, are nonnegative integers with a long tail."""
    for part in (numbers[:_FIRST], numbers):
        there = part if part.dtype.kind in "biu" else part[~np.isnan(part)]
        if len(there) == 0:
            continue
        if there.min() < 0 or (there.dtype.kind == "f" and (there != np.floor(there)).any()):
            return False
    there = there.astype(np.float64)
    positive = there[there > 0]
    if 2 * len(positive) < len(there) or len(np.unique(there)) < _LEAST_COUNTS:
        return False
    return bool(np.quantile(there, 0.99) >= _WIDE * np.median(positive))


def _logarithmic(cells: pd.Series) -> Column:
    """Return a logarithmic column with a unit of 1 for integers, else the 5 % quantile of the positive values."""
    found = numbers(cells)
    positive = found[found > 0]
    are_integers = bool((found[np.isfinite(found)] == np.floor(found[np.isfinite(found)])).all())
    return Logarithmic(1.0 if are_integers or len(positive) == 0 else float(np.quantile(positive, 0.05)))


def _usual_kind(cells: pd.Series, cell_type: CellType) -> str:
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return "ordinal" if cells.dtype.ordered else "categorical"
    return DEFAULT_KIND[cell_type]


def _checked(column: Ordinal, cells: pd.Series) -> Column:
    unknown = cells[cells.notna() & (column.numbers(cells) == column.unknown)]
    if len(unknown):
        raise ValueError(
            f"column {column_label(cells)} holds {unknown.iloc[0]!r}, which is not listed in column_types; "
            f"it lists {', '.join(map(repr, column.categories))}"
        )
    return column


def _ordinal(cells: pd.Series) -> Column:
    has_order = isinstance(cells.dtype, pd.CategoricalDtype)
    categories = cells.cat.categories if has_order else np.sort(cells.dropna().unique())
    return Ordinal(tuple(map(plain, categories)))


def _categorical(cells: pd.Series) -> Column:
    counts = cells.value_counts(sort=False)
    counts = counts[counts > 0]
    # Sorted by frequency, then by name, so that the result does not depend on the order of the rows.
    pairs = ((-int(n), plain(category)) for category, n in counts.items())
    categories = sorted(pairs, key=lambda pair: (pair[0], str(pair[1])))
    if len(categories) > _MOST_CATEGORIES:
        as_times = f", or set column_types={{{column_label(cells)}: 'datetime'}} if it holds times"
        rest = sum(-n for n, _ in categories[_MOST_CATEGORIES:])
        warn(
            f"column {column_label(cells)} has {len(categories):,} categories; the {_MOST_CATEGORIES} most frequent "
            f"are kept, and the others, in {rest / len(cells):.0%} of the rows, share one; drop the column if it "
            "identifies rows" + (as_times if text.are_times(cells) else ""),
        )
    kept = [category for _, category in categories[:_MOST_CATEGORIES]]
    return Categorical(tuple(sorted(kept, key=lambda category: (isinstance(category, str), category))))


def _datetime(cells: pd.Series) -> Column:
    zone = time_zone_of(cells)
    times = seconds(cells, zone)
    times = times[np.isfinite(times)]
    start, end = float(times.min()), float(times.max())
    return Datetime(zone, start, end, tuple(name for name in PERIODS if _varies(times, name, end - start)))


def _varies(times: np.ndarray, name: str, span: float) -> bool:
    """Return True if the phases in a period differ, and the times span at least two periods."""
    period = PERIODS[name]
    return span >= 2 * period and bool(np.ptp(times % period) > 0)
