"""Differences between the distributions of columns in a table and in the training rows."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly._constraints import integer
from aeanomaly._counts import counted
from aeanomaly.fitting.facts import ColumnFacts
from aeanomaly.inspection._access import ScoredRows
from aeanomaly.inspection._drift_of_times import drift_of_times, share_implausible
from aeanomaly.inspection._text import cut, cut_names, label_text, number, percent, visible
from aeanomaly.preprocessing import (
    Column,
    Datetime,
    GroupedCategorical,
    Ignored,
    Logarithmic,
    Numeric,
    Schema,
    cells_as_given,
    label_index,
)

#: Smallest drift that is described, and smallest share of values outside the range or of additional missing values.
_LEAST_DRIFT, _LEAST_SHARE = 0.1, 0.01
#: Larger ratios of medians are described by both medians.
_LARGEST_RATIO = 100
_MAX_NAME = 60
#: Maximum number of new categories of a column, and number of those that a line names.
_NEW, _NAMED = 5, 3
#: Kinds of columns with categories, and kinds without effect on the score.
_CATEGORIES, _LEFT_OUT = ("categorical", "ordinal", "frequency"), ("ignored", "group")


def column_drift(detector: Any, X: Any) -> pd.DataFrame:
    """Compare each column of a table with the training rows of a detector.

    Parameters
    ----------
    detector : fitted detector, or a pipeline or search that ends with a detector
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows as for `score_samples`.

    Returns
    -------
    drift : DataFrame of shape (n_features, 9)
        One row for each input column of the detector, in the same order. The index contains the names of `explain`, or
        those of the preceding transformers. The columns are:

        - `kind`: type of the column, such as "numeric", "categorical" or "datetime", or "ignored" or "group";
        - `drift`: distance of the distributions in [0, 1]; 0 = distributed as in training, 1 = no overlap. For
          categorical columns it is the total variation distance, with all unknown categories counted as one [1]_.
          For all other columns it is the Kolmogorov-Smirnov distance [2]_. Both ignore missing values. Times drift by
          their hours, weekdays and months, because later rows have later times (see Notes);
        - `missing_in_training` and `missing`: share of missing values in the training rows and in X;
        - `outside`: share of values outside the range of the training rows, or of unknown categories; of times, share
          outside the plausible range;
        - `median_in_training` and `median`: medians of a column of numbers, in its units; NaN for other columns;
        - `part`: part of a time that drifts most, "hour", "weekday" or "month"; empty for other columns;
        - `new_categories`: list of at most five categories that are not in the training rows, the most frequent first.

        `drift`, `outside` and `median` are NaN for an ignored column, and for a column without values.

    Raises
    ------
    TypeError
        If the estimator does not end with a detector of this package.
    ValueError
        If the detector cannot score X, or if X has no rows.

    Notes
    -----
    A detector does not keep its training rows. Numbers are compared with 64 quantiles of at most 2,000 of them. With n
    rows in X, about 5% of the columns without drift exceed ``1.4 * sqrt(1 / n + 1 / 2000)`` by chance.

    The drift of the hours of a column of times is half the distance between two points in the unit circle: the mean of
    the hours as points on a clock, in X and in training. It is a lower bound of the total variation distance. Weekdays
    and months are compared only if X spans a week or a year, and if training spans two. With ``time_trend=True``, the
    times themselves are compared as numbers.

    Drift describes a table, not its rows. A table with 1% anomalies has little drift, and a table with drift need not
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
    cells = cells_as_given(scored.rows)
    compared = []
    for place, (column, values) in enumerate(zip(schema.columns, numbers.T, strict=True)):
        there = values[~np.isnan(values)]
        drift, part = _distance(column, there, schema, place, reference.values[:, place]), ""
        if isinstance(column, Datetime) and not column.trend and len(there):
            drift, part = drift_of_times(column, there, ColumnFacts.of(column, place, state).resultants)
        compared.append(
            {
                "kind": column.kind,
                "drift": drift,
                "missing_in_training": reference.missing[place],
                "missing": 1 - len(there) / len(values),
                "outside": _share_outside(column, there, schema, place, reference.values[:, place]),
                **_medians(column, there, reference.values[:, place], reference.missing[place]),
                "part": part,
                "new_categories": _new_categories(column, values, cells.iloc[:, place]),
            }
        )
    return pd.DataFrame(compared, index=label_index(scored.names or detector.column_names_))


