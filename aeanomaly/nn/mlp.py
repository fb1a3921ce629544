"""Stack of multilayer perceptrons."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from aeanomaly.nn.activations import ACTIVATIONS, RBF, PullBack
from aeanomaly.nn.linear import StackedLinear
from aeanomaly.nn.prototype_init import PrototypeInit
from aeanomaly.nn.prototypes import StackedPrototypes
from aeanomaly.streams import MemberKey


class StackedMLP(nn.Module):
    """Stack of M multilayer perceptrons.

    Parameters
    ----------
    n_members : int
        Number of members M.
    widths : sequence of int
        Width of the input, of each hidden layer, and of the output.
    activation, output_activation : str
        Activations between the layers and after the last one, names from ``ACTIVATIONS``. A layer before a softmax
        is a `StackedPrototypes`, any other a `StackedLinear`.
    input_activation : str, default="identity"
        Activation of the layer that produces the input.
    output_sizes : sequence of int (M,), optional
        Number of output units of each member, the first ones; the others are 0. All by default.
    allow_nan : bool, default=False
        Accept missing values (NaN) in the input.

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
        *,
        allow_nan: bool = False,
    ):
        super().__init__()
        #: Name of the activation after each layer.
        self.activations = [activation] * (len(widths) - 2) + [output_activation]
        self.input_activation = input_activation
        self.layers = nn.ModuleList()
        for number, (n_inputs, n_outputs) in enumerate(pairwise(widths)):
            first = allow_nan and number == 0
            if self.activations[number] == RBF:
                sizes = output_sizes if number == len(widths) - 2 else None
                self.layers.append(StackedPrototypes(n_members, n_inputs, n_outputs, sizes, allow_nan=first))
            else:
                active = 1 if self._before[number] == RBF else None
                self.layers.append(StackedLinear(n_members, n_inputs, n_outputs, active_inputs=active, allow_nan=first))
        masked = output_sizes is not None and output_activation != RBF
        used = torch.arange(widths[-1], device="cpu") < torch.tensor(output_sizes or [0], device="cpu").view(-1, 1, 1)
        self.register_buffer("used", used.float() if masked else None, persistent=False)

    @property
    def _before(self) -> list[str]:
        return [self.input_activation, *self.activations[:-1]]

    @property
    def follows_prototypes(self) -> bool:
        """True if the last layer is an affine map after a prototype layer."""
        return self._before[-1] == RBF and self.activations[-1] != RBF

    def reset(
        self,
        keys: Sequence[MemberKey],
        purpose: str,
        *,
        init: PrototypeInit | None = None,
        from_code: bool = False,
        targets: torch.Tensor | None = None,
    ) -> PrototypeInit | None:
        """Initialize all weights.

        Parameters
        ----------
        keys : sequence of MemberKey
        purpose : str
            Prefix of the names of the random streams.
        init : PrototypeInit, optional
            Input rows, needed to initialize prototype layers.
        from_code : bool, default=False
            True if the input is the code (see `StackedLinear.reset`).
        targets : Tensor (M, E, n_outputs), optional
            Initial output for each example, if the last layer follows a prototype layer.

        Returns
        -------
        init : PrototypeInit or None
            The rows after the last layer.
        """
        for number, layer in enumerate(self.layers):
            stream, of_prototypes = f"{purpose}.{number}", self.activations[number] == RBF
            if of_prototypes:
                layer.initialize(init, of_codes=from_code)
            elif self._before[number] != RBF:
                layer.reset(keys, stream, by_input=from_code and number == 0)
            elif targets is not None and number == len(self.layers) - 1:
                layer.set_outputs(targets)
            else:
                assert init is not None
                layer.set_outputs(_random_map(init.prototype_inputs, layer.weight.shape[2], keys, stream))
            if init is not None:
                init = init.propagate(partial(self._apply_layer, number), of_prototypes=of_prototypes)
        return init

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        in_place = not torch.is_grad_enabled()
        for layer, name in zip(self.layers, self.activations, strict=True):
            activation = ACTIVATIONS[name]
            x = (activation.in_place if in_place else activation.function)(layer(x))
        return x if self.used is None else x * self.used

    def masked(self, x: torch.Tensor) -> torch.Tensor:
        """Set unused output units of each member, or their gradients, to 0."""
        return x if self.used is None else x * self.used

    def vjp(self, x: torch.Tensor, *, with_input: bool = True) -> tuple[torch.Tensor, PullBack]:
        """Return the output and its pullback (see `PullBack`), with the input gradient only if `with_input`."""
        pulls: list[PullBack] = []
        for layer, activation in zip(self.layers, self.activations, strict=True):
            x, through_layer = layer.vjp(x, with_input=with_input or bool(pulls))
            x, through_activation = ACTIVATIONS[activation].vjp(x)
            pulls += [through_layer, through_activation]

        def pull_back(gradient: torch.Tensor) -> Any:
            gradient = self.masked(gradient)
            for pull in reversed(pulls):
                gradient = pull(gradient)
            return gradient

        return self.masked(x), pull_back

    def _apply_layer(self, number: int, x: torch.Tensor) -> torch.Tensor:
        """Apply a layer and its activation."""
        activation = ACTIVATIONS[self.activations[number]]
        return (activation.function if torch.is_grad_enabled() else activation.in_place)(self.layers[number](x))


def _random_map(rows: torch.Tensor, n_outputs: int, keys: Sequence[MemberKey], stream: str) -> torch.Tensor:
    """Apply newly drawn affine maps to rows (M, E, width) -> (M, E, n_outputs).

    A layer with these outputs approximates this map, applied to the inputs of the prototypes.
    """
    return StackedLinear(len(keys), rows.shape[2], n_outputs).to(rows.device).reset(keys, stream)(rows)
