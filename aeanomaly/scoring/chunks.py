"""The one loop over the rows of a table: encode a chunk, run networks on it in blocks, collect the results."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from aeanomaly.nn import empty, workspace
from aeanomaly.threads import limit_threads

#: Matrix products round differently with the number of rows, but not at multiples of this number. So a row's score has
#: the same bits alone, in any chunk and in any order.
PADDING = 256
#: Maximum rows in a chunk and numbers of the table in it: much work beside the fixed cost of a chunk.
_MAX_ROWS, _IN_CHUNK = 16 * PADDING, 1 << 19
#: Maximum rows in a block of a chunk, and numbers in its widest layer that a cache holds.
_BLOCK_ROWS, _IN_BLOCK = 4 * PADDING, 1 << 19

#: Encoded rows (1, b, D) -> tensors (M, b, T), in which a row's numbers depend on that row only.
Compute = Callable[[torch.Tensor], Sequence[torch.Tensor]]
#: The tensors of a whole chunk (M, n, T), and the chunk (n, ...) -> numbers (n, ...).
Finish = Callable[[list[torch.Tensor], np.ndarray], np.ndarray]


def map_chunks(
    compute: Compute,
    finish: Finish,
    table: np.ndarray,
    *,
    encode: Callable[[np.ndarray], np.ndarray],
    device: torch.device,
    width: int,
) -> np.ndarray:
    """Apply networks to all rows of a table, holding no more than the result and a few chunks.

    Each chunk runs on one thread, and several chunks run side by side: a product that is shared among threads would
    round by a row's place in it.

    Parameters
    ----------
    compute, finish : callable
        See `Compute` and `Finish`.
    table : ndarray (N, ...)
        At least one row.
    encode : callable
        Part of the table (n, ...) -> float32 rows (n, D).
    device : torch.device
        Where `compute` runs. Chunks run side by side on the CPU only.
    width : int
        Numbers that `compute` holds for a row at a time: the wider, the fewer rows in a chunk and in a block.

    Returns
    -------
    ndarray (N, ...)
    """

    def run(chunk: np.ndarray) -> np.ndarray:
        rows = with_padding(encode(chunk), device)
        with torch.inference_mode():
            parts = map_blocks(compute, rows, width)
            return finish([part[:, : len(chunk)] for part in parts], chunk)

    run_in_memory = _halve_on_oom(run)
    size = min(_MAX_ROWS, _multiple_within(4 * _IN_BLOCK // width), _multiple_within(_IN_CHUNK // table[0].size))
    with limit_threads(1), workspace(frozen=True):
        if len(table) <= size:
            return run_in_memory(table)
        first = run_in_memory(table[:PADDING])  # its shape is that of all results; the other threads wait
    starts = range(PADDING, len(table), size)
    numbers = np.empty((len(table), *first.shape[1:]), dtype=first.dtype)
    numbers[:PADDING] = first

    def fill(starts: Iterator[int]) -> None:
        with limit_threads(1), workspace(frozen=True):
            for start in starts:
                numbers[start : start + size] = run_in_memory(table[start : start + size])

    left = iter(starts)  # each worker takes its next chunk from here
    workers = min(len(starts), torch.get_num_threads()) if device.type == "cpu" else 1
    if workers == 1:
        fill(left)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(fill, [left] * workers))
    return numbers


def map_blocks(compute: Compute, rows: torch.Tensor, width: int) -> list[torch.Tensor]:
    """Run `compute` on rows (1, B, D), on a CPU in blocks: each layer finds the last one's output in the cache.

    B must be a multiple of 256. The tensors of the blocks are put together, contiguous, (M, B, T).
    """
    size = min(_BLOCK_ROWS, _multiple_within(_IN_BLOCK // width)) if rows.device.type == "cpu" else rows.shape[1]
    if rows.shape[1] <= size:
        return [part.contiguous() for part in compute(rows)]
    joined: list[torch.Tensor] = []
    for start in range(0, rows.shape[1], size):
        parts = compute(rows[:, start : start + size])
        joined = joined or [_room_for(part, rows.shape[1], number) for number, part in enumerate(parts)]
        for whole, part in zip(joined, parts, strict=True):
            whole[:, start : start + size] = part
    return joined


def _room_for(part: torch.Tensor, n_rows: int, number: int) -> torch.Tensor:
    return empty(("blocks", number), (len(part), n_rows, *part.shape[2:]), part)


def with_padding(rows: np.ndarray, device: torch.device) -> torch.Tensor:
    """Rows (n, D) float32 -> a tensor (1, B, D), filled up with zeros to a multiple of 256 rows."""
    # Allocated by torch, which aligns: matrix products may round by alignment, too.
    filled = torch.empty((1, -(-len(rows) // PADDING) * PADDING, rows.shape[1]), dtype=torch.float32, device="cpu")
    filled[0, : len(rows)] = torch.from_numpy(rows)
    filled[0, len(rows) :] = 0
    return filled.to(device)


def to_numpy(rows: torch.Tensor) -> np.ndarray:
    """Return a tensor as a float64 array."""
    return rows.cpu().numpy().astype(np.float64)


def mean_of_members(part: torch.Tensor) -> np.ndarray:
    """Numbers of members (M, n, T) -> their mean (n, T), float64."""
    return to_numpy(part.mean(dim=0) if len(part) > 1 else part[0])


def _multiple_within(n_rows: int) -> int:
    """Return the largest multiple of `PADDING` up to a number of rows, and at least `PADDING`."""
    return max(1, n_rows // PADDING) * PADDING


def _halve_on_oom(run: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that runs half a chunk at a time, and again half, where the device lacks memory for more."""

    def apply(chunk: np.ndarray) -> np.ndarray:
        try:
            return run(chunk)
        except torch.OutOfMemoryError:
            if len(chunk) <= PADDING:
                raise
            middle = -(-len(chunk) // (2 * PADDING)) * PADDING
            return np.concatenate([apply(chunk[:middle]), apply(chunk[middle:])])

    return apply
