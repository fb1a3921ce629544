"""Scores of training and calibration rows, and the threshold computed from them."""

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from aeanomaly._warnings import warn
from aeanomaly.preprocessing import group_labels, order_of_time
from aeanomaly.streams import MemberKey, numpy_stream
from aeanomaly.thresholds import (
    Conformal,
    Contamination,
    CrossConformal,
    ExpectedRate,
    GroupOffsets,
    MedianAbsoluteDeviation,
    ScoreCalibrator,
    ScoreSketch,
    ScoreSummary,
    Threshold,
    ThresholdInfo,
    as_threshold,
    decide,
    is_anomaly,
)

#: Descriptions of calibration rows.
HELD_OUT, LATEST = "rows held out of the fit", "latest rows held out of the fit"
_HOW_TO_CALIBRATE = (
    "call set_threshold(Conformal(0.01), X) with normal rows that were not used in training, or fit with "
    "contamination=Conformal(0.01), which holds out rows"
)


class UnseenScores(NamedTuple):
    """Scores like those of new rows.

    Attributes
    ----------
    values : ndarray (n,)
    source : str
        Description of the rows.
    is_estimated : bool
        True if the rows were used to train the detector, but not the clones that scored them, or so rarely that their
        scores differ little; no rate can then be guaranteed.
    groups : ndarray of str (n,), optional
        Groups of the rows, if the threshold has offsets of groups.
    """

    values: np.ndarray
    source: str
    is_estimated: bool = True
    groups: np.ndarray | None = None


