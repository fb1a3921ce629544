"""Interface of a likelihood."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar, Literal, Self

import numpy as np
import torch


class Likelihood(ABC):
    """Distribution of the columns of a row, given the decoder's output.

    All methods work column by column on tensors (..., D). `log_scale` (broadcast to (..., D)) is the log standard
    deviation where the distribution has one, and is ignored elsewhere. A subclass has a `kind`, and defines
    `deviance`, `log_prob`, `mean`, `output` and `sample`; derivatives come from autograd unless it defines them too.
    """

    #: Name of the kind of column.
    kind: ClassVar[str] = ""
    #: Smallest and largest value in a column that training accepts.
    support: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    #: Encoding of its columns: "standardize" (if the detector does), "divide" by the deviation always, or "keep".
    encoding: ClassVar[Literal["standardize", "divide", "keep"]] = "standardize"
    #: True if each column of the table has its own object, with parameters of that column.
    per_column: ClassVar[bool] = False

    @classmethod
    def from_training(cls, mean: np.ndarray, scale: np.ndarray) -> Self:
        """Return the likelihood of columns with this mean of encoded rows (D,), and this scale of the encoding (D,)."""
        return cls()

    @property
    def replayable(self) -> bool:
        """True if derivatives do not use autograd, so that the engine may record and replay their calls."""
        own, default = type(self), Likelihood
        return (
            own.deviance_and_residual is not default.deviance_and_residual
            and own.log_prob_gradient is not default.log_prob_gradient
        )

    @abstractmethod
    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        """Unit deviance 2 (log p(x|x) - log p(x|x')), at least 0, at unit scale."""

    def scaled_deviance(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        """Unit deviance 2 (log p(x|x) - log p(x|x')), at least 0, at the given scale; a new tensor."""
        return self.deviance(target, output)

    def deviance_and_residual(self, target: torch.Tensor, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return `deviance`, and half its derivative by the output; both are new tensors.

        If the output is the canonical parameter, half the derivative is the mean minus the target.
        """
        with torch.enable_grad():
            output = output.detach().requires_grad_()
            deviance = self.deviance(target, output)
            (derivative,) = torch.autograd.grad(deviance.sum(), output)
        return deviance.detach(), derivative.mul_(0.5)

    @abstractmethod
    def log_prob(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        """Log density (or mass) of the encoded row, in nats."""

    def log_prob_gradient(
        self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the derivatives of `log_prob` by the output and by the log scale, both of the output's shape."""
        with torch.enable_grad():
            output = output.detach().requires_grad_()
            log_scale = log_scale.detach().expand_as(output).clone().requires_grad_()
            total = self.log_prob(target, output, log_scale).sum()
            found = torch.autograd.grad(total, (output, log_scale), allow_unused=True, materialize_grads=True)
        return found[0], found[1]

    @abstractmethod
    def mean(self, output: torch.Tensor) -> torch.Tensor:
        """Expected encoded row."""

    @abstractmethod
    def output(self, mean: torch.Tensor) -> torch.Tensor:
        """Return the decoder output with this mean: the inverse of `mean`, with finite values only."""

    @abstractmethod
    def sample(self, output: torch.Tensor, log_scale: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Draw one encoded row for each row of `output`."""
