"""Mergeable moments of numeric columns, for tables larger than memory."""

from dataclasses import dataclass, fields

import numpy as np

#: Number of rows that are checked before the others.
_FIRST = 64


@dataclass(frozen=True)
class Statistics:
    """Statistics of F numeric columns without missing values (NaN).

    Equal parts that are merged in the same order give equal bits.

    Attributes
    ----------
    count : ndarray (F,)
        Number of values that are not missing.
    low, high, mean : ndarray (F,)
        Minimum, maximum and mean; NaN without values.
    unit : ndarray (F,)
        Power of two of the order of the range, or 0.
    squares : ndarray (F,)
        Sum of squared deviations from the mean, in squared units, which avoids overflow.
    two_valued : ndarray of bool (F,)
        True if all values are the minimum or the maximum.
    """

    count: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    unit: np.ndarray
    squares: np.ndarray
    two_valued: np.ndarray

    @classmethod
    def from_rows(cls, table: np.ndarray) -> "Statistics":
        """Compute the statistics of at least one row, (n, F), of any real dtype."""
        columns = np.ascontiguousarray(table.T, dtype=np.float64)  # contiguous, for any memory order of the table
        low, high = np.fmin.reduce(columns, axis=1), np.fmax.reduce(columns, axis=1)
        unit = _unit_of(0.5 * high - 0.5 * low)
        center, step = 0.5 * low + 0.5 * high, np.where(unit > 0, unit, 1.0)
        shifted = columns - center[:, None]
        shifted *= (1 / step)[:, None]  # exact for a power of two
        count, missing = np.full(len(low), float(columns.shape[1])), None
        sums = shifted.sum(axis=1)
        if np.isnan(sums).any():
            missing = np.isnan(shifted)
            count -= missing.sum(axis=1)
            shifted[missing] = 0.0
            sums = shifted.sum(axis=1)
        mean = sums / np.maximum(count, 1)
        shifted -= mean[:, None]
        if missing is not None:
            shifted[missing] = 0.0
        squares = np.einsum("ij,ij->i", shifted, shifted)
        two_valued = np.ones(len(low), dtype=bool)
        for part in (columns[:, :_FIRST], columns):  # a few rows exclude most columns
            which = np.flatnonzero(two_valued)
            values = part[which]
            is_end = (values == low[which, None]) | (values == high[which, None])
            two_valued[which] = (is_end | np.isnan(values)).all(axis=1)
        return cls(count, low, high, center + step * mean, unit, np.where(unit > 0, squares, 0.0), two_valued)

    def merge(self, other: "Statistics") -> "Statistics":
        """Merge with the statistics of other rows (Chan, Golub & LeVeque 1983, American Statistician 37)."""
        empty, whole = self.count == 0, self.count + other.count
        low, high = np.fmin(self.low, other.low), np.fmax(self.high, other.high)
        unit = _unit_of(0.5 * high - 0.5 * low)
        step = np.where(unit > 0, unit, 1.0)
        share = other.count / np.maximum(whole, 1)
        apart = 0.5 * other.mean - 0.5 * self.mean  # halves, because the difference may overflow
        mean = np.where(empty, other.mean, np.where(other.count == 0, self.mean, self.mean + 2 * share * apart))
        between = np.where(empty | (other.count == 0), 0.0, np.square(2 * apart / step) * self.count * share)
        within = self.squares * np.square(self.unit / step) + other.squares * np.square(other.unit / step)
        values = [self.low, self.high, other.low, other.high]
        two_valued = self.two_valued & other.two_valued
        for value in values:
            two_valued &= (value == low) | (value == high) | np.isnan(value)
        return Statistics(whole, low, high, mean, unit, within + between, two_valued)

    def select(self, which: np.ndarray) -> "Statistics":
        """Return the statistics of some columns."""
        return Statistics(**{name: values[which] for name, values in self.arrays().items()})

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviations, (F,)."""
        return self.unit * np.sqrt(self.squares / np.maximum(self.count, 1))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _unit_of(half: np.ndarray) -> np.ndarray:
    """Return the next power of two above each number; 0 for 0 and NaN."""
    half = np.nan_to_num(half, nan=0.0)
    return np.where(half > 0, np.ldexp(1.0, np.clip(np.frexp(half)[1], -1020, 1023)), 0.0)
