"""Display of the contributions of the columns to the error of one row."""

from typing import Any, Self

import numpy as np
import pandas as pd

from aeanomaly._constraints import integer
from aeanomaly.inspection._access import ScoredRows
from aeanomaly.inspection._drawing import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    Display,
    cell_text,
    ground,
    number_text,
    pyplot,
    text_of,
    texts_of,
)
from aeanomaly.inspection._text import index_name

#: A number is written to the right of a bar that ends before this share of the axis, or to the left of a bar that
#: starts after the remaining share; else it is written into the bar, which is long enough.
_SPACE = 0.72
#: Maximum number of characters of the name of a row that shares a line with its score.
_MAX_TITLE = 24


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
    row : label, optional
        Label of the row, for the title.
    row_name : str, default="row"
        Name of the index of the rows, for the title.

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
        row_name: str = "row",
    ):
        self.contributions = contributions
        self.score = score
        self.observed = observed
        self.expected = expected
        self.offset = offset
        self.row = row
        self.row_name = row_name

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, row: Any = None, ax: Any = None, **plot: Any) -> Self:
        """Explain a row and plot the contributions.

        Parameters
        ----------
        estimator : fitted detector, or pipeline that ends with a detector
            The columns are those of the detector's input.
        X : array-like or DataFrame of shape (n_samples, n_features)
        row : label or int, optional
            Row to explain. In a DataFrame, the label of the row in the index; a number that is not a label is the
            position, from 0. In an array, the position. By default, the row with the lowest score.
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
            If `row` is neither a label nor a position, or if several rows have this label.
        TypeError
            If the estimator does not end with a detector of this package.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        scored = ScoredRows.from_estimator(cls.__name__, estimator, X)
        scores = scored.scores
        place = int(np.argmin(scores)) if row is None else _position(cls.__name__, scored.index, len(scores), row)
        display = cls._of_row(scored.details(), place, scored.detector.offset_)
        display.score = float(scores[place])
        return display.plot(ax, **plot)

    @classmethod
    def from_explanation(
        cls, explanation: pd.DataFrame, *, row: Any = None, offset: float | None = None, ax: Any = None, **plot: Any
    ) -> Self:
        """Plot one row of the result of `explain`.

        Parameters
        ----------
        explanation : DataFrame
            Result of ``explain(X, details=True)``, or of ``explain(X)``, which does not contain the cells.
        row : label or int, optional
            Row to show: its label in the index, or else its position, from 0. By default, the first row.
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
            If `row` is neither a label nor a position, or if several rows have this label.
        """
        index = explanation.index
        place = _position(cls.__name__, None if row is None else index, len(index), 0 if row is None else row)
        return cls._of_row(explanation, place, offset).plot(ax, **plot)

    @classmethod
    def _of_row(cls, explanation: pd.DataFrame, row: int, offset: float | None) -> Self:
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
            row_name=index_name(explanation.index),
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
        self.line_ = None
        if self.offset is not None:
            self.line_ = ax.axvline(-self.offset, color=BLACK, linestyle="--", linewidth=1.2, zorder=0)
            above = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center", "va": "bottom"}
            threshold = f"threshold {number_text(-self.offset)}"
            ax.annotate(threshold, (-self.offset, 1), xycoords=ax.get_xaxis_transform(), fontsize="small", **above)
        ax.set_yticks(places, [*labels, "minus the score"])
        ax.invert_yaxis()
        low, high = ax.get_xlim()
        ax.set_xlim(min(low, 0.0), high + 0.03 * (high - low))
        signed = [*(f"{'+' if step >= 0 else ''}{number_text(step)}" for step in steps), number_text(ends[-1])]
        self._write(signed, lefts, widths)
        ax.set_xlabel("minus the score (higher = worse)")
        ax.set_title(self._title, pad=20, fontsize="medium")
        return self

    def _write(self, numbers: list[str], lefts: np.ndarray, widths: np.ndarray) -> None:
        """Write the number of each bar beside it, or into a long bar, so that no number crosses the frame."""
        ax, style = self.ax_, {"textcoords": "offset points", "va": "center"}
        low, high = ax.get_xlim()
        starts, ends = np.minimum(lefts, lefts + widths), np.maximum(lefts, lefts + widths)
        for place, (text, start, end) in enumerate(zip(numbers, starts, ends, strict=True)):
            if end <= low + _SPACE * (high - low):
                ax.annotate(text, (end, place), (4, 0), bbox=ground(ax), **style)
            elif start >= high - _SPACE * (high - low):
                ax.annotate(text, (start, place), (-4, 0), ha="right", bbox=ground(ax), **style)
            else:
                color = BLACK if place == len(numbers) - 1 else "white"
                ax.annotate(text, (end, place), (-4, 0), ha="right", color=color, **style)

    def _steps(self, n_columns: int) -> tuple[list[str], np.ndarray]:
        """Return the labels and widths of all bars except the sum."""
        values = self.contributions.to_numpy(dtype=np.float64)
        order = np.argsort(-values, kind="stable")
        n_columns = len(order) if len(order) == n_columns + 1 else n_columns  # a single column is not pooled
        labels, steps = self._labels(order[:n_columns]), values[order[:n_columns]]
        rest = order[n_columns:]
        if len(rest):
            labels, steps = [*labels, f"{len(rest)} other columns"], np.append(steps, values[rest].sum())
        return labels, steps

    def _labels(self, columns: np.ndarray) -> list[str]:
        """Return the names of columns with their observed and their expected values."""
        names = texts_of(self.contributions.index[columns])
        return [self._label(name, column) for name, column in zip(names, columns, strict=True)]

    def _label(self, name: str, column: int) -> str:
        if self.observed is None or self.expected is None or column >= len(self.observed):
            return name
        observed, expected = cell_text(self.observed.iloc[column]), cell_text(self.expected.iloc[column])
        return f"{name}: {observed}" if observed == expected else f"{name}: {observed}, expected {expected}"

    @property
    def _title(self) -> str:
        flag = "" if self.offset is None else ", flagged" if self.score < self.offset else ", not flagged"
        score = f"score {number_text(self.score)}{flag}"
        if self.row is None:
            return score
        name = f"{text_of(self.row_name)} {text_of(self.row)}:"
        return f"{name}{' ' if len(name) <= _MAX_TITLE else chr(10)}{score}"


def _position(caller: str, index: pd.Index | None, n_rows: int, row: Any) -> int:
    """Return the position of a row from its label in an index, or from its position if it is not a label."""
    labeled = _labeled(index, row)
    if len(labeled) == 1:
        return int(labeled[0])
    if len(labeled) > 1:
        raise ValueError(
            f"{caller}: row={row!r} is the label of {len(labeled)} rows; pass rows with unique labels, such as "
            "X.reset_index(drop=True)"
        )
    if isinstance(row, (int, np.integer)) and not isinstance(row, bool) and 0 <= row < n_rows:
        return int(row)
    raise ValueError(
        f"{caller}: row must be a label of the index, or a position of at least 0 and less than the number of rows, "
        f"{n_rows}; got {row!r}"
    )


def _labeled(index: pd.Index | None, row: Any) -> np.ndarray:
    """Return the positions of the rows with a label."""
    if index is None:
        return np.empty(0, dtype=int)
    try:
        return np.atleast_1d(np.arange(len(index))[index.get_loc(row)])
    except (KeyError, TypeError, ValueError, pd.errors.InvalidIndexError):  # not a label of this kind of index
        return np.empty(0, dtype=int)


def _row_of(frame: pd.DataFrame, row: int) -> pd.Series:
    try:
        return frame.iloc[row]
    except UnicodeEncodeError:  # pandas infers a text dtype that cannot hold unpaired surrogates
        return frame.astype(object).iloc[row]
