"""Memory that layers use again and again."""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


class _ThreadState(threading.local):
    tensors: dict[Hashable, Any] | None = None
    frozen: bool = False


_WORKSPACE = _ThreadState()


@contextmanager
def workspace(*, frozen: bool = False) -> Iterator[None]:
    """Let layers that this thread calls without gradients write each output over their last one, until the end.

    The system takes the pages of freed tensors back at its whim; to get them again costs more than the
    arithmetic in between. With `frozen` weights, what is made of them is made once, too.
    """
    if _WORKSPACE.tensors is not None:
        yield
        return
    _WORKSPACE.tensors, _WORKSPACE.frozen = {}, frozen
    try:
        yield
    finally:
        _WORKSPACE.tensors, _WORKSPACE.frozen = None, False


def buffer(owner: Hashable, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor | None:
    """The owner's tensor of this shape, to be written over; None outside of a workspace, and where gradients are on."""
    tensors = _WORKSPACE.tensors
    if tensors is None or torch.is_grad_enabled():
        return None
    key = (owner, shape)
    if key not in tensors:
        tensors[key] = like.new_empty(shape)
    return tensors[key]


def empty(owner: Hashable, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
    """As `buffer`, and new memory where there is no workspace."""
    tensor = buffer(owner, shape, like)
    return like.new_empty(shape) if tensor is None else tensor


def cached(owner: Hashable, make: Callable[[], Any]) -> Any:
    """What `make` makes of the owner's weights: the last time's, in a workspace where these are frozen."""
    tensors = _WORKSPACE.tensors
    if tensors is None or not _WORKSPACE.frozen or torch.is_grad_enabled():
        return make()
    key = (owner, "cached")
    if key not in tensors:
        tensors[key] = make()
    return tensors[key]
