"""Rows without each of their cells in turn, for explanations."""

import numpy as np
import torch

from aeanomaly.preprocessing import Schema
from aeanomaly.scoring import mean_of_members


class LeftOutCells:
    """Variants of encoded rows: each row as it is, and without each column in turn.

    All variants are rows of one table, so that the explanation of a single row fills whole blocks of the networks.

    Parameters
    ----------
    encoded : ndarray of float32 (N, D)
    schema : Schema

    Attributes
    ----------
    pairs : ndarray of int (N * (C + 1), 2)
        Row and number of the left-out column of each variant, among the C columns that have features; C for none.
    """

    def __init__(self, encoded: np.ndarray, schema: Schema):
        self._encoded = encoded
        layout, order = schema.layout, schema.order
        self._columns = np.flatnonzero(layout.is_scored)
        bounds = zip(layout.starts[self._columns], layout.widths[self._columns], strict=True)
        self._places = [np.flatnonzero((order >= start) & (order < start + width)) for start, width in bounds]
        self._n_columns = len(layout.columns)
        n_variants = len(self._columns) + 1
        self.pairs = np.stack(np.divmod(np.arange(len(encoded) * n_variants), n_variants), axis=1)
        #: Places of the features of each column, the first repeated to a common length; of the variant without any, 0.
        self._padded = np.zeros((n_variants, max(map(len, self._places))), dtype=int)
        for number, places in enumerate(self._places):
            self._padded[number] = places[0]
            self._padded[number, : len(places)] = places

    def number_of(self, places: np.ndarray) -> np.ndarray:
        """Return the numbers of columns with features, given their places in the table."""
        return np.searchsorted(self._columns, places)

    def rows(self, pairs: np.ndarray) -> np.ndarray:
        """Return variants of the encoded rows, (n, D), with NaN in the left-out column."""
        rows = self._encoded[pairs[:, 0]]
        for number in np.unique(pairs[:, 1]):
            if number < len(self._places):
                rows[np.ix_(pairs[:, 1] == number, self._places[number])] = np.nan
        return rows

    def select(self, features: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """Select the features of the left-out columns from the features of variants (n, D)."""
        return np.take_along_axis(features, self._padded[pairs[:, 1]], axis=1)

    def decreases(self, errors: np.ndarray, weights: torch.Tensor) -> np.ndarray:
        """Return the mean decrease of the error without each column (N, F), from errors of members (n, M).

        `weights` (M, 1) divide the errors of each member by its scale.
        """
        of_members = torch.from_numpy(errors.T.reshape(errors.shape[1], len(self._encoded), -1)).float()
        decreases = (of_members[:, :, -1:] - of_members[:, :, :-1]) * weights[:, :, None]
        found = np.zeros((len(self._encoded), self._n_columns))
        found[:, self._columns] = mean_of_members(decreases)
        return found

    def put_expected(self, selected: np.ndarray, expected: np.ndarray) -> None:
        """Write the output of `select` for all variants to the places of the features in `expected` (N, D)."""
        by_row = selected.reshape(len(self._encoded), len(self._columns) + 1, -1)
        for number, places in enumerate(self._places):
            expected[:, places] = by_row[:, number, : len(places)]
