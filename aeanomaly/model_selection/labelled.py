"""Scorers that need labels."""

from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from aeanomaly.model_selection._access import scores_of


def roc_auc(estimator: Any, X: Any, y: Any) -> float:
    """Probability that an anomaly scores below a normal row: the area under the ROC curve.

    Parameters
    ----------
    estimator : fitted detector, or pipeline that ends in one
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
        If labels are missing, of one class, or none of these.

    Examples
    --------
    >>> import numpy as np
    >>> from aeanomaly import DenoisingAutoencoder
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
    >>> roc_auc(detector, np.vstack([X, [[50, 50]]]), [0] * 100 + [1])
    1.0
    """
    return float(roc_auc_score(_is_anomaly("roc_auc", y), -scores_of(estimator, X)))


def average_precision(estimator: Any, X: Any, y: Any) -> float:
    """Mean precision over the anomalies, from the lowest score upwards.

    Parameters, labels and errors are those of `roc_auc`.
    """
    return float(average_precision_score(_is_anomaly("average_precision", y), -scores_of(estimator, X)))


def precision_at_n(estimator: Any, X: Any, y: Any, *, n: int | None = None) -> float:
    """Share of anomalies among the n rows with the lowest scores; by default n is the number of anomalies.

    Rows that tie at the last place count by their share. Parameters, labels and errors are those of `roc_auc`.
    """
    is_anomaly = _is_anomaly("precision_at_n", y)
    n = int(is_anomaly.sum()) if n is None else n
    if not 1 <= n <= len(is_anomaly):
        raise ValueError(f"precision_at_n: n must be from 1 to the {len(is_anomaly)} rows; got {n!r}")
    scores = scores_of(estimator, X)
    last = np.partition(scores, n - 1)[n - 1]
    below, tied = scores < last, scores == last
    return float((is_anomaly[below].sum() + is_anomaly[tied].mean() * (n - below.sum())) / n)


def _is_anomaly(scorer: str, y: Any) -> np.ndarray:
    """Labels in either convention -> boolean (n,)."""
    if y is None:
        raise ValueError(f"{scorer} needs labels; pass y, 1 = anomaly of (0, 1), or -1 = anomaly of (1, -1)")
    labels = np.asarray(y)
    seen = set(np.unique(labels).tolist())
    if labels.ndim != 1 or not (seen <= {0, 1} or seen <= {-1, 1}):
        shown = ", ".join(map(repr, sorted(seen, key=str)[:5]))
        raise ValueError(
            f"{scorer}: labels must be 0 and 1 (1 = anomaly) or 1 and -1 (-1 = anomaly), in one dimension; they hold "
            f"{shown}, of shape {labels.shape}"
        )
    if len(seen) < 2:
        kind = "rows" if not seen else "normal rows" if seen == {0} else "anomalies" if seen == {-1} else "one class"
        raise ValueError(
            f"{scorer} needs normal rows and anomalies, and all {len(labels)} labels are {seen or 'missing'} "
            f"({kind}); pass more rows, or stratify the folds"
        )
    return labels == (1 if 0 in seen else -1)
