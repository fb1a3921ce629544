"""Rows of the training table that a network starts at."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from aeanomaly.nn.missing import impute
from aeanomaly.streams import MemberKey, numpy_stream

#: Rows among which the neighbours of an example are looked for.
_POOL = 4096
#: Rows from which distances are measured.
_PROBES = 1024


class InitData(NamedTuple):
    """What prototypes start at.

    Attributes
    ----------
    rows : Tensor (N, D)
        Encoded training rows; holes (NaN) are filled as likeness with other rows suggests.
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


class PrototypeInit(NamedTuple):
    """Rows on their way through a network whose weights are being set.

    Attributes
    ----------
    examples : Tensor (M, E, width)
        What prototypes start at.
    probes : Tensor (M, P, width)
        Rows whose distance from the prototypes sets the bandwidth.
    prototype_inputs : Tensor (M, E, width)
        The examples as they entered the last layer of prototypes.
    """

    examples: torch.Tensor
    probes: torch.Tensor
    prototype_inputs: torch.Tensor

    @classmethod
    def draw(cls, init_data: InitData, keys: Sequence[MemberKey], n_examples: int) -> "PrototypeInit":
        """Draw each member's by its own stream.

        An example is a random row moved to the mean of its nearest neighbours, itself left out, as often
        as `start` says (Yang, Rahardja & Franti 2021, Pattern Recognition 115): so no row that comes
        once is stored as it is, and a lone one is nobody's prototype. With fewer rows than examples, all
        are used equally often.
        """
        examples, probes = [], []
        for key, sample in zip(keys, init_data.samples or [np.arange(len(init_data.rows))] * len(keys), strict=True):
            order = numpy_stream(key, "examples").permutation(sample)
            pool = init_data.rows[order[: max(_POOL, n_examples)]]
            pool = impute(pool, pool[:_POOL])
            examples.append(_shift_to_neighbors(pool, n_examples, init_data.shifts, init_data.n_neighbors))
            # From the other end: not the rows that the examples come from, where there are others.
            others = impute(init_data.rows[order[::-1][:_PROBES].copy()], pool[:_POOL])
            probes.append(_cycle(others, _PROBES))
        stacked = torch.stack(examples)
        return cls(stacked, torch.stack(probes), stacked)

    def propagate(self, layer: Callable[[torch.Tensor], torch.Tensor], *, of_prototypes: bool) -> "PrototypeInit":
        """The same after one more layer and its activation."""
        prototype_inputs = self.examples if of_prototypes else self.prototype_inputs
        return PrototypeInit(layer(self.examples), layer(self.probes), prototype_inputs)

    def narrow(self, width: int) -> "PrototypeInit":
        """The first columns alone."""
        return self._replace(examples=self.examples[:, :, :width], probes=self.probes[:, :, :width])


def _cycle(rows: torch.Tensor, n: int) -> torch.Tensor:
    """The first n of rows (N, D), all of them as often as it takes."""
    return rows.repeat(-(-n // len(rows)), 1)[:n]


def _shift_to_neighbors(rows: torch.Tensor, n_examples: int, shifts: int, n_neighbors: int) -> torch.Tensor:
    """The first of rows (N, D), each moved `shifts` times to the mean of its neighbours, if there are any."""
    pool, examples = rows[:_POOL], _cycle(rows, n_examples)
    for shift in range(shifts if len(pool) > 1 else 0):
        distances = torch.cdist(*centered(examples, pool))
        if shift == 0:
            itself = torch.arange(n_examples) % len(rows)
            distances[itself < len(pool), itself[itself < len(pool)]] = torch.inf
        nearest = distances.topk(min(n_neighbors, len(pool) - 1), dim=1, largest=False).indices
        examples = pool[nearest].mean(dim=1)
    return examples


def centered(rows: torch.Tensor, among: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both, less the mean of the second: distances by matrix products round less near the origin."""
    centre = among.mean(dim=0)
    return rows - centre, among - centre
