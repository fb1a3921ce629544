"""Adapters between PyOD and scikit-learn detectors."""

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

#: PyOD treats Python numbers as a share, and other objects as PyThresh objects.
_PYOD_CONTAMINATION = Constraint(
    lambda v: real(0, 0.5, with_high=True).allows(v) if isinstance(v, (float, int)) else hasattr(v, "fit"),
    "a float in (0, 0.5], or a PyThresh object",
)
_CONTAMINATION = any_of(Constraint(lambda v: v is None, "None"), real(0, 0.5, with_high=True))


class PyODDetector(BaseDetector):
    """Adapter from an outlier detector to PyOD: higher scores are worse, 1 = anomaly, 0 = normal row.

    It can be combined with other PyOD detectors in `pyod.models.combination`, `FeatureBagging`, `LSCP` and `SUOD`.
    Methods such as `predict`, `predict_proba` and `predict_confidence` are inherited from PyOD. PyOD detectors warn if
    `fit` is called with `y`; this class ignores `y` without a warning.

    Parameters
    ----------
    detector : estimator, default=None
        A detector of this package, a Pipeline that ends with a detector, or another outlier estimator with `fit` and
        `score_samples`. None means ``DenoisingAutoencoder()``. Its parameter `contamination` has no effect here. If the
        training rows contain anomalies, consider a detector with ``robust=True``.
    contamination : float in (0, 0.5] or PyThresh object, default=0.1
        Share of training rows to flag.

    Attributes
    ----------
    detector_ : estimator
        Fitted clone of `detector`.
    decision_scores_ : ndarray (n_samples,)
        Minus ``score_samples`` of the training rows: higher = worse.
    threshold_ : float
        Rows with a score above it are anomalies. A PyThresh object sets it in its own units.
    labels_ : ndarray of int (n_samples,)
        Labels of the training rows: 1 = anomaly, 0 = normal row.

    Raises
    ------
    ValueError
        If `contamination` is out of range.

    See Also
    --------
    from_pyod : Adapter in the other direction.

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
        """Fit a clone of the detector and set the threshold from the scores of the training rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Passed to the detector unchanged, with the names and types of columns.
        y : Ignored

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `detector` is not an estimator with `fit` and `score_samples`.
        ValueError
            If `contamination` is invalid or the detector rejects X. On any error, this object stays unchanged.
        """
        _PYOD_CONTAMINATION.check(type(self).__name__, "contamination", self.contamination)
        learner = copy.copy(self)
        learner.detector_ = _clone_or_default(self.detector).fit(X)
        learner.decision_scores_ = _errors(learner.detector_, X)
        learner._set_n_classes(None)  # y would change the number of columns of predict_proba
        learner._process_decision_scores()
        self.__dict__ = learner.__dict__
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return minus ``score_samples`` of the detector.

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
            If `fit` has not been called.
        """
        check_is_fitted(self, ["detector_", "decision_scores_", "threshold_", "labels_"])
        return _errors(self.detector_, X)

    # These read the scores and the threshold of a fit, which a fit in another thread must not change in between.

    def predict(self, X: Any, return_confidence: bool = False) -> Any:
        return super(PyODDetector, copy.copy(self)).predict(X, return_confidence)

    def predict_proba(self, X: Any, *args: Any, **rest: Any) -> Any:
        return super(PyODDetector, copy.copy(self)).predict_proba(X, *args, **rest)

    def predict_confidence(self, X: Any) -> Any:
        return super(PyODDetector, copy.copy(self)).predict_confidence(X)

    def predict_with_rejection(self, X: Any, *args: Any, **rest: Any) -> Any:
        return super(PyODDetector, copy.copy(self)).predict_with_rejection(X, *args, **rest)


