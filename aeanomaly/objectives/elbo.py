"""The variational objective (Kingma & Welling 2014, ICLR)."""

from dataclasses import dataclass
from typing import Any

import torch

from aeanomaly.likelihoods import Likelihood
from aeanomaly.nn import GaussianAutoencoder, kl_to_standard_normal
from aeanomaly.objectives.base import Objective
from aeanomaly.streams import NoiseStream


@dataclass(frozen=True, eq=False)
class NegativeELBO(Objective[GaussianAutoencoder]):
    """Negative evidence lower bound, with one draw of the code per row.

    The loss of a row is beta KL(q(z|x) || N(0, I)) - E_q[log p(x|z)].

    Parameters
    ----------
    likelihood : Likelihood
    beta : float or sequence of float (M,)
        Weight of the KL term (Higgins et al. 2017, ICLR); 1 gives the evidence lower bound.
    """

    likelihood: Likelihood
    beta: Any

    def __post_init__(self) -> None:
        self._per_member("beta", 1)

    @property
    def replayable(self) -> bool:
        return self.likelihood.replayable

    def losses(self, network: GaussianAutoencoder, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        loc, log_scale = network.posterior(rows)
        draw = loc + torch.exp(log_scale) * noise.normal("code", *loc.shape[1:])
        return self._losses(rows, loc, log_scale, network.decode(draw), network.log_noise_scale)

    def backward(self, network: GaussianAutoencoder, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        with torch.no_grad():
            loc, log_scale, through_encoder = network.posterior_vjp(rows)
            scale = torch.exp(log_scale)
            away = scale * noise.normal("code", *loc.shape[1:])
            output, through_decoder = network.decoder.vjp(loc + away)
            log_noise_scale = network.log_noise_scale
            losses = self._losses(rows, loc, log_scale, output, log_noise_scale)
            share = -1 / rows.shape[1]
            by_output, by_log_noise_scale = self.likelihood.log_prob_gradient(rows, output, log_noise_scale)
            network.write_noise_gradient(by_log_noise_scale.sum(dim=1, keepdim=True) * share)
            by_draw = through_decoder(by_output * share)
            of_kl = self.beta.unsqueeze(2) * -share
            through_encoder(by_draw + of_kl * loc, by_draw * away + of_kl * (scale.square() - 1))
        return losses

    def _losses(
        self,
        rows: torch.Tensor,
        loc: torch.Tensor,
        log_scale: torch.Tensor,
        output: torch.Tensor,
        log_noise_scale: torch.Tensor,
    ) -> torch.Tensor:
        log_prob = self.likelihood.log_prob(rows, output, log_noise_scale).sum(dim=2)
        return (self.beta * kl_to_standard_normal(loc, log_scale) - log_prob).mean(dim=1)
