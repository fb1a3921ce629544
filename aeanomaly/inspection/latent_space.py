"""Display of the codes of rows."""

from typing import Any, Self

import numpy as np
from sklearn.decomposition import PCA

from aeanomaly.inspection._access import ScoredRows
from aeanomaly.inspection._drawing import ORANGE, Display, pyplot, set_ticks, share_text

#: Quantiles of the errors at the ends of the color scale.
_COLOR_QUANTILES = (0.01, 0.99)


class LatentSpaceDisplay(Display):
    """Scatter plot of the codes in two dimensions, colored by minus the score; rings mark flagged rows.

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

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    scatter_ : matplotlib PathCollection
        Points of all rows.
    colorbar_ : matplotlib Colorbar

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
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, codes: np.ndarray, names: list[str], scores: np.ndarray, offset: float):
        self.codes = codes
        self.names = names
        self.scores = scores
        self.offset = offset

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, ax: Any = None, **plot: Any) -> Self:
        """Encode and score rows, and plot their codes.

        Parameters
        ----------
        estimator : fitted detector, or pipeline that ends with a detector
        X : array-like or DataFrame of shape (n_samples, n_features)
            At least two rows if the code has more than two dimensions.
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
            If X has a single row and the code has more than two dimensions.
        TypeError
            If the estimator does not end with a detector of this package.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        scored = ScoredRows.from_estimator(cls.__name__, estimator, X)
        scores = scored.scores
        codes, names = _in_two_dimensions(cls.__name__, scored.detector.transform(scored.rows), scores)
        return cls(codes=codes, names=names, scores=scores, offset=scored.detector.offset_).plot(ax, **plot)

    def plot(self, ax: Any = None, *, cmap: Any = "viridis") -> Self:
        """Draw the codes, with larger errors on top.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; a new figure by default.
        cmap : str or matplotlib Colormap, default="viridis"
            Color map of minus the score. The scale is logarithmic if all values in its range are positive.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._new_axes(ax, figsize=(7, 5))
        order = np.argsort(-self.scores, kind="stable")
        x, y = self.codes[order].T
        errors, flagged = -self.scores[order], self.scores[order] < self.offset
        style = {"s": 12, "linewidths": 0, "cmap": cmap, "norm": _norm(errors), "rasterized": True}
        self.scatter_ = ax.scatter(x, y, c=errors, **style)
        ring = {"facecolors": "none", "edgecolors": ORANGE, "linewidths": 1.2, "s": 45}
        label = f"flagged: {share_text(flagged.mean())} of {len(flagged):,}"
        ax.scatter(x[flagged], y[flagged], label=label, **ring)
        bar = {"label": "minus the score (higher = worse)", "extend": "both"}
        self.colorbar_ = ax.figure.colorbar(self.scatter_, ax=ax, **bar)
        norm = self.scatter_.norm
        if type(norm).__name__ == "LogNorm":
            set_ticks(self.colorbar_, norm.vmin, norm.vmax)
        ax.set(xlabel=self.names[0], ylabel=self.names[1])
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
        return self


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
    names = [f"principal component {j} ({100 * share:.0f} % of the code)" for j, share in enumerate(shares, start=1)]
    return components.transform(codes), names


def _norm(errors: np.ndarray) -> Any:
    """Return the normalization of colors; its quantiles limit the effect of extreme errors."""
    from matplotlib.colors import LogNorm, Normalize

    low, high = np.quantile(errors, _COLOR_QUANTILES)
    high = high if high > low else low + max(abs(low), 1.0)
    return LogNorm(low, high) if low > 0 else Normalize(low, high)
