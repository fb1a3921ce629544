"""Matrix products of the layers: fast in training; in scoring, bitwise independent of the batch."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from aeanomaly.nn.buffers import buffer, cached

#: Output widths are padded to a multiple of this in scoring.
_TILE = 16
#: Number of outputs below which a product is slow.
_NARROW = 32


def affine_map(owner: Any, bias: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return bias (M, 1 or B, out) + x (M, B, in) @ weight (M, in, out), one batched product.

    Without gradients, the bits of a row do not depend on its position in a batch whose size is a multiple of 256.
    """
    short = -weight.shape[2] % _TILE
    if short == 0 or is_narrowing(weight.shape) or torch.is_grad_enabled():
        return fast_affine_map(owner, bias, x, weight)
    # Without padding, rounding at the edge of the product depends on the position of a row in the batch.
    padded_weight = cached((owner, "padded"), lambda: functional.pad(weight, (0, short)))
    return fast_affine_map(owner, functional.pad(bias, (0, short)), x, padded_weight)[:, :, :-short]


def fast_affine_map(owner: Any, bias: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Compute `affine_map` without padding, for training."""
    members, size, n_outputs = len(x), x.shape[1], weight.shape[2]
    if is_narrowing(weight.shape):
        out = buffer(owner, (members, n_outputs, size), x)
        return torch.baddbmm(bias.mT, weight.mT, x.mT, out=out).mT
    return torch.baddbmm(bias, x, weight, out=buffer(owner, (members, size, n_outputs), x))


def row_sums(values: torch.Tensor) -> torch.Tensor:
    """Return the sums over the last axis, (..., n) -> (...), whose bits do not depend on the position of a row."""
    if values.device.type != "cpu":  # CUDA adds the first elements separately if a row is not aligned to four of them
        values = functional.pad(values, (0, -values.shape[-1] % 4))
    return values.sum(dim=-1)


def input_gradient(owner: nn.Module, gradient: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the gradient of x: gradient (M, B, out) @ weight.mT."""
    out = buffer((owner, "gradient"), (*gradient.shape[:2], weight.shape[1]), gradient)
    return torch.bmm(gradient, weight.mT, out=out)


def write_weight_gradient(by_weight: torch.Tensor, x: torch.Tensor, gradient: torch.Tensor) -> None:
    """Write x.mT @ gradient into the gradient (M, in, out) of a weight."""
    left, right, out = x, gradient, by_weight
    if is_narrowing(by_weight.shape):
        left, right, out = gradient, x, by_weight.mT
    if out.is_contiguous():
        torch.bmm(left.mT, right, out=out)
    else:  # bmm into a transposed tensor is slow
        out.copy_(torch.bmm(left.mT, right, out=buffer("gradient of a weight", out.shape, out)))


def grad(parameter: nn.Parameter) -> torch.Tensor:
    """Return the gradient tensor of a parameter, allocated by `FlatParameters`."""
    assert parameter.grad is not None
    return parameter.grad


def is_narrowing(shape: Sequence[int]) -> bool:
    """Return True if a weight (M, in, out) has few outputs, and fewer outputs than inputs.

    Products with such a weight are computed transposed, and training stores it transposed: this is up to twice as
    fast.
    """
    return shape[2] < min(shape[1], _NARROW)
