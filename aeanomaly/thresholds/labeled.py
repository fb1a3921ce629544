"""Threshold rules from labels and from costs."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from aeanomaly.thresholds._checks import check_fraction, check_positive, check_scores, midpoint, split_by_label
from aeanomaly.thresholds.phrases import rows_in_words
from aeanomaly.thresholds.rule import ThresholdRule

#: Number of folds in which ``fit`` of a detector scores the rows.
_SPLITS = 5


class _Cuts(NamedTuple):
    """Candidate offsets: just above the score of each anomaly.

    Attributes
    ----------
    offsets : ndarray (C,)
    hits, alarms : ndarray of int (C,)
        Numbers of anomalies and of normal rows below each offset.
    n_anomalies, n_normal : int
    """

    offsets: np.ndarray
    hits: np.ndarray
    alarms: np.ndarray
    n_anomalies: int
    n_normal: int

    @classmethod
    def from_labels(cls, owner: str, scores: Any, y: Any) -> "_Cuts":
        normal, anomalies = split_by_label(owner, scores, y)
        last = np.unique(anomalies)
        hits = np.searchsorted(anomalies, last, side="right")
        alarms = np.searchsorted(normal, last, side="right")
        above = np.minimum(
            np.append(anomalies, np.inf)[hits],
            np.append(normal, np.inf)[alarms],
        )
        ends = np.isinf(above)
        above[ends] = np.nextafter(last[ends], np.inf)
        return cls(midpoint(last, above), hits, alarms, len(anomalies), len(normal))

    @property
    def precision(self) -> np.ndarray:
        return self.hits / (self.hits + self.alarms)

    @property
    def f1(self) -> np.ndarray:
        return 2 * self.hits / (self.hits + self.alarms + self.n_anomalies)

    def describe(self, offset: float) -> str:
        """Describe the labeled rows that an offset flags."""
        place = int(np.searchsorted(self.offsets, offset, side="right")) - 1
        hits, alarms = (int(self.hits[place]), int(self.alarms[place])) if place >= 0 else (0, 0)
        return (
            f"flags {hits:,} of {self.n_anomalies:,} labeled anomalies and {alarms:,} of {self.n_normal:,} normal rows"
        )


@dataclass(frozen=True)
class BestF1(ThresholdRule):
    """Maximize F1 = 2 TP / (2 TP + FP + FN) on labeled rows.

    As `contamination` of a detector it requires ``fit(X, y)``. The labels are only used to set the threshold, on
    out-of-fold scores of five clones, because scores of training rows are too high.

    Examples
    --------
    >>> BestF1().fit([-9.0, -5.0, -4.0, -1.0], [1, 1, 0, 0])
    -4.5
    """

    labels = "needed"
    n_splits = _SPLITS

    def fit(self, scores: Any, y: Any = None) -> float:
        """Return the offset from scores (n,) and labels, with 1 in {0, 1} or -1 in {1, -1} for anomalies."""
        cuts = _Cuts.from_labels("BestF1", scores, y)
        return float(cuts.offsets[np.argmax(cuts.f1)])

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the error rates of the offset, without its subject."""
        cuts = _Cuts.from_labels("BestF1", scores, y)
        described = cuts.describe(self.fit(scores, y))
        return f"{described}: F1 {cuts.f1.max():.3f}, the best on the labeled rows; no rate is guaranteed"


