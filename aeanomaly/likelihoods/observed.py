"""Likelihood of the observed cells of rows with missing values."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from aeanomaly.likelihoods.base import Likelihood


@dataclass(frozen=True)
class Observed(Likelihood):
    """Likelihood of the observed cells of a target; missing ones (NaN) add 0 to every sum and derivative.

    >>> from aeanomaly.likelihoods.gaussian import Gaussian
    >>> Observed(Gaussian()).deviance(torch.tensor([1.0, torch.nan]), torch.tensor([3.0, 3.0]))
    tensor([4., 0.])
    """

    whole: Likelihood

    @property
    def replayable(self) -> bool:
        return self.whole.replayable

    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        return _of_observed(self.whole.deviance, target, output)

    def scaled_deviance(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        return _of_observed(self.whole.scaled_deviance, target, output, log_scale)

    def deviance_and_residual(self, target: torch.Tensor, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return _pair_of_observed(self.whole.deviance_and_residual, target, output)

    def log_prob(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        return _of_observed(self.whole.log_prob, target, output, log_scale)

    def log_prob_gradient(
        self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return _pair_of_observed(self.whole.log_prob_gradient, target, output, log_scale)

    def mean(self, output: torch.Tensor) -> torch.Tensor:
        return self.whole.mean(output)

    def output(self, mean: torch.Tensor) -> torch.Tensor:
        return self.whole.output(mean)

    def sample(self, output: torch.Tensor, log_scale: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return self.whole.sample(output, log_scale, generator)


def _of_observed(method: Callable[..., torch.Tensor], target: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
    missing = target.isnan()
    return method(target.masked_fill(missing, 0), *parameters).masked_fill(missing, 0)


def _pair_of_observed(
    method: Callable[..., tuple[torch.Tensor, torch.Tensor]], target: torch.Tensor, *parameters: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    missing = target.isnan()
    first, second = method(target.masked_fill(missing, 0), *parameters)
    return first.masked_fill_(missing, 0), second.masked_fill_(missing, 0)