class FromPyOD(OutlierMixin, BaseEstimator):
    """Adapter from a PyOD detector to scikit-learn: higher scores are more normal, -1 = anomaly.

    It can be used in a Pipeline, in cross-validation and with the searches and scorers of `aeanomaly.model_selection`.

    Parameters
    ----------
    detector : PyOD detector
        An unsupervised detector for numeric tables. It is cloned, so a fitted detector is fitted again.
    contamination : float in (0, 0.5] or None, default=None
        Share of training rows to flag. None uses the parameter `contamination` of the detector.

    Attributes
    ----------
    detector_ : PyOD detector
        Fitted clone of `detector`, with PyOD's results for the training rows, such as ``detector_.labels_``.
    offset_ : float
        Minus PyOD's `threshold_`; rows with ``score_samples`` below it are anomalies. A PyThresh object sets the
        threshold in its own units. The offset is then the lowest score of the training rows that it labels as normal.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Defined only if X has feature names that are all strings.

    See Also
    --------
    PyODDetector : Adapter in the other direction.

    Notes
    -----
    Some PyOD detectors, such as KNN and LOF, score training rows differently from new rows. `predict` on the training
    rows then differs from ``detector_.labels_`` and may flag another share than `contamination`. `fit_predict` calls
    `fit` and `predict`. ECOD and COPOD score a row depending on the other rows in the same table.

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
            At least two rows of finite numbers; the detector gets a copy in float64.
        y : Ignored

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `detector` is not a PyOD detector, or if it needs labels.
        ValueError
            If `contamination` or X is invalid, or the detector rejects X. On any error, this object stays unchanged.
        """
        _check_from_pyod(self.detector)
        _CONTAMINATION.check(type(self).__name__, "contamination", self.contamination)
        learner = copy.copy(self)
        table = learner._table(X, reset=True)
        detector = clone(self.detector)
        if self.contamination is not None:
            # Clone again, because some PyOD detectors read their parameters only in the constructor.
            detector = clone(detector.set_params(contamination=float(self.contamination)))
        learner.detector_ = detector.fit(table)
        learner.offset_ = -_threshold(learner.detector_)
        self.__dict__ = learner.__dict__
        return self

    def _table(self, X: Any, *, reset: bool) -> np.ndarray:
        """Validate X and return a copy in float64, because PyOD detectors may keep X and compute in its dtype."""
        known = None if reset else (Numeric(),) * self.n_features_in_
        table, columns = check_table(self, X, columns=known, least_rows=2 if reset else 1)
        for number, column in enumerate(columns):
            if not isinstance(column, Numeric):
                name = getattr(self, "feature_names_in_", range(len(columns)))[number]
                raise ValueError(
                    f"column {name!r} is {column.kind}, but PyOD detectors accept numbers only; encode the column "
                    "(for example, with OneHotEncoder in a ColumnTransformer) or drop it"
                )
        return np.array(table, dtype=np.float64, order="C")

    def score_samples(self, X: Any) -> np.ndarray:
        """Return minus ``decision_function`` of the PyOD detector.

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
            If `fit` has not been called.
        ValueError
            If X is invalid, as in `fit`.
        """
        fitted = copy.copy(self)  # a fit in another thread cannot mix two tables
        check_is_fitted(fitted)
        errors = fitted.detector_.decision_function(fitted._table(X, reset=False))
        return -np.asarray(errors, dtype=np.float64).ravel()

    def decision_function(self, X: Any) -> np.ndarray:
        """Return ``score_samples(X) - offset_``, which is negative for anomalies.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Higher = more normal.
        """
        fitted = copy.copy(self)  # a refit in another thread cannot change the threshold between two calls
        return fitted.score_samples(X) - fitted.offset_

    def predict(self, X: Any) -> np.ndarray:
        """Return +1 for normal rows and -1 for anomalies.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
        """
        return np.where(self.decision_function(X) < 0, -1, 1)


def from_pyod(detector: Any, contamination: float | None = None) -> FromPyOD:
    """Return an unfitted scikit-learn outlier estimator that wraps a PyOD detector.

    Parameters
    ----------
    detector : PyOD detector
        See `FromPyOD`.
    contamination : float in (0, 0.5] or None, default=None
        Share of training rows to flag. None uses the parameter `contamination` of the detector.

    Returns
    -------
    estimator : FromPyOD

    Raises
    ------
    TypeError
        If `detector` is not a PyOD detector, or if it needs labels.

    Examples
    --------
    >>> from pyod.models.ecod import ECOD
    >>> from aeanomaly.pyod import from_pyod
    >>> from_pyod(ECOD()).fit([[0.0], [0.1], [0.2], [9.0]]).predict([[9.5], [0.1]])
    array([-1,  1])
    """
    _check_from_pyod(detector)
    return FromPyOD(detector, contamination=contamination)


def _clone_or_default(detector: Any) -> Any:
    """Return a clone of the detector, or the default for None; raise a TypeError if it is not a detector."""
    if detector is None:
        return DenoisingAutoencoder()
    if isinstance(detector, type) or not (hasattr(detector, "fit") and hasattr(detector, "score_samples")):
        raise TypeError(
            "PyODDetector: detector must be an estimator with fit and score_samples, such as DenoisingAutoencoder(); "
            f"got {reprlib.repr(detector)}; pass a detector that scores new rows; LocalOutlierFactor needs novelty=True"
        )
    return clone(detector)


def _errors(detector: Any, X: Any) -> np.ndarray:
    """Return minus the scores, (n,)."""
    return -np.asarray(detector.score_samples(X), dtype=np.float64).ravel()


def _check_from_pyod(detector: Any) -> None:
    """Raise a TypeError unless the argument is an unsupervised PyOD detector."""
    if not isinstance(detector, BaseDetector):
        raise TypeError(
            "FromPyOD: detector must be an instance of a PyOD detector, such as ECOD(); "
            f"got {reprlib.repr(detector)}; estimators of scikit-learn and of this package need no adapter"
        )
    y = inspect.signature(detector.fit).parameters.get("y")
    if y is not None and y.default is inspect.Parameter.empty:
        raise TypeError(
            "FromPyOD: detector must be unsupervised; "
            f"got {type(detector).__name__}, whose fit needs y; use this detector without the adapter"
        )


def _threshold(detector: Any) -> float:
    """Return the score of a fitted PyOD detector above which rows are anomalies."""
    if isinstance(detector.contamination, (float, int)):
        return float(detector.threshold_)
    return float(np.max(detector.decision_scores_[detector.labels_ == 0], initial=-np.inf))
