"""Rules for those who know a few answers, or what mistakes cost."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from aeanomaly.thresholds._checks import check_fraction, check_positive, check_scores, midpoint, split_by_label
from aeanomaly.thresholds.rule import ThresholdRule

#: Parts in which a detector's `fit` scores the rows, each by a clone that was fitted without it.
_SPLITS = 5


class _Cuts(NamedTuple):
    """Where a threshold may go: behind each anomaly that is flagged.

    Attributes
    ----------
    offsets : ndarray (C,)
    hits, alarms : ndarray of int (C,)
        Anomalies and normal rows below each.
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
        """What an offset does to the labelled rows, in words."""
        place = int(np.searchsorted(self.offsets, offset, side="right")) - 1
        hits, alarms = (int(self.hits[place]), int(self.alarms[place])) if place >= 0 else (0, 0)
        return (
            f"flags {hits:,} of {self.n_anomalies:,} labelled anomalies and {alarms:,} of {self.n_normal:,} normal rows"
        )


@dataclass(frozen=True)
class BestF1(ThresholdRule):
    """The offset with the largest F1, 2 TP / (2 TP + FP + FN), on labelled rows.

    As a detector's `contamination` it asks for ``fit(X, y)``, where the labels set the threshold and nothing else: the
    rows are scored out of fold, by five clones, as training rows would score too well.

    Examples
    --------
    >>> BestF1().fit([-9.0, -5.0, -4.0, -1.0], [1, 1, 0, 0])
    -4.5
    """

    labels = "needed"
    n_splits = _SPLITS

    def fit(self, scores: Any, y: Any = None) -> float:
        """Offset from scores (n,) and labels: 1 of {0, 1}, or -1 of {1, -1}, for anomalies."""
        cuts = _Cuts.from_labels("BestF1", scores, y)
        return float(cuts.offsets[np.argmax(cuts.f1)])

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """What the offset promises."""
        cuts = _Cuts.from_labels("BestF1", scores, y)
        return f"{cuts.describe(self.fit(scores, y))}: F1 {cuts.f1.max():.3f}, the best there; promises no rate"


@dataclass(frozen=True)
class TargetPrecision(ThresholdRule):
    """The offset that flags most, where a share `precision` of what it flags are anomalies, on labelled rows.

    It is the precision among rows like the labelled ones: where anomalies are rarer than there, it is lower. As a
    detector's `contamination`: see `BestF1`.

    Parameters
    ----------
    precision : float in (0, 1]

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
        """Offset from scores (n,) and labels: 1 of {0, 1}, or -1 of {1, -1}, for anomalies."""
        cuts = _Cuts.from_labels("TargetPrecision", scores, y)
        enough = np.flatnonzero(cuts.precision >= self.precision)
        if len(enough) == 0:
            raise ValueError(
                f"no offset flags these rows with a precision of {self.precision:g}; the best there is "
                f"{cuts.precision.max():.3g}; ask for that, or train a better detector"
            )
        return float(cuts.offsets[enough[-1]])

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """What the offset promises."""
        cuts = _Cuts.from_labels("TargetPrecision", scores, y)
        return f"{cuts.describe(self.fit(scores, y))}, at a precision of {self.precision:g} or more; promises no rate"


@dataclass(frozen=True)
class TargetRecall(ThresholdRule):
    """The offset that flags a new anomaly with a probability of `recall` at least, from labelled ones.

    It lies just above the k-th lowest score of m labelled anomalies, k = ceil((m + 1) recall): `Conformal` the other
    way round, and as exact, for anomalies that come from where the labelled ones do. As a detector's
    `contamination`: see `BestF1`.

    Parameters
    ----------
    recall : float in (0, 1)

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
        """Offset from scores (n,) and labels: 1 of {0, 1}, or -1 of {1, -1}, for anomalies."""
        _, anomalies = split_by_label("TargetRecall", scores, y)
        m = len(anomalies)
        rank = math.ceil((m + 1) * self.recall * (1 - 1e-12))
        if rank > m:
            needed = math.ceil(self.recall / (1 - self.recall) * (1 - 1e-12))
            raise ValueError(
                f"{m} labelled anomalies promise a recall of {m / (m + 1):.3g} at most, and {self.recall:g} wants "
                f"{needed:,} of them; label more, or ask for less"
            )
        return float(np.nextafter(anomalies[rank - 1], np.inf))

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """What the offset promises."""
        cuts = _Cuts.from_labels("TargetRecall", scores, y)
        return (
            f"flags new anomalies like the {cuts.n_anomalies:,} labelled ones at a rate of {self.recall:g} at least, "
            "on the average over such labels"
        )


