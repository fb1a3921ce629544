"""Two-valued columns: binary cross-entropy."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from aeanomaly.likelihoods.base import Likelihood

#: `output` clips means to this distance from 0 and 1.
_RAREST = 0.02


@dataclass(frozen=True)
class Bernoulli(Likelihood):
    """Bernoulli with logits `output`; its unit deviance is twice the cross-entropy less the target's entropy.

    A target strictly between 0 and 1 is a probability. A target outside, which does not occur in training, has the
    deviance of the nearer of the two values plus its squared distance from it.

    >>> Bernoulli().deviance(torch.tensor([1.0, 3.0]), torch.tensor([20.0, 20.0])).round(decimals=3)
    tensor([0., 4.])
    """

    kind = "bernoulli"
    support = (0.0, 1.0)
    encoding = "keep"

    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        level = target.clamp(0, 1)
        entropy = -(torch.xlogy(level, level) + torch.xlogy(1 - level, 1 - level))
        # Rounding can leave the difference a hair below zero.
        return 2 * (_cross_entropy(level, output) - entropy).clamp(min=0) + (target - level).square()

    def deviance_and_residual(self, target: torch.Tensor, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.deviance(target, output), _residual(target, output)

    def log_prob(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        level = target.clamp(0, 1)
        return -_cross_entropy(level, output) - 0.5 * (target - level).square()

    def log_prob_gradient(
        self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return -_residual(target, output), torch.zeros_like(output)

    def mean(self, output: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(output)

    def output(self, mean: torch.Tensor) -> torch.Tensor:
        return torch.logit(mean, eps=_RAREST)

    def sample(self, output: torch.Tensor, log_scale: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return torch.bernoulli(torch.sigmoid(output), generator=generator)


def _residual(target: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(logits) - target.clamp(0, 1)


def _cross_entropy(level: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    return functional.softplus(logits) - level * logits
