"""Reconstruction error, from a damaged row if asked, plus a penalty if asked."""

import torch

from aeanomaly.likelihoods import Likelihood
from aeanomaly.nn import PointAutoencoder
from aeanomaly.objectives.base import Objective
from aeanomaly.objectives.corruption import Corruption
from aeanomaly.objectives.penalties import Penalty
from aeanomaly.streams import NoiseStream


class ReconstructionObjective(Objective):
    """Deviance of the clean row from decode(encode(row as the network sees it)), plus a penalty.

    Parameters
    ----------
    likelihood : Likelihood
    corruption : Corruption, optional
        What the network sees instead of the clean row.
    penalty : Penalty, optional
        What is added for the code.
    """

    def __init__(self, likelihood: Likelihood, *, corruption: Corruption | None = None, penalty: Penalty | None = None):
        self._likelihood = likelihood
        self._corruption = corruption
        self._penalty = penalty

    def losses(self, network: PointAutoencoder, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        seen = rows if self._corruption is None else self._corruption(rows, noise)
        code = network.encode(seen)
        losses = self._likelihood.deviance(rows, network.decode(code)).sum(dim=2).mean(dim=1)
        if self._penalty is not None:
            losses = losses + self._penalty(network, seen, code, noise)
        return losses
