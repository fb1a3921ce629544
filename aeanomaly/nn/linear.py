"""Affine layer: M affine maps in one batched matrix product."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from aeanomaly.nn.activations import PullBack
from aeanomaly.nn.missing import split_missing
from aeanomaly.nn.products import affine_map, fast_affine_map, grad, input_gradient, write_weight_gradient
from aeanomaly.streams import MemberKey, numpy_stream


class StackedLinear(nn.Module):
    """Stack of M affine maps, computed by one batched matrix product.

    Parameters
    ----------
    n_members, n_inputs, n_outputs : int
        Number of members M, input width and output width.
    active_inputs : int, optional
        Number of inputs that are active at a time, which scales the learning rate (see `FlatParameters`). All by
        default.
    allow_nan : bool, default=False
        Accept missing inputs (NaN). They count as 0, and each adds a learned row of ``absent_weight``, which has
        the shape of ``weight`` and is initialized to 0.

    Notes
    -----
    Shape: input (M, B, n_inputs), output (M, B, n_outputs); ``weight`` (M, n_inputs, n_outputs),
    ``bias`` (M, 1, n_outputs).

    Examples
    --------
    >>> layer = StackedLinear(3, 5, 2).reset([MemberKey(0, m) for m in range(3)], "layer")
    >>> layer(torch.zeros(3, 7, 5)).shape
    torch.Size([3, 7, 2])
    """

    absent_weight: nn.Parameter

    def __init__(
        self,
        n_members: int,
        n_inputs: int,
        n_outputs: int,
        *,
        active_inputs: int | None = None,
        allow_nan: bool = False,
    ):
        super().__init__()
        self.allow_nan = allow_nan
        self.active_inputs = active_inputs or n_inputs
        self.weight = nn.Parameter(torch.zeros(n_members, n_inputs, n_outputs, dtype=torch.float32, device="cpu"))
        self.bias = nn.Parameter(torch.zeros(n_members, 1, n_outputs, dtype=torch.float32, device="cpu"))
        if allow_nan:
            self.absent_weight = nn.Parameter(torch.zeros_like(self.weight))

    def reset(self, keys: Sequence[MemberKey], purpose: str, *, by_input: bool = False) -> "StackedLinear":
        """Draw uniform weights of variance 1 / (3 n_inputs), each member from its own stream.

        Units are drawn one after another: output units by default, input units with `by_input`. With the code as
        input, the weights of a narrower code are then a prefix of those of a wider one.
        """
        n_inputs, n_outputs = self.weight.shape[1:]
        bound = n_inputs**-0.5
        with torch.no_grad():
            for member, key in enumerate(keys):
                stream = numpy_stream(key, purpose)
                if by_input:
                    drawn = stream.uniform(-bound, bound, (n_inputs, n_outputs))
                else:
                    drawn = stream.uniform(-bound, bound, (n_outputs, n_inputs)).T
                self.weight[member] = torch.from_numpy(drawn.astype("float32", order="C"))
            self.bias.zero_()
            if self.allow_nan:
                self.absent_weight.zero_()
        return self

    def set_outputs(self, values: torch.Tensor) -> None:
        """Set the weights so that the k-th unit vector maps to row k of `values` (M, E, n_outputs)."""
        with torch.no_grad():
            self.weight.copy_(values[:, : self.weight.shape[1]])
            self.bias.zero_()

    def affine(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weight (M, n_inputs, n_outputs) and bias (M, 1, n_outputs)."""
        return self.weight, self.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.allow_nan:
            return affine_map(self, self.bias, x, self.weight)
        x, absent = split_missing(x)
        return affine_map((self, "missing"), affine_map(self, self.bias, x, self.weight), absent, self.absent_weight)

    def vjp(self, x: torch.Tensor, *, with_input: bool = True) -> tuple[torch.Tensor, PullBack]:
        """Return the output and its pullback (see `PullBack`), with the input gradient only if `with_input`."""
        absent = None
        if self.allow_nan:
            x, absent = split_missing(x)

        def pull_back(gradient: torch.Tensor) -> Any:
            write_weight_gradient(grad(self.weight), x, gradient)
            if absent is not None:
                write_weight_gradient(grad(self.absent_weight), absent, gradient)
            torch.sum(gradient, dim=1, keepdim=True, out=grad(self.bias))
            return input_gradient(self, gradient, self.weight) if with_input else None

        out = fast_affine_map(self, self.bias, x, self.weight)
        if absent is not None:
            out = fast_affine_map((self, "missing"), out, absent, self.absent_weight)
        return out, pull_back
