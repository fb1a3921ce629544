"""Loop over the rows of a table: encode a chunk, run networks on it in blocks, collect the results."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch

from aeanomaly.memory import is_out_of_memory
from aeanomaly.nn import empty, workspace
from aeanomaly.scoring.transfer import BLOCK_BYTES
from aeanomaly.threads import check_fork, limit_threads, thread_pool

#: Rounding in matrix products depends on the number of rows, except at multiples of this number on a CPU. With padding,
#: the score of a row is bitwise equal for the row alone, in any chunk and in any order. On an accelerator, products are
#: chosen by shape, and all launches have one number of rows.
PADDING = 256
#: Maximum number of rows and of cells in a chunk: large enough to hide the fixed cost of a chunk.
_MAX_ROWS, _IN_CHUNK = 16 * PADDING, 1 << 19
#: Maximum number of rows in a block of a chunk, and of elements in its widest layer, which should fit into a cache.
_BLOCK_ROWS, _IN_BLOCK = 4 * PADDING, 1 << 19
#: Maximum number of rows in a launch on an accelerator, of elements in its largest tensor (128 MB in float32), and of
#: cells of its rows, which a block holds in float64.
_LAUNCH_ROWS, _IN_LAUNCH, _LAUNCH_CELLS = 1 << 14, 1 << 25, BLOCK_BYTES // 8

#: Function from a chunk of a table, and the number of rows to which it is padded, to the result of the chunk.
Run = Callable[[np.ndarray, int], np.ndarray]
#: Function from encoded rows (1, b, D) to tensors (M, b, T); each row of the result depends on one input row only.
Compute = Callable[[torch.Tensor], Sequence[torch.Tensor]]
#: Function from the tensors of a whole chunk (M, n, T), and the chunk (n, ...), to its result (n, ...).
Finish = Callable[[list[torch.Tensor], np.ndarray], np.ndarray]


def map_chunks(
    compute: Compute,
    finish: Finish,
    table: np.ndarray,
    *,
    encode: Callable[[np.ndarray], np.ndarray],
    device: torch.device,
    width: int,
    padding: int = PADDING,
) -> np.ndarray:
    """Apply networks to all rows of a table; memory holds the result and a few chunks only.

    Each chunk runs on one thread, and several chunks run in parallel. If several threads shared a product, its rounding
    would depend on the position of a row.

    Parameters
    ----------
    compute, finish : callable
        See `Compute` and `Finish`.
    table : ndarray (N, ...)
        At least one row.
    encode : callable
        Function from a part of the table (n, ...) to float32 rows (n, D).
    device : torch.device
        Device on which `compute` runs. Chunks run in parallel on the CPU only.
    width : int
        Number of elements per row that `compute` holds in memory; chunks and blocks of wider rows have fewer rows.
    padding : int, default=256
        Number of rows to which a chunk is padded on a CPU; a smaller number than the default is for single rows.

    Returns
    -------
    ndarray (N, ...)
        Results of all rows, in order.
    """
    check_fork(device)

    def run(chunk: np.ndarray, padding: int) -> np.ndarray:
        rows = with_padding(encode(chunk), device, padding)
        with torch.inference_mode():
            parts = map_blocks(compute, rows, width)
            return finish([part[:, : len(chunk)] for part in parts], chunk)

    if has_fixed_launches(device):
        size = padding = launch_size(width, table[0].size)
    else:
        size = min(_MAX_ROWS, multiple_within(4 * _IN_BLOCK // width), multiple_within(_IN_CHUNK // table[0].size))
    run_in_memory = partial(_run_in_memory, run, padding=padding)
    with limit_threads(1), workspace(frozen=True):
        if len(table) <= size:
            return run_in_memory(table)
        first = run_in_memory(table[:PADDING])  # determines the shape of all results, before other threads start
    starts = range(PADDING, len(table), size)
    numbers = np.empty((len(table), *first.shape[1:]), dtype=first.dtype)
    numbers[:PADDING] = first

    def fill(starts: Iterator[int]) -> None:
        with limit_threads(1), workspace(frozen=True):
            for start in starts:
                numbers[start : start + size] = run_in_memory(table[start : start + size])

    left = iter(starts)  # shared iterator: each worker takes the next chunk
    workers = min(len(starts), torch.get_num_threads()) if device.type == "cpu" else 1
    if workers == 1:
        fill(left)
    else:
        with thread_pool(workers) as pool:
            list(pool.map(fill, [left] * workers))
    return numbers


def map_blocks(compute: Compute, rows: torch.Tensor, width: int) -> list[torch.Tensor]:
    """Run `compute` on rows (1, B, D) and return contiguous tensors (M, B, T).

    B must be a multiple of 256. On a CPU the rows run in blocks, so that the output of each layer stays in the cache.
    """
    size = min(_BLOCK_ROWS, multiple_within(_IN_BLOCK // width)) if rows.device.type == "cpu" else rows.shape[1]
    if rows.shape[1] <= size:
        return [part.contiguous() for part in compute(rows)]
    joined: list[torch.Tensor] = []
    for start in range(0, rows.shape[1], size):
        parts = compute(rows[:, start : start + size])
        joined = joined or [_allocate(part, rows.shape[1], number) for number, part in enumerate(parts)]
        for whole, part in zip(joined, parts, strict=True):
            whole[:, start : start + size] = part
    return joined


def _allocate(part: torch.Tensor, n_rows: int, number: int) -> torch.Tensor:
    return empty(("blocks", number), (len(part), n_rows, *part.shape[2:]), part)


def with_padding(rows: np.ndarray, device: torch.device, padding: int = PADDING) -> torch.Tensor:
    """Convert float32 rows (n, D) to a tensor (1, B, D), padded with zeros to a multiple of `padding` rows."""
    # Allocated by torch, which aligns memory: rounding in matrix products may also depend on the alignment.
    filled = torch.empty((1, -(-len(rows) // padding) * padding, rows.shape[1]), dtype=torch.float32, device="cpu")
    filled[0, : len(rows)] = torch.from_numpy(rows)
    filled[0, len(rows) :] = 0
    return filled.to(device)


def to_numpy(rows: torch.Tensor) -> np.ndarray:
    """Return a tensor as a float64 array."""
    return rows.cpu().numpy().astype(np.float64)


def mean_of_members(part: torch.Tensor) -> np.ndarray:
    """Return the mean of the members (M, n, T) as a float64 array (n, T)."""
    return to_numpy(part.mean(dim=0) if len(part) > 1 else part[0])


def multiple_within(n_rows: int) -> int:
    """Return the largest multiple of `PADDING` that is at most `n_rows`, or `PADDING` if this is larger."""
    return max(1, n_rows // PADDING) * PADDING


def has_fixed_launches(device: torch.device) -> bool:
    """Return True if all launches on a device must have the same number of rows."""
    return device.type != "cpu"


def launch_size(width: int, n_columns: int) -> int:
    """Return the number of rows in all launches of a function on an accelerator, a multiple of `PADDING`.

    Parameters
    ----------
    width : int
        Number of elements per row in the largest tensor of the function.
    n_columns : int
        Number of columns of the rows.
    """
    return multiple_within(min(_LAUNCH_ROWS, _IN_LAUNCH // width, _LAUNCH_CELLS // n_columns))


def _run_in_memory(run: Run, chunk: np.ndarray, padding: int) -> np.ndarray:
    """Run a chunk; in halves, repeatedly, if the device has too little memory."""
    try:
        return run(chunk, padding)
    except RuntimeError as error:
        most = max(len(chunk), padding)
        if most <= PADDING or not is_out_of_memory(error):
            raise
    half = -(-most // (2 * PADDING)) * PADDING
    parts = [chunk[start : start + half] for start in range(0, len(chunk), half)]
    return np.concatenate([_run_in_memory(run, part, min(padding, half)) for part in parts])
