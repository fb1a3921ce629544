"""Data and settings of the training engine."""

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
    """Encoded rows, and the training rows of each member.

    Parameters
    ----------
    rows : Tensor (K, N, D)
        One table for each distinct encoding.
    members : list of ndarray of int
        Indices of the training rows of each member.
    validation : list of ndarray of int, optional
        Indices of the validation rows of each member, in random order, for early stopping.
    encoding_of_member : sequence of int, optional
        Index of the encoding of each member; 0 by default.
    """

    rows: torch.Tensor
    members: list[np.ndarray]
    validation: list[np.ndarray] | None = None
    encoding_of_member: Sequence[int] | None = None

    def row_offset(self, member: int) -> int:
        """Return the index in `flat` of the first row of a member's encoding."""
        return 0 if self.encoding_of_member is None else self.encoding_of_member[member] * self.rows.shape[1]

    @classmethod
    def stack(cls, parts: Sequence["TrainingData"]) -> "TrainingData":
        """Concatenate the members; a table that several parts share is stored once."""
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
        """All encodings concatenated, (K N, D)."""
        return self.rows.flatten(0, 1)


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Stop a member after `patience` checks without an improvement by `tol`, one check every `every` steps."""

    every: int
    patience: int
    tol: float


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of the training loop.

    Parameters
    ----------
    keys : sequence of MemberKey
        Keys of the M members.
    n_steps, batch_size : int
        Number of optimizer steps, and rows per step.
    learning_rate, weight_decay : sequence of float (M,)
        One value for each member.
    schedule : {"cosine", "constant"}
        Learning rate schedule: a warm-up, then a cosine to 0; or constant.
    early_stopping : EarlyStopping, optional
        Early stopping rule, which needs `TrainingData.validation`.
    run_index : int
        Index of the training run of a network, so that batches and noise of repeated runs differ.
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
        """Settings that all members share; settings with equal keys can be stacked."""
        return self.n_steps, self.batch_size, self.schedule, self.early_stopping, self.run_index

    @classmethod
    def stack(cls, parts: Sequence["TrainingSettings"]) -> "TrainingSettings":
        """Concatenate the members of settings with equal `stack_key`."""
        return replace(
            parts[0],
            keys=[key for part in parts for key in part.keys],
            learning_rate=[rate for part in parts for rate in part.learning_rate],
            weight_decay=[decay for part in parts for decay in part.weight_decay],
        )
