"""Everything that one training needs, prepared by a detector."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from aeanomaly.fitting.members import Members
from aeanomaly.fitting.model import FittedModel, likelihood_for
from aeanomaly.fitting.rows import TrainingRows
from aeanomaly.likelihoods import Likelihood
from aeanomaly.nn import NetworkSpec, build_network
from aeanomaly.objectives import Objective
from aeanomaly.preprocessing import TableEncoder
from aeanomaly.scoring import Network, Scorer
from aeanomaly.training import OptimizerState, StepHook, TrainingData, TrainingResult, TrainingSettings, train


@dataclass(frozen=True)
class FitJob:
    """A training that is ready to run.

    Attributes
    ----------
    rows : TrainingRows
    encoder : TableEncoder
    encoded : ndarray (N, D)
        The encoded rows of the table.
    spec : NetworkSpec
    network : nn.Module
        Of that spec, initialized; trained in place.
    members : Members
    objective : Objective
    data : TrainingData
    settings : TrainingSettings
    device : torch.device
    seed : int
        Of all random streams.
    run_index : int
        Number of earlier trainings of the network.
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
        """The likelihood of encoded rows."""
        return likelihood_for(self.network, self.encoder)

    def train(self, on_step: StepHook | None = None, state: OptimizerState | None = None) -> TrainingResult:
        """Train the network in place, from the optimizer's `state` if given."""
        network = self.network.requires_grad_(True)
        return train(network, self.objective, self.data, self.settings, state=state, on_step=on_step)

    def copied_network(self) -> Network:
        """Return a copy of the network as it is now, without the memory of training."""
        network = build_network(self.spec)
        network.load_state_dict(self.network.state_dict())
        return network.to(self.device).requires_grad_(False)

    def model(self, *scorers: Scorer) -> FittedModel:
        """Return a model of these scorers."""
        return FittedModel(self.encoder, scorers, self.device)


#: A prepared training, and the function of its result that returns the fitted detector.
PreparedFit = tuple[FitJob, Callable[[TrainingResult], Any]]
