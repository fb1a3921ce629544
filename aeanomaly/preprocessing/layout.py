"""Correspondence between the columns of a table and their features."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aeanomaly.preprocessing.columns import Categorical, Column, Datetime, Numeric
from aeanomaly.preprocessing.groups import Groups


@dataclass(frozen=True)
class Layout:
    """Conversion of numbers (N, F), one per column, to features (N, D), grouped by column, and back.

    Parameters
    ----------
    columns : tuple of Column (F,)
    has_missing_indicators : bool, default=False
        Add a last feature to each column: 1 for a missing value, else 0.
    groups : Groups, optional
        Groups of rows, to which features are relative.
    """

    columns: tuple[Column, ...]
    has_missing_indicators: bool = False
    groups: Groups | None = None

    @cached_property
    def widths(self) -> np.ndarray:
        """Number of features of each column, (F,)."""
        widths = (c.n_features + self.has_missing_indicators if c.is_scored else 0 for c in self.columns)
        return np.fromiter(widths, dtype=int, count=len(self.columns))

    @cached_property
    def is_scored(self) -> np.ndarray:
        """Mask of the columns with features, (F,)."""
        return self.widths > 0

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
        return self.groups is None and not self.has_missing_indicators and all(c.is_plain for c in self.columns)

    @cached_property
    def missing_indicators(self) -> np.ndarray:
        """Mask of the features that indicate missing values, (D,)."""
        mask = np.zeros(self.n_features, dtype=bool)
        if self.has_missing_indicators:
            mask[(self.starts + self.widths - 1)[self.is_scored]] = True
        return mask

    @cached_property
    def is_category(self) -> np.ndarray:
        """Mask of the features of categorical columns, (D,)."""
        return self._repeat([isinstance(column, Categorical) for column in self.columns])

    @cached_property
    def is_unknown(self) -> np.ndarray:
        """Mask of the features of unknown categories, (D,)."""
        mask = np.zeros(self.n_features, dtype=bool)
        places = [s + c.unknown for s, c in zip(self.starts, self.columns, strict=True) if isinstance(c, Categorical)]
        mask[places] = True
        return mask

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
            slice(start + column.has_place + 2 * pair, start + column.has_place + 2 * pair + 2)
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
            features[:, self.missing_indicators] = np.isnan(table[:, self.is_scored])
        return features if self.groups is None else self.groups.relative(features, table)

    def numbers(self, features: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
        """Convert expected features (N, D) to numbers (N, F), nearest to the `given` ones (N, F) if ambiguous."""
        if self.is_plain:
            return features
        if self.groups is not None:
            features = self.groups.absolute(features.copy(), given)
        table = [None] * len(self.columns) if given is None else given.T
        parts = zip(self.columns, self.starts.tolist(), table, strict=True)
        found = [c.from_features(features[:, start : start + c.n_features], known) for c, start, known in parts]
        return np.stack(found, axis=1)

    def combine(self, function: np.ufunc, values: np.ndarray, default: float) -> np.ndarray:
        """Combine values of features (N, D) for each column (N, F) by a function such as `numpy.add`.

        Columns without features have the default.
        """
        if len(self.columns) == self.n_features and self.is_scored.all():
            return values
        if self.is_scored.all():
            return function.reduceat(values, self.starts, axis=1)
        combined = np.full((len(values), len(self.columns)), default, dtype=values.dtype)
        combined[:, self.is_scored] = function.reduceat(values, self.starts[self.is_scored], axis=1)
        return combined
