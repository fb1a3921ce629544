"""Many rows through a function, a padded chunk at a time."""

from collections.abc import Callable

import numpy as np
import torch

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
    parts = []
    for first in range(0, len(table), CHUNK):
        rows = encode(table[first : first + CHUNK])
        # Allocated by torch, which aligns: matrix products may round by alignment, too.
        padded = torch.zeros((-(-len(rows) // PADDING) * PADDING, rows.shape[1]), dtype=torch.float32, device="cpu")
        padded[: len(rows)] = torch.from_numpy(rows)
        with torch.inference_mode():
            numbers = function(padded.to(device))
        parts.append(numbers[: len(rows)].cpu().numpy().astype(np.float64))
    return np.concatenate(parts)
