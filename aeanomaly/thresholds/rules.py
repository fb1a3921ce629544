"""Threshold rules without guarantees for new rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from aeanomaly.thresholds._checks import check_positive, check_scores, midpoint
from aeanomaly.thresholds.rule import ThresholdRule


@dataclass(frozen=True)
class Contamination(ThresholdRule):
    """Flag a fixed fraction of the rows.

    Parameters
    ----------
    fraction : float in (0, 0.5]
        Fraction of the rows that score below the offset, without ties; at least one row.

    Examples
    --------
    >>> import numpy as np
    >>> Contamination(0.2).fit(np.array([-9.0, -1.0, -2.0, -3.0, -4.0]))
    -6.5
    """

    fraction: float

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 0.5:
            raise ValueError(
                f"Contamination: fraction must lie in (0, 0.5]; got {self.fraction!r}; set the fraction to flag"
            )

    def fit(self, scores: Any) -> float:
        """Return the offset halfway between the last flagged score and the next."""
        scores = check_scores(scores)
        n_flagged = min(max(1, round(self.fraction * len(scores))), len(scores) - 1)
        if n_flagged == 0:
            return float(scores[0])
        below, above = np.partition(scores, (n_flagged - 1, n_flagged))[n_flagged - 1 : n_flagged + 1]
        return float(midpoint(below, above))

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the error rates of the offset, without its subject."""
        return f"flags {self.fraction:g} of the rows on which it was set; no rate is guaranteed for other rows"


@dataclass(frozen=True)
class MedianAbsoluteDeviation(ThresholdRule):
    """Flag rows that score more than `k` robust standard deviations below the median.

    ``offset = median - k * 1.4826 * median(|scores - median|)``. The factor makes the deviation consistent for a
    normal distribution. The offset is robust up to half of the rows being anomalous. Reconstruction errors have longer
    tails than a normal distribution, so that several percent of clean rows are flagged.

    Parameters
    ----------
    k : float > 0, default=2.5
        Number of robust standard deviations.

    References
    ----------
    Leys, Ley, Klein, Bernard & Licata (2013), Detecting outliers: do not use standard deviation around the mean,
    use absolute deviation around the median, Journal of Experimental Social Psychology 49, which recommends 2.5.

    Examples
    --------
    >>> import numpy as np
    >>> MedianAbsoluteDeviation().fit(np.array([-1.0, -2.0, -3.0, -4.0, -90.0])).__round__(4)
    -6.7065
    """

    k: float = 2.5

    def __post_init__(self) -> None:
        check_positive("MedianAbsoluteDeviation", "k", self.k)

    def fit(self, scores: Any) -> float:
        """Return the offset from scores."""
        scores = check_scores(scores)
        median = np.median(scores)
        return float(median - self.k * 1.4826 * np.median(np.abs(scores - median)))

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the error rates of the offset, without its subject."""
        return f"flags rows {self.k:g} robust standard deviations below the median score; no rate is guaranteed"
