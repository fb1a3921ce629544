"""Rates that hold for a finite number of rows: conformal thresholds, p-values and false discoveries."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from aeanomaly.thresholds._checks import check_fraction, check_n_splits, check_scores
from aeanomaly.thresholds.rule import ThresholdRule

_FRACTION_HELP = "give the share of the rows to hold out"
_ALPHA_HELP = "give the rate at which normal rows may be flagged"


def _rank(alpha: float, n: int) -> int:
    """Number of the calibration score, counted from the worst, that is the offset."""
    return math.floor((n + 1) * alpha * (1 + 1e-12))


@dataclass(frozen=True)
class Conformal(ThresholdRule):
    """Flag normal rows at a rate of `alpha` at most, from scores of normal rows that the detector was not trained on.

    The offset is the k-th lowest of n such scores, k = floor((n + 1) alpha). A new normal row scores below it with a
    probability of k / (n + 1), whatever the distribution, on the average over calibration sets: exactly where no
    scores tie, at most that where some do. For one calibration set the rate is a draw of
    Beta(k, n + 1 - k), so that few rows promise little: see `promise`. All of it holds if new normal rows come from
    where the calibration rows do, and among these there are no anomalies; some that there are lower the rate.

    Parameters
    ----------
    alpha : float in (0, 1)
        False-alarm rate.
    calibration_fraction : float in (0, 1), default=0.2
        Share of the rows that ``fit`` of a detector holds out to calibrate on: it never trains on them, nor
        learns its columns from them.

    See Also
    --------
    CrossConformal : Where rows are too few to hold some out.
    PeaksOverThreshold : For rates below one in the number of calibration rows.

    References
    ----------
    Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World, chapter 2. Of the beta distribution:
    Vovk (2012), Conditional validity of inductive conformal predictors, ACML.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.random.default_rng(0).normal(size=(2, 9999))
    >>> offset = Conformal(0.05).fit(scores[0])
    >>> float((scores[1] < offset).mean().round(3))
    0.049
    """

    alpha: float
    calibration_fraction: float = 0.2

    def __post_init__(self) -> None:
        check_fraction("Conformal", "alpha", self.alpha, remedy=_ALPHA_HELP)
        check_fraction("Conformal", "calibration_fraction", self.calibration_fraction, remedy=_FRACTION_HELP)

    def check(self, n: int) -> None:
        """Raise a ValueError if `n` calibration rows can promise no such rate."""
        if _rank(self.alpha, n) < 1:
            raise ValueError(
                f"{n} calibration rows promise a false-alarm rate of {1 / (n + 1):.3g} at the smallest, and "
                f"alpha={self.alpha:g} wants {math.ceil(1 / self.alpha) - 1:,} of them; pass more rows, raise alpha, "
                f"or extrapolate by PeaksOverThreshold({self.alpha:g})"
            )

    def fit(self, scores: Any) -> float:
        """Offset from scores of calibration rows."""
        scores = check_scores(scores)
        self.check(len(scores))
        rank = _rank(self.alpha, len(scores))
        return float(np.partition(scores, rank - 1)[rank - 1])

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """What the offset promises."""
        n, rank = len(scores), _rank(self.alpha, len(scores))
        low, high = stats.beta(rank, n + 1 - rank).ppf([0.025, 0.975])
        return (
            f"flags new normal rows at a rate of {self.alpha:g} at most, on the average over calibration sets; with "
            f"these {n:,} rows at {low:.2g} to {high:.2g}, nineteen times in twenty"
        )


@dataclass(frozen=True)
class CrossConformal(ThresholdRule):
    """`Conformal` where rows are few: each row is scored by a detector that was fitted without it.

    ``fit`` of a detector fits `n_splits` clones, each on all but one part of the rows, as one stack, and takes the
    scores of the parts that they left out for calibration scores; the detector itself learns from all rows. It is
    then a little better than the clones, and flags new normal rows a little less often than `alpha`, as a rule. There
    is no bound for that: what is proven for such schemes is twice `alpha`, and for others than this one.

    Parameters
    ----------
    alpha : float in (0, 1)
        False-alarm rate.
    n_splits : int, default=5
        Parts of the rows, at least 2.

    References
    ----------
    Vovk (2015), Cross-conformal predictors, Annals of Mathematics and Artificial Intelligence 74. Of bounds: Barber,
    Candes, Ramdas & Tibshirani (2021), Predictive inference with the jackknife+, Annals of Statistics 49.

    Examples
    --------
    >>> import numpy as np
    >>> CrossConformal(0.25).fit(np.array([-4.0, -1.0, -2.0]))
    -4.0
    """

    alpha: float
    n_splits: int = 5

    def __post_init__(self) -> None:
        check_fraction("CrossConformal", "alpha", self.alpha, remedy=_ALPHA_HELP)
        check_n_splits("CrossConformal", self.n_splits)

    def check(self, n: int) -> None:
        """Raise a ValueError if `n` rows can give no such rate."""
        Conformal(self.alpha).check(n)

    def fit(self, scores: Any) -> float:
        """Offset from scores of rows, each by a detector that did not learn from it."""
        return Conformal(self.alpha).fit(scores)

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """What the offset promises."""
        return (
            f"flags new normal rows at a rate of about {self.alpha:g}, as {len(scores):,} rows do that were left out "
            "of a fit; there is no bound"
        )


def conformal_p_values(calibration_scores: Any, scores: Any) -> np.ndarray:
    """How often a normal row scores as low as each of these, from scores of normal rows that were not trained on.

    ``p = (1 + number of calibration scores that are not above it) / (n + 1)``. For a new normal row, P(p <= t) is at
    most t for every t, on the average over calibration sets.

    Parameters
    ----------
    calibration_scores : array-like of shape (n,)
        Scores of normal rows, higher = more normal.
    scores : array-like of shape (n_samples,)

    Returns
    -------
    p_values : ndarray of shape (n_samples,)
        In [1 / (n + 1), 1], lower = more anomalous; ties count against an anomaly.

    Raises
    ------
    ValueError
        If scores are not finite, or there are none to calibrate on.

    References
    ----------
    Bates, Candes, Lei, Romano & Sesia (2023), Testing for outliers with conformal p-values, Annals of Statistics 51.

    Examples
    --------
    >>> conformal_p_values([-1.0, -2.0, -3.0], [-9.0, -2.0, 0.0])
    array([0.25, 0.75, 1.  ])
    """
    return p_values_of_sorted(np.sort(check_scores(calibration_scores)), scores)


def p_values_of_sorted(calibration_scores: np.ndarray, scores: Any) -> np.ndarray:
    """As `conformal_p_values`, of calibration scores in ascending order."""
    scores = np.asarray(scores, dtype=np.float64)
    scores = check_scores(scores) if len(scores) else scores
    as_low = np.searchsorted(calibration_scores, scores, side="right")
    return (1 + as_low) / (len(calibration_scores) + 1)


def flag_discoveries(p_values: Any, fdr: float = 0.1) -> np.ndarray:
    """Flag rows so that of those flagged a share of `fdr` at most is normal, on the average.

    By Benjamini & Hochberg (1995); it holds for conformal p-values of rows that share a calibration set, too
    (Bates et al. 2023, theorem 2), where the tables that are scored are independent of it.

    Parameters
    ----------
    p_values : array-like of shape (n_samples,)
        As from `conformal_p_values`. All rows that are decided on together: it is a rule for a batch.
    fdr : float in (0, 1), default=0.1
        False discovery rate.

    Returns
    -------
    flagged : ndarray of bool of shape (n_samples,)

    Raises
    ------
    ValueError
        If a p-value is not in [0, 1], or `fdr` not in (0, 1).

    Examples
    --------
    >>> flag_discoveries([0.001, 0.9, 0.04, 0.5], fdr=0.1)
    array([ True, False,  True, False])
    """
    check_fraction("flag", "fdr", fdr, remedy="give the share of flagged rows that may be normal")
    p_values = np.asarray(p_values, dtype=np.float64)
    if len(p_values) == 0:
        return np.zeros(0, dtype=bool)
    return stats.false_discovery_control(p_values, method="bh") <= fdr * (1 + 1e-12)
