"""Prepared training of a detector."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from aeanomaly._warnings import warn
from aeanomaly.exceptions import FitError
from aeanomaly.fitting.members import Members
from aeanomaly.fitting.model import FittedModel
from aeanomaly.fitting.rows import TrainingRows
from aeanomaly.fitting.scorers import likelihood_for
from aeanomaly.likelihoods import Likelihood
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import Objective
from aeanomaly.preprocessing import TableEncoder
from aeanomaly.scoring import Network, Scorer
from aeanomaly.training import OptimizerState, StepHook, TrainingData, TrainingResult, TrainingSettings, train


@dataclass(frozen=True)
class FitJob:
    """Data, network and settings of a training.

    Attributes
    ----------
    rows : TrainingRows
    encoder : TableEncoder
    spec : NetworkSpec
    network : Network
        Initialized network, which is trained in place.
    members : Members
    objective : Objective
    data : TrainingData
    settings : TrainingSettings
    device : torch.device
    seed : int
        Seed of all random streams.
    run_index : int
        Number of previous training runs of the network.
    companions : tuple of FitJob
        Trainings of further networks of the detector, on the same encoded rows.
    clones : tuple of Clone
        Clones for the threshold that are trained together with this job.
    """

    rows: TrainingRows
    encoder: TableEncoder
    spec: NetworkSpec
    network: Network
    members: Members
    objective: Objective
    data: TrainingData
    settings: TrainingSettings
    device: torch.device
    seed: int
    run_index: int
    companions: tuple["FitJob", ...] = ()
    clones: tuple["Clone", ...] = ()

    @property
    def encoded(self) -> torch.Tensor:
        """Encoded rows of the table, (N, D), on the device."""
        return self.data.rows[0]

    @property
    def likelihood(self) -> Likelihood:
        """Likelihood of encoded rows."""
        return likelihood_for(self.network, self.encoder)

    def train(self, on_step: StepHook | None = None, state: OptimizerState | None = None) -> TrainingResult:
        """Train the networks in place; continue from the `state` of the optimizer if given."""
        self.train_companions()
        network = self.network.requires_grad_(True)
        return train(network, self.objective, self.data, self.settings, state=state, on_step=on_step)

    def train_companions(self) -> None:
        """Train the networks of the companions in place."""
        for companion in self.companions:
            companion.check(companion.train())

    def check(self, result: TrainingResult) -> None:
        """Raise a FitError if a member diverged before its weights were saved; warn if one diverged later."""
        if any(status == "diverged" and n == 0 for status, n in zip(result.status, result.n_steps, strict=True)):
            raise FitError(
                "training diverged before any step could be kept "
                f"(learning_rate={max(self.members.learning_rates):g}); lower learning_rate, or standardize the columns"
            )
        if "diverged" in result.status:
            warn(
                f"training diverged; the weights of step {min(result.n_steps)} are restored; lower learning_rate",
                ConvergenceWarning,
            )

    def model(self, *scorers: Scorer) -> FittedModel:
        """Return a model with the encoder of this job and the given scorers."""
        return FittedModel(self.encoder, scorers, self.device)


class Clone(NamedTuple):
    """Training of a clone without some rows of the table, whose indices are `left_out`."""

    job: FitJob
    left_out: np.ndarray


#: Prepared training, and function that converts its result to the fitted detector.
PreparedFit = tuple[FitJob, Callable[[TrainingResult], Any]]
