"""Interface between an objective and the training engine."""

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
    """Loss of each member of a stack; members are independent.

    Its tensors must be on the device of the rows; see `to`.
    """

    @abstractmethod
    def losses(self, network: N, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        """Return the mean loss per row, (M,), of a network on rows (M, B, D)."""

    @property
    def replayable(self) -> bool:
        """True if the engine may record the torch calls of `backward` and replay them.

        They must be the same for every batch, and without autograd.
        """
        return False

    def backward(self, network: N, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        """Return `losses`, and write the gradients to the ``grad`` of the parameters, which must be allocated."""
        losses, parameters = self.losses(network, rows, noise), list(network.parameters())
        # The loss of a table without Gaussian columns does not depend on the noise scale.
        found = torch.autograd.grad(losses.sum(), parameters, allow_unused=True, materialize_grads=True)
        for p, gradient in zip(parameters, found, strict=True):
            grad(p).copy_(gradient)
        return losses.detach()
