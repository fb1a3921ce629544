"""What every rule asks of scores, of numbers between them, and of labels."""

from typing import Any

import numpy as np


def check_scores(scores: Any) -> np.ndarray:
    """Scores as float64 (n,); a ValueError if they are not finite, not in one dimension, or none."""
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or len(scores) == 0:
        raise ValueError(f"scores must be finite, of shape (n,) and not empty; got shape {scores.shape}")
    wrong = len(scores) - int(np.isfinite(scores).sum())
    if wrong:
        raise ValueError(
            f"scores must be finite, of shape (n,) and not empty; {wrong} of {len(scores)} are NaN or infinite; "
            "drop these rows, or look at what they hold"
        )
    return scores


def check_fraction(owner: str, name: str, value: Any, most: float = 1.0, remedy: str = "") -> None:
    """Raise a ValueError for what is not a number strictly between 0 and `most`."""
    try:
        allowed = not isinstance(value, bool) and 0 < float(value) < most
    except (TypeError, ValueError):
        allowed = False
    if not allowed:
        raise ValueError(f"{owner}({name}={value!r}) must lie between 0 and {most:g}{remedy and '; ' + remedy}")


def check_positive(owner: str, name: str, value: Any) -> None:
    """Raise a ValueError for what is not a finite number above 0."""
    try:
        allowed = not isinstance(value, bool) and 0 < float(value) < np.inf
    except (TypeError, ValueError):
        allowed = False
    if not allowed:
        raise ValueError(f"{owner}({name}={value!r}) must be a finite number above 0")


def check_n_splits(owner: str, value: Any) -> None:
    """Raise a ValueError for what is not an integer of at least 2."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 2:
        raise ValueError(f"{owner}(n_splits={value!r}) must be an integer of at least 2")


def midpoint(below: Any, above: Any) -> Any:
    """Numbers above `below`, and not above `above`: halfway where floats allow."""
    middle = below + 0.5 * (above - below)
    return np.where(middle > below, middle, above)


def split_by_label(owner: str, scores: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Sorted scores of normal rows, and of anomalies; a ValueError unless there are both."""
    scores, anomalous = check_scores(scores), is_anomaly(owner, y)
    if len(scores) != len(anomalous):
        raise ValueError(f"{owner}: {len(scores)} scores and {len(anomalous)} labels; pass a label for each score")
    if scores.min() == scores.max():
        raise ValueError(f"{owner}: all {len(scores)} scores are {scores[0]:g}, and tell anomalies from no row")
    return np.sort(scores[~anomalous]), np.sort(scores[anomalous])


def is_anomaly(owner: str, y: Any) -> np.ndarray:
    """Labels in either convention -> boolean (n,); a ValueError for others, and where one class is missing."""
    if y is None:
        raise ValueError(f"{owner} needs labels; pass y, 1 = anomaly of (0, 1), or -1 = anomaly of (1, -1)")
    labels = np.asarray(y)
    seen = set(np.unique(labels).tolist())
    if labels.ndim != 1 or not (seen <= {0, 1} or seen <= {-1, 1}):
        shown = ", ".join(map(repr, sorted(seen, key=str)[:5]))
        raise ValueError(
            f"{owner}: labels must be 0 and 1 (1 = anomaly) or 1 and -1 (-1 = anomaly), in one dimension; they hold "
            f"{shown}, of shape {labels.shape}"
        )
    if len(seen) < 2:
        found = f"all {len(labels)} labels are {seen.pop():g}" if seen else "there are no labels"
        raise ValueError(
            f"{owner} needs normal rows and anomalies, and {found}; pass rows of both kinds, or stratify the folds"
        )
    return labels == (1 if 0 in seen else -1)
