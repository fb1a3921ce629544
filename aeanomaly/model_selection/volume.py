"""Scorers by volume: how much of the space a share of the rows needs (Goix 2016)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from aeanomaly.model_selection._access import NumericTable, scores_of, snapshot

#: Columns that vary at a time at most: with more, uniform draws meet no row's neighbourhood.
_COLUMNS = 5
#: Level sets that are looked at.
_LEVELS = 500
#: Excess mass at which its area ends, and masses between which that of the mass-volume curve lies (Goix 2016).
_LEAST_EXCESS, _MASSES = 0.9, (0.9, 0.999)


def excess_mass(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    n_draws: int = 10_000,
    n_subsets: int = 10,
    random_state: int = 0,
) -> float:
    """Area under the excess-mass curve: how far the score's level sets hold rows rather than volume.

    EM(t) is the largest P(score > u) - t Leb(score > u) over levels u; the area runs from t = 0 to where
    EM falls to 0.9. The volume is that of uniform draws over the range of the rows, which is given volume 1. With
    more than 5 columns it is the mean over random subsets of 5: the draws then replace these
    columns of the rows, and the others stay. (Goix trains anew on each subset, which a fitted detector cannot.)

    Parameters
    ----------
    estimator : fitted detector, or pipeline that ends in one
    X : array-like or DataFrame of shape (n_samples, n_features)
        Numbers; normal rows that were not trained on.
    y : Ignored
    n_draws : int, default=10,000
        Uniform draws, all subsets together.
    n_subsets : int, default=10
        Subsets of the columns, where there are more than 5.
    random_state : int, default=0
        Of the draws: the same for every candidate.

    Returns
    -------
    area : float
        Higher = better.

    References
    ----------
    Goix (2016), How to evaluate the quality of unsupervised anomaly detection algorithms?, ICML Workshop
    on Anomaly Detection.
    """
    curves = _curves("excess_mass", estimator, X, n_draws, n_subsets, random_state)
    return float(np.mean([_area_of_excess(mass, volume) for mass, volume in curves]))


def mass_volume(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    n_draws: int = 10_000,
    n_subsets: int = 10,
    random_state: int = 0,
) -> float:
    """Minus the area under the mass-volume curve from mass 0.9 to 0.999: how small level sets of such mass are.

    Parameters and reference are those of `excess_mass`.

    Returns
    -------
    area : float in [-1, 0]
        Higher = better, as for every scorer: a mean volume, with a minus before it.
    """
    curves = _curves("mass_volume", estimator, X, n_draws, n_subsets, random_state)
    return -float(np.mean([_mean_volume(mass, volume) for mass, volume in curves]))


def _curves(
    scorer: str, estimator: Any, X: Any, n_draws: int, n_subsets: int, random_state: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each subset of columns, mass and volume of level sets from the smallest to the largest."""
    estimator = snapshot(estimator)
    table, stream = NumericTable(X, scorer), np.random.default_rng(random_state)
    rows = table.values
    n_columns, scores = rows.shape[1], np.sort(scores_of(estimator, X))
    # From the highest score down, to the lowest: the last set holds every row.
    levels = scores[np.linspace(len(scores) - 1, 0, min(_LEVELS, len(scores))).astype(int)]
    mass = 1 - np.searchsorted(scores, levels, side="left") / len(scores)
    n_subsets = 1 if n_columns <= _COLUMNS else n_subsets
    size = max(1, n_draws // n_subsets)
    for _ in range(n_subsets):
        columns = stream.permutation(n_columns)[:_COLUMNS]
        draws = rows[stream.integers(len(rows), size=size)]
        low, high = rows[:, columns].min(axis=0), rows[:, columns].max(axis=0)
        draws[:, columns] = low + (high - low) * stream.random((size, len(columns)))
        drawn = np.sort(scores_of(estimator, table.alike(draws)))
        inside = size - np.searchsorted(drawn, levels, side="left")
        # One more, as if a draw had hit every set: none has volume 0.
        yield mass, (inside + 1) / (size + 1)


def _area_of_excess(mass: np.ndarray, volume: np.ndarray) -> float:
    end = np.max((mass - _LEAST_EXCESS) / volume)
    t = np.linspace(0, end, _LEVELS)
    excess = np.max(mass - t[:, None] * volume, axis=1)
    return float(end * np.mean((excess[1:] + excess[:-1]) / 2))


def _mean_volume(mass: np.ndarray, volume: np.ndarray) -> float:
    masses = np.linspace(*_MASSES, _LEVELS)
    return float(np.mean(volume[np.searchsorted(mass, masses).clip(0, len(volume) - 1)]))
