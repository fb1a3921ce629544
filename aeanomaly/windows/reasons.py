"""Explanations of windows: terms of columns and lags, and sentences."""

from typing import Any, Literal

import numpy as np
import pandas as pd

from aeanomaly._counts import counted
from aeanomaly.detectors import BaseDetector
from aeanomaly.fitting import format_cell, largest_columns
from aeanomaly.windows.features import Feature, WindowFeatures
from aeanomaly.windows.model import WindowedModel

#: Descriptions of the rows and columns from which a reading is predicted.
_SOURCES = {"past": "the rows before", "others": "the other columns"}


def terms_of(model: WindowedModel, block: Any) -> np.ndarray:
    """Return the terms of minus the scores of a block of inputs (n, F), or (n, F + 1) with the term of the code.

    Raises
    ------
    TypeError
        If the wrapped detector is not one of this package.
    """
    detector = model.detector
    if not isinstance(detector, BaseDetector):
        raise TypeError(
            "explanations need a detector of this package, whose score is a sum over columns; "
            f"got {type(detector).__name__}"
        )
    fitted = detector.state_.model
    return fitted.terms(fitted.validate(detector, block))


def to_frame(model: WindowedModel, terms: np.ndarray, by: Literal["column", "lag", "feature"]) -> pd.DataFrame:
    """Return sums of terms (n, F) by column, by column and number of rows, or each; last that of the code."""
    labels = [(model.labels[feature.column], feature.kind, feature.rows) for feature in model.inputs]
    labels += [("kl", "code", 1)] * (terms.shape[1] - len(labels))
    frame = pd.DataFrame(terms, columns=pd.MultiIndex.from_tuples(labels, names=["column", "kind", "rows"]))
    if by == "feature":
        return frame
    levels = ["column"] if by == "column" else ["column", "rows"]
    summed = frame.T.groupby(level=levels, sort=False).sum()
    places = {label: place for place, label in enumerate([*model.labels, "kl"])}
    if by == "lag":
        summed = summed.sort_index(level="rows", kind="stable", sort_remaining=False)
    return summed.sort_index(
        level="column", key=lambda labels: labels.map(places), kind="stable", sort_remaining=False
    ).T


def sentences(model: WindowedModel, block: Any, n_columns: int) -> np.ndarray:
    """Return a sentence for each row of a block of inputs, with the columns that contribute most, (n,)."""
    terms = np.maximum(terms_of(model, block)[:, : len(model.inputs)], 0)
    cells = block.to_numpy(dtype=object) if isinstance(block, pd.DataFrame) else np.asarray(block, dtype=object)
    return np.array([_sentence(model, *row, n_columns) for row in zip(cells, terms, strict=True)], dtype=object)


def main_columns(model: WindowedModel, terms: np.ndarray, n_columns: int) -> list[int]:
    """Return the columns with the largest sums of terms (F,), until they explain most of the error."""
    columns = [feature.column for feature in model.inputs]
    order, n_named = largest_columns(np.bincount(columns, weights=terms, minlength=len(model.names)), n_columns)
    return order[:n_named]


def _sentence(model: WindowedModel, cells: np.ndarray, terms: np.ndarray, n_columns: int) -> str:
    """Describe the columns that explain most of the error of a row, each by its largest term."""
    columns = np.array([feature.column for feature in model.inputs])
    largest = [int(np.argmax(np.where(columns == j, terms, -1.0))) for j in main_columns(model, terms, n_columns)]
    return "; ".join(_phrase(model, cells, number) for number in largest) or "no column is unusual"


def _phrase(model: WindowedModel, cells: np.ndarray, number: int) -> str:
    """Describe an input of the wrapped detector."""
    feature, cell = model.inputs[number], cells[number]
    name = model.labels[feature.column]
    if model.features is None or feature.column in model.others:
        return f"{name} {format_cell(cell)} is unusual"
    place = model.readings.index(feature.column)
    if feature.kind in ("value", "lag"):
        when = f" {counted(feature.rows - 1, 'row')} earlier" if feature.rows > 1 else ""
        return f"{name} {format_cell(cell)}{when} is {_distance(model.features, place, cell)}"
    if feature.kind == "unchanged":
        n_rows, most = round(cell**2), feature.rows - 1
        least = "at least " if n_rows == most else ""
        return f"{name} has not changed for {least}{counted(n_rows, 'row')}" if n_rows else f"{name} has changed"
    if feature.kind in _SOURCES:
        return f"{name} {_expectation(cells[place], cell)} from {_SOURCES[feature.kind]}"
    return f"{name} is {_mean_error(model.features, feature, cell)}"


def _distance(features: WindowFeatures, place: int, reading: float) -> str:
    distance = (reading - features.center[place]) / features.scale[place]
    return f"{abs(distance):.2g} standard deviations {'above' if distance > 0 else 'below'} its mean"


def _expectation(reading: float, error: float) -> str:
    return f"{format_cell(reading)} where {format_cell(reading - error)} was expected"


def _mean_error(features: WindowFeatures, feature: Feature, error: float) -> str:
    source = _SOURCES[feature.kind.removeprefix("mean of ")]
    distance = f"{format_cell(abs(error))} {'above' if error > 0 else 'below'} the values expected from {source}"
    return f"on average {distance}, over up to {counted(feature.rows - features.predictor.n_lags + 1, 'row')}"
