"""Columns that seem unusual only because another cell of their row is outside the range of training."""

import numpy as np

from aeanomaly.fitting.model import FittedModel
from aeanomaly.fitting.reference import TrainingReference
from aeanomaly.preprocessing import Categorical, Column, Datetime, Ignored

#: An error that at least this share of the training rows has is usual.
_USUAL = 0.05
#: Distance from the range of training, in ranges, from which a number is outside.
_MARGIN = 0.1


def find_consequences(
    model: FittedModel, reference: TrainingReference, table: np.ndarray, contributions: np.ndarray
) -> np.ndarray:
    """Return True for columns whose error is usual without the cell that contributes most to their row, (N, F).

    Only rows are examined in which this cell is outside the range of training. From a height in meters in place of
    centimeters, for example, the network expects the weight of a newborn child.
    """
    rows, first = np.arange(len(table)), contributions.argmax(axis=1)
    found = np.zeros(contributions.shape, dtype=bool)
    if model.schema.groups is None:
        rows = rows[_are_outside(model.columns, reference, table)[rows, first]]
        if len(rows):
            terms = model.terms_without(table[rows], first[rows])
            found[rows] = reference.tail_probabilities(terms[:, : table.shape[1]]) > _USUAL
            found[rows, first[rows]] = False
    return found


def _are_outside(columns: tuple[Column, ...], reference: TrainingReference, table: np.ndarray) -> np.ndarray:
    """Return True for numbers outside the range of training, unknown categories and implausible times, (N, F)."""
    low, high = 0.5 * reference.values[0], 0.5 * reference.values[-1]  # halves do not overflow
    margin = _MARGIN * (high - low)
    found = (0.5 * table < low - margin) | (0.5 * table > high + margin)
    for place, column in enumerate(columns):
        if isinstance(column, Categorical):
            found[:, place] = table[:, place] == column.unknown
        elif isinstance(column, Datetime) and column.first is not None:
            found[:, place] = (table[:, place] < column.first) | (table[:, place] > column.last)
        elif isinstance(column, Ignored):
            found[:, place] = False
    return found
