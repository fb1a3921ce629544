"""Scorers based on synthetic anomalies."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture

from aeanomaly._constraints import one_of
from aeanomaly.detectors import BaseDetector
from aeanomaly.model_selection.estimators import (
    detector_and_rows,
    frame_of,
    is_numeric,
    like_input,
    numbers_of,
    scores_of,
    snapshot,
)

#: Mixture for local anomalies: maximum number of rows, numbers of components, rows per column for full covariances.
_MIXTURE_ROWS, _COMPONENTS, _ROWS_PER_COLUMN = 2000, (1, 2, 4, 8), 10
#: Variance of local anomalies and range of global anomalies, relative to normal rows (Han et al. 2022).
_LOCAL_VARIANCE, _GLOBAL_RANGE = 5.0, 1.1
#: Share of swapped values.
_SWAPPED = 0.3


def pseudo_anomaly_auc(estimator: Any, X: Any, y: Any = None, *, kind: str = "swapped", random_state: int = 0) -> float:
    """Area under the ROC curve for normal rows against synthetic anomalies made from them.

    Parameters
    ----------
    estimator : fitted detector, or pipeline that ends with a detector
    X : array-like or DataFrame of shape (n_samples, n_features)
        Normal rows that were not used in training. Only "swapped" and "dependency" accept text, times and missing
        values.
    y : Ignored
    kind : {"swapped", "local", "global", "dependency"}, default="swapped"
        "swapped" replaces each value with probability 0.3, and at least one in each row, by the value of another row.
        The other kinds are those of ADBench [1]_. "local" draws rows from a Gaussian mixture with 5 times the variance.
        "global" draws uniform rows over 1.1 times the range. "dependency" draws each column independently from its
        density, which removes all dependence between columns.
    random_state : int, default=0
        Seed of the anomalies, the same for all candidates.

    Returns
    -------
    area : float in [0, 1]
        Higher = better detection of such anomalies; real anomalies may differ from them.

    Raises
    ------
    ValueError
        If `kind` is unknown.

    References
    ----------
    .. [1] Han, Hu, Huang, Jiang & Zhao (2022), ADBench: anomaly detection benchmark, NeurIPS.
    """
    estimator = snapshot(estimator)
    abnormal = _abnormal("pseudo_anomaly_auc", X, kind, random_state)
    normal_scores, scores = scores_of(estimator, X), scores_of(estimator, abnormal)
    return float(roc_auc_score(np.repeat([1, 0], len(scores)), np.concatenate([normal_scores, scores])))


def pseudo_anomaly_ratio(
    estimator: Any, X: Any, y: Any = None, *, kind: str = "dependency", random_state: int = 0
) -> float:
    """Mean log error of synthetic anomalies minus mean log error of the normal rows.

    This criterion still separates candidates for which `pseudo_anomaly_auc` is 1. The error is `reconstruction_error`
    for detectors of this package, and minus the score for other estimators.

    Parameters
    ----------
    estimator, X, y, kind, random_state
        See `pseudo_anomaly_auc`; `kind` is "dependency" by default.

    Returns
    -------
    log_ratio : float
        Higher = better detection of such anomalies.

    Raises
    ------
    ValueError
        If `kind` is unknown, or if an estimator of another package has scores above 0.
    """
    estimator = snapshot(estimator)
    abnormal = _abnormal("pseudo_anomaly_ratio", X, kind, random_state)
    normal_errors, errors = _errors(estimator, X), _errors(estimator, abnormal)
    least = np.finfo(np.float32).tiny
    return float(np.mean(np.log(np.maximum(errors, least))) - np.mean(np.log(np.maximum(normal_errors, least))))


def _abnormal(scorer: str, X: Any, kind: str, random_state: int) -> Any:
    """Return as many synthetic anomalies as X has rows, in the type of X."""
    one_of(*_KINDS).check(scorer, "kind", kind)
    stream = np.random.default_rng(random_state)
    if kind in ("swapped", "dependency") and not is_numeric(X):
        return _exchange_cells(frame_of(X), kind, stream)
    return like_input(_KINDS[kind](numbers_of(X, scorer), stream), X)


def _exchange_cells(frame: pd.DataFrame, kind: str, stream: np.random.Generator) -> pd.DataFrame:
    """Exchange cells of any type between rows; only floating-point columns get noise."""
    places = np.repeat(np.arange(len(frame))[:, None], frame.shape[1], axis=1)
    places = _swapped(places, stream) if kind == "swapped" else stream.permuted(places, axis=0)
    cells = [frame.iloc[places[:, j], j].reset_index(drop=True) for j in range(frame.shape[1])]
    if kind == "dependency":
        cells = [_add_noise(column, stream) if column.dtype.kind == "f" else column for column in cells]
    return pd.concat(cells, axis=1)


def _add_noise(column: pd.Series, stream: np.random.Generator) -> pd.Series:
    return column + _bandwidth(column.std(ddof=0), len(column)) * stream.standard_normal(len(column))


def _bandwidth(deviation: Any, n_rows: int) -> Any:
    """Return Scott's bandwidth."""
    return deviation * n_rows**-0.2


