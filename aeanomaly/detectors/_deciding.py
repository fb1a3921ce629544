"""From scores to decisions: thresholds, p-values, flags, probabilities."""

from dataclasses import replace
from typing import Any, Self

import numpy as np

from aeanomaly._warnings import warn
from aeanomaly.detectors._calibrating import Calibration, Rows, scores_out_of_fold
from aeanomaly.detectors._rules import real
from aeanomaly.thresholds import (
    ScoreCalibrator,
    ScoreSketch,
    ThresholdInfo,
    as_threshold,
    decide,
    flag_discoveries,
    is_anomaly,
    p_values_of_sorted,
)

_HOW_TO_CALIBRATE = (
    "call set_threshold(Conformal(0.01), X) with normal rows that were not trained on, or fit with "
    "contamination=Conformal(0.01), which holds some out"
)


class DecidingMethods:
    """What is decided by scores. It moves `offset_` and what calibrates it, and nothing else."""

    offset_: float
    threshold_: ThresholdInfo
    training_scores_: np.ndarray
    jittered_scores_: np.ndarray
    calibration_scores_: np.ndarray
    n_samples_seen_: int
    robust: bool
    contamination: Any
    _probability: ScoreCalibrator | None

    def _fitted(self) -> Self:
        raise NotImplementedError

    def score_samples(self, X: Any) -> np.ndarray:
        raise NotImplementedError

    def _errors(self, table: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def set_threshold(self, threshold: Any, X: Any = None, y: Any = None) -> Self:
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
        >>> detector.set_threshold(Conformal(0.05), X[800:]).threshold_.rule
        'Conformal(alpha=0.05, calibration_fraction=0.2)'
        """
        fitted = self._fitted()
        fitted._set_threshold(threshold, X, y)
        self.__dict__ = fitted.__dict__
        return self

    def _set_threshold(self, threshold: Any, X: Any, y: Any) -> None:
        wanted = Calibration.wanted_by(threshold)
        if X is None:
            self._decide_again(threshold, wanted, y)
            return
        scores = self.score_samples(X)
        if y is None:
            if wanted.needs_labels:
                raise ValueError(f"{threshold!r} needs labels; call set_threshold({threshold!r}, X, y)")
            decision, normal, probability = (
                decide(threshold, scores, source="rows given to set_threshold"),
                scores,
                None,
            )
        else:
            anomalous = is_anomaly("set_threshold", y)
            if len(anomalous) != len(scores):
                raise ValueError(f"X has {len(scores)} rows, and y has {len(anomalous)} labels; pass one for each row")
            normal = scores[~anomalous]
            probability = ScoreCalibrator.fit(scores, y)
            if getattr(as_threshold(threshold), "labels", None):
                decision = decide(threshold, scores, y, source="labelled rows given to set_threshold")
            elif wanted:
                decision = decide(threshold, normal, source="normal rows given to set_threshold")
            else:
                decision = decide(threshold, scores, source="rows given to set_threshold")
        if self._seem_trained_on(scores):
            decision = replace(decision, source=f"{decision.source}, most of them trained on as it seems")
            if not wanted and y is None:
                normal = self.calibration_scores_  # such a rule promises nothing; p-values would
            else:
                warn(
                    "most of these rows score exactly as training rows do: if they were trained on, they score better "
                    "than new rows, and more of those are flagged than promised; pass rows that were held out"
                )
        self._take(decision, normal, probability)

    def _decide_again(self, threshold: Any, wanted: Calibration, y: Any) -> None:
        """Set the threshold on scores that are known."""
        if y is not None or wanted.needs_labels:
            raise ValueError(f"labels need their rows; call set_threshold({threshold!r}, X, y)")
        if wanted and len(self.calibration_scores_) == 0:
            raise ValueError(
                f"{threshold!r} needs scores of rows that were not trained on; call set_threshold({threshold!r}, X) "
                f"with such rows, or fit with contamination={threshold!r}"
            )
        scores, source = (self.calibration_scores_, "calibration rows") if wanted else self._scores_for(threshold)
        self.threshold_ = decide(threshold, scores, source=source)
        self.offset_ = self.threshold_.offset

    def _scores_for(self, threshold: Any) -> tuple[np.ndarray, str]:
        """Scores of the training rows that a threshold is set on, and what they are called."""
        if isinstance(threshold, str) and len(self.jittered_scores_) and not self.robust:
            return self.jittered_scores_, "training rows moved as new rows would be"
        return self.training_scores_, "training rows"

    def _decide_first(self, rows: Rows) -> None:
        """Set the threshold that `contamination` means on the rows of a fit."""
        wanted, y, probability = Calibration.wanted_by(self.contamination), None, None
        scores, source = self._scores_for(self.contamination)
        normal = np.empty(0)
        if len(rows.held_out):
            scores = normal = -self._errors(rows.held_out)
            source = "rows held out of the fit"
        elif wanted.n_splits is not None:
            scores = normal = scores_out_of_fold(self, rows.given, len(rows.table), wanted.n_splits)
            source = f"rows scored out of {wanted.n_splits} folds"
            if wanted.needs_labels:
                y = np.asarray(rows.labels)
                normal, probability = scores[~is_anomaly("fit", y)], ScoreCalibrator.fit(scores, y)
        self._take(decide(self.contamination, scores, y, source), normal, probability)

    def _decide_on_all(self, sketch: ScoreSketch) -> None:
        """Set the threshold on the scores of all training rows, where a fit knew those of a sample."""
        self.training_scores_ = sketch.scores()
        self.threshold_ = decide(self.contamination, self.training_scores_, source="training rows, by a sketch")
        self.threshold_ = replace(self.threshold_, n_scores=sketch.n_scores)
        self.offset_ = self.threshold_.offset

    def _take(self, decision: ThresholdInfo, normal: np.ndarray, probability: ScoreCalibrator | None) -> None:
        self.threshold_, self.offset_ = decision, decision.offset
        self.calibration_scores_, self._probability = np.sort(normal), probability

    def _seem_trained_on(self, scores: np.ndarray) -> bool:
        """Whether most of these scores are, to the bit, training scores that came once."""
        once, counts = np.unique(self.training_scores_, return_counts=True)
        kept = len(self.training_scores_) / self.n_samples_seen_
        return float(np.isin(scores, once[counts == 1]).mean()) > 0.5 * kept

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
        fitted._check_calibrated("p_values")
        return p_values_of_sorted(fitted.calibration_scores_, fitted.score_samples(X))

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
        if fitted._probability is not None:
            return fitted._probability.probability(fitted.score_samples(X), rate)
        if rate is not None:
            raise ValueError("outlier_probability: rate needs labels; call set_threshold(BestF1(), X, y) before")
        fitted._check_calibrated("outlier_probability")
        return 1 - fitted.p_values(X)

    def _check_calibrated(self, method: str) -> None:
        if len(self.calibration_scores_) == 0:
            raise ValueError(
                f"{method} needs scores of normal rows that were not trained on, and there are none; "
                f"{_HOW_TO_CALIBRATE}"
            )
