"""Thresholds, p-values, flags and probabilities of a detector."""

from abc import abstractmethod
from dataclasses import replace
from typing import Any, Self

import numpy as np

from aeanomaly._constraints import real
from aeanomaly.fitting import Calibration, FittedState
from aeanomaly.thresholds import Threshold, ThresholdInfo, flag_discoveries


class ThresholdMixin:
    """Methods and attributes that need the scores of rows and the calibration of the fitted state only."""

    state_: FittedState
    robust: bool

    @abstractmethod
    def _fitted(self) -> Self:
        """Return a copy that a fit in another thread does not change."""

    @abstractmethod
    def score_samples(self, X: Any) -> np.ndarray:
        """Return the score of each row; higher is more normal."""

    @property
    def _calibration(self) -> Calibration:
        return self.state_.calibration

    @property
    def offset_(self) -> float:
        return self._calibration.offset

    @property
    def threshold_info_(self) -> ThresholdInfo:
        return self._calibration.threshold

    @property
    def training_scores_(self) -> np.ndarray:
        return self._calibration.summary.values

    @property
    def jittered_scores_(self) -> np.ndarray:
        return self._calibration.jittered_scores

    @property
    def calibration_scores_(self) -> np.ndarray:
        return self._calibration.calibration_scores

    @property
    def n_samples_seen_(self) -> int:
        return self._calibration.summary.n_rows

    def set_threshold(self, threshold: Threshold, X: Any = None, y: Any = None) -> Self:
        """Move `offset_` without refitting.

        Parameters
        ----------
        threshold : "auto", float in (0, 0.5] or object with ``fit(scores) -> offset``
            As for the parameter `contamination`, which is left as it is. See `aeanomaly.thresholds`.
        X : array-like or DataFrame of shape (n_samples, n_features), optional
            Rows to set it on, which the detector was not trained on; their scores become `calibration_scores_`. By
            default a threshold that holds rows out takes those; any other, `training_scores_`, or for "auto"
            `jittered_scores_` if there are any and `robust` is not set.
        y : array-like of shape (n_samples,), optional
            Labels of these rows, {0, 1} with 1 = anomaly or {+1, -1} with -1 = anomaly, both. For thresholds that
            take them; with others that calibrate, normal rows alone do. `outlier_probability` then goes by them, too.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If it is no threshold, its answer is not a finite number, the rows are too few for what it promises, or
            labels are missing or of one class.

        Warns
        -----
        UserWarning
            If most rows of X seem to have been trained on, and the threshold promises something of new rows. Where it
            does not, they are taken, but not for `calibration_scores_`.

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
        fitted = self._fitted()
        calibration = fitted._calibration
        if X is not None:
            calibration = calibration.with_scores(threshold, fitted.score_samples(X), y)
        elif y is not None:
            raise ValueError(f"labels need their rows; call set_threshold({threshold!r}, X, y)")
        else:
            calibration = calibration.with_threshold(threshold, robust=fitted.robust)
        fitted.state_ = replace(fitted.state_, calibration=calibration)
        self.__dict__ = fitted.__dict__  # as a whole: of a fit and a threshold set at once, one wins
        return self

    def p_values(self, X: Any) -> np.ndarray:
        """How often a normal row scores as low as each of these.

        ``(1 + number of calibration_scores_ that are not above the score) / (n + 1)``. For a new normal row
        P(p <= t) is at most t for every t, on the average over calibration sets, if normal rows come from where the
        calibration rows do.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        p_values : ndarray of shape (n_samples,)
            In [1 / (n + 1), 1], lower = more anomalous.

        Raises
        ------
        ValueError
            If there are no `calibration_scores_`.

        See Also
        --------
        aeanomaly.thresholds.conformal_p_values : The same from scores of any detector.

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
        array([1.  , 0.01])
        """
        fitted = self._fitted()
        fitted._calibration.check_calibrated("p_values")
        return fitted._calibration.p_values(fitted.score_samples(X))

    def flag(self, X: Any, fdr: float = 0.1) -> np.ndarray:
        """Flag rows so that of those flagged a share of `fdr` at most is normal, on the average.

        A decision on all rows of X together (Benjamini & Hochberg 1995, on `p_values`): the more anomalies
        there are, the more rows it flags. `offset_` plays no part in it.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        fdr : float in (0, 1), default=0.1
            False discovery rate: expected share of normal rows among those flagged.

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
        It needs p-values as small as fdr / n_samples times the number of rows to be flagged, and so calibration
        rows of about ``n_samples / (fdr * number of anomalies)`` at least; with fewer it flags nothing.

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
        """Probability that each row is an anomaly, as labelled rows tell; without any, a tail probability.

        After `set_threshold` with labels, or a fit with a threshold that needs them: a sigmoid of the score (Platt
        1999); from 1,000 labels, with 100 of each class, a step function of it (isotonic regression). It is calibrated
        for rows of which the same share are anomalies as among the labelled ones; for another share give `rate`.

        Otherwise ``1 - p_values(X)``: how often a normal row scores higher than this one. Near 1 for anomalies, it
        is no share of anomalies: among normal rows it is spread evenly over 0 to 1.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        rate : float in (0, 1), optional
            Share of anomalies among rows like those of X, where labels are known.

        Returns
        -------
        probability : ndarray of shape (n_samples,)
            Higher = more anomalous.

        Raises
        ------
        ValueError
            If there are neither labels nor `calibration_scores_`, or `rate` is given without labels.

        References
        ----------
        Platt (1999), Probabilistic outputs for support vector machines. Zadrozny & Elkan (2002), Transforming
        classifier scores into accurate multiclass probability estimates, KDD. Of `rate`: Saerens, Latinne &
        Decaestecker (2002), Adjusting the outputs of a classifier to new a priori probabilities, Neural Computation 14.

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
        array([0.01, 0.96])
        """
        fitted = self._fitted()
        if rate is not None:
            real(0, 1).check("outlier_probability", "rate", rate)
        if fitted._calibration.probability is not None:
            return fitted._calibration.probability.probability(fitted.score_samples(X), rate)
        if rate is not None:
            raise ValueError("outlier_probability: rate needs labels; call set_threshold(BestF1(), X, y) before")
        fitted._calibration.check_calibrated("outlier_probability")
        return 1 - fitted.p_values(X)
