"""Display of the contributions of the columns to the errors of several rows."""

from typing import Any, Self

import numpy as np
import pandas as pd

from aeanomaly._constraints import integer, one_of
from aeanomaly.inspection._access import ScoredRows
from aeanomaly.inspection._drawing import BLACK, Display, number_text, pyplot, set_ticks, text_of, texts_of
from aeanomaly.inspection._text import index_name

#: Number of powers of ten on a logarithmic scale.
_DECADES = 3
#: Smallest share that is written into a cell.
_MIN_WRITTEN_SHARE = 0.095
#: Maximum number of row labels.
_MAX_LABELS = 40


class ContributionsHeatmapDisplay(Display):
    """Heat map of the contributions of the columns to minus the scores, for the rows with the lowest scores.

    Use `from_estimator` or `from_explanation` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    contributions : DataFrame of float (n_rows, n_columns)
        Rows in ascending order of their scores. Higher = worse; the sum of a row is minus its score.
    scores : ndarray of float (n_rows,)
        Scores of these rows: higher = more normal.
    offset : float, optional
        Threshold; rows with a score below it are flagged.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage
    colorbar_ : matplotlib Colorbar

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.datasets import make_factory
    >>> from aeanomaly.inspection import ContributionsHeatmapDisplay
    >>> X, y = make_factory(200, random_state=0)
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X[y == 0])
    >>> display = ContributionsHeatmapDisplay.from_estimator(detector, X, n_rows=5)
    >>> display.contributions.shape
    (5, 10)
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, contributions: pd.DataFrame, scores: np.ndarray, offset: float | None = None):
        self.contributions = contributions
        self.scores = scores
        self.offset = offset

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, n_rows: int = 20, ax: Any = None, **plot: Any) -> Self:
        """Explain the rows with the lowest scores and plot the contributions.

        Parameters
        ----------
        estimator : fitted detector, or pipeline that ends with a detector
            The columns are those of the detector's input.
        X : array-like or DataFrame of shape (n_samples, n_features)
        n_rows : int, default=20
            Maximum number of rows to show.
        ax : matplotlib Axes, optional
        **plot
            Keyword arguments of `plot`.

        Returns
        -------
        display : ContributionsHeatmapDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `n_rows` is not an integer of at least 1.
        TypeError
            If the estimator does not end with a detector of this package.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        scored = ScoredRows.from_estimator(cls.__name__, estimator, X)
        return cls._of_worst(scored.contributions(), scored.scores, n_rows, scored.detector.offset_).plot(ax, **plot)

    @classmethod
    def from_explanation(
        cls, explanation: pd.DataFrame, *, n_rows: int = 20, offset: float | None = None, ax: Any = None, **plot: Any
    ) -> Self:
        """Plot the worst rows of the result of `explain`.

        Parameters
        ----------
        explanation : DataFrame
            Result of ``explain(X)``, with or without `details`.
        n_rows : int, default=20
            Maximum number of rows to show.
        offset : float, optional
            Threshold: `offset_` of the detector.
        ax : matplotlib Axes, optional
        **plot
            Keyword arguments of `plot`.

        Returns
        -------
        display : ContributionsHeatmapDisplay

        Raises
        ------
        ValueError
            If `n_rows` is not an integer of at least 1.
        """
        detailed = explanation.columns.nlevels > 1
        contributions = pd.DataFrame(explanation["contribution"]) if detailed else explanation
        scores = -contributions.to_numpy(dtype=np.float64).sum(axis=1)
        return cls._of_worst(contributions, scores, n_rows, offset).plot(ax, **plot)

    @classmethod
    def _of_worst(cls, contributions: pd.DataFrame, scores: np.ndarray, n_rows: int, offset: float | None) -> Self:
        integer(1).check(cls.__name__, "n_rows", n_rows)
        worst = np.argsort(scores, kind="stable")[:n_rows]
        return cls(contributions=contributions.iloc[worst], scores=scores[worst], offset=offset)

    def plot(self, ax: Any = None, *, scale: str = "share", n_columns: int = 12) -> Self:
        """Draw the heat map, with a line below the flagged rows.

        The columns with the largest contributions come first; the others share the last column.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; a new figure by default.
        scale : {"share", "log"}, default="share"
            "share" divides each contribution by the sum of the absolute contributions of its row. "log" shows the
            contributions on a logarithmic scale with three powers of ten.
        n_columns : int, default=12
            Maximum number of separate columns.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `scale` or `n_columns` is invalid.
        ImportError
            If matplotlib is not installed.
        """
        one_of("share", "log").check("ContributionsHeatmapDisplay", "scale", scale)
        integer(1).check("ContributionsHeatmapDisplay", "n_columns", n_columns)
        names, values = self._columns(n_columns)
        if scale == "share":
            values = values / np.maximum(np.abs(values).sum(axis=1, keepdims=True), np.finfo(float).tiny)
        ax = self._new_axes(ax, figsize=(2.5 + 0.62 * len(names), 2.2 + 0.27 * min(len(values), _MAX_LABELS)))
        style, label = _style(values, scale)
        self.image_ = ax.imshow(values, aspect="auto", interpolation="nearest", **style)
        self.colorbar_ = ax.figure.colorbar(self.image_, ax=ax, label=label)
        if scale == "share" and len(values) <= _MAX_LABELS:
            self._write(values)
        elif scale == "log":
            norm = self.image_.norm
            set_ticks(self.colorbar_, norm.vmin, norm.vmax, getattr(norm, "linthresh", None))
        ax.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        step = -(-len(values) // _MAX_LABELS)
        ax.set_yticks(range(0, len(values), step), self._row_labels()[::step])
        flagged = 0 if self.offset is None else int(np.sum(self.scores < self.offset))
        if 0 < flagged < len(values):
            ax.axhline(flagged - 0.5, color=BLACK, linestyle="--", linewidth=1.2)
        ax.set_ylabel(f"{text_of(index_name(self.contributions.index))} (score)")
        if self.offset is not None:
            ax.set_title(f"{flagged} of these {len(values)} rows flagged", fontsize="medium")
        return self

    def _row_labels(self) -> list[str]:
        pairs = zip(texts_of(self.contributions.index), self.scores, strict=True)
        return [f"{name} ({number_text(score)})" for name, score in pairs]

    def _columns(self, n_columns: int) -> tuple[list[str], np.ndarray]:
        """Return the column names and the contributions to show, (n_rows, n_shown)."""
        values = self.contributions.to_numpy(dtype=np.float64)
        total = np.abs(values).sum(axis=1, keepdims=True)
        order = np.argsort(-(values / np.maximum(total, np.finfo(float).tiny)).sum(axis=0), kind="stable")
        n_columns = len(order) if len(order) == n_columns + 1 else n_columns  # a single column is not pooled
        names, rest = texts_of(self.contributions.columns[order[:n_columns]]), order[n_columns:]
        if len(rest) == 0:
            return names, values[:, order]
        pooled = values[:, rest].sum(axis=1, keepdims=True)
        return [*names, f"{len(rest)} other columns"], np.hstack([values[:, order[:n_columns]], pooled])

    def _write(self, values: np.ndarray) -> None:
        """Write large shares into their cells, in percent."""
        for (row, column), value in np.ndenumerate(values):
            if abs(value) >= _MIN_WRITTEN_SHARE:
                color = "white" if abs(value) > 0.55 else "black"
                text = number_text(round(100 * value))
                self.ax_.text(column, row, text, ha="center", va="center", color=color, fontsize="small")


def _style(values: np.ndarray, scale: str) -> tuple[dict[str, Any], str]:
    """Return the color map with its normalization, and the label of the color bar."""
    from matplotlib.colors import LogNorm, SymLogNorm

    signed = bool((values < 0).any())
    if scale == "share":
        return {"cmap": "PuOr_r" if signed else "Blues", "vmin": -1.0 if signed else 0.0, "vmax": 1.0}, (
            "share of minus the score (numbers: percent)"
        )
    high = float(np.maximum(np.abs(values).max(), 1e-30))
    least, label = high / 10**_DECADES, "contribution to minus the score"
    if signed:
        return {"cmap": "PuOr_r", "norm": SymLogNorm(least, vmin=-high, vmax=high)}, label
    return {"cmap": "Blues", "norm": LogNorm(least, high, clip=True)}, label