class CalibrationRequest(NamedTuple):
    """Calibration rows and labels that a threshold requires from a fit; false if it requires no rows.

    Attributes
    ----------
    fraction : float or None
        Share of the rows to hold out.
    n_splits : int, "auto" or None
        Number of folds; the rows of each fold are scored by a clone that is fitted on the others.
    needs_labels, takes_labels : bool
        True if labels are required, and if labels are used.
    order : str, int or None
        Column whose largest values are held out, or "rows" for the last rows; None for random rows.
    """

    fraction: float | None
    n_splits: int | Literal["auto"] | None
    needs_labels: bool
    takes_labels: bool
    order: str | int | None = None

    @classmethod
    def from_threshold(cls, threshold: Threshold) -> "CalibrationRequest":
        """Return the request of a threshold."""
        rule = as_threshold(threshold)
        labels = getattr(rule, "labels", None)
        fraction, n_splits = getattr(rule, "calibration_fraction", None), getattr(rule, "n_splits", None)
        return cls(fraction, n_splits, labels == "needed", labels is not None, getattr(rule, "order", None))

    @property
    def is_optional(self) -> bool:
        """True if training rows serve where calibration rows are missing."""
        return self.n_splits == "auto"

    @property
    def is_for_new_rows(self) -> bool:
        """True if the threshold is one for new normal rows, so that it takes scores of such rows where they exist."""
        return self.fraction is not None or self.n_splits is not None

    def __bool__(self) -> bool:
        return self.is_for_new_rows and not self.is_optional

    def n_held_out(self, n_rows: int) -> int:
        """Return the number of rows to hold out."""
        return 0 if self.fraction is None else max(1, round(self.fraction * n_rows))

    def held_out(self, seed: int, n_rows: int, X: Any) -> np.ndarray:
        """Select the rows of X to hold out, as a mask (n_rows,)."""
        mask = np.zeros(n_rows, dtype=bool)
        if self.order is None:
            order = numpy_stream(MemberKey(seed), "calibration rows").permutation(n_rows)
        elif self.order == "rows":
            order = np.arange(n_rows)[::-1]
        else:
            order = np.argsort(order_of_time(X, self.order), kind="stable")[::-1]
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
                    f"{owner}: contamination={threshold!r} needs labels; call fit(X, y) with labels 0 and 1 "
                    "(1 = anomaly) or 1 and -1 (-1 = anomaly), or set contamination='auto' and call "
                    "set_threshold(rule, X, y) after the fit"
                )
            if len(is_anomaly(f"{owner}: contamination={threshold!r}", y)) != n_rows:
                raise ValueError(f"{owner}: X has {n_rows} rows, but y has {len(y)} labels; pass one label per row")
        n_calibration = self.n_held_out(n_rows) if self.fraction is not None else n_rows
        n_splits = int(self.n_splits or 1)
        n_trained = n_rows - (n_calibration if self.fraction is not None else -(-n_rows // n_splits))
        if n_trained < 2 or n_rows < n_splits:
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
    calibration_scores : ndarray (C,)
        Ascending scores of normal rows that were not used in training; may be empty.
    threshold : ThresholdInfo
        The offset and its origin.
    probability : ScoreCalibrator or None
        Map from scores to probabilities of an anomaly, if labels are known.
    is_estimated : bool
        True if the calibration scores are not those of rows unknown to the detector; see `UnseenScores`.
    groups : GroupOffsets or None
        Offsets of groups of rows, if the threshold sets them.
    """

    summary: ScoreSummary
    calibration_scores: np.ndarray
    threshold: ThresholdInfo
    probability: ScoreCalibrator | None = None
    is_estimated: bool = False
    groups: GroupOffsets | None = None

    @classmethod
    def from_fit(
        cls, threshold: Threshold, summary: ScoreSummary, unseen: UnseenScores | None, *, robust: bool, labels: Any
    ) -> "Calibration":
        """Set the threshold from the scores of a fit.

        Parameters
        ----------
        threshold : Threshold
        summary : ScoreSummary
            Scores of training rows.
        unseen : UnseenScores or None
            Scores of rows held out of the fit or out of their fold, with n = N in the order of the rows if the
            threshold needs labels.
        robust : bool
            True if the training rows contain anomalies that the threshold should flag.
        labels : array-like or None
            Labels of the training rows.
        """
        if unseen is None:
            info = decide(_for_training_rows(threshold, robust), summary.values, source="training rows")
            return cls(summary, np.empty(0), _called(threshold, info))
        normal, y, probability = unseen.values, None, None
        if CalibrationRequest.from_threshold(threshold).needs_labels:
            y = np.asarray(labels)
            normal, probability = normal[~is_anomaly("fit", y)], ScoreCalibrator.fit(normal, y)
        info = decide(_with_bounds(threshold, summary), unseen.values, y, unseen.source)
        info, groups = _with_groups(threshold, _called(threshold, info), unseen.values, unseen.groups)
        return cls(summary, np.sort(normal), info, probability, unseen.is_estimated, groups)

    @property
    def is_latest(self) -> bool:
        """True if the calibration rows were the latest ones, so that no rate is guaranteed."""
        return self.threshold.source == LATEST

    @property
    def false_alarm_rate(self) -> float | None:
        """Expected share of new normal rows below the offset; None without calibration scores."""
        n = len(self.calibration_scores)
        n_below = np.searchsorted(self.calibration_scores, self.threshold.offset, side="left")
        return None if n == 0 else float(n_below + 1) / (n + 1)

    @property
    def is_set_on_training_rows(self) -> bool:
        """True if the threshold was computed from training scores, and no calibration scores exist."""
        return self.threshold.source == "training rows" and not len(self.calibration_scores)

    def offsets(self, X: Any, n_rows: int) -> np.ndarray:
        """Return the offset of each row of a valid table of `n_rows` rows, (n_rows,)."""
        if self.groups is None:
            return np.full(n_rows, self.threshold.offset)
        return self.groups.of_rows(group_labels(X, self.groups.columns), self.threshold.offset)

    def with_threshold(self, threshold: Threshold, *, robust: bool) -> "Calibration":
        """Return a calibration with another threshold, computed from the known scores."""
        request = CalibrationRequest.from_threshold(threshold)
        if request.needs_labels:
            raise ValueError(f"{threshold!r} needs labeled rows; call set_threshold({threshold!r}, X, y)")
        if group_columns(threshold) or (self.groups is not None and isinstance(threshold, Conformal)):
            raise ValueError(
                "offsets of groups need new calibration rows, because the groups of earlier ones are not kept; call "
                f"set_threshold({threshold!r}, X), with groups in the rule for an offset of each group"
            )
        if request and len(self.calibration_scores) == 0:
            raise ValueError(
                f"{threshold!r} needs scores of rows that were not used in training; call "
                f"set_threshold({threshold!r}, X) with such rows, or fit with contamination={threshold!r}"
            )
        if len(self.calibration_scores) and (request or (request.is_optional and not robust)):
            if self.is_estimated and isinstance(threshold, Conformal):
                threshold = CrossConformal(threshold.alpha)
            elif self.is_latest and isinstance(threshold, Conformal):
                threshold = replace(threshold, order=threshold.order or "rows")
            source = LATEST if self.is_latest else "calibration rows"
            info = decide(_with_bounds(threshold, self.summary), self.calibration_scores, source=source)
        else:
            info = decide(_for_training_rows(threshold, robust), self.summary.values, source="training rows")
        return replace(self, threshold=_called(threshold, info), groups=None)

    def with_scores(
        self, threshold: Threshold, scores: np.ndarray, y: Any = None, groups: np.ndarray | None = None
    ) -> "Calibration":
        """Return a calibration with a threshold computed from scores; those of normal rows are kept for p-values.

        `groups` are the groups of the rows (n,), if the threshold sets offsets of groups.
        """
        request = CalibrationRequest.from_threshold(threshold)
        if y is None:
            if request.needs_labels:
                raise ValueError(f"{threshold!r} needs labels; call set_threshold({threshold!r}, X, y)")
            decision = decide(threshold, scores, source="rows given for the threshold")
            normal, probability = scores, None
        else:
            anomalous = is_anomaly("set_threshold", y)
            if len(anomalous) != len(scores):
                raise ValueError(f"X has {len(scores)} rows, but y has {len(anomalous)} labels; pass one label per row")
            normal, probability = scores[~anomalous], ScoreCalibrator.fit(scores, y)
            groups = None if groups is None else groups[~anomalous]
            if request.takes_labels:
                decision = decide(threshold, scores, y, source="labeled rows given for the threshold")
            elif request.is_for_new_rows:
                decision = decide(threshold, normal, source="normal rows given for the threshold")
            else:
                decision = decide(threshold, scores, source="rows given for the threshold")
        decision, offsets = _with_groups(threshold, decision, normal, groups)
        normal = np.sort(normal)
        if self._seem_trained_on(scores):
            decision = replace(decision, source=f"{decision.source}, most of which seem to be training rows")
            if not request.is_for_new_rows and y is None:
                normal = self.calibration_scores  # p-values would have a guarantee that the rule does not have
            else:
                warn(
                    "most of these rows have exactly the scores of training rows, which are higher than those of new "
                    "rows, so more new rows than stated would be flagged; pass rows that were not used in training"
                )
        return replace(
            self,
            threshold=decision,
            calibration_scores=normal,
            probability=probability,
            is_estimated=normal is self.calibration_scores and self.is_estimated,
            groups=offsets,
        )

    def of_more_rows(self, n_rows: int) -> "Calibration":
        """Return the calibration of a fit whose training rows are a sample of `n_rows` rows."""
        return replace(self, summary=replace(self.summary, n_rows=n_rows))

    def with_all_training_scores(self, threshold: Threshold, sketch: ScoreSketch, *, robust: bool) -> "Calibration":
        """Return a calibration with the threshold computed from the scores of all training rows, not of a sample."""
        scores = sketch.scores()
        info = decide(_for_training_rows(threshold, robust), scores, source="training rows, by a sketch")
        summary = ScoreSummary(scores, self.summary.n_rows)
        return replace(self, summary=summary, threshold=replace(_called(threshold, info), n_scores=sketch.n_scores))

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


def _for_training_rows(threshold: Threshold, robust: bool) -> Threshold:
    """Return the rule that replaces `ExpectedRate` where only scores of training rows are known.

    With `robust`, training rows are scored like new rows, but contain an unknown share of anomalies.
    """
    rule = as_threshold(threshold)
    if not isinstance(rule, ExpectedRate):
        return threshold
    return MedianAbsoluteDeviation() if robust else Contamination(rule.rate)


def _with_bounds(threshold: Threshold, summary: ScoreSummary) -> Threshold:
    """Return a threshold that flags few training rows, but one if this is possible at an acceptable rate."""
    rule, known = as_threshold(threshold), summary.values
    if not isinstance(rule, ExpectedRate):
        return threshold
    return replace(rule, lowest=float(known.min()), highest=replace(rule, highest=None).fit(known))


def group_columns(threshold: Threshold) -> tuple[str | int, ...]:
    """Return the columns whose cells are the groups of a threshold."""
    return threshold.group_columns if isinstance(threshold, Conformal) else ()


def _with_groups(
    threshold: Threshold, info: ThresholdInfo, scores: np.ndarray, labels: np.ndarray | None
) -> tuple[ThresholdInfo, GroupOffsets | None]:
    """Return the info with a guarantee for groups, and the offsets of groups, if the threshold sets them."""
    if labels is None or not isinstance(threshold, Conformal):
        return info, None
    groups = GroupOffsets(threshold.group_columns, threshold.fit_groups(scores, labels))
    sizes = dict(zip(*np.unique(labels, return_counts=True), strict=True))
    smallest = min((sizes[label] for label in groups.offsets), default=len(scores))
    return replace(info, guarantee=f"{threshold.guarantee(scores[:smallest])}; {groups.guarantee(labels)}"), groups


def _called(threshold: Threshold, info: ThresholdInfo) -> ThresholdInfo:
    """Return the info with the rule as it was given."""
    return replace(info, rule=threshold if isinstance(threshold, str) else repr(as_threshold(threshold)))
