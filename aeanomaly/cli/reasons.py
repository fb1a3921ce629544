"""Explanations of scores as columns of a table."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.detectors import BaseDetector

#: Number of decimals of a share.
_DIGITS = 4


def names_of_reasons(detector: BaseDetector, n_reasons: int) -> list[str]:
    """Return the names of the columns that `reasons` computes."""
    places = range(1, min(n_reasons, detector.n_features_in_) + 1)
    return ["explanation", *(f"{name}_{place}" for place in places for name in ("reason", "share"))]


def reasons(detector: BaseDetector, X: pd.DataFrame, n_reasons: int) -> list[Any]:
    """Return a sentence for each row, then the columns with the largest contributions and their shares."""
    if not len(X):
        return [[] for _ in names_of_reasons(detector, n_reasons)]
    contributions = detector.explain(X)
    added = np.maximum(contributions.to_numpy(), 0)
    order = np.argsort(-added, axis=1, kind="stable")[:, : min(n_reasons, detector.n_features_in_)]
    total = np.maximum(added.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    shares = np.take_along_axis(added, order, axis=1) / total
    top = contributions.columns.to_numpy(dtype=object)[order]
    top[shares <= 0] = None
    sentences = detector.explain_text(X, n_columns=n_reasons).to_list()
    pairs = zip(np.transpose(top), np.transpose(shares.round(_DIGITS)), strict=True)
    return [sentences, *(column for pair in pairs for column in pair)]