@dataclass(frozen=True)
class TargetPrecision(ThresholdRule):
    """Flag as many labeled rows as possible with at least the given precision.

    The precision holds for rows with the same fraction of anomalies; it is lower if anomalies are rarer. See `BestF1`
    for its use as `contamination` of a detector.

    Parameters
    ----------
    precision : float in (0, 1]
        Fraction of anomalies among the flagged rows.

    Examples
    --------
    >>> TargetPrecision(0.6).fit([-9.0, -8.0, -5.0, -4.0, -1.0], [1, 0, 1, 0, 0])
    -4.5
    """

    precision: float

    labels = "needed"
    n_splits = _SPLITS

    def __post_init__(self) -> None:
        if self.precision != 1:
            check_fraction("TargetPrecision", "precision", self.precision)

    def fit(self, scores: Any, y: Any = None) -> float:
        """Return the offset from scores (n,) and labels, with 1 in {0, 1} or -1 in {1, -1} for anomalies."""
        cuts = _Cuts.from_labels("TargetPrecision", scores, y)
        enough = np.flatnonzero(cuts.precision >= self.precision)
        if len(enough) == 0:
            raise ValueError(
                f"no offset has a precision of {self.precision:g} on these rows; the best is "
                f"{cuts.precision.max():.3g}; lower the precision, or train a better detector"
            )
        return float(cuts.offsets[enough[-1]])

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the error rates of the offset, without its subject."""
        cuts = _Cuts.from_labels("TargetPrecision", scores, y)
        described = cuts.describe(self.fit(scores, y))
        return f"{described}, at a precision of at least {self.precision:g}; no rate is guaranteed"


@dataclass(frozen=True)
class TargetRecall(ThresholdRule):
    """Flag new anomalies with a probability of at least `recall`, calibrated on labeled anomalies.

    The offset lies just above the k-th lowest score of m labeled anomalies, k = ceil((m + 1) recall). As in
    `Conformal`, the guarantee is exact for anomalies with the distribution of the labeled ones. See `BestF1` for its
    use as `contamination` of a detector.

    Parameters
    ----------
    recall : float in (0, 1)
        Probability that a new anomaly is flagged.

    Examples
    --------
    >>> bool(TargetRecall(0.5).fit([-9.0, -5.0, -4.0, -1.0], [1, 1, 1, 0]) > -5)
    True
    """

    recall: float

    labels = "needed"
    n_splits = _SPLITS

    def __post_init__(self) -> None:
        check_fraction("TargetRecall", "recall", self.recall)

    def fit(self, scores: Any, y: Any = None) -> float:
        """Return the offset from scores (n,) and labels, with 1 in {0, 1} or -1 in {1, -1} for anomalies."""
        _, anomalies = split_by_label("TargetRecall", scores, y)
        m = len(anomalies)
        rank = math.ceil((m + 1) * self.recall * (1 - 1e-12))
        if rank > m:
            needed = math.ceil(self.recall / (1 - self.recall) * (1 - 1e-12))
            raise ValueError(
                f"{m} labeled anomalies guarantee a recall of at most {m / (m + 1):.3g}, but {self.recall:g} requires "
                f"{needed:,} of them; label more rows, or lower the recall"
            )
        return float(np.nextafter(anomalies[rank - 1], np.inf))

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the error rates of the offset, without its subject."""
        cuts = _Cuts.from_labels("TargetRecall", scores, y)
        return (
            f"flags new anomalies like the {cuts.n_anomalies:,} labeled ones at a rate of at least {self.recall:g}, "
            "on average over sets of labeled anomalies"
        )


