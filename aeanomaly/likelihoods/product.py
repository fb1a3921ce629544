"""Columns of several kinds in one table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from aeanomaly.likelihoods.base import Likelihood


@dataclass(frozen=True)
class Product(Likelihood):
    """Independent blocks of columns, each with its own likelihood.

    Parameters
    ----------
    blocks : tuple of (Likelihood, int)
        The likelihoods from left to right, each with its number of columns.

    Examples
    --------
    >>> from aeanomaly.likelihoods.bernoulli import Bernoulli
    >>> from aeanomaly.likelihoods.gaussian import Gaussian
    >>> mixed = Product(((Gaussian(), 2), (Bernoulli(), 1)))
    >>> mixed.mean(torch.tensor([[3.0, -1.0, 0.0]]))
    tensor([[ 3.0000, -1.0000,  0.5000]])
    """

    blocks: tuple[tuple[Likelihood, int], ...]

    @property
    def replayable(self) -> bool:
        return all(part.replayable for part, _ in self.blocks)

    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        return self._joined(lambda part, x, y: part.deviance(x, y), target, output)

    def scaled_deviance(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        log_scale = log_scale.expand_as(output)
        return self._joined(lambda part, x, y, s: part.scaled_deviance(x, y, s), target, output, log_scale)

    def deviance_and_residual(self, target: torch.Tensor, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self._joined_pairs(lambda part, x, y: part.deviance_and_residual(x, y), target, output)

    def log_prob(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        log_scale = log_scale.expand_as(output)
        return self._joined(lambda part, x, y, s: part.log_prob(x, y, s), target, output, log_scale)

    def log_prob_gradient(
        self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        log_scale = log_scale.expand_as(output)
        return self._joined_pairs(lambda part, x, y, s: part.log_prob_gradient(x, y, s), target, output, log_scale)

    def mean(self, output: torch.Tensor) -> torch.Tensor:
        return self._joined(lambda part, y: part.mean(y), output)

    def output(self, mean: torch.Tensor) -> torch.Tensor:
        return self._joined(lambda part, x: part.output(x), mean)

    def sample(self, output: torch.Tensor, log_scale: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        log_scale = log_scale.expand_as(output)
        return self._joined(lambda part, y, s: part.sample(y, s, generator), output, log_scale)

    def _joined(self, method: Callable[..., torch.Tensor], *tensors: torch.Tensor) -> torch.Tensor:
        return torch.cat(list(self._each(method, *tensors)), dim=-1)

    def _joined_pairs(self, method: Callable[..., Any], *tensors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        first, second = (torch.cat(parts, dim=-1) for parts in zip(*self._each(method, *tensors), strict=True))
        return first, second

    def _each(self, method: Callable[..., Any], *tensors: torch.Tensor) -> Iterator[Any]:
        """Yield the output of `method` for each likelihood and its columns."""
        parts, widths = zip(*self.blocks, strict=True)
        blocks = zip(*(tensor.split(widths, dim=-1) for tensor in tensors), strict=True)
        return (method(part, *block) for part, block in zip(parts, blocks, strict=True))