def _errors(estimator: Any, X: Any) -> np.ndarray:
    """Return nonnegative errors, (n,)."""
    detector, rows = detector_and_rows(estimator, X)
    if isinstance(detector, BaseDetector):
        return detector.reconstruction_error(rows)
    errors = -scores_of(estimator, X)
    if (errors < 0).any():
        raise ValueError(
            f"pseudo_anomaly_ratio: {type(detector).__name__} has scores above 0, which cannot be negative errors; "
            "use pseudo_anomaly_auc"
        )
    return errors


def _swapped(rows: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    hit = stream.random(rows.shape) < _SWAPPED
    hit[np.arange(len(rows)), stream.integers(rows.shape[1], size=len(rows))] = True
    return np.where(hit, stream.permuted(rows, axis=0), rows)


def _global(rows: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    low, high = rows.min(axis=0), rows.max(axis=0)
    center, half = 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low
    return center + _GLOBAL_RANGE * half * stream.uniform(-1, 1, size=rows.shape)


def _dependency(rows: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Permute each column and add noise with Scott's bandwidth."""
    bandwidth = _bandwidth(rows.std(axis=0), len(rows))
    return stream.permuted(rows, axis=0) + bandwidth * stream.standard_normal(rows.shape)


def _local(rows: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    scale = np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1.0)
    standard = (rows - rows.mean(axis=0)) / scale
    few = standard[stream.permutation(len(rows))[:_MIXTURE_ROWS]]
    settings = {"reg_covar": 1e-4, "init_params": "k-means++", "random_state": int(stream.integers(1 << 31))}
    # Full covariances need many rows for each column.
    shape = "full" if len(few) > _ROWS_PER_COLUMN * few.shape[1] else "diag"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # an approximate mixture is sufficient
        mixtures = [
            GaussianMixture(k, covariance_type=shape, **settings).fit(few)
            for k in _COMPONENTS
            if k == 1 or 2 * k <= len(few)
        ]
    best = min(mixtures, key=lambda mixture: mixture.bic(few))
    component = stream.choice(best.n_components, size=len(rows), p=best.weights_)
    noise = np.sqrt(_LOCAL_VARIANCE) * stream.standard_normal(rows.shape)
    if shape == "full":
        noise = np.einsum("nij,nj->ni", np.linalg.cholesky(best.covariances_)[component], noise)
    else:
        noise *= np.sqrt(best.covariances_)[component]
    return (best.means_[component] + noise) * scale + rows.mean(axis=0)


_KINDS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "swapped": _swapped,
    "local": _local,
    "global": _global,
    "dependency": _dependency,
}

#: Among about 200 criteria without labels, this simple one ranks parameter settings most similarly to the true labels
#: (`benchmarks/selection.py`). The correlation is still weak, and weaker between detectors of different kinds.
DEFAULT_SCORING = pseudo_anomaly_ratio
