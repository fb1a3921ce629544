"""The way to PyOD and back: our detectors as PyOD's, and PyOD's as scikit-learn's."""

import copy
import inspect
import reprlib
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils.validation import check_is_fitted

from aeanomaly._constraints import Constraint, any_of, real
from aeanomaly.detectors import DenoisingAutoencoder
from aeanomaly.preprocessing import Numeric, check_table

try:
    from pyod.models.base import BaseDetector  # the package from PyPI, not this file
except ImportError as error:
    raise ImportError("aeanomaly.pyod needs PyOD; install it with: pip install 'aeanomaly[pyod]'") from error

#: PyOD takes Python's own numbers for a share, and anything else for a thresholding object.
_PYOD_CONTAMINATION = Constraint(
    lambda v: real(0, 0.5, with_high=True).allows(v) if isinstance(v, (float, int)) else hasattr(v, "fit"),
    "a float in (0, 0.5], or a PyThresh object",
)
_CONTAMINATION = any_of(Constraint(lambda v: v is None, "None"), real(0, 0.5, with_high=True))


class PyODDetector(BaseDetector):
    """One of our detectors as one of PyOD's: higher scores are worse, 1 is an anomaly, 0 a normal row.

    It works wherever PyOD takes its own: in `pyod.models.combination`, `FeatureBagging`, `LSCP` or `SUOD`, beside
    other detectors. `predict`, `predict_proba`, `predict_confidence` and the like are PyOD's. PyOD's warn when
    they are given a `y`; this one ignores it in silence.

    Parameters
    ----------
    detector : estimator, default=None
        Any detector of this package, a Pipeline that ends in one, or another outlier estimator with `fit` and
        `score_samples`. None: ``DenoisingAutoencoder()``. Its own `contamination` plays no part here. PyOD's
        training rows often hold anomalies, and ours learn them too unless ``robust=True``.
    contamination : float in (0, 0.5] or PyThresh object, default=0.1
        The share of training rows to flag.

    Attributes
    ----------
    detector_ : estimator
        A fitted clone of `detector`.
    decision_scores_ : ndarray (n_samples,)
        Minus ``score_samples`` of the training rows: higher = worse.
    threshold_ : float
        Rows that score above it are anomalies. PyThresh puts it in units of its own.
    labels_ : ndarray of int (n_samples,)
        Of the training rows: 1 for anomalies, 0 for normal rows.

    Raises
    ------
    ValueError
        For a `contamination` out of its range.

    See Also
    --------
    from_pyod : The way back.

    Examples
    --------
    >>> import numpy as np
    >>> from pyod.models.knn import KNN
    >>> from pyod.utils.utility import standardizer
    >>> from aeanomaly import SparseAutoencoder
    >>> from aeanomaly.pyod import PyODDetector
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> X[:3] *= 20
    >>> ours = PyODDetector(SparseAutoencoder(max_iter=100, random_state=0), contamination=0.015)
    >>> ours.fit(X).labels_.nonzero()[0]
    array([0, 1, 2])
    >>> scores = np.column_stack([detector.fit(X).decision_scores_ for detector in (ours, KNN())])
    >>> np.sort(standardizer(scores).mean(axis=1).argsort()[-3:])
    array([0, 1, 2])
    """

    def __init__(self, detector: Any = None, contamination: Any = 0.1):
        super().__init__(contamination=contamination)
        self.detector = detector

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit a clone of the detector, score the training rows, and set the threshold on their scores.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Handed to the detector as it is, so that it sees the names and types of columns.
        y : Ignored

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `detector` is no estimator with `fit` and `score_samples`.
        ValueError
            For a bad `contamination`, and what the detector refuses. On any error this is as it was.
        """
        _PYOD_CONTAMINATION.check(type(self).__name__, "contamination", self.contamination)
        learner = copy.copy(self)
        learner._fit(X)
        self.__dict__ = learner.__dict__
        return self

    def _fit(self, X: Any) -> None:
        self.detector_ = _unfitted(self.detector).fit(X)
        self.decision_scores_ = _errors(self.detector_, X)
        self._set_n_classes(None)  # a y would change the width of predict_proba
        self._process_decision_scores()

    def decision_function(self, X: Any) -> np.ndarray:
        """Minus the detector's ``score_samples``.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        anomaly_scores : ndarray of shape (n_samples,)
            Higher = worse.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, ["detector_", "decision_scores_", "threshold_", "labels_"])
        return _errors(self.detector_, X)


