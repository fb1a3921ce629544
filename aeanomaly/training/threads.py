"""How many threads a training step deserves."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

#: Multiplications in a step's forward pass below which threads cost more than they give, and
#: far more where other processes want the same cores.
_WORTH_THREADS = 1 << 24


@contextmanager
def step_threads(multiplications: int) -> Iterator[None]:
    """Run small steps on one thread of the calling thread's own setting, which is restored."""
    before = torch.get_num_threads()
    try:
        if multiplications < _WORTH_THREADS:
            torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)
