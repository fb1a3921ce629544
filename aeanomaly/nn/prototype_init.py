"""Initial values of prototypes, taken from training rows."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from aeanomaly.nn.missing import impute
from aeanomaly.nn.selection import take
from aeanomaly.streams import MemberKey, numpy_stream

#: Maximum number of rows searched for the neighbors of an example.
_POOL = 4096
#: Number of rows whose distances from the prototypes set the bandwidth.
_PROBES = 1024


class InitData(NamedTuple):
    """Training rows and settings to initialize prototypes.

    Attributes
    ----------
    rows : Tensor (N, D)
        Encoded training rows, on the device of the network.
    output : callable
        Map expected rows (..., D) to the corresponding decoder output.
    samples : sequence of ndarray of int, optional
        Row indices of each member; all rows by default.
    shifts : int, default=1
        Number of times an example is moved to the mean of its neighbors.
    n_neighbors : int, default=3
        Number of neighbors in this mean.
    code_bandwidth : float, optional
        Largest initial bandwidth of prototypes of codes, in standard deviations of the codes; no limit by default.
    allow_nan : bool, default=True
        Accept missing values (NaN), which are imputed from similar rows.
    """

    rows: torch.Tensor
    output: Callable[[torch.Tensor], torch.Tensor]
    samples: Sequence[np.ndarray] | None = None
    shifts: int = 1
    n_neighbors: int = 3
    code_bandwidth: float | None = None
    allow_nan: bool = True

    def imputed(self, rows: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
        """Replace the missing values of rows (n, D), from other rows (K, D), if there may be any."""
        return impute(rows, among) if self.allow_nan else rows


class PrototypeInit(NamedTuple):
    """Rows that are propagated through a network while its layers are initialized.

    Attributes
    ----------
    examples : Tensor (M, E, width)
        Initial prototypes.
    probes : Tensor (M, P, width)
        Rows whose distance from the prototypes sets the bandwidth.
    prototype_inputs : Tensor (M, E, width)
        Inputs of the last prototype layer for these examples.
    code_bandwidth : float, optional
        See `InitData`.
    """

    examples: torch.Tensor
    probes: torch.Tensor
    prototype_inputs: torch.Tensor
    code_bandwidth: float | None = None

    @classmethod
    def draw(cls, init_data: InitData, keys: Sequence[MemberKey], n_examples: int) -> "PrototypeInit":
        """Draw the examples and probes of each member from its own stream.

        An example is a random row, moved ``init_data.shifts`` times to the mean of its nearest neighbors without
        itself (Yang, Rahardja & Franti 2021, Pattern Recognition 115). A unique row is therefore never stored
        unchanged, and an isolated row does not become a prototype. With fewer rows than examples, all rows are
        used equally often.
        """
        examples, probes = [], []
        for key, sample in zip(keys, init_data.samples or [np.arange(len(init_data.rows))] * len(keys), strict=True):
            order = numpy_stream(key, "examples").permutation(sample)
            pool = take(init_data.rows, order[: max(_POOL, n_examples)])
            pool = init_data.imputed(pool, pool[:_POOL])
            examples.append(_shift_to_neighbors(pool, n_examples, init_data.shifts, init_data.n_neighbors))
            # Taken from the end of the permutation, to differ from the examples if there are enough rows.
            others = init_data.imputed(take(init_data.rows, order[::-1][:_PROBES].copy()), pool[:_POOL])
            probes.append(_cycle(others, _PROBES))
        stacked = torch.stack(examples)
        return cls(stacked, torch.stack(probes), stacked, init_data.code_bandwidth)

    def propagate(self, layer: Callable[[torch.Tensor], torch.Tensor], *, of_prototypes: bool) -> "PrototypeInit":
        """Return the rows after a layer and its activation."""
        prototype_inputs = self.examples if of_prototypes else self.prototype_inputs
        return PrototypeInit(layer(self.examples), layer(self.probes), prototype_inputs, self.code_bandwidth)

    def narrow(self, width: int) -> "PrototypeInit":
        """Return the first `width` columns."""
        return self._replace(examples=self.examples[:, :, :width], probes=self.probes[:, :, :width])


def _cycle(rows: torch.Tensor, n: int) -> torch.Tensor:
    """Return the first n of rows (N, D), repeated cyclically if there are fewer."""
    return rows.repeat(-(-n // len(rows)), 1)[:n]


def _shift_to_neighbors(rows: torch.Tensor, n_examples: int, shifts: int, n_neighbors: int) -> torch.Tensor:
    """Return the first rows of (N, D), each moved `shifts` times to the mean of its neighbors, if it has any."""
    pool, examples = rows[:_POOL], _cycle(rows, n_examples)
    for shift in range(shifts if len(pool) > 1 else 0):
        distances = torch.cdist(*centered(examples, pool))
        if shift == 0:
            itself = torch.arange(n_examples, device=rows.device)[:, None] % len(rows)
            place = itself.clamp(max=len(pool) - 1)  # an example may be beyond the pool
            distances.scatter_(1, place, distances.gather(1, place).masked_fill(itself < len(pool), torch.inf))
        nearest = distances.topk(min(n_neighbors, len(pool) - 1), dim=1, largest=False).indices
        examples = pool[nearest].mean(dim=1)
    return examples


def centered(rows: torch.Tensor, among: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Subtract the mean of the second from both; distances by matrix products round less near the origin."""
    mean = among.mean(dim=0)
    return rows - mean, among - mean