class FromPyOD(OutlierMixin, BaseEstimator):
    """A PyOD detector as a scikit-learn outlier estimator: higher scores are more normal, -1 is an anomaly.

    It can stand in a Pipeline, in cross-validation and in the searches and scorers of `aeanomaly.model_selection`.

    Parameters
    ----------
    detector : PyOD detector
        For tables of numbers, and one that learns without labels. It is cloned, and so is fitted anew even if it
        came fitted.
    contamination : float in (0, 0.5] or None, default=None
        The share of training rows to flag, in place of the detector's own `contamination`; None leaves that.

    Attributes
    ----------
    detector_ : PyOD detector
        A fitted clone of `detector`; what PyOD knows of the training rows is there, as ``detector_.labels_``.
    offset_ : float
        Minus PyOD's `threshold_`: rows whose ``score_samples`` is below it are anomalies. Where the detector's
        `contamination` is a PyThresh object, whose threshold has units of its own: the lowest score among the
        training rows that it takes for normal.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the rows came with names that are all text.

    See Also
    --------
    PyODDetector : The way there.

    Notes
    -----
    Some PyOD detectors (KNN, LOF) score training rows otherwise than new ones, so that `predict` on the training
    rows differs from ``detector_.labels_``, and need not flag the share `contamination` of them. `fit_predict` is
    `fit` and then `predict`. Scores of ECOD and COPOD depend on the other rows of the table that is scored.

    Examples
    --------
    >>> import numpy as np
    >>> from pyod.models.ecod import ECOD
    >>> from sklearn.model_selection import cross_val_score
    >>> from aeanomaly.model_selection import roc_auc
    >>> from aeanomaly.pyod import from_pyod
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> X[::20] += 6
    >>> y = np.where(np.arange(200) % 20, 1, -1)
    >>> detector = from_pyod(ECOD(), contamination=0.05)
    >>> bool((detector.fit_predict(X) == y).all())
    True
    >>> cross_val_score(detector, X, y, scoring=roc_auc).min().item()
    1.0
    """

    detector_: Any
    offset_: float

    def __init__(self, detector: Any, contamination: float | None = None):
        self.detector = detector
        self.contamination = contamination

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit a clone of the PyOD detector.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Finite numbers, at least two rows; the detector gets a copy in float64.
        y : Ignored

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `detector` is no PyOD detector, or one that wants labels.
        ValueError
            For a bad `contamination` or bad rows, and what the detector refuses. On any error this is as it was.
        """
        _check_from_pyod(self.detector)
        _CONTAMINATION.check(type(self).__name__, "contamination", self.contamination)
        learner = copy.copy(self)
        learner._fit(X)
        self.__dict__ = learner.__dict__
        return self

    def _fit(self, X: Any) -> None:
        table = self._table(X, reset=True)
        detector = clone(self.detector)
        if self.contamination is not None:
            # A clone of the clone, as some of PyOD's read their parameters only when they are built.
            detector = clone(detector.set_params(contamination=float(self.contamination)))
        self.detector_ = detector.fit(table)
        self.offset_ = -_threshold(self.detector_)

    def _table(self, X: Any, *, reset: bool) -> np.ndarray:
        """A copy in float64: PyOD's detectors may keep what they get, and compute in its type."""
        known = None if reset else (Numeric(),) * self.n_features_in_
        table, columns = check_table(self, X, columns=known, least_rows=2 if reset else 1)
        for number, column in enumerate(columns):
            if not isinstance(column, Numeric):
                name = getattr(self, "feature_names_in_", range(len(columns)))[number]
                raise ValueError(
                    f"column {name!r} is {column.kind}, and PyOD's detectors take numbers only; encode it first "
                    "(OneHotEncoder in a ColumnTransformer, say) or leave the column out"
                )
        return np.array(table, dtype=np.float64, order="C")

    def score_samples(self, X: Any) -> np.ndarray:
        """Minus PyOD's ``decision_function``.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher = more normal.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For bad rows, as `fit`.
        """
        check_is_fitted(self)
        return -np.asarray(self.detector_.decision_function(self._table(X, reset=False)), dtype=np.float64).ravel()

    def decision_function(self, X: Any) -> np.ndarray:
        """``score_samples(X) - offset_``: below 0 for anomalies.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Higher = more normal.
        """
        fitted = copy.copy(self)  # a fit in another thread cannot mix two thresholds
        return fitted.score_samples(X) - fitted.offset_

    def predict(self, X: Any) -> np.ndarray:
        """+1 for normal rows, -1 for anomalies: PyOD's 0 and 1.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
        """
        return np.where(self.decision_function(X) < 0, -1, 1)


