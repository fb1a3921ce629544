"""Display of the contributions of the columns to the error of one row."""

from typing import Any, Self

import numpy as np
import pandas as pd

from aeanomaly._constraints import integer
from aeanomaly.inspection._access import ScoredRows
from aeanomaly.inspection._drawing import BLACK, BLUE, GREY, ORANGE, Display, cell_text, number_text, pyplot, text_of


class ContributionsDisplay(Display):
    """Waterfall plot of the contributions of the columns to minus the score of one row.

    Use `from_estimator` or `from_explanation` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    contributions : Series of float (n_columns,)
        One value for each column, and `kl` for a variational autoencoder. Higher = worse; the sum is minus the
        score.
    observed, expected : Series (n_features,), optional
        Cells of the row, and the values that the detector expects in their place.
    score : float
        Score of the row: higher = more normal.
    offset : float, optional
        Threshold; a row with a score below it is flagged.
    row : str or int, optional
        Name of the row in the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    bars_ : matplotlib BarContainer
        Bars from top to bottom; the last bar is the sum.
    line_ : matplotlib Line2D or None
        Line at the threshold.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.datasets import make_factory
    >>> from aeanomaly.inspection import ContributionsDisplay
    >>> X, y = make_factory(200, random_state=0)
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X[y == 0])
    >>> display = ContributionsDisplay.from_estimator(detector, X[y == 1], row=0)
    >>> bool(abs(display.contributions.sum() + display.score) < 1e-6)
    True
    >>> plt.close(display.figure_)
    """

    line_: Any

    def __init__(
        self,
        *,
        contributions: pd.Series,
        score: float,
        observed: pd.Series | None = None,
        expected: pd.Series | None = None,
        offset: float | None = None,
        row: Any = None,
    ):
        self.contributions = contributions
        self.score = score
        self.observed = observed
        self.expected = expected
        self.offset = offset
        self.row = row

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, row: int | None = None, ax: Any = None, **plot: Any) -> Self:
        """Explain a row and plot the contributions.

        Parameters
        ----------
        estimator : fitted detector, or pipeline that ends with a detector
            The columns are those of the detector's input.
        X : array-like or DataFrame of shape (n_samples, n_features)
        row : int, optional
            Position of the row in X, from 0; by default, the row with the lowest score.
        ax : matplotlib Axes, optional
        **plot
            Keyword arguments of `plot`.

        Returns
        -------
        display : ContributionsDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `row` is out of range.
        TypeError
            If the estimator does not end with a detector of this package.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        scored = ScoredRows.from_estimator(cls.__name__, estimator, X)
        scores = scored.scores
        row = int(np.argmin(scores)) if row is None else row
        display = cls._of_row(scored.details(), row, scored.detector.offset_)
        display.score = float(scores[row])
        return display.plot(ax, **plot)

    @classmethod
    def from_explanation(
        cls, explanation: pd.DataFrame, *, row: int = 0, offset: float | None = None, ax: Any = None, **plot: Any
    ) -> Self:
        """Plot one row of the result of `explain`.

        Parameters
        ----------
        explanation : DataFrame
            Result of ``explain(X, details=True)``, or of ``explain(X)``, which does not contain the cells.
        row : int, default=0
            Position of the row, from 0.
        offset : float, optional
            Threshold to mark: `offset_` of the detector.
        ax : matplotlib Axes, optional
        **plot
            Keyword arguments of `plot`.

        Returns
        -------
        display : ContributionsDisplay

        Raises
        ------
        ValueError
            If `row` is out of range.
        """
        return cls._of_row(explanation, row, offset).plot(ax, **plot)

    @classmethod
    def _of_row(cls, explanation: pd.DataFrame, row: int, offset: float | None) -> Self:
        integer(0).check(cls.__name__, "row", row)
        if row >= len(explanation):
            raise ValueError(f"{cls.__name__}: row must be less than the number of rows, {len(explanation)}; got {row}")
        detailed = explanation.columns.nlevels > 1
        parts = ("contribution", "observed", "expected") if detailed else ()
        part = {name: _row_of(pd.DataFrame(explanation[name]), row) for name in parts}
        contributions = part["contribution"] if detailed else explanation.iloc[row]
        return cls(
            contributions=contributions.astype(float),
            observed=part.get("observed"),
            expected=part.get("expected"),
            score=-float(contributions.sum()),
            offset=offset,
            row=explanation.index[row],
        )

    def plot(self, ax: Any = None, *, n_columns: int = 6) -> Self:
        """Draw the waterfall: columns in descending order, the other columns in one bar, then the sum.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; a new figure by default.
        n_columns : int, default=6
            Maximum number of columns with a separate bar.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `n_columns` is not an integer of at least 1.
        ImportError
            If matplotlib is not installed.
        """
        integer(1).check("ContributionsDisplay", "n_columns", n_columns)
        labels, steps = self._steps(n_columns)
        ends = np.cumsum(steps)
        widths, lefts = np.append(steps, ends[-1]), np.append(ends - steps, 0.0)
        ax = self._new_axes(ax, figsize=(8.5, 1.4 + 0.38 * len(widths)))
        places = np.arange(len(widths))
        colors = [*np.where(steps >= 0, ORANGE, BLUE), GREY]
        self.bars_ = ax.barh(places, widths, left=lefts, color=colors, height=0.7)
        ax.vlines(ends, places[:-1] + 0.35, places[1:] - 0.35, color=GREY, linewidth=0.8)
        signed = [*(f"{'+' if step >= 0 else ''}{number_text(step)}" for step in steps), number_text(ends[-1])]
        for place, left, width, text in zip(places, lefts, widths, signed, strict=True):
            ax.annotate(text, (max(left, left + width), place), (4, 0), textcoords="offset points", va="center")
        self.line_ = None
        if self.offset is not None:
            self.line_ = ax.axvline(-self.offset, color=BLACK, linestyle="--", linewidth=1.2, zorder=0)
            above = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center", "va": "bottom"}
            threshold = f"threshold {number_text(-self.offset)}"
            ax.annotate(threshold, (-self.offset, 1), xycoords=ax.get_xaxis_transform(), fontsize="small", **above)
        ax.set_yticks(places, [*labels, "minus the score"])
        ax.invert_yaxis()
        low, high = ax.get_xlim()
        ax.set_xlim(min(low, 0.0), high + 0.14 * (high - low))  # space for the numbers
        ax.set_xlabel("minus the score (higher = worse)")
        ax.set_title(self._title, pad=20, fontsize="medium")
        return self

    def _steps(self, n_columns: int) -> tuple[list[str], np.ndarray]:
        """Return the labels and widths of all bars except the sum."""
        values = self.contributions.to_numpy(dtype=np.float64)
        order = np.argsort(-values, kind="stable")
        n_columns = len(order) if len(order) == n_columns + 1 else n_columns  # a single column is not pooled
        labels, steps = [self._label(j) for j in order[:n_columns]], values[order[:n_columns]]
        rest = order[n_columns:]
        if len(rest):
            labels, steps = [*labels, f"{len(rest)} other columns"], np.append(steps, values[rest].sum())
        return labels, steps

    def _label(self, column: int) -> str:
        """Return the name of a column with its observed and its expected value."""
        name = text_of(self.contributions.index[column])
        if self.observed is None or self.expected is None or column >= len(self.observed):
            return name
        observed, expected = cell_text(self.observed.iloc[column]), cell_text(self.expected.iloc[column])
        return f"{name}: {observed}" if observed == expected else f"{name}: {observed}, expected {expected}"

    @property
    def _title(self) -> str:
        name = "" if self.row is None else f"row {text_of(self.row)}: "
        flag = "" if self.offset is None else ", flagged" if self.score < self.offset else ", not flagged"
        return f"{name}score {number_text(self.score)}{flag}"


def _row_of(frame: pd.DataFrame, row: int) -> pd.Series:
    try:
        return frame.iloc[row]
    except UnicodeEncodeError:  # pandas infers a text dtype that cannot hold unpaired surrogates
        return frame.astype(object).iloc[row]
