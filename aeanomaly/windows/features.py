"""Features of windows: how the last rows of each row differ from what is expected."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal, NamedTuple

import numpy as np

from aeanomaly.windows.prediction import LagPredictor
from aeanomaly.windows.rows import OrderedRows
from aeanomaly.windows.trailing import lagged, trailing_means, unchanged

#: Rows of a chunk, whose features stay in the cache.
_CHUNK = 2048
#: Shares of the longest width over which errors are averaged.
_SHARES = (1 / 9, 1 / 3, 1)

#: Largest distance of a reading from the mean, in standard deviations, and largest feature, so that none overflows.
_FARTHEST, _LARGEST = 1e9, np.finfo(np.float64).max
FeatureKind = Literal["summary", "lags", "both"]


class Feature(NamedTuple):
    """Description of a feature.

    Attributes
    ----------
    column : int
        Position of its column.
    kind : str
        "value", the reading; "past" and "others", errors of predictions; "unchanged", a count of rows; "mean of past"
        and "mean of others", means of errors; "lag", an earlier reading.
    rows : int
        Number of last rows on which it depends.
    """

    column: int
    kind: str
    rows: int


@dataclass(frozen=True)
class WindowFeatures:
    """Map from ordered readings to features of trailing windows.

    The kind "summary" consists of the reading, the errors of its predictions from the past and from the other columns,
    their means over three widths, and the square root of the number of rows for which the reading has not changed. The
    kind "lags" consists of the readings of all rows of the window. Readings and errors have the units of the column.

    Attributes
    ----------
    window : int
        Number of rows of a window.
    kind : {"summary", "lags", "both"}
    center, scale : ndarray (C,)
        Means and standard deviations of the training readings; the scale of a constant column is 1.
    predictor : LagPredictor
        Predictions of standardized readings.
    low, high : ndarray (K,)
        Range of the prediction errors in training. An error beyond it counts as the bound in a mean, so that one
        extreme row does not dominate the windows after it.
    typical : ndarray (C,)
        Median number of rows without a change in training.
    """

    window: int
    kind: FeatureKind
    center: np.ndarray
    scale: np.ndarray
    predictor: LagPredictor
    low: np.ndarray
    high: np.ndarray
    typical: np.ndarray

    @classmethod
    def fit(cls, rows: OrderedRows, window: int, kind: FeatureKind) -> "WindowFeatures":
        """Fit the features to training rows."""
        center, scale = standardization(rows.readings)
        values = standardize(rows.known, center, scale)
        predictor = LagPredictor.fit(values, rows.age, window)
        low, high = np.full((2, predictor.n_errors), [[np.inf], [-np.inf]])
        for errors in _in_chunks(predictor.errors, values, rows.age, window):
            low, high = np.minimum(low, errors.min(axis=0)), np.maximum(high, errors.max(axis=0))
        counts = _in_chunks(partial(unchanged, most=window - 1), values, rows.age, window)
        typical = np.median(np.concatenate(list(counts)), axis=0)
        return cls(window, kind, center, scale, predictor, low, high, typical)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Numbers of rows over which errors are averaged; with the rows of the predictions, they fit into a window."""
        longest = self.window - self.predictor.n_lags + 1
        return tuple(sorted({round(longest * share) for share in _SHARES} - {0, 1}))

    @cached_property
    def descriptions(self) -> list[Feature]:
        """Description of each feature, (F,)."""
        columns, kinds, n_lags = range(len(self.center)), self.predictor.kinds, self.predictor.n_lags
        found = []
        if self.kind != "lags":
            found += [Feature(j, "value", 1) for j in columns]
            found += [Feature(j, kind, n_lags) for kind in kinds for j in columns]
            found += [Feature(j, "unchanged", self.window) for j in columns]
            found += [
                Feature(j, f"mean of {kind}", n_lags + width - 1)
                for width in self.widths
                for kind in kinds
                for j in columns
            ]
        if self.kind != "summary":
            found += [Feature(j, "lag", lag + 1) for lag in range(self._first_lag, self.window) for j in columns]
        return found

    @property
    def _first_lag(self) -> int:
        return 1 if self.kind == "both" else 0

    def transform(self, rows: OrderedRows) -> Iterator[np.ndarray]:
        """Yield the features of the rows in chunks, (n, F).

        Features of a missing reading are NaN. Those of later rows use the last known reading of the segment.
        """
        values = standardize(rows.known, self.center, self.scale)
        scale, center = self._units
        n_current = len(self.center) * (1 if self.kind == "lags" else 2 + len(self.predictor.kinds))
        missing, start = np.isnan(rows.readings), 0
        for chunk in _in_chunks(self._features, values, rows.age, self.window):
            of_chunk = missing[start : start + len(chunk)]
            if of_chunk.any():
                chunk[:, :n_current][np.tile(of_chunk, n_current // len(self.center))] = np.nan
            start += len(chunk)
            with np.errstate(over="ignore"):
                yield np.clip(chunk * scale + center, -_LARGEST, _LARGEST)

    @cached_property
    def _units(self) -> tuple[np.ndarray, np.ndarray]:
        """Factor and summand that convert each feature to the units of its column, (F,) each."""
        found = self.descriptions
        scale = [1.0 if feature.kind == "unchanged" else self.scale[feature.column] for feature in found]
        center = [self.center[feature.column] if feature.kind in ("value", "lag") else 0.0 for feature in found]
        return np.array(scale), np.array(center)

    def _features(self, values: np.ndarray, age: np.ndarray) -> np.ndarray:
        parts = []
        if self.kind != "lags":
            errors = self.predictor.errors(values, age)
            parts += [values, errors, np.sqrt(unchanged(values, age, self.window - 1, self.typical))]
            parts += trailing_means(np.clip(errors, self.low, self.high), age, self.widths)
        if self.kind != "summary":
            parts.append(lagged(values, age, self.window)[:, self._first_lag :].reshape(len(values), -1))
        return np.hstack(parts)


def standardization(readings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return center and scale of the columns (C,) of known readings."""
    known = np.where(np.isnan(readings).all(axis=0), 0.0, readings)  # a column may have no reading in these rows
    center, scale = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    # The standard deviation of a constant column may be a rounding error.
    return center, np.where(scale > 1e-12 * np.abs(center), scale, 1.0)


def standardize(readings: np.ndarray, center: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return standardized readings; 0, the mean, for missing ones."""
    with np.errstate(over="ignore"):
        values = np.clip((readings - center) / scale, -_FARTHEST, _FARTHEST)
    return np.nan_to_num(values, nan=0.0, copy=False)


def _in_chunks(
    compute: Callable[[np.ndarray, np.ndarray], np.ndarray], values: np.ndarray, age: np.ndarray, window: int
) -> Iterator[np.ndarray]:
    """Yield the results of chunks of rows; `compute` also gets the rows of the window of the first row."""
    for start in range(0, len(values), _CHUNK):
        first = max(0, start - window + 1)
        yield compute(values[first : start + _CHUNK], age[first : start + _CHUNK])[start - first :]