def from_pyod(detector: Any, contamination: float | None = None) -> FromPyOD:
    """A PyOD detector as a scikit-learn outlier estimator, not fitted yet.

    Parameters
    ----------
    detector : PyOD detector
        See `FromPyOD`.
    contamination : float in (0, 0.5] or None, default=None
        The share of training rows to flag; None leaves the detector's own.

    Returns
    -------
    estimator : FromPyOD

    Raises
    ------
    TypeError
        If `detector` is no PyOD detector, or one that wants labels.

    Examples
    --------
    >>> from pyod.models.ecod import ECOD
    >>> from aeanomaly.pyod import from_pyod
    >>> from_pyod(ECOD()).fit([[0.0], [0.1], [0.2], [9.0]]).predict([[9.5], [0.1]])
    array([-1,  1])
    """
    _check_from_pyod(detector)
    return FromPyOD(detector, contamination=contamination)


def _unfitted(detector: Any) -> Any:
    """A clone to fit, or a TypeError."""
    if detector is None:
        return DenoisingAutoencoder()
    if isinstance(detector, type) or not (hasattr(detector, "fit") and hasattr(detector, "score_samples")):
        raise TypeError(
            "PyODDetector: detector must be an estimator with fit and score_samples, such as DenoisingAutoencoder(); "
            f"got {reprlib.repr(detector)}; pass one that scores new rows (LocalOutlierFactor does with novelty=True)"
        )
    return clone(detector)


def _errors(detector: Any, X: Any) -> np.ndarray:
    """Minus the scores, (n,)."""
    return -np.asarray(detector.score_samples(X), dtype=np.float64).ravel()


def _check_from_pyod(detector: Any) -> None:
    """Raise a TypeError for what is no PyOD detector, or does not learn without labels."""
    if not isinstance(detector, BaseDetector):
        raise TypeError(
            "FromPyOD: detector must be an instance of a PyOD detector, such as ECOD(); "
            f"got {reprlib.repr(detector)}; scikit-learn's and this package's own are used as they are"
        )
    y = inspect.signature(detector.fit).parameters.get("y")
    if y is not None and y.default is inspect.Parameter.empty:
        raise TypeError(
            "FromPyOD: detector must learn without labels; "
            f"got {type(detector).__name__}, whose fit wants y; fit that one by itself"
        )


def _threshold(detector: Any) -> float:
    """The score of a fitted PyOD detector above which rows are anomalies."""
    if isinstance(detector.contamination, (float, int)):
        return float(detector.threshold_)
    return float(np.max(detector.decision_scores_[detector.labels_ == 0], initial=-np.inf))
