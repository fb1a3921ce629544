"""Many rows through a function, a padded chunk at a time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from aeanomaly.nn import empty, workspace
from aeanomaly.threads import limit_threads

#: Matrix products round differently with the number of rows; at multiples of this they do not,
#: and so a row's score is the same to the bit alone, in any chunk, in any order.
PADDING = 256
#: Rows in a chunk at most, and numbers of the table in it: much work for what each chunk costs beside.
_MOST_ROWS, _IN_CHUNK = 16 * PADDING, 1 << 19
#: Rows in a block of a chunk at most, and numbers in its widest layer, as a cache holds them.
_BLOCK_ROWS, _IN_BLOCK = 4 * PADDING, 1 << 19


def over_chunks(
    function: Callable[[np.ndarray], np.ndarray], table: np.ndarray, device: torch.device, width: int
) -> np.ndarray:
    """Apply `function` to all rows of a table, holding no more than the answer and a few chunks.

    Each chunk runs on one thread, and several chunks side by side: shared among threads, a matrix
    product would round by a row's place in it. Inside another `over_chunks` no further
    threads start.

    Parameters
    ----------
    function : callable
        Part of the table (b, ...) -> numbers (b, ...), of any trailing shape.
    table : ndarray (N, ...)
    device : torch.device
        Where the function computes: chunks run side by side on the CPU alone.
    width : int
        Numbers that the function holds for a row at a time: the wider, the fewer rows in a chunk.

    Returns
    -------
    ndarray (N, ...)
    """
    function = _in_halves(function)
    size = min(_MOST_ROWS, _multiple_within(4 * _IN_BLOCK // width), _multiple_within(_IN_CHUNK // table[0].size))
    with limit_threads(1), workspace(frozen=True):
        if len(table) <= size:
            return function(table)
        first = function(table[:PADDING])  # what a row's numbers look like, while the other threads wait
    starts = range(PADDING, len(table), size)
    numbers = np.empty((len(table), *first.shape[1:]), dtype=first.dtype)
    numbers[:PADDING] = first

    def fill(starts: Iterator[int]) -> None:
        with limit_threads(1), workspace(frozen=True):
            for start in starts:
                numbers[start : start + size] = function(table[start : start + size])

    left = iter(starts)  # from which each worker takes its next
    workers = min(len(starts), torch.get_num_threads()) if device.type == "cpu" else 1
    if workers == 1:
        fill(left)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(fill, [left] * workers))
    return numbers


def in_blocks(function: Callable[[torch.Tensor], torch.Tensor], rows: torch.Tensor, width: int) -> torch.Tensor:
    """Apply a network to rows (M, B, D), on a CPU in blocks: each layer finds in the cache what the last has written.

    Parameters
    ----------
    function : callable
        Rows (M, b, D) -> numbers (M, b, T), each row's by itself.
    rows : Tensor (M, B, D)
        B being a multiple of 256.
    width : int
        Numbers in the widest layer of a row, members together.

    Returns
    -------
    Tensor (M, B, T), contiguous
    """
    size = min(_BLOCK_ROWS, _multiple_within(_IN_BLOCK // width)) if rows.device.type == "cpu" else rows.shape[1]
    blocks = rows.split(size, dim=1)
    if len(blocks) == 1:
        return function(rows).contiguous()
    out: torch.Tensor | None = None
    for start, block in zip(range(0, rows.shape[1], size), blocks, strict=True):
        numbers = function(block)
        if out is None:
            out = empty("blocks", (*rows.shape[:2], *numbers.shape[2:]), numbers)
        out[:, start : start + size] = numbers
    assert out is not None
    return out


def _multiple_within(n_rows: int) -> int:
    """The largest multiple of `PADDING` up to so many rows, and that itself at least."""
    return max(1, n_rows // PADDING) * PADDING


def _in_halves(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """The same, by half a chunk and again by half where a device has no memory for more."""

    def apply(part: np.ndarray) -> np.ndarray:
        try:
            return function(part)
        except torch.OutOfMemoryError:
            if len(part) <= PADDING:
                raise
            middle = -(-len(part) // (2 * PADDING)) * PADDING
            return np.concatenate([apply(part[:middle]), apply(part[middle:])])

    return apply


def padded(function: Callable[[torch.Tensor], torch.Tensor], rows: np.ndarray, device: torch.device) -> np.ndarray:
    """Apply `function` to rows (b, D) float32, filled up with zeros: (B, D), B a multiple of 256 -> (B, T).

    Returns
    -------
    ndarray (b, T), float64
    """
    # Allocated by torch, which aligns: matrix products may round by alignment, too.
    filled = torch.empty((-(-len(rows) // PADDING) * PADDING, rows.shape[1]), dtype=torch.float32, device="cpu")
    filled[: len(rows)] = torch.from_numpy(rows)
    filled[len(rows) :] = 0
    with torch.inference_mode():
        return function(filled.to(device))[: len(rows)].cpu().numpy().astype(np.float64)
