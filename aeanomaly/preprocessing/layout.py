"""Which numbers of a table and which features belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aeanomaly.preprocessing.columns import Categorical, Column, Datetime


@dataclass(frozen=True)
class Layout:
    """A table's numbers (N, F), one for each column, <-> features (N, D), those of a column side by side."""

    columns: tuple[Column, ...]

    @cached_property
    def widths(self) -> np.ndarray:
        """Features of each column, (F,)."""
        return np.array([column.n_features for column in self.columns], dtype=int)

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
        return bool((self.widths == 1).all()) and not any(isinstance(c, (Datetime, Categorical)) for c in self.columns)

    @cached_property
    def levels(self) -> np.ndarray:
        """Whether a feature is one of a categorical column's, (D,)."""
        return np.repeat([isinstance(column, Categorical) for column in self.columns], self.widths)

    @cached_property
    def circles(self) -> list[slice]:
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
        for j, part in enumerate(self._parts):
            shown[:, part] = self.columns[j].features(table[:, j])
        return shown

    def numbers(self, features: np.ndarray) -> np.ndarray:
        """Expected features (N, D) -> numbers (N, F)."""
        if self.is_plain:
            return features
        return np.stack(
            [column.of_features(features[:, part]) for column, part in zip(self.columns, self._parts, strict=True)],
            axis=1,
        )

    def summed(self, terms: np.ndarray) -> np.ndarray:
        """Terms of features (N, D) -> of columns (N, F)."""
        return terms if self.is_plain else np.add.reduceat(terms, self.starts, axis=1)

    @property
    def _parts(self) -> Sequence[slice]:
        return [
            slice(start, start + width) for start, width in zip(self.starts.tolist(), self.widths.tolist(), strict=True)
        ]
