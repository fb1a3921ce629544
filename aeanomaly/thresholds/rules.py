"""Rules that set the offset. Anything with ``fit(scores) -> offset`` is one."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import numpy as np


class Threshold(Protocol):
    """Scores (n,), higher = more normal -> offset; scores below it are flagged."""

    def fit(self, scores: np.ndarray) -> float: ...


@dataclass(frozen=True)
class Contamination:
    """Flag a fixed share of the rows.

    Parameters
    ----------
    fraction : float in (0, 0.5]
        Share of the scored rows that lies below the offset, ties apart; at least one row.

    Examples
    --------
    >>> import numpy as np
    >>> Contamination(0.2).fit(np.array([-9.0, -1.0, -2.0, -3.0, -4.0]))
    -6.5
    """

    fraction: float

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 0.5:
            raise ValueError(f"Contamination(fraction={self.fraction!r}) must lie in (0, 0.5]; give the share to flag")

    def fit(self, scores: np.ndarray) -> float:
        """Offset halfway between the last flagged score and the next."""
        scores = _finite(scores)
        n_flagged = min(max(1, round(self.fraction * len(scores))), len(scores) - 1)
        if n_flagged == 0:
            return float(scores[0])
        below, above = np.partition(scores, (n_flagged - 1, n_flagged))[n_flagged - 1 : n_flagged + 1]
        middle = below + 0.5 * (above - below)
        return float(middle if middle > below else above)


@dataclass(frozen=True)
class MedianAbsoluteDeviation:
    """Flag what lies more than `k` robust standard deviations below the median.

    ``offset = median - k * 1.4826 * median(|scores - median|)``; the factor makes the deviation that of
    a normal sample (Leys et al. 2013, J. Exp. Soc. Psychol. 49). Up to half of the rows may be
    anomalous without moving it far. Reconstruction errors have a longer tail than a normal sample,
    so on clean rows k = 3 flags some per cent, not one in a thousand.

    Parameters
    ----------
    k : float > 0, default=3

    Examples
    --------
    >>> import numpy as np
    >>> MedianAbsoluteDeviation().fit(np.array([-1.0, -2.0, -3.0, -4.0, -90.0])).__round__(4)
    -7.4478
    """

    k: float = 3.0

    def __post_init__(self) -> None:
        if not self.k > 0:
            raise ValueError(f"MedianAbsoluteDeviation(k={self.k!r}) must be above 0; 3 is usual")

    def fit(self, scores: np.ndarray) -> float:
        """Offset below the median."""
        scores = _finite(scores)
        median = np.median(scores)
        return float(median - self.k * 1.4826 * np.median(np.abs(scores - median)))


def as_threshold(value: Any) -> Threshold:
    """The rule that a ``contamination=`` value means: "auto", a fraction, or a rule itself.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if isinstance(value, str) and value == "auto":
        return MedianAbsoluteDeviation()
    if isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) <= 0.5:
        return Contamination(float(value))
    if callable(getattr(value, "fit", None)) and not isinstance(value, type):
        return value
    raise ValueError(
        f"a threshold must be 'auto', a fraction in (0, 0.5] or an object with fit(scores) -> offset; got {value!r}"
    )


def offset_of(threshold: Any, scores: np.ndarray) -> float:
    """The offset that a threshold, in any of its forms, sets on scores (n,).

    Raises
    ------
    ValueError
        If it is no threshold, or its answer is not a finite number.
    """
    offset = as_threshold(threshold).fit(scores)
    if not isinstance(offset, Real) or not np.isfinite(float(offset)):
        raise ValueError(f"{threshold!r}.fit(scores) must return a finite number, the offset; got {offset!r}")
    return float(offset)


def _finite(scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or len(scores) == 0 or not np.isfinite(scores).all():
        raise ValueError(f"scores must be finite, of shape (n,) and not empty; got shape {scores.shape}")
    return scores
