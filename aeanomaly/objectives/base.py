"""What the training engine knows of an objective."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import nn

from aeanomaly.nn import grad
from aeanomaly.objectives.stackable import Stackable
from aeanomaly.streams import NoiseStream

N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Objective(Stackable, ABC, Generic[N]):
    """A loss for each member of a stack; members never mix."""

    @abstractmethod
    def losses(self, network: N, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        """Mean loss per row: network and rows (M, B, D) -> (M,)."""

    def backward(self, network: N, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        """`losses`; the gradient of each member's is left in the ``grad`` of its parameters, which is there.

        It asks the same of torch every time, as what it asks may be recorded and done again without it.
        """
        losses, parameters = self.losses(network, rows, noise), list(network.parameters())
        # A noise scale has no part in the loss of a table without real columns: its gradient is then 0.
        found = torch.autograd.grad(losses.sum(), parameters, allow_unused=True, materialize_grads=True)
        for p, gradient in zip(parameters, found, strict=True):
            grad(p).copy_(gradient)
        return losses.detach()
