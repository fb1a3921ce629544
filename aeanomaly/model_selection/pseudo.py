"""Scorers by anomalies of one's own making."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture

from aeanomaly.detectors import BaseDetector
from aeanomaly.model_selection._access import NumericTable, detector_and_rows, frame_of, is_numeric, scores_of, snapshot

#: Rows and components of the mixture that local anomalies are drawn from; rows that whole covariances want.
_MIXTURE_ROWS, _COMPONENTS, _ROWS_PER_COLUMN = 2000, (1, 2, 4, 8), 10
#: How much wider local anomalies spread than normal rows, in variance, and global ones in range (Han et al. 2022).
_WIDER, _BEYOND = 5.0, 1.1
#: Share of values that is swapped.
_SWAPPED = 0.3


def pseudo_anomaly_auc(estimator: Any, X: Any, y: Any = None, *, kind: str = "swapped", random_state: int = 0) -> float:
    """Area under the ROC curve of normal rows against as many copies that are made abnormal.

    Parameters
    ----------
    estimator : fitted detector, or pipeline that ends in one
    X : array-like or DataFrame of shape (n_samples, n_features)
        Normal rows that were not trained on; with text, times or holes for "swapped" and "dependency" alone.
    y : Ignored
    kind : {"swapped", "local", "global", "dependency"}, default="swapped"
        "swapped": each value, with probability 0.3 but one of a row at least, is that of another row.
        The others as in ADBench: "local": from a mixture of Gaussians, fitted to the rows, of 5 times their
        variance; "global": uniform over 1.1 times the range; "dependency": each column by itself from
        its density, so that what holds between columns is lost.
    random_state : int, default=0
        Of the draws: the same for every candidate.

    Returns
    -------
    area : float in [0, 1]
        Higher = better at such anomalies. Real ones may be of another kind.

    Raises
    ------
    ValueError
        If there is no such kind.

    References
    ----------
    Han, Hu, Huang, Jiang & Zhao (2022), ADBench: anomaly detection benchmark, NeurIPS.
    """
    estimator = snapshot(estimator)
    abnormal = _abnormal("pseudo_anomaly_auc", X, kind, random_state)
    normal_scores, scores = scores_of(estimator, X), scores_of(estimator, abnormal)
    return float(roc_auc_score(np.repeat([1, 0], len(scores)), np.concatenate([normal_scores, scores])))


def pseudo_anomaly_ratio(
    estimator: Any, X: Any, y: Any = None, *, kind: str = "dependency", random_state: int = 0
) -> float:
    """How many times larger errors are on copies that are made abnormal: mean log error, less that of the rows.

    Where `pseudo_anomaly_auc` is 1 for every candidate, this goes on to tell them apart. Errors are
    `reconstruction_error` of the detectors of this package, minus the score of others.

    Parameters
    ----------
    estimator, X, y, kind, random_state
        As for `pseudo_anomaly_auc`, but that `kind` is "dependency" by default.

    Returns
    -------
    log_ratio : float
        Higher = better at such anomalies.

    Raises
    ------
    ValueError
        If there is no such kind, or an estimator of another package has scores above 0.
    """
    estimator = snapshot(estimator)
    abnormal = _abnormal("pseudo_anomaly_ratio", X, kind, random_state)
    normal_errors, errors = _errors(estimator, X), _errors(estimator, abnormal)
    least = np.finfo(np.float32).tiny
    return float(np.mean(np.log(np.maximum(errors, least))) - np.mean(np.log(np.maximum(normal_errors, least))))


def _abnormal(scorer: str, X: Any, kind: str, random_state: int) -> Any:
    """Rows that are made abnormal, as many as X has, and as the estimator knows them."""
    if kind not in _KINDS:
        raise ValueError(f"{scorer}: kind must be one of {', '.join(map(repr, _KINDS))}; got {kind!r}")
    stream = np.random.default_rng(random_state)
    if kind in ("swapped", "dependency") and not is_numeric(X):
        return _of_other_rows(frame_of(X), kind, stream)
    table = NumericTable(X, scorer)
    return table.alike(_KINDS[kind](table.values, stream))


def _of_other_rows(frame: pd.DataFrame, kind: str, stream: np.random.Generator) -> pd.DataFrame:
    """The same of rows with text, times or holes: whole cells change places; noise is for real columns."""
    places = np.repeat(np.arange(len(frame))[:, None], frame.shape[1], axis=1)
    places = _swapped(places, stream) if kind == "swapped" else stream.permuted(places, axis=0)
    cells = [frame.iloc[places[:, j], j].reset_index(drop=True) for j in range(frame.shape[1])]
    if kind == "dependency":
        cells = [_widened(column, stream) if column.dtype.kind == "f" else column for column in cells]
    return pd.concat(cells, axis=1)


def _widened(column: pd.Series, stream: np.random.Generator) -> pd.Series:
    return column + _bandwidth(column.std(ddof=0), len(column)) * stream.standard_normal(len(column))


def _bandwidth(deviation: Any, n_rows: int) -> Any:
    """Scott's."""
    return deviation * n_rows**-0.2


