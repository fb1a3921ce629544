"""Correction of error terms for missing values.

A missing column contributes the mean error of the observed columns of its row, shrunk towards the typical training
error of a column: the mean includes one additional column, which has the typical error. Errors of incomplete rows are
thus comparable with those of complete rows.
"""

import numpy as np
import torch


def growth(observed: torch.Tensor) -> torch.Tensor:
    """Return the factor of the errors of observed columns in each row: observed (N, F) -> (N, 1) float64."""
    return 1 + _n_extra(observed)


def complete_total(errors: torch.Tensor, observed: torch.Tensor, typical_error: torch.Tensor) -> torch.Tensor:
    """Correct sums over columns: errors (N,) float64, observed (N, F) -> (N,)."""
    extra = _n_extra(observed)[:, 0]
    return errors * (1 + extra) + extra * typical_error


def complete_columns(terms: np.ndarray, observed: np.ndarray, typical_error: float) -> np.ndarray:
    """Correct the terms of columns (N, F); missing columns increase the terms of the observed ones.

    The sum of the terms of a row is `complete_total`, except for rounding.
    """
    extra = _n_extra(torch.from_numpy(observed)).numpy()
    present = observed.sum(axis=1, keepdims=True)
    typical = np.where(observed, extra * typical_error / np.maximum(present, 1), 0)
    return terms * (1 + extra) + np.where(present == 0, typical_error, typical)


def per_observed(errors: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Extrapolate errors of members (N, M) from the observed columns (N, F) to all columns, without shrinkage."""
    return errors * (observed.shape[1] / np.maximum(1, observed.sum(axis=1, keepdims=True)))


def _n_extra(observed: torch.Tensor) -> torch.Tensor:
    """Return the number of missing columns divided by 1 + the number of observed columns, (N, 1) float64."""
    present = observed.double().sum(dim=1, keepdim=True)
    return (observed.shape[1] - present) / (present + 1)
