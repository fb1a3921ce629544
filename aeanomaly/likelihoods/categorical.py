"""Categorical columns: cross-entropy."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from aeanomaly.likelihoods.base import Likelihood

#: `output` clips probabilities to this number divided by K.
_RAREST = 0.02
#: Entropy of a fair coin, in nats.
_EVEN = math.log(2)


@dataclass(frozen=True)
class Categorical(Likelihood):
    """Categorical distribution of one column: `output` (..., K) holds logits, targets are one-hot.

    Its unit deviance is twice the cross-entropy times `weight`, all in the category of the target. The weight does
    not apply to log-probabilities.

    Parameters
    ----------
    weight : float, default=1
        Positive factor of the deviance.

    Examples
    --------
    >>> Categorical().deviance(torch.tensor([1.0, 0.0, 0.0]), torch.zeros(3)).round(decimals=3)
    tensor([2.1970, 0.0000, 0.0000])
    """

    weight: float = 1.0

    kind = "categorical"
    encoding = "keep"
    per_column = True

    @classmethod
    def from_training(cls, mean: np.ndarray, scale: np.ndarray) -> "Categorical":
        """Return the likelihood weighted so that predicting the frequencies costs at most log 4, as for a fair coin.

        So a column of many categories adds about as much to the deviance as a standardized one.
        """
        entropy = -float(np.sum(mean * np.log(np.where(mean > 0, mean, 1))))
        return cls(min(1.0, _EVEN / max(entropy, _EVEN)))

    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        return -2 * self.weight * target * torch.log_softmax(output, dim=-1)

    def deviance_and_residual(self, target: torch.Tensor, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.deviance(target, output), self.weight * (torch.softmax(output, dim=-1) - target)

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
