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


def batches_of(
    data: TrainingData, keys: Sequence[MemberKey], batch_size: int, run_index: int
) -> Iterator[torch.Tensor]:
    """Yield batches (M, B, D), from consecutive permutations of the rows of each member.

    If a member has fewer than B rows, its rows repeat within the batch.
    """
    flat, shape = data.flat, (len(keys), batch_size, data.rows.shape[2])
    per_block, at_once = max(1, _AHEAD // batch_size), max(1, _GATHERED // math.prod(shape))
    streams = [
        _index_blocks(rows + data.row_offset(member), numpy_stream(key, "rows", run_index), per_block * batch_size)
        for member, (key, rows) in enumerate(zip(keys, data.members, strict=True))
    ]
    while True:
        ahead = np.stack([next(stream) for stream in streams])
        by_step = ahead.reshape(len(keys), per_block, batch_size).swapaxes(0, 1)
        numbers = torch.from_numpy(by_step.reshape(-1)).to(flat.device)
        for group in numbers.split(at_once * len(keys) * batch_size):
            yield from flat.index_select(0, group).view(-1, *shape).unbind()


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
