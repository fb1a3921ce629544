"""Batches of training rows."""

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch

from aeanomaly.streams import MemberKey, numpy_stream
from aeanomaly.training.settings import TrainingData

#: Number of row indices drawn ahead for each member.
_AHEAD = 1 << 14
#: Number of elements gathered at a time: a call costs as much as 700 rows, and the result should fit into a cache.
_GATHERED = 1 << 15


class BatchStream:
    """Stream of batches (M, B, D), from consecutive permutations of the rows of each member.

    If a member has fewer than B rows, its rows repeat within the batch.
    """

    def __init__(self, data: TrainingData, keys: Sequence[MemberKey], batch_size: int, run_index: int):
        self._flat = data.flat
        self._shape = (len(keys), batch_size, data.rows.shape[2])
        self._per_block = max(1, _AHEAD // batch_size)
        self._streams = [
            _index_blocks(
                rows + data.row_offset(member), numpy_stream(key, "rows", run_index), self._per_block * batch_size
            )
            for member, (key, rows) in enumerate(zip(keys, data.members, strict=True))
        ]
        self._at_once = max(1, _GATHERED // math.prod(self._shape))
        self._batches = self._gather()

    def next(self) -> torch.Tensor:
        """Return the next batch, (M, B, D)."""
        return next(self._batches)

    def _gather(self) -> Iterator[torch.Tensor]:
        while True:
            for numbers in self._draw_indices():
                yield from self._flat.index_select(0, numbers).view(-1, *self._shape).unbind()

    def _draw_indices(self) -> Iterable[torch.Tensor]:
        """Return the row indices of the next batches, split into groups that are gathered at a time."""
        members, batch_size, _ = self._shape
        ahead = np.stack([next(stream) for stream in self._streams])
        by_step = ahead.reshape(members, self._per_block, batch_size).swapaxes(0, 1)
        numbers = torch.from_numpy(by_step.reshape(-1)).to(self._flat.device)
        return numbers.split(self._at_once * members * batch_size)


def _index_blocks(rows: np.ndarray, stream: np.random.Generator, size: int) -> Iterator[np.ndarray]:
    """Yield blocks of `size` row indices from consecutive permutations of `rows`."""
    left = rows[:0]
    while True:
        parts, missing = [left], size - len(left)
        while missing > 0:
            parts.append(stream.permutation(rows))
            missing -= len(rows)
        joined = np.concatenate(parts)
        left = joined[size:]
        yield joined[:size]
