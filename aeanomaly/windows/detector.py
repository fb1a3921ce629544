"""Detector of anomalies in ordered rows."""

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from aeanomaly._constraints import Constraint, any_of, integer, one_of
from aeanomaly._counts import counted
from aeanomaly._warnings import warn
from aeanomaly.detectors import BaseDetector, DenoisingAutoencoder, ThresholdMixin, check_parameters
from aeanomaly.fitting import Calibration, CalibrationRequest, Sentences
from aeanomaly.preprocessing import Datetime, InferenceOptions, as_pandas, check_table, collect, labels_of
from aeanomaly.thresholds import Threshold
from aeanomaly.windows.events import find_events
from aeanomaly.windows.features import FeatureKind
from aeanomaly.windows.files import save
from aeanomaly.windows.fit import WindowOptions, fit_windows, for_ordered_rows
from aeanomaly.windows.model import Table, WindowedModel, WindowedState
from aeanomaly.windows.reasons import sentences, terms_of, to_frame
from aeanomaly.windows.rows import SeriesOrder
from aeanomaly.windows.stream import WindowStream


def _is_duration(value: Any) -> bool:
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.timedelta64)):
        return bool(np.isfinite(value) and value > 0)
    if isinstance(value, str) and value.strip().replace(".", "", 1).isdigit():
        return False  # pandas would take it for nanoseconds
    try:
        return bool(pd.Timedelta(value) > pd.Timedelta(0))
    except (TypeError, ValueError):
        return False


def _is_label(value: Any) -> bool:
    return isinstance(value, (str, int, np.integer)) and not isinstance(value, bool)


_CONSTRAINTS = {
    "estimator": Constraint(
        lambda v: v is None or (not isinstance(v, type) and hasattr(v, "fit") and hasattr(v, "score_samples")),
        "None or an estimator with fit and score_samples",
    ),
    "window": any_of(one_of("auto"), integer(1)),
    "stride": integer(1),
    "features": one_of("auto", "summary", "lags", "both"),
    "time": Constraint(lambda v: v is None or _is_label(v), "None, or a column"),
    "groups": Constraint(
        lambda v: v is None or _is_label(v) or (isinstance(v, (list, tuple)) and len(v) > 0 and all(map(_is_label, v))),
        "None, a column or a list of columns",
    ),
    "max_gap": Constraint(
        lambda v: v is None or (isinstance(v, str) and v == "auto") or _is_duration(v),
        "'auto', None, or a positive duration such as '10min' or 600 (seconds)",
    ),
}


