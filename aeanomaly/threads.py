"""Torch's own threads, bounded for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def limit_threads(n_threads: int) -> Iterator[None]:
    """Let the calling thread use so many of torch's threads; its own setting is restored."""
    before = torch.get_num_threads()
    if before <= n_threads:
        yield
        return
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
