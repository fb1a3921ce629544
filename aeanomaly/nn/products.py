"""The matrix products of the layers: fast in training, the same to the bit for a row in any batch in scoring."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from aeanomaly.nn.buffers import buffer, cached

#: Widths that are multiples of this leave no ragged edge.
_TILE = 16
#: Products with fewer outputs than this are slow.
_NARROW = 32


def affine_map(owner: Any, bias: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return bias (M, 1 or B, out) + x (M, B, in) @ weight (M, in, out), one batched product.

    Without gradients, a row's bits do not depend on its place in the batch, where that is a multiple of 256 long.
    """
    short = -weight.shape[2] % _TILE
    if short == 0 or is_narrowing(weight.shape) or torch.is_grad_enabled():
        return fast_affine_map(owner, bias, x, weight)
    # At the ragged edge of a product a row would round by its place in the batch: scores must not.
    padded_weight = cached((owner, "padded"), lambda: functional.pad(weight, (0, short)))
    return fast_affine_map(owner, functional.pad(bias, (0, short)), x, padded_weight)[:, :, :-short]


def fast_affine_map(owner: Any, bias: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The same for training: as fast as can be."""
    members, size, n_outputs = len(x), x.shape[1], weight.shape[2]
    if is_narrowing(weight.shape):
        out = buffer(owner, (members, n_outputs, size), x)
        return torch.baddbmm(bias.mT, weight.mT, x.mT, out=out).mT
    return torch.baddbmm(bias, x, weight, out=buffer(owner, (members, size, n_outputs), x))


def input_gradient(owner: nn.Module, gradient: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return gradient (M, B, out) @ weight.mT, which is that of x."""
    out = buffer((owner, "gradient"), (*gradient.shape[:2], weight.shape[1]), gradient)
    return torch.bmm(gradient, weight.mT, out=out)


def write_weight_gradient(by_weight: torch.Tensor, x: torch.Tensor, gradient: torch.Tensor) -> None:
    """Write x.mT @ gradient into the gradient (M, in, out) of a weight."""
    left, right, out = x, gradient, by_weight
    if is_narrowing(by_weight.shape):
        left, right, out = gradient, x, by_weight.mT
    if out.is_contiguous():
        torch.bmm(left.mT, right, out=out)
    else:  # member by member it would go, slowly
        out.copy_(torch.bmm(left.mT, right, out=buffer("gradient of a weight", out.shape, out)))


def grad(parameter: nn.Parameter) -> torch.Tensor:
    """Where the gradient of a parameter goes: training has laid it out."""
    assert parameter.grad is not None
    return parameter.grad


def is_narrowing(shape: Sequence[int]) -> bool:
    """Whether a weight (M, in, out) has few outputs, and fewer than inputs.

    It is then worked with the other way round, and so kept in memory in training: wide products are up to
    twice as fast as narrow ones.
    """
    return shape[2] < min(shape[1], _NARROW)
