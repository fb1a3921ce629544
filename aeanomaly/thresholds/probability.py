"""Calibration of scores to probabilities of an anomaly, from labeled rows."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from aeanomaly.thresholds._checks import check_scores, is_anomaly

#: Minimum numbers of labeled rows, and of rows of each class, for isotonic regression.
_MANY, _OF_EACH = 1000, 100
#: Keys of model files that differ from the names of the fields.
_FILE_KEYS = {"center": "centre"}


@dataclass(frozen=True)
class ScoreCalibrator:
    """Calibrator that maps scores to probabilities of an anomaly.

    For few labels it is a sigmoid with two parameters and smoothed targets (Platt 1999). From 1,000 labels, with 100 of
    each class, it is an isotonic regression (Zadrozny & Elkan 2002).

    Attributes
    ----------
    center, spread : float
        Robust location and scale of the scores; the argument of the curve is ``asinh((center - score) / spread)``.
    knots, log_odds : ndarray (K,)
        Ascending arguments and their log-odds; interpolation is linear, and so is extrapolation of a sigmoid.
    is_sigmoid : bool
        True for a sigmoid, False for an isotonic regression.
    rate : float
        Fraction of anomalies among the labeled rows.
    """

    center: float
    spread: float
    knots: np.ndarray
    log_odds: np.ndarray
    is_sigmoid: bool
    rate: float

    @classmethod
    def fit(cls, scores: Any, y: Any) -> "ScoreCalibrator":
        """Fit to scores (n,) and labels, with 1 in {0, 1} or -1 in {1, -1} for anomalies; both classes are required."""
        scores, anomalous = check_scores(scores), is_anomaly("outlier_probability", y)
        center = float(np.median(scores))
        spread = float(1.4826 * np.median(np.abs(scores - center))) or float(scores.std()) or 1.0
        x = np.arcsinh((center - scores) / spread)
        many = len(x) >= _MANY and min(anomalous.sum(), (~anomalous).sum()) >= _OF_EACH
        curve = _steps(x, anomalous) if many else _sigmoid(x, anomalous)
        return cls(center, spread, *curve, not many, float(anomalous.mean()))

    def probability(self, scores: np.ndarray, rate: float | None = None) -> np.ndarray:
        """Return the probability of an anomaly for each score (n,), if the fraction of anomalies is `rate`."""
        x = np.arcsinh((self.center - scores) / self.spread)
        if self.is_sigmoid:
            slope = (self.log_odds[1] - self.log_odds[0]) / (self.knots[1] - self.knots[0])
            found = self.log_odds[0] + slope * (x - self.knots[0])
        else:
            found = np.interp(x, self.knots, self.log_odds)
        return expit(found if rate is None else found + logit(rate) - logit(self.rate))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all values by file key."""
        values = {_FILE_KEYS.get(f.name, f.name): getattr(self, f.name) for f in fields(self)}
        return {key: np.atleast_1d(np.asarray(value, dtype=np.float64)) for key, value in values.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "ScoreCalibrator":
        """Build a calibrator from the output of `arrays`; raise a ValueError for invalid data."""
        if set(arrays) != {_FILE_KEYS.get(f.name, f.name) for f in fields(cls)}:
            raise ValueError("the probability curve has missing or unknown arrays")
        if not all(a.ndim == 1 and a.dtype == np.float64 and len(a) and np.isfinite(a).all() for a in arrays.values()):
            raise ValueError("the probability curve has values that are not finite")
        knots, log_odds = arrays["knots"], arrays["log_odds"]
        center, spread, is_sigmoid, rate = (float(arrays[n][0]) for n in ("centre", "spread", "is_sigmoid", "rate"))
        ascends = not (np.diff(knots) <= 0).any() and not (np.diff(log_odds) < 0).any()
        if len(knots) != len(log_odds) or not ascends or not (spread > 0 and 0 < rate < 1):
            raise ValueError("the probability curve is not increasing")
        if is_sigmoid and len(knots) != 2:
            raise ValueError("a sigmoid must have two knots")
        return cls(center, spread, knots, log_odds, bool(is_sigmoid), rate)


def _sigmoid(x: np.ndarray, anomalous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit a sigmoid; return two knots and their log-odds, which do not decrease."""
    n_anomalies, n_normal = int(anomalous.sum()), int((~anomalous).sum())
    # The targets of Platt, (n + 1) / (n + 2) and 1 / (n + 2), keep the line finite for separable classes.
    target = np.where(anomalous, (n_anomalies + 1) / (n_anomalies + 2), 1 / (n_normal + 2))
    both = np.concatenate([np.ones(len(x)), np.zeros(len(x))])
    line = LogisticRegression(C=np.inf, max_iter=1000)
    line.fit(np.tile(x, 2)[:, None], both, sample_weight=np.concatenate([target, 1 - target]))
    slope, intercept = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope <= 0:  # anomalies score higher, so the score is not informative
        slope, intercept = 0.0, float(logit(target.mean()))
    return np.array([0.0, 1.0]), np.array([intercept, intercept + slope])


def _steps(x: np.ndarray, anomalous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit an isotonic regression; return knots and log-odds, bounded according to the number of labels."""
    curve = IsotonicRegression(out_of_bounds="clip").fit(x, anomalous.astype(np.float64))
    least = 1 / (len(x) + 2)
    return curve.X_thresholds_, logit(np.clip(curve.y_thresholds_, least, 1 - least))
