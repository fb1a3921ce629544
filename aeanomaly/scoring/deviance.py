"""Reconstruction error."""

import torch

from aeanomaly.likelihoods import Likelihood
from aeanomaly.nn import GaussianAutoencoder, PointAutoencoder


def deviance_terms(
    network: PointAutoencoder | GaussianAutoencoder, likelihood: Likelihood, rows: torch.Tensor
) -> torch.Tensor:
    """Deviance of rows from their reconstruction, per column: (M, B, D) -> (M, B, D).

    The row goes in as it is, uncorrupted; a Gaussian code is taken at its mean.
    """
    output = network.decode(network.encode(rows))
    if output.stride(-1) != 1:  # a difference of many numbers in two orders is slow
        output = output.contiguous()
    return likelihood.deviance(rows, output)
