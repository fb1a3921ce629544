"""Two-valued columns: binary cross-entropy."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from aeanomaly.likelihoods.base import Likelihood

#: The means that outputs are made for go no nearer to 0 and 1.
_RAREST = 0.02


@dataclass(frozen=True)
class Bernoulli(Likelihood):
    """Bernoulli with logits `output`; its unit deviance is twice the cross-entropy less the target's entropy.

    A target strictly between 0 and 1 is a soft one. A target outside is a value that training never
    saw: it counts as the nearer level plus its squared distance from it, so that it can only surprise more.

    >>> Bernoulli().deviance(torch.tensor([1.0, 3.0]), torch.tensor([20.0, 20.0])).round(decimals=3)
    tensor([0., 4.])
    """

    kind = "bernoulli"

    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        level = target.clamp(0, 1)
        entropy = -(torch.xlogy(level, level) + torch.xlogy(1 - level, 1 - level))
        # Rounding can leave the difference a hair below zero.
        return 2 * (_cross_entropy(level, output) - entropy).clamp(min=0) + (target - level).square()

    def residual(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(output) - target.clamp(0, 1)

    def log_prob(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        level = target.clamp(0, 1)
        return -_cross_entropy(level, output) - 0.5 * (target - level).square()

    def mean(self, output: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(output)

    def output(self, mean: torch.Tensor) -> torch.Tensor:
        return torch.logit(mean, eps=_RAREST)

    def sample(self, output: torch.Tensor, log_scale: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return torch.bernoulli(torch.sigmoid(output), generator=generator)


def _cross_entropy(level: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    return functional.softplus(logits) - level * logits