@dataclass(frozen=True)
class ExpectedCost(ThresholdRule):
    """The offset at which a miss and a false alarm cost least, for a given rate of anomalies.

    With labels: the least of ``rate * miss * (share of anomalies not flagged) + (1 - rate) * false_alarm * (share of
    normal rows flagged)`` on the labelled rows, whatever the rate of anomalies among these.

    Without, from scores of normal rows: a row with the p-value p is flagged if an anomaly may be probable enough. The
    odds that p lends to an anomaly are at most 1 / (-e p log p) times those before, for p below 1 / e and any
    distribution of anomalies that makes small p-values more probable; so rows are flagged with
    ``-e p log p < rate * miss / ((1 - rate) * false_alarm)``. This takes the side of the anomalies.

    Parameters
    ----------
    miss, false_alarm : float > 0
        What an anomaly that is not flagged costs, and a normal row that is, in any unit.
    rate : float in (0, 1)
        Expected share of anomalies among the rows.
    calibration_fraction : float in (0, 1), default=0.2
        Share of the rows that ``fit`` of a detector, which uses no labels for this rule, holds out to calibrate on.

    References
    ----------
    Elkan (2001), The foundations of cost-sensitive learning, IJCAI. Of the bound: Sellke, Bayarri & Berger (2001),
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
        check_fraction("ExpectedCost", "rate", self.rate, remedy="give the expected share of anomalies")
        check_fraction("ExpectedCost", "calibration_fraction", self.calibration_fraction)

    @property
    def _odds(self) -> float:
        return self.rate * self.miss / ((1 - self.rate) * self.false_alarm)

    @property
    def _p_value(self) -> float:
        """Rows with smaller p-values are flagged, where there are no labels."""
        if self._odds >= 1:
            raise ValueError(
                f"{self!r}: at these costs it pays to flag every row of which nothing is known; pass labelled rows, or "
                f"a miss of at most {self.miss / self._odds:.3g}"
            )
        # With p = exp(-u), -e p log p = u exp(1 - u), which falls from 1 at u = 1.
        u = optimize.brentq(lambda u: math.log(u) + 1 - u - math.log(self._odds), 1.0, 2000.0)
        return math.exp(-u)

    def check(self, n: int) -> None:
        """Raise a ValueError if `n` calibration rows tell nothing of p-values so small."""
        p_value = self._p_value
        if (n + 1) * p_value < 1:
            raise ValueError(
                f"{self!r} flags p-values below {p_value:.3g}, and {n} calibration rows go down to {1 / (n + 1):.3g}; "
                f"pass {math.ceil(1 / p_value) - 1:,} rows, or extrapolate by PeaksOverThreshold({p_value:.3g})"
            )

    def fit(self, scores: Any, y: Any = None) -> float:
        """Offset from scores (n,) of labelled rows, labels as for `BestF1`, or of normal rows."""
        if y is None:
            scores = check_scores(scores)
            self.check(len(scores))
            rank = math.floor((len(scores) + 1) * self._p_value)
            return float(np.partition(scores, rank - 1)[rank - 1])
        cuts = _Cuts.from_labels("ExpectedCost", scores, y)
        costs = self._costs(cuts)
        best = int(np.argmin(costs))
        # It may pay to flag nothing.
        return float(cuts.offsets[best]) if costs[best] < self.rate * self.miss else float(np.min(scores))

    def _costs(self, cuts: _Cuts) -> np.ndarray:
        misses, alarms = 1 - cuts.hits / cuts.n_anomalies, cuts.alarms / cuts.n_normal
        return self.rate * self.miss * misses + (1 - self.rate) * self.false_alarm * alarms

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """What the offset promises."""
        if y is None:
            return (
                f"flags new normal rows at a rate of {self._p_value:.2g} at most, on the average over calibration "
                "sets; of the cost it promises nothing"
            )
        cuts = _Cuts.from_labels("ExpectedCost", scores, y)
        cost = min(float(self._costs(cuts).min()), self.rate * self.miss)
        return f"{cuts.describe(self.fit(scores, y))}, at a cost of {cost:.3g} a row, the least there; promises no rate"
