"""Threshold rule for very small rates, by extrapolation of the tail."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from aeanomaly.thresholds._checks import check_fraction, check_scores
from aeanomaly.thresholds.conformal import Conformal
from aeanomaly.thresholds.phrases import rows_in_words
from aeanomaly.thresholds.rule import ThresholdRule

#: Size of the tail: this multiple of sqrt(n), and at most this fraction of the scores.
_PER_ROOT, _MOST = 5, 0.1
#: Minimum number of scores to estimate the shape of a tail.
_FEWEST = 100
#: Shapes of a smaller absolute value count as an exponential tail.
_FLAT = 1e-9


@dataclass(frozen=True)
class PeaksOverThreshold(ThresholdRule):
    """Flag normal rows at a rate of about `risk`, extrapolated beyond the calibration scores.

    The tail is the lowest 5 sqrt(n) of n scores, at most a tenth of them. Its excesses below the upper edge are
    modeled by a generalized Pareto distribution, the limit for almost any distribution of scores. If the rate is not
    smaller than the fraction of scores in the tail, the rule is `Conformal`. Otherwise the rate is not bounded; the
    documentation shows the spread of the actual rate.

    Parameters
    ----------
    risk : float in (0, 0.5)
        False-alarm rate.
    calibration_fraction : float in (0, 1), default=0.2
        Fraction of the rows that ``fit`` of a detector holds out for calibration.

    References
    ----------
    Pickands (1975), Statistical inference using extreme order statistics, Annals of Statistics 3. On the estimator:
    Zhang & Stephens (2009), A new and efficient estimation method for the generalized Pareto distribution,
    Technometrics 51. Siffer, Fouque, Termier & Largouet (2017), Anomaly detection in streams with extreme value
    theory, KDD.

    Examples
    --------
    >>> import numpy as np
    >>> scores = -np.random.default_rng(0).exponential(size=10_000)
    >>> exact = np.log(1e-5)  # -11.5
    >>> PeaksOverThreshold(1e-5).fit(scores).__round__(1)
    -11.5
    """

    risk: float
    calibration_fraction: float = 0.2

    def __post_init__(self) -> None:
        check_fraction("PeaksOverThreshold", "risk", self.risk, most=0.5, remedy="set the false-alarm rate")
        check_fraction("PeaksOverThreshold", "calibration_fraction", self.calibration_fraction)

    def check(self, n: int) -> None:
        """Raise a ValueError if `n` calibration rows are too few to estimate a tail."""
        if n < _FEWEST:
            raise ValueError(
                f"PeaksOverThreshold needs at least {_FEWEST} calibration rows, but there are {n}; pass more rows, or "
                "raise calibration_fraction"
            )

    def fit(self, scores: Any) -> float:
        """Return the offset from scores of calibration rows."""
        scores = check_scores(scores)
        n = len(scores)
        self.check(n)
        size = _tail_size(n)
        if self.risk >= size / n:
            return Conformal(self.risk).fit(scores)
        tail = np.sort(np.partition(scores, size)[: size + 1])
        edge = tail[-1]
        shape, scale = generalized_pareto((edge - tail[:-1])[::-1])
        within = self.risk * n / size
        beyond = -np.log(within) if abs(shape) < _FLAT else (within**-shape - 1) / shape
        return float(edge - scale * beyond)

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the error rates of the offset, without its subject."""
        n = len(scores)
        if self.risk >= _tail_size(n) / n:
            return Conformal(self.risk).guarantee(scores)
        return (
            f"flags {rows_in_words(self.risk)} new normal rows, at a rate of about {self.risk:.3g}, extrapolated from "
            f"the {_tail_size(n):,} lowest of {n:,} scores of calibration rows; the rate is not bounded"
        )


def generalized_pareto(excesses: np.ndarray) -> tuple[float, float]:
    """Estimate a generalized Pareto distribution by the quasi-Bayesian method of Zhang & Stephens (2009).

    Parameters
    ----------
    excesses : ndarray (n,)
        Nonnegative excesses, ascending.

    Returns
    -------
    shape, scale : float
        With a positive shape the tail is heavy; with a negative shape it ends at ``-scale / shape``.

    Raises
    ------
    ValueError
        If more than a quarter of the excesses are 0.
    """
    n = len(excesses)
    quartile = excesses[int(n / 4 + 0.5) - 1]
    if quartile <= 0:
        raise ValueError(
            "the lowest scores are almost constant, so their tail cannot be estimated; use Conformal or Contamination"
        )
    # Scaled by the largest excess to avoid overflow.
    unit = excesses[-1]
    x, quartile = excesses / unit, quartile / unit
    m = 20 + int(np.sqrt(n))
    candidates = 1 + (1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3 * quartile)
    shapes = np.array([_shape(theta, x) for theta in candidates])
    likelihood = n * (np.log(-candidates / shapes) - shapes - 1)
    weights = np.exp(likelihood - likelihood.max())
    theta = float((weights * candidates).sum() / weights.sum())
    shape = _shape(theta, x)
    return shape, float(-shape / theta * unit)


def _shape(theta: float, x: np.ndarray) -> float:
    return float(np.log1p(-theta * x).mean())


def _tail_size(n: int) -> int:
    return int(min(_PER_ROOT * np.sqrt(n), _MOST * n))
