"""Activation functions by name: the four of scikit-learn, then others of torch."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

#: A vector-Jacobian product: maps the gradient of an output to that of the input, and writes the gradients of the
#: parameters to their ``grad``.
PullBack = Callable[[Any], Any]


class Activation(NamedTuple):
    """An activation function, its derivative and its module.

    Attributes
    ----------
    function : callable
    in_place : callable
        The function, with its argument as output buffer.
    derivative : callable or None
        Derivative by the argument; None if the function mixes units.
    module : callable() -> nn.Module
    """

    function: Callable[[torch.Tensor], torch.Tensor]
    in_place: Callable[[torch.Tensor], torch.Tensor]
    derivative: Callable[[torch.Tensor], torch.Tensor] | None
    module: Callable[[], nn.Module]

    def vjp(self, argument: torch.Tensor) -> tuple[torch.Tensor, PullBack]:
        """Return the value and the pullback (see `PullBack`); the argument may be overwritten."""
        if self.function is _identity:
            return argument, _identity
        derivative = self.derivative
        if derivative is not None:
            return self.function(argument), lambda gradient: gradient * derivative(argument)
        value = self.in_place(argument)
        return value, lambda gradient: torch._softmax_backward_data(
            gradient, value, -1, value.dtype, grad_input=gradient
        )


def _identity(a: torch.Tensor) -> torch.Tensor:
    return a


def _d_logistic(a: torch.Tensor) -> torch.Tensor:
    s = torch.sigmoid(a)
    return s * (1 - s)


def _d_tanh(a: torch.Tensor) -> torch.Tensor:
    return 1 - torch.tanh(a).square()


def _d_relu(a: torch.Tensor) -> torch.Tensor:
    return (a > 0).to(a.dtype)


def _d_silu(a: torch.Tensor) -> torch.Tensor:
    s = torch.sigmoid(a)
    return s * (1 + a * (1 - s))


def _d_gelu(a: torch.Tensor) -> torch.Tensor:
    density = torch.exp(-0.5 * a.square()) * (2 * torch.pi) ** -0.5
    return 0.5 * (1 + torch.erf(a * 0.5**0.5)) + a * density


def _softmax(a: torch.Tensor) -> torch.Tensor:
    return torch.softmax(a, dim=-1)


def _softmax_in_place(a: torch.Tensor) -> torch.Tensor:
    short = -a.shape[-1] % 4
    if short == 0 or a.device.type == "cpu":
        return torch.softmax(a, dim=-1, out=a)
    # CUDA adds the first units of a long row separately if the row is not aligned to four of them.
    padded = functional.pad(a, (0, short), value=-torch.inf)
    return a.copy_(torch.softmax(padded, dim=-1)[..., :-short])


#: The only activation that mixes units.
RBF = "rbf"

ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(_identity, _identity, torch.ones_like, nn.Identity),
    "logistic": Activation(torch.sigmoid, torch.sigmoid_, _d_logistic, nn.Sigmoid),
    "tanh": Activation(torch.tanh, torch.tanh_, _d_tanh, nn.Tanh),
    "relu": Activation(torch.relu, torch.relu_, _d_relu, nn.ReLU),
    "silu": Activation(functional.silu, partial(functional.silu, inplace=True), _d_silu, nn.SiLU),
    "gelu": Activation(functional.gelu, functional.gelu, _d_gelu, nn.GELU),  # torch has no in-place version
    RBF: Activation(_softmax, _softmax_in_place, None, lambda: nn.Softmax(dim=-1)),
}
