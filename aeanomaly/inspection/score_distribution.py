"""Display of the distribution of scores and of the threshold."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from aeanomaly._constraints import integer, one_of
from aeanomaly.inspection._access import is_anomaly
from aeanomaly.inspection._drawing import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    Display,
    number_text,
    pyplot,
    set_ticks,
    share_text,
)
from aeanomaly.model_selection.estimators import scores_of, snapshot, transformers_and_detector

#: A logarithmic scale starts at this fraction of the median or above: rows below it are rare.
_MIN_FRACTION = 1e-4
#: The scale is logarithmic if the errors span more than this factor, or this number of interquartile ranges.
_LOG_SCALE_FACTOR = 20


class ScoreDistributionDisplay(Display):
    """Histogram of minus the scores (higher = worse), with the threshold.

    Use `from_estimator` or `from_predictions` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    scores : ndarray of float (n_samples,)
        Result of `score_samples`: higher = more normal.
    offset : float
        Threshold; rows with a score below it are flagged.
    is_anomaly : ndarray of bool (n_samples,), optional
        True labels; each class is drawn in its own color.
    training_scores : ndarray of float (n_training,), optional
        Scores of the training rows, drawn as a line.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        Line at the threshold.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.datasets import make_factory
    >>> from aeanomaly.inspection import ScoreDistributionDisplay
    >>> X, y = make_factory(200, random_state=0)
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X[y == 0])
    >>> display = ScoreDistributionDisplay.from_estimator(detector, X, y)
    >>> display.ax_.get_xlabel()
    'minus the score (higher = worse)'
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, scores: Any, offset: float, is_anomaly: Any = None, training_scores: Any = None):
        self.scores = scores
        self.offset = offset
        self.is_anomaly = is_anomaly
        self.training_scores = training_scores

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any = None, *, training_scores: bool = False, ax: Any = None, **plot: Any
    ) -> Self:
        """Score rows and plot the distribution.

        Parameters
        ----------
        estimator : fitted detector, or pipeline that ends with a detector
            Other outlier estimators with `score_samples` and `offset_` are accepted.
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), optional
            {0, 1} with 1 = anomaly, or {+1, -1} with -1 = anomaly.
        training_scores : bool, default=False
            If True, also draw `training_scores_`.
        ax : matplotlib Axes, optional
        **plot
            Keyword arguments of `plot`.

        Returns
        -------
        display : ScoreDistributionDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If labels are invalid or of a single class, or if their number is not that of the rows.
        TypeError
            If the estimator lacks `offset_`, or if it lacks `training_scores_` and they are requested.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        estimator = snapshot(estimator)
        _, end = transformers_and_detector(estimator)
        for name in ["offset_", "training_scores_"][: 1 + training_scores]:
            if not hasattr(end, name):
                raise TypeError(
                    f"{cls.__name__} needs a detector with the attribute {name}; {type(end).__name__} does not have it"
                )
        known = end.training_scores_ if training_scores else None
        scores = scores_of(estimator, X)
        return cls.from_predictions(scores, y, offset=end.offset_, training_scores=known, ax=ax, **plot)

    @classmethod
    def from_predictions(
        cls, scores: Any, y: Any = None, *, offset: float, training_scores: Any = None, ax: Any = None, **plot: Any
    ) -> Self:
        """Plot the distribution of existing scores.

        Parameters
        ----------
        scores : array-like of shape (n_samples,)
            Higher = more normal.
        y : array-like of shape (n_samples,), optional
            {0, 1} with 1 = anomaly, or {+1, -1} with -1 = anomaly.
        offset : float
            Threshold; rows with a score below it are flagged.
        training_scores : array-like of shape (n_training,), optional
        ax : matplotlib Axes, optional
        **plot
            Keyword arguments of `plot`.

        Returns
        -------
        display : ScoreDistributionDisplay

        Raises
        ------
        ValueError
            If the scores are not a one-dimensional array of finite numbers, or if labels are invalid.
        """
        found = _checked(cls.__name__, "scores", scores)
        known = None if training_scores is None else _checked(cls.__name__, "training_scores", training_scores)
        labels = None if y is None else is_anomaly(cls.__name__, y, len(found))
        display = cls(scores=found, offset=float(offset), is_anomaly=labels, training_scores=known)
        return display.plot(ax, **plot)

    def plot(self, ax: Any = None, *, scale: str = "auto", n_bins: int = 50) -> Self:
        """Draw the histogram; each group of rows is normalized separately, so that rare anomalies are visible.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; a new figure by default.
        scale : {"auto", "log", "linear"}, default="auto"
            Scale of minus the score. "log" is linear around 0 if not all values are positive. "auto" is logarithmic
            if the values span a wide range.
        n_bins : int, default=50
            Number of bins.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `scale` or `n_bins` is invalid.
        ImportError
            If matplotlib is not installed.
        """
        one_of("auto", "log", "linear").check("ScoreDistributionDisplay", "scale", scale)
        integer(1).check("ScoreDistributionDisplay", "n_bins", n_bins)
        ax = self._new_axes(ax, figsize=(7, 4))
        groups = self._groups()
        edges, axis = _bins(-np.concatenate([scores for scores, *_ in groups]), -self.offset, scale, n_bins)
        for scores, name, style in groups:
            label = f"{name}: {share_text(np.mean(scores < self.offset))} of {len(scores):,} flagged"
            weights = np.full(len(scores), 1 / len(scores))
            ax.hist(np.clip(-scores, edges[0], edges[-1]), bins=edges, weights=weights, label=label, **style)
        label = f"threshold {number_text(-self.offset)}"
        self.line_ = ax.axvline(-self.offset, color=BLACK, linestyle="--", label=label)
        ax.set_xscale(**axis)
        if axis["value"] != "linear":
            set_ticks(ax.xaxis, edges[0], edges[-1], axis.get("linear_width"))
        share = "share of rows" if len(groups) == 1 else "share of the group's rows"
        ax.set(xlabel="minus the score (higher = worse)", ylabel=share, xlim=(edges[0], edges[-1]))
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
        return self

    def _groups(self) -> list[tuple[np.ndarray, str, dict[str, Any]]]:
        """Return the scores, the name and the style of each group."""
        filled = {"histtype": "stepfilled", "alpha": 0.65}
        if self.is_anomaly is None:
            groups = [(self.scores, "rows", {"color": BLUE, **filled})]
        else:
            groups = [
                (self.scores[~self.is_anomaly], "normal rows", {"color": BLUE, **filled}),
                (self.scores[self.is_anomaly], "anomalies", {"color": ORANGE, **filled}),
            ]
        if self.training_scores is not None:
            line = {"histtype": "step", "color": GREY, "linewidth": 1.5}
            groups.append((self.training_scores, "training rows", line))
        return groups


def _checked(caller: str, name: str, scores: Any) -> np.ndarray:
    found = np.asarray(scores, dtype=np.float64)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise ValueError(f"{caller}: {name} must be a non-empty 1D array of finite numbers; got shape {found.shape}")
    return found


def _bins(errors: np.ndarray, threshold: float, scale: str, n_bins: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Return bin edges (n_bins + 1,) that are equidistant on the scale, and arguments of `set_xscale`."""
    low, median, high = min(errors.min(), threshold), np.median(errors), max(errors.max(), threshold)
    spread = float(np.subtract(*np.quantile(errors, [0.75, 0.25])))
    if low > 0 and (scale == "log" or (scale == "auto" and high > _LOG_SCALE_FACTOR * low)):
        low = min(max(low, _MIN_FRACTION * median), threshold)
        return np.geomspace(low, 1.05 * high, n_bins + 1), {"value": "log"}
    if scale == "log" or (scale == "auto" and high - low > _LOG_SCALE_FACTOR * spread > 0):
        unit = spread if spread > 0 else max(high - low, 1.0)
        edges = unit * np.sinh(np.linspace(np.arcsinh(low / unit) - 0.1, np.arcsinh(high / unit) + 0.1, n_bins + 1))
        return edges, {"value": "asinh", "linear_width": unit}
    margin = 0.02 * (high - low) if high > low else 0.5
    return np.linspace(low - margin, high + margin, n_bins + 1), {"value": "linear"}