@dataclass(frozen=True)
class ExpectedCost(ThresholdRule):
    """Minimize the expected cost of misses and false alarms, for a given rate of anomalies.

    With labels, the offset minimizes ``rate * miss * (fraction of anomalies not flagged) + (1 - rate) * false_alarm *
    (fraction of normal rows flagged)`` on the labeled rows. The rate of anomalies among these rows does not matter.

    Without labels, the offset is set on scores of normal rows, by a bound on the odds of an anomaly. A p-value p below
    1 / e multiplies these odds by at most 1 / (-e p log p), for any distribution of anomalies that makes small
    p-values more probable. A row is flagged if ``-e p log p < rate * miss / ((1 - rate) * false_alarm)``. Being a
    bound, this flags more rows than an exact rule would.

    Parameters
    ----------
    miss, false_alarm : float > 0
        Costs of an anomaly that is not flagged and of a normal row that is flagged, in the same unit.
    rate : float in (0, 1)
        Expected fraction of anomalies among the rows.
    calibration_fraction : float in (0, 1), default=0.2
        Fraction of the rows that ``fit`` of a detector holds out for calibration; it uses no labels for this rule.

    References
    ----------
    Elkan (2001), The foundations of cost-sensitive learning, IJCAI. On the bound: Sellke, Bayarri & Berger (2001),
    Calibration of p values for testing precise null hypotheses, American Statistician 55.

    Examples
    --------
    >>> ExpectedCost(miss=100, false_alarm=1, rate=0.01).fit([-9.0, -5.0, -4.0, -1.0, 0.0], [1, 0, 1, 0, 0])
    -2.5
    """

    miss: float
    false_alarm: float
    rate: float
    calibration_fraction: float = 0.2

    labels = "optional"

    def __post_init__(self) -> None:
        check_positive("ExpectedCost", "miss", self.miss)
        check_positive("ExpectedCost", "false_alarm", self.false_alarm)
        check_fraction("ExpectedCost", "rate", self.rate, remedy="set the expected fraction of anomalies")
        check_fraction("ExpectedCost", "calibration_fraction", self.calibration_fraction)

    @property
    def _odds(self) -> float:
        return self.rate * self.miss / ((1 - self.rate) * self.false_alarm)

    @property
    def _p_value(self) -> float:
        """P-value below which rows are flagged, without labels."""
        if self._odds >= 1:
            raise ValueError(
                f"{self!r}: at these costs it is optimal to flag every row; pass labeled rows, or set miss to at most "
                f"{self.miss / self._odds:.3g}"
            )
        # With p = exp(-u), -e p log p = u exp(1 - u), which falls from 1 at u = 1.
        u = optimize.brentq(lambda u: math.log(u) + 1 - u - math.log(self._odds), 1.0, 2000.0)
        return math.exp(-u)

    def check(self, n: int) -> None:
        """Raise a ValueError if `n` calibration rows are too few for the p-value."""
        p_value = self._p_value
        if (n + 1) * p_value < 1:
            raise ValueError(
                f"{self!r} flags p-values below {p_value:.3g}, but the smallest p-value of {n} calibration rows is "
                f"{1 / (n + 1):.3g}; pass {math.ceil(1 / p_value) - 1:,} rows, or extrapolate with "
                f"PeaksOverThreshold({p_value:.3g})"
            )

    def fit(self, scores: Any, y: Any = None) -> float:
        """Return the offset from scores (n,) and labels as for `BestF1`, or from scores of normal rows."""
        if y is None:
            scores = check_scores(scores)
            self.check(len(scores))
            rank = math.floor((len(scores) + 1) * self._p_value)
            return float(np.partition(scores, rank - 1)[rank - 1])
        cuts = _Cuts.from_labels("ExpectedCost", scores, y)
        costs = self._costs(cuts)
        best = int(np.argmin(costs))
        # It may be optimal to flag no row.
        return float(cuts.offsets[best]) if costs[best] < self.rate * self.miss else float(np.min(scores))

    def _costs(self, cuts: _Cuts) -> np.ndarray:
        misses, alarms = 1 - cuts.hits / cuts.n_anomalies, cuts.alarms / cuts.n_normal
        return self.rate * self.miss * misses + (1 - self.rate) * self.false_alarm * alarms

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the error rates of the offset, without its subject."""
        if y is None:
            return (
                f"flags {rows_in_words(self._p_value)} new normal rows, at a rate of at most {self._p_value:.2g} on "
                "average over sets of calibration rows; no cost is guaranteed"
            )
        cuts = _Cuts.from_labels("ExpectedCost", scores, y)
        cost = min(float(self._costs(cuts).min()), self.rate * self.miss)
        described = cuts.describe(self.fit(scores, y))
        return f"{described}, at a cost of {cost:.3g} per row, the least on the labeled rows; no rate is guaranteed"
