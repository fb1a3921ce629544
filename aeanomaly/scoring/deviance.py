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
    # In the order of the rows: a difference of many numbers in two orders is slow.
    output = network.decode(network.encode(rows)).contiguous()
    return likelihood.deviance(rows, output)
