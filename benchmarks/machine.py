"""Measurement of the matrix-product rate, operations, time, threads and peak memory."""

import contextlib
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

_STATUS = Path("/proc/self/status")
_LOOK_EVERY = 0.005
_SIDE = 1024


def matrix_product_rate(seconds: float = 0.5) -> float:
    """Return the operations per second of a large float32 matrix product with the current torch threads."""
    left, right = torch.rand(2, _SIDE, _SIDE)
    out = torch.empty(_SIDE, _SIDE)
    torch.mm(left, right, out=out)
    times: list[float] = []
    while sum(times) < seconds:
        times.append(timed(lambda: torch.mm(left, right, out=out)))
    return 2 * _SIDE**3 / statistics.median(times)


def operations_of_row(widths: Sequence[int], *, training: bool) -> int:
    """Return the floating-point operations of the matrix products of a network per row, by its widths."""
    first, *rest = (2 * n_in * n_out for n_in, n_out in pairwise(widths))
    # The backward pass costs twice the forward pass, except in the first layer, which needs no gradient of the rows.
    return 2 * first + 3 * sum(rest) if training else first + sum(rest)


def timed(call: Callable[[], object]) -> float:
    """Return the duration of a call in seconds."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@contextlib.contextmanager
def threads(n: int) -> Iterator[None]:
    """Limit the number of threads in torch and in the thread pools of numpy and scikit-learn."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        with threadpool_limits(limits=n):
            yield
    finally:
        torch.set_num_threads(before)


class Peak:
    """Peak memory of the process in anonymous pages, in bytes, minus its initial memory.

    Mapped files are not included, because the system can drop their pages. NaN on systems without /proc.
    """

    extra = float("nan")


@contextlib.contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measure the peak memory of this process within the block."""
    peak, stop = Peak(), threading.Event()
    if not _STATUS.exists():
        yield peak
        return
    before = _anonymous_bytes()
    seen = [before]

    def watch() -> None:
        while not stop.wait(_LOOK_EVERY):
            seen.append(_anonymous_bytes())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        stop.set()
        watcher.join()
        peak.extra = float(max(*seen, _anonymous_bytes()) - before)


def _anonymous_bytes() -> int:
    found = re.search(r"RssAnon:\s+(\d+) kB", _STATUS.read_text())
    return 1024 * int(found[1]) if found else 0
