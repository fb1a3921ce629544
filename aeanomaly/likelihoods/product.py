"""Columns of several kinds in one table."""

from collections.abc import Callable, Sequence

import torch

from aeanomaly.likelihoods.base import Likelihood


class Product(Likelihood):
    """Independent blocks of columns, each with its own likelihood.

    Parameters
    ----------
    blocks : sequence of (Likelihood, int)
        The likelihoods from left to right, each with its number of columns.

    Examples
    --------
    >>> from aeanomaly.likelihoods import Bernoulli, Gaussian
    >>> mixed = Product([(Gaussian(), 2), (Bernoulli(), 1)])
    >>> mixed.mean(torch.tensor([[3.0, -1.0, 0.0]]))
    tensor([[ 3.0000, -1.0000,  0.5000]])
    """

    def __init__(self, blocks: Sequence[tuple[Likelihood, int]]):
        self._parts = [part for part, _ in blocks]
        self._widths = [width for _, width in blocks]

    def deviance(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        return self._joined(lambda part, x, y: part.deviance(x, y), target, output)

    def residual(self, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        return self._joined(lambda part, x, y: part.residual(x, y), target, output)

    def log_prob(self, target: torch.Tensor, output: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
        log_scale = log_scale.expand_as(output)
        return self._joined(lambda part, x, y, s: part.log_prob(x, y, s), target, output, log_scale)

    def mean(self, output: torch.Tensor) -> torch.Tensor:
        return self._joined(lambda part, y: part.mean(y), output)

    def output(self, mean: torch.Tensor) -> torch.Tensor:
        return self._joined(lambda part, x: part.output(x), mean)

    def sample(self, output: torch.Tensor, log_scale: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        log_scale = log_scale.expand_as(output)
        return self._joined(lambda part, y, s: part.sample(y, s, generator), output, log_scale)

    def _joined(self, method: Callable[..., torch.Tensor], *tensors: torch.Tensor) -> torch.Tensor:
        blocks = zip(*(tensor.split(self._widths, dim=-1) for tensor in tensors), strict=True)
        return torch.cat([method(part, *block) for part, block in zip(self._parts, blocks, strict=True)], dim=-1)
