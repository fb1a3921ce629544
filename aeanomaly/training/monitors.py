"""Monitors of divergence and early stopping, for each member independently."""

from collections.abc import Sequence

import numpy as np
import torch

from aeanomaly.objectives import Objective
from aeanomaly.streams import MemberKey, NoiseStream
from aeanomaly.training.settings import EarlyStopping, TrainingData

#: Run index of validation noise, which no training run has.
_VALIDATION_RUN = 2**31 - 1
#: Ratio of a loss to its first value from which it counts as exploded.
_EXPLOSION = 1e6
#: Minimum number of consecutive exploded losses.
_WHOLE_BLOCK = 10
#: Number of validation rows of each member, equal for all, so that a loss does not depend on the other members.
_VALIDATION_ROWS = 1024


class WeightSnapshot:
    """Saved weights of members, to restore after training.

    Parameters
    ----------
    values : Tensor (M, P)
        Buffer of the current weights.
    """

    def __init__(self, values: torch.Tensor):
        self._values = values
        self._saved = values.clone()
        self.n_steps = np.zeros(len(values), dtype=np.int64)

    def save(self, members: np.ndarray, n_steps: int) -> None:
        """Save the current weights of the members where `members` (M,) is True."""
        _copy_members(self._values, self._saved, members)
        self.n_steps[members] = n_steps

    def restore(self, members: np.ndarray) -> None:
        """Copy the saved weights of these members back to the buffer."""
        _copy_members(self._saved, self._values, members)


def _copy_members(source: torch.Tensor, target: torch.Tensor, members: np.ndarray) -> None:
    if members.all():  # without waiting for the device
        target.copy_(source)
    elif members.any():
        where = torch.from_numpy(np.flatnonzero(members)).to(target.device)
        target[where] = source[where]


class DivergenceMonitor:
    """Detection of members with an infinite or exploded loss, with a snapshot of their last good weights.

    Losses are checked in blocks, which avoids synchronizing at every step. Only a whole block of large losses
    counts as an explosion, because a single batch with an outlier may have a very large loss.
    """

    def __init__(self, values: torch.Tensor):
        self.snapshot = WeightSnapshot(values)
        self.diverged = np.zeros(len(values), dtype=bool)
        self.ignored = np.zeros(len(values), dtype=bool)
        self._bound: np.ndarray | None = None

    def update(self, block: np.ndarray, n_steps: int) -> None:
        """Check a block of losses (steps, M); the last row belongs to the current weights, after `n_steps` steps."""
        if self._bound is None:
            self._bound = _EXPLOSION * (1 + np.abs(block[0]))
        lost = ~np.isfinite(block).all(axis=0)
        if len(block) >= _WHOLE_BLOCK:
            lost |= (block > self._bound).all(axis=0)
        self.diverged |= lost & ~self.ignored
        self.snapshot.save(~self.diverged, n_steps)


class EarlyStoppingMonitor:
    """Snapshot of the weights of each member with the smallest validation loss.

    The noise is the same at every check, so that losses are compared on common random numbers.
    """

    def __init__(
        self,
        rule: EarlyStopping,
        values: torch.Tensor,
        objective: Objective,
        data: TrainingData,
        keys: Sequence[MemberKey],
    ):
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
        """Return True if a check is due after `n_steps` steps."""
        return n_steps % self._rule.every == 0

    def update(self, network: torch.nn.Module, n_steps: int) -> None:
        """Compute the validation loss, and update the members that are still training."""
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
    """Return the first validation rows of each member, (M, V, D), repeated cyclically if there are fewer."""
    assert data.validation is not None
    rows_of = enumerate(data.validation)
    numbers = np.stack([np.resize(rows, _VALIDATION_ROWS) + data.row_offset(m) for m, rows in rows_of])
    flat = data.flat
    return flat[torch.from_numpy(numbers).to(flat.device)]
