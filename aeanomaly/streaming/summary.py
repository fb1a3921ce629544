"""Summary of a table from one pass: number of rows, moments of numeric columns, and a sample of rows."""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aeanomaly.exceptions import SourceError
from aeanomaly.preprocessing import Statistics, check_finite, infer_cell_type, numbers_or_missing, rows_of
from aeanomaly.reading import list_some
from aeanomaly.streaming.sample import RowSample, concatenate, row_keys

#: Number of rows in a block whose moments are computed at once; blocks are defined by row index.
BLOCK = 1 << 13


class TableSummary:
    """Summary of a table that is read in parts.

    Moments are computed for blocks of 8,192 consecutive rows and merged in order. The summary is therefore bitwise
    independent of how the rows are split into parts.

    Parameters
    ----------
    size : int
        Size of the sample.
    seed : int
    allow_nan : bool
        Accept missing values (NaN).
    """

    def __init__(self, size: int, seed: int, allow_nan: bool):
        self.sample = RowSample(size, seed)
        self.allow_nan = allow_nan
        self.n_rows = 0
        #: Attributes of the first frame, such as the format of its file.
        self.attrs: dict[str, Any] = {}
        self.blocks: list[Statistics] = []
        self.pending: list[np.ndarray] = []
        self.columns: list[tuple[Any, str]] | None = None
        #: Indices of columns with numbers, and of columns with only missing values so far.
        self.numeric_columns = np.empty(0, dtype=int)

    def add(self, rows: Any, where: str) -> None:
        """Add the next rows, a frame or an array; `where` is their location for error messages."""
        if len(rows) == 0:
            return
        found = self.validate(rows, where)
        self.attrs = self.attrs or dict(getattr(rows, "attrs", {}))
        self.sample.offer(self.n_rows, rows)
        self.n_rows += len(rows)
        self.pending.append(found)
        self._close_blocks()

    def validate(self, rows: Any, where: str) -> np.ndarray:
        """Return the numeric columns of the next rows, (n, K); raise a SourceError for invalid rows."""
        self.check_columns(_columns(rows), where)
        found = self._numbers(rows)
        try:
            check_finite(
                found,
                np.array([str((self.columns or ())[j][0]) for j in self.numeric_columns]),
                allow_nan=self.allow_nan,
            )
        except ValueError as error:
            raise SourceError(f"{where}: {error}") from None
        return found

    def check_columns(self, found: list[tuple[Any, str]], where: str) -> None:
        """Compare the names and cell types of the columns with those of the previous rows."""
        if self.columns is None:
            self.columns, self.numeric_columns = found, _numeric_columns(found)
            return
        names, known = [name for name, _ in found], [name for name, _ in self.columns]
        if names != known:
            raise SourceError(
                f"{where}: the columns are {_list_names(names)}, but were {_list_names(known)} in previous parts"
            )
        for (name, cell_type), (_, before) in zip(found, self.columns, strict=True):
            if "nothing" not in (cell_type, before) and cell_type != before:
                raise SourceError(f"{where}: column {name!r} holds {cell_type}, but held {before} in previous parts")
        self.columns = [new if old[1] == "nothing" else old for new, old in zip(found, self.columns, strict=True)]
        self._keep(_numeric_columns(self.columns))

    def _keep(self, numeric: np.ndarray) -> None:
        """Drop the moments of columns that turn out not to be numeric, after only missing values."""
        if len(numeric) == len(self.numeric_columns):
            return
        kept = np.isin(self.numeric_columns, numeric)
        self.numeric_columns = numeric
        self.blocks = [block.select(kept) for block in self.blocks]
        self.pending = [part[:, kept] for part in self.pending]

    def _numbers(self, rows: Any) -> np.ndarray:
        if not isinstance(rows, pd.DataFrame):
            return np.asarray(rows, dtype=np.float64)
        kept = rows.iloc[:, self.numeric_columns]
        if all(isinstance(dtype, np.dtype) and dtype.kind == "f" for dtype in kept.dtypes):
            return kept.to_numpy(dtype=np.float64)
        columns = [numbers_or_missing(kept.iloc[:, j]) for j in range(kept.shape[1])]
        return np.column_stack(columns or [np.empty((len(rows), 0))])

    def _close_blocks(self) -> None:
        if sum(map(len, self.pending)) < BLOCK:
            return
        whole = np.concatenate(self.pending) if len(self.pending) > 1 else self.pending[0]
        end = len(whole) // BLOCK * BLOCK
        blocks = (Statistics.from_rows(whole[start : start + BLOCK]) for start in range(0, end, BLOCK))
        self.blocks = [reduce(Statistics.merge, [*self.blocks, *blocks])]
        self.pending = [whole[end:].copy()]

    def statistics(self) -> Statistics | None:
        """Return the moments of the `numeric_columns`; None without rows."""
        rest = np.concatenate(self.pending) if self.pending else np.empty((0, 0))
        parts = [*self.blocks, *([Statistics.from_rows(rest)] if len(rest) else [])]
        return reduce(Statistics.merge, parts) if parts else None


