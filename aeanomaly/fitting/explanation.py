"""Explanations of scores, as numbers and as text."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aeanomaly.fitting.facts import ColumnFacts
from aeanomaly.fitting.formats import format_cell as format_cell
from aeanomaly.fitting.phrases import Cell, coarse_text, reason
from aeanomaly.fitting.state import FittedState
from aeanomaly.preprocessing import Column, Datetime, Ignored, label_index

#: A sentence names columns until they make up this share of the error.
_EXPLAINED = 0.8
#: Share of the error from which a column with a usual value is named beside unusual ones.
_WORTH = 0.1
#: Maximum length of a phrase on several columns.
_LONGEST = 80


class Explanation(NamedTuple):
    """Explanation of the scores of rows by column, (n, F) except `kl`.

    Attributes
    ----------
    contributions : ndarray
        Contribution of each column to minus the score.
    observed : DataFrame
        Cells as passed by the user.
    expected : ndarray
        Numbers that are expected from the other columns.
    confidence : ndarray
        Probability of the expected value or category; NaN for columns without one.
    tail_probability : ndarray
        Share of the training rows whose error in the column is at least as large; NaN for missing values.
    kl : ndarray (n, 0 or 1)
        Contribution of the code.
    groups : sequence of str (n,), optional
        Description of the group of each row, such as "customer 'C17'".
    consequences : ndarray of bool (n, F), optional
        See `find_consequences`; sentences do not name these columns.
    """

    contributions: np.ndarray
    observed: pd.DataFrame
    expected: np.ndarray
    confidence: np.ndarray
    tail_probability: np.ndarray
    kl: np.ndarray
    groups: Sequence[str] | None = None
    consequences: np.ndarray | None = None


class Sentences(pd.Series):
    """Series of sentences that a notebook shows in full."""

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            html: str = self.to_frame()._repr_html_()  # type: ignore[operator]
        return html


def redistribute(terms: np.ndarray, drops: np.ndarray, *, signed: bool) -> np.ndarray:
    """Redistribute the terms of rows (n, F) among the columns by the decrease of the error without each column (n, F).

    Shares are proportional to the positive decreases. If the terms are `signed`, such as those of log-densities, the
    shares are the positive decreases, plus an equal part of the remainder.
    """
    total, decreases = terms.sum(axis=1, keepdims=True), np.maximum(drops, 0)
    decrease = decreases.sum(axis=1, keepdims=True)
    if signed:
        return decreases + (total - decrease) / terms.shape[1]
    return np.where(decrease > 0, decreases * (total / np.where(decrease > 0, decrease, 1)), terms)


def contributions(found: Explanation, names: Sequence[str]) -> pd.DataFrame:
    """Return the contribution of each column to minus the score, and last the term `kl`, if there is one."""
    name = "kl"
    while name in names:
        name += "_term"
    terms = np.hstack([found.contributions, found.kl])
    return pd.DataFrame(terms, columns=label_index([*names, *[name] * found.kl.shape[1]]))


def to_frame(found: Explanation, columns: Sequence[Column], names: Sequence[str], index: Any) -> pd.DataFrame:
    """Return four tables side by side: contribution, observed, expected and tail_probability."""
    parts = {
        "contribution": contributions(found, names),
        "observed": found.observed.set_axis(label_index(names), axis=1),
        "expected": to_cells(found.expected, columns, names, found.observed),
        "tail_probability": pd.DataFrame(found.tail_probability, columns=label_index(names)),
    }
    joined = pd.concat([part.set_axis(range(part.shape[1]), axis=1) for part in parts.values()], axis=1)
    tables = [name for name, part in parts.items() for _ in part.columns]
    labels = label_index(label for part in parts.values() for label in part.columns)
    joined = joined.set_axis(pd.MultiIndex.from_arrays([tables, labels]), axis=1)
    return joined if index is None else joined.set_axis(index, axis=0)


def to_cells(
    numbers: np.ndarray, columns: Sequence[Column], names: Sequence[Any], given: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Convert numbers (n, F) to cells of the types in the training table; ignored columns are as `given`, if known."""
    cells = [
        given.iloc[:, j] if isinstance(column, Ignored) and given is not None else column.cells(numbers[:, j])
        for j, column in enumerate(columns)
    ]
    return pd.concat(cells, axis=1, keys=range(len(cells))).set_axis(label_index(names), axis=1)