def _errors(estimator: Any, X: Any) -> np.ndarray:
    """Errors of at least 0, (n,)."""
    detector, rows = detector_and_rows(estimator, X)
    if isinstance(detector, BaseDetector):
        return detector.reconstruction_error(rows)
    errors = -scores_of(estimator, X)
    if (errors < 0).any():
        raise ValueError(
            f"pseudo_anomaly_ratio: scores of {type(detector).__name__} are above 0, and so not minus an error; "
            "take pseudo_anomaly_auc"
        )
    return errors


def _swapped(rows: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    hit = stream.random(rows.shape) < _SWAPPED
    hit[np.arange(len(rows)), stream.integers(rows.shape[1], size=len(rows))] = True
    return np.where(hit, stream.permuted(rows, axis=0), rows)


def _global(rows: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    low, high = rows.min(axis=0), rows.max(axis=0)
    centre, half = 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low
    return centre + _BEYOND * half * stream.uniform(-1, 1, size=rows.shape)


def _dependency(rows: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Values of other rows, each with Scott's bandwidth around it."""
    bandwidth = _bandwidth(rows.std(axis=0), len(rows))
    return stream.permuted(rows, axis=0) + bandwidth * stream.standard_normal(rows.shape)


def _local(rows: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    scale = np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1.0)
    standard = (rows - rows.mean(axis=0)) / scale
    few = standard[stream.permutation(len(rows))[:_MIXTURE_ROWS]]
    seed = int(stream.integers(1 << 31))
    # Whole covariances want many rows for each column.
    shape = "full" if len(few) > _ROWS_PER_COLUMN * few.shape[1] else "diag"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a mixture near enough will do
        mixtures = [_mixture(k, shape, seed).fit(few) for k in _COMPONENTS if k == 1 or 2 * k <= len(few)]
    best = min(mixtures, key=lambda mixture: mixture.bic(few))
    component = stream.choice(best.n_components, size=len(rows), p=best.weights_)
    noise = np.sqrt(_WIDER) * stream.standard_normal(rows.shape)
    if shape == "full":
        noise = np.einsum("nij,nj->ni", np.linalg.cholesky(best.covariances_)[component], noise)
    else:
        noise *= np.sqrt(best.covariances_)[component]
    return (best.means_[component] + noise) * scale + rows.mean(axis=0)


def _mixture(n_components: int, shape: str, seed: int) -> GaussianMixture:
    settings = {"reg_covar": 1e-4, "init_params": "k-means++", "random_state": seed}
    return GaussianMixture(n_components, covariance_type=shape, **settings)


_KINDS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "swapped": _swapped,
    "local": _local,
    "global": _global,
    "dependency": _dependency,
}
