"""Linear predictions of each reading: from the past of all columns, and from the other columns.

Both come from the precision matrix (ridge-regularized inverse covariance) of windows of a few rows. If T is the
precision matrix and J a set of variables, the error of the best linear prediction of J from all other variables is
``inv(T[J, J]) @ T[J] @ x`` (Lauritzen 1996, Graphical Models, section 5.1).
"""

from dataclasses import dataclass

import numpy as np
import torch

from aeanomaly.threads import limit_threads
from aeanomaly.windows.trailing import lagged, spread

#: Largest number of rows in a prediction, and largest number of variables in the covariance matrix.
_MOST_LAGS, _MOST_VARIABLES = 10, 240
#: Maximum number of training windows.
_MOST_WINDOWS = 50_000
#: Added to the variances of the variables, which are about 1.
_RIDGE = 0.01
#: Rows and outputs of each matrix product. Its rounding depends on the shape, which is therefore always the same.
_BLOCK, _OUTPUTS = 256, 16


@dataclass(frozen=True)
class LagPredictor:
    """Errors of linear predictions of standardized readings.

    Attributes
    ----------
    center : ndarray (Q, C)
        Means of the readings of the last Q rows, newest row first.
    weights : ndarray (Q * C, K)
        Map from centered readings to K errors of the newest row; see `kinds`.
    """

    center: np.ndarray
    weights: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, age: np.ndarray, window: int) -> "LagPredictor":
        """Fit the predictions, by the last rows of a window, two to ten, to standardized training rows (N, C)."""
        n_columns = values.shape[1]
        n_lags = min(_MOST_LAGS, window, max(2, window // 3), max(2, _MOST_VARIABLES // n_columns))
        rows = spread(np.flatnonzero(age >= n_lags - 1), _MOST_WINDOWS)
        if len(rows) < 2:
            rows = np.arange(len(values))
        windows = lagged(values, age, n_lags, rows).reshape(len(rows), -1)
        center = windows.mean(axis=0)
        windows -= center
        precision = np.linalg.inv(windows.T @ windows / len(rows) + _RIDGE * np.eye(len(center)))
        newest = np.arange(n_columns)
        errors = [_error_of(precision, newest)]
        if n_columns > 1:
            own = newest[:, None] + n_columns * np.arange(n_lags)
            errors.append(np.stack([_error_of(precision, variables)[0] for variables in own]))
        return cls(center.reshape(n_lags, n_columns), np.ascontiguousarray(np.concatenate(errors).T))

    @property
    def n_lags(self) -> int:
        """Number of rows that the predictions use, with the newest."""
        return len(self.center)

    @property
    def kinds(self) -> list[str]:
        """Kinds of errors, each of which holds for all columns: given the "past", and given the "others"."""
        return ["past", "others"] if self.center.shape[1] > 1 else ["past"]

    @property
    def n_errors(self) -> int:
        """Number of errors of a row."""
        return self.weights.shape[1]

    def errors(self, values: np.ndarray, age: np.ndarray) -> np.ndarray:
        """Return the errors of the predictions of rows (n, K), shrunk in the first rows of a segment.

        Parameters
        ----------
        values : ndarray (n, C)
            Standardized readings; a row of the result is valid if the rows before it are among them.
        age : ndarray of int (n,)
            Number of rows before each row in its segment.
        """
        windows = (lagged(values, age, self.n_lags) - self.center).reshape(len(values), -1)
        known = np.minimum(age + 1, self.n_lags) / self.n_lags
        return known[:, None] * _product(windows, self.weights)


def _error_of(precision: np.ndarray, variables: np.ndarray) -> np.ndarray:
    """Return the weights (J, V) of the errors of some variables, predicted from all others."""
    return np.linalg.solve(precision[np.ix_(variables, variables)], precision[variables])


def _product(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return ``rows @ weights``, in blocks of equal shape on one thread, so that no bit depends on other rows."""
    n_rows, n_outputs = len(rows), weights.shape[1]
    padded = torch.zeros((-(-n_rows // _BLOCK) * _BLOCK, rows.shape[1]), dtype=torch.float64)
    padded[:n_rows] = torch.from_numpy(rows)
    right = torch.zeros((len(weights), -(-n_outputs // _OUTPUTS) * _OUTPUTS), dtype=torch.float64)
    right[:, :n_outputs] = torch.from_numpy(weights)
    result = torch.empty((len(padded), right.shape[1]), dtype=torch.float64)
    with limit_threads(1), torch.inference_mode():
        for start in range(0, len(padded), _BLOCK):
            torch.mm(padded[start : start + _BLOCK], right, out=result[start : start + _BLOCK])
    return result.numpy()[:n_rows, :n_outputs]
