"""Where rows lie in the code."""

from typing import Any, Self

import numpy as np
from sklearn.decomposition import PCA

from aeanomaly.inspection._access import Seen
from aeanomaly.inspection._drawing import ORANGE, axes_of, pyplot, set_ticks, share_text

#: Colours span errors between these shares of the rows.
_COLOURED = (0.01, 0.99)


class LatentSpaceDisplay:
    """Codes in two dimensions, coloured by minus the score; flagged rows are ringed.

    Made by `from_estimator`; all parameters are attributes.

    Parameters
    ----------
    codes : ndarray of float (n_samples, 2)
        The code itself where it is two wide, its first two principal components where it is wider, else the code
        beside minus the score.
    names : list of str (2,)
        What these are.
    scores : ndarray of float (n_samples,)
        `score_samples`: higher = more normal.
    offset : float
        The threshold: rows that score below it are flagged.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    scatter_ : matplotlib PathCollection
        All rows.
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

    ax_: Any
    figure_: Any
    scatter_: Any
    colorbar_: Any

    def __init__(self, *, codes: np.ndarray, names: list[str], scores: np.ndarray, offset: float):
        self.codes = codes
        self.names = names
        self.scores = scores
        self.offset = offset

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, ax: Any = None, **plot: Any) -> Self:
        """Encode and score rows, and plot.

        Parameters
        ----------
        estimator : fitted detector, or pipeline that ends in one
        X : array-like or DataFrame of shape (n_samples, n_features)
            Two rows at least where the code is more than two wide.
        ax : matplotlib Axes, optional
        **plot
            For `plot`.

        Returns
        -------
        display : LatentSpaceDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If principal components are wanted of a single row.
        TypeError
            If the estimator does not end in a detector of this package.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        seen = Seen.by(cls.__name__, estimator, X)
        scores = seen.scores
        codes, names = _in_two_dimensions(cls.__name__, seen.detector.transform(seen.rows), scores)
        return cls(codes=codes, names=names, scores=scores, offset=seen.detector.offset_).plot(ax, **plot)

    def plot(self, ax: Any = None, *, cmap: Any = "viridis") -> Self:
        """Draw the codes, high errors above low ones.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default in a new figure.
        cmap : str or matplotlib Colormap, default="viridis"
            For minus the score: on a logarithmic scale where all are positive.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        ax = axes_of(self, ax, figsize=(7, 5))
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
    """Codes (n, L) -> (n, 2), and what the two are."""
    if codes.shape[1] == 1:
        return np.column_stack([codes[:, 0], -scores]), ["code 0", "minus the score"]
    if codes.shape[1] == 2:
        return codes, ["code 0", "code 1"]
    if len(codes) < 2:
        raise ValueError(f"{caller}: a code of {codes.shape[1]} has no principal components of one row; pass more rows")
    components = PCA(n_components=2, svd_solver="full").fit(codes)
    shares = components.explained_variance_ratio_ if codes.std(axis=0).any() else np.zeros(2)
    names = [f"principal component {j} ({100 * share:.0f} % of the code)" for j, share in enumerate(shares, start=1)]
    return components.transform(codes), names


def _norm(errors: np.ndarray) -> Any:
    """Colours by error; a few extreme ones must not make all the others look alike."""
    from matplotlib.colors import LogNorm, Normalize

    low, high = np.quantile(errors, _COLOURED)
    high = high if high > low else low + max(abs(low), 1.0)
    return LogNorm(low, high) if low > 0 else Normalize(low, high)
