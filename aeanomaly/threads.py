"""Threads: the limit of their number in torch, pools, and forked processes."""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import torch

#: Threads of this process that exist in the operating system; only Linux has this folder.
_TASKS = Path("/proc/self/task")
#: Maximum number of seconds for the end of threads that Python has already joined.
_LONGEST_END = 1.0

# A forked child process inherits the thread pool of torch without its threads, and would wait for them forever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


@contextmanager
def limit_threads(n_threads: int) -> Iterator[None]:
    """Limit the torch threads of the calling thread to `n_threads`; the previous setting is restored."""
    before = torch.get_num_threads()
    if before <= n_threads:
        yield
        return
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def thread_pool(n_threads: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of threads that are gone when the context is left.

    Python joins a thread before the operating system ends it. Between the two, the thread frees its memory of MKL under
    a lock, and a process that is forked then inherits the lock and waits for it forever.
    """
    numbers: set[int] = set()
    try:
        with ThreadPoolExecutor(n_threads, initializer=lambda: numbers.add(threading.get_native_id())) as pool:
            yield pool
    finally:
        end = time.monotonic() + _LONGEST_END
        while any((_TASKS / str(number)).exists() for number in numbers) and time.monotonic() < end:
            time.sleep(1e-5)


def check_fork(device: torch.device) -> None:
    """Raise a RuntimeError if this process was forked from one that used the device, which then works there only."""
    if device.type == "cuda" and torch.cuda._is_in_bad_fork():
        raise RuntimeError(
            f"{device} cannot be used in a process that was forked from one that uses CUDA; start processes by spawn "
            "or with joblib's default back end, or set device='cpu'"
        )
