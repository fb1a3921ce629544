"""A stack of layers with an activation between them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from aeanomaly.nn.activations import ACTIVATIONS, SOFTMAX
from aeanomaly.nn.linear import StackedLinear
from aeanomaly.nn.prototypes import Examples, StackedPrototypes
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
        Names from ``ACTIVATIONS``: between the layers, and after the last. A layer before a softmax holds
        prototypes, any other an affine map.
    input_activation : str, default="identity"
        The activation that the input comes from.
    output_sizes : sequence of int (M,), optional
        Output units that each member uses, the first ones, the others being 0; by default all.

    Notes
    -----
    Shape: input (M, B, widths[0]), output (M, B, widths[-1]).
    """

    layers: Any  # nn.ModuleList of StackedLinear and StackedPrototypes
    used: torch.Tensor | None

    def __init__(
        self,
        n_members: int,
        widths: Sequence[int],
        activation: str,
        output_activation: str = "identity",
        input_activation: str = "identity",
        output_sizes: Sequence[int] | None = None,
    ):
        super().__init__()
        #: Name of the activation after each layer, and before the first.
        self.activations = [activation] * (len(widths) - 2) + [output_activation]
        self.input_activation = input_activation
        self.layers = nn.ModuleList()
        for number, (n_inputs, n_outputs) in enumerate(pairwise(widths)):
            if self.activations[number] == SOFTMAX:
                sizes = output_sizes if number == len(widths) - 2 else None
                self.layers.append(StackedPrototypes(n_members, n_inputs, n_outputs, sizes))
            else:
                active = 1 if self._before[number] == SOFTMAX else None
                self.layers.append(StackedLinear(n_members, n_inputs, n_outputs, active_inputs=active))
        masked = output_sizes is not None and output_activation != SOFTMAX
        used = torch.arange(widths[-1], device="cpu") < torch.tensor(output_sizes or [0], device="cpu").view(-1, 1, 1)
        self.register_buffer("used", used.float() if masked else None, persistent=False)

    @property
    def _before(self) -> list[str]:
        return [self.input_activation, *self.activations[:-1]]

    @property
    def recalls(self) -> bool:
        """Whether the last layer is an affine map behind prototypes."""
        return self._before[-1] == SOFTMAX and self.activations[-1] != SOFTMAX

    def reset(
        self,
        keys: Sequence[MemberKey],
        purpose: str,
        *,
        examples: Examples | None = None,
        from_code: bool = False,
        targets: torch.Tensor | None = None,
    ) -> Examples | None:
        """Draw all weights.

        Parameters
        ----------
        keys : sequence of MemberKey
        purpose : str
            Name of the streams that weights are drawn from.
        examples : Examples, optional
            Rows as they come in, for layers of prototypes to start at; what goes out is returned.
        from_code : bool
            Whether the input is the code (see `StackedLinear.reset`).
        targets : Tensor (M, E, n_outputs), optional
            What the last layer, if it is behind prototypes, shall call up for each example.
        """
        names = zip(self._before, self.activations, strict=True)
        for number, (layer, (before, after)) in enumerate(zip(self.layers, names, strict=True)):
            last = number == len(self.layers) - 1
            stream = f"{purpose}.{number}"
            if after == SOFTMAX:
                layer.start_at(examples)
            elif before != SOFTMAX:
                layer.reset(keys, stream, by_input=from_code and number == 0)
            elif last and targets is not None:
                layer.recall(targets)
            else:
                # As an affine map of the rows themselves, which it sees as the prototypes recall them.
                assert examples is not None
                drawn = StackedLinear(len(keys), examples.recalled.shape[2], layer.weight.shape[2])
                layer.recall(drawn.reset(keys, stream)(examples.recalled))
            if examples is not None:
                examples = examples.through(layer, ACTIVATIONS[after].function)
        return examples

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer, name in zip(self.layers, self.activations, strict=True):
            x = ACTIVATIONS[name].function(layer(x))
        return x if self.used is None else x * self.used
