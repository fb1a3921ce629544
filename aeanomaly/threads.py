"""Number of torch threads: its limit, and torch and CUDA in forked processes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

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


def check_fork(device: torch.device) -> None:
    """Raise a RuntimeError if this process was forked from one that used the device, which then works there only."""
    if device.type == "cuda" and torch.cuda._is_in_bad_fork():
        raise RuntimeError(
            f"{device} cannot be used in a process that was forked from one that uses CUDA; start processes by spawn "
            "or with joblib's default back end, or set device='cpu'"
        )
