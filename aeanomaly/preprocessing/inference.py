"""Inference of column types from dtypes, cells and the user's `column_types`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from aeanomaly._warnings import warn
from aeanomaly.preprocessing.cells import (
    CellType,
    cell_texts,
    column_label,
    infer_cell_type,
    numbers,
    seconds,
    time_zone_of,
)
from aeanomaly.preprocessing.columns import (
    PERIODS,
    Categorical,
    Column,
    Datetime,
    Duration,
    GroupedCategorical,
    GroupKey,
    Ignored,
    Logarithmic,
    Numeric,
    Ordinal,
    check_names,
    plain,
)
from aeanomaly.preprocessing.identifiers import (
    EMPTY,
    FREE_TEXT,
    find_free_text,
    find_identifiers,
    warn_of_empty,
    warn_of_free_text,
    warn_of_identifiers,
    warn_of_sentinels,
    warn_of_trends,
)
from aeanomaly.reading import are_times, name_columns

#: Accepted values of `column_types`, besides an ordered list of categories for an ordinal column.
COLUMN_TYPES = ("numeric", "logarithmic", "categorical", "ordinal", "datetime", "duration")
#: Maximum number of categories of a categorical column.
_MOST_CATEGORIES = 200
#: Minimum number of years before and after most times of training that are plausible.
_MARGIN = 10
#: Number of rows of the median category from which categories may be groups of rows.
_SEVERAL = 3
#: Wide counts have at least this number of distinct values, and a 99% quantile of at least this multiple of the
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


@dataclass(frozen=True)
class InferenceOptions:
    """Parameters of a detector for the inference of column types; names are positions if the columns have no names.

    Attributes
    ----------
    column_types : mapping of name to type
        Types of some columns.
    identifiers : {"ignore", "keep", "raise"} or sequence of names
        Treatment of columns that seem to identify rows, or the columns to leave out.
    time_trend : bool or sequence of names
        True if the times of a column are scored as well as their cycles.
    groups : sequence of names
        Columns that identify the group of a row together.
    unscored : sequence of names
        Columns that have another purpose than the score.
    warns : bool
        Warn of columns that identify rows or follow their order.
    """

    column_types: Mapping[Any, Any] = field(default_factory=dict)
    identifiers: Literal["ignore", "keep", "raise"] | Sequence[Any] = "ignore"
    time_trend: bool | Sequence[Any] = False
    groups: Sequence[Any] = ()
    unscored: Sequence[Any] = ()
    warns: bool = True

    @classmethod
    def from_parameters(cls, detector: Any) -> "InferenceOptions":
        """Return the options that the parameters of a detector describe."""
        given = detector.groups
        groups = tuple(given) if isinstance(given, (list, tuple)) else () if given is None else (given,)
        return cls(detector.column_types or {}, detector.identifiers, detector.time_trend, groups)

    @property
    def left_out(self) -> Sequence[Any]:
        """Names of the columns to leave out by choice."""
        return () if isinstance(self.identifiers, str) else self.identifiers

    def has_trend(self, name: Any) -> bool:
        """Return True if the times of a column are scored."""
        return self.time_trend if isinstance(self.time_trend, bool) else name in self.time_trend


def infer_columns(frame: pd.DataFrame, options: InferenceOptions, *, has_names: bool) -> tuple[Column, ...]:
    """Infer the column types of a frame, or of an array in the form of one without names."""
    asked, labels = dict(options.column_types), frame.columns.tolist()
    check_names("column_types", asked, labels)
    check_names("identifiers", options.left_out, labels)
    if not isinstance(options.time_trend, bool):
        check_names("time_trend", options.time_trend, labels)
    check_names("groups", options.groups, labels)
    ignored = dict.fromkeys(options.left_out, "named in identifiers")
    if has_names and options.identifiers in ("ignore", "raise"):
        ignored = find_identifiers(frame, {*asked, *options.groups, *options.unscored})
    if ignored and options.identifiers == "raise":
        labels_of_ignored = [column_label(frame[name]) for name in ignored]
        raise ValueError(
            f"{name_columns(labels_of_ignored, ('seems', 'seem'))} to identify rows; drop such columns, or set "
            "identifiers='ignore' to leave them out of the score, or 'keep' to score them"
        )
    if ignored and options.identifiers == "ignore" and options.warns:
        warn_of_identifiers(frame, ignored)
    ignored |= dict.fromkeys(options.unscored, "has another purpose")
    empty = [name for j, name in enumerate(labels) if len(frame) and frame.iloc[:, j].isna().all()]
    if empty and options.warns:
        warn_of_empty(frame, empty)
    if has_names and options.warns and options.identifiers != "keep":
        free_text = find_free_text(frame, {*asked, *options.groups, *ignored, *empty})
        ignored |= dict.fromkeys(free_text, FREE_TEXT)
        if free_text:
            warn_of_free_text(frame, free_text)
    columns: list[Column] = []
    for j, name in enumerate(labels):
        cells = frame.iloc[:, j]
        if name in empty:
            columns.append(Ignored(EMPTY, _are_numbers(cells)))
        elif name in options.groups:
            labels_of_groups = tuple(sorted(set(cell_texts(cells))))
            columns.append(GroupKey("groups", _are_numbers(cells), labels_of_groups))
        elif name in ignored:
            columns.append(Ignored(ignored[name], _are_numbers(cells)))
        else:
            column = _infer(cells, asked.get(name), options.has_trend(name))
            if options.groups and isinstance(column, Categorical):
                column = GroupedCategorical(column.categories)
            columns.append(column)
    if has_names and options.warns:
        plain = [n for n, c in zip(labels, columns, strict=True) if isinstance(c, Numeric) and n not in asked]
        warn_of_trends(frame, plain)
        warn_of_sentinels(frame, plain)
    return tuple(columns)


def _are_numbers(cells: pd.Series) -> bool:
    """Return True if the cells of a column that is not scored are numbers; they may be of any and several types."""
    try:
        return infer_cell_type(cells) == "numbers" and not isinstance(cells.dtype, pd.CategoricalDtype)
    except ValueError:
        return False


def _infer(cells: pd.Series, asked: Any, trend: bool) -> Column:
    cell_type = infer_cell_type(cells)
    if isinstance(asked, (list, tuple)):
        return _checked(Ordinal(tuple(plain(category) for category in asked)), cells)
    kind = asked or _usual_kind(cells, cell_type)
    if kind == "categorical" and cell_type in ("text", "numbers"):
        return _categorical(cells)
    if kind == "ordinal" and (cell_type == "numbers" or isinstance(cells.dtype, pd.CategoricalDtype)):
        return _ordinal(cells)
    if kind == "datetime" and cell_type in ("times", "text"):
        return _datetime(cells, trend)
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
    """Return a logarithmic column with a unit of 1 for integers, else the 5% quantile of the positive values."""
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
            f"column {column_label(cells)} holds {unknown.iloc[0]!r}, which is not among its categories in "
            f"column_types, {', '.join(map(repr, column.categories))}; correct the cell or add the category"
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
        repeats = -categories[len(categories) // 2][0] >= _SEVERAL
        within = f"set groups={column_label(cells)} to compare each row with the rows of its category, or "
        remedy = (within if repeats else "") + "drop"
        warn(
            f"column {column_label(cells)} has {len(categories):,} categories; the {_MOST_CATEGORIES} most frequent "
            f"are kept, and the others, in {rest / len(cells):.0%} of the rows, share one; {remedy} the column if it "
            "identifies rows" + (as_times if are_times(cells) else ""),
        )
    kept = [category for _, category in categories[:_MOST_CATEGORIES]]
    return Categorical(tuple(sorted(kept, key=lambda category: (isinstance(category, str), category))))


def _datetime(cells: pd.Series, trend: bool) -> Column:
    zone = time_zone_of(cells)
    times = seconds(cells, zone)
    times = times[np.isfinite(times)]
    start, end = float(times.min()), float(times.max())
    if 0 <= start <= end < PERIODS["day"]:  # times of day, see `conversion`
        return Datetime(zone, start, end, ("day",), trend, *(() if trend else (0.0, PERIODS["day"])))
    periods = tuple(name for name in PERIODS if _varies(times, name, end - start))
    return Datetime(zone, start, end, periods, trend, *(() if trend else _plausible_range(times)))


def _plausible_range(times: np.ndarray) -> tuple[float, float]:
    """Return the first and the last plausible time: the central 90% of some times with a margin.

    The margin is the span of these times, and at least ten years, so that times of later rows are plausible.
    """
    low, high = np.quantile(times, [0.05, 0.95])
    margin = max(float(high - low), _MARGIN * PERIODS["year"])
    return float(low) - margin, float(high) + margin


def _varies(times: np.ndarray, name: str, span: float) -> bool:
    """Return True if the phases in a period differ, and the times span at least two periods."""
    period = PERIODS[name]
    return span >= 2 * period and bool(np.ptp(times % period) > 0)
