"""Scores of training and calibration rows, and the threshold computed from them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from aeanomaly._warnings import warn
from aeanomaly.streams import MemberKey, numpy_stream
from aeanomaly.thresholds import (
    ScoreCalibrator,
    ScoreSketch,
    ScoreSummary,
    Threshold,
    ThresholdInfo,
    as_threshold,
    decide,
    is_anomaly,
)

_HOW_TO_CALIBRATE = (
    "call set_threshold(Conformal(0.01), X) with normal rows that were not used in training, or fit with "
    "contamination=Conformal(0.01), which holds out rows"
)


class CalibrationRequest(NamedTuple):
    """Calibration rows and labels that a threshold requires from a fit; false if it requires no rows.

    Attributes
    ----------
    fraction : float or None
        Share of the rows to hold out.
    n_splits : int or None
        Number of folds; the rows of each fold are scored by a clone that is fitted on the others.
    needs_labels, takes_labels : bool
        True if labels are required, and if labels are used.
    """

    fraction: float | None
    n_splits: int | None
    needs_labels: bool
    takes_labels: bool

    @classmethod
    def from_threshold(cls, threshold: Threshold) -> "CalibrationRequest":
        """Return the request of a threshold."""
        rule = as_threshold(threshold)
        labels = getattr(rule, "labels", None)
        fraction, n_splits = getattr(rule, "calibration_fraction", None), getattr(rule, "n_splits", None)
        return cls(fraction, n_splits, labels == "needed", labels is not None)

    def __bool__(self) -> bool:
        return self.fraction is not None or self.n_splits is not None

    def n_held_out(self, n_rows: int) -> int:
        """Return the number of rows to hold out."""
        return 0 if self.fraction is None else max(1, round(self.fraction * n_rows))

    def held_out(self, seed: int, n_rows: int) -> np.ndarray:
        """Draw the rows to hold out, as a mask (n_rows,)."""
        mask = np.zeros(n_rows, dtype=bool)
        order = numpy_stream(MemberKey(seed), "calibration rows").permutation(n_rows)
        mask[order[: self.n_held_out(n_rows)]] = True
        return mask

    def check(self, owner: str, threshold: Threshold, n_rows: int, y: Any, *, warm_start: bool) -> None:
        """Raise a ValueError if the rows or labels do not suffice for the threshold, or with `warm_start`."""
        if not self:
            return
        if warm_start:
            raise ValueError(
                f"{owner}: warm_start=True cannot be combined with contamination={threshold!r}, because the "
                "calibration rows may have been used in an earlier training; set warm_start=False, or set "
                "contamination='auto' and call set_threshold(rule, X) with new rows after the fit"
            )
        if self.needs_labels:
            if y is None:
                raise ValueError(
                    f"{owner}: contamination={threshold!r} needs labels; call fit(X, y), with y of {{0, 1}} and "
                    "1 = anomaly, or of {+1, -1} and -1 = anomaly; or set contamination='auto' and call "
                    "set_threshold(rule, X, y) after the fit"
                )
            if len(is_anomaly(f"{owner}: contamination={threshold!r}", y)) != n_rows:
                raise ValueError(f"{owner}: X has {n_rows} rows, and y has {len(y)} labels; pass one label per row")
        n_calibration = self.n_held_out(n_rows) if self.fraction is not None else n_rows
        n_trained = n_rows - (n_calibration if self.fraction is not None else -(-n_rows // (self.n_splits or 1)))
        if n_trained < 2 or n_rows < (self.n_splits or 1):
            raise ValueError(
                f"{owner}: contamination={threshold!r} leaves {max(0, n_trained)} of {n_rows} rows to train on, but "
                "training needs at least 2; pass more rows"
            )
        if callable(check := getattr(threshold, "check", None)):
            try:
                check(n_calibration)
            except ValueError as error:
                raise ValueError(f"{owner}: contamination={threshold!r}, fitted on {n_rows} rows: {error}") from None


@dataclass(frozen=True)
class Calibration:
    """Scores of training and calibration rows, and the threshold.

    Attributes
    ----------
    summary : ScoreSummary
        Scores of training rows.
    jittered_scores : ndarray (J,)
        Scores of training rows with added noise; may be empty.
    calibration_scores : ndarray (C,)
        Ascending scores of normal rows that were not used in training; may be empty.
    threshold : ThresholdInfo
        The offset and its origin.
    probability : ScoreCalibrator or None
        Map from scores to probabilities of an anomaly, if labels are known.
    """

    summary: ScoreSummary
    jittered_scores: np.ndarray
    calibration_scores: np.ndarray
    threshold: ThresholdInfo
    probability: ScoreCalibrator | None = None

    @classmethod
    def from_fit(
        cls,
        threshold: Threshold,
        summary: ScoreSummary,
        jittered_scores: np.ndarray,
        held_out_scores: np.ndarray,
        *,
        robust: bool,
        labels: Any,
        score_out_of_fold: Callable[[int], np.ndarray] | None,
    ) -> "Calibration":
        """Set the threshold from the scores of a fit.

        Parameters
        ----------
        threshold : Threshold
        summary, jittered_scores : ScoreSummary, ndarray
            See the attributes.
        held_out_scores : ndarray (H,)
            Scores of the rows held out of the fit; may be empty.
        robust : bool
            True if the training rows contain anomalies that the threshold should flag.
        labels : array-like or None
            Labels of the training rows.
        score_out_of_fold : callable(n_splits) -> ndarray
            Function that scores the training rows out of fold; called only if the threshold requires folds.
        """
        request = CalibrationRequest.from_threshold(threshold)
        scores, source = _scores_for(threshold, summary.values, jittered_scores, robust)
        normal, y, probability = np.empty(0), None, None
        if len(held_out_scores):
            scores = normal = held_out_scores
            source = "rows held out of the fit"
        elif request.n_splits is not None:
            assert score_out_of_fold is not None
            scores = normal = score_out_of_fold(request.n_splits)
            source = f"rows scored out of {request.n_splits} folds"
            if request.needs_labels:
                y = np.asarray(labels)
                normal, probability = scores[~is_anomaly("fit", y)], ScoreCalibrator.fit(scores, y)
        decision = decide(threshold, scores, y, source)
        return cls(summary, jittered_scores, np.sort(normal), decision, probability)

    @property
    def is_set_on_training_rows(self) -> bool:
        """True if the threshold was computed from training scores, without noise, and no calibration scores exist."""
        return self.threshold.source == "training rows" and not len(self.calibration_scores)

    def with_threshold(self, threshold: Threshold, *, robust: bool) -> "Calibration":
        """Return a calibration with another threshold, computed from the known scores."""
        request = CalibrationRequest.from_threshold(threshold)
        if request.needs_labels:
            raise ValueError(f"labels need their rows; call set_threshold({threshold!r}, X, y)")
        if request and len(self.calibration_scores) == 0:
            raise ValueError(
                f"{threshold!r} needs scores of rows that were not used in training; call "
                f"set_threshold({threshold!r}, X) with such rows, or fit with contamination={threshold!r}"
            )
        scores, source = self.calibration_scores, "calibration rows"
        if not request:
            scores, source = _scores_for(threshold, self.summary.values, self.jittered_scores, robust)
        return replace(self, threshold=decide(threshold, scores, source=source))

    def with_scores(self, threshold: Threshold, scores: np.ndarray, y: Any = None) -> "Calibration":
        """Return a calibration with a threshold computed from scores; those of normal rows are kept for p-values."""
        request = CalibrationRequest.from_threshold(threshold)
        if y is None:
            if request.needs_labels:
                raise ValueError(f"{threshold!r} needs labels; call set_threshold({threshold!r}, X, y)")
            decision, normal, probability = (
                decide(threshold, scores, source="rows given to set_threshold"),
                scores,
                None,
            )
        else:
            anomalous = is_anomaly("set_threshold", y)
            if len(anomalous) != len(scores):
                raise ValueError(f"X has {len(scores)} rows, and y has {len(anomalous)} labels; pass one label per row")
            normal, probability = scores[~anomalous], ScoreCalibrator.fit(scores, y)
            if request.takes_labels:
                decision = decide(threshold, scores, y, source="labeled rows given to set_threshold")
            elif request:
                decision = decide(threshold, normal, source="normal rows given to set_threshold")
            else:
                decision = decide(threshold, scores, source="rows given to set_threshold")
        normal = np.sort(normal)
        if self._seem_trained_on(scores):
            decision = replace(decision, source=f"{decision.source}, most of which seem to be training rows")
            if not request and y is None:
                normal = self.calibration_scores  # p-values would have a guarantee that the rule does not have
            else:
                warn(
                    "most of these rows have exactly the scores of training rows; training rows score higher than new "
                    "rows, so that more new rows would be flagged than guaranteed; pass rows that were held out"
                )
        return replace(self, threshold=decision, calibration_scores=normal, probability=probability)

    def of_more_rows(self, n_rows: int) -> "Calibration":
        """Return the calibration of a fit whose training rows are a sample of `n_rows` rows."""
        return replace(self, summary=replace(self.summary, n_rows=n_rows))

    def with_all_training_scores(self, threshold: Threshold, sketch: ScoreSketch) -> "Calibration":
        """Return a calibration with the threshold computed from the scores of all training rows, not of a sample."""
        scores = sketch.scores()
        decision = decide(threshold, scores, source="training rows, by a sketch")
        summary = ScoreSummary(scores, self.summary.n_rows)
        return replace(self, summary=summary, threshold=replace(decision, n_scores=sketch.n_scores))

    def check_calibrated(self, method: str) -> None:
        """Raise a ValueError if the calibration scores are empty."""
        if len(self.calibration_scores) == 0:
            raise ValueError(
                f"{method} needs scores of normal rows that were not used in training, but there are none; "
                f"{_HOW_TO_CALIBRATE}"
            )

    def _seem_trained_on(self, scores: np.ndarray) -> bool:
        """Return True if most of the scores are bitwise equal to training scores that occur once."""
        once, counts = np.unique(self.summary.values, return_counts=True)
        kept = len(self.summary.values) / self.summary.n_rows
        return float(np.isin(scores, once[counts == 1]).mean()) > 0.5 * kept


def _scores_for(
    threshold: Threshold, training_scores: np.ndarray, jittered_scores: np.ndarray, robust: bool
) -> tuple[np.ndarray, str]:
    """Return the training scores from which a threshold is computed, and their description."""
    if isinstance(threshold, str) and len(jittered_scores) and not robust:
        return jittered_scores, "training rows with added noise"
    return training_scores, "training rows"
