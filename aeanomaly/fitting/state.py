"""State of a fitted detector."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from aeanomaly.fitting.calibration import Calibration
from aeanomaly.fitting.model import FittedModel
from aeanomaly.fitting.reference import TrainingReference
from aeanomaly.reading import TableFormat


@dataclass(frozen=True)
class FittedState:
    """Immutable state of a fitted detector. A new fit or threshold replaces it as a whole.

    Attributes
    ----------
    model : FittedModel
    calibration : Calibration
    compared : TrainingReference or ndarray (n, F)
        Source of `reference`: itself, or some training rows from which it is computed on first use.
    loss_curve, validation_loss_curve : ndarray
        Training loss before each step, and validation loss at each check.
    seed : int
        Seed of the random streams.
    n_runs : int
        Number of training runs of the network so far.
    optimizer : dict of str to ndarray, or None
        State of the optimizer after `partial_fit`.
    table_format : TableFormat or None
        Format of the file of the training table; None if it was not read by this package.
    """

    model: FittedModel
    calibration: Calibration
    compared: TrainingReference | np.ndarray
    loss_curve: np.ndarray
    validation_loss_curve: np.ndarray
    seed: int
    n_runs: int
    optimizer: dict[str, np.ndarray] | None = None
    table_format: TableFormat | None = None

    @cached_property
    def reference(self) -> TrainingReference:
        """Distributions of training rows, for explanations and drift."""
        if isinstance(self.compared, TrainingReference):
            return self.compared
        terms = self.model.terms(self.compared)[:, : self.compared.shape[1]]
        return TrainingReference.from_rows(terms, self.compared)

    def __getstate__(self) -> dict[str, Any]:
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**own, "compared": self.reference}  # no rows of the table

    def with_calibration(self, calibration: Calibration) -> "FittedState":
        """Return the state with another calibration."""
        return replace(self, calibration=calibration)
