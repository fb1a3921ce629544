"""Real-valued columns: squared error."""

import math
from dataclasses import dataclass

import torch

from aeanomaly.likelihoods.base import Likelihood

_HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Gaussian(Likelihood):
    """N(output, exp(log_scale)^2); its unit deviance is the squared error.

    >>> Gaussian().deviance(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
    tensor([0., 4.])
    """

    kind = "gaussian"

    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        return (target - output).square_()

    def scaled_deviance(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        return (target - output).mul_(torch.exp(-log_scale)).square_()

    def deviance_and_residual(self, target: torch.Tensor, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        residual = output - target
        return residual.square(), residual

    def log_prob(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        standard = (target - output) * torch.exp(-log_scale)
        return -0.5 * standard.square() - log_scale - _HALF_LOG_2_PI

    def log_prob_gradient(
        self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        precision = torch.exp(-2 * log_scale)
        difference = target - output
        by_output = difference * precision
        return by_output, difference.mul_(by_output).sub_(1)

    def mean(self, output: torch.Tensor) -> torch.Tensor:
        return output

    def output(self, mean: torch.Tensor) -> torch.Tensor:
        return mean

    def sample(self, output: torch.Tensor, log_scale: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        noise = torch.empty_like(output).normal_(generator=generator)
        return output + torch.exp(log_scale) * noise
