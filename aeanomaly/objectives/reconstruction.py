"""Reconstruction error, from a damaged row if asked, plus a penalty if asked."""

from dataclasses import dataclass

import torch

from aeanomaly.likelihoods import Likelihood
from aeanomaly.nn import PointAutoencoder, grad
from aeanomaly.objectives.base import Objective
from aeanomaly.objectives.corruption import Corruption
from aeanomaly.objectives.penalties import CodePenalty, Contraction, Penalty
from aeanomaly.streams import NoiseStream


@dataclass(frozen=True, eq=False)
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

    likelihood: Likelihood
    corruption: Corruption | None = None
    penalty: Penalty | None = None

    def losses(self, network: PointAutoencoder, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        seen = self._seen(rows, noise)
        code = network.encode(seen)
        losses = self._deviance(rows, network.decode(code))
        if self.penalty is not None:
            losses = losses + self.penalty(network, seen, code, noise)
        return losses

    def backward(self, network: PointAutoencoder, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        if isinstance(self.penalty, Contraction):
            return self._backward_of_contraction(self.penalty, network, rows, noise)
        assert isinstance(self.penalty, CodePenalty | None)
        with torch.no_grad():
            code, through_encoder = network.encoder.vjp(self._seen(rows, noise), of_input=False)
            losses, gradient = self._backward_of_decoder(network, rows, code)
            if self.penalty is not None:
                losses, gradient = losses + self.penalty.of(code), gradient + self.penalty.gradient(code)
            through_encoder(gradient)
        return losses

    def _backward_of_contraction(
        self, penalty: Contraction, network: PointAutoencoder, rows: torch.Tensor, noise: NoiseStream
    ) -> torch.Tensor:
        """The same, through the encoder by autograd: the gradient of its slopes is another matter."""
        with torch.enable_grad():
            code, penalties = penalty.with_code(network, self._seen(rows, noise), noise)
        with torch.no_grad():
            losses, gradient = self._backward_of_decoder(network, rows, code.detach())
        parameters = list(network.encoder.parameters())
        found = torch.autograd.grad([code, penalties], parameters, [gradient, torch.ones_like(penalties)])
        for p, by_parameter in zip(parameters, found, strict=True):
            grad(p).copy_(by_parameter)
        return losses + penalties.detach()

    def _backward_of_decoder(
        self, network: PointAutoencoder, rows: torch.Tensor, code: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Deviance (M,) of rows from the code's reconstruction, and its gradient by the code."""
        output, through_decoder = network.decoder.vjp(code)
        gradient = through_decoder(self.likelihood.residual(rows, output) * (2 / rows.shape[1]))
        return self._deviance(rows, output), gradient

    def _seen(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        return rows if self.corruption is None else self.corruption(rows, noise)

    def _deviance(self, rows: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        return self.likelihood.deviance(rows, output).sum(dim=(1, 2)) / rows.shape[1]