def drift_to_text(drift: pd.DataFrame, n_columns: int = 10) -> str:
    """Describe the columns that differ most from the training rows, one line for each.

    Parameters
    ----------
    drift : DataFrame
        Result of `column_drift`.
    n_columns : int, default=10
        Maximum number of columns to describe.

    Returns
    -------
    text : str
        Lines such as "price: 12% of the values lie outside the training range; its median is 2.3 times that of
        training; drift 0.41". Columns with a drift below 0.1 are omitted, unless at least 1% of their values lie
        outside the training range, or their share of missing values changes by 1% of the rows.

    Raises
    ------
    ValueError
        If `n_columns` is not an integer of at least 1.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.inspection.drift import column_drift, drift_to_text
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"price": rng.uniform(1, 2, size=500), "weight": rng.normal(size=500)})
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
    >>> print(drift_to_text(column_drift(detector, X.assign(price=X["price"] + 2))))
    price: 100% of the values lie outside the training range; its median is 2.3 times that of training; drift 1.00
    """
    integer(1).check("drift_to_text", "n_columns", n_columns)
    more_missing = (drift["missing"] - drift["missing_in_training"]).abs()
    changes = np.column_stack([drift["drift"], drift["outside"], more_missing]).astype(np.float64)
    changes = np.nan_to_num(changes)
    differs = (changes >= np.array([_LEAST_DRIFT, _LEAST_SHARE, _LEAST_SHARE])).any(axis=1)
    differs &= ~drift["kind"].isin(_LEFT_OUT).to_numpy()
    order = [j for j in np.argsort(-changes.max(axis=1), kind="stable").tolist() if differs[j]]
    if not order:
        return f"No column differs clearly from the training rows; the largest drift is {changes[:, 0].max():.2f}."
    names = cut_names([visible(label_text(drift.index[j])) for j in order[:n_columns]], _MAX_NAME)
    lines = [f"{name}: {'; '.join(_facts(drift.iloc[j]))}" for name, j in zip(names, order, strict=False)]
    rest = len(order) - len(lines)
    return "\n".join([*lines, *([f"and {counted(rest, 'more column')}"] if rest else [])])


def _facts(found: pd.Series) -> list[str]:
    """Return what changed in a column."""
    facts = []
    if found["outside"] > 0:
        facts.append(f"{percent(found['outside'])} of the values {_outside_of(found)}")
    if found["part"] and found["drift"] >= _LEAST_DRIFT:
        facts.append(f"its {found['part']}s are distributed otherwise than in training")
    before, here = found["median_in_training"], found["median"]
    if found["drift"] >= _LEAST_DRIFT and np.isfinite(before + here) and number(before) != number(here):
        ratio = here / before if before > 0 and here > 0 else np.nan
        usual = 1 / _LARGEST_RATIO <= ratio <= _LARGEST_RATIO and not 0.95 < ratio < 1.05
        compared = (
            f"{ratio:.2g} times that of training" if usual else f"{number(here)}, and {number(before)} in training"
        )
        facts.append(f"its median is {compared}")
    if abs(found["missing"] - found["missing_in_training"]) >= _LEAST_SHARE:
        facts.append(
            f"{percent(found['missing'])} of the rows have a missing value, and "
            f"{percent(found['missing_in_training'])} in training"
        )
    return [*facts, *([f"drift {found['drift']:.2f}"] if np.isfinite(found["drift"]) else [])]


def _outside_of(found: pd.Series) -> str:
    if found["kind"] == "datetime":
        return "lie outside the plausible range"
    if found["kind"] not in _CATEGORIES:
        return "lie outside the training range"
    named = ", ".join(repr(cut(visible(label), _MAX_NAME)) for label in found["new_categories"][:_NAMED])
    return "are not in the training rows" + f", such as {named}" * bool(named)


def _new_categories(column: Column, values: np.ndarray, cells: pd.Series) -> list[Any]:
    """Return the most frequent categories that are not in the training rows."""
    is_new = values == getattr(column, "unknown", np.nan)
    return cells[is_new].astype(object).value_counts().index[:_NEW].tolist() if column.kind in _CATEGORIES else []


def _medians(column: Column, there: np.ndarray, quantiles: np.ndarray, missing: float) -> dict[str, float]:
    if not isinstance(column, (Numeric, Logarithmic)):
        return {"median_in_training": np.nan, "median": np.nan}
    return {
        "median_in_training": _middle(quantiles) if missing < 1 else np.nan,
        "median": _middle(np.sort(there)) if len(there) else np.nan,
    }


def _middle(ascending: np.ndarray) -> float:
    """Return the median of sorted values without overflow."""
    return float(0.5 * ascending[(len(ascending) - 1) // 2] + 0.5 * ascending[len(ascending) // 2])


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
    if isinstance(column, Datetime) and len(there):
        return share_implausible(column, there)
    return float(_is_outside(column, there, schema, place, quantiles).mean()) if len(there) else np.nan


def _is_outside(column: Column, there: np.ndarray, schema: Schema, place: int, quantiles: np.ndarray) -> np.ndarray:
    if column.kind == "categorical":
        return there == column.n_features - 1
    if isinstance(column, GroupedCategorical):
        return there == column.unknown
    if schema.groups is not None and isinstance(column, (Numeric, Logarithmic)):
        return (there < quantiles[0]) | (there > quantiles[-1])
    if isinstance(column, Ignored):
        return np.full(len(there), np.nan)
    # Same operations as in training, for identical rounding; the first feature increases with the value.
    encoded = int(np.flatnonzero(schema.order == schema.layout.starts[place])[0])
    offset, scale = 0.5 * schema.offset[encoded], 0.5 * schema.scale[encoded]
    with np.errstate(over="ignore", under="ignore"):
        scaled = (0.5 * column.features(there)[:, 0] - offset) / scale
    return (scaled < schema.minimum[encoded]) | (scaled > schema.maximum[encoded])
