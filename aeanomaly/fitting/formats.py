"""Formats of cells in sentences and reports."""

import reprlib
from collections.abc import Callable
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.fitting.decimal_marks import as_written
from aeanomaly.fitting.facts import ColumnFacts
from aeanomaly.fitting.phrases_of_times import format_time
from aeanomaly.preprocessing import Categorical, Datetime, GroupedCategorical, Ordinal
from aeanomaly.preprocessing.columns import plain

#: Maximum length of a text cell in a sentence.
_LONGEST = 22
#: Units of durations in seconds, from the largest.
_UNITS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0}


def format_significant(number: float) -> str:
    """Format a number with three significant digits."""
    return as_written(f"{number:.3g}")


def format_fixed(number: float, decimals: int, as_year: bool = False) -> str:
    """Format a number with at most some decimals; a year has no separators."""
    shown = f"{number:.{decimals}f}" if as_year else f"{number:,.{decimals}f}"
    return as_written(shown.rstrip("0").rstrip(".") if "." in shown else shown)


def format_percent(share: float) -> str:
    """Format a share as a percentage."""
    percent = 100 * share
    if percent < 0.001:
        return f"less than {as_written('0.001')}%"
    digits = 1 if percent < 1 else 2 if percent < 99.5 else 4
    return as_written(f"{percent:.{digits}g}%")


def to_number(value: Any) -> float | None:
    """Return a number or a duration, in seconds, as float; None for other cells."""
    if isinstance(value, pd.Timedelta):
        return value.total_seconds()
    if not isinstance(value, (Real, Decimal)):
        return None
    try:
        number = float(value)
    except OverflowError:  # a category may be an integer of any size
        return None
    return number if np.isfinite(number) else None


def is_boolean(value: Any) -> bool:
    """Return True for a boolean of Python or NumPy."""
    return isinstance(value, (bool, np.bool_))


def format_value(value: Any, facts: ColumnFacts) -> str:
    """Format a cell of a column for a sentence."""
    column = facts.column
    if isinstance(column, Datetime):
        return format_time(value, column)
    if isinstance(column, (Categorical, GroupedCategorical, Ordinal)):
        return format_category(value)
    if isinstance(value, pd.Timedelta):
        return _duration(value.total_seconds(), format_cell)
    number = to_number(value) if not is_boolean(value) else None
    if number is not None and facts.are_years(number):
        return f"{number:.0f}" if facts.are_whole else as_written(f"{number:.5g}")
    return format_cell(value)


def format_about(value: Any, facts: ColumnFacts) -> str:
    """Format an expected number, with three significant digits or all digits before the point."""
    if isinstance(value, pd.Timedelta):
        return _duration(value.total_seconds(), format_significant)
    number = to_number(value)
    if number is None or abs(number) >= 1000 or facts.are_years(number):
        return format_value(value, facts)
    return format_significant(number)


def format_category(value: Any) -> str:
    """Format a category; numbers are labels, without separators."""
    if isinstance(value, str):
        shown = repr(str(value))
        return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 4]}...{shown[0]}"
    return reprlib.repr(plain(value)) if isinstance(value, (int, np.integer)) else str(value)


def _duration(seconds: float, to_text: Callable[[float], str]) -> str:
    """Format a duration in its largest unit of which it has at least two."""
    name, size = next((unit for unit in _UNITS.items() if abs(seconds) >= 2 * unit[1]), ("seconds", 1.0))
    return f"{to_text(seconds / size)} {name}"


def format_cell(value: Any) -> str:
    """Format a cell for a sentence or a report."""
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, pd.Timestamp):
        return str(value.tz_localize(None).floor("min"))[:-3]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (Real, Decimal)):
        return str(value)
    try:
        number = float(value)
    except OverflowError:  # a category may be an integer of any size
        return reprlib.repr(value)
    return as_written(f"{number:,.0f}" if 1000 <= abs(number) < 1e9 else f"{number:.4g}")