def to_text(
    found: Explanation,
    columns: Sequence[Column],
    names: Sequence[str],
    n_columns: int,
    state: FittedState | None = None,
) -> list[str]:
    """Return a sentence for each row, with the columns that contribute most and their expected values.

    With the state of the detector, a sentence also tells how usual a cell was in training.
    """
    cells, named = _Cells(found, columns, names, state), np.maximum(found.contributions, 0)
    if found.consequences is not None:
        named[found.consequences] = 0
    return [_sentence(cells, row, positive, n_columns) for row, positive in enumerate(named)]


def largest_columns(positive: np.ndarray, n_columns: int) -> tuple[list[int], int]:
    """Return at most `n_columns` columns with positive terms (F,), largest first, and the number that explain most."""
    order = np.argsort(-positive, kind="stable")[:n_columns]
    order = order[positive[order] > 0]
    share = np.cumsum(positive[order]) / max(positive.sum(), np.finfo(float).tiny)
    return order.tolist(), int(np.searchsorted(share, _EXPLAINED)) + 1


def _sentence(cells: "_Cells", row: int, positive: np.ndarray, n_columns: int) -> str:
    """Describe the columns of a row until they explain most of its error; name the others that are as expected."""
    order, n_named = largest_columns(positive, n_columns)
    if not order:
        return "no column is unusual"
    named = order[:n_named]
    reasons = {j: cells.reason(row, j) for j in named}
    if not any(reasons.values()):
        named = order
        reasons = {j: cells.reason(row, j) for j in named}
    if not any(reasons.values()):
        reasons[named[0]] = cells.reason(row, named[0], small=True)
    phrases = [phrase for phrase in reasons.values() if phrase is not None]
    rest = [j for j in named if reasons[j] is None]
    if phrases:  # a small contribution of a usual value is not worth a phrase
        rest = [j for j in rest if j == named[0] or positive[j] >= _WORTH * positive.sum()]
    if rest:
        phrases.append(_combination([cells.named(row, j) for j in rest], cells.group(row), alone=not phrases))
    return "; ".join(phrases)


def _combination(cells: Sequence[str], group: str | None, *, alone: bool) -> str:
    """Describe cells that are as expected, either the only ones of a sentence or beside unusual cells."""
    usual = "as expected" if group is None else f"usual for {group}"
    if not alone:
        return _joined("rare in combination with ", cells, "")
    if len(cells) == 1:
        return f"{cells[0]} is {usual}, but rare in combination with the other columns"
    return _joined("the combination of ", cells, f" is rare, although each value is {usual}")


def _joined(start: str, cells: Sequence[str], end: str) -> str:
    """Insert a list of cells into a phrase; as many as fit, and at least two."""
    for size in range(len(cells), 0, -1):
        first, last = cells[: size - 1], cells[size - 1]
        whole = f"{start}{', '.join(first)} and {last}{end}" if first else f"{start}{last}{end}"
        if len(whole) <= _LONGEST or size <= 2:
            break
    return whole


class _Cells:
    """Cells of explained rows, and the facts on their columns."""

    def __init__(self, found: Explanation, columns: Sequence[Column], names: Sequence[str], state: FittedState | None):
        self._found, self._columns, self._names, self._state = found, columns, names, state
        self._facts: dict[int, ColumnFacts] = {}
        self._observed: dict[int, Any] = {}
        self._expected: dict[int, Any] = {}

    def reason(self, row: int, j: int, *, small: bool = False) -> str | None:
        """Return a phrase on the difference of a cell from what is expected; None without one, see `reason`."""
        return reason(self._cell(row, j), self._facts[j], small=small)

    def group(self, row: int) -> str | None:
        """Return the description of the group of a row."""
        return None if self._found.groups is None else self._found.groups[row]

    def named(self, row: int, j: int) -> str:
        """Return the name and the value of a cell, such as a = 1, of a time without its minutes."""
        return f"{self._names[j]} = {coarse_text(self._cell(row, j), self._facts[j])}"

    def _cell(self, row: int, j: int) -> Cell:
        found = self._found
        if j not in self._facts:
            column, given, numbers = self._columns[j], found.observed.iloc[:, j], found.expected[:, j]
            are_times = isinstance(column, Datetime)
            self._facts[j] = ColumnFacts.of(column, j, self._state)
            self._observed[j] = column.numbers(given) if are_times else given.to_list()
            self._expected[j] = numbers if are_times else column.cells(numbers).to_list()
        return Cell(
            self._names[j],
            self._observed[j][row],
            self._expected[j][row],
            float(found.confidence[row, j]),
            float(found.tail_probability[row, j]),
            self.group(row),
        )
