"""Many rows through a function, a padded chunk at a time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from aeanomaly.threads import at_most

#: Matrix products round differently with the number of rows; at multiples of this they do not,
#: and so a row's score is the same to the bit alone, in any chunk, in any order.
PADDING = 256
#: Rows in a full chunk: large enough for the matrix products, small enough for a cache.
CHUNK = 16 * PADDING


def in_chunks(
    function: Callable[[torch.Tensor], torch.Tensor],
    table: np.ndarray,
    encode: Callable[[np.ndarray], np.ndarray],
    device: torch.device,
) -> np.ndarray:
    """Apply `function` to every row of a table.

    Each chunk runs on one thread, and several chunks side by side: shared among threads, a matrix
    product would round by a row's place in it.

    Parameters
    ----------
    function : callable
        Encoded rows (B, D), B a multiple of 256 -> numbers (B, T).
    table : ndarray (N, F)
    encode : callable
        Part of the table (b, F) -> float32 encoded rows (b, D).
    device : torch.device

    Returns
    -------
    ndarray (N, T), float64
    """

    def numbers(first: int) -> np.ndarray:
        rows = encode(table[first : first + CHUNK])
        # Allocated by torch, which aligns: matrix products may round by alignment, too.
        padded = torch.zeros((-(-len(rows) // PADDING) * PADDING, rows.shape[1]), dtype=torch.float32, device="cpu")
        padded[: len(rows)] = torch.from_numpy(rows)
        with torch.inference_mode(), at_most(1):
            return function(padded.to(device))[: len(rows)].cpu().numpy().astype(np.float64)

    starts = range(0, len(table), CHUNK)
    workers = min(len(starts), torch.get_num_threads()) if device.type == "cpu" else 1
    if workers == 1:
        return np.concatenate([numbers(first) for first in starts])
    with ThreadPoolExecutor(workers) as pool:
        return np.concatenate(list(pool.map(numbers, starts)))
