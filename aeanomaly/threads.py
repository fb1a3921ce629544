"""Limit of the number of torch threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


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
