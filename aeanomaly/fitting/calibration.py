"""Scores of known rows, and the threshold set on them."""

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
    p_values_of_sorted,
)

_HOW_TO_CALIBRATE = (
    "call set_threshold(Conformal(0.01), X) with normal rows that were not trained on, or fit with "
    "contamination=Conformal(0.01), which holds some out"
)


class CalibrationRequest(NamedTuple):
    """Rows that a threshold asks a fit for.

    Attributes
    ----------
    fraction : float or None
        Share of the rows to hold out.
    n_splits : int or None
        Number of folds, in each of which the rows are scored by a clone that was fitted without them.
    needs_labels, takes_labels : bool
        Whether labels are required, and whether they are used.
    """

    fraction: float | None
    n_splits: int | None
    needs_labels: bool
    takes_labels: bool

    @classmethod
    def from_threshold(cls, threshold: Threshold) -> "CalibrationRequest":
        """Return the request of a threshold in any of its forms."""
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
        """Draw the rows that a fit holds out, a mask (n_rows,)."""
        mask = np.zeros(n_rows, dtype=bool)
        order = numpy_stream(MemberKey(seed), "calibration rows").permutation(n_rows)
        mask[order[: self.n_held_out(n_rows)]] = True
        return mask

    def check(self, owner: str, threshold: Threshold, n_rows: int, y: Any, *, warm_start: bool) -> None:
        """Raise a ValueError where the threshold needs more than a number of rows and these labels."""
        if not self:
            return
        if warm_start:
            raise ValueError(
                f"{owner}: warm_start=True cannot go with contamination={threshold!r}, as rows that it would calibrate "
                "on may have been trained on before; set warm_start=False, or contamination='auto' and call "
                "set_threshold(rule, X) with new rows after the fit"
            )
        if self.needs_labels:
            if y is None:
                raise ValueError(
                    f"{owner}: contamination={threshold!r} needs labels; call fit(X, y), 1 = anomaly of (0, 1), or "
                    "-1 = anomaly of (1, -1), or set contamination='auto' and call set_threshold(rule, X, y) "
                    "after the fit"
                )
            if len(is_anomaly(f"{owner}: contamination={threshold!r}", y)) != n_rows:
                raise ValueError(f"{owner}: X has {n_rows} rows, and y has {len(y)} labels; pass a label for each row")
        n_calibration = self.n_held_out(n_rows) if self.fraction is not None else n_rows
        n_trained = n_rows - (n_calibration if self.fraction is not None else -(-n_rows // (self.n_splits or 1)))
        if n_trained < 2 or n_rows < (self.n_splits or 1):
            raise ValueError(
                f"{owner}: contamination={threshold!r} leaves {max(0, n_trained)} of {n_rows} rows to train on, and "
                "that needs at least 2; pass more rows"
            )
        if callable(check := getattr(threshold, "check", None)):
            try:
                check(n_calibration)
            except ValueError as error:
                raise ValueError(f"{owner}: contamination={threshold!r}, fitted on {n_rows} rows: {error}") from None


@dataclass(frozen=True)
class Calibration:
    """Scores of known rows, and the threshold.

    Attributes
    ----------
    summary : ScoreSummary
        Scores of training rows.
    jittered_scores : ndarray
        Scores of training rows that were moved by noise.
    calibration_scores : ndarray
        Scores of normal rows that were not trained on, ascending; often none.
    threshold : ThresholdInfo
        The offset, and where it comes from.
    probability : ScoreCalibrator or None
        Probability of an anomaly by the score, where labels are known.
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
        """Set the threshold on the rows of a fit.

        Parameters
        ----------
        threshold : Any
            In any of its forms.
        summary, jittered_scores : see attributes
        held_out_scores : ndarray
            Scores of the rows held out of the fit; often none.
        robust : bool
            Whether the training rows hold anomalies that the threshold should flag.
        labels : array-like or None
            Labels of the training rows.
        score_out_of_fold : callable(n_splits) -> ndarray
            Called only if the threshold asks for folds.
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
    def offset(self) -> float:
        return self.threshold.offset

    @property
    def is_set_on_training_rows(self) -> bool:
        """Whether the threshold was set on plain training scores, and there are no others to set it on."""
        return self.threshold.source == "training rows" and not len(self.calibration_scores)

    def with_threshold(self, threshold: Threshold, *, robust: bool) -> "Calibration":
        """Set another threshold on the scores that are known."""
        request = CalibrationRequest.from_threshold(threshold)
        if request.needs_labels:
            raise ValueError(f"labels need their rows; call set_threshold({threshold!r}, X, y)")
        if request and len(self.calibration_scores) == 0:
            raise ValueError(
                f"{threshold!r} needs scores of rows that were not trained on; call set_threshold({threshold!r}, X) "
                f"with such rows, or fit with contamination={threshold!r}"
            )
        scores, source = self.calibration_scores, "calibration rows"
        if not request:
            scores, source = _scores_for(threshold, self.summary.values, self.jittered_scores, robust)
        return replace(self, threshold=decide(threshold, scores, source=source))

    def with_scores(self, threshold: Threshold, scores: np.ndarray, y: Any = None) -> "Calibration":
        """Set a threshold on the scores of given rows, and calibrate on those of normal ones."""
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
                raise ValueError(f"X has {len(scores)} rows, and y has {len(anomalous)} labels; pass one for each row")
            normal, probability = scores[~anomalous], ScoreCalibrator.fit(scores, y)
            if request.takes_labels:
                decision = decide(threshold, scores, y, source="labelled rows given to set_threshold")
            elif request:
                decision = decide(threshold, normal, source="normal rows given to set_threshold")
            else:
                decision = decide(threshold, scores, source="rows given to set_threshold")
        normal = np.sort(normal)
        if self._seem_trained_on(scores):
            decision = replace(decision, source=f"{decision.source}, most of them trained on as it seems")
            if not request and y is None:
                normal = self.calibration_scores  # p-values would promise a rate that such a rule does not
            else:
                warn(
                    "most of these rows score exactly as training rows do: if they were trained on, they score better "
                    "than new rows, and more of those are flagged than promised; pass rows that were held out"
                )
        return replace(self, threshold=decision, calibration_scores=normal, probability=probability)

    def of_more_rows(self, n_rows: int) -> "Calibration":
        """Return the calibration of a fit whose training rows are a sample of a number of rows."""
        return replace(self, summary=replace(self.summary, n_rows=n_rows))

    def with_all_training_scores(self, threshold: Threshold, sketch: ScoreSketch) -> "Calibration":
        """Set the threshold on the scores of all training rows, where a fit knew those of a sample."""
        scores = sketch.scores()
        decision = decide(threshold, scores, source="training rows, by a sketch")
        summary = ScoreSummary(scores, self.summary.n_rows)
        return replace(self, summary=summary, threshold=replace(decision, n_scores=sketch.n_scores))

    def p_values(self, scores: np.ndarray) -> np.ndarray:
        """Return the share of normal rows that score as low as each of these scores, (n,)."""
        return p_values_of_sorted(self.calibration_scores, scores)

    def check_calibrated(self, method: str) -> None:
        """Raise a ValueError if there are no calibration scores."""
        if len(self.calibration_scores) == 0:
            raise ValueError(
                f"{method} needs scores of normal rows that were not trained on, and there are none; "
                f"{_HOW_TO_CALIBRATE}"
            )

    def _seem_trained_on(self, scores: np.ndarray) -> bool:
        """Tell whether most of these scores are, to the bit, training scores that occur once."""
        once, counts = np.unique(self.summary.values, return_counts=True)
        kept = len(self.summary.values) / self.summary.n_rows
        return float(np.isin(scores, once[counts == 1]).mean()) > 0.5 * kept


def _scores_for(
    threshold: Threshold, training_scores: np.ndarray, jittered_scores: np.ndarray, robust: bool
) -> tuple[np.ndarray, str]:
    """Return the scores of training rows that a threshold is set on, and their name."""
    if isinstance(threshold, str) and len(jittered_scores) and not robust:
        return jittered_scores, "training rows moved as new rows would be"
    return training_scores, "training rows"
