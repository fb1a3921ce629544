"""What the engine is told: the rows, and how to train on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from aeanomaly.streams import MemberKey


@dataclass(frozen=True)
class TrainingData:
    """Rows, and who trains on which.

    Parameters
    ----------
    rows : Tensor (K, N, D)
        One slice for each distinct encoding of the table.
    members : list of ndarray of int
        For each member, the numbers of the rows that it trains on.
    validation : list of ndarray of int, optional
        For each member, the numbers of the rows that early stopping watches, in random order.
    encoding_of_member : sequence of int, optional
        For each member, its slice; by default the first.
    """

    rows: torch.Tensor
    members: list[np.ndarray]
    validation: list[np.ndarray] | None = None
    encoding_of_member: Sequence[int] | None = None

    def first_row(self, member: int) -> int:
        """Where a member's slice begins in `flat`."""
        return 0 if self.encoding_of_member is None else self.encoding_of_member[member] * self.rows.shape[1]

    @property
    def flat(self) -> torch.Tensor:
        """All slices under each other, (K N, D)."""
        return self.rows.flatten(0, 1)


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Stop a member after `patience` checks, one every `every` steps, that improved its loss by less than `tol`."""

    every: int
    patience: int
    tol: float


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How to train.

    Parameters
    ----------
    keys : sequence of MemberKey
        One for each member, M.
    n_steps, batch_size : int
        Optimiser steps, and rows in each.
    learning_rate, weight_decay : sequence of float (M,)
        One for each member.
    schedule : {"cosine", "constant"}
        Learning rate over the steps: a warm-up, then a cosine to 0; or constant.
    early_stopping : EarlyStopping, optional
        Needs `TrainingData.validation`.
    call : int
        Tells repeated trainings of one network apart, so that their batches and noise differ.
    """

    keys: Sequence[MemberKey]
    n_steps: int
    batch_size: int
    learning_rate: Sequence[float]
    weight_decay: Sequence[float]
    schedule: Literal["cosine", "constant"] = "cosine"
    early_stopping: EarlyStopping | None = None
    call: int = 0
