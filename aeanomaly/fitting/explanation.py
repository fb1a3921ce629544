"""Explanations of scores, as numbers and as text."""

import reprlib
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aeanomaly.preprocessing import Column, Ignored, label_index

#: A sentence names columns until they make up this share of the error.
_EXPLAINED = 0.8
#: Ratio from which a cell is described as a multiple of the usual one of its group.
_RATIO = 1.5


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
    """

    contributions: np.ndarray
    observed: pd.DataFrame
    expected: np.ndarray
    confidence: np.ndarray
    tail_probability: np.ndarray
    kl: np.ndarray
    groups: Sequence[str] | None = None


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


def to_text(found: Explanation, columns: Sequence[Column], names: Sequence[str], n_columns: int) -> list[str]:
    """Return a sentence for each row, with the columns that contribute most and their expected values."""
    observed, expected = found.observed, to_cells(found.expected, columns, names)
    sentences = []
    for row, positive in enumerate(np.maximum(found.contributions, 0)):
        order = np.argsort(-positive, kind="stable")[:n_columns]
        share = np.cumsum(positive[order]) / max(positive.sum(), np.finfo(float).tiny)
        enough = int(np.searchsorted(share, _EXPLAINED)) + 1
        phrases = [
            _phrase(
                names[j],
                observed.iat[row, j],
                expected.iat[row, j],
                found.confidence[row, j],
                None if found.groups is None else found.groups[row],
            )
            for j in order[:enough].tolist()
            if positive[j] > 0
        ]
        sentences.append("; ".join(phrases) or "no column is unusual")
    return sentences


def _phrase(name: str, observed: Any, expected: Any, confidence: float, group: str | None) -> str:
    probability = "" if np.isnan(confidence) else f" (p = {confidence:.2f})"
    if pd.isna(observed):
        return f"{name} missing where {format_cell(expected)} was expected"
    if pd.isna(expected):
        return f"{name} {format_cell(observed)} where another category was expected{probability}"
    if isinstance(observed, (bool, np.bool_)):
        expected = bool(expected)
    if group is not None and np.isnan(confidence):
        return _relative_phrase(name, observed, expected, group)
    if format_cell(observed) == format_cell(expected):
        return f"{name} {format_cell(observed)}{probability or ', which is rare'}"
    ending = " was expected" if not probability else ""
    return f"{name} {format_cell(observed)} where {format_cell(expected)}{ending}{probability}"


def _relative_phrase(name: str, observed: Any, expected: Any, group: str) -> str:
    """Compare a cell with the usual one of its group, as a ratio if both are positive numbers."""
    if isinstance(observed, Real) and isinstance(expected, Real) and min(float(observed), float(expected)) > 0:
        ratio = float(observed) / float(expected)
        if not 1 / _RATIO < ratio < _RATIO:
            return f"{name} {format_cell(observed)}, {ratio:.2g} times the usual of {group}"
    if format_cell(observed) == format_cell(expected):
        return f"{name} {format_cell(observed)}, which is rare for {group}"
    return f"{name} {format_cell(observed)} where {format_cell(expected)} is usual for {group}"


def format_cell(value: Any) -> str:
    """Format a cell for a sentence or a report."""
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, pd.Timestamp):
        return str(value.tz_localize(None).floor("min"))[:-3]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (Real, Decimal)):
        return str(value)
    try:
        number = float(value)
    except OverflowError:  # a category may be an integer of any size
        return reprlib.repr(value)
    return f"{number:,.0f}" if 1000 <= abs(number) < 1e9 else f"{number:.4g}"
