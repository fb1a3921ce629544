"""Watching members while they train: divergence, and early stopping. Each member on its own."""

from collections.abc import Sequence

import numpy as np
import torch

from aeanomaly.objectives import Objective
from aeanomaly.streams import MemberKey, NoiseStream
from aeanomaly.training.settings import EarlyStopping, TrainingData

#: The stream of validation noise: no training call has this number.
_VALIDATION_RUN = 2**31 - 1
#: A loss this many times its first value has left the ground, even while it is finite.
_EXPLOSION = 1e6
#: Losses in a row that make an explosion.
_WHOLE_BLOCK = 10
#: Validation rows of each member: the same number for all, so that a member's loss does not depend on its neighbours.
_VALIDATION_ROWS = 1024


class WeightSnapshot:
    """The weights that members will end with, where these are not the last ones.

    Parameters
    ----------
    values : Tensor (M, P)
        The live buffer.
    """

    def __init__(self, values: torch.Tensor):
        self._values = values
        self._saved = values.clone()
        self.n_steps = np.zeros(len(values), dtype=np.int64)

    def save(self, members: np.ndarray, n_steps: int) -> None:
        """Remember the present weights of the members where `members` (M,) is true."""
        where = torch.from_numpy(np.flatnonzero(members)).to(self._values.device)
        self._saved[where] = self._values[where]
        self.n_steps[members] = n_steps

    def restore(self, members: np.ndarray) -> None:
        """Put the remembered weights of these members back into the live buffer."""
        where = torch.from_numpy(np.flatnonzero(members)).to(self._values.device)
        self._values[where] = self._saved[where]


class DivergenceMonitor:
    """Finds members whose loss stopped being finite or exploded, and keeps the last weights before that.

    Looks at a block of losses at a time, so that the loop need not wait for each, and because one
    batch with an outlying row has a huge loss in the best of trainings: only a whole block is an explosion.
    """

    def __init__(self, values: torch.Tensor):
        self.snapshot = WeightSnapshot(values)
        self.diverged = np.zeros(len(values), dtype=bool)
        self.ignored = np.zeros(len(values), dtype=bool)
        self._bound: np.ndarray | None = None

    def update(self, block: np.ndarray, n_steps: int) -> None:
        """Take in losses (steps, M), the last of them at the present weights, which are `n_steps` old."""
        if self._bound is None:
            self._bound = _EXPLOSION * (1 + np.abs(block[0]))
        lost = ~np.isfinite(block).all(axis=0)
        if len(block) >= _WHOLE_BLOCK:
            lost |= (block > self._bound).all(axis=0)
        self.diverged |= lost & ~self.ignored
        self.snapshot.save(~self.diverged, n_steps)

    def ignore(self, members: np.ndarray) -> None:
        """Look no longer at members (M,) that have stopped."""
        self.ignored = members


class EarlyStoppingMonitor:
    """Keeps each member's best weights by the loss on its validation rows.

    The noise of that loss is the same at every check: losses are compared on common random numbers.
    """

    def __init__(
        self,
        rule: EarlyStopping,
        values: torch.Tensor,
        objective: Objective,
        data: TrainingData,
        keys: Sequence[MemberKey],
    ):
        assert data.validation is not None
        self._rule = rule
        self._objective = objective
        self._keys = keys
        self._rows = _validation_rows(data)
        self.snapshot = WeightSnapshot(values)
        self.stopped = np.zeros(len(keys), dtype=bool)
        self.history: list[np.ndarray] = []
        self.checked: list[int] = []
        self._best = np.full(len(keys), np.inf)
        self._waited = np.zeros(len(keys), dtype=np.int64)

    def due(self, n_steps: int) -> bool:
        return n_steps % self._rule.every == 0

    def update(self, network: torch.nn.Module, n_steps: int) -> None:
        """Check every member that is still training."""
        with torch.no_grad():
            noise = NoiseStream(self._keys, device=self._rows.device, run_index=_VALIDATION_RUN)
            losses = self._objective.losses(network, self._rows, noise).double().cpu().numpy()
        self.history.append(losses)
        self.checked.append(n_steps)
        training = ~self.stopped
        patient = training & ~(losses < self._best - self._rule.tol)
        better = training & (losses < self._best)
        self.snapshot.save(better, n_steps)
        self._best[better] = losses[better]
        self._waited = np.where(patient, self._waited + 1, 0)
        self.stopped |= training & (self._waited >= self._rule.patience)


def _validation_rows(data: TrainingData) -> torch.Tensor:
    """Validation rows of all members, (M, V, D): the first of them, or all, coming round."""
    assert data.validation is not None
    rows_of = enumerate(data.validation)
    numbers = np.stack([np.resize(rows, _VALIDATION_ROWS) + data.row_offset(m) for m, rows in rows_of])
    flat = data.flat
    return flat[torch.from_numpy(numbers).to(flat.device)]
