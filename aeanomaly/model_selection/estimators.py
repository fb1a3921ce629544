"""Access to the detector and its scores behind a pipeline or a search."""

import copy
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from aeanomaly.preprocessing import cells_as_given


def transformers_and_detector(estimator: Any) -> tuple[Pipeline | None, Any]:
    """Split an estimator into the transformers of a pipeline, None if there are none, and the last step."""
    if not isinstance(estimator, Pipeline):
        return None, estimator
    return (estimator[:-1] if len(estimator.steps) > 1 else None), estimator.steps[-1][1]


def snapshot(estimator: Any) -> Any:
    """Return a shallow copy, so that a refit in another thread does not change the detector between two calls."""
    estimator = copy.copy(getattr(estimator, "best_estimator_", estimator))
    if isinstance(estimator, Pipeline):
        name, detector = estimator.steps[-1]
        estimator.steps = [*estimator.steps[:-1], (name, copy.copy(detector))]
    return estimator


def detector_and_rows(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return the last step of a fitted estimator and the transformed rows."""
    transformers, detector = transformers_and_detector(getattr(estimator, "best_estimator_", estimator))
    for _, step in transformers.steps if transformers is not None else ():
        X = X if step in (None, "passthrough") else step.transform(X)
    return detector, X


def scores_of(estimator: Any, X: Any) -> np.ndarray:
    """Return the result of `score_samples`, or of `decision_function` without it, (n,); higher = more normal."""
    method = getattr(estimator, "score_samples", None) or getattr(estimator, "decision_function", None)
    if method is None:
        raise TypeError(f"{type(estimator).__name__} has neither score_samples nor decision_function; pass a detector")
    return np.asarray(method(X), dtype=np.float64)


def is_numeric(X: Any) -> bool:
    """Return whether all cells are numbers and none is missing."""
    try:
        return not np.isnan(np.array(X, dtype=np.float64)).any()
    except (TypeError, ValueError):
        return False


def frame_of(X: Any) -> pd.DataFrame:
    """Convert a table of any cells to a DataFrame with its column names."""
    cells, names = cells_as_given(X), getattr(X, "columns", None)
    return cells if names is None else cells.set_axis(getattr(X, "column_names", list(names)), axis=1)


def numbers_of(X: Any, scorer: str) -> np.ndarray:
    """Convert a table to float64 (n_samples, n_features); `scorer` is for the error message."""
    try:
        return np.array(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{scorer} generates rows and needs a table of numbers: {error}; encode the table") from None


def like_input(values: np.ndarray, X: Any) -> Any:
    """Convert values to the type and the column names of X."""
    columns = getattr(X, "columns", None)
    return values if columns is None else pd.DataFrame(values, columns=columns)
