"""Divergence of a Gaussian code from its prior."""

import torch

from aeanomaly.nn.products import row_sums


def kl_to_standard_normal(loc: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
    """Return KL(N(loc, exp(log_scale)^2) || N(0, I)), summed over the last axis: (..., L) -> (...).

    >>> kl_to_standard_normal(torch.tensor([3.0, 0.0]), torch.zeros(2))
    tensor(4.5000)
    """
    return row_sums(0.5 * (loc.square() + torch.exp(2 * log_scale) - 1) - log_scale)
