"""Display of the codes of rows."""

from typing import Any, Self

import numpy as np
from sklearn.decomposition import PCA

from aeanomaly.inspection._access import ScoredRows, is_anomaly
from aeanomaly.inspection._drawing import (
    BLACK,
    BLUE,
    ORANGE,
    Display,
    density_alpha,
    pyplot,
    set_ticks,
    share_text,
)

#: Quantiles of the errors at the ends of the color scale.
_COLOR_QUANTILES = (0.01, 0.99)


class LatentSpaceDisplay(Display):
    """Scatter plot of the codes in two dimensions, colored by minus the score or by labels; rings mark flagged rows.

    Use `from_estimator` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    codes : ndarray of float (n_samples, 2)
        The code if it has two dimensions; its first two principal components if it has more; the code and minus
        the score if it has one.
    names : list of str (2,)
        Names of the two dimensions.
    scores : ndarray of float (n_samples,)
        Result of `score_samples`: higher = more normal.
    offset : float
        Threshold; rows with a score below it are flagged.
    is_anomaly : ndarray of bool (n_samples,), optional
        True labels, which color the points in place of the scores.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    scatter_ : matplotlib PathCollection
        Points of all rows.
    colorbar_ : matplotlib Colorbar or None
        Scale of the scores; None if labels color the points.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from aeanomaly import VariationalAutoencoder
    >>> from aeanomaly.datasets import make_factory
    >>> from aeanomaly.inspection import LatentSpaceDisplay
    >>> X, y = make_factory(200, random_state=0)
    >>> detector = VariationalAutoencoder(latent_dim=2, max_iter=50, random_state=0).fit(X)
    >>> display = LatentSpaceDisplay.from_estimator(detector, X)
    >>> display.names
    ['code 0', 'code 1']
    >>> labeled = LatentSpaceDisplay.from_estimator(detector, X, y)
    >>> [text.get_text() for text in labeled.ax_.get_legend().get_texts()][:2]  # doctest: +ELLIPSIS
    ['normal rows: ...% of 194 flagged', 'anomalies: ...% of 6 flagged']
    >>> plt.close(display.figure_), plt.close(labeled.figure_)
    (None, None)
    """

    colorbar_: Any

    def __init__(
        self,
        *,
        codes: np.ndarray,
        names: list[str],
        scores: np.ndarray,
        offset: float,
        is_anomaly: np.ndarray | None = None,
    ):
        self.codes = codes
        self.names = names
        self.scores = scores
        self.offset = offset
        self.is_anomaly = is_anomaly

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any = None, *, ax: Any = None, **plot: Any) -> Self:
        """Encode and score rows, and plot their codes.

        Parameters
        ----------
        estimator : fitted detector, or pipeline that ends with a detector
        X : array-like or DataFrame of shape (n_samples, n_features)
            At least two rows if the code has more than two dimensions.
        y : array-like of shape (n_samples,), optional
            {0, 1} with 1 = anomaly, or {+1, -1} with -1 = anomaly; the points are colored by these labels. By default,
            they are colored by minus the score.
        ax : matplotlib Axes, optional
        **plot
            Keyword arguments of `plot`.

        Returns
        -------
        display : LatentSpaceDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If X has a single row and the code has more than two dimensions, or if labels are invalid or of one class.
        TypeError
            If the estimator does not end with a detector of this package.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        scored = ScoredRows.from_estimator(cls.__name__, estimator, X)
        scores = scored.scores
        labels = None if y is None else is_anomaly(cls.__name__, y, len(scores))
        codes, names = _in_two_dimensions(cls.__name__, scored.detector.transform(scored.rows), scores)
        display = cls(codes=codes, names=names, scores=scores, offset=scored.detector.offset_, is_anomaly=labels)
        return display.plot(ax, **plot)

    def plot(self, ax: Any = None, *, cmap: Any = "viridis") -> Self:
        """Draw the codes, with larger errors on top; with labels, anomalies on top.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; a new figure by default.
        cmap : str or matplotlib Colormap, default="viridis"
            Color map of minus the score. The scale is logarithmic if all values in its range are positive. Unused if
            labels color the points.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._new_axes(ax, figsize=(7, 5))
        flagged = self.scores < self.offset
        if self.is_anomaly is None:
            self._draw_scores(cmap)
            ring = {"edgecolors": ORANGE, "label": f"flagged: {share_text(flagged.mean())} of {len(flagged):,}"}
        else:
            self._draw_labels(self.is_anomaly, flagged)
            ring = {"edgecolors": BLACK, "label": "flagged"}
        alpha = max(0.6, density_alpha(int(flagged.sum())))  # many rings would cover the points
        ax.scatter(*self.codes[flagged].T, s=40, facecolors="none", linewidths=0.9, alpha=alpha, **ring)
        ax.set(xlabel=self.names[0], ylabel=self.names[1])
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
        return self

    def _draw_scores(self, cmap: Any) -> None:
        order = np.argsort(-self.scores, kind="stable")
        errors = -self.scores[order]
        style = {"s": 12, "linewidths": 0, "cmap": cmap, "norm": _norm(errors), "rasterized": True}
        self.scatter_ = self.ax_.scatter(*self.codes[order].T, c=errors, **style)
        bar = {"label": "minus the score (higher = worse)", "extend": "both"}
        self.colorbar_ = self.ax_.figure.colorbar(self.scatter_, ax=self.ax_, **bar)
        norm = self.scatter_.norm
        if type(norm).__name__ == "LogNorm":
            set_ticks(self.colorbar_, norm.vmin, norm.vmax)

    def _draw_labels(self, labels: np.ndarray, flagged: np.ndarray) -> None:
        order = np.argsort(labels, kind="stable")
        colors = np.where(labels, ORANGE, BLUE)[order]
        sizes = np.where(labels, 16, 9)[order]
        self.scatter_ = self.ax_.scatter(*self.codes[order].T, c=colors, s=sizes, linewidths=0, rasterized=True)
        self.colorbar_ = None
        for name, color, rows in (("normal rows", BLUE, ~labels), ("anomalies", ORANGE, labels)):
            label = f"{name}: {share_text(flagged[rows].mean())} of {rows.sum():,} flagged"
            self.ax_.scatter([], [], s=16, color=color, linewidths=0, label=label)


def _in_two_dimensions(caller: str, codes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Reduce codes (n, L) to (n, 2) and name the two dimensions."""
    if codes.shape[1] == 1:
        return np.column_stack([codes[:, 0], -scores]), ["code 0", "minus the score"]
    if codes.shape[1] == 2:
        return codes, ["code 0", "code 1"]
    if len(codes) < 2:
        raise ValueError(
            f"{caller}: a code of {codes.shape[1]} dimensions needs at least 2 rows; got {len(codes)}; pass more rows"
        )
    components = PCA(n_components=2, svd_solver="full").fit(codes)
    shares = components.explained_variance_ratio_ if codes.std(axis=0).any() else np.zeros(2)
    names = [f"principal component {j} ({100 * share:.0f}% of the code)" for j, share in enumerate(shares, start=1)]
    return components.transform(codes), names


def _norm(errors: np.ndarray) -> Any:
    """Return the normalization of colors; its quantiles limit the effect of extreme errors."""
    from matplotlib.colors import LogNorm, Normalize

    low, high = np.quantile(errors, _COLOR_QUANTILES)
    high = high if high > low else low + max(abs(low), 1.0)
    return LogNorm(low, high) if low > 0 else Normalize(low, high)
