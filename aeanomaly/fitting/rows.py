"""Rows of a fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aeanomaly.preprocessing import Column
from aeanomaly.reading import TableFormat

#: Maximum number of rows on which typical errors are measured.
_MEASURED = 4096


@dataclass(frozen=True)
class TrainingRows:
    """Validated training rows and held-out rows of a fit.

    Attributes
    ----------
    table : ndarray (N, F)
        Numbers of the training rows.
    columns : tuple of Column (F,)
    held_out : ndarray (H, F)
        Numbers of the rows that calibrate the threshold; may be empty.
    held_out_groups : ndarray of str (H,), optional
        Groups of the held-out rows, if the threshold has offsets of groups.
    names : sequence of str (F,) or None
        Names of the columns.
    labels : array-like or None
        y as passed by the user.
    core : ndarray of int, optional
        Indices of the rows on which networks are trained; all by default.
    table_format : TableFormat, optional
        Format of the file of the table.
    """

    table: np.ndarray
    columns: Sequence[Column]
    held_out: np.ndarray
    names: Sequence[str] | None = None
    labels: Any = None
    core: np.ndarray | None = None
    held_out_groups: np.ndarray | None = None
    table_format: TableFormat | None = None

    @property
    def core_table(self) -> np.ndarray:
        """Numbers of the rows on which networks are trained."""
        return self.table if self.core is None else self.table[self.core]


def spaced_rows(table: np.ndarray) -> np.ndarray:
    """Return the indices of at most 4,096 evenly spaced rows of a table, on which errors are measured."""
    return np.linspace(0, len(table) - 1, min(len(table), _MEASURED)).astype(int)


def some_rows(table: np.ndarray, n_rows: int, stream: np.random.Generator) -> np.ndarray:
    """Return a random sample of at most `n_rows` rows of a table, in the order of the table."""
    return table if len(table) <= n_rows else table[some_places(len(table), n_rows, stream)]


def some_places(n_all: int, n_rows: int, stream: np.random.Generator) -> np.ndarray:
    """Return the ascending indices of at most `n_rows` random rows of `n_all`."""
    return np.sort(stream.permutation(n_all)[:n_rows]) if n_rows < n_all else np.arange(n_all)
