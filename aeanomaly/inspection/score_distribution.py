"""How scores are distributed, and where the threshold lies."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from aeanomaly.inspection._access import check_number, is_anomaly
from aeanomaly.inspection._drawing import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    axes_of,
    check_scale,
    number_text,
    pyplot,
    set_ticks,
    share_text,
)
from aeanomaly.model_selection._access import front_and_detector, scores_of, snapshot

#: A logarithmic scale ends this far below the median: few rows, if any, are reconstructed to the last digit.
_LEAST = 1e-4
#: Errors that span more than this factor, or this number of interquartile ranges, want a logarithmic scale.
_HEAVY = 20


class ScoreDistributionDisplay:
    """Histogram of minus the scores (higher = worse) with the threshold.

    Made by `from_estimator` or `from_predictions`; all parameters are attributes.

    Parameters
    ----------
    scores : ndarray of float (n_samples,)
        `score_samples`: higher = more normal.
    offset : float
        The threshold: rows that score below it are flagged.
    is_anomaly : ndarray of bool (n_samples,), optional
        True labels, which colour the rows.
    training_scores : ndarray of float (n_training,), optional
        Scores of training rows, drawn as a line.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The threshold.

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

    ax_: Any
    figure_: Any
    line_: Any

    def __init__(self, *, scores: Any, offset: float, is_anomaly: Any = None, training_scores: Any = None):
        self.scores = scores
        self.offset = offset
        self.is_anomaly = is_anomaly
        self.training_scores = training_scores

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any = None, *, training_scores: bool = False, ax: Any = None, **plot: Any
    ) -> Self:
        """Score rows, and plot.

        Parameters
        ----------
        estimator : fitted detector, or pipeline that ends in one
            Any other outlier estimator with `score_samples` and `offset_`, too.
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), optional
            {0, 1} with 1 = anomaly, or {+1, -1} with -1 = anomaly.
        training_scores : bool, default=False
            Whether to draw `training_scores_`, too.
        ax : matplotlib Axes, optional
        **plot
            For `plot`.

        Returns
        -------
        display : ScoreDistributionDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If labels are of one class, none of these, or not one for each row.
        TypeError
            If the estimator has no threshold `offset_`, or no `training_scores_` where they are wanted.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        estimator = snapshot(estimator)
        _, end = front_and_detector(estimator)
        for name in ["offset_", "training_scores_"][: 1 + training_scores]:
            if not hasattr(end, name):
                raise TypeError(f"{cls.__name__} needs a detector with {name}; {type(end).__name__} has none")
        known = end.training_scores_ if training_scores else None
        scores = scores_of(estimator, X)
        return cls.from_predictions(scores, y, offset=end.offset_, training_scores=known, ax=ax, **plot)

    @classmethod
    def from_predictions(
        cls, scores: Any, y: Any = None, *, offset: float, training_scores: Any = None, ax: Any = None, **plot: Any
    ) -> Self:
        """Plot scores that are there already.

        Parameters
        ----------
        scores : array-like of shape (n_samples,)
            Higher = more normal.
        y : array-like of shape (n_samples,), optional
            {0, 1} with 1 = anomaly, or {+1, -1} with -1 = anomaly.
        offset : float
            The threshold.
        training_scores : array-like of shape (n_training,), optional
        ax : matplotlib Axes, optional
        **plot
            For `plot`.

        Returns
        -------
        display : ScoreDistributionDisplay

        Raises
        ------
        ValueError
            If scores are not finite numbers in one dimension, or labels as for `from_estimator`.
        """
        found = _checked(cls.__name__, "scores", scores)
        known = None if training_scores is None else _checked(cls.__name__, "training_scores", training_scores)
        labels = None if y is None else is_anomaly(cls.__name__, y, len(found))
        display = cls(scores=found, offset=float(offset), is_anomaly=labels, training_scores=known)
        return display.plot(ax, **plot)

    def plot(self, ax: Any = None, *, scale: str = "auto", n_bins: int = 50) -> Self:
        """Draw the histogram; of groups, each adds up to one, so that few anomalies are seen beside many rows.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default in a new figure.
        scale : {"auto", "log", "linear"}, default="auto"
            Of minus the score. "log" is linear about 0 where not all are positive. "auto": logarithmic where
            they span a wide range, so that a heavy tail can be read.
        n_bins : int, default=50

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `scale` or `n_bins` is none of these.
        ImportError
            If matplotlib is missing.
        """
        check_scale("ScoreDistributionDisplay", scale, ("auto", "log", "linear"))
        check_number("ScoreDistributionDisplay", "n_bins", n_bins)
        ax = axes_of(self, ax, figsize=(7, 4))
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
        """Scores, name and style of each group."""
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
        raise ValueError(f"{caller}: {name} must be finite numbers in one dimension; got shape {found.shape}")
    return found


def _bins(errors: np.ndarray, threshold: float, scale: str, n_bins: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Edges (n_bins + 1,), even on the scale, and what matplotlib is told of the scale."""
    low, median, high = min(errors.min(), threshold), np.median(errors), max(errors.max(), threshold)
    spread = float(np.subtract(*np.quantile(errors, [0.75, 0.25])))
    if low > 0 and (scale == "log" or (scale == "auto" and high > _HEAVY * low)):
        low = min(max(low, _LEAST * median), threshold)
        return np.geomspace(low, 1.05 * high, n_bins + 1), {"value": "log"}
    if scale == "log" or (scale == "auto" and high - low > _HEAVY * spread > 0):
        unit = spread if spread > 0 else max(high - low, 1.0)
        edges = unit * np.sinh(np.linspace(np.arcsinh(low / unit) - 0.1, np.arcsinh(high / unit) + 0.1, n_bins + 1))
        return edges, {"value": "asinh", "linear_width": unit}
    margin = 0.02 * (high - low) if high > low else 0.5
    return np.linspace(low - margin, high + margin, n_bins + 1), {"value": "linear"}
