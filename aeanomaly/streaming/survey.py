"""One pass over a table: its rows counted and checked, moments of its numbers, a sample of its rows."""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aeanomaly.exceptions import SourceError
from aeanomaly.preprocessing import Statistics, check_finite, family_of, numbers_or_missing, rows_of
from aeanomaly.streaming.sample import RowSample, joined, keys_of_rows

#: Rows in a block whose moments are taken at once: by their numbers, not by the batches that they come in.
BLOCK = 1 << 13


class Survey:
    """What a fit keeps of a table that it sees in parts.

    Moments are those of blocks of 8,192 rows by number, merged in order; so all of it is the same, to the bit,
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
        #: Columns that hold numbers, and those of which all cells have been missing so far.
        self.places = np.empty(0, dtype=int)

    def add(self, rows: Any, where: str) -> None:
        """Look at the next rows, a frame or an array; `where` they are is for errors."""
        if len(rows) == 0:
            return
        found = self.checked(rows, where)
        self.sample.offer(self.n_rows, rows)
        self.n_rows += len(rows)
        self.pending.append(found)
        self._close_blocks()

    def checked(self, rows: Any, where: str) -> np.ndarray:
        """Columns of numbers of the next rows, (n, K); a SourceError if anything is wrong with these."""
        self.check_columns(_columns(rows), where)
        found = self._numbers(rows)
        try:
            check_finite(found, np.array([str((self.columns or ())[j][0]) for j in self.places]), holes=self.holes)
        except ValueError as error:
            raise SourceError(f"{where}: {error}") from None
        return found

    def check_columns(self, found: list[tuple[Any, str]], where: str) -> None:
        """Hold columns, and what they are, against those of the rows before."""
        if self.columns is None:
            self.columns, self.places = found, _places_of_numbers(found)
            return
        names, known = [name for name, _ in found], [name for name, _ in self.columns]
        if names != known:
            raise SourceError(f"{where}: the columns are {_some(names)}, and those before were {_some(known)}")
        for (name, family), (_, before) in zip(found, self.columns, strict=True):
            if "nothing" not in (family, before) and family != before:
                raise SourceError(f"{where}: column {name!r} holds {family}, and it held {before} before")
        self.columns = [new if old[1] == "nothing" else old for new, old in zip(found, self.columns, strict=True)]
        self._keep(_places_of_numbers(self.columns))

    def _keep(self, places: np.ndarray) -> None:
        """Forget the moments of columns that turn out to hold no numbers: all their cells were missing."""
        if len(places) == len(self.places):
            return
        kept = np.isin(self.places, places)
        self.places = places
        self.blocks = [block.of_columns(kept) for block in self.blocks]
        self.pending = [part[:, kept] for part in self.pending]

    def _numbers(self, rows: Any) -> np.ndarray:
        if not isinstance(rows, pd.DataFrame):
            return np.asarray(rows, dtype=np.float64)
        kept = rows.iloc[:, self.places]
        if all(isinstance(dtype, np.dtype) and dtype.kind == "f" for dtype in kept.dtypes):
            return kept.to_numpy(dtype=np.float64)
        columns = [numbers_or_missing(kept.iloc[:, j]) for j in range(kept.shape[1])]
        return np.column_stack(columns or [np.empty((len(rows), 0))])

    def _close_blocks(self) -> None:
        if sum(map(len, self.pending)) < BLOCK:
            return
        whole = np.concatenate(self.pending) if len(self.pending) > 1 else self.pending[0]
        end = len(whole) // BLOCK * BLOCK
        blocks = (Statistics.of(whole[start : start + BLOCK]) for start in range(0, end, BLOCK))
        self.blocks = [reduce(Statistics.merged, [*self.blocks, *blocks])]
        self.pending = [whole[end:].copy()]

    def statistics(self) -> Statistics | None:
        """Moments of the columns of numbers, in the order of `places`; None of no rows."""
        rest = np.concatenate(self.pending) if self.pending else np.empty((0, 0))
        parts = [*self.blocks, *([Statistics.of(rest)] if len(rest) else [])]
        return reduce(Statistics.merged, parts) if parts else None


def _columns(rows: Any) -> list[tuple[Any, str]]:
    """Name and family of each column; categories are read as levels, whatever these are."""
    if not isinstance(rows, pd.DataFrame):
        return [(j, "numbers") for j in range(rows.shape[1])]
    return [(name, _family(rows.iloc[:, j])) for j, name in enumerate(rows.columns)]


def _family(cells: pd.Series) -> str:
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return "text"
    return "nothing" if cells.isna().iloc[0] and cells.isna().all() else family_of(cells)


def _places_of_numbers(columns: list[tuple[Any, str]]) -> np.ndarray:
    return np.array([j for j, (_, family) in enumerate(columns) if family in ("numbers", "nothing")], dtype=int)


def _some(names: list[Any]) -> str:
    return ", ".join(map(repr, names[:10])) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


class SurveyedPart(NamedTuple):
    """What is kept of a part whose place in the table is known.

    Attributes
    ----------
    n_rows : int
    columns : list of (name, family), or None of no rows
    places : ndarray of int (K,)
        Columns whose moments are in `blocks`.
    sample : frame or array
        Rows of it that belong to the sample.
    blocks : list of (int, Statistics or ndarray)
        By number, moments of blocks that lie within; the numbers themselves of those that do so in part.
    """

    n_rows: int
    columns: list[tuple[Any, str]] | None
    places: np.ndarray
    sample: Any
    blocks: list[tuple[int, Any]]


def survey_part(rows: Any, first: int, chosen: np.ndarray, holes: bool, where: str) -> SurveyedPart:
    """Survey a part whose rows are numbered from `first` on, and of which the rows `chosen` belong to the sample."""
    survey = Survey(1, 0, holes)
    sample = rows_of(rows, chosen - first)
    if len(rows) == 0:
        return SurveyedPart(0, None, survey.places, sample, [])
    found, blocks = survey.checked(rows, where), []
    edges = [first, *range(-(-(first + 1) // BLOCK) * BLOCK, first + len(rows), BLOCK), first + len(rows)]
    for start, end in pairwise(edges):
        part = found[start - first : end - first]
        blocks.append((start // BLOCK, Statistics.of(part) if end - start == BLOCK else part))
    return SurveyedPart(len(rows), survey.columns, survey.places, sample, blocks)


def joined_survey(parts: Sequence[SurveyedPart], chosen: np.ndarray, size: int, seed: int, holes: bool) -> Survey:
    """The survey of a table whose parts were surveyed apart, with the rows `chosen` for the sample."""
    survey = Survey(size, seed, holes)
    blocks: dict[int, list[Any]] = {}
    for number, part in enumerate(parts):
        if part.columns is None:
            continue
        survey.check_columns(part.columns, f"partition {number}")
        survey.n_rows += part.n_rows
    for part in parts:
        kept = np.isin(part.places, survey.places)
        for block, known in part.blocks:
            chosen_columns = known.of_columns(kept) if isinstance(known, Statistics) else known[:, kept]
            blocks.setdefault(block, []).append(chosen_columns)
    whole = [b[0] if isinstance(b[0], Statistics) else Statistics.of(np.concatenate(b)) for b in blocks.values()]
    survey.blocks = [reduce(Statistics.merged, whole)] if whole else []
    samples = [part.sample for part in parts if len(part.sample)]
    if samples:
        survey.sample = RowSample.of(size, seed, keys_of_rows(seed, chosen), chosen, joined(samples))
    return survey
