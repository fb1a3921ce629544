"""Batches of training rows."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from aeanomaly.streams import MemberKey, numpy_stream
from aeanomaly.training.settings import TrainingData

#: Number of row indices drawn ahead for each member.
_AHEAD = 1 << 14
#: Number of elements gathered at a time: a call costs as much as 700 rows, and the result should fit into a cache.
_GATHERED = 1 << 15


class RowOrder:
    """Order of the training rows of each member: consecutive permutations of its rows.

    If a member has fewer rows than a batch, its rows repeat within the batch.
    """

    def __init__(self, data: TrainingData, keys: Sequence[MemberKey], batch_size: int, run_index: int):
        self._batch_size = batch_size
        self._rows = [rows + data.row_offset(member) for member, rows in enumerate(data.members)]
        self._streams = [numpy_stream(key, "rows", run_index) for key in keys]
        self._left = [rows[:0] for rows in self._rows]

    def take(self, n_batches: int) -> np.ndarray:
        """Return the row indices of the next batches of all members, (n_batches, M * B)."""
        ahead = np.stack([self._take(member, n_batches * self._batch_size) for member in range(len(self._rows))])
        return ahead.reshape(len(ahead), n_batches, -1).swapaxes(0, 1).reshape(n_batches, -1)

    def _take(self, member: int, size: int) -> np.ndarray:
        parts, missing = [self._left[member]], size - len(self._left[member])
        while missing > 0:
            parts.append(self._streams[member].permutation(self._rows[member]))
            missing -= len(self._rows[member])
        joined = np.concatenate(parts)
        self._left[member] = joined[size:]
        return joined[:size]


def batches_of(
    data: TrainingData, keys: Sequence[MemberKey], batch_size: int, run_index: int
) -> Iterator[torch.Tensor]:
    """Yield batches (M, B, D) in the order of the rows of each member."""
    flat, shape = data.flat, (len(keys), batch_size, data.rows.shape[2])
    per_block, at_once = max(1, _AHEAD // batch_size), max(1, _GATHERED // math.prod(shape))
    order = RowOrder(data, keys, batch_size, run_index)
    while True:
        numbers = torch.from_numpy(order.take(per_block).reshape(-1)).to(flat.device)
        for group in numbers.split(at_once * len(keys) * batch_size):
            yield from flat.index_select(0, group).view(-1, *shape).unbind()
