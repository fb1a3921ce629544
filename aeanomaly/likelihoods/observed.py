"""Rows with holes: what nobody observed is neither likely nor unlikely."""

from dataclasses import dataclass

import torch

from aeanomaly.likelihoods.base import Likelihood


@dataclass(frozen=True)
class Observed(Likelihood):
    """Another likelihood, of the cells of a target that are there; those that are NaN add nothing.

    >>> from aeanomaly.likelihoods import Gaussian
    >>> Observed(Gaussian()).deviance(torch.tensor([1.0, torch.nan]), torch.tensor([3.0, 3.0]))
    tensor([4., 0.])
    """

    whole: Likelihood

    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        holes = target.isnan()
        return self.whole.deviance(target.masked_fill(holes, 0), output).masked_fill(holes, 0)

    def residual(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        holes = target.isnan()
        return self.whole.residual(target.masked_fill(holes, 0), output).masked_fill(holes, 0)

    def deviance_and_residual(self, target: torch.Tensor, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        holes = target.isnan()
        deviance, residual = self.whole.deviance_and_residual(target.masked_fill(holes, 0), output)
        return deviance.masked_fill_(holes, 0), residual.masked_fill_(holes, 0)

    def log_prob(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        holes = target.isnan()
        return self.whole.log_prob(target.masked_fill(holes, 0), output, log_scale).masked_fill(holes, 0)

    def log_prob_gradient(
        self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        holes = target.isnan()
        by_output, by_log_scale = self.whole.log_prob_gradient(target.masked_fill(holes, 0), output, log_scale)
        return by_output.masked_fill(holes, 0), by_log_scale.masked_fill(holes, 0)

    def mean(self, output: torch.Tensor) -> torch.Tensor:
        return self.whole.mean(output)

    def output(self, mean: torch.Tensor) -> torch.Tensor:
        return self.whole.output(mean)

    def sample(self, output: torch.Tensor, log_scale: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return self.whole.sample(output, log_scale, generator)
