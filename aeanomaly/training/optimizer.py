"""AdamW for a stack of networks, on one flat buffer."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import nn

from aeanomaly.nn import is_narrowing

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8
#: Floats in 64 bytes.
_ALIGNMENT = 16
#: Layer width to which the learning rate refers, and the largest factor of a narrower layer.
_RATE_WIDTH, _LARGEST_RATE = 128, 16


@dataclass
class OptimizerState:
    """First and second moment of the gradient (M, P), and the number of steps taken."""

    mean: torch.Tensor
    square: torch.Tensor
    n_steps: int = 0

    def arrays(self) -> dict[str, np.ndarray]:
        """Return copies as numpy arrays, for a file."""
        moments = {"mean": self.mean.cpu().numpy().copy(), "square": self.square.cpu().numpy().copy()}
        return {**moments, "n_steps": np.array(self.n_steps)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], device: torch.device) -> "OptimizerState":
        """Build a state from copies of the output of `arrays`."""
        mean, square = (torch.tensor(arrays[name], device="cpu").to(device) for name in ("mean", "square"))
        return cls(mean, square, int(arrays["n_steps"]))


class FlatParameters:
    """All parameters of a stack as one buffer (M, P); the parameters of the network become views of it.

    Every tensor starts at a multiple of 64 bytes in every member. Rounding in matrix products may depend on
    alignment, and a member must not depend on its position in the stack.

    Attributes
    ----------
    values : Tensor (M, P)
    gradients : Tensor (M, P)
        Buffer of the gradients; the ``grad`` of the parameters become views of it.
    rates : Tensor (1, P)
        Factor of the learning rate. For weights it is 128 divided by the number of active inputs of their layer,
        at most 16, so that one learning rate suits all widths (Yang et al. 2021, Tensor Programs V). A layer sets
        its ``active_inputs``: 1 after a softmax, a constant for prototypes. Scales have 16, biases 1.
    decays : Tensor (1, P)
        1 for weights, which decay; 0 for biases, scales and padding.
    """

    def __init__(self, network: nn.Module):
        named = dict(network.named_parameters())
        sizes = [p[0].numel() for p in named.values()]
        starts = accumulate((size + -size % _ALIGNMENT for size in sizes), initial=0)
        parts = [slice(start, start + size) for start, size in zip(starts, sizes, strict=False)]
        first = next(iter(named.values()))
        self.values = first.new_zeros((len(first), parts[-1].stop + -sizes[-1] % _ALIGNMENT))
        self.rates = torch.ones_like(self.values[:1])
        self.decays = torch.zeros_like(self.values[:1])
        self.gradients = torch.zeros_like(self.values)
        for (name, p), part in zip(named.items(), parts, strict=True):
            self.decays[:, part] = float(name.endswith("weight"))
            if not name.endswith("bias"):
                layer = network.get_submodule(name.rpartition(".")[0])
                inputs = getattr(layer, "active_inputs", 1) if name.endswith("weight") else 1
                self.rates[:, part] = min(_RATE_WIDTH / inputs, _LARGEST_RATE)
            value, p.grad = _view(self.values[:, part], p.shape), _view(self.gradients[:, part], p.shape)
            value.copy_(p.detach())
            p.data = value


def _view(flat: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """View part of a buffer (M, n) as a parameter (M, ...), transposed if its products are (see `is_narrowing`)."""
    if is_narrowing(shape):
        return flat.view(shape[0], shape[2], shape[1]).mT
    return flat.view(shape)


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, ICLR), with one rate and decay per member.

    Parameters
    ----------
    parameters : FlatParameters
    learning_rate, weight_decay : sequence of float (M,)
    state : OptimizerState, optional
        State to continue from; a new one by default.
    """

    def __init__(
        self,
        parameters: FlatParameters,
        learning_rate: Sequence[float],
        weight_decay: Sequence[float],
        state: OptimizerState | None = None,
    ):
        values = parameters.values
        self._values = values
        rate = torch.as_tensor(learning_rate, dtype=torch.float32).to(values.device).view(-1, 1)
        decay = torch.as_tensor(weight_decay, dtype=torch.float32).to(values.device).view(-1, 1)
        self._rates = rate * parameters.rates
        self._shrink = rate * decay * parameters.decays if max(weight_decay) > 0 else None
        self.state = state or OptimizerState(torch.zeros_like(values), torch.zeros_like(values))

    def step(self, gradients: torch.Tensor, factor: float) -> None:
        """Take a step at `factor` times the learning rates; `gradients` (M, P) are overwritten."""
        self.state.n_steps += 1
        epsilon, step_size = _corrected(self.state.n_steps, factor)
        update = self._direction(gradients, epsilon)
        if self._shrink is not None:
            self._values.addcmul_(self._values, self._shrink, value=-factor)
        self._values.addcmul_(update, self._rates, value=-step_size)

    def scalars(self, factors: Sequence[float]) -> np.ndarray:
        """Return the scalars of the next steps for `step_by`, (n, 3), given the factors of their learning rates."""
        first = self.state.n_steps + 1
        rows = [(factor, *_corrected(n, factor)) for n, factor in enumerate(factors, start=first)]
        return np.array(rows, dtype=np.float32).reshape(-1, 3)

    def step_by(self, gradients: torch.Tensor, scalars: torch.Tensor) -> None:
        """Take a step with a row of `scalars` (3,) on the device; the number of steps of the state is not changed."""
        factor, epsilon, step_size = scalars.unbind()
        update = self._direction(gradients, epsilon)
        if self._shrink is not None:
            self._values.addcmul_(self._values, self._shrink * factor, value=-1)
        self._values.addcmul_(update, self._rates * step_size, value=-1)

    def _direction(self, gradients: torch.Tensor, epsilon: float | torch.Tensor) -> torch.Tensor:
        """Update the moments, and write the quotient of the first and the root of the second to `gradients`."""
        state = self.state
        state.mean.lerp_(gradients, 1 - _BETA1)
        state.square.mul_(_BETA2).addcmul_(gradients, gradients, value=1 - _BETA2)
        update = torch.sqrt(state.square, out=gradients).add_(epsilon)
        return torch.div(state.mean, update, out=update)


def _corrected(n_steps: int, factor: float) -> tuple[float, float]:
    """Return epsilon and the step size of a step, with the corrections for the bias of the moments."""
    root = (1 - _BETA2**n_steps) ** 0.5
    return _EPSILON * root, factor * root / (1 - _BETA1**n_steps)
