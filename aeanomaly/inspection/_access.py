"""Access to the detector, its input rows and its scores behind a pipeline or a search."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from aeanomaly import thresholds
from aeanomaly.detectors import BaseDetector
from aeanomaly.model_selection.estimators import detector_and_rows, snapshot, transformers_and_detector
from aeanomaly.preprocessing import label_index
from aeanomaly.windows import WindowedDetector


class ScoredRows(NamedTuple):
    """Rows as they reach a detector.

    Attributes
    ----------
    detector : BaseDetector
    rows : array-like or DataFrame of shape (n_samples, n_features)
        Output of the transformers that precede the detector, or the input if there are none.
    index : Index or None
        Index of the input DataFrame; None for other inputs.
    names : list of str or None
        Column names given by the transformers; None if the detector has names of its own.
    """

    detector: Any
    rows: Any
    index: Any
    names: list[str] | None

    @classmethod
    def from_estimator(cls, caller: str, estimator: Any, X: Any) -> "ScoredRows":
        """Transform rows up to the detector at the end of a fitted estimator."""
        check_is_fitted(estimator)
        estimator = snapshot(estimator)
        transformers, end = transformers_and_detector(estimator)
        windowed = end if isinstance(end, WindowedDetector) else None
        if windowed is not None:
            check_is_fitted(windowed)
            end = windowed.estimator_
        if not isinstance(end, BaseDetector):
            raise TypeError(
                f"{caller} needs a detector of this package, or a pipeline or search that ends with a detector; "
                f"got {type(end).__name__}"
            )
        check_is_fitted(end)
        _, rows = detector_and_rows(estimator, X)
        if windowed is not None:  # the wrapped detector scores features of windows
            rows = windowed.window_features(rows)
        index = X.index if isinstance(X, pd.DataFrame) else None
        names = None if transformers is None or hasattr(end, "feature_names_in_") else _output_names(transformers)
        return cls(end, rows, index, names)

    @property
    def scores(self) -> np.ndarray:
        """Return the result of `score_samples`, (n,); higher = more normal."""
        return self.detector.score_samples(self.rows)

    def contributions(self) -> pd.DataFrame:
        """Return the result of `explain` with the names of rows and columns."""
        found = self.detector.explain(self.rows)
        return self._with_names(found, label_index(self._column_name(j, name) for j, name in enumerate(found.columns)))

    def details(self) -> pd.DataFrame:
        """Return the result of ``explain(details=True)`` with the names of rows and columns."""
        found = self.detector.explain(self.rows, details=True)
        names = [
            self._column_name(j, name)
            for part in ("contribution", "observed", "expected", "tail_probability")
            for j, name in enumerate(found[part].columns)
        ]
        parts = found.columns.get_level_values(0)
        return self._with_names(found, pd.MultiIndex.from_arrays([parts, label_index(names)]))

    def _column_name(self, place: int, name: str) -> str:
        """Return the name of a column; the last one, `kl`, keeps its name."""
        return name if self.names is None or place >= len(self.names) else self.names[place]

    def _with_names(self, found: pd.DataFrame, columns: Any) -> pd.DataFrame:
        found = found.set_axis(columns, axis=1)
        return found if self.index is None else found.set_axis(self.index, axis=0)


def _output_names(transformers: Any) -> list[str] | None:
    try:
        return [str(name) for name in transformers.get_feature_names_out()]
    except (AttributeError, ValueError):  # not every transformer names its output
        return None


def is_anomaly(caller: str, y: Any, n_rows: int) -> np.ndarray:
    """Convert labels in either convention to boolean labels (n_rows,)."""
    found = thresholds.is_anomaly(caller, y)
    if len(found) != n_rows:
        raise ValueError(f"{caller}: X has {n_rows} rows, but y has {len(found)} labels; pass one label per row")
    return found
