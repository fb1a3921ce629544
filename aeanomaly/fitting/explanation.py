"""Explanations of scores, as numbers and in words."""

import reprlib
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aeanomaly.preprocessing import Column

#: A sentence names columns until this share of the error is told.
_TOLD = 0.8


class Explanation(NamedTuple):
    """What is known of rows, column by column, (n, F) but for `kl`.

    Attributes
    ----------
    contributions : ndarray
        What each column adds to minus the score.
    observed : DataFrame
        The cells as they came.
    expected : ndarray
        The numbers that the other columns have the detector expect.
    confidence : ndarray
        How probable the expected level is; NaN for columns that have none.
    tail_probability : ndarray
        Share of training rows with at least such an error in the column; NaN for holes.
    kl : ndarray (n, 0 or 1)
        What the code adds.
    """

    contributions: np.ndarray
    observed: pd.DataFrame
    expected: np.ndarray
    confidence: np.ndarray
    tail_probability: np.ndarray
    kl: np.ndarray


def shared_out(terms: np.ndarray, drops: np.ndarray, *, signed: bool) -> np.ndarray:
    """Terms of rows (n, F) shared out anew among the columns by how far the error falls without each (n, F).

    In proportion to that; or if terms are `signed`, as those of log-densities, the falls themselves, and the rest
    in even parts.
    """
    total, falls = terms.sum(axis=1, keepdims=True), np.maximum(drops, 0)
    fallen = falls.sum(axis=1, keepdims=True)
    if signed:
        return falls + (total - fallen) / terms.shape[1]
    return np.where(fallen > 0, falls * (total / np.where(fallen > 0, fallen, 1)), terms)


def contributions(found: Explanation, names: Sequence[str]) -> pd.DataFrame:
    """Return what each column adds to minus the score, and last the term `kl`, if there is one."""
    name = "kl"
    while name in names:
        name += "_term"
    terms = np.hstack([found.contributions, found.kl])
    return pd.DataFrame(terms, columns=[*names, *[name] * found.kl.shape[1]])


def as_frame(found: Explanation, columns: Sequence[Column], names: Sequence[str], index: Any) -> pd.DataFrame:
    """Four tables side by side: contribution, observed, expected and tail_probability."""
    parts = {
        "contribution": contributions(found, names),
        "observed": found.observed.set_axis(list(names), axis=1),
        "expected": cells_of(found.expected, columns, names),
        "tail_probability": pd.DataFrame(found.tail_probability, columns=list(names)),
    }
    joined = pd.concat(parts, axis=1)
    return joined if index is None else joined.set_axis(index, axis=0)


def cells_of(numbers: np.ndarray, columns: Sequence[Column], names: Sequence[Any]) -> pd.DataFrame:
    """Numbers (n, F) as the table held them."""
    cells = [column.cells(numbers[:, j]) for j, column in enumerate(columns)]
    return pd.concat(cells, axis=1, keys=range(len(cells))).set_axis(list(names), axis=1)


def in_words(found: Explanation, columns: Sequence[Column], names: Sequence[str], n_columns: int) -> list[str]:
    """A sentence for each row: the columns that add most to its error, and what was expected of them."""
    observed, expected = found.observed, cells_of(found.expected, columns, names)
    sentences = []
    for row, positive in enumerate(np.maximum(found.contributions, 0)):
        order = np.argsort(-positive, kind="stable")[:n_columns]
        told = np.cumsum(positive[order]) / max(positive.sum(), np.finfo(float).tiny)
        enough = int(np.searchsorted(told, _TOLD)) + 1
        phrases = [
            _phrase(
                names[j],
                observed.iat[row, j],
                expected.iat[row, j],
                found.confidence[row, j],
            )
            for j in order[:enough].tolist()
            if positive[j] > 0
        ]
        sentences.append("; ".join(phrases) or "nothing is out of the ordinary")
    return sentences


def _phrase(name: str, observed: Any, expected: Any, confidence: float) -> str:
    sure = "" if np.isnan(confidence) else f" (p = {confidence:.2f})"
    if _is_missing(observed):
        return f"{name} missing where {shown(expected)} was expected"
    if _is_missing(expected):
        return f"{name} {shown(observed)} where another level was expected{sure}"
    if isinstance(observed, (bool, np.bool_)):
        expected = bool(expected)
    if shown(observed) == shown(expected):
        return f"{name} {shown(observed)}{sure or ', which is rare'}"
    ending = " was expected" if not sure else ""
    return f"{name} {shown(observed)} where {shown(expected)}{ending}{sure}"


def shown(value: Any) -> str:
    """A cell as an analyst would write it."""
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


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and bool(np.isnan(value)))
