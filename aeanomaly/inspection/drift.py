"""How far the columns of a table are from those that a detector was trained on."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.inspection._access import Seen
from aeanomaly.preprocessing import Column, Schema


def column_drift(detector: Any, X: Any) -> pd.DataFrame:
    """Compare each column of a table with the rows that a detector was trained on.

    Parameters
    ----------
    detector : fitted detector, or a pipeline or search that ends in one
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows as for `score_samples`.

    Returns
    -------
    drift : DataFrame of shape (n_features, 5)
        A row for each column that reaches the detector, in their order, named as in `explain` or by the steps in
        front of the detector. Its columns:

        - `kind`: "numeric", "categorical" or "datetime", say;
        - `drift`, in [0, 1]: 0 = distributed as in training, 1 = nothing in common. Of levels without an order
          the total variation distance, half the sum of the differences between their shares, all levels that
          training did not know counted as one [1]_. Of all else the Kolmogorov-Smirnov distance, the largest
          difference between the cumulative shares [2]_. Of missing values neither;
        - `missing_in_training` and `missing`: share of missing values there and here;
        - `outside`: share of values that are outside the range of training, or levels that it did not know.

        `drift` and `outside` are NaN of a column without values.

    Raises
    ------
    TypeError
        If there is no detector of this package at the end.
    ValueError
        For a table that the detector cannot score, and for one without rows.

    Notes
    -----
    A detector keeps no training rows: numbers are compared with 64 quantiles of 2,000 of them at most. With n rows
    in X, about one column in twenty without drift shows more than ``1.4 * sqrt(1 / n + 1 / 2000)`` by chance alone.

    Drift tells of a table, not of its rows: a table with 1 % of anomalies hardly drifts, and one whose
    columns drift may hold no anomaly. It tells that a threshold may no longer mean what it did.

    References
    ----------
    .. [1] Levin, Peres & Wilmer (2009), Markov chains and mixing times, section 4.1.
    .. [2] Massey (1951), The Kolmogorov-Smirnov test for goodness of fit, Journal of the American Statistical
       Association 46.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.inspection import column_drift
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"amount": rng.uniform(size=500), "country": rng.choice(["DE", "NZ"], size=500)})
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
    >>> column_drift(detector, X.assign(amount=X.amount + 2, country="NZ"))[["kind", "drift"]].round(1)
                    kind  drift
    amount       numeric    1.0
    country  categorical    0.5
    """
    seen = Seen.by("column_drift", detector, X)
    detector = seen.detector
    numbers = np.asarray(detector._checked(seen.rows), dtype=np.float64)
    schema, reference = detector._model.schema, detector._reference
    compared = []
    for place, (column, values) in enumerate(zip(schema.columns, numbers.T, strict=True)):
        there = values[~np.isnan(values)]
        compared.append(
            {
                "kind": column.kind,
                "drift": _distance(column, there, schema, place, reference.values[:, place]),
                "missing_in_training": reference.holes[place],
                "missing": 1 - len(there) / len(values),
                "outside": _is_outside(column, there, schema, place).mean() if len(there) else np.nan,
            }
        )
    return pd.DataFrame(compared, index=pd.Index(seen.names or detector._names))


def _distance(column: Column, there: np.ndarray, schema: Schema, place: int, quantiles: np.ndarray) -> float:
    if not len(there):
        return np.nan
    if column.kind != "categorical":
        return _kolmogorov_smirnov(there, quantiles)
    features = schema.to_feature_order(schema.mean[None])[0]
    start = schema.layout.starts[place]
    trained = features[start : start + column.n_features]
    here = np.bincount(there.astype(int), minlength=column.n_features) / len(there)
    return float(0.5 * np.abs(here - trained / trained.sum()).sum())


def _kolmogorov_smirnov(values: np.ndarray, quantiles: np.ndarray) -> float:
    """The largest difference between the cumulative shares of values (n,), and of those with quantiles (Q,).

    Both are compared at, and just below, each value: between two of them the one is constant and the other rises.
    """
    found, counts = np.unique(values, return_counts=True)
    upto = np.cumsum(counts) / len(values)
    below = np.concatenate([[0.0], upto[:-1]])
    at = _cumulative(found, quantiles, "right")
    just_below = _cumulative(found, quantiles, "left")
    return float(max(np.abs(upto - at).max(), np.abs(below - just_below).max()))


def _cumulative(values: np.ndarray, quantiles: np.ndarray, side: str) -> np.ndarray:
    """Share of the rows behind the quantiles that is at most, or with "left" below, each value: (n,)."""
    steps = np.linspace(0, 1, len(quantiles))
    points, first, counts = np.unique(quantiles, return_index=True, return_counts=True)
    last = first + counts - 1
    low = np.clip(np.searchsorted(points, values, side="right") - 1, 0, len(points) - 1)
    high = np.minimum(low + 1, len(points) - 1)
    between = _fraction(values, points[low], points[high])
    shares = steps[last[low]] + between * (steps[first[high]] - steps[last[low]])
    if side == "left":
        shares = np.where(between == 0, steps[first[low]], shares)
    return np.where(values < points[0], 0.0, np.where(values > points[-1], 1.0, shares))


def _fraction(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """How far values lie on the way from one point to the next, in [0, 1]: of numbers however small or large."""
    unit = np.where(np.maximum(np.abs(low), np.abs(high)) > 1, 0.5, 1.0)  # the difference of two floats may overflow
    gap = unit * high - unit * low
    return np.clip((unit * values - unit * low) / np.where(gap > 0, gap, 1.0), 0, 1)


def _is_outside(column: Column, there: np.ndarray, schema: Schema, place: int) -> np.ndarray:
    if column.kind == "categorical":
        return there == column.n_features - 1
    # Scaled as the range was, for the same bits; the first feature rises with the column's numbers.
    encoded = int(np.flatnonzero(schema.order == schema.layout.starts[place])[0])
    offset, scale = 0.5 * schema.offset[encoded], 0.5 * schema.scale[encoded]
    with np.errstate(over="ignore", under="ignore"):
        scaled = (0.5 * column.features(there)[:, 0] - offset) / scale
    return (scaled < schema.minimum[encoded]) | (scaled > schema.maximum[encoded])
