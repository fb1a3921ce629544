"""Scores -> probabilities of being an anomaly, from labelled rows."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from aeanomaly.thresholds._checks import check_scores, is_anomaly

#: Labelled rows, and rows of each class, from which the shape of the curve is learned, too.
_MANY, _OF_EACH = 1000, 100
#: Keys of model files that differ from the names of the fields.
_FILE_KEYS = {"center": "centre"}


@dataclass(frozen=True)
class ScoreCalibrator:
    """How probable an anomaly is at a score, among rows like the labelled ones.

    A sigmoid of two parameters (Platt 1999, with his targets) from few labels; a step function that never rises with
    the score (Zadrozny & Elkan 2002) from 1,000 of them, with 100 of each class.

    Attributes
    ----------
    center, spread : float
        Robust location and scale of the labelled rows' scores; ``asinh((center - score) / spread)`` is the argument.
    knots, log_odds : ndarray (K,)
        Log-odds at arguments, ascending, and linear between and, of the sigmoid, beyond them.
    is_sigmoid : bool
    rate : float
        Share of anomalies among the labelled rows.
    """

    center: float
    spread: float
    knots: np.ndarray
    log_odds: np.ndarray
    is_sigmoid: bool
    rate: float

    @classmethod
    def fit(cls, scores: Any, y: Any) -> "ScoreCalibrator":
        """Learn it from scores (n,) and labels, 1 of {0, 1}, or -1 of {1, -1}, for anomalies; both are needed."""
        scores, anomalous = check_scores(scores), is_anomaly("outlier_probability", y)
        center = float(np.median(scores))
        spread = float(1.4826 * np.median(np.abs(scores - center))) or float(scores.std()) or 1.0
        x = np.arcsinh((center - scores) / spread)
        many = len(x) >= _MANY and min(anomalous.sum(), (~anomalous).sum()) >= _OF_EACH
        curve = _steps(x, anomalous) if many else _sigmoid(x, anomalous)
        return cls(center, spread, *curve, not many, float(anomalous.mean()))

    def probability(self, scores: np.ndarray, rate: float | None = None) -> np.ndarray:
        """Probability of an anomaly at each score (n,), where the share of anomalies is `rate`."""
        x = np.arcsinh((self.center - scores) / self.spread)
        if self.is_sigmoid:
            slope = (self.log_odds[1] - self.log_odds[0]) / (self.knots[1] - self.knots[0])
            found = self.log_odds[0] + slope * (x - self.knots[0])
        else:
            found = np.interp(x, self.knots, self.log_odds)
        return expit(found if rate is None else found + logit(rate) - logit(self.rate))

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, by name, for a file."""
        values = {_FILE_KEYS.get(f.name, f.name): getattr(self, f.name) for f in fields(self)}
        return {key: np.atleast_1d(np.asarray(value, dtype=np.float64)) for key, value in values.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "ScoreCalibrator":
        """The inverse of `arrays`; a ValueError where they are not what that makes."""
        if set(arrays) != {_FILE_KEYS.get(f.name, f.name) for f in fields(cls)}:
            raise ValueError("the curve of probabilities is not whole")
        if not all(a.ndim == 1 and a.dtype == np.float64 and len(a) and np.isfinite(a).all() for a in arrays.values()):
            raise ValueError("the curve of probabilities is not of finite numbers")
        knots, log_odds = arrays["knots"], arrays["log_odds"]
        center, spread, is_sigmoid, rate = (float(arrays[n][0]) for n in ("centre", "spread", "is_sigmoid", "rate"))
        ascends = not (np.diff(knots) <= 0).any() and not (np.diff(log_odds) < 0).any()
        if len(knots) != len(log_odds) or not ascends or not (spread > 0 and 0 < rate < 1):
            raise ValueError("the curve of probabilities does not rise")
        if is_sigmoid and len(knots) != 2:
            raise ValueError("a sigmoid has two numbers")
        return cls(center, spread, knots, log_odds, bool(is_sigmoid), rate)


def _sigmoid(x: np.ndarray, anomalous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds at 0 and 1: a straight line that does not fall."""
    n_anomalies, n_normal = int(anomalous.sum()), int((~anomalous).sum())
    # Platt's targets, (n + 1) / (n + 2) and 1 / (n + 2), keep the line finite where a score parts the classes.
    target = np.where(anomalous, (n_anomalies + 1) / (n_anomalies + 2), 1 / (n_normal + 2))
    both = np.concatenate([np.ones(len(x)), np.zeros(len(x))])
    line = LogisticRegression(C=np.inf, max_iter=1000)
    line.fit(np.tile(x, 2)[:, None], both, sample_weight=np.concatenate([target, 1 - target]))
    slope, intercept = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope <= 0:  # the labels say that anomalies score higher: then a score tells nothing
        slope, intercept = 0.0, float(logit(target.mean()))
    return np.array([0.0, 1.0]), np.array([intercept, intercept + slope])


def _steps(x: np.ndarray, anomalous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds at the knots of an isotonic curve, off 0 and 1 by what so many labels leave open."""
    curve = IsotonicRegression(out_of_bounds="clip").fit(x, anomalous.astype(np.float64))
    least = 1 / (len(x) + 2)
    return curve.X_thresholds_, logit(np.clip(curve.y_thresholds_, least, 1 - least))
