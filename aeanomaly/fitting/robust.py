"""Closed-form members that resist anomalies among the training rows, and the robust core of a table."""

from collections.abc import Callable

import numpy as np
import torch

from aeanomaly.fitting.member_errors import member_errors
from aeanomaly.nn import take
from aeanomaly.nn.missing import impute
from aeanomaly.scoring import MaskedLinearScorer, Matrix, NeighborhoodScorer, with_ridge
from aeanomaly.streams import MemberKey, numpy_stream

#: Maximum number of stored rows of a neighborhood, and of rows to which the linear model is fitted.
_STORED_ROWS, _FITTED_ROWS = 2048, 10_000
#: Index of these members in the keys of random streams.
_ROBUST = 1 << 29
#: Share of the rows in the core of the linear model, and number of concentration steps.
_CORE, _STEPS = 0.6, 10
#: Weight of the linear model next to the neighborhood, when the rows of a core are selected.
_LINEAR_WEIGHT = 0.1
_TINY = float(np.finfo(np.float64).tiny)


def fit_robust_scorers(
    encoded: torch.Tensor, kinds: np.ndarray, seed: int, *, allow_nan: bool = False
) -> tuple[NeighborhoodScorer, MaskedLinearScorer]:
    """Fit a neighborhood and a trimmed linear model to encoded rows (N, D) of the given kinds (D,), on their device.

    The linear model is a Gaussian with the mean and covariance of the core of the rows: at first those that are nearest
    to their nearest tenth, then in each concentration step those with the smallest errors, as in FAST-MCD (Rousseeuw &
    Van Driessen 1999, Technometrics 41). It omits categories, whose indicators add up to 1; their terms are 0.
    """
    order = numpy_stream(MemberKey(seed, _ROBUST), "samples").permutation(len(encoded))[:_FITTED_ROWS]
    rows = take(encoded, order)
    if allow_nan:
        rows = impute(rows, rows[:_STORED_ROWS])
    stored = rows[:_STORED_ROWS]
    squares = torch.cdist(rows.double(), stored.double()).square_()
    bandwidth = float(squares.mean(dim=1).median() / rows.shape[1]) ** 0.5
    nearest = squares.topk(max(1, len(stored) // 10), dim=1, largest=False).values.mean(dim=1)
    neighborhood = NeighborhoodScorer(stored, bandwidth if bandwidth > 0 else 1.0, allow_nan=allow_nan)
    mean, precision = _linear_model(rows, nearest, kinds)
    return neighborhood, MaskedLinearScorer(mean.float(), precision.float(), allow_nan=allow_nan)


def robust_core(encoded: torch.Tensor, kinds: np.ndarray, trimmed: float, seed: int) -> np.ndarray:
    """Return the ascending indices of the rows that remain when the share `trimmed` with the largest errors is removed.

    The error is that of the neighborhood plus a tenth of that of the linear model, each divided by its median.
    """
    scorers = fit_robust_scorers(encoded, kinds, seed, allow_nan=True)
    near, linear = (member_errors(scorer, encoded)[:, 0] for scorer in scorers)
    total = near / max(np.median(near), _TINY) + _LINEAR_WEIGHT * linear / max(np.median(linear), _TINY)
    kept = max(2, round((1 - trimmed) * len(encoded)))
    return np.sort(np.argsort(total, kind="stable")[:kept])


def _linear_model(rows: torch.Tensor, distances: torch.Tensor, kinds: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean (D,) and precision (D, D) of the core of rows (N, D) in float64, 0 for categories."""
    mean = torch.zeros(len(kinds), dtype=torch.float64, device=rows.device)
    precision = torch.zeros(len(kinds), len(kinds), dtype=torch.float64, device=rows.device)
    linear = torch.from_numpy(np.flatnonzero(kinds != "categorical")).to(rows.device)
    if len(linear):
        of_linear = _concentrated_gaussian(rows[:, linear].double(), distances)
        mean[linear], precision[linear[:, None], linear] = of_linear
    return mean, precision


def _concentrated_gaussian(rows: torch.Tensor, distances: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean (D,) and inverse covariance (D, D) of the core of rows (N, D), which starts at small distances."""
    if rows.device.type != "cpu":
        # Without a check of each inverse, for which the host would wait.
        return _concentrate(rows, distances, lambda x: x.argsort(stable=True), lambda x: torch.linalg.inv_ex(x).inverse)
    arrays = rows.numpy(), distances.numpy()
    mean, precision = _concentrate(*arrays, lambda x: np.argsort(x, kind="stable"), np.linalg.inv)
    return torch.from_numpy(mean), torch.from_numpy(precision)


def _concentrate(
    rows: Matrix, distances: Matrix, argsort: Callable[[Matrix], Matrix], inverse: Callable[[Matrix], Matrix]
) -> tuple[Matrix, Matrix]:
    n_rows, n_columns = rows.shape
    size = min(n_rows, max(n_columns + 2, round(_CORE * n_rows)))
    for _ in range(_STEPS):
        core = rows[argsort(distances)[:size]]
        mean = core.mean(0)
        centered = core - mean
        covariance = centered.T @ centered / max(1, size - 1)
        precision = inverse(with_ridge(covariance, n_rows))
        centered = rows - mean
        distances = ((centered @ precision) * centered).sum(1)
    return mean, precision
