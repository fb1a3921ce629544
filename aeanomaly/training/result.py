"""Result of training; the weights stay in the network."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from aeanomaly.training.optimizer import OptimizerState

Status = Literal["finished", "converged", "stopped", "diverged"]


@dataclass(frozen=True)
class TrainingResult:
    """History and final status of each member.

    Attributes
    ----------
    loss : ndarray (n_steps, M)
        Training loss at every step.
    validation_loss : ndarray (n_checks, M)
        Validation loss at every check; empty without early stopping.
    n_steps : ndarray (M,)
        Number of steps after which the final weights of each member were reached.
    ended : ndarray (M,)
        Number of steps after which each member stopped training.
    validated : ndarray (n_checks,)
        Number of steps before each validation check.
    status : list of str
        Status of each member: "finished" (all steps), "converged" (early stopping), "stopped" (by `on_step`), or
        "diverged" (infinite or exploding loss).
    optimizer : OptimizerState
        State to continue training from.
    """

    loss: np.ndarray
    validation_loss: np.ndarray
    n_steps: np.ndarray
    ended: np.ndarray
    validated: np.ndarray
    status: list[Status]
    optimizer: OptimizerState

    def select(self, members: slice) -> "TrainingResult":
        """Return the result of some members, as if they had been trained alone."""
        n_steps, state = self.ended[members].max(), self.optimizer
        checks = self.validated <= n_steps
        return TrainingResult(
            loss=self.loss[:n_steps, members],
            validation_loss=self.validation_loss[checks, members],
            n_steps=self.n_steps[members],
            ended=self.ended[members],
            validated=self.validated[checks],
            status=self.status[members],
            optimizer=OptimizerState(state.mean[members], state.square[members], state.n_steps),
        )
