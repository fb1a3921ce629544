"""Phrases on unusual cells: observed and expected values, with the direction and size of the difference."""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aeanomaly.fitting.decimal_marks import as_written
from aeanomaly.fitting.facts import ColumnFacts
from aeanomaly.fitting.formats import (
    format_about,
    format_category,
    format_fixed,
    format_percent,
    format_significant,
    format_value,
    is_boolean,
    to_number,
)
from aeanomaly.fitting.phrases_of_times import format_cycles, time_phrase
from aeanomaly.preprocessing import Categorical, Datetime, GroupedCategorical, Ordinal
from aeanomaly.preprocessing.columns import plain

#: Ratio from which a cell is described as a multiple of the expected one, and of the usual one of its group.
_RATIO, _RATIO_TO_GROUP = 2.0, 1.5
#: Relative size of differences by rounding.
_ROUNDING = 1e-9
#: Ratios beyond this are not given as numbers.
_LARGEST_RATIO = 1e6
#: A difference below this share of the range of the central training rows is not a reason,
_NEGLIGIBLE = 0.1
#: unless at most this share of the training rows has as large an error.
_UNUSUAL = 0.05
#: Share of missing values from which an observed value is unusual; above which a missing value is usual; and up to
#: which a sentence gives the share.
_MOSTLY, _OFTEN, _SELDOM = 0.9, 0.5, 0.1
#: Share of the training rows from which a sentence gives the frequency of a category instead of a probability.
_COMMON = 0.02
#: Probabilities above this are not given as numbers.
_CERTAIN = 0.99


class Cell(NamedTuple):
    """Cell of a row, with its expected value.

    Attributes
    ----------
    name : str
        Name of the column.
    observed, expected : object
        Values as cells; of a column of times, seconds since 1970.
    confidence, tail_probability : float
        See `Explanation`.
    group : str or None
        Description of the group of the row.
    """

    name: str
    observed: Any
    expected: Any
    confidence: float
    tail_probability: float
    group: str | None

    @property
    def probability(self) -> str:
        """Probability of the expected value in parentheses; empty without one."""
        if np.isnan(self.confidence):
            return ""
        sign, shown = (">", _CERTAIN) if self.confidence > _CERTAIN else ("=", self.confidence)
        return f" (p {sign} {as_written(f'{shown:.2f}')})"


def name_cell(cell: Cell, facts: ColumnFacts) -> str:
    """Return the name and the value of a cell."""
    return f"{cell.name} {value_text(cell, facts)}"


def value_text(cell: Cell, facts: ColumnFacts) -> str:
    """Format the observed value of a cell."""
    return "missing" if pd.isna(cell.observed) else format_value(cell.observed, facts)


def coarse_text(cell: Cell, facts: ColumnFacts) -> str:
    """Format the observed value of a cell; of a time, only its hour and its day."""
    if isinstance(facts.column, Datetime) and not pd.isna(cell.observed):
        return format_cycles(cell.observed, facts.column)
    return value_text(cell, facts)


def reason(cell: Cell, facts: ColumnFacts, *, small: bool = False) -> str | None:
    """Return a phrase on the difference of a cell from what is expected or usual.

    The result is None without a difference, or with one that is usual in the column, unless a `small` one is wanted.
    """
    if pd.isna(cell.observed):
        return _missing_reason(cell, facts)
    if isinstance(facts.column, (Categorical, GroupedCategorical)):
        found = _category_reason(cell, facts)
    elif isinstance(facts.column, Datetime):
        found = None if pd.isna(cell.expected) else _time_reason(cell, facts)
    elif pd.isna(cell.expected):
        found = f"{name_cell(cell, facts)} where another value was expected"
    elif isinstance(facts.column, Ordinal) or not np.isnan(cell.confidence) or is_boolean(cell.observed):
        found = _value_reason(cell, facts)
    else:
        found = _number_reason(cell, facts, small=small)
    if found is None and facts.is_missing_scored and (facts.missing or 0) >= _MOSTLY:
        return f"{name_cell(cell, facts)}, usually missing (in {format_percent(facts.missing or 0)} of training rows)"
    return found


