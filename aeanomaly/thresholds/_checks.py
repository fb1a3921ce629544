"""Validation of scores, labels and parameters of threshold rules."""

from typing import Any

import numpy as np

from aeanomaly._constraints import integer, real


def check_scores(scores: Any) -> np.ndarray:
    """Return scores as float64 (n,); raise a ValueError unless they are finite, one-dimensional and not empty."""
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or len(scores) == 0:
        raise ValueError(f"scores must be a non-empty 1D array of finite numbers; got shape {scores.shape}")
    wrong = len(scores) - int(np.isfinite(scores).sum())
    if wrong:
        raise ValueError(
            f"scores must be a non-empty 1D array of finite numbers; got NaN or infinite values ({wrong} of "
            f"{len(scores)}); drop or correct these rows"
        )
    return scores


def check_fraction(owner: str, name: str, value: Any, most: float = 1.0, remedy: str = "") -> None:
    """Raise a ValueError unless `value` is a number strictly between 0 and `most`."""
    if not real(0, most).allows(value):
        raise ValueError(f"{owner}: {name} must lie between 0 and {most:g}; got {value!r}{remedy and '; ' + remedy}")


def check_positive(owner: str, name: str, value: Any) -> None:
    """Raise a ValueError unless `value` is a finite number above 0."""
    if not real(0).allows(value):
        raise ValueError(f"{owner}: {name} must be a finite number above 0; got {value!r}")


def check_n_splits(owner: str, value: Any) -> None:
    """Raise a ValueError unless `value` is an integer of at least 2."""
    if not integer(2).allows(value):
        raise ValueError(f"{owner}: n_splits must be an integer of at least 2; got {value!r}")


def midpoint(below: Any, above: Any) -> Any:
    """Return the midpoint, or `above` if no float lies between; the result is always above `below`."""
    middle = below + 0.5 * (above - below)
    return np.where(middle > below, middle, above)


def split_by_label(owner: str, scores: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted scores of normal rows and of anomalies; raise a ValueError unless both exist."""
    scores, anomalous = check_scores(scores), is_anomaly(owner, y)
    if len(scores) != len(anomalous):
        raise ValueError(f"{owner}: got {len(scores)} scores, but {len(anomalous)} labels; pass one label per score")
    if scores.min() == scores.max():
        raise ValueError(f"{owner}: all {len(scores)} scores are {scores[0]:g}, so no threshold can separate anomalies")
    return np.sort(scores[~anomalous]), np.sort(scores[anomalous])


def is_anomaly(owner: str, y: Any) -> np.ndarray:
    """Convert labels, {0, 1} or {1, -1}, to a mask of anomalies (n,); raise a ValueError unless both classes exist."""
    if y is None:
        raise ValueError(f"{owner} needs labels; pass y with labels 0 and 1 (1 = anomaly) or 1 and -1 (-1 = anomaly)")
    labels = np.asarray(y)
    seen = set(np.unique(labels).tolist())
    if labels.ndim != 1 or not (seen <= {0, 1} or seen <= {-1, 1}):
        shown = ", ".join(map(repr, sorted(seen, key=str)[:5]))
        raise ValueError(
            f"{owner}: labels must be 0 and 1 (1 = anomaly) or 1 and -1 (-1 = anomaly), in a 1D array; got "
            f"{shown}, of shape {labels.shape}"
        )
    if len(seen) < 2:
        found = f"all {len(labels)} labels are {seen.pop():g}" if seen else "y is empty"
        raise ValueError(
            f"{owner} needs normal rows and anomalies, but {found}; pass rows of both kinds, or stratify the folds"
        )
    return labels == (1 if 0 in seen else -1)
