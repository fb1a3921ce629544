"""Many rows through a function, a padded chunk at a time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from aeanomaly.nn import workspace
from aeanomaly.threads import at_most

#: Matrix products round differently with the number of rows; at multiples of this they do not,
#: and so a row's score is the same to the bit alone, in any chunk, in any order.
PADDING = 256
#: Rows in a chunk at most, and numbers in the widest layer of a chunk, as a cache holds them.
_MOST_ROWS, _CACHED = 16 * PADDING, 1 << 19


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
    size = min(_MOST_ROWS, max(1, _CACHED // (width * PADDING)) * PADDING)
    starts = range(size, len(table), size)
    with at_most(1), workspace(frozen=True):
        first = function(table[:size])
    if not starts:
        return first
    numbers = np.empty((len(table), *first.shape[1:]), dtype=first.dtype)
    numbers[:size] = first

    def fill(starts: Iterator[int]) -> None:
        with at_most(1), workspace(frozen=True):
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
    filled = torch.zeros((-(-len(rows) // PADDING) * PADDING, rows.shape[1]), dtype=torch.float32, device="cpu")
    filled[: len(rows)] = torch.from_numpy(rows)
    with torch.inference_mode():
        return function(filled.to(device))[: len(rows)].cpu().numpy().astype(np.float64)
