"""Display of observed against reconstructed cells."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from aeanomaly._constraints import integer
from aeanomaly.inspection._access import ScoredRows
from aeanomaly.inspection._drawing import (
    GREY,
    ORANGE,
    Display,
    density_alpha,
    pyplot,
    share_text,
    texts_of,
)
from aeanomaly.inspection._panels import label_points, positions


class ReconstructionDisplay(Display):
    """Scatter plots of observed against reconstructed cells, one for each column, with flagged rows in color.

    Use `from_estimator` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    observed, reconstructed : DataFrame of shape (n_samples, n_columns)
        Cells of the columns to show, in original units.
    scores : ndarray of float (n_samples,)
        Result of `score_samples`: higher = more normal.
    offset : float
        Threshold; rows with a score below it are flagged.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes (n_columns,)
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.datasets import make_factory
    >>> from aeanomaly.inspection import ReconstructionDisplay
    >>> X, y = make_factory(200, random_state=0)
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X[y == 0])
    >>> display = ReconstructionDisplay.from_estimator(detector, X, columns=["power_kw", "flow_l_min"])
    >>> display.ax_.shape
    (2,)
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, observed: pd.DataFrame, reconstructed: pd.DataFrame, scores: np.ndarray, offset: float):
        self.observed = observed
        self.reconstructed = reconstructed
        self.scores = scores
        self.offset = offset

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        columns: Sequence[str] | None = None,
        n_columns: int = 6,
        ax: Any = None,
        **plot: Any,
    ) -> Self:
        """Reconstruct rows and plot them.

        Parameters
        ----------
        estimator : fitted detector, or pipeline that ends with a detector
            The columns are those of the detector's input.
        X : array-like or DataFrame of shape (n_samples, n_features)
        columns : sequence of str, optional
            Names of the columns to show; columns without names are x0, x1 and so on. By default, the columns that
            contribute most to the errors of the flagged rows, or of all rows if no row is flagged.
        n_columns : int, default=6
            Maximum number of columns to show if `columns` is None.
        ax : matplotlib Axes, or array of them, optional
        **plot
            Keyword arguments of `plot`.

        Returns
        -------
        display : ReconstructionDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a column is unknown, or if `n_columns` is not an integer of at least 1.
        TypeError
            If the estimator does not end with a detector of this package.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        integer(1).check(cls.__name__, "n_columns", n_columns)
        scored = ScoredRows.from_estimator(cls.__name__, estimator, X)
        details, scores, offset = scored.details(), scored.scores, scored.detector.offset_
        observed = pd.DataFrame(details["observed"])
        if columns is None:
            contributions = details["contribution"].to_numpy(dtype=np.float64)[:, : observed.shape[1]]
            chosen = _most_contributing(contributions, scores < offset)[:n_columns]
        else:
            chosen = _column_positions(cls.__name__, list(observed.columns), columns)
        reconstructed = pd.DataFrame(scored.detector.reconstruct(scored.rows))
        text = [name for name in reconstructed.columns if pd.api.types.is_string_dtype(reconstructed[name].dtype)]
        if text:
            reconstructed = reconstructed.astype(dict.fromkeys(text, "category"))
        reconstructed = reconstructed.set_axis(observed.columns, axis=1).set_axis(observed.index, axis=0)
        return cls(
            observed=observed.iloc[:, chosen],
            reconstructed=reconstructed.iloc[:, chosen],
            scores=scores,
            offset=offset,
        ).plot(ax, **plot)

    def plot(self, ax: Any = None, *, n_across: int = 3, n_labels: int = 3) -> Self:
        """Draw one plot for each column; points on the diagonal are reconstructed exactly.

        Rows that are not flagged are thin and below the flagged rows. The flagged rows with the lowest scores are
        marked and have the labels of their index; a label that would cover another label is omitted.

        Numbers with heavy tails get a logarithmic scale, which is linear around 0 if not all numbers are positive.
        Categories and their missing values get a random offset, so that points do not overlap. Missing values of other
        columns are not drawn.

        Parameters
        ----------
        ax : matplotlib Axes, or array of them, optional
            Axes to divide among the columns, or an array with one for each column; a new figure by default.
        n_across : int, default=3
            Number of plots in a row.
        n_labels : int, default=3
            Maximum number of labeled rows; 0 for no labels.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `n_across` is not an integer of at least 1, or `n_labels` not one of at least 0. If the number of axes is
            not that of the columns, or if `ax` is not in a grid.
        ImportError
            If matplotlib is not installed.
        """
        integer(1).check("ReconstructionDisplay", "n_across", n_across)
        integer(0).check("ReconstructionDisplay", "n_labels", n_labels)
        axes = self._axes(ax, n_across)
        flagged = self.scores < self.offset
        for j, (axis, title) in enumerate(zip(axes, texts_of(self.observed.columns, most=30), strict=True)):
            x, y = positions(axis, self.observed.iloc[:, j], self.reconstructed.iloc[:, j])
            normal = {"s": 5, "color": GREY, "alpha": 0.5 * density_alpha(int((~flagged).sum())) + 0.15}
            axis.scatter(x[~flagged], y[~flagged], linewidths=0, zorder=1, rasterized=True, **normal)
            odd = {"s": 11, "color": ORANGE, "alpha": density_alpha(int(flagged.sum()))}
            axis.scatter(x[flagged], y[flagged], linewidths=0, zorder=2, **odd)
            label_points(axis, x, y, self._labels(n_labels))
            axis.set_title(title, fontsize="medium")
            axis.tick_params(labelsize="small")
        handles = self._handles(axes[0], flagged)
        if ax is None:
            axes[0].figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
        else:
            axes[0].legend(handles=handles, fontsize="small")
        for j, axis in enumerate(axes):
            axis.set_ylabel("reconstructed" if j % n_across == 0 else "")
            axis.set_xlabel("observed" if j + n_across >= len(axes) else "")
        self.ax_, self.figure_ = axes, axes[0].figure
        return self

    def _labels(self, n_labels: int) -> dict[int, str]:
        """Return the labels of the flagged rows with the lowest scores, by position, worst first."""
        worst = [
            int(row) for row in np.argsort(self.scores, kind="stable")[:n_labels] if self.scores[row] < self.offset
        ]
        return dict(zip(worst, texts_of(self.observed.index[worst], most=19), strict=True))

    def _handles(self, axis: Any, flagged: np.ndarray) -> list[Any]:
        """Return opaque points for the legend."""
        label = f"flagged: {share_text(flagged.mean())} of {len(flagged):,}"
        kinds = (("not flagged", GREY), (label, ORANGE))
        return [axis.scatter([], [], s=25, color=color, linewidths=0, label=name) for name, color in kinds]

    def _axes(self, ax: Any, n_across: int) -> np.ndarray:
        """Return one axes for each column, (n_columns,)."""
        n_columns = self.observed.shape[1]
        if isinstance(ax, (np.ndarray, list, tuple)):
            axes = np.array(ax, dtype=object).ravel()
            if len(axes) != n_columns:
                raise ValueError(
                    f"ReconstructionDisplay: ax has {len(axes)} axes for {n_columns} columns; pass one axes per column"
                )
            return axes
        n_across = min(n_across, n_columns)
        n_down = -(-n_columns // n_across)
        ax = self._new_axes(ax, figsize=(3.4 * n_across, 3.0 * n_down))
        ax.set_axis_off()
        grid = ax.get_subplotspec()
        if grid is None:
            raise ValueError(
                "ReconstructionDisplay: ax must be part of a grid, because it is divided; create it with plt.subplots"
            )
        grid = grid.subgridspec(n_down, n_across)
        return np.array([ax.figure.add_subplot(grid[divmod(j, n_across)]) for j in range(n_columns)], dtype=object)


def _most_contributing(contributions: np.ndarray, flagged: np.ndarray) -> list[int]:
    """Return column positions in descending order of the contributions to the errors of flagged rows."""
    values = contributions[flagged] if flagged.any() else contributions
    shares = values / np.maximum(np.abs(values).sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return np.argsort(-shares.sum(axis=0), kind="stable").tolist()


def _column_positions(caller: str, names: list[str], columns: Sequence[str]) -> list[int]:
    columns = [columns] if isinstance(columns, str) else list(columns)
    missing = [name for name in columns if name not in names]
    if missing or not columns:
        fault = f"column {missing[0]!r} is unknown" if missing else "columns is empty"
        raise ValueError(f"{caller}: {fault}; choose from {', '.join(map(repr, names))}")
    return [names.index(name) for name in columns]
