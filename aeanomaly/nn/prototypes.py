"""The layer of prototypes, and where it starts: at rows of the training table."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from aeanomaly.nn.linear import padded_product
from aeanomaly.streams import MemberKey, numpy_stream

#: Rows among which the neighbours of an example are looked for.
_POOL = 4096
#: Rows from which distances are measured.
_PROBES = 1024
#: Distances below this share of the rows' own size are those of equal rows.
_EQUAL = 1e-6
#: Bounds of a bandwidth, by its log: squares of both stay in float32.
_LOG_BANDWIDTH_RANGE = (-7.0, 28.0)


class StackedPrototypes(nn.Module):
    """M sets of prototypes side by side: how near a row is to each, as logits for a softmax.

    The logit of prototype c at row x is (x.c - |c|^2 / 2) / bandwidth^2, which is
    -|x - c|^2 / (2 bandwidth^2) but for a term that all prototypes share: after the softmax, the
    probability that the row came from each in an even mixture of Gaussians. A linear layer behind it is
    a normalised radial basis network (Moody & Darken 1989, Neural Computation 1), or one head of
    attention over learned memories (Ramsauer et al. 2021, ICLR).

    Parameters
    ----------
    n_members, n_inputs, n_outputs : int
        M, width of a row, and prototypes.
    sizes : sequence of int (M,), optional
        Prototypes that each member uses, the first ones; by default all.

    Notes
    -----
    Shape: input (M, B, n_inputs), output (M, B, n_outputs); ``weight`` (M, n_inputs, n_outputs) holds
    the prototypes; ``log_bandwidth``, which is learned, and ``spacing``, from which it starts, are (M, 1, 1).
    """

    #: Prototypes live among the rows, however many columns these have (see `FlatParameters`).
    active_inputs = 25

    spacing: torch.Tensor
    unused: torch.Tensor | None

    def __init__(self, n_members: int, n_inputs: int, n_outputs: int, sizes: Sequence[int] | None = None):
        super().__init__()
        self._sizes = list(sizes or [n_outputs] * n_members)
        units = torch.arange(n_outputs, device="cpu")
        unused = units >= torch.tensor(self._sizes, device="cpu").view(-1, 1, 1)
        self.register_buffer("unused", unused if sizes else None, persistent=False)
        self.weight = nn.Parameter(torch.zeros(n_members, n_inputs, n_outputs, dtype=torch.float32, device="cpu"))
        self.register_buffer("spacing", torch.ones(n_members, 1, 1, dtype=torch.float32, device="cpu"))
        self.log_bandwidth = nn.Parameter(torch.zeros(n_members, 1, 1, dtype=torch.float32, device="cpu"))

    def start_at(self, examples: "Examples") -> None:
        """Put the prototypes on the first examples, with the bandwidth that other rows are away from them."""
        with torch.no_grad():
            self.weight.copy_(examples.examples[:, : self.weight.shape[2]].mT)
            members = zip(examples.probes, examples.examples, self._sizes, strict=True)
            for member, (probes, prototypes, size) in enumerate(members):
                self.spacing[member] = spacing(probes, prototypes[:size])
            self.log_bandwidth.copy_(self.spacing.log().clamp(*_LOG_BANDWIDTH_RANGE))

    @property
    def precision(self) -> torch.Tensor:
        """One over the squared bandwidth, (M, 1, 1)."""
        return torch.exp(-2 * self.log_bandwidth.clamp(*_LOG_BANDWIDTH_RANGE))

    def affine(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight (M, n_inputs, n_outputs) and bias (M, 1, n_outputs) of the same map as a linear layer."""
        precision = self.precision
        bias = -0.5 * precision * self.weight.square().sum(dim=1, keepdim=True)
        return precision * self.weight, bias if self.unused is None else bias.masked_fill(self.unused, -torch.inf)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight, bias = self.affine()
        return padded_product(bias, x, weight)


