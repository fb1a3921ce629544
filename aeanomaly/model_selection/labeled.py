"""Scorers that need labels."""

from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from aeanomaly.model_selection.estimators import scores_of
from aeanomaly.thresholds import is_anomaly


def roc_auc(estimator: Any, X: Any, y: Any) -> float:
    """Area under the ROC curve: probability that an anomaly has a lower score than a normal row.

    Parameters
    ----------
    estimator : fitted detector, or pipeline that ends with a detector
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
        {0, 1} with 1 = anomaly, or {+1, -1} with -1 = anomaly.

    Returns
    -------
    area : float in [0, 1]
        Higher = better.

    Raises
    ------
    ValueError
        If labels are missing, invalid or of a single class.

    Examples
    --------
    >>> import numpy as np
    >>> from aeanomaly import DenoisingAutoencoder
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
    >>> roc_auc(detector, np.vstack([X, [[50, 50]]]), [0] * 100 + [1])
    1.0
    """
    return float(roc_auc_score(is_anomaly("roc_auc", y), -scores_of(estimator, X)))


def average_precision(estimator: Any, X: Any, y: Any) -> float:
    """Average precision of minus the scores, with anomalies as positives.

    See `roc_auc` for parameters, labels and errors.
    """
    return float(average_precision_score(is_anomaly("average_precision", y), -scores_of(estimator, X)))


def precision_at_n(estimator: Any, X: Any, y: Any, *, n: int | None = None) -> float:
    """Share of anomalies among the n rows with the lowest scores; by default, n is the number of anomalies.

    Rows tied at rank n count proportionally. See `roc_auc` for parameters, labels and errors.
    """
    anomalous = is_anomaly("precision_at_n", y)
    n = int(anomalous.sum()) if n is None else n
    if not 1 <= n <= len(anomalous):
        raise ValueError(f"precision_at_n: n must be from 1 to the number of rows, {len(anomalous)}; got {n!r}")
    scores = scores_of(estimator, X)
    last = np.partition(scores, n - 1)[n - 1]
    below, tied = scores < last, scores == last
    return float((anomalous[below].sum() + anomalous[tied].mean() * (n - below.sum())) / n)
