"""Count columns: Poisson deviance."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from aeanomaly.likelihoods.base import Likelihood

#: `output` clips means to this number of standard deviations.
_RAREST = 0.02
#: Log rates are clipped to plus or minus this number, which keeps rates finite in float32.
_BOUND = 30.0
#: Targets up to this number are treated as 0.
_ZERO = 1e-12


@dataclass(frozen=True)
class Poisson(Likelihood):
    """Poisson counts of one column, with the log rate `output`; both in units of `scale` counts.

    Its unit deviance is `weight` times the Poisson deviance of the counts (McCullagh & Nelder 1989, Generalized
    Linear Models, sections 2.3 and 6.2). The weight does not apply to log-probabilities. A negative target, which does
    not occur in training, has the deviance of 0 plus its square.

    Parameters
    ----------
    scale : float, default=1
        Counts per unit of the encoded column.
    weight : float, default=1
        Positive factor of the deviance: one over the dispersion.

    Examples
    --------
    >>> Poisson().deviance(torch.tensor([3.0, 0.0]), torch.tensor([3.0, 1.0]).log()).round(decimals=3)
    tensor([0., 2.])
    """

    scale: float = 1.0
    weight: float = 1.0

    kind = "poisson"
    support = (0.0, math.inf)
    encoding = "divide"
    per_column = True

    @classmethod
    def from_training(cls, mean: np.ndarray, scale: np.ndarray) -> "Poisson":
        """Return the likelihood with the dispersion of training, the variance over the mean, and at least 1.

        Overdispersed counts then contribute about as much to the deviance as a standardized column.
        """
        dispersion = float(scale[0] / mean[0]) if mean[0] > 0 else 1.0
        return cls(float(scale[0]), 1 / max(1.0, dispersion))

    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        count, outside = _split(target)
        return 2 * self.weight * self.scale * _half_deviance(count, _log_rate(output)) + outside

    def deviance_and_residual(self, target: torch.Tensor, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        factor = self.weight * self.scale
        return self.deviance(target, output), factor * (self.mean(output) - target.clamp(min=0))

    def log_prob(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        count, outside = _split(target)
        best = _log_prob_of_mode(self.scale * count)
        return best - self.scale * _half_deviance(count, _log_rate(output)) - 0.5 * outside

    def log_prob_gradient(
        self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self.scale * (target.clamp(min=0) - self.mean(output)), torch.zeros_like(output)

    def mean(self, output: torch.Tensor) -> torch.Tensor:
        return torch.exp(_log_rate(output))

    def output(self, mean: torch.Tensor) -> torch.Tensor:
        return mean.clamp(min=_RAREST).log()

    def sample(self, output: torch.Tensor, log_scale: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return torch.poisson(self.scale * self.mean(output), generator=generator) / self.scale


def _log_rate(output: torch.Tensor) -> torch.Tensor:
    return output.clamp(-_BOUND, _BOUND)


def _split(target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the nearest count, in units of the scale, and the squared distance from it."""
    count = target.clamp(min=0)
    return count, (target - count).square()


def _half_deviance(count: torch.Tensor, log_rate: torch.Tensor) -> torch.Tensor:
    """Compute x log(x / mu) - x + mu as x (exp(r) - 1 - r), r = log(mu / x), without cancellation where r is small."""
    ratio = log_rate - count.clamp(min=_ZERO).log()
    series = torch.zeros_like(ratio)
    for k in range(7, 1, -1):
        series = series * ratio + 1 / math.factorial(k)
    excess = torch.where(ratio.abs() < 0.2, series * ratio.square(), torch.exp(ratio) - 1 - ratio)
    return torch.where(count > _ZERO, count * excess, torch.exp(log_rate))


def _log_prob_of_mode(count: torch.Tensor) -> torch.Tensor:
    """Compute log p(x|x) = x log x - x - log x!, from Stirling's series where its terms would cancel."""
    large = count.clamp(min=8.0)
    series = -0.5 * torch.log(2 * math.pi * large) - (1 - 1 / (30 * large.square())) / (12 * large)
    small = count.clamp(max=8.0)
    product = torch.ones_like(small)
    for k in range(1, 9):
        product = product * (small + k)
    shifted = small + 9  # log x! = log Gamma(x + 9) - log((x + 1) ... (x + 8))
    log_gamma = (shifted - 0.5) * shifted.log() - shifted + 0.5 * math.log(2 * math.pi) + 1 / (12 * shifted)
    direct = torch.xlogy(small, small) - small - (log_gamma - 1 / (360 * shifted**3) - product.log())
    return torch.where(count < 8, direct, series)
