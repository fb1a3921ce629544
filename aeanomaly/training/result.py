"""What the engine gives back; the weights stay in the network."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from aeanomaly.training.optimizer import OptimizerState

Status = Literal["finished", "converged", "stopped", "diverged"]


@dataclass(frozen=True)
class TrainingResult:
    """History as data, and how each member ended.

    Attributes
    ----------
    loss : ndarray (n_steps, M)
        Training loss of every step that was taken.
    validation_loss : ndarray (n_checks, M)
        Validation loss of every check; no rows without early stopping.
    n_steps : ndarray (M,)
        Steps behind the weights that each member keeps.
    ended : ndarray (M,)
        Steps after which each member's training was over, though others went on.
    validated : ndarray (n_checks,)
        Steps after which the validation loss was checked.
    status : list of str
        For each member "finished" (all steps), "converged" (stopped early), "stopped" (by the hook),
        or "diverged" (its loss stopped being finite).
    optimizer : OptimizerState
        To go on from.
    """

    loss: np.ndarray
    validation_loss: np.ndarray
    n_steps: np.ndarray
    ended: np.ndarray
    validated: np.ndarray
    status: list[Status]
    optimizer: OptimizerState

    def select(self, members: slice) -> "TrainingResult":
        """The result of some members, as if there were no others."""
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
