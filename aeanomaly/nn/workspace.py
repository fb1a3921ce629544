"""Memory that layers use again and again."""

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

import torch


class _OfThread(threading.local):
    tensors: dict[Hashable, torch.Tensor] | None = None


_WORKSPACE = _OfThread()


@contextmanager
def workspace() -> Iterator[None]:
    """Let layers that this thread calls without gradients write each output over their last one, until the end.

    The system takes the pages of freed tensors back at its whim; to get them again costs more than the
    arithmetic in between.
    """
    if _WORKSPACE.tensors is not None:
        yield
        return
    _WORKSPACE.tensors = {}
    try:
        yield
    finally:
        _WORKSPACE.tensors = None


def reused(owner: Hashable, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor | None:
    """The owner's tensor of this shape, to be written over; None outside of a workspace, and where gradients are on."""
    tensors = _WORKSPACE.tensors
    if tensors is None or torch.is_grad_enabled():
        return None
    key = (owner, shape)
    if key not in tensors:
        tensors[key] = like.new_empty(shape)
    return tensors[key]
