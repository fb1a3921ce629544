"""Regularization of covariances."""

import numpy as np

#: Ridge as a share of the mean variance, in addition to the share D / N.
_RIDGE = 1e-3


def with_ridge(covariance: np.ndarray, n_rows: int) -> np.ndarray:
    """Add a ridge of (D / N + 0.001) times the mean variance to the covariance (D, D) of a table of N rows.

    The result is positive definite, also if the table has more columns than rows.
    """
    n_columns = len(covariance)
    variance = np.trace(covariance) / n_columns
    ridge = (n_columns / n_rows + _RIDGE) * (variance if variance > 0 else 1.0)
    return covariance + ridge * np.eye(n_columns)
