"""Parameters and hooks of a detector, in the form that the functions of this subpackage take."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from aeanomaly.fitting.initializer import EncoderOptions
from aeanomaly.fitting.job import FitJob
from aeanomaly.fitting.members import Members
from aeanomaly.fitting.model import FittedModel
from aeanomaly.nn import RBF, NetworkSpec, copy_network
from aeanomaly.objectives import Objective
from aeanomaly.preprocessing import TableEncoder
from aeanomaly.scoring import Network, Scorer
from aeanomaly.thresholds import Threshold
from aeanomaly.training import EarlyStopping

#: Minimum number of steps of networks with prototypes; beyond them, maximum number of epochs of a small table, and the
#: number of rows per epoch of a larger one.
_LEAST_STEPS, _MOST_EPOCHS, _ROWS_PER_EPOCH = 50, 25, 20


@dataclass(frozen=True)
class TrainingOptions:
    """Parameters of a detector for the training of its networks; see the docstring of a detector.

    Attributes
    ----------
    stays_near_start : bool
        True if training moves prototypes little, so that fewer steps suffice.
    limits_epochs : bool
        True if small tables are trained for few epochs, because the network would learn their rows by heart.
    """

    batch_size: int
    weight_decay: float
    max_iter: int | Literal["auto"]
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    tol: float
    stays_near_start: bool
    limits_epochs: bool

    @property
    def held_out_fraction(self) -> float | None:
        """Share of the rows that early stopping holds out; None without early stopping."""
        return self.validation_fraction if self.early_stopping else None

    def n_steps(self, spec: NetworkSpec, n_rows: int) -> int:
        """Return the number of optimizer steps of a whole fit."""
        if not isinstance(self.max_iter, str):
            return int(self.max_iter)
        if not spec.has_prototypes:
            return int(np.clip(20 * math.sqrt(n_rows), 100, 1000))
        per_root, most = (8, 200 if spec.code_activation == RBF else 400) if self.stays_near_start else (20, 1000)
        n_epochs = max(_MOST_EPOCHS, n_rows / _ROWS_PER_EPOCH) if self.limits_epochs else math.inf
        n_steps = min(per_root * math.sqrt(n_rows), most, n_epochs * n_rows / self.batch_size)
        return max(_LEAST_STEPS, int(n_steps))

    def stopping(self, n_rows: int, n_steps: int) -> EarlyStopping | None:
        """Return the settings of early stopping for members with `n_rows` rows, or None."""
        if not self.early_stopping:
            return None
        epoch = -(-n_rows // self.batch_size)
        every = int(np.clip(epoch, 10, max(10, n_steps // 20)))
        return EarlyStopping(every=every, patience=self.n_iter_no_change, tol=self.tol)


@dataclass(frozen=True)
class Recipe:
    """Options and hooks of a detector.

    Attributes
    ----------
    device : str
    encoder_options : EncoderOptions
    training : TrainingOptions
    prototype_start : mapping
        Fields of `InitData` for the prototypes.
    threshold : Threshold
        Threshold that a fit sets.
    robust : bool
        True if the training rows contain anomalies that the threshold should flag.
    trimmed_share : float
        Share of the rows that are removed before training.
    network_spec : callable(n_encoded) -> NetworkSpec
    members : callable(seed, n_rows) -> Members
    objective : callable(network, encoder) -> Objective
    scorers : callable(job, network) -> tuple of Scorer
    companions : tuple of Recipe
        Recipes of further networks, which `scorers` finds as the companions of the job.
    """

    device: str
    encoder_options: EncoderOptions
    training: TrainingOptions
    prototype_start: Mapping[str, float]
    threshold: Threshold
    robust: bool
    trimmed_share: float
    network_spec: Callable[[int], NetworkSpec]
    members: Callable[[int, int], Members]
    objective: Callable[[Network, TableEncoder], Objective]
    scorers: Callable[[FitJob, Network], tuple[Scorer, ...]]
    companions: tuple["Recipe", ...] = ()

    def fitted_model(self, job: FitJob) -> FittedModel:
        """Return a model of the current networks, with scales and typical errors measured on the training rows."""
        scorers = self.scorers(job, copy_network(job.network, job.device))
        return job.model(*scorers).fit_typical_error(job.rows.core_table)
