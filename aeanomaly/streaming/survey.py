"""One pass over a table: its rows counted and checked, moments of its numbers, a sample of its rows."""

from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.exceptions import SourceError
from aeanomaly.preprocessing import Statistics, check_finite, family_of, numbers
from aeanomaly.streaming.sample import RowSample

#: Rows in a block whose moments are taken at once: by their numbers, not by the batches that they come in.
BLOCK = 1 << 16


class Survey:
    """What a fit keeps of a table that it sees in parts.

    Moments are those of blocks of 65,536 rows by number, merged in order; so all of it is the same, to the bit,
    for whatever parts the rows came in.

    Parameters
    ----------
    size : int
        Rows in the sample.
    seed : int
    holes : bool
        Whether NaN is taken.
    """

    def __init__(self, size: int, seed: int, holes: bool):
        self.sample = RowSample(size, seed)
        self.holes = holes
        self.n_rows = 0
        self.blocks: list[Statistics] = []
        self.pending: list[np.ndarray] = []
        self.columns: list[tuple[Any, str]] | None = None
        #: Columns that hold numbers.
        self.places = np.empty(0, dtype=int)

    def add(self, rows: Any, where: str) -> None:
        """Look at the next rows, a frame or an array; `where` they are is for errors."""
        if len(rows) == 0:
            return
        self._check_columns(rows, where)
        found = self._numbers(rows)
        try:
            check_finite(found, np.array([str((self.columns or ())[j][0]) for j in self.places]), holes=self.holes)
        except ValueError as error:
            raise SourceError(f"{where}: {error}") from None
        self.sample.offer(self.n_rows, rows)
        self.n_rows += len(rows)
        self.pending.append(found)
        self._close_blocks()

    def _check_columns(self, rows: Any, where: str) -> None:
        """Hold columns and what they are against those of the first batch."""
        found = _columns(rows)
        if self.columns is None:
            self.columns = found
            self.places = np.array([j for j, (_, family) in enumerate(found) if family == "numbers"], dtype=int)
            return
        names, known = [name for name, _ in found], [name for name, _ in self.columns]
        if names != known:
            raise SourceError(f"{where}: the columns are {_some(names)}, and those before were {_some(known)}")
        for (name, family), (_, before) in zip(found, self.columns, strict=True):
            if family not in (before, "nothing") and before != "nothing":
                raise SourceError(f"{where}: column {name!r} holds {family}, and it held {before} before")
        # A column without any cell so far is what it turns out to be; it has no moments.
        self.columns = [new if old[1] == "nothing" else old for new, old in zip(found, self.columns, strict=True)]

    def _numbers(self, rows: Any) -> np.ndarray:
        if not isinstance(rows, pd.DataFrame):
            return np.asarray(rows, dtype=np.float64)
        kept = rows.iloc[:, self.places]
        if all(isinstance(dtype, np.dtype) and dtype.kind == "f" for dtype in kept.dtypes):
            return kept.to_numpy(dtype=np.float64)
        return np.column_stack([numbers(kept.iloc[:, j]) for j in range(kept.shape[1])] or [np.empty((len(rows), 0))])

    def _close_blocks(self) -> None:
        while sum(map(len, self.pending)) >= BLOCK:
            whole = np.concatenate(self.pending) if len(self.pending) > 1 else self.pending[0]
            self.blocks = [reduce(Statistics.merged, [*self.blocks, Statistics.of(whole[:BLOCK])])]
            self.pending = [whole[BLOCK:]]

    def statistics(self) -> Statistics | None:
        """Moments of the columns of numbers, in the order of `places`; None of no rows."""
        rest = np.concatenate(self.pending) if self.pending else np.empty((0, 0))
        parts = [*self.blocks, *([Statistics.of(rest)] if len(rest) else [])]
        return reduce(Statistics.merged, parts) if parts else None


def _columns(rows: Any) -> list[tuple[Any, str]]:
    """Name and family of each column; categories are read as levels, whatever these are."""
    if not isinstance(rows, pd.DataFrame):
        return [(j, "numbers") for j in range(rows.shape[1])]
    are_levels = [isinstance(dtype, pd.CategoricalDtype) for dtype in rows.dtypes]
    return [
        (name, "text" if levels else family_of(rows.iloc[:, j]))
        for j, (name, levels) in enumerate(zip(rows.columns, are_levels, strict=True))
    ]


def _some(names: list[Any]) -> str:
    return ", ".join(map(repr, names[:10])) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
