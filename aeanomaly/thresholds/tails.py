"""Rates below one in the number of rows, from the shape of the tail."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from aeanomaly.thresholds._checks import check_fraction, check_scores
from aeanomaly.thresholds.conformal import Conformal
from aeanomaly.thresholds.rule import ThresholdRule

#: Scores in the tail: so many times the root of their number, and this share of them at most.
_PER_ROOT, _MOST = 5, 0.1
#: Scores that say anything of a tail's shape.
_FEWEST = 100
#: A shape so near to 0 is an exponential tail.
_FLAT = 1e-9


@dataclass(frozen=True)
class PeaksOverThreshold(ThresholdRule):
    """Flag normal rows at about the rate `risk`, extrapolated beyond the calibration scores.

    The lowest of n scores, 5 sqrt(n) of them and a tenth at most, are a tail; what they fall below its edge by is
    taken for a generalised Pareto sample, as it nearly is far out in almost any distribution. Where `risk` lies
    within the tail, this is `Conformal`; beyond it there is no bound: see the spread of the
    realised rate in the documentation.

    Parameters
    ----------
    risk : float in (0, 0.5)
        False-alarm rate.
    calibration_fraction : float in (0, 1), default=0.2
        Share of the rows that ``fit`` of a detector holds out to calibrate on.

    References
    ----------
    Pickands (1975), Statistical inference using extreme order statistics, Annals of Statistics 3. Of the estimator:
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
        check_fraction("PeaksOverThreshold", "risk", self.risk, most=0.5, remedy="give the rate of false alarms")
        check_fraction("PeaksOverThreshold", "calibration_fraction", self.calibration_fraction)

    def check(self, n: int) -> None:
        """Raise a ValueError if `n` calibration rows are too few for a tail."""
        if n < _FEWEST:
            raise ValueError(
                f"PeaksOverThreshold needs {_FEWEST} calibration rows for the shape of a tail, and there are {n}; "
                "pass more rows, or hold out a larger calibration_fraction"
            )

    def fit(self, scores: Any) -> float:
        """Offset from scores of calibration rows."""
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
        """What the offset promises."""
        n = len(scores)
        if self.risk >= _tail_size(n) / n:
            return Conformal(self.risk).guarantee(scores)
        return (
            f"flags new normal rows at a rate of about {self.risk:g}, extrapolated from the {_tail_size(n):,} lowest "
            f"of {n:,} scores; there is no bound"
        )


def generalized_pareto(excesses: np.ndarray) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution, by the quasi-Bayesian means of Zhang & Stephens (2009).

    Parameters
    ----------
    excesses : ndarray (n,)
        At least 0, ascending.

    Returns
    -------
    shape, scale : float
        Above 0, the tail is heavy; below, it ends at ``-scale / shape``.

    Raises
    ------
    ValueError
        If more than a quarter of the excesses are 0.
    """
    n = len(excesses)
    quartile = excesses[int(n / 4 + 0.5) - 1]
    if quartile <= 0:
        raise ValueError(
            "the lowest scores are constant, or nearly so, and their tail has no shape; use Conformal or Contamination"
        )
    # In units of the largest, so that nothing overflows.
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
