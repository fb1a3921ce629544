"""Differences between the distributions of columns in a table and in the training rows."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.inspection._access import ScoredRows
from aeanomaly.preprocessing import (
    Column,
    Datetime,
    GroupedCategorical,
    Ignored,
    Logarithmic,
    Numeric,
    Schema,
    label_index,
)


def column_drift(detector: Any, X: Any) -> pd.DataFrame:
    """Compare each column of a table with the training rows of a detector.

    Parameters
    ----------
    detector : fitted detector, or a pipeline or search that ends with a detector
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows as for `score_samples`.

    Returns
    -------
    drift : DataFrame of shape (n_features, 5)
        One row for each input column of the detector, in the same order. The index contains the names of `explain`, or
        those of the preceding transformers. The columns are:

        - `kind`: type of the column, such as "numeric", "categorical" or "datetime", or "ignored" or "group";
        - `drift`: distance of the distributions in [0, 1]; 0 = distributed as in training, 1 = no overlap. For
          categorical columns it is the total variation distance, with all unknown categories counted as one [1]_.
          For all other columns it is the Kolmogorov-Smirnov distance [2]_. Both ignore missing values;
        - `missing_in_training` and `missing`: share of missing values in the training rows and in X;
        - `outside`: share of values outside the range of the training rows, or of unknown categories.

        `drift` and `outside` are NaN for an ignored column, and for a column without values.

    Raises
    ------
    TypeError
        If the estimator does not end with a detector of this package.
    ValueError
        If the detector cannot score X, or if X has no rows.

    Notes
    -----
    A detector does not keep its training rows. Numbers are compared with 64 quantiles of at most 2,000 of them. With n
    rows in X, about 5 % of the columns without drift exceed ``1.4 * sqrt(1 / n + 1 / 2000)`` by chance.

    Drift describes a table, not its rows. A table with 1 % anomalies has little drift, and a table with drift need not
    contain anomalies. After drift, the threshold may have another false alarm rate.

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
    scored = ScoredRows.from_estimator("column_drift", detector, X)
    detector = scored.detector
    state = detector.state_
    schema, reference = state.model.schema, state.reference
    numbers = np.asarray(state.model.validate(detector, scored.rows), dtype=np.float64)
    compared = []
    for place, (column, values) in enumerate(zip(schema.columns, numbers.T, strict=True)):
        there = values[~np.isnan(values)]
        compared.append(
            {
                "kind": column.kind,
                "drift": _distance(column, there, schema, place, reference.values[:, place]),
                "missing_in_training": reference.missing[place],
                "missing": 1 - len(there) / len(values),
                "outside": _share_outside(column, there, schema, place, reference.values[:, place]),
            }
        )
    return pd.DataFrame(compared, index=label_index(scored.names or detector.column_names_))


def _distance(column: Column, there: np.ndarray, schema: Schema, place: int, quantiles: np.ndarray) -> float:
    if not len(there) or isinstance(column, Ignored):
        return np.nan
    start = schema.layout.starts[place]
    if isinstance(column, GroupedCategorical) and schema.groups is not None:
        trained = schema.groups.shares[schema.groups.categories.tolist().index(start)]
    elif column.kind == "categorical":
        trained = schema.to_feature_order(schema.mean[None])[0, start : start + column.n_features]
    else:
        return _kolmogorov_smirnov(there, quantiles)
    here = np.bincount(there.astype(int), minlength=len(trained)) / len(there)
    return float(0.5 * np.abs(here - trained / trained.sum()).sum())


def _kolmogorov_smirnov(values: np.ndarray, quantiles: np.ndarray) -> float:
    """Return the largest difference between the distribution functions of values (n,) and of quantiles (Q,).

    It is attained at a value or just below one, because one function is constant between two values.
    """
    found, counts = np.unique(values, return_counts=True)
    upto = np.cumsum(counts) / len(values)
    below = np.concatenate([[0.0], upto[:-1]])
    at = _cumulative(found, quantiles, "right")
    just_below = _cumulative(found, quantiles, "left")
    return float(max(np.abs(upto - at).max(), np.abs(below - just_below).max()))


def _cumulative(values: np.ndarray, quantiles: np.ndarray, side: str) -> np.ndarray:
    """Return the share of the training rows at most equal to each value, or below it for side "left", (n,)."""
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
    """Return (value - low) / (high - low), clipped to [0, 1], without overflow."""
    unit = np.where(np.maximum(np.abs(low), np.abs(high)) > 1, 0.5, 1.0)  # the difference of two floats may overflow
    gap = unit * high - unit * low
    return np.clip((unit * values - unit * low) / np.where(gap > 0, gap, 1.0), 0, 1)


def _share_outside(column: Column, there: np.ndarray, schema: Schema, place: int, quantiles: np.ndarray) -> float:
    return float(_is_outside(column, there, schema, place, quantiles).mean()) if len(there) else np.nan


def _is_outside(column: Column, there: np.ndarray, schema: Schema, place: int, quantiles: np.ndarray) -> np.ndarray:
    if column.kind == "categorical":
        return there == column.n_features - 1
    if isinstance(column, GroupedCategorical):
        return there == column.unknown
    if schema.groups is not None and isinstance(column, (Numeric, Logarithmic)):
        return (there < quantiles[0]) | (there > quantiles[-1])
    if isinstance(column, Datetime):
        return (there < column.start) | (there > column.end)
    if isinstance(column, Ignored):
        return np.full(len(there), np.nan)
    # Same operations as in training, for identical rounding; the first feature increases with the value.
    encoded = int(np.flatnonzero(schema.order == schema.layout.starts[place])[0])
    offset, scale = 0.5 * schema.offset[encoded], 0.5 * schema.scale[encoded]
    with np.errstate(over="ignore", under="ignore"):
        scaled = (0.5 * column.features(there)[:, 0] - offset) / scale
    return (scaled < schema.minimum[encoded]) | (scaled > schema.maximum[encoded])