def _missing_reason(cell: Cell, facts: ColumnFacts) -> str | None:
    if facts.missing is not None and facts.missing > _OFTEN:
        return None
    known = not pd.isna(cell.expected)
    ending = f"{format_value(cell.expected, facts)} was expected" if known else "a value was expected"
    if facts.missing is None or facts.missing > _SELDOM or cell.group is not None:
        return f"{cell.name} missing where {ending}"
    share = f"{format_percent(facts.missing)}" if facts.missing else "never"
    return f"{cell.name} missing where {ending} ({share} missing in training)"


def _category_reason(cell: Cell, facts: ColumnFacts) -> str | None:
    observed, expected = plain(cell.observed), None if pd.isna(cell.expected) else plain(cell.expected)
    is_known, is_rare, share = facts.is_known(observed), facts.is_rare(observed), facts.share(observed)
    start = f"{cell.name} {format_category(cell.observed)}"
    if is_known:
        rarity = f"in {format_percent(share or 0)} of training rows" if is_rare else ""
    else:
        rarity = "not seen in training" if share == 0 else "new or rare"
    resembled = facts.resembled(observed)
    if resembled is not None:
        of_other = facts.share(resembled)
        ending = "" if of_other is None else f" (in {format_percent(of_other)})"
        return f"{start}, {rarity}, is close to {format_category(resembled)}{ending}"
    if observed == expected or (expected is None and not is_known):
        return f"{start} is rare ({rarity})" if is_known and rarity else f"{start} is {rarity}" if rarity else None
    if cell.group is not None and np.isnan(cell.confidence):
        return f"{start} where {format_category(cell.expected)} is usual for {cell.group}"
    other = "a rarer category" if expected is None else format_category(cell.expected)
    if not rarity:
        return f"{start}{_where_expected(cell, other, share)}"
    return f"{start}{f' ({rarity})' if is_known else f', {rarity},'}{_where_expected(cell, other, None)}"


def _where_expected(cell: Cell, expected: str, share: float | None) -> str:
    """Describe the expected value by its probability, or the observed one by its share in training, if it is common.

    The probability would be misleading there, because networks are overconfident.
    """
    if share is not None and share >= _COMMON:
        return f" (in {format_percent(share)} of training rows) where {expected} was expected"
    return f" where {expected}{cell.probability or ' was expected'}"


def _value_reason(cell: Cell, facts: ColumnFacts) -> str | None:
    """Compare two values of an ordinal, boolean or two-valued column."""
    expected = bool(cell.expected) if is_boolean(cell.observed) else cell.expected
    if _are_equal(cell.observed, expected, facts) or format_value(cell.observed, facts) == format_value(
        expected, facts
    ):
        return None
    if cell.group is not None and np.isnan(cell.confidence):
        return f"{name_cell(cell, facts)} where {format_value(expected, facts)} is usual for {cell.group}"
    shown = format_value(expected, facts)
    return f"{name_cell(cell, facts)}{_where_expected(cell, shown, facts.share(cell.observed))}"


def _time_reason(cell: Cell, facts: ColumnFacts) -> str | None:
    is_unusual = cell.tail_probability <= _UNUSUAL
    return time_phrase(cell.name, cell.observed, cell.expected, facts, is_unusual=is_unusual)


def _are_equal(observed: Any, expected: Any, facts: ColumnFacts) -> bool:
    """Return True if two numbers are equal but for rounding errors of the encoding."""
    one, other = to_number(observed), to_number(expected)
    if one is None or other is None:
        return False
    largest = max(abs(one), abs(other), 0 if facts.values is None else float(np.abs(facts.values).max()))
    return abs(0.5 * one - 0.5 * other) <= _ROUNDING * largest


