"""Which column is what: by its dtype and cells, or as the user says."""

from collections.abc import Mapping, Sequence
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
    plain,
)

#: What a user may say that a column is; a list of levels in order is an ordinal one, too.
COLUMN_TYPES = ("numeric", "logarithmic", "categorical", "ordinal", "datetime", "duration")
#: Levels of a categorical column that are told apart at most.
_MOST_LEVELS = 100
#: Counts that range wide: of so many values, at least half of them above 0, and of these a hundredth beyond so many
#: times the middle.
_LEAST_COUNTS, _WIDE = 20, 5.0
#: Numbers that are looked at before the whole column is.
_FIRST = 1000
_DEFAULT_KIND: dict[CellType, str] = {
    "numbers": "numeric",
    "text": "categorical",
    "times": "datetime",
    "durations": "duration",
}


def infer_columns(frame: pd.DataFrame, column_types: Mapping[Any, Any] | None) -> tuple[Column, ...]:
    """What each column of a frame is; keys of `column_types` are names, or places where there are none."""
    asked = dict(column_types or {})
    unknown = [key for key in asked if key not in frame.columns]
    if unknown:
        shown = ", ".join(map(repr, frame.columns[:20]))
        raise ValueError(f"column_types names {unknown[0]!r}, which is no column; X has {shown}")
    return tuple(_infer(frame.iloc[:, j], asked.get(name)) for j, name in enumerate(frame.columns))


def _infer(cells: pd.Series, asked: Any) -> Column:
    cell_type = infer_cell_type(cells)
    if cell_type == "nothing" or cells.isna().all():
        raise ValueError(
            f"column {column_label(cells)} is NaN in all {len(cells)} rows, and nothing can be learned from it; leave it out"
        )
    if isinstance(asked, (list, tuple)):
        return _checked(Ordinal(tuple(plain(level) for level in asked)), cells)
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
        f"column {column_label(cells)} holds {cell_type}, and column_types says {kind!r}; "
        + (
            f"give its levels in their order: column_types={{{column_label(cells)}: ['low', 'high']}}, say"
            if kind == "ordinal"
            else "convert the column, or say otherwise"
        )
    )


def mark_count_columns(
    table: np.ndarray,
    columns: Sequence[Column],
    column_types: Mapping[Any, Any] | None,
    names: Sequence[Any] | None,
) -> tuple[Column, ...]:
    """The columns, those that hold counts of a wide range as `Logarithmic`, unless the user says what they are."""
    said = set(column_types or {})
    names = range(len(columns)) if names is None else names
    return tuple(
        Logarithmic(1.0)
        if isinstance(column, Numeric) and name not in said and _are_wide_counts(table[:, j])
        else column
        for j, (column, name) in enumerate(zip(columns, names, strict=True))
    )


def _are_wide_counts(numbers: np.ndarray) -> bool:
    """Whether ratios matter in a column: by what is there of it, whatever its dtype."""
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
    """Its unit is 1 for whole numbers, else a small one of the column."""
    found = numbers(cells)
    positive = found[found > 0]
    whole = bool((found[np.isfinite(found)] == np.floor(found[np.isfinite(found)])).all())
    return Logarithmic(1.0 if whole or len(positive) == 0 else float(np.quantile(positive, 0.05)))


def _usual_kind(cells: pd.Series, cell_type: CellType) -> str:
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return "ordinal" if cells.dtype.ordered else "categorical"
    return _DEFAULT_KIND[cell_type]


def _checked(column: Ordinal, cells: pd.Series) -> Column:
    unknown = cells[cells.notna() & (column.numbers(cells) == column.unknown)]
    if len(unknown):
        raise ValueError(
            f"column {column_label(cells)} holds {unknown.iloc[0]!r}, which column_types does not list; "
            f"it lists {', '.join(map(repr, column.categories))}"
        )
    return column


def _ordinal(cells: pd.Series) -> Column:
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return Ordinal(tuple(plain(level) for level in cells.cat.categories))
    return Ordinal(tuple(plain(level) for level in np.sort(cells.dropna().unique())))


def _categorical(cells: pd.Series) -> Column:
    counts = cells.value_counts(sort=False)
    counts = counts[counts > 0]
    # By their number, then by name: in whatever order rows come, the same levels.
    levels = sorted(((-int(n), plain(level)) for level, n in counts.items()), key=lambda pair: (pair[0], str(pair[1])))
    if len(levels) > _MOST_LEVELS:
        as_times = f", or say column_types={{{column_label(cells)}: 'datetime'}} if it holds times"
        rest = sum(-n for n, _ in levels[_MOST_LEVELS:])
        warn(
            f"column {column_label(cells)} has {len(levels):,} levels; the {_MOST_LEVELS} most frequent are told apart, and "
            f"the others, in {rest / len(cells):.0%} of the rows, count as one; leave the column out if it names rows"
            + (as_times if text.are_times(cells) else ""),
        )
    kept = [level for _, level in levels[:_MOST_LEVELS]]
    return Categorical(tuple(sorted(kept, key=lambda level: (isinstance(level, str), level))))


def _datetime(cells: pd.Series) -> Column:
    zone = time_zone_of(cells)
    times = seconds(cells, zone)
    times = times[np.isfinite(times)]
    start, end = float(times.min()), float(times.max())
    return Datetime(zone, start, end, tuple(name for name in PERIODS if _is_seen_to_vary(times, name, end - start)))


def _is_seen_to_vary(times: np.ndarray, name: str, span: float) -> bool:
    """Whether times within a period differ, and come from two whole ones at least."""
    period = PERIODS[name]
    return span >= 2 * period and bool(np.ptp(times % period) > 0)