def spacing(rows: torch.Tensor, among: torch.Tensor) -> float:
    """Mean distance of rows (N, D) from the nearest unlike one of others (K, D), over the root of D.

    So it is a deviation per column: noise of that size moves a row about as far as its neighbour is. 1
    where all rows are alike.
    """
    distances = torch.cdist(rows, among)
    equal = distances <= _EQUAL * (1 + rows.norm(dim=1, keepdim=True))
    nearest = distances.masked_fill(equal, torch.inf).amin(dim=1)
    unlike = nearest[nearest.isfinite()]
    return float(unlike.mean()) / rows.shape[1] ** 0.5 if len(unlike) else 1.0


class Start(NamedTuple):
    """What prototypes start at.

    Attributes
    ----------
    rows : Tensor (N, D)
        Encoded training rows.
    output : callable
        Expected rows (..., D) -> the decoder output that stands for them.
    samples : sequence of ndarray of int, optional
        For each member, the numbers of the rows that are its own; by default all.
    shifts : int
        How often an example is moved to the mean of its neighbours.
    n_neighbors : int
        Neighbours in that mean.
    """

    rows: torch.Tensor
    output: Callable[[torch.Tensor], torch.Tensor]
    samples: Sequence[np.ndarray] | None = None
    shifts: int = 1
    n_neighbors: int = 3


class Examples(NamedTuple):
    """Rows on their way through a network whose weights are being set.

    Attributes
    ----------
    examples : Tensor (M, E, width)
        What prototypes start at.
    probes : Tensor (M, P, width)
        Rows whose distance from the prototypes sets the bandwidth.
    recalled : Tensor (M, E, width)
        The examples as they entered the last layer of prototypes.
    """

    examples: torch.Tensor
    probes: torch.Tensor
    recalled: torch.Tensor

    @classmethod
    def of(cls, start: Start, keys: Sequence[MemberKey], n_examples: int) -> "Examples":
        """Draw each member's by its own stream.

        An example is a random row moved to the mean of its nearest neighbours, itself left out, as often
        as `start` says (Yang, Rahardja & Franti 2021, Pattern Recognition 115): so no row is stored as
        it is, and a lone one is nobody's prototype. With fewer rows than examples, all are used
        equally often.
        """
        examples, probes = [], []
        for key, sample in zip(keys, start.samples or [np.arange(len(start.rows))] * len(keys), strict=True):
            order = numpy_stream(key, "examples").permutation(sample)
            pool = start.rows[order[: max(_POOL, n_examples)]]
            examples.append(_shifted(pool, n_examples, start.shifts, start.n_neighbors))
            # From the other end: not the rows that the examples come from, where there are others.
            probes.append(_first(start.rows[order[::-1][:_PROBES].copy()], _PROBES))
        stacked = torch.stack(examples)
        return cls(stacked, torch.stack(probes), stacked)

    def through(self, layer: nn.Module, activation: Callable[[torch.Tensor], torch.Tensor]) -> "Examples":
        """The same after one more layer."""
        recalled = self.examples if isinstance(layer, StackedPrototypes) else self.recalled
        with torch.no_grad():
            return Examples(activation(layer(self.examples)), activation(layer(self.probes)), recalled)

    def narrowed(self, width: int) -> "Examples":
        """The first columns alone."""
        return self._replace(examples=self.examples[:, :, :width], probes=self.probes[:, :, :width])


def _first(rows: torch.Tensor, n: int) -> torch.Tensor:
    """The first n of rows (N, D), all of them as often as it takes."""
    return rows.repeat(-(-n // len(rows)), 1)[:n]


def _shifted(rows: torch.Tensor, n_examples: int, shifts: int, n_neighbors: int) -> torch.Tensor:
    """The first of rows (N, D), each moved `shifts` times to the mean of its neighbours."""
    pool, examples = rows[:_POOL], _first(rows, n_examples)
    for shift in range(shifts):
        distances = torch.cdist(examples, pool)
        if shift == 0:
            itself = torch.arange(n_examples) % len(rows)
            distances[itself < len(pool), itself[itself < len(pool)]] = torch.inf
        nearest = distances.topk(min(n_neighbors, len(pool) - 1), dim=1, largest=False).indices
        examples = pool[nearest].mean(dim=1)
    return examples
