"""Prototype layer."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from aeanomaly.nn.activations import PullBack
from aeanomaly.nn.buffers import buffer, cached
from aeanomaly.nn.missing import split_missing
from aeanomaly.nn.precision import in_float64
from aeanomaly.nn.products import affine_map, fast_affine_map, grad, input_gradient, write_weight_gradient
from aeanomaly.nn.prototype_init import PrototypeInit, centered
from aeanomaly.nn.selection import mean_of

#: Number of candidates among which the nearest row is determined exactly.
_CANDIDATES = 4
#: Rows whose distance is below this share of their norm count as equal.
_EQUAL = 1e-6
#: Bounds of the log bandwidth; the squares of both bandwidths fit into float32.
_LOG_BANDWIDTH_RANGE = (-7.0, 28.0)
#: Initial bandwidth of prototypes of codes, as a multiple of the distance between neighbors.
_CODE_WIDENING = 10.0


class StackedPrototypes(nn.Module):
    """Stack of M sets of prototypes: similarities of a row to each prototype, as logits for a softmax.

    The logit of prototype c at row x is (x.c - |c|^2 / 2) / bandwidth^2. It equals -|x - c|^2 / (2 bandwidth^2) up
    to a term that all prototypes share. The softmax of the logits is the posterior probability of each component in
    a uniform mixture of Gaussians. Followed by a linear layer, this is a normalized radial basis network (Moody &
    Darken 1989, Neural Computation 1), or one attention head over learned memories (Ramsauer et al. 2021, ICLR).

    Parameters
    ----------
    n_members, n_inputs, n_outputs : int
        Number of members M, width of a row, and number of prototypes.
    sizes : sequence of int (M,), optional
        Number of prototypes of each member, the first ones; all by default.
    allow_nan : bool, default=False
        Accept missing values (NaN). The sums then run over the observed columns, which gives the posterior
        probability given these columns (Ghahramani & Jordan 1994, NeurIPS).

    Notes
    -----
    Shape: input (M, B, n_inputs), output (M, B, n_outputs). ``weight`` (M, n_inputs, n_outputs) holds the prototypes
    relative to their initial mean, a buffer of shape (M, 1, n_inputs). ``log_bandwidth`` (M, 1, 1) is learned and
    starts at the log of the buffer ``spacing`` (M, 1, 1), or of a multiple of it.
    """

    #: Fixed, so that the learning rate does not depend on the number of inputs (see `FlatParameters`).
    active_inputs = 25

    centre: torch.Tensor
    spacing: torch.Tensor
    unused: torch.Tensor | None

    def __init__(
        self,
        n_members: int,
        n_inputs: int,
        n_outputs: int,
        sizes: Sequence[int] | None = None,
        *,
        allow_nan: bool = False,
    ):
        super().__init__()
        self.allow_nan = allow_nan
        self._sizes = list(sizes or [n_outputs] * n_members)
        units = torch.arange(n_outputs, device="cpu")
        unused = units >= torch.tensor(self._sizes, device="cpu").view(-1, 1, 1)
        self.register_buffer("unused", unused if sizes else None, persistent=False)
        self.weight = nn.Parameter(torch.zeros(n_members, n_inputs, n_outputs, dtype=torch.float32, device="cpu"))
        self.register_buffer("centre", torch.zeros(n_members, 1, n_inputs, dtype=torch.float32, device="cpu"))
        self.register_buffer("spacing", torch.ones(n_members, 1, 1, dtype=torch.float32, device="cpu"))
        self.log_bandwidth = nn.Parameter(torch.zeros(n_members, 1, 1, dtype=torch.float32, device="cpu"))

    def initialize(self, init: PrototypeInit, *, of_codes: bool = False) -> None:
        """Set the prototypes to the first examples, and the bandwidth to the distance of the probes from them.

        The bandwidth of codes is a multiple of this distance, up to ``init.code_bandwidth``, because codes move in
        training, and gradients vanish when they leave all prototypes.
        """
        with torch.no_grad():
            first = init.examples[:, : self.weight.shape[2]]
            self.centre.copy_(first.mean(dim=1, keepdim=True))
            self.weight.copy_((first - self.centre).mT)
            members = zip(init.probes, init.examples, self._sizes, strict=True)
            for member, (probes, prototypes, size) in enumerate(members):
                self.spacing[member] = neighbor_distance(probes, prototypes[:size])
            bandwidth = self.spacing
            if of_codes:
                bandwidth = _CODE_WIDENING * self.spacing
                if init.code_bandwidth is not None:
                    deviation = (first - self.centre).square().mean(dim=(1, 2), keepdim=True).sqrt()
                    bandwidth = (init.code_bandwidth * deviation).clamp(self.spacing, bandwidth)
            self.log_bandwidth.copy_(bandwidth.log().clamp(*_LOG_BANDWIDTH_RANGE))

    @property
    def precision(self) -> torch.Tensor:
        """Inverse of the squared bandwidth, (M, 1, 1)."""
        return torch.exp(-2 * self.log_bandwidth.clamp(*_LOG_BANDWIDTH_RANGE))

    def affine(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weight (M, n_inputs, n_outputs) and bias (M, 1, n_outputs) of the equivalent affine map."""
        weight, bias = self._centered_affine()
        return weight, self._mask_unused(bias) - torch.bmm(self.centre, weight)

    def _centered_affine(self) -> tuple[torch.Tensor, torch.Tensor]:
        precision = self.precision
        return precision * self.weight, -0.5 * precision * self.weight.square().sum(dim=1, keepdim=True)

    def _mask_unused(self, bias: torch.Tensor) -> torch.Tensor:
        return bias if self.unused is None else bias.masked_fill(self.unused, -torch.inf)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight, bias = cached(self, self._centered_affine)
        # Centered first, because far from the origin the differences would be lost in rounding.
        centered = x - self.centre
        if not self.allow_nan:
            return affine_map(self, self._mask_unused(bias), centered, weight)
        centered, absent = split_missing(centered)
        logits = affine_map(self, self._mask_unused(bias), centered, weight)
        return affine_map((self, "missing"), logits, absent, 0.5 * weight * self.weight)

    def vjp(self, x: torch.Tensor, *, with_input: bool = True) -> tuple[torch.Tensor, PullBack]:
        """Return the output and its pullback (see `PullBack`), with the input gradient only if `with_input`."""
        if self.allow_nan:
            return self._vjp_with_missing(x)
        weight, precision = self.weight, self.precision
        of_weight = buffer((self, "weight"), weight.shape, weight)
        bias = -0.5 * precision * torch.square(weight, out=of_weight).sum(dim=1, keepdim=True)
        scaled = (x - self.centre) * precision  # cheaper than scaling the weight

        def pull_back(gradient: torch.Tensor) -> Any:
            by_bias, by_weight = gradient.sum(dim=1, keepdim=True), grad(weight)
            write_weight_gradient(by_weight, scaled, gradient)
            through_weight = torch.mul(by_weight, weight, out=of_weight).sum(dim=(1, 2), keepdim=True)
            # Logits are proportional to bandwidth^-2.
            torch.baddbmm(through_weight, by_bias, bias.mT, beta=-2, alpha=-2, out=grad(self.log_bandwidth))
            by_weight.addcmul_(weight, by_bias * precision, value=-1)
            return input_gradient(self, gradient, weight) * precision if with_input else None

        return fast_affine_map(self, self._mask_unused(bias), scaled, weight), pull_back

    def _vjp_with_missing(self, x: torch.Tensor) -> tuple[torch.Tensor, PullBack]:
        """Compute `vjp` for rows with missing values, which have no input gradient."""
        weight, precision = self.weight, self.precision
        centered, absent = split_missing(x - self.centre)
        scaled, halves = centered * precision, 0.5 * precision * weight.square()
        bias = self._mask_unused(-halves.sum(dim=1, keepdim=True))
        logits = fast_affine_map(self, bias, scaled, weight)
        logits = fast_affine_map((self, "missing"), logits, absent, halves)

        def pull_back(gradient: torch.Tensor) -> None:
            by_weight = grad(weight)
            write_weight_gradient(by_weight, scaled, gradient)
            of_present = gradient.sum(dim=1, keepdim=True) - torch.bmm(absent.mT, gradient)
            through_logits = (by_weight * weight - of_present * halves).sum(dim=(1, 2), keepdim=True)
            grad(self.log_bandwidth).copy_(-2 * through_logits)
            by_weight.addcmul_(weight, of_present * precision, value=-1)

        return logits, pull_back


def neighbor_distance(rows: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
    """Return the mean distance of rows (N, D) from their nearest different row in `among` (K, D), over sqrt(D).

    This is a standard deviation per column: noise of this scale moves a row about as far as its nearest neighbor.
    The result is a tensor (), and 1 if all rows are equal.
    """
    nearest = torch.cdist(*centered(rows, among)).topk(min(_CANDIDATES, len(among)), dim=1, largest=False).indices
    # Computed from differences, because matrix products cannot distinguish equal rows from close ones.
    distances = (rows[:, None] - among[nearest]).norm(dim=2)
    equal = distances <= _EQUAL * (1 + rows.norm(dim=1, keepdim=True))
    distances = distances.masked_fill(equal, torch.inf).amin(dim=1)
    return (in_float64(mean_of(distances, distances.isfinite())) / rows.shape[1] ** 0.5).nan_to_num(1.0)
