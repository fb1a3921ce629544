"""Correction of error terms for missing values.

A missing column contributes the mean error of the row's observed columns, shrunk toward the typical training error of
a column: the mean is taken over one column more, which has the typical error. This makes errors of incomplete rows
comparable with those of complete ones.
"""

import numpy as np
import torch


def growth(observed: torch.Tensor) -> torch.Tensor:
    """Return the factor by which the observed columns of each row count: observed (N, F) -> (N, 1) float64."""
    return 1 + _n_guessed(observed)


def complete_total(errors: torch.Tensor, observed: torch.Tensor, typical_error: torch.Tensor) -> torch.Tensor:
    """Correct sums over columns: errors (N,) float64, observed (N, F) -> (N,)."""
    guessed = _n_guessed(observed)[:, 0]
    return errors * (1 + guessed) + guessed * typical_error


def complete_columns(terms: np.ndarray, observed: np.ndarray, typical_error: float) -> np.ndarray:
    """Correct the terms of columns (N, F); missing columns contribute through the observed ones.

    The terms of a row add up to `complete_total`, but for rounding.
    """
    guessed = _n_guessed(torch.from_numpy(observed)).numpy()
    present = observed.sum(axis=1, keepdims=True)
    typical = np.where(observed, guessed * typical_error / np.maximum(present, 1), 0)
    return terms * (1 + guessed) + np.where(present == 0, typical_error, typical)


def per_observed(errors: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Extrapolate errors of members (N, M) from the observed columns (N, F) to all, without shrinkage."""
    return errors * (observed.shape[1] / np.maximum(1, observed.sum(axis=1, keepdims=True)))


def _n_guessed(observed: torch.Tensor) -> torch.Tensor:
    """Return how many columns more than the observed ones each row counts, (N, 1) float64."""
    present = observed.double().sum(dim=1, keepdim=True)
    return (observed.shape[1] - present) / (present + 1)
