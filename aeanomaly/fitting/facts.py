"""Facts on the training rows of a column, for explanations."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from aeanomaly.fitting.state import FittedState
from aeanomaly.preprocessing import Categorical, Column, Datetime, GroupedCategorical, Logarithmic, Numeric, Schema

#: Numbers in this range may be years.
_YEARS = (1800, 2200)
#: Quantiles of the central training rows.
_CENTRAL = (0.1, 0.9)
#: A category is rare in a smaller share of the training rows, if another one is at least this number of times as
#: frequent. A misspelled category is as rare in comparison with the intended one.
_RARE, _RARER = 0.01, 10
#: Edits that separate a misspelled text from the intended one, if it is at least this long.
_SHORT, _LONG = 5, 9
#: Shorter words that differ, such as A and B, are not misspelled.
_WORD = 4


@dataclass(frozen=True)
class ColumnFacts:
    """Facts on a column, as far as they are known.

    Attributes
    ----------
    column : Column
    shares : ndarray (K + 1,), or None
        Shares of the K categories and of all others among the training rows.
    missing : float, or None
        Share of missing values among the training rows.
    is_missing_scored : bool
        True if a missing value may be unusual.
    values : ndarray, or None
        Quantiles of the numbers of the training rows.
    resultants : dict of str to complex
        Mean of the points exp(i phase) on the unit circle, for each period of times.
    of_two : dict of float to float
        Shares of both values of a column of two numbers or booleans; empty for another column.
    """

    column: Column
    shares: np.ndarray | None = None
    missing: float | None = None
    is_missing_scored: bool = False
    values: np.ndarray | None = None
    resultants: dict[str, complex] = field(default_factory=dict)
    of_two: dict[float, float] = field(default_factory=dict)
    _resembled: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, column: Column, place: int, state: FittedState | None) -> "ColumnFacts":
        """Return what the state of a detector knows of the column at a place of the table."""
        if state is None:
            return cls(column)
        schema, reference = state.model.schema, state.reference
        resultants = {}
        if isinstance(column, Datetime):
            means = _means(schema, place)[int(column.has_place) :]
            resultants = {
                name: complex(*means[2 * pair : 2 * pair + 2].tolist()) for pair, name in enumerate(column.periods)
            }
        return cls(
            column,
            _category_shares(schema, place),
            float(reference.missing[place]),
            schema.has_missing_indicators,
            reference.values[:, place],
            resultants,
            _shares_of_two(column, reference.values[:, place], _means(schema, place)),
        )

    def are_years(self, *numbers: float) -> bool:
        """Return True if numbers of the column may be years, to judge by those of training, or else by themselves."""
        if not isinstance(self.column, (Numeric, Logarithmic)):
            return False
        everything = np.array([*numbers, *([] if self.values is None else self.values[[0, -1]])])
        return bool((everything >= _YEARS[0]).all() and (everything <= _YEARS[1]).all())

    @cached_property
    def half_spread(self) -> float:
        """Half of the range of the central training rows, because the range may overflow; NaN if it is unknown."""
        if self.values is None:
            return float("nan")
        low, high = np.quantile(0.5 * self.values, _CENTRAL)
        return float(high - low)

    @property
    def are_whole(self) -> bool:
        """True if the numbers of training seem to be integers."""
        return self.values is not None and bool((self.values[[0, -1]] % 1 == 0).all())

    @property
    def have_ratios(self) -> bool:
        """True if the numbers of training are positive or counts, so that a multiple of one has a meaning."""
        if self.values is None or isinstance(self.column, Logarithmic):
            return True
        return bool(self.values[0] > 0 or (self.values[0] == 0 and self.are_whole))

    def share(self, category: Any) -> float | None:
        """Return the share of a category among the training rows; that of all others for an unknown category.

        Of a column of two values, it is that of a value; None if it is not known.
        """
        if self.shares is None:
            return self.of_two.get(category)
        return float(self.shares[self._places.get(category, len(self.shares) - 1)])

    def is_rare(self, category: Any) -> bool:
        """Return True if a category is known to be rare in comparison with the most frequent one."""
        share = self.share(category)
        return share is not None and share < _RARE and _RARER * share <= float(self._of_categories.max())

    @property
    def _of_categories(self) -> np.ndarray:
        assert self.shares is not None
        return self.shares[:-1]

    def is_known(self, category: Any) -> bool:
        """Return True if a category is one of the column."""
        return category in self._places

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {category: place for place, category in enumerate(getattr(self.column, "categories", ()))}

    def resembled(self, category: Any) -> str | None:
        """Return the frequent category that a rare or unknown one resembles, as if misspelled; None without any."""
        if not isinstance(category, str):
            return None
        if category not in self._resembled:
            self._resembled[category] = self._find_resembled(category)
        found = self._resembled[category]
        assert found is None or isinstance(found, str)
        return found

    def _find_resembled(self, category: str) -> str | None:
        if self.is_known(category) and not self.is_rare(category):
            return None
        share = self.share(category) or 0.0 if self.is_known(category) else 0.0
        others = [
            other
            for other in self._places
            if isinstance(other, str)
            and other != category
            and (self.shares is None or (self.share(other) or 0) >= _RARER * share)
            and is_misspelled(category, other)
        ]
        return max(others, key=lambda other: self.share(other) or 0, default=None)


def _means(schema: Schema, place: int) -> np.ndarray:
    """Return the means of the features of a column over the training rows."""
    means = schema.to_feature_order((schema.offset + schema.scale * schema.mean)[None])[0]
    start = int(schema.layout.starts[place])
    return means[start : start + schema.columns[place].n_features]


def _shares_of_two(column: Column, values: np.ndarray, means: np.ndarray) -> dict[float, float]:
    """Return the shares of two values, from quantiles of which one may lie between them, and from their mean."""
    low, high = values[[0, -1]].tolist()
    if not isinstance(column, Numeric) or low == high or np.isin(values, [low, high]).sum() < len(values) - 1:
        return {}
    share = float((means[0] - low) / (high - low))
    return {low: 1 - share, high: share}


def _category_shares(schema: Schema, place: int) -> np.ndarray | None:
    column = schema.columns[place]
    if isinstance(column, Categorical):
        return _means(schema, place)
    if isinstance(column, GroupedCategorical) and schema.groups is not None:
        of_groups = np.flatnonzero(schema.groups.categories == schema.layout.starts[place])
        return schema.groups.shares[int(of_groups[0]), : column.unknown + 1]
    return None


def is_misspelled(text: str, other: str) -> bool:
    """Return True if a text differs from another by case or spaces, or by one letter, or two in long texts.

    The first letter and the digits are the same, and the different words are not short.
    """
    plain, intended = (" ".join(t.casefold().split()) for t in (text, other))
    if plain == intended:
        return True
    words, others = plain.split(), intended.split()
    if len(words) == len(others) and any(
        min(len(a), len(b)) < _WORD for a, b in zip(words, others, strict=True) if a != b
    ):
        return False
    length = min(len(plain), len(intended))
    if length < _SHORT or plain[0] != intended[0] or re.findall(r"\d", plain) != re.findall(r"\d", intended):
        return False
    return _n_edits(plain, intended, 1 + (length >= _LONG)) is not None


def _n_edits(a: str, b: str, most: int) -> int | None:
    """Return the number of insertions, deletions, substitutions and transpositions; None if there are more."""
    if abs(len(a) - len(b)) > most:
        return None
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        now = [i]
        for j, y in enumerate(b, 1):
            edits = min(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                edits = min(edits, before[j - 2] + 1)
            now.append(edits)
        if min(now) > most:
            return None
        before, last = last, now
    return last[-1] if last[-1] <= most else None
