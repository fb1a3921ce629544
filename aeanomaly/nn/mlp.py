"""A stack of layers with an activation between them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from aeanomaly.nn.activations import ACTIVATIONS
from aeanomaly.nn.linear import StackedLinear
from aeanomaly.streams import MemberKey


class StackedMLP(nn.Module):
    """M multilayer perceptrons side by side.

    Parameters
    ----------
    n_members : int
        M.
    widths : sequence of int
        Width of the input, of each hidden layer, and of the output.
    activation, output_activation : str
        Names from ``ACTIVATIONS``: between the layers, and after the last.

    Notes
    -----
    Shape: input (M, B, widths[0]), output (M, B, widths[-1]).
    """

    layers: Any  # nn.ModuleList of StackedLinear

    def __init__(self, n_members: int, widths: Sequence[int], activation: str, output_activation: str = "identity"):
        super().__init__()
        self.layers = nn.ModuleList(StackedLinear(n_members, a, b) for a, b in pairwise(widths))
        self.activation = activation
        self.output_activation = output_activation

    @property
    def activations(self) -> list[str]:
        """Name of the activation after each layer."""
        return [self.activation] * (len(self.layers) - 1) + [self.output_activation]

    def reset(self, keys: Sequence[MemberKey], purpose: str, *, from_code: bool = False) -> None:
        """Draw all weights; `from_code` says that the input is the code (see `StackedLinear.reset`)."""
        for number, layer in enumerate(self.layers):
            layer.reset(keys, f"{purpose}.{number}", by_input=from_code and number == 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer, name in zip(self.layers, self.activations, strict=True):
            x = ACTIVATIONS[name].function(layer(x))
        return x
