"""What displays ask of an estimator, be it a detector, a pipeline or a search."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from aeanomaly import thresholds
from aeanomaly.detectors import BaseDetector
from aeanomaly.model_selection._access import detector_and_rows, front_and_detector, snapshot


class Seen(NamedTuple):
    """Rows as they reach a detector.

    Attributes
    ----------
    detector : BaseDetector
    rows : array-like or DataFrame of shape (n_samples, n_features)
        Behind the steps in front of the detector, if there are any.
    index : Index or None
        Names of the rows; None where they have none.
    names : list of str or None
        Names of the columns by the steps in front, where only these know them.
    """

    detector: Any
    rows: Any
    index: Any
    names: list[str] | None

    @classmethod
    def by(cls, caller: str, estimator: Any, X: Any) -> "Seen":
        """Rows as they reach the detector at the end of a fitted estimator."""
        check_is_fitted(estimator)
        estimator = snapshot(estimator)
        front, end = front_and_detector(estimator)
        if not isinstance(end, BaseDetector):
            raise TypeError(
                f"{caller} needs a detector of this package, or a pipeline or search that ends in one; "
                f"got {type(end).__name__}"
            )
        check_is_fitted(end)
        _, rows = detector_and_rows(estimator, X)
        index = X.index if isinstance(X, pd.DataFrame) else None
        names = None if front is None or hasattr(end, "feature_names_in_") else _names_behind(front)
        return cls(end, rows, index, names)

    @property
    def scores(self) -> np.ndarray:
        """`score_samples`, (n,)."""
        return self.detector.score_samples(self.rows)

    def contributions(self) -> pd.DataFrame:
        """`explain`, with the rows' and columns' names."""
        found = self.detector.explain(self.rows)
        return self._named(found, [self._name(j, name) for j, name in enumerate(found.columns)])

    def details(self) -> pd.DataFrame:
        """``explain(details=True)``, with the rows' and columns' names."""
        found = self.detector.explain(self.rows, details=True)
        pairs: list[tuple[str, str]] = []
        for part in ("contribution", "observed", "expected", "tail_probability"):
            pairs += [(part, self._name(j, name)) for j, name in enumerate(found[part].columns)]
        return self._named(found, pd.MultiIndex.from_tuples(pairs))

    def _name(self, place: int, name: str) -> str:
        """The name of a column; `kl` stands behind all of them and keeps its own."""
        return name if self.names is None or place >= len(self.names) else self.names[place]

    def _named(self, found: pd.DataFrame, columns: Any) -> pd.DataFrame:
        found = found.set_axis(columns, axis=1)
        return found if self.index is None else found.set_axis(self.index, axis=0)


def _names_behind(front: Any) -> list[str] | None:
    try:
        return [str(name) for name in front.get_feature_names_out()]
    except (AttributeError, ValueError):  # not all steps know names
        return None


def is_anomaly(caller: str, y: Any, n_rows: int) -> np.ndarray:
    """Labels in either convention -> boolean (n_rows,)."""
    found = thresholds.is_anomaly(caller, y)
    if len(found) != n_rows:
        raise ValueError(f"{caller}: y has {len(found)} labels, and there are {n_rows} rows; pass one for each")
    return found


def check_number(caller: str, name: str, value: Any, least: int = 1) -> None:
    """Refuse a number of things that is none."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{caller}: {name} must be an integer of at least {least}; got {value!r}")
