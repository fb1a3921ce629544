"""Recognition of columns that identify rows, and of numbers that only follow the order of the rows."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from aeanomaly._warnings import warn
from aeanomaly.preprocessing.cells import column_label, infer_cell_type
from aeanomaly.reading import are_times, name_columns

#: Minimum number of rows for a recognition.
_LEAST_ROWS = 50
#: Number of values that are checked before the whole column, and of rows whose order is compared with a column.
_FIRST, _COMPARED = 1000, 2000
#: Rank correlation with the order of the rows from which a column has a trend.
_TREND = 0.9
RISING, UNIQUE, EMPTY = "integers that rise from row to row", "unique text", "no cells"
FREE_TEXT = "free text"
#: Free text is mostly distinct, and has at least this median number of words.
_DISTINCT, _WORDS = 0.8, 3
#: Numbers that mark missing cells in many tables.
_SENTINELS = (-9.0, -99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0, 999999.0)
#: Minimum number of other distinct values of a column with such a mark.
_LEAST_OTHERS = 10


def find_identifiers(frame: pd.DataFrame, exempt: Collection[Any]) -> dict[Any, str]:
    """Return the names of columns that seem to identify rows, with descriptions: unique text, and rising integers."""
    if len(frame) < _LEAST_ROWS:
        return {}
    found = {name: _identifies(frame.iloc[:, j]) for j, name in enumerate(frame.columns) if name not in exempt}
    return {name: reason for name, reason in found.items() if reason is not None}


def _identifies(cells: pd.Series) -> str | None:
    """Describe a column that seems to identify rows; None for others."""
    dtype = cells.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return None
    if cells.isna().any():
        return None
    if isinstance(dtype, np.dtype) and dtype.kind not in "iuO":
        return None
    return next((reason for reason, holds in _SIGNS.items() if holds(cells.iloc[:_FIRST]) and holds(cells)), None)


def _rises(cells: pd.Series) -> bool:
    """Return True if the cells are integers in strictly ascending order."""
    if pd.api.types.infer_dtype(cells, skipna=False) != "integer":
        return False
    values = cells.to_numpy()
    return bool((values[1:] > values[:-1]).all())


def _is_unique_text(cells: pd.Series) -> bool:
    return infer_cell_type(cells) == "text" and cells.is_unique


#: Signs of an identifier, and functions that recognize them.
_SIGNS = {RISING: _rises, UNIQUE: _is_unique_text}


def find_free_text(frame: pd.DataFrame, exempt: Collection[Any]) -> list[Any]:
    """Return the names of columns of text that is mostly distinct and has several words."""
    return [
        name
        for j, name in enumerate(frame.columns)
        if name not in exempt
        and not isinstance(frame.dtypes.iloc[j], pd.CategoricalDtype)
        and _is_free_text(frame.iloc[:_FIRST, j])
        and _is_free_text(frame.iloc[:, j])
    ]


def _is_free_text(cells: pd.Series) -> bool:
    if infer_cell_type(cells) != "text":
        return False
    there = cells.dropna()
    if len(there) < _LEAST_ROWS or there.nunique() < _DISTINCT * len(there):
        return False
    return bool(np.median([len(str(cell).split()) for cell in there.iloc[:_FIRST]]) >= _WORDS)


def _pronoun(labels: Sequence[Any]) -> str:
    return "it" if len(labels) == 1 else "them"


def warn_of_free_text(frame: pd.DataFrame, names: Sequence[Any]) -> None:
    """Name the columns of free text, which are not scored, with the remedy."""
    labels = [column_label(frame[name]) for name in names]
    warn(
        f"{name_columns(labels, ('holds free text and is', 'hold free text and are'))} left out of the score; drop "
        f"{_pronoun(labels)}, encode the text as numbers, or set column_types={{{labels[0]}: 'categorical'}} to score "
        "categories"
    )


def warn_of_identifiers(frame: pd.DataFrame, found: dict[Any, str]) -> None:
    """Name the columns that are not scored, with the remedy."""
    listed = [f"{column_label(frame[name])} ({reason})" for name, reason in found.items()]
    unique = [frame[name] for name, reason in found.items() if reason == UNIQUE]
    times = [column_label(cells) for cells in unique if are_times(cells)]
    as_times = f"set column_types={{{times[0]}: 'datetime'}} if column {times[0]} holds times, " if times else ""
    warn(
        f"{name_columns(listed, ('seems to identify rows and is', 'seem to identify rows and are'))} left out of the "
        f"score; {as_times}set identifiers='keep' to score {_pronoun(listed)}, or identifiers={list(found)!r} to leave "
        f"{_pronoun(listed)} out without this warning"
    )


def warn_of_empty(frame: pd.DataFrame, names: Sequence[Any]) -> None:
    """Name the columns without cells."""
    labels = [column_label(frame[name]) for name in names]
    verbs = ("has only missing values (NaN) and is", "have only missing values (NaN) and are")
    warn(f"{name_columns(labels, verbs)} left out of the score; drop {_pronoun(labels)} to fit without this warning")


def warn_of_sentinels(frame: pd.DataFrame, columns: Collection[Any]) -> None:
    """Name numbers such as -999 that seem to mark missing cells, in the numeric columns among `columns`."""
    if len(frame) < _LEAST_ROWS:
        return
    found = {name: mark for name in columns if (mark := _sentinel_in(frame[name])) is not None}
    for name, (value, count) in found.items():
        warn(
            f"column {column_label(frame[name])} holds {value:g} in {count:,} rows, outside the range of its other "
            f"values; if {value:g} marks missing cells, replace it with NaN, or set na_values=['{value:g}'] in "
            "aeanomaly.read_table"
        )


def _sentinel_in(cells: pd.Series) -> tuple[float, int] | None:
    """Return an extreme value that seems to mark missing cells, and its number of occurrences."""
    try:
        values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    except OverflowError:
        return None
    values = values[np.isfinite(values)]
    for mark in (values.min(), values.max()) if len(values) else ():
        if mark not in _SENTINELS:
            continue
        others = values[values != mark]
        if len(values) - len(others) < 2 or len(np.unique(others[:_COMPARED])) < _LEAST_OTHERS:
            continue
        low, high = others.min(), others.max()
        is_apart = min(abs(mark - low), abs(mark - high)) > high - low
        if is_apart or (mark < 0 <= low):
            return float(mark), len(values) - len(others)
    return None


def warn_of_trends(frame: pd.DataFrame, columns: Collection[Any]) -> None:
    """Name the numeric columns among `columns` that rise or fall along the rows, if the frame is large enough."""
    if len(frame) < _LEAST_ROWS:
        return
    rows = np.linspace(0, len(frame) - 1, min(len(frame), _COMPARED)).astype(int)
    trends = {}
    for name in columns:
        try:
            values = frame[name].iloc[rows].to_numpy(dtype=np.float64, na_value=np.nan)
        except OverflowError:  # an integer that is refused later
            continue
        there = np.isfinite(values)
        if there.sum() >= _LEAST_ROWS and values[there].min() < values[there].max():
            correlation = float(stats.spearmanr(rows[there], values[there]).statistic)
            if abs(correlation) >= _TREND:
                trends[column_label(frame[name])] = correlation
    if trends:
        listed = [f"{label} ({value:+.2f})" for label, value in trends.items()]
        which = "the column" if len(listed) == 1 else "the columns"
        warn(
            f"{name_columns(listed, ('follows', 'follow'))} the order of the rows (rank correlation in parentheses); "
            "if the rows are in order of time, later rows will lie outside the range of training and be flagged; then "
            f"pass differences or ratios to the trend, or drop {which}"
        )
