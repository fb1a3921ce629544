"""What every likelihood offers."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch


class Likelihood(ABC):
    """A distribution over each column of a row, given the decoder's output.

    All methods work column by column on tensors (..., D). `log_scale` (broadcast to (..., D)) is the
    log standard deviation where the distribution has one, and is ignored elsewhere.
    """

    #: Name of the kind of column in a schema.
    kind: ClassVar[str] = ""

    @classmethod
    def from_mean(cls, mean: np.ndarray) -> "Likelihood":
        """Return the likelihood of encoded columns with this mean (D,) in training."""
        return cls()

    @abstractmethod
    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        """Unit deviance 2 (log p(x|x) - log p(x|x')), at least 0, at unit scale."""

    @abstractmethod
    def residual(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        """Mean less target: half the derivative of `deviance` by the output, which is the canonical parameter."""

    def deviance_and_residual(self, target: torch.Tensor, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both, new tensors, for less than one after the other where they have something in common."""
        return self.deviance(target, output), self.residual(target, output)

    @abstractmethod
    def log_prob(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        """Log density (or mass) of the encoded row, in nats."""

    def log_prob_gradient(
        self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Derivatives of `log_prob` by the output and by the log scale."""
        return -self.residual(target, output), torch.zeros_like(output)

    @abstractmethod
    def mean(self, output: torch.Tensor) -> torch.Tensor:
        """Expected encoded row."""

    @abstractmethod
    def output(self, mean: torch.Tensor) -> torch.Tensor:
        """Decoder output with this mean, as near as is finite: the inverse of `mean`."""

    @abstractmethod
    def sample(self, output: torch.Tensor, log_scale: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """One random encoded row for each row of `output`."""
