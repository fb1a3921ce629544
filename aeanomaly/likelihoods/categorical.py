"""Columns of levels: cross-entropy over them."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from aeanomaly.likelihoods.base import Likelihood

#: The means that outputs are made for give no level less.
_RAREST = 0.02
#: Entropy, in nats, of an even choice between two categories.
_EVEN = math.log(2)


@dataclass(frozen=True)
class Categorical(Likelihood):
    """One column whose K levels have the logits `output` (..., K); targets are one-hot.

    Its unit deviance is twice the cross-entropy, times `weight`, which log-probabilities are without; the level
    that is there has all of it.

    Parameters
    ----------
    weight : float, default=1
        A positive factor of the deviance.

    Examples
    --------
    >>> Categorical().deviance(torch.tensor([1.0, 0.0, 0.0]), torch.zeros(3)).round(decimals=3)
    tensor([2.1970, 0.0000, 0.0000])
    """

    weight: float = 1.0

    kind = "categorical"

    @classmethod
    def from_mean(cls, mean: np.ndarray) -> "Categorical":
        """Return a likelihood whose deviance by the frequencies alone is that of an even choice between two at most.

        So a column of many categories counts as much as a real one, whose deviance by its mean alone is 1.
        """
        entropy = -float(np.sum(mean * np.log(np.where(mean > 0, mean, 1))))
        return cls(min(1.0, _EVEN / max(entropy, _EVEN)))

    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        return -2 * self.weight * target * torch.log_softmax(output, dim=-1)

    def residual(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        return self.weight * (torch.softmax(output, dim=-1) - target)

    def log_prob(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        return target * torch.log_softmax(output, dim=-1)

    def log_prob_gradient(
        self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return target - torch.softmax(output, dim=-1), torch.zeros_like(output)

    def mean(self, output: torch.Tensor) -> torch.Tensor:
        return torch.softmax(output, dim=-1)

    def output(self, mean: torch.Tensor) -> torch.Tensor:
        return mean.clamp(min=_RAREST / mean.shape[-1]).log()

    def sample(self, output: torch.Tensor, log_scale: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        chosen = torch.multinomial(torch.softmax(output, dim=-1), 1, generator=generator)
        return torch.zeros_like(output).scatter_(-1, chosen, 1)
