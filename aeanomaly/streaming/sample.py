"""Uniform sample of rows that does not depend on how they are split into parts."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.preprocessing import rows_of

#: Number of rows whose keys are computed at once.
_AT_ONCE = 1 << 18
_GOLDEN, _MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def row_keys(seed: int, indices: np.ndarray) -> np.ndarray:
    """Return a random key for each row index, uint64 (n,), by splitmix64.

    Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators, OOPSLA.
    """
    start = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    with np.errstate(over="ignore"):
        z = start + (indices.astype(np.uint64) + np.uint64(1)) * _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * _MIX_1
        z = (z ^ (z >> np.uint64(27))) * _MIX_2
        return z ^ (z >> np.uint64(31))


def sample_indices(size: int, seed: int, n_rows: int) -> np.ndarray:
    """Return the indices, ascending, of the rows that are sampled from a table of `n_rows` rows."""
    sample = RowSample(size, seed)
    for first in range(0, n_rows, _AT_ONCE):
        sample.offer(first, np.arange(first, min(first + _AT_ONCE, n_rows))[:, None])
    indices = sample.rows()
    return np.empty(0, dtype=np.int64) if indices is None else indices[:, 0]


class RowSample:
    """Uniform sample without replacement: the rows with the smallest random keys (bottom-k sampling).

    The key of a row depends only on its index, so that the sample does not depend on how the rows are split.

    Parameters
    ----------
    size : int
        Size of the sample; up to twice as many rows are held in memory.
    seed : int

    Examples
    --------
    >>> import numpy as np
    >>> def sampled(*sizes):
    ...     sample, first = RowSample(3, seed=0), 0
    ...     for size in sizes:
    ...         sample.offer(first, np.arange(first, first + size)[:, None])
    ...         first += size
    ...     return sample.rows()
    >>> bool((sampled(100) == sampled(1, 60, 39)).all())
    True
    """

    def __init__(self, size: int, seed: int):
        self.size = size
        self.seed = seed
        self.keys: np.ndarray = np.empty(0, dtype=np.uint64)
        self.indices: np.ndarray = np.empty(0, dtype=np.int64)
        self._parts: list[Any] = []
        self._bound = np.uint64(np.iinfo(np.uint64).max)

    @classmethod
    def restore(cls, size: int, seed: int, keys: np.ndarray, indices: np.ndarray, rows: Any) -> "RowSample":
        """Restore a saved sample."""
        sample = cls(size, seed)
        sample.keys, sample.indices, sample._parts = keys, indices, [rows] if len(keys) else []
        sample._shrink()
        return sample

    def offer(self, first: int, rows: Any) -> None:
        """Add the sampled rows of a frame or an array whose first row has the index `first`."""
        keys = row_keys(self.seed, np.arange(first, first + len(rows)))
        places = np.flatnonzero(keys <= self._bound)
        if len(places) == 0:
            return
        # Copied, because a view would keep the whole batch in memory.
        self._parts.append(rows_of(rows, places).copy())
        self.keys = np.concatenate([self.keys, keys[places]])
        self.indices = np.concatenate([self.indices, first + places])
        if len(self.keys) >= 2 * self.size:
            self._shrink()

    def rows(self) -> Any:
        """Return the sample in the order of the row indices, or None if it is empty."""
        self._shrink()
        return self._parts[0] if self._parts else None

    def _shrink(self) -> None:
        """Keep the rows with the smallest keys, in the order of their indices."""
        if not self._parts:
            return
        kept = np.argsort(self.keys, kind="stable")[: self.size]
        if len(kept) == self.size:
            self._bound = self.keys[kept[-1]]
        kept = kept[np.argsort(self.indices[kept], kind="stable")]
        self._parts = [rows_of(concatenate(self._parts), kept)]
        self.keys, self.indices = self.keys[kept], self.indices[kept]


def concatenate(parts: list[Any]) -> Any:
    """Concatenate the rows of frames or arrays."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], pd.DataFrame):
        return pd.concat(_of_equal_dtypes(parts), ignore_index=True)
    return np.concatenate(parts)


def _of_equal_dtypes(parts: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Convert columns with only missing values in some parts to their dtype in the other parts."""
    parts = [part.copy(deep=False) for part in parts]
    for j in range(parts[0].shape[1]):
        if len({part.dtypes.iloc[j] for part in parts}) == 1:
            continue
        empty = [bool(part.iloc[:, j].isna().all()) for part in parts]
        known = {part.dtypes.iloc[j] for part, is_empty in zip(parts, empty, strict=True) if not is_empty}
        dtype = known.pop() if len(known) == 1 else None
        if dtype is None or (isinstance(dtype, np.dtype) and dtype.kind in "biu"):  # cannot hold NaN
            continue
        for part, is_empty in zip(parts, empty, strict=True):
            if is_empty:
                part.isetitem(j, pd.Series([None] * len(part), index=part.index, dtype=dtype).array)
    return parts
