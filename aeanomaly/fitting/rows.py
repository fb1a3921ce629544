"""The rows of a fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aeanomaly.preprocessing import Column


@dataclass(frozen=True)
class TrainingRows:
    """A validated table, the rows held out of it, and what came with it.

    Attributes
    ----------
    table : ndarray (N, F)
        Numbers of the rows to train on.
    columns : tuple of Column (F,)
    held_out : ndarray (H, F)
        Numbers of the rows that only calibrate the threshold; often none.
    given, labels : array-like or None
        X and y as they came, for clones that are fitted on parts of them.
    """

    table: np.ndarray
    columns: Sequence[Column]
    held_out: np.ndarray
    given: Any = None
    labels: Any = None


def some_rows(table: np.ndarray, n_rows: int, stream: np.random.Generator) -> np.ndarray:
    """Return rows of a table at random, in their order; all of them where they are fewer."""
    return table if len(table) <= n_rows else table[np.sort(stream.permutation(len(table))[:n_rows])]
