"""The variational objective (Kingma & Welling 2014, ICLR)."""

from dataclasses import dataclass
from typing import Any

import torch

from aeanomaly.likelihoods import Likelihood
from aeanomaly.nn import GaussianAutoencoder, kl_to_standard_normal
from aeanomaly.objectives.base import Objective
from aeanomaly.streams import NoiseStream


@dataclass(frozen=True, eq=False)
class NegativeELBO(Objective):
    """beta KL(q(z|x) || N(0, I)) - E_q[log p(x|z)], the expectation from one draw per row.

    Parameters
    ----------
    likelihood : Likelihood
    beta : float, or one for each member
        Weight of the KL term (Higgins et al. 2017, ICLR); 1 gives the evidence lower bound.
    """

    likelihood: Likelihood
    beta: Any

    def __post_init__(self) -> None:
        self._per_member("beta", 1)

    def losses(self, network: GaussianAutoencoder, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        loc, log_scale = network.posterior(rows)
        draw = loc + torch.exp(log_scale) * noise.normal("code", *loc.shape[1:])
        log_prob = self.likelihood.log_prob(rows, network.decode(draw), network.log_noise_scale).sum(dim=2)
        return (self.beta.to(rows.device) * kl_to_standard_normal(loc, log_scale) - log_prob).mean(dim=1)
