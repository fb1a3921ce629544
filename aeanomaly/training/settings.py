"""What the engine is told: the rows, and how to train on them."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

import numpy as np
import torch
from torch import nn

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

    def row_offset(self, member: int) -> int:
        """Where a member's slice begins in `flat`."""
        return 0 if self.encoding_of_member is None else self.encoding_of_member[member] * self.rows.shape[1]

    @classmethod
    def stack(cls, parts: Sequence["TrainingData"]) -> "TrainingData":
        """The members of all; a slice that several have in common is there once."""
        tables = list({part.rows.data_ptr(): part.rows for part in parts}.values())
        first = dict(zip((t.data_ptr() for t in tables), accumulate(map(len, tables), initial=0), strict=False))
        longest = max(table.shape[1] for table in tables)
        validation = [rows for part in parts for rows in part.validation or []]
        return cls(
            torch.cat([nn.functional.pad(table, (0, 0, 0, longest - table.shape[1])) for table in tables]),
            [rows for part in parts for rows in part.members],
            validation or None,
            [
                first[part.rows.data_ptr()] + own
                for part in parts
                for own in part.encoding_of_member or [0] * len(part.members)
            ],
        )

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
    run_index : int
        Tells repeated trainings of one network apart, so that their batches and noise differ.
    """

    keys: Sequence[MemberKey]
    n_steps: int
    batch_size: int
    learning_rate: Sequence[float]
    weight_decay: Sequence[float]
    schedule: Literal["cosine", "constant"] = "cosine"
    early_stopping: EarlyStopping | None = None
    run_index: int = 0

    @property
    def stack_key(self) -> Hashable:
        """All that is one for all members."""
        return self.n_steps, self.batch_size, self.schedule, self.early_stopping, self.run_index

    @classmethod
    def stack(cls, parts: Sequence["TrainingSettings"]) -> "TrainingSettings":
        """The members of all, which share the rest."""
        return replace(
            parts[0],
            keys=[key for part in parts for key in part.keys],
            learning_rate=[rate for part in parts for rate in part.learning_rate],
            weight_decay=[decay for part in parts for decay in part.weight_decay],
        )
