"""Scorer based on the volume of level sets of the score (Goix 2016)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from aeanomaly.model_selection.estimators import like_input, numbers_of, scores_of, snapshot

#: Maximum number of columns that vary at a time; with more, uniform draws are far from all rows.
_COLUMNS = 5
#: Number of level sets.
_LEVELS = 500
#: Excess mass at the end of its curve (Goix 2016).
_LEAST_EXCESS = 0.9


def excess_mass(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    n_draws: int = 10_000,
    n_subsets: int = 10,
    random_state: int = 0,
) -> float:
    """Area under the excess-mass curve, which is large if level sets of the score contain many rows in a small volume.

    EM(t) is the maximum of P(score > u) - t Leb(score > u) over the levels u. The area extends from t = 0 to the point
    where EM(t) = 0.9. Volumes are estimated from uniform draws over the range of the rows, which has volume 1. With
    more than 5 columns, the result is the mean over random subsets of 5 columns. The draws then replace only the
    columns of the subset. In contrast, [1]_ trains a detector on each subset.

    Parameters
    ----------
    estimator : fitted detector, or pipeline that ends with a detector
    X : array-like or DataFrame of shape (n_samples, n_features)
        Normal rows that were not used in training, with numbers only.
    y : Ignored
    n_draws : int, default=10,000
        Total number of uniform draws.
    n_subsets : int, default=10
        Number of subsets if there are more than 5 columns.
    random_state : int, default=0
        Seed of the draws, the same for all candidates.

    Returns
    -------
    area : float
        Higher = better.

    References
    ----------
    .. [1] Goix (2016), How to evaluate the quality of unsupervised anomaly detection algorithms?, ICML Workshop on
       Anomaly Detection.
    """
    curves = _curves(estimator, X, n_draws, n_subsets, random_state)
    return float(np.mean([_area_of_excess(mass, volume) for mass, volume in curves]))


def _curves(
    estimator: Any, X: Any, n_draws: int, n_subsets: int, random_state: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the masses and the volumes of level sets, in ascending order, for each subset of columns."""
    estimator = snapshot(estimator)
    rows, stream = numbers_of(X, "excess_mass"), np.random.default_rng(random_state)
    n_columns, scores = rows.shape[1], np.sort(scores_of(estimator, X))
    # Levels in descending order; the last level set contains all rows.
    levels = scores[np.linspace(len(scores) - 1, 0, min(_LEVELS, len(scores))).astype(int)]
    mass = 1 - np.searchsorted(scores, levels, side="left") / len(scores)
    n_subsets = 1 if n_columns <= _COLUMNS else n_subsets
    size = max(1, n_draws // n_subsets)
    for _ in range(n_subsets):
        columns = stream.permutation(n_columns)[:_COLUMNS]
        draws = rows[stream.integers(len(rows), size=size)]
        low, high = rows[:, columns].min(axis=0), rows[:, columns].max(axis=0)
        draws[:, columns] = low + (high - low) * stream.random((size, len(columns)))
        drawn = np.sort(scores_of(estimator, like_input(draws, X)))
        inside = size - np.searchsorted(drawn, levels, side="left")
        # Counts one additional draw in each level set, so that no volume is 0.
        yield mass, (inside + 1) / (size + 1)


def _area_of_excess(mass: np.ndarray, volume: np.ndarray) -> float:
    end = np.max((mass - _LEAST_EXCESS) / volume)
    t = np.linspace(0, end, _LEVELS)
    excess = np.max(mass - t[:, None] * volume, axis=1)
    return float(end * np.mean((excess[1:] + excess[:-1]) / 2))
