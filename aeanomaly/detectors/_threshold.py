"""Methods of a detector for decisions, thresholds, p-values, flags and probabilities."""

from abc import abstractmethod
from typing import Any, Protocol, Self

import numpy as np

from aeanomaly._constraints import real
from aeanomaly.detectors._tensors import like_table, to_numpy
from aeanomaly.fitting import Calibration, group_columns
from aeanomaly.preprocessing import collect, group_labels
from aeanomaly.thresholds import Threshold, ThresholdInfo, flag_discoveries, p_values_of_sorted


class CalibratedState(Protocol):
    """Fitted state with a calibration."""

    @property
    def calibration(self) -> Calibration: ...

    def with_calibration(self, calibration: Calibration) -> Self: ...


class ThresholdMixin:
    """Methods and attributes that require only the scores of rows and the calibration of the fitted state."""

    state_: CalibratedState

    @abstractmethod
    def _fitted(self) -> Self:
        """Return a shallow copy, which a fit in another thread does not change."""

    @abstractmethod
    def score_samples(self, X: Any) -> np.ndarray:
        """Return the score of each row: higher = more normal."""

    def _adapted(self, threshold: Threshold) -> Threshold:
        """Return a threshold with the guarantee that holds for the rows of the detector."""
        return threshold

    @property
    @abstractmethod
    def _is_robust(self) -> bool:
        """True if training rows contain anomalies that a threshold should flag."""

    @abstractmethod
    def _count_rows(self, X: Any) -> int:
        """Validate a table against the training table, and return the number of its rows."""

    @property
    def _calibration(self) -> Calibration:
        return self.state_.calibration

    @property
    def offset_(self) -> float:
        return self._calibration.threshold.offset

    @property
    def threshold_info_(self) -> ThresholdInfo:
        return self._calibration.threshold

    @property
    def training_scores_(self) -> np.ndarray:
        return self._calibration.summary.values

    @property
    def calibration_scores_(self) -> np.ndarray:
        return self._calibration.calibration_scores

    @property
    def n_samples_seen_(self) -> int:
        return self._calibration.summary.n_rows

    def set_threshold(self, threshold: Threshold, X: Any = None, y: Any = None) -> Self:
        """Set `offset_` without a new fit.

        Parameters
        ----------
        threshold : "auto", float in (0, 0.5] or threshold rule
            Threshold as for the parameter `contamination`, which does not change. See `aeanomaly.thresholds`.
        X : array-like or DataFrame of shape (n_samples, n_features), optional
            Rows that were not used in training. The threshold is computed from their scores, and the scores of normal
            rows become `calibration_scores_`. Without X, "auto" and rules for new rows use `calibration_scores_`, and
            other thresholds use `training_scores_`. If clones computed the `calibration_scores_`, `Conformal` is
            replaced by `CrossConformal`, whose rate is not bounded.
        y : array-like of shape (n_samples,), optional
            Labels of the rows: {0, 1} with 1 = anomaly, or {+1, -1} with -1 = anomaly. Both classes are required. They
            are passed to rules that use labels; other rules that hold out rows use the normal rows only. The labels
            also calibrate `outlier_probability`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `threshold` is invalid or does not return a finite number. If the rows are too few for its guarantee, or
            if labels are missing or contain one class only.

        Warns
        -----
        UserWarning
            If most rows of X seem to be training rows, and the threshold has a guarantee for new rows. Other thresholds
            accept training rows, but do not store their scores in `calibration_scores_`.

        Examples
        --------
        >>> import numpy as np
        >>> from aeanomaly import DenoisingAutoencoder
        >>> from aeanomaly.thresholds import Conformal
        >>> X = np.random.default_rng(0).normal(size=(1000, 3))
        >>> detector = DenoisingAutoencoder(random_state=0).fit(X[:800])
        >>> detector.set_threshold(Conformal(0.05), X[800:]).threshold_info_.rule
        'Conformal(alpha=0.05, calibration_fraction=0.2)'
        """
        fitted, threshold = self._fitted(), self._adapted(threshold)
        calibration = fitted._calibration
        if X is not None:
            by, X = group_columns(threshold), collect(X)
            groups = group_labels(X, by) if by else None
            calibration = calibration.with_scores(threshold, to_numpy(fitted.score_samples(X)), y, groups)
        elif y is not None:
            raise ValueError(f"y is given without X; call set_threshold({threshold!r}, X, y)")
        else:
            calibration = calibration.with_threshold(threshold, robust=fitted._is_robust)
        fitted.state_ = fitted.state_.with_calibration(calibration)
        self.__dict__ = fitted.__dict__  # in one step: a concurrent fit replaces this state, or is replaced
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return ``score_samples(X)`` minus the offset of each row, which is below 0 for anomalies.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Higher = more normal. Of the array library of X where `score_samples` is.
        """
        fitted, X = self._fitted(), collect(X)
        scores, calibration = fitted.score_samples(X), fitted._calibration
        if calibration.groups is None:
            return scores - calibration.threshold.offset
        return scores - like_table(calibration.offsets(X, len(scores)), scores)

    def predict(self, X: Any) -> np.ndarray:
        """Return the label of each row: +1 for normal rows, -1 for anomalies.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
            +1 where `decision_function` is at least 0, else -1. Of the array library of X where `score_samples` is.
        """
        return 2 * (self.decision_function(X) >= 0) - 1  # in any array library

    def offsets(self, X: Any) -> np.ndarray:
        """Return the offset of each row: that of its group with ``Conformal(alpha, groups=...)``, else `offset_`.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        offsets : ndarray of shape (n_samples,)
            Rows with a lower score are anomalies.
        """
        fitted, X = self._fitted(), collect(X)
        return fitted._calibration.offsets(X, fitted._count_rows(X))

    def p_values(self, X: Any) -> np.ndarray:
        """Return the conformal p-value of each row: how often a normal row has a score as low.

        The p-value is ``(1 + number of calibration_scores_ at or below the score) / (n + 1)``. For a new normal row,
        P(p <= t) is at most t for every t, on average over calibration sets. New normal rows and calibration rows must
        have the same distribution. With ``contamination="auto"`` and `CrossConformal`, clones computed the calibration
        scores, and P(p <= t) is only about t.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        p_values : ndarray of shape (n_samples,)
            Numbers in [1 / (n + 1), 1]; lower = more anomalous.

        Raises
        ------
        ValueError
            If there are no `calibration_scores_`.

        See Also
        --------
        aeanomaly.thresholds.conformal_p_values : Conformal p-values from the scores of any detector.

        References
        ----------
        Bates, Candes, Lei, Romano & Sesia (2023), Testing for outliers with conformal p-values, Annals of
        Statistics 51.

        Examples
        --------
        >>> import numpy as np
        >>> from aeanomaly import DenoisingAutoencoder
        >>> from aeanomaly.thresholds import Conformal
        >>> X = np.random.default_rng(0).normal(size=(500, 3))
        >>> detector = DenoisingAutoencoder(contamination=Conformal(0.05), random_state=0).fit(X)
        >>> detector.p_values([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]]).round(3)
        array([0.802, 0.01 ])
        """
        fitted = self._fitted()
        fitted._calibration.check_calibrated("p_values")
        return p_values_of_sorted(fitted.calibration_scores_, to_numpy(fitted.score_samples(X)))

    def flag(self, X: Any, fdr: float = 0.1) -> np.ndarray:
        """Flag anomalies so that, on average, at most a share `fdr` of the flagged rows is normal.

        The rows of X are decided jointly, by the procedure of Benjamini & Hochberg (1995) on `p_values`. The more
        anomalies there are, the more rows are flagged. `offset_` is not used.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        fdr : float in (0, 1), default=0.1
            False discovery rate: expected share of normal rows among the flagged rows.

        Returns
        -------
        flagged : ndarray of bool of shape (n_samples,)
            True for anomalies.

        Raises
        ------
        ValueError
            If `fdr` is not in (0, 1), or there are no `calibration_scores_`.

        Notes
        -----
        To flag k rows, p-values of at most ``fdr * k / n_samples`` are needed. This requires about
        ``n_samples / (fdr * number of anomalies)`` calibration rows; with fewer, no row is flagged.

        Examples
        --------
        >>> import numpy as np
        >>> from aeanomaly import DenoisingAutoencoder
        >>> from aeanomaly.thresholds import Conformal
        >>> X = np.random.default_rng(0).normal(size=(500, 3))
        >>> detector = DenoisingAutoencoder(contamination=Conformal(0.05), random_state=0).fit(X)
        >>> detector.flag([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]], fdr=0.1)
        array([False,  True])
        """
        return flag_discoveries(self.p_values(X), fdr)

    def outlier_probability(self, X: Any, rate: float | None = None) -> np.ndarray:
        """Return the probability that each row is an anomaly, or a tail probability without labels.

        Labels come from `set_threshold`, or from a fit with a rule that needs them. The probability is a sigmoid of the
        score (Platt 1999). From 1,000 labels, with 100 of each class, it is a step function of the score (isotonic
        regression). It assumes the share of anomalies among the labeled rows; for another share, pass `rate`.

        Without labels, ``1 - p_values(X)`` is returned: how often a normal row has a higher score. This is near 1 for
        anomalies, but it is not a probability of being an anomaly. For normal rows it is uniform in [0, 1].

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        rate : float in (0, 1), optional
            Share of anomalies in the distribution of X. Requires labels.

        Returns
        -------
        probability : ndarray of shape (n_samples,)
            Higher = more anomalous.

        Raises
        ------
        ValueError
            If there are neither labels nor `calibration_scores_`. Also, if `rate` is given without labels.

        References
        ----------
        Platt (1999), Probabilistic outputs for support vector machines. Zadrozny & Elkan (2002), Transforming
        classifier scores into accurate multiclass probability estimates, KDD. Saerens, Latinne & Decaestecker (2002),
        Adjusting the outputs of a classifier to new a priori probabilities, Neural Computation 14, for `rate`.

        Examples
        --------
        >>> import numpy as np
        >>> from aeanomaly import DenoisingAutoencoder
        >>> from aeanomaly.thresholds import BestF1
        >>> X = np.random.default_rng(0).normal(size=(600, 3))
        >>> detector = DenoisingAutoencoder(random_state=0).fit(X[:500])
        >>> X[590:] *= 5
        >>> detector = detector.set_threshold(BestF1(), X[500:], [0] * 90 + [1] * 10)
        >>> detector.outlier_probability([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]]).round(2)
        array([0.  , 0.97])
        """
        fitted = self._fitted()
        if rate is not None:
            real(0, 1).check("outlier_probability", "rate", rate)
        if fitted._calibration.probability is not None:
            return fitted._calibration.probability.probability(to_numpy(fitted.score_samples(X)), rate)
        if rate is not None:
            raise ValueError("outlier_probability: rate needs labels; call set_threshold(BestF1(), X, y) first")
        fitted._calibration.check_calibrated("outlier_probability")
        return 1 - fitted.p_values(X)
