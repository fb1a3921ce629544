"""Correspondence between the columns of a table and their features."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aeanomaly.preprocessing.columns import Categorical, Column, Datetime, Numeric


@dataclass(frozen=True)
class Layout:
    """Conversion of numbers (N, F), one per column, to features (N, D), grouped by column, and back.

    Parameters
    ----------
    columns : tuple of Column (F,)
    has_missing_indicators : bool, default=False
        Add a last feature to each column: 1 for a missing value, else 0.
    """

    columns: tuple[Column, ...]
    has_missing_indicators: bool = False

    @cached_property
    def widths(self) -> np.ndarray:
        """Number of features of each column, (F,)."""
        return np.array([column.n_features + self.has_missing_indicators for column in self.columns], dtype=int)

    @cached_property
    def starts(self) -> np.ndarray:
        """Index of the first feature of each column, (F,)."""
        return np.concatenate([[0], np.cumsum(self.widths)[:-1]]).astype(int)

    @property
    def n_features(self) -> int:
        """Total number of features, D."""
        return int(self.widths.sum())

    @cached_property
    def is_plain(self) -> bool:
        """True if the features are the numbers themselves."""
        return not self.has_missing_indicators and all(column.is_plain for column in self.columns)

    @cached_property
    def missing_indicators(self) -> np.ndarray:
        """Mask of the features that indicate missing values, (D,)."""
        mask = np.zeros(self.n_features, dtype=bool)
        if self.has_missing_indicators:
            mask[self.starts + self.widths - 1] = True
        return mask

    @cached_property
    def is_category(self) -> np.ndarray:
        """Mask of the features of categorical columns, (D,)."""
        return self._repeat([isinstance(column, Categorical) for column in self.columns])

    @cached_property
    def is_numeric(self) -> np.ndarray:
        """Mask of the features of numeric columns, (D,)."""
        return self._repeat([isinstance(column, Numeric) for column in self.columns])

    def _repeat(self, of_columns: Sequence[bool]) -> np.ndarray:
        return np.repeat(of_columns, self.widths) & ~self.missing_indicators

    @cached_property
    def cyclic(self) -> list[slice]:
        """Slices of the pairs of features that are cosine and sine of an angle."""
        return [
            slice(start + 1 + 2 * pair, start + 3 + 2 * pair)
            for start, column in zip(self.starts.tolist(), self.columns, strict=True)
            if isinstance(column, Datetime)
            for pair in range(len(column.periods))
        ]

    def features(self, table: np.ndarray) -> np.ndarray:
        """Convert numbers (N, F) to features (N, D)."""
        if self.is_plain:
            return table
        features = np.empty((len(table), self.n_features))
        for numbers, column, start in zip(table.T, self.columns, self.starts.tolist(), strict=True):
            features[:, start : start + column.n_features] = column.features(numbers)
        if self.has_missing_indicators:
            features[:, self.missing_indicators] = np.isnan(table)
        return features

    def numbers(self, features: np.ndarray) -> np.ndarray:
        """Convert expected features (N, D) to numbers (N, F)."""
        if self.is_plain:
            return features
        parts = zip(self.columns, self.starts.tolist(), strict=True)
        return np.stack([c.from_features(features[:, start : start + c.n_features]) for c, start in parts], axis=1)