def _columns(rows: Any) -> list[tuple[Any, str]]:
    """Return the name and cell type of each column; a column of categorical dtype counts as text."""
    if not isinstance(rows, pd.DataFrame):
        return [(j, "numbers") for j in range(rows.shape[1])]
    return [(name, _cell_type(rows.iloc[:, j])) for j, name in enumerate(rows.columns)]


def _cell_type(cells: pd.Series) -> str:
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return "text"
    return "nothing" if cells.isna().iloc[0] and cells.isna().all() else infer_cell_type(cells)


def _numeric_columns(columns: list[tuple[Any, str]]) -> np.ndarray:
    return np.array([j for j, (_, cell_type) in enumerate(columns) if cell_type in ("numbers", "nothing")], dtype=int)


def _list_names(names: list[Any]) -> str:
    return list_some(list(map(repr, names)), 10)


class PartSummary(NamedTuple):
    """Summary of a part whose row indices are known.

    Attributes
    ----------
    n_rows : int
    columns : list of (name, cell type) or None
        None without rows.
    numeric_columns : ndarray of int (K,)
        Indices of the columns whose moments are in `blocks`.
    sample : frame or array
        Sampled rows of the part.
    blocks : list of (int, Statistics or ndarray)
        Index and moments of each complete block; for incomplete blocks the numbers themselves.
    """

    n_rows: int
    columns: list[tuple[Any, str]] | None
    numeric_columns: np.ndarray
    sample: Any
    blocks: list[tuple[int, Any]]


def summarize_part(rows: Any, first: int, chosen: np.ndarray, allow_nan: bool, where: str) -> PartSummary:
    """Summarize a part whose first row has the index `first`; rows with the indices `chosen` are sampled."""
    summary = TableSummary(1, 0, allow_nan)
    sample = rows_of(rows, chosen - first)
    if len(rows) == 0:
        return PartSummary(0, None, summary.numeric_columns, sample, [])
    found, blocks = summary.validate(rows, where), []
    edges = [first, *range(-(-(first + 1) // BLOCK) * BLOCK, first + len(rows), BLOCK), first + len(rows)]
    for start, end in pairwise(edges):
        part = found[start - first : end - first]
        blocks.append((start // BLOCK, Statistics.from_rows(part) if end - start == BLOCK else part))
    return PartSummary(len(rows), summary.columns, summary.numeric_columns, sample, blocks)


def merge_summaries(
    parts: Sequence[PartSummary], chosen: np.ndarray, size: int, seed: int, allow_nan: bool
) -> TableSummary:
    """Merge the summaries of all parts of a table, with the rows `chosen` as sample."""
    summary = TableSummary(size, seed, allow_nan)
    blocks: dict[int, list[Any]] = {}
    for number, part in enumerate(parts):
        if part.columns is not None:  # not an empty part
            summary.check_columns(part.columns, f"partition {number}")
            summary.n_rows += part.n_rows
    for part in parts:
        kept = np.isin(part.numeric_columns, summary.numeric_columns)
        for block, known in part.blocks:
            chosen_columns = known.select(kept) if isinstance(known, Statistics) else known[:, kept]
            blocks.setdefault(block, []).append(chosen_columns)
    whole = [b[0] if isinstance(b[0], Statistics) else Statistics.from_rows(np.concatenate(b)) for b in blocks.values()]
    summary.blocks = [reduce(Statistics.merge, whole)] if whole else []
    samples = [part.sample for part in parts if len(part.sample)]
    if samples:
        summary.sample = RowSample.restore(size, seed, row_keys(seed, chosen), chosen, concatenate(samples))
    return summary
