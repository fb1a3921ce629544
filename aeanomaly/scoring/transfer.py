"""Copies of tables from the host to an accelerator, in large blocks through pinned memory."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import torch

#: Bytes of a block: large enough for the full bandwidth, small enough for pinned memory.
BLOCK_BYTES = 1 << 24
#: Number of threads that fill pinned memory, as one thread is slower than the copy to the device.
_WRITERS = 4


def tensor_dtype(dtype: np.dtype) -> torch.dtype:
    """Return the dtype that numbers have on a device: float32 if it holds them exactly, else float64."""
    return torch.float32 if np.can_cast(dtype, np.float32) else torch.float64


def to_device(table: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy a table (N, F) of any real dtype and memory order to a device, with the dtype of `tensor_dtype`.

    The host does not wait for the last block.
    """
    whole = torch.empty(table.shape, dtype=tensor_dtype(table.dtype), device=device)
    size = max(1, BLOCK_BYTES * len(table) // max(1, whole.nbytes))
    for number, block in enumerate(blocks_on_device(table, size, device)):
        whole[number * size : number * size + len(block)] = block
    return whole


def blocks_on_device(table: np.ndarray, size: int, device: torch.device) -> Iterator[torch.Tensor]:
    """Yield consecutive blocks of up to `size` rows of a table (N, F) on a device; `tensor_dtype` is their dtype.

    A block is valid until the next one is requested. On CUDA the host waits for no copy that is under way: while the
    device computes with a block, the next one is written to pinned memory and copied.

    Parameters
    ----------
    table : ndarray (N, F)
        Table of any real dtype and memory order.
    size : int
        Number of rows in a block, except for the last one.
    device : torch.device
    """
    shape, starts = (min(size, len(table)), *table.shape[1:]), range(0, len(table), size)
    dtype = tensor_dtype(table.dtype)
    stagings = [_staging(shape, dtype, device) for _ in starts[:2]]
    with _writers(table) as pool:
        for number, start in enumerate(starts):
            staging, part = stagings[number % 2], table[start : start + size]
            staging.await_host()
            _write(part, staging.host.numpy()[: len(part)], pool)
            yield staging.send(len(part))
            staging.release()


class _Staging:
    """Memory of a block on the host and on a device."""

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device):
        self.host = torch.empty(shape, dtype=dtype, device="cpu", pin_memory=device.type == "cuda")
        self.block = torch.empty(shape, dtype=dtype, device=device)

    def await_host(self) -> None:
        """Wait until the memory on the host may be overwritten."""

    def send(self, n_rows: int) -> torch.Tensor:
        """Copy the first rows to the device, and return them there."""
        return self.block[:n_rows].copy_(self.host[:n_rows])

    def release(self) -> None:
        """Permit the next copy to overwrite the block, after all work that is queued now."""


class _PinnedStaging(_Staging):
    """Staging on CUDA, whose copies run in a stream beside that of the computation."""

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device):
        super().__init__(shape, dtype, device)
        self._copies = _copy_stream(device)
        self._copied, self._released = torch.cuda.Event(), torch.cuda.Event()
        self._device = device
        self.block.record_stream(self._copies)
        self.release()  # earlier work may still use the memory of the block

    def await_host(self) -> None:
        self._copied.synchronize()

    def send(self, n_rows: int) -> torch.Tensor:
        self._copies.wait_event(self._released)
        with torch.cuda.stream(self._copies):
            self.block[:n_rows].copy_(self.host[:n_rows], non_blocking=True)
            self._copied.record(self._copies)
        torch.cuda.current_stream(self._device).wait_event(self._copied)
        return self.block[:n_rows]

    def release(self) -> None:
        self._released.record(torch.cuda.current_stream(self._device))


class _ThreadStreams(threading.local):
    """Streams of a thread for its copies, one for each device, because torch has few streams."""

    def __init__(self) -> None:
        self.by_device: dict[torch.device, torch.cuda.Stream] = {}


_STREAMS = _ThreadStreams()


def _copy_stream(device: torch.device) -> torch.cuda.Stream:
    if device not in _STREAMS.by_device:
        _STREAMS.by_device[device] = torch.cuda.Stream(device)
    return _STREAMS.by_device[device]


def _staging(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> _Staging:
    return (_PinnedStaging if device.type == "cuda" else _Staging)(shape, dtype, device)


@contextmanager
def _writers(table: np.ndarray) -> Iterator[ThreadPoolExecutor | None]:
    """Yield a pool of threads that write large blocks; None for a small table, or with a single core."""
    n_threads = min(_WRITERS, os.cpu_count() or 1)
    if n_threads == 1 or table.nbytes <= BLOCK_BYTES:
        yield None
        return
    with ThreadPoolExecutor(n_threads) as pool:
        yield pool


def _write(part: np.ndarray, into: np.ndarray, pool: ThreadPoolExecutor | None) -> None:
    """Write rows into an array of another dtype or memory order."""
    if pool is None:
        np.copyto(into, part)
        return
    size = -(-len(part) // _WRITERS)
    places = [slice(start, start + size) for start in range(0, len(part), size)]
    list(pool.map(lambda place: np.copyto(into[place], part[place]), places))
