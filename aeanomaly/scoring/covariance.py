"""Covariances and their regularization."""

from typing import TypeGuard, TypeVar

import numpy as np
import torch

#: Ridge as a share of the mean variance, in addition to the share D / N.
_RIDGE = 1e-3

#: Array of the host, or tensor of any device.
Matrix = TypeVar("Matrix", np.ndarray, torch.Tensor)


def covariance_of(rows: np.ndarray | torch.Tensor) -> np.ndarray:
    """Return the covariance (D, D) of rows (K, D) in float64, computed on the device of a tensor."""
    if is_on_accelerator(rows):
        centered = rows.double() - rows.mean(dim=0, dtype=torch.float64)
        return (centered.mT @ centered / len(rows)).cpu().numpy()
    return np.cov(np.asarray(rows).T.astype(np.float64), bias=True).reshape(rows.shape[1], rows.shape[1])


def is_on_accelerator(rows: np.ndarray | torch.Tensor) -> TypeGuard[torch.Tensor]:
    """Return True for a tensor outside of the memory of the host."""
    return isinstance(rows, torch.Tensor) and rows.device.type != "cpu"


def with_ridge(covariance: Matrix, n_rows: int) -> Matrix:
    """Add a ridge of (D / N + 0.001) times the mean variance to the covariance (D, D) of a table of N rows.

    The result is positive definite, also if the table has more columns than rows.
    """
    n_columns = len(covariance)
    variance = covariance.trace() / n_columns
    share = n_columns / n_rows + _RIDGE
    if isinstance(covariance, torch.Tensor):
        identity = torch.eye(n_columns, dtype=covariance.dtype, device=covariance.device)
        return covariance + share * torch.where(variance > 0, variance, 1.0) * identity
    return covariance + share * (variance if variance > 0 else 1.0) * np.eye(n_columns)
