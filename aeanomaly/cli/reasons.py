"""Explanations of scores as columns of a table."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.detectors import BaseDetector
from aeanomaly.fitting import decimal_mark

#: Number of decimals of a share.
_DIGITS = 4
_MIDNIGHT = " 00:00:00"
#: Integers up to this size are exact as float64.
_EXACT = 2.0**53


def names_of_reasons(detector: BaseDetector, n_reasons: int) -> list[str]:
    """Return the names of the columns that `reasons` computes."""
    places = range(1, min(n_reasons, detector.n_features_in_) + 1)
    return ["explanation", *(f"{name}_{place}" for place in places for name in ("reason", "value", "share"))]


def reasons(detector: BaseDetector, X: pd.DataFrame, written: pd.DataFrame, n_reasons: int, decimal: str) -> list[Any]:
    """Return a sentence for each row, then the columns with the largest contributions, their cells and shares.

    The cells are as `written` in the table, whose columns are those of X; the numbers of the sentences have the
    `decimal` mark of the table.
    """
    if not len(X):
        return [[] for _ in names_of_reasons(detector, n_reasons)]
    contributions = detector.explain(X)
    added = np.maximum(contributions.to_numpy(), 0)
    order = np.argsort(-added, axis=1, kind="stable")[:, : min(n_reasons, detector.n_features_in_)]
    total = np.maximum(added.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    shares = np.take_along_axis(added, order, axis=1) / total
    top = contributions.columns.to_numpy(dtype=object)[order]
    cells = _cells(written.where(X.notna().to_numpy(), None), order)
    top[shares <= 0], cells[shares <= 0] = None, None
    with decimal_mark(decimal):
        sentences = detector.explain_text(X, n_columns=n_reasons).to_list()
    triples = zip(np.transpose(top), np.transpose(cells), np.transpose(shares.round(_DIGITS)), strict=True)
    return [sentences, *(column for triple in triples for column in triple)]


def _cells(written: pd.DataFrame, places: np.ndarray) -> np.ndarray:
    """Return the cells of each row in some columns (n, k) as text (n, k), because columns are of several types.

    The cells of the term `kl`, which is not a column, are missing.
    """
    found = np.full(places.shape, None, dtype=object)
    for place in np.unique(places[places < written.shape[1]]):
        rows, columns = np.nonzero(places == place)
        found[rows, columns] = [_text(cell) for cell in written.iloc[:, place].iloc[rows]]
    return found


def _text(cell: Any) -> str | None:
    if pd.isna(cell) or isinstance(cell, str):
        return None if pd.isna(cell) else cell
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer() and abs(float(cell)) < _EXACT:
        return str(int(cell))  # integers with missing values are floats
    return str(cell).removesuffix(_MIDNIGHT)