def _number_reason(cell: Cell, facts: ColumnFacts, *, small: bool) -> str | None:
    """Compare two numbers or durations, as a ratio if they are positive and far apart, else by their difference."""
    observed, expected = to_number(cell.observed), to_number(cell.expected)
    if observed is None or expected is None:
        return _value_reason(cell, facts)
    if _are_equal(observed, expected, facts) or (
        not small and cell.group is None and _is_negligible(observed, expected, cell.tail_probability, facts)
    ):
        return None
    start, about = name_cell(cell, facts), format_about(cell.expected, facts)
    ratio = observed / expected if min(observed, expected) > 0 and not facts.are_years(observed, expected) else 1.0
    if cell.group is not None:
        return _group_reason(start, format_value(cell.expected, facts), ratio, cell.group)
    if facts.have_ratios and not 1 / _RATIO < ratio < _RATIO:
        return f"{start}, {_times(ratio)} the expected {about}"
    smaller, gap = min(abs(observed), abs(expected)), abs(0.5 * observed - 0.5 * expected)  # halves do not overflow
    if isinstance(cell.observed, pd.Timedelta) or smaller * _LARGEST_RATIO < gap or np.isinf(2 * gap):
        return f"{start} where {about} was expected" if about != format_about(cell.observed, facts) else None
    return _difference(cell, observed, expected, facts)


def _group_reason(start: str, expected: str, ratio: float, group: str) -> str:
    if not 1 / _RATIO_TO_GROUP < ratio < _RATIO_TO_GROUP:
        times = as_written(f"{ratio:.2g}") if ratio < _LARGEST_RATIO else "over a million"
        return f"{start}, {times} times the usual of {group}"
    if start.endswith(f" {expected}"):
        return f"{start}, which is rare for {group}"
    return f"{start} where {expected} is usual for {group}"


def _is_negligible(observed: float, expected: float, tail_probability: float, facts: ColumnFacts) -> bool:
    """Return True if the difference is not a reason, neither by its size nor by its error."""
    if not np.isnan(tail_probability) and tail_probability <= _UNUSUAL:
        return False
    if facts.values is None:
        return format_significant(observed) == format_significant(expected)
    return abs(0.5 * observed - 0.5 * expected) < _NEGLIGIBLE * facts.half_spread  # halves do not overflow


def _difference(cell: Cell, observed: float, expected: float, facts: ColumnFacts) -> str:
    """Describe a difference with two significant digits, and both numbers with digits that show it."""
    direction = "above" if observed > expected else "below"
    if facts.are_years(observed, expected) and facts.are_whole and observed != round(expected):
        expected = round(expected)
    gap = abs(observed - expected)
    if max(abs(observed), abs(expected)) >= 1e9 or gap < 1e-4:
        around = as_written(f"{expected:.5g}")
        return f"{name_cell(cell, facts)}, {as_written(f'{gap:.2g}')} {direction} the expected {around}"
    decimals = max(0, 1 - math.floor(math.log10(gap)))
    as_years = facts.are_years(observed)
    shown, around = (format_fixed(number, decimals, as_years) for number in (observed, expected))
    if around in ("0", "-0"):
        return f"{name_cell(cell, facts)} where 0 was expected"
    if observed % 1 == 0:
        shown = format_fixed(observed, 0, as_years)
    elif len(given := format_value(cell.observed, facts)) > len(shown):
        shown = given
    return f"{cell.name} {shown}, {format_fixed(gap, decimals)} {direction} the expected {around}"


def _times(ratio: float) -> str:
    """Describe a ratio, as a percentage below 1."""
    if ratio >= 1:
        if ratio >= _LARGEST_RATIO:
            return "over a million times"
        return f"{as_written(f'{ratio:,.0f}' if ratio >= 10 else f'{ratio:.2g}')} times"
    return f"{format_percent(ratio)} of"
