"""Prepared training of a detector."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from aeanomaly.fitting.members import Members
from aeanomaly.fitting.model import FittedModel, likelihood_for
from aeanomaly.fitting.rows import TrainingRows
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
    encoded : ndarray (N, D)
        Encoded rows of the table.
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
    """

    rows: TrainingRows
    encoder: TableEncoder
    encoded: np.ndarray = field(repr=False)
    spec: NetworkSpec
    network: Network
    members: Members
    objective: Objective
    data: TrainingData
    settings: TrainingSettings
    device: torch.device
    seed: int
    run_index: int

    @property
    def likelihood(self) -> Likelihood:
        """Likelihood of encoded rows."""
        return likelihood_for(self.network, self.encoder)

    def train(self, on_step: StepHook | None = None, state: OptimizerState | None = None) -> TrainingResult:
        """Train the network in place; continue from the `state` of the optimizer if given."""
        network = self.network.requires_grad_(True)
        return train(network, self.objective, self.data, self.settings, state=state, on_step=on_step)

    def model(self, *scorers: Scorer) -> FittedModel:
        """Return a model with the encoder of this job and the given scorers."""
        return FittedModel(self.encoder, scorers, self.device)


#: Prepared training, and function that converts its result to the fitted detector.
PreparedFit = tuple[FitJob, Callable[[TrainingResult], Any]]
