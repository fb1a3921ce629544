"""Output buffers that layers reuse."""

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
    """Let layers reuse their output buffers in this thread, when called without gradients.

    Reuse avoids page faults, which cost more than the arithmetic of small layers. With `frozen` weights, values
    derived from the weights are cached as well. A workspace within another one has its own buffers.
    """
    outer = _WORKSPACE.tensors, _WORKSPACE.frozen
    _WORKSPACE.tensors, _WORKSPACE.frozen = {}, frozen
    try:
        yield
    finally:
        _WORKSPACE.tensors, _WORKSPACE.frozen = outer


def buffer(owner: Hashable, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor | None:
    """Return the owner's buffer of this shape; None outside of a workspace or if gradients are enabled."""
    tensors = _WORKSPACE.tensors
    if tensors is None or torch.is_grad_enabled():
        return None
    key = (owner, shape)
    if key not in tensors:
        tensors[key] = like.new_empty(shape)
    return tensors[key]


def empty(owner: Hashable, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
    """Return the output of `buffer`, or a new tensor if it is None."""
    tensor = buffer(owner, shape, like)
    return like.new_empty(shape) if tensor is None else tensor


def cached(owner: Hashable, make: Callable[[], Any]) -> Any:
    """Return ``make()``, cached per owner in a workspace with frozen weights."""
    tensors = _WORKSPACE.tensors
    if tensors is None or not _WORKSPACE.frozen or torch.is_grad_enabled():
        return make()
    key = (owner, "cached")
    if key not in tensors:
        tensors[key] = make()
    return tensors[key]
