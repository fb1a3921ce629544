"""Scorers: stacks of networks that compute the terms of minus the score for each column of a row."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import methodcaller
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import torch
from torch import nn

from aeanomaly.likelihoods import Likelihood
from aeanomaly.nn import (
    GaussianAutoencoder,
    NetworkSpec,
    PointAutoencoder,
    build_network,
    copy_network,
    kl_to_standard_normal,
    row_sums,
)
from aeanomaly.scoring.chunks import mean_of_members
from aeanomaly.scoring.elbo import DRAWS_AT_ONCE, elbo_terms, matched_draws
from aeanomaly.scoring.missing import complete_columns, complete_total
from aeanomaly.streams import MemberKey

#: Lower bound of the scale by which the errors of a member are divided.
SMALLEST_SCALE = 1e-12

Network = PointAutoencoder | GaussianAutoencoder


class Encoding(Protocol):
    """Interface of the table encoder that scorers require."""

    @property
    def is_scored(self) -> np.ndarray:
        """Mask of the columns of the table that have features, (F,)."""

    def sum_columns(self, terms: np.ndarray) -> np.ndarray:
        """Sum the terms of encoded features (n, D) by column of the table (n, F)."""


class Scorer(nn.Module, ABC):
    """Stack of M members that compute the terms of minus the score, each at least 0 up to a constant.

    Parameters
    ----------
    n_members, n_encoded : int
        Number of members M, and width of encoded rows D.
    scales : ndarray of float64 (M,), optional
        Divisors of the terms of each member; 1 by default.
    typical_error : float, default=0
        Mean term of an observed column of the training rows, for rows with missing values.
    allow_nan : bool
        Accept missing values (NaN).
    device : torch.device
    """

    #: True if terms may be below 0, such as those of log-densities.
    is_signed: ClassVar[bool] = False
    weights: torch.Tensor

    def __init__(
        self,
        n_members: int,
        n_encoded: int,
        scales: np.ndarray | None,
        typical_error: float,
        *,
        allow_nan: bool,
        device: torch.device,
    ):
        super().__init__()
        self.n_members = n_members
        self.n_encoded = n_encoded
        self.scales = np.ones(n_members) if scales is None else scales
        self.typical_error = typical_error
        self.allow_nan = allow_nan
        weights = torch.from_numpy(1 / self.scales).float().view(-1, 1, 1)
        self.register_buffer("weights", weights.to(device), persistent=False)

    @abstractmethod
    def raw_terms(self, rows: torch.Tensor) -> torch.Tensor:
        """Return unscaled terms of encoded rows, (M, B, D) -> (M, B, D), or (M, B, D + 1) with a term of the code.

        The result must be a new tensor, because it may be changed in place.
        """

    @property
    @abstractmethod
    def width(self) -> int:
        """Number of elements per row in the widest layer, over all members."""

    @property
    def device_width(self) -> int:
        """Number of elements per row in the largest tensor on an accelerator, where rows are not run in blocks."""
        return self.width

    @abstractmethod
    def copied(self, device: torch.device | None = None) -> Self:
        """Return a copy, on another device if given."""

    def without_code(self) -> "Scorer":
        """Return a scorer of reconstructions alone, without a term of the code."""
        return self

    @abstractmethod
    def allowing_missing(self, likelihood: Likelihood) -> Self:
        """Return a scorer for rows with missing values, given the likelihood of their observed cells."""

    def member_terms(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the terms of each member, divided by its scale: encoded rows (1, B, D) -> (M, B, T)."""
        return self.raw_terms(rows.expand(self.n_members, -1, -1)).mul_(self.weights)

    def forward(self, rows: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
        """Return minus the score, without a step on the host: rows (B, D), observed cells (B, F) -> (B,) float64."""
        terms = self.member_terms(rows.unsqueeze(0)).mean(dim=0).double()
        errors, code = row_sums(terms[:, : self.n_encoded]), row_sums(terms[:, self.n_encoded :])
        if self.allow_nan:
            # A tensor, because exporters round Python numbers to float32; on the CPU, where it needs no copy.
            typical_error = torch.tensor(self.typical_error, dtype=torch.float64, device="cpu")
            errors = complete_total(errors, observed, typical_error)
        return errors + code

    def column_terms(self, part: torch.Tensor, chunk: np.ndarray, encoding: Encoding) -> np.ndarray:
        """Convert `member_terms` of a chunk (M, n, T) to terms of columns (n, F), or with the code (n, F + 1)."""
        terms = mean_of_members(part)
        columns = encoding.sum_columns(terms[:, : self.n_encoded])
        if self.allow_nan:
            scored = encoding.is_scored
            columns[:, scored] = complete_columns(columns[:, scored], ~np.isnan(chunk[:, scored]), self.typical_error)
        code = terms[:, self.n_encoded :]
        return np.hstack([columns, code]) if code.shape[1] else columns

    def replaced(self, **changes: Any) -> Self:
        """Return a copy with some arguments of the constructor replaced."""
        return type(self)(**{**self._arguments(), **changes})

    def _arguments(self) -> dict[str, Any]:
        return {"scales": self.scales, "typical_error": self.typical_error}


class ClosedFormScorer(Scorer):
    """Scorer without a trained network: its arrays are arguments of the constructor, and buffers of the same names."""

    #: Names of the arrays, and of further arguments besides those of `Scorer`.
    arrays: ClassVar[tuple[str, ...]]
    settings: ClassVar[tuple[str, ...]] = ("allow_nan",)

    def copied(self, device: torch.device | None = None) -> Self:
        device = device or self.weights.device
        return self.replaced(**{name: getattr(self, name).to(device) for name in self.arrays})

    def allowing_missing(self, likelihood: Likelihood) -> Self:
        return self.replaced(allow_nan=True)

    def _arguments(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in (*self.arrays, *self.settings)}
        return {**super()._arguments(), **own}


class NetworkScorer(Scorer):
    """Scorer with a stack of networks.

    Parameters
    ----------
    spec : NetworkSpec
        Shape of the network.
    network : Network
        Trained network.
    likelihood : Likelihood
        Likelihood of encoded rows; it must allow missing values if the spec does.
    scales, typical_error
        See `Scorer`.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        network: Network,
        likelihood: Likelihood,
        scales: np.ndarray | None = None,
        typical_error: float = 0.0,
    ):
        device = next(network.parameters()).device
        super().__init__(spec.n_members, spec.n_encoded, scales, typical_error, allow_nan=spec.allow_nan, device=device)
        self.spec = spec
        self.network = network.requires_grad_(False)
        self.likelihood = likelihood

    @property
    def width(self) -> int:
        spec = self.spec
        return spec.n_members * max(spec.n_encoded, spec.latent_dim, *spec.hidden_layer_sizes)

    def _arguments(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("spec", "network", "likelihood")}
        return {**super()._arguments(), **own}

    def copied(self, device: torch.device | None = None) -> Self:
        return self.replaced(network=copy_network(self.network, device or self.weights.device))

    def allowing_missing(self, likelihood: Likelihood) -> Self:
        """Return a scorer for rows with missing values; layers other than prototypes replace them by 0."""
        spec = replace(self.spec, allow_nan=True)
        network = build_network(spec).to(self.weights.device)
        network.load_state_dict({**network.state_dict(), **self.network.state_dict()})
        return self.replaced(spec=spec, network=network, likelihood=likelihood)


class DevianceScorer(NetworkScorer):
    """Scorer whose terms are the deviances of a row from its reconstruction, per column.

    The row is not corrupted, and a Gaussian code is replaced by its mean.
    """

    def raw_terms(self, rows: torch.Tensor) -> torch.Tensor:
        output = self.network.decode(self.network.encode(rows))
        if output.stride(-1) != 1:  # differences of tensors with different memory orders are slow
            output = output.contiguous()
        return self.likelihood.deviance(rows, output)


class VariationalScorer(NetworkScorer):
    """Scorer whose terms are deviances at the noise scale of the decoder per column, and twice the KL divergence.

    The Gaussian code is replaced by its mean. Then, the sum of the terms is twice the negative ELBO, up to a constant.
    All terms are at least 0.

    Parameters
    ----------
    *args, **rest
        Arguments of `NetworkScorer`.
    with_kl : bool, default=True
        Include the term of the KL divergence.
    """

    network: GaussianAutoencoder

    def __init__(self, *args: Any, with_kl: bool = True, **rest: Any):
        super().__init__(*args, **rest)
        self.with_kl = with_kl

    def raw_terms(self, rows: torch.Tensor) -> torch.Tensor:
        loc, log_scale = self.network.posterior(rows)
        output, log_noise_scale = self.network.decode(loc).contiguous(), self.network.log_noise_scale
        terms = self.likelihood.scaled_deviance(rows, output, log_noise_scale)
        if not self.with_kl:
            return terms
        return torch.cat([terms, 2 * kl_to_standard_normal(loc, log_scale).unsqueeze(2)], dim=2)

    def without_code(self) -> Self:
        return self.replaced(with_kl=False)

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "with_kl": self.with_kl}


class ELBOScorer(NetworkScorer):
    """Scorer whose terms are minus the expected log-likelihood per column, and the KL divergence: minus the ELBO.

    Parameters
    ----------
    *args, **rest
        Arguments of `NetworkScorer`.
    n_draws : int
        Number of draws of the code for the expectation.
    key : MemberKey
        Key of the random stream of the draws.
    """

    draws: torch.Tensor
    network: GaussianAutoencoder
    is_signed = True

    def __init__(self, *args: Any, n_draws: int, key: MemberKey, **rest: Any):
        super().__init__(*args, **rest)
        self.n_draws = n_draws
        self.key = key
        self.register_buffer("draws", self.draw(n_draws), persistent=False)

    def draw(self, n_draws: int) -> torch.Tensor:
        """Return draws (S, L) with exact moments, equal for all rows and calls."""
        draws = matched_draws(self.key, n_draws, self.spec.latent_dim)
        return torch.from_numpy(draws).to(self.weights.device)

    def raw_terms(self, rows: torch.Tensor) -> torch.Tensor:
        return -elbo_terms(self.network, self.likelihood, rows, self.draws)

    @property
    def device_width(self) -> int:
        return self.width * min(self.n_draws, DRAWS_AT_ONCE)

    def without_code(self) -> DevianceScorer:
        return DevianceScorer(self.spec, self.network, self.likelihood, self.scales, self.typical_error)

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "n_draws": self.n_draws, "key": self.key}


def member_terms(scorers: Sequence[Scorer], rows: torch.Tensor) -> list[torch.Tensor]:
    """Return the `member_terms` of each scorer."""
    return list(map(methodcaller("member_terms", rows), scorers))


def column_terms(
    scorers: Sequence[Scorer], encoding: Encoding, parts: list[torch.Tensor], chunk: np.ndarray
) -> np.ndarray:
    """Return the terms of columns (n, F), or with that of the code (n, F + 1), summed over scorers."""
    n_columns, pairs = chunk.shape[1], zip(scorers, parts, strict=True)
    found = [scorer.column_terms(part, chunk, encoding) for scorer, part in pairs]
    columns = reduce(np.add, [terms[:, :n_columns] for terms in found])
    codes = [terms[:, n_columns:] for terms in found if terms.shape[1] > n_columns]
    return np.hstack([columns, reduce(np.add, codes)]) if codes else columns


def total_errors(
    scorers: Sequence[Scorer], encoding: Encoding, parts: list[torch.Tensor], chunk: np.ndarray
) -> np.ndarray:
    """Return minus the scores of a chunk, (n,)."""
    return column_terms(scorers, encoding, parts, chunk).sum(axis=1)
