"""Evidence of a row under the variational autoencoder, and its lower bounds.

All are taken on one fixed set of draws, the same for every row, so that scoring is deterministic
and a row's score does not depend on its neighbours. The draws are a quadrature rather than a random
sample: an expectation over few of them has less error, and is no longer unbiased.
"""

import math

import numpy as np
import torch

from aeanomaly.likelihoods import Likelihood
from aeanomaly.nn import GaussianAutoencoder, kl_to_standard_normal
from aeanomaly.streams import MemberKey, numpy_stream


def matched_draws(key: MemberKey, n_draws: int, latent_dim: int) -> np.ndarray:
    """Standard normal draws whose sample moments are exact, (S, L) float32.

    They come in pairs +-e, so their mean is 0, and are scaled to unit second moments; with at least
    2 L of them their whole covariance is the identity, so that the expectation of a quadratic, such
    as a linear decoder's log-likelihood, is exact (a spherical cubature; McNamee & Stenger 1967).
    A single draw stays as drawn.
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
    """E_q[log p(x|z)] per column, then -KL: rows (M, B, D), draws (S, L) -> (M, B, D + 1).

    The KL is analytic, the expectation a mean over the draws; the ELBO is the sum over the last axis.
    """
    loc, log_scale = network.posterior(rows)
    log_prob = torch.zeros_like(rows)
    for draw in draws:
        code = loc + torch.exp(log_scale) * draw
        log_prob += likelihood.log_prob(rows, network.decode(code), network.log_noise_scale)
    kl = kl_to_standard_normal(loc, log_scale)
    return torch.cat([log_prob / len(draws), -kl.unsqueeze(2)], dim=2)


def log_weights(
    network: GaussianAutoencoder, likelihood: Likelihood, rows: torch.Tensor, draws: torch.Tensor
) -> torch.Tensor:
    """log p(x, z) - log q(z|x) for each draw: rows (M, B, D), draws (S, L) -> (S, M, B).

    Their mean over draws is the ELBO, the log of their mean exponential the importance-weighted
    bound (Burda, Grosse & Salakhutdinov 2016, ICLR), which by Jensen's inequality is never below.
    """
    wide = torch.float32 if rows.device.type == "mps" else torch.float64  # which MPS lacks
    loc, log_scale = network.posterior(rows)
    weights = []
    for draw in draws:
        code = loc + torch.exp(log_scale) * draw
        log_prob = likelihood.log_prob(rows, network.decode(code), network.log_noise_scale).to(wide).sum(dim=2)
        log_ratio = (0.5 * (draw.square() - code.square()) + log_scale).to(wide).sum(dim=2)
        weights.append(log_prob + log_ratio)
    return torch.stack(weights)
