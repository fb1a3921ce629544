"""Evidence lower bound and importance weights of rows under the variational autoencoder.

All rows use one fixed set of draws, so that scores are deterministic and do not depend on other rows. The draws are a
quadrature rather than a random sample: an expectation over few draws has a smaller error, but is biased.
"""

import math

import numpy as np
import torch

from aeanomaly.likelihoods import Likelihood
from aeanomaly.nn import GaussianAutoencoder, has_float64, kl_to_standard_normal
from aeanomaly.streams import MemberKey, numpy_stream

#: Maximum number of draws that are decoded at once on an accelerator.
DRAWS_AT_ONCE = 64


def matched_draws(key: MemberKey, n_draws: int, latent_dim: int) -> np.ndarray:
    """Return standard normal draws with exact sample moments, (S, L) float32.

    The draws are pairs +-e, with mean 0, scaled to unit second moments. With at least 2 L draws, the covariance is the
    identity matrix. The expectation of a quadratic function, such as the log-likelihood of a linear decoder, is then
    exact (spherical cubature; McNamee & Stenger 1967). A single draw is not changed.
    """
    half = numpy_stream(key, "draws").standard_normal((-(-n_draws // 2), latent_dim))
    if n_draws == 1:
        return half.astype(np.float32)
    if len(half) >= latent_dim:
        half = np.linalg.qr(half)[0] * math.sqrt(len(half))
    pairs = np.concatenate([half, -half])[:n_draws]
    pairs = pairs - pairs.mean(axis=0)
    return (pairs / np.sqrt(np.mean(pairs**2, axis=0))).astype(np.float32)


def elbo_terms(
    network: GaussianAutoencoder, likelihood: Likelihood, rows: torch.Tensor, draws: torch.Tensor
) -> torch.Tensor:
    """Return E_q[log p(x|z)] per column, then -KL: rows (M, B, D), draws (S, L) -> (M, B, D + 1).

    The KL divergence is analytic, and the expectation is a mean over the draws. The ELBO is the sum over the last axis.
    """
    loc, log_scale = network.posterior(rows)
    scale, log_prob = torch.exp(log_scale), torch.zeros_like(rows)
    if rows.device.type == "cpu":  # one draw fits into the cache
        for draw in draws:
            log_prob += likelihood.log_prob(rows, network.decode(loc + scale * draw), network.log_noise_scale)
    else:  # few large products take less time than many small ones
        for group in draws.split(DRAWS_AT_ONCE):
            log_prob += _log_prob_of_draws(network, likelihood, rows, _codes(loc, scale, group)).sum(dim=1)
    kl = kl_to_standard_normal(loc, log_scale)
    return torch.cat([log_prob / len(draws), -kl.unsqueeze(2)], dim=2)


def log_weights(
    network: GaussianAutoencoder, likelihood: Likelihood, rows: torch.Tensor, draws: torch.Tensor
) -> torch.Tensor:
    """Return log p(x, z) - log q(z|x) for each draw: rows (M, B, D), draws (S, L) -> (S, M, B).

    The mean over draws is the ELBO. The log of the mean exponential is the importance-weighted bound (Burda, Grosse &
    Salakhutdinov 2016, ICLR), which is at least the ELBO by Jensen's inequality.
    """
    wide = torch.float64 if has_float64(rows.device) else torch.float32
    loc, log_scale = network.posterior(rows)
    scale, weights = torch.exp(log_scale), []
    for group in draws.split(1 if rows.device.type == "cpu" else DRAWS_AT_ONCE):
        codes = _codes(loc, scale, group)
        log_prob = _log_prob_of_draws(network, likelihood, rows, codes).to(wide).sum(dim=3)
        log_ratio = 0.5 * (group.unsqueeze(1).square() - codes.square()) + log_scale.unsqueeze(1)
        weights.append((log_prob + log_ratio.to(wide).sum(dim=3)).transpose(0, 1))
    return torch.cat(weights)


def _codes(loc: torch.Tensor, scale: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """Return the code of each row and draw: posterior (M, B, L), draws (S, L) -> (M, S, B, L)."""
    return loc.unsqueeze(1) + scale.unsqueeze(1) * draws.unsqueeze(1)


def _log_prob_of_draws(
    network: GaussianAutoencoder, likelihood: Likelihood, rows: torch.Tensor, codes: torch.Tensor
) -> torch.Tensor:
    """Return log p(x|z) per column: rows (M, B, D), codes (M, S, B, L) -> (M, S, B, D)."""
    outputs = network.decode(codes.flatten(1, 2)).unflatten(1, codes.shape[1:3])
    return likelihood.log_prob(rows.unsqueeze(1), outputs, network.log_noise_scale.unsqueeze(1))
