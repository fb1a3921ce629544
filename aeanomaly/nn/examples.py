"""Rows of the training table that a network starts at."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from aeanomaly.nn.holes import completed
from aeanomaly.streams import MemberKey, numpy_stream

#: Rows among which the neighbours of an example are looked for.
_POOL = 4096
#: Rows from which distances are measured.
_PROBES = 1024


class Start(NamedTuple):
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
        as `start` says (Yang, Rahardja & Franti 2021, Pattern Recognition 115): so no row that comes
        once is stored as it is, and a lone one is nobody's prototype. With fewer rows than examples, all
        are used equally often.
        """
        examples, probes = [], []
        for key, sample in zip(keys, start.samples or [np.arange(len(start.rows))] * len(keys), strict=True):
            order = numpy_stream(key, "examples").permutation(sample)
            pool = start.rows[order[: max(_POOL, n_examples)]]
            pool = completed(pool, pool[:_POOL])
            examples.append(_shifted(pool, n_examples, start.shifts, start.n_neighbors))
            # From the other end: not the rows that the examples come from, where there are others.
            others = completed(start.rows[order[::-1][:_PROBES].copy()], pool[:_POOL])
            probes.append(_first(others, _PROBES))
        stacked = torch.stack(examples)
        return cls(stacked, torch.stack(probes), stacked)

    def through(self, layer: Callable[[torch.Tensor], torch.Tensor], *, of_prototypes: bool) -> "Examples":
        """The same after one more layer and its activation."""
        recalled = self.examples if of_prototypes else self.recalled
        return Examples(layer(self.examples), layer(self.probes), recalled)

    def narrowed(self, width: int) -> "Examples":
        """The first columns alone."""
        return self._replace(examples=self.examples[:, :, :width], probes=self.probes[:, :, :width])


def _first(rows: torch.Tensor, n: int) -> torch.Tensor:
    """The first n of rows (N, D), all of them as often as it takes."""
    return rows.repeat(-(-n // len(rows)), 1)[:n]


def _shifted(rows: torch.Tensor, n_examples: int, shifts: int, n_neighbors: int) -> torch.Tensor:
    """The first of rows (N, D), each moved `shifts` times to the mean of its neighbours, if there are any."""
    pool, examples = rows[:_POOL], _first(rows, n_examples)
    for shift in range(shifts if len(pool) > 1 else 0):
        distances = torch.cdist(*centred(examples, pool))
        if shift == 0:
            itself = torch.arange(n_examples) % len(rows)
            distances[itself < len(pool), itself[itself < len(pool)]] = torch.inf
        nearest = distances.topk(min(n_neighbors, len(pool) - 1), dim=1, largest=False).indices
        examples = pool[nearest].mean(dim=1)
    return examples


def centred(rows: torch.Tensor, among: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both, less the mean of the second: distances by matrix products round less near the origin."""
    centre = among.mean(dim=0)
    return rows - centre, among - centre
