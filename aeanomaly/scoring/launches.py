"""Loop over rows on an accelerator, in launches with one fixed number of rows."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import torch

from aeanomaly.graphs import Replay, free_unused
from aeanomaly.memory import is_out_of_memory
from aeanomaly.nn import has_float64, workspace
from aeanomaly.scoring.chunks import PADDING, launch_size, multiple_within
from aeanomaly.scoring.transfer import BLOCK_BYTES, blocks_on_device, tensor_dtype
from aeanomaly.threads import check_fork

#: Maximum number of rows whose results are held on the device.
_HELD_ROWS = 1 << 22
#: Dtypes with numbers that float32 does not hold exactly.
_WIDE = (torch.float64, torch.int64, torch.int32, torch.uint64, torch.uint32)

#: Function from rows of a table (R, F) to a number for each, (R,) float64, without any wait for the device.
Compute = Callable[[torch.Tensor], torch.Tensor]
T = TypeVar("T")


def has_launches(device: torch.device) -> bool:
    """Return True if rows can be scored in `Launches` on a device, an accelerator with float64."""
    return device.type != "cpu" and has_float64(device)


@dataclass(frozen=True)
class Launches:
    """Function of single rows on an accelerator, for any number of rows.

    Products are chosen by shape, and all launches have one number of rows. It depends on the function only, so that
    the result of a row is bitwise equal for the row alone, in any table and in any order. A launch that exceeds the
    memory of the device is halved, repeatedly.

    Attributes
    ----------
    compute : callable
        See `Compute`.
    n_columns : int
        Number of columns of the rows, F.
    width : int
        Number of elements per row in the largest tensor of `compute`.
    device : torch.device
    """

    compute: Compute
    n_columns: int
    width: int
    device: torch.device

    @property
    def size(self) -> int:
        """Number of rows in a launch, R: a multiple of 256."""
        return launch_size(self.width, self.n_columns)

    def of_table(self, table: np.ndarray) -> np.ndarray:
        """Return the results for a table (N, F) on the host, (N,)."""
        return self._in_memory(partial(self._of_table, table))

    def of_tensor(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the results for rows (N, F) of any real dtype on the device, (N,) on the device."""
        return self._in_memory(partial(self._of_tensor, rows))

    def _of_table(self, table: np.ndarray, size: int) -> np.ndarray:
        dtype, found = tensor_dtype(table.dtype), np.empty(len(table))
        launch = _Launch(self, size, dtype, n_launches=-(-len(table) // size))
        of_block = size * max(1, BLOCK_BYTES // (size * self.n_columns * dtype.itemsize))
        held = torch.empty(min(len(table), _HELD_ROWS), dtype=torch.float64, device=self.device)
        for start in range(0, len(table), _HELD_ROWS):
            part = table[start : start + _HELD_ROWS]
            launch.fill(held, blocks_on_device(part, of_block, self.device))
            found[start : start + len(part)] = held[: len(part)].cpu().numpy()
        return found

    def _of_tensor(self, rows: torch.Tensor, size: int) -> torch.Tensor:
        dtype = torch.float64 if rows.dtype in _WIDE else torch.float32
        found = torch.empty(len(rows), dtype=torch.float64, device=self.device)
        _Launch(self, size, dtype, n_launches=-(-len(rows) // size)).fill(found, [rows])
        return found

    def _in_memory(self, run: Callable[[int], T]) -> T:
        """Run a function of the number of rows in a launch; with smaller launches if the device lacks memory."""
        check_fork(self.device)
        size, has_freed = self.size, False
        while True:
            try:
                with _current(self.device), workspace(frozen=True):
                    return run(size)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if not has_freed and free_unused():  # once, as every attempt may leave memory of graphs
                    has_freed = True
                    continue
                if size <= PADDING:
                    raise
            size = multiple_within(size // 2)


class _Launch:
    """Launches of one call: they read and write the same tensors, so that a graph can repeat their operations."""

    def __init__(self, launches: Launches, size: int, dtype: torch.dtype, n_launches: int):
        device = launches.device
        self._compute = launches.compute
        self._rows = torch.zeros((size, launches.n_columns), dtype=dtype, device=device)
        self._results = torch.empty(size, dtype=torch.float64, device=device)
        self._replay = Replay(device, n_expected=n_launches)

    def _body(self) -> None:
        """Compute the results of the current rows."""
        with torch.inference_mode():
            self._results.copy_(self._compute(self._rows))

    def fill(self, results: torch.Tensor, blocks: Iterable[torch.Tensor]) -> None:
        """Write the results for consecutive blocks of rows (n, F)."""
        size, place = len(self._rows), 0
        for block in blocks:
            for start in range(0, len(block), size):
                part = block[start : start + size]
                self._rows[: len(part)] = part  # further rows are those of an earlier launch, or 0
                self._replay.run(self._body)
                results[place : place + len(part)] = self._results[: len(part)]
                place += len(part)


def _current(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which new streams and graphs are those of the device."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
