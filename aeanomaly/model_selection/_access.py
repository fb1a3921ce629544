"""What scorers ask of an estimator, be it a detector, a pipeline or a search."""

import copy
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from aeanomaly.preprocessing import cells_as_given


def front_and_detector(estimator: Any) -> tuple[Pipeline | None, Any]:
    """The steps in front of the last one, None where there are none, and the last one, which is a detector."""
    if not isinstance(estimator, Pipeline):
        return None, estimator
    return (estimator[:-1] if len(estimator.steps) > 1 else None), estimator.steps[-1][1]


def snapshot(estimator: Any) -> Any:
    """Return a shallow copy whose detector a fit in another thread does not change, for functions that ask twice."""
    estimator = copy.copy(getattr(estimator, "best_estimator_", estimator))
    if isinstance(estimator, Pipeline):
        name, detector = estimator.steps[-1]
        estimator.steps = [*estimator.steps[:-1], (name, copy.copy(detector))]
    return estimator


def detector_and_rows(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The detector at the end of a fitted estimator, and the rows as they reach it."""
    front, detector = front_and_detector(getattr(estimator, "best_estimator_", estimator))
    for _, step in front.steps if front is not None else ():
        X = X if step in (None, "passthrough") else step.transform(X)
    return detector, X


def scores_of(estimator: Any, X: Any) -> np.ndarray:
    """`score_samples`, or `decision_function` where there is none: higher = more normal, (n,)."""
    method = getattr(estimator, "score_samples", None) or getattr(estimator, "decision_function", None)
    if method is None:
        raise TypeError(f"{type(estimator).__name__} has neither score_samples nor decision_function; pass a detector")
    return np.asarray(method(X), dtype=np.float64)


def is_numeric(X: Any) -> bool:
    """Whether all cells are numbers, and none is missing."""
    try:
        return not np.isnan(np.array(X, dtype=np.float64)).any()
    except (TypeError, ValueError):
        return False


def frame_of(X: Any) -> pd.DataFrame:
    """A table of any cells as a frame with the names of its columns."""
    cells, names = cells_as_given(X), getattr(X, "columns", None)
    return cells if names is None else cells.set_axis(getattr(X, "column_names", list(names)), axis=1)


class NumericTable:
    """The numbers of an array or DataFrame, and the way back to its kind.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    scorer : str
        For the error.

    Attributes
    ----------
    values : ndarray of float64 (n_samples, n_features)
    """

    def __init__(self, X: Any, scorer: str):
        self._columns = getattr(X, "columns", None)
        try:
            self.values = np.array(X, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{scorer} draws rows of its own and wants a table of numbers: {error}; encode it"
            ) from None

    def alike(self, values: np.ndarray) -> Any:
        """Other rows as the estimator knows them."""
        return values if self._columns is None else pd.DataFrame(values, columns=self._columns)
