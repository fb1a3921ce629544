"""Conformal thresholds, p-values and false discovery control, valid for finite samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from aeanomaly.thresholds._checks import check_fraction, check_n_splits, check_scores
from aeanomaly.thresholds.phrases import rows_in_words
from aeanomaly.thresholds.rule import ThresholdRule

_FRACTION_HELP = "set the fraction of the rows to hold out"
_ALPHA_HELP = "set the rate at which normal rows may be flagged"


def _is_name(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _rank(alpha: float, n: int) -> int:
    """Return the rank of the offset among the calibration scores, 1 for the lowest."""
    return math.floor((n + 1) * alpha * (1 + 1e-12))


@dataclass(frozen=True)
class Conformal(ThresholdRule):
    """Flag normal rows at a rate of at most `alpha`, calibrated on normal rows that were not trained on.

    The offset is the k-th lowest of n calibration scores, where k is the integer part of (n + 1) alpha. On average
    over calibration sets, a new normal row scores below it with probability k / (n + 1), for any distribution of
    scores; with ties the probability is lower. For a given calibration set the rate is distributed as
    Beta(k, n + 1 - k), which is wide for few rows (see `guarantee`). The guarantee requires that new normal rows have
    the distribution of the calibration rows. Anomalies among the calibration rows lower the rate.

    Parameters
    ----------
    alpha : float in (0, 1)
        False-alarm rate.
    calibration_fraction : float in (0, 1), default=0.2
        Fraction of the rows that ``fit`` of a detector holds out for calibration. They are used neither to train the
        network nor to fit the encoding.
    order : str, int or None, default=None
        Column of X, or its position in an array, by which rows are in order of time; "rows" if they are in order in X.
        ``fit`` then holds out the latest rows instead of random ones. A random sample does not test later rows if the
        process changes, or if rows depend on their neighbors, such as overlapping windows of a series. No bound holds
        for such rows, and `guarantee` says so.

    groups : str, int or sequence of these, optional
        Columns of X, or positions in an array, whose cells divide the rows into groups, such as sites. Each group gets
        an offset of its own, so that the rate holds in each (Mondrian conformal prediction; Vovk et al., chapter 4).
        Groups with too few calibration rows for the rate, and new groups, have the offset of all rows; `guarantee`
        names them.

    See Also
    --------
    CrossConformal : Calibration without held-out rows, for small tables.
    PeaksOverThreshold : Rates below one in the number of calibration rows.

    References
    ----------
    Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World, chapter 2. On the beta distribution:
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
    order: str | int | None = None
    groups: str | int | Sequence[str | int] | None = None

    def __post_init__(self) -> None:
        check_fraction("Conformal", "alpha", self.alpha, remedy=_ALPHA_HELP)
        check_fraction("Conformal", "calibration_fraction", self.calibration_fraction, remedy=_FRACTION_HELP)
        if not (self.order is None or _is_name(self.order)):
            raise ValueError(
                f"Conformal: order must be a column, 'rows' or None; got {self.order!r}; name the column with the time"
            )
        by = self.groups if isinstance(self.groups, (list, tuple)) else [self.groups]
        if self.groups is not None and not (by and all(map(_is_name, by))):
            raise ValueError(f"Conformal: groups must be None, a column or a list of columns; got {self.groups!r}")
        if isinstance(self.groups, list):
            object.__setattr__(self, "groups", tuple(self.groups))  # so that rules are hashable

    def __repr__(self) -> str:
        more = "".join(f", {n}={v!r}" for n, v in (("order", self.order), ("groups", self.groups)) if v is not None)
        return f"Conformal(alpha={self.alpha!r}, calibration_fraction={self.calibration_fraction!r}{more})"

    @property
    def group_columns(self) -> tuple[str | int, ...]:
        """The columns of `groups`; empty without groups."""
        if self.groups is None or isinstance(self.groups, (str, int)):
            return () if self.groups is None else (self.groups,)
        return tuple(self.groups)

    def fit_groups(self, scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Return the offsets of the groups with enough rows, from scores and groups of calibration rows (n,)."""
        names, codes = np.unique(labels, return_inverse=True)
        order = np.argsort(codes, kind="stable")
        parts = np.split(scores[order], np.cumsum(np.bincount(codes, minlength=len(names)))[:-1])
        pairs = zip(names, parts, strict=True)
        return {str(name): self.fit(own) for name, own in pairs if _rank(self.alpha, len(own)) >= 1}

    def check(self, n: int) -> None:
        """Raise a ValueError if `n` calibration rows cannot guarantee the rate."""
        if _rank(self.alpha, n) < 1:
            raise ValueError(
                f"{n} calibration rows guarantee a false-alarm rate of {1 / (n + 1):.3g} at best, but "
                f"alpha={self.alpha:g} requires {math.ceil(1 / self.alpha) - 1:,} rows; pass more rows, raise alpha, "
                f"or extrapolate with PeaksOverThreshold({self.alpha:g})"
            )

    def fit(self, scores: Any) -> float:
        """Return the offset from scores of calibration rows."""
        scores = check_scores(scores)
        self.check(len(scores))
        rank = _rank(self.alpha, len(scores))
        return float(np.partition(scores, rank - 1)[rank - 1])

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the error rates of the offset, without its subject."""
        n, rank = len(scores), _rank(self.alpha, len(scores))
        low, high = stats.beta(rank, n + 1 - rank).ppf([0.025, 0.975])
        if self.order is not None:
            return (
                f"flags {rows_in_words(self.alpha)} new normal rows, at a rate of about {self.alpha:.3g}, if they "
                f"differ from the training rows as the {n:,} calibration rows do, which are the latest ones; if rows "
                f"are independent, the rate lies between {low:.2g} and {high:.2g} with 95% probability, else it "
                "varies more"
            )
        return (
            f"flags {rows_in_words(self.alpha)} new normal rows, at a rate of at most {self.alpha:.3g} on average over "
            f"sets of calibration rows; for the {n:,} calibration rows used, the rate lies between {low:.2g} and "
            f"{high:.2g} with 95% probability"
        )


@dataclass(frozen=True)
class CrossConformal(ThresholdRule):
    """Flag normal rows at a rate of about `alpha`, calibrated by cross-validation.

    ``fit`` of a detector fits `n_splits` clones as one stack, each on all folds but one. The calibration scores are
    those of the clones on the folds that they were not trained on. The detector itself is fitted on all rows; it is
    usually slightly better than the clones, and flags new normal rows slightly less often than `alpha`. There is no
    bound on the rate: bounds of twice `alpha` are known for similar schemes only.

    Parameters
    ----------
    alpha : float in (0, 1)
        False-alarm rate.
    n_splits : int, default=5
        Number of folds, at least 2.

    References
    ----------
    Vovk (2015), Cross-conformal predictors, Annals of Mathematics and Artificial Intelligence 74. On bounds: Barber,
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
        """Raise a ValueError if `n` rows are too few for the rate."""
        Conformal(self.alpha).check(n)

    def fit(self, scores: Any) -> float:
        """Return the offset from scores of rows by detectors that were not trained on them."""
        return Conformal(self.alpha).fit(scores)

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the error rates of the offset, without its subject."""
        return (
            f"flags {rows_in_words(self.alpha)} new normal rows, at a rate of about {self.alpha:.3g}, estimated by "
            f"cross-validation on {len(scores):,} rows; the rate is not bounded"
        )


def conformal_p_values(calibration_scores: Any, scores: Any) -> np.ndarray:
    """Return conformal p-values: the probability that a normal row scores as low.

    ``p = (1 + number of calibration scores that are not above the score) / (n + 1)``. For a new normal row,
    P(p <= t) is at most t for every t, on average over calibration sets.

    Parameters
    ----------
    calibration_scores : array-like of shape (n,)
        Scores of normal rows that were not trained on; higher = more normal.
    scores : array-like of shape (n_samples,)
        Scores to convert; higher = more normal.

    Returns
    -------
    p_values : ndarray of shape (n_samples,)
        Values in [1 / (n + 1), 1]; lower = more anomalous. Ties raise the p-value.

    Raises
    ------
    ValueError
        If scores are not finite, or `calibration_scores` is empty.

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
    """Return the output of `conformal_p_values` for calibration scores in ascending order."""
    scores = np.asarray(scores, dtype=np.float64)
    scores = check_scores(scores) if len(scores) else scores
    as_low = np.searchsorted(calibration_scores, scores, side="right")
    return (1 + as_low) / (len(calibration_scores) + 1)


def flag_discoveries(p_values: Any, fdr: float = 0.1) -> np.ndarray:
    """Flag rows with an expected fraction of at most `fdr` normal rows among the flagged rows.

    The procedure of Benjamini & Hochberg (1995). It is valid for conformal p-values with a common calibration set
    (Bates et al. 2023, theorem 2), if the scored rows are independent of this set.

    Parameters
    ----------
    p_values : array-like of shape (n_samples,)
        P-values of all rows of a batch, such as from `conformal_p_values`.
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
    check_fraction("flag", "fdr", fdr, remedy="set the fraction of flagged rows that may be normal")
    p_values = np.asarray(p_values, dtype=np.float64)
    if len(p_values) == 0:
        return np.zeros(0, dtype=bool)
    return stats.false_discovery_control(p_values, method="bh") <= fdr * (1 + 1e-12)
