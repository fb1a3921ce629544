"""Reconstruction objective, with an optional corruption and an optional penalty."""

from dataclasses import dataclass

import torch

from aeanomaly.likelihoods import Likelihood
from aeanomaly.nn import PointAutoencoder
from aeanomaly.objectives.base import Objective
from aeanomaly.objectives.corruption import Corruption
from aeanomaly.objectives.penalties import Penalty
from aeanomaly.streams import NoiseStream


@dataclass(frozen=True, eq=False)
class ReconstructionObjective(Objective[PointAutoencoder]):
    """Deviance of the clean row from the reconstruction of its corruption, plus a penalty.

    Parameters
    ----------
    likelihood : Likelihood
    corruption : Corruption, optional
        Corruption of the input; by default the input is the clean row.
    penalty : Penalty, optional
        Penalty on the code; none by default.
    """

    likelihood: Likelihood
    corruption: Corruption | None = None
    penalty: Penalty | None = None

    @property
    def replayable(self) -> bool:
        return self.likelihood.replayable and (self.penalty is None or self.penalty.replayable)

    def losses(self, network: PointAutoencoder, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        seen, penalty = self._corrupt(rows, noise), None
        if self.penalty is None:
            code = network.encode(seen)
        else:
            penalty, code = self.penalty(network.encoder, seen, noise)
        return _losses(self.likelihood.deviance(rows, network.decode(code)), penalty)

    def backward(self, network: PointAutoencoder, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        with torch.no_grad():
            seen, penalty = self._corrupt(rows, noise), None
            if self.penalty is None:
                code, through_encoder = network.encoder.vjp(seen, with_input=False)
            else:
                penalty, code, through_encoder = self.penalty.vjp(network.encoder, seen, noise)
            output, through_decoder = network.decoder.vjp(code)
            deviance, residual = self.likelihood.deviance_and_residual(rows, output)
            losses = _losses(deviance, penalty)
            through_encoder(through_decoder(residual.mul_(2 / rows.shape[1])))
        return losses

    def _corrupt(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        return rows if self.corruption is None else self.corruption(rows, noise)


def _losses(deviance: torch.Tensor, penalty: torch.Tensor | None) -> torch.Tensor:
    """Return the loss (M,) from the deviance (M, B, D) and the penalty (M,)."""
    losses = deviance.sum(dim=(1, 2)) / deviance.shape[1]
    return losses if penalty is None else losses + penalty