class WindowedDetector(ThresholdMixin, OutlierMixin, BaseEstimator):
    """Detector of anomalies in ordered rows, such as sensor readings, by the rows before each row.

    Any detector is fitted to features of trailing windows. For each numeric column, these are the reading, the errors
    of linear predictions from the rows before and from the other columns, their means over up to a window, and the
    number of rows without a change. A fault that breaks the course of a series or the relation of its columns gives
    large errors, even if each reading is usual. Other columns, such as categories, are used as they are.

    A row is scored by itself and the rows before it in its series, never by later rows or by its position. The first
    rows of a series have shorter windows: errors of predictions are reduced in proportion to the rows that are missing,
    and means are those of the rows that exist. Missing readings need a detector that accepts them, such as with
    ``missing="model"``; windows then use the last known reading, also from before the window.

    Parameters
    ----------
    estimator : estimator, default=None
        Detector of this package, or another outlier estimator with `score_samples`. None means
        ``DenoisingAutoencoder()``. Its parameter `contamination` is not used.
    window : int or "auto", default="auto"
        Number of rows of a window, with the row itself. "auto" is twice the number of rows after which the
        autocorrelation of the training readings falls below 1 / e, but 40 to 60, and at most a tenth of the longest
        series, at least 2. With 1, scores are bitwise equal to those of `estimator` fitted to the same rows in the same
        order.
    stride : int, default=1
        Step between the windows that are used in training. All rows are scored. At most 51,200 windows are used.
    features : {"auto", "summary", "lags", "both"}, default="auto"
        "summary" are the features above, "lags" the readings of all rows of the window, "both" both. "auto" means
        "summary".
    time : str, int or None, default=None
        Column of times or numbers, or its position in an array, by which rows must be in order. It is not used as a
        feature. None means the index, if it is a DatetimeIndex, or else the order of the rows. Windows count rows, so
        that times may be irregular.
    groups : str, int or sequence of these, default=None
        Columns, or positions in an array, whose cells tell several series apart, such as machines. Rows of series may
        alternate. Windows do not extend over series, and a group that is not in the training rows is scored like
        others.
    max_gap : "auto", number, duration or None, default="auto"
        Longest step of time within a window; a longer one starts a new series. A duration such as "10min", or a number
        of seconds or of units of a numeric column. "auto" is ten times the median step in training, None is without a
        limit.
    contamination : "auto", float in (0, 0.5] or threshold rule, default="auto"
        Threshold, see `aeanomaly.thresholds`. "auto" and rules for new rows are calibrated on the latest rows of each
        series. "auto" aims to flag 5% of new normal rows, by the scores of the latest quarter of the rows by a clone
        that is fitted without them; below 400 rows, they are held out. Below 20 rows, and for a robust `estimator`,
        training rows are used. Rules with a `calibration_fraction`, such as ``Conformal(0.01)``, hold out this fraction
        of the latest rows. A float is the share of training rows to flag.

    Attributes
    ----------
    estimator_ : estimator
        Fitted detector of features, with `offset_` of this one as threshold; its input is ``window_features(X)``.
    window_ : int
        Number of rows of a window.
    offset_ : float
        Threshold of `score_samples`: rows that score below it are anomalies.
    threshold_info_ : ThresholdInfo
        Origin of the threshold, with a sentence on its guarantee. It rests on the assumption that new normal rows
        differ from the training rows as much as the latest rows do.
    training_scores_, calibration_scores_ : ndarray
        Scores of training rows, and of the latest rows by a detector that was fitted without them.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns, if X has names.

    See Also
    --------
    aeanomaly.datasets.make_sensors : Series with faults.

    References
    ----------
    On precision matrices and predictions: Lauritzen (1996), Graphical Models, section 5.1. On rates under dependence:
    Chernozhukov, Wuthrich & Zhu (2018), Exact and robust conformal inference methods for predictive machine learning
    with dependent data, COLT.

    Examples
    --------
    >>> from aeanomaly.datasets import make_sensors
    >>> from aeanomaly.windows import WindowedDetector
    >>> X, y = make_sensors(2000, n_sensors=3, faults=["level"], random_state=0)
    >>> detector = WindowedDetector(time="time").fit(X[:1000])
    >>> flagged = detector.predict(X) == -1
    >>> bool(flagged[y == 1].mean() > 0.8)
    True
    """

    def __init__(
        self,
        estimator: Any = None,
        window: int | Literal["auto"] = "auto",
        stride: int = 1,
        *,
        features: Literal["auto", "summary", "lags", "both"] = "auto",
        time: str | int | None = None,
        groups: str | int | Sequence[Any] | None = None,
        max_gap: Any = "auto",
        contamination: Threshold = "auto",
    ):
        self.estimator = estimator
        self.window = window
        self.stride = stride
        self.features = features
        self.time = time
        self.groups = groups
        self.max_gap = max_gap
        self.contamination = contamination

    # Set by a fit.
    state_: WindowedState
    n_features_in_: int

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the detector to windows of ordered rows, and set the threshold.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Mostly normal rows, in order of time within each series.
        y : Ignored
            Thresholds that need labels are set by `set_threshold`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or a row is invalid, rows are not in order, or a window is longer than all series. The
            estimator is then unchanged.

        Warns
        -----
        UserWarning
            If rows of a series have the same time, or if a column holds times and `time` is None. Also, as for other
            detectors, if columns seem to identify rows.
        """
        options, learner, X = self._options(), copy.copy(self), collect(X)
        order = SeriesOrder(self.time, self.group_columns)
        declared = dict(getattr(self._detector, "column_types", None) or {}) | order.column_types(X)
        inferred = InferenceOptions(column_types=declared, unscored=self.group_columns)
        numbers, types = check_table(learner, X, options=inferred, allow_nan=self._allow_nan, least_rows=2)
        order = order.with_gap(X, self.max_gap)
        model = WindowedModel(labels_of(X), types, order)
        self._check_columns(model, X)
        table = model.ordered(X, numbers)
        longest = int(table.rows.age.max()) + 1
        if options.window is not None and options.window > longest:
            raise ValueError(
                f"{type(self).__name__}: window={options.window} is longer than the longest series without a gap, "
                f"{counted(longest, 'row')}; set a smaller window or a longer max_gap"
            )
        learner.state_ = fit_windows(model, self._detector, table, options)
        self.__dict__ = learner.__dict__
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """Return the score of each row by its window: higher = more normal.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows in order of time within each series. Windows do not extend to rows of earlier calls; for that, see
            `stream`, or pass the rows before as well.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher = more normal. The score of a row depends only on the rows of its window and, where readings are
            missing, on the last known reading before it.

        Raises
        ------
        ValueError
            If X does not match the training table, or rows are not in order.
        """
        fitted = self._fitted()
        model = fitted.state_.model
        return model.apply(model.detector.score_samples, fitted._read(X)).astype(np.float64)

    def window_features(self, X: Any) -> Any:
        """Return the features of the window of each row, which are the input of `estimator_`.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        features : DataFrame of shape (n_samples, n_inputs)
            The index is that of X. With windows of one row, X without the columns of `time` and `groups`.
        """
        fitted, X = self._fitted(), collect(X)
        model, table = fitted.state_.model, fitted._read(X)
        blocks = list(model.blocks(table))
        if model.features is None:
            return blocks[0]
        frame = pd.concat(blocks, ignore_index=True).iloc[np.argsort(table.rows.places)]
        return frame.set_axis(_index_of(X, len(frame)), axis=0)

    def explain(self, X: Any, by: Literal["column", "lag", "feature"] = "column") -> pd.DataFrame:
        """Return the contributions of columns, or of columns and lags, to minus the score of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        by : {"column", "lag", "feature"}, default="column"
            "column" sums the terms of a column. "lag" also tells apart the number of last rows on which a term depends,
            as a second level of the columns: 1 for the reading, 10 for predictions from ten rows, and so on. "feature"
            returns all terms, with the levels column, kind and rows.

        Returns
        -------
        contributions : DataFrame of shape (n_samples, n_terms)
            Higher = worse. The contributions of a row sum to minus its score, to float precision. The index is that
            of X.

        Raises
        ------
        TypeError
            If `estimator` is not a detector of this package.
        """
        one_of("column", "lag", "feature").check("explain", "by", by)
        fitted, X = self._fitted(), collect(X)
        model = fitted.state_.model
        terms = model.apply(lambda block: terms_of(model, block), fitted._read(X))
        return to_frame(model, terms, by).set_axis(_index_of(X, len(terms)), axis=0)

    def explain_text(self, X: Any, n_columns: int = 3) -> pd.Series:
        """Return a sentence for each row, with the columns that contribute most.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        n_columns : int, default=3
            Maximum number of columns in a sentence. It contains fewer columns if they make up four fifths of the error.

        Returns
        -------
        sentences : Series of str of shape (n_samples,)
            The index is that of X.

        Raises
        ------
        TypeError
            If `estimator` is not a detector of this package.
        """
        integer(1).check("explain_text", "n_columns", n_columns)
        fitted, X = self._fitted(), collect(X)
        model = fitted.state_.model
        found = model.apply(lambda block: sentences(model, block, n_columns), fitted._read(X))
        return Sentences(found, index=_index_of(X, len(found)), dtype=object, name="explanation")

    def events(self, X: Any, min_length: int = 1, cooldown: int = 0) -> pd.DataFrame:
        """Return the runs of flagged rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        min_length : int, default=1
            Minimum number of flagged rows in an event.
        cooldown : int, default=0
            Maximum number of normal rows between flagged rows of an event.

        Returns
        -------
        events : DataFrame of shape (n_events, 7 + number of group columns)
            One row for each event, in order of time within each series, with the cells of `groups` and

            - `first`, `last`, `worst`: time of the first, the last and the lowest-scoring row; the index of X, or the
              number of the row, without times;
            - `n_rows`: number of rows from first to last;
            - `severity`: distance of the lowest score from the median training score, relative to that of the offset;
              1 at the threshold, higher = worse; NaN if the threshold is above the median;
            - `columns`: columns that make up four fifths of the error of the lowest-scoring row, at most three, the
              largest first;
            - `explanation`: sentence on that row, as from `explain_text`. Both are missing if `estimator` is not a
              detector of this package.
        """
        integer(1).check("events", "min_length", min_length)
        integer(0).check("events", "cooldown", cooldown)
        fitted, X = self._fitted(), collect(X)
        table = fitted._read(X)
        return find_events(fitted.state_, table, _index_of(X, len(table.rows.age)), min_length, cooldown)

    def stream(self, state: Mapping[str, Any] | None = None) -> WindowStream:
        """Return an object that scores rows one at a time, with the bits of `score_samples`.

        Parameters
        ----------
        state : mapping, optional
            State of an earlier stream, from which to continue.

        Returns
        -------
        stream : WindowStream
            Its method ``update(row)`` returns the score, the decision and, on access, the reasons; ``state()`` returns
            its state.

        Examples
        --------
        >>> from aeanomaly.datasets import make_sensors
        >>> from aeanomaly.windows import WindowedDetector
        >>> X, _ = make_sensors(600, n_sensors=2, period=24, random_state=0)
        >>> detector = WindowedDetector(time="time").fit(X[:500])
        >>> stream = detector.stream()
        >>> scores = [stream.update(row).score for row in X[500:].to_dict("records")]
        >>> bool((scores == detector.score_samples(X[500:])).all())
        True
        """
        fitted = self._fitted()
        names = getattr(fitted, "feature_names_in_", None)
        stream = WindowStream(fitted.state_, names, allow_nan=fitted._allow_nan)
        if state is not None:
            stream.restore(state)
        return stream

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Save the fitted detector to a model file, which contains no executable code; `aeanomaly.load` reads it.

        Parameters
        ----------
        path : path-like
            File to write; its name must end with ``.aea``. An existing model file is replaced atomically.
        overwrite : bool, default=False
            If True, accept any file name and replace a file of another kind.

        Raises
        ------
        TypeError
            If `estimator` is not a detector of this package; pickle the detector instead.
        ValueError, ModelFileError, OSError
            As for other detectors.
        """
        save(self._fitted(), path, overwrite=overwrite)

    @property
    def estimator_(self) -> Any:
        state = self.state_  # the input has no columns of groups
        return self.wrapped(replace(state.calibration, groups=None))

    def wrapped(self, calibration: Calibration) -> Any:
        """Return the fitted detector of features with the parameters of `estimator`, and with a calibration."""
        state, given = self.state_, self._detector
        detector = copy.copy(state.model.detector)
        if isinstance(detector, BaseDetector):
            detector.set_params(contamination=given.contamination, column_types=given.column_types)
            detector.state_ = replace(detector.state_, calibration=calibration, table_format=state.table_format)
        return detector

    @property
    def window_(self) -> int:
        features = self.state_.model.features
        return 1 if features is None else features.window

    def __sklearn_is_fitted__(self) -> bool:
        return "state_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._allow_nan
        return tags

    @property
    def _detector(self) -> Any:
        return DenoisingAutoencoder() if self.estimator is None else self.estimator

    def _adapted(self, threshold: Threshold) -> Threshold:
        return for_ordered_rows(threshold)

    @property
    def _is_robust(self) -> bool:
        return bool(getattr(self._detector, "robust", False))

    @property
    def _allow_nan(self) -> bool:
        return bool(get_tags(self._detector).input_tags.allow_nan)

    @property
    def group_columns(self) -> tuple[str | int, ...]:
        """The columns of `groups`; empty without groups."""
        if self.groups is None:
            return ()
        return (self.groups,) if isinstance(self.groups, (str, int, np.integer)) else tuple(self.groups)

    def _options(self) -> WindowOptions:
        """Check the parameters."""
        owner = type(self).__name__
        check_parameters(self, _CONSTRAINTS)
        if CalibrationRequest.from_threshold(self.contamination).needs_labels:
            raise ValueError(
                f"{owner}: contamination={self.contamination!r} needs labels; fit with contamination='auto', then call "
                f"set_threshold({self.contamination!r}, X, y)"
            )
        if self.window != 1 and getattr(self.estimator, "groups", None) is not None:
            raise ValueError(f"{owner}: set groups of {owner}, not of its estimator, which gets features of windows")
        kind: FeatureKind = "summary" if self.features == "auto" else self.features
        window = None if isinstance(self.window, str) else int(self.window)
        return WindowOptions(window, int(self.stride), kind, self.contamination, self._is_robust)

    def _check_columns(self, model: WindowedModel, X: Any) -> None:
        """Raise an error without readings, and warn of times that are not used."""
        owner, frame = type(self).__name__, as_pandas(X)
        if not model.readings:
            raise ValueError(f"{owner}: X has no numeric column except those of time and groups; pass readings")
        times = [name for name, column in zip(model.names, model.types, strict=True) if isinstance(column, Datetime)]
        has_order = self.time is not None or (frame is not None and isinstance(frame.index, pd.DatetimeIndex))
        if times and not has_order:
            warn(
                f"{owner}: order and gaps of the rows are not checked; set time={times[0]!r} if this column has the "
                "times of the rows"
            )

    def _fitted(self) -> Self:
        """Return a shallow copy, which a fit in another thread does not change."""
        fitted = copy.copy(self)
        check_is_fitted(fitted)
        return fitted

    def _count_rows(self, X: Any) -> int:
        return len(self._read(X).rows.age)

    def _read(self, X: Any) -> Table:
        return self.state_.model.read(self, collect(X), allow_nan=self._allow_nan)


def _index_of(X: Any, n_rows: int) -> pd.Index:
    """Return the index of a table; the numbers of its rows without one."""
    frame = as_pandas(X)
    return pd.RangeIndex(n_rows) if frame is None else frame.index
