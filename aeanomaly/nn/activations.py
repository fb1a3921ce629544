"""The activations by name: scikit-learn's four names first, then torch's."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

#: Takes the gradient of an output, leaves those of the parameters on its way in their ``grad``, and gives the
#: input's: a vector-Jacobian product.
PullBack = Callable[[Any], Any]


class Activation(NamedTuple):
    """A function, its derivative as a function of the same argument (None where it mixes units), its torch module."""

    function: Callable[[torch.Tensor], torch.Tensor]
    derivative: Callable[[torch.Tensor], torch.Tensor] | None
    module: Callable[[], nn.Module]

    def over(self, argument: torch.Tensor) -> torch.Tensor:
        """The value, which a softmax writes over its argument where gradients are off."""
        if self.derivative is None and not torch.is_grad_enabled():
            return torch.softmax(argument, dim=-1, out=argument)
        return self.function(argument)

    def vjp(self, argument: torch.Tensor) -> tuple[torch.Tensor, PullBack]:
        """The same, and the way back (see `PullBack`)."""
        value, derivative = self.over(argument), self.derivative
        if value is argument and derivative is not None:
            return value, self.function
        if derivative is None:
            return value, lambda gradient: torch._softmax_backward_data(
                gradient, value, -1, value.dtype, grad_input=gradient
            )
        return value, lambda gradient: gradient * derivative(argument)


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


#: The one that mixes units.
SOFTMAX = "softmax"

ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(_identity, torch.ones_like, nn.Identity),
    "logistic": Activation(torch.sigmoid, _d_logistic, nn.Sigmoid),
    "tanh": Activation(torch.tanh, _d_tanh, nn.Tanh),
    "relu": Activation(torch.relu, _d_relu, nn.ReLU),
    "silu": Activation(nn.functional.silu, _d_silu, nn.SiLU),
    "gelu": Activation(nn.functional.gelu, _d_gelu, nn.GELU),
    SOFTMAX: Activation(_softmax, None, lambda: nn.Softmax(dim=-1)),
}
