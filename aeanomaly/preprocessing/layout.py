"""Which numbers of a table and which features belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aeanomaly.preprocessing.columns import Categorical, Column, Datetime, Numeric


@dataclass(frozen=True)
class Layout:
    """A table's numbers (N, F), one for each column, <-> features (N, D), those of a column side by side.

    Parameters
    ----------
    columns : tuple of Column (F,)
    has_missing_indicators : bool, default=False
        Whether each column has one feature more, its last: 1 for a hole, else 0.
    """

    columns: tuple[Column, ...]
    has_missing_indicators: bool = False

    @cached_property
    def widths(self) -> np.ndarray:
        """Features of each column, (F,)."""
        return np.array([column.n_features + self.has_missing_indicators for column in self.columns], dtype=int)

    @cached_property
    def starts(self) -> np.ndarray:
        """The first feature of each column, (F,)."""
        return np.concatenate([[0], np.cumsum(self.widths)[:-1]]).astype(int)

    @property
    def n_features(self) -> int:
        return int(self.widths.sum())

    @cached_property
    def is_plain(self) -> bool:
        """Whether features are the numbers themselves."""
        return not self.has_missing_indicators and all(column.is_plain for column in self.columns)

    @cached_property
    def missing_indicators(self) -> np.ndarray:
        """Whether a feature says that there is a hole, (D,)."""
        marks = np.zeros(self.n_features, dtype=bool)
        if self.has_missing_indicators:
            marks[self.starts + self.widths - 1] = True
        return marks

    @cached_property
    def is_category(self) -> np.ndarray:
        """Whether a feature is one of a categorical column's levels, (D,)."""
        return self._repeat([isinstance(column, Categorical) for column in self.columns])

    @cached_property
    def is_numeric(self) -> np.ndarray:
        """Whether a feature is the number of a numeric column, (D,)."""
        return self._repeat([isinstance(column, Numeric) for column in self.columns])

    def _repeat(self, of_columns: Sequence[bool]) -> np.ndarray:
        return np.repeat(of_columns, self.widths) & ~self.missing_indicators

    @cached_property
    def cyclic(self) -> list[slice]:
        """Pairs of features that are cosine and sine of one angle."""
        return [
            slice(start + 1 + 2 * pair, start + 3 + 2 * pair)
            for start, column in zip(self.starts.tolist(), self.columns, strict=True)
            if isinstance(column, Datetime)
            for pair in range(len(column.periods))
        ]

    def features(self, table: np.ndarray) -> np.ndarray:
        """Numbers (N, F) -> features (N, D)."""
        if self.is_plain:
            return table
        shown = np.empty((len(table), self.n_features))
        for numbers, column, start in zip(table.T, self.columns, self.starts.tolist(), strict=True):
            shown[:, start : start + column.n_features] = column.features(numbers)
        if self.has_missing_indicators:
            shown[:, self.missing_indicators] = np.isnan(table)
        return shown

    def numbers(self, features: np.ndarray) -> np.ndarray:
        """Expected features (N, D) -> numbers (N, F)."""
        if self.is_plain:
            return features
        parts = zip(self.columns, self.starts.tolist(), strict=True)
        return np.stack([c.from_features(features[:, start : start + c.n_features]) for c, start in parts], axis=1)

    def sum_by_column(self, terms: np.ndarray) -> np.ndarray:
        """Terms of features (N, D) -> of columns (N, F)."""
        return terms if len(self.columns) == self.n_features else np.add.reduceat(terms, self.starts, axis=1)
