"""Statistics of the features of a table, from which the encoder is fitted."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from aeanomaly.preprocessing.columns import Numeric
from aeanomaly.preprocessing.layout import Layout
from aeanomaly.preprocessing.statistics import Statistics

#: Indices of columns, and their statistics.
KnownStatistics = tuple[np.ndarray, Statistics]
#: Number of elements processed at once, to fit into a cache.
_BLOCK_SIZE = 1 << 16


class FeatureStatistics(Protocol):
    """Interface of the statistics of D features, without missing values."""

    def range(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the smallest and largest value of each feature, float64."""

    def moments(
        self, low: np.ndarray, high: np.ndarray, center: np.ndarray, half: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return mean and deviation of (feature - center) / half, and a mask of two-valued features."""


class TableStatistics:
    """Statistics of the features of a table, computed in blocks and without missing values."""

    def __init__(self, table: np.ndarray, layout: Layout):
        self._table = table
        self._layout = layout
        with np.errstate(over="ignore", invalid="ignore"):
            is_finite = table.dtype.kind != "f" or np.isfinite(np.sum(table, dtype=np.float64))
        self._has_missing = not is_finite and bool(np.isnan(table).any())

    def range(self) -> tuple[np.ndarray, np.ndarray]:
        if self._layout.is_plain and not self._has_missing:
            return self._table.min(axis=0).astype(np.float64), self._table.max(axis=0).astype(np.float64)
        blocks = list(self._blocks())
        return np.fmin.reduce([np.fmin.reduce(b) for b in blocks]), np.fmax.reduce([np.fmax.reduce(b) for b in blocks])

    def moments(
        self, low: np.ndarray, high: np.ndarray, center: np.ndarray, half: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        total, count, two_valued = np.zeros(len(low)), np.zeros(len(low)), np.ones(len(low), dtype=bool)
        for rows in self._blocks():
            total += self._sum((rows - center) / half)
            count += (~np.isnan(rows)).sum(axis=0) if self._has_missing else len(rows)
            two_valued &= ((rows == low) | (rows == high) | (np.isnan(rows) if self._has_missing else False)).all(
                axis=0
            )
        count = np.maximum(count, 1)  # a column may lose all its cells to the held-out rows of a fold
        mean, squares = total / count, np.zeros(len(low))
        for rows in self._blocks():
            squares += self._sum(np.square((rows - center) / half - mean))
        return mean, np.sqrt(squares / count), two_valued

    def _sum(self, rows: np.ndarray) -> np.ndarray:
        return np.nansum(rows, axis=0) if self._has_missing else rows.sum(axis=0)

    def _blocks(self) -> Iterator[np.ndarray]:
        """Yield float64 blocks in C order, so that sums do not depend on the memory order of the table."""
        for part in parts_of(self._table, self._layout.n_features):
            rows = np.ascontiguousarray(self._table[part], dtype=np.float64)
            yield self._layout.features(rows)


class KnownFeatureStatistics:
    """Statistics of features, with known statistics for numeric columns."""

    def __init__(self, features: FeatureStatistics, layout: Layout, places: np.ndarray, known: Statistics):
        self._features = features
        numeric = np.array([isinstance(layout.columns[place], Numeric) for place in places], dtype=bool)
        self._places, self._known = layout.starts[places[numeric]], known.select(numeric)

    def range(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self._features.range()
        low[self._places], high[self._places] = self._known.low, self._known.high
        return low, high

    def moments(
        self, low: np.ndarray, high: np.ndarray, center: np.ndarray, half: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mean, deviation, two_valued = self._features.moments(low, high, center, half)
        at, known = self._places, self._known
        mean[at], deviation[at] = (known.mean - center[at]) / half[at], known.deviation / half[at]
        two_valued[at] = known.two_valued
        return mean, deviation, two_valued


def parts_of(table: np.ndarray, width: int) -> Iterator[slice]:
    """Return the slices of the rows of a table that are processed at once, given the width of a processed row."""
    size = max(1, _BLOCK_SIZE // width)
    return (slice(first, first + size) for first in range(0, len(table), size))
