"""The default threshold, which aims at a share of the new normal rows."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from aeanomaly.thresholds._checks import check_fraction, check_scores, midpoint
from aeanomaly.thresholds.rule import ThresholdRule

#: Shares of new normal rows that the default threshold aims to flag, and that it accepts.
_RATE, _LARGEST_RATE = 0.05, 0.1


@dataclass(frozen=True)
class ExpectedRate(ThresholdRule):
    """Aim to flag a share of the new normal rows; the rule behind ``contamination="auto"``.

    ``fit`` of a detector applies it to scores of rows by clones that are fitted without them. The rows are divided into
    folds: five up to 5,000 rows, then folds of 1,000 rows, and ten above 10,000 rows. As many folds are scored as have
    at least 500 rows together. From 25,000 rows on, training rows are scored by the detector itself, if each was used
    at most five times in training, because their scores are then those of new rows. Below 20 rows, training scores are
    used.

    The offset is the k-th lowest of n scores, where k is the integer part of (n + 1) rate, but at least 1. It is
    lowered if more than `rate` of the training rows would be flagged, as the clones then differ from the detector.
    The rate is not bounded: use `Conformal` for a bound.

    Parameters
    ----------
    rate : float in (0, 1), default=0.05
        Share of the rows to flag.
    largest_rate : float in (0, 1), default=0.1
        Largest share of the rows to flag for the sake of `lowest`.
    lowest : float, optional
        Score that should be flagged, such as the lowest score of a training row. The offset is raised above it, if at
        most `largest_rate` of the rows are then flagged.
    highest : float, optional
        Upper bound of the offset, such as the score that a share `rate` of the training rows does not reach.

    Examples
    --------
    >>> import numpy as np
    >>> scores = -np.arange(100.0)
    >>> ExpectedRate().fit(scores), ExpectedRate(lowest=-92.0).fit(scores), ExpectedRate(lowest=-50.0).fit(scores)
    (-95.0, -91.5, -95.0)
    """

    rate: float = _RATE
    largest_rate: float = _LARGEST_RATE
    lowest: float | None = None
    highest: float | None = None

    n_splits: ClassVar[Literal["auto"]] = "auto"  # type: ignore[misc]

    def __post_init__(self) -> None:
        check_fraction("ExpectedRate", "rate", self.rate, remedy="set the share of new normal rows to flag")
        check_fraction("ExpectedRate", "largest_rate", self.largest_rate, remedy="set the largest share to flag")

    def fit(self, scores: Any) -> float:
        """Return the offset from scores of rows that were not trained on."""
        scores = np.sort(check_scores(scores))
        offset = float(scores[max(1, int((len(scores) + 1) * self.rate)) - 1])
        if self.highest is not None:
            offset = min(offset, self.highest)
        if self.lowest is None or self.lowest < offset:
            return offset
        n_flagged = int(np.searchsorted(scores, self.lowest, side="right"))
        if n_flagged > self.largest_rate * len(scores):
            return offset
        return float(midpoint(self.lowest, scores[n_flagged]))

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the error rates of the offset, without its subject."""
        share, least = float((scores < self.fit(scores)).mean()), max(self.rate, 1 / (len(scores) + 1))
        reason = f", more than {100 * self.rate:.3g}% so that a training row is flagged" if share > least else ""
        expected = f"{100 * max(share, least):.2g}% of new normal rows{reason}"
        return f"aims to flag {expected}; the rate is estimated, not bounded"
