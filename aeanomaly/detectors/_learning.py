"""From parameters and rows to a trained network."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from aeanomaly.detectors._model import Model
from aeanomaly.exceptions import FitError
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import Objective
from aeanomaly.streams import numpy_stream
from aeanomaly.training import (
    EarlyStopping,
    OptimizerState,
    StepHook,
    TrainingData,
    TrainingResult,
    TrainingSettings,
    train,
)


def steps_of_fit(detector: Any, spec: NetworkSpec, n_rows: int) -> int:
    """Optimiser steps of a whole fit: `max_iter`, or what "auto" means for such a network and so many rows."""
    if detector.max_iter != "auto":
        return int(detector.max_iter)
    few = spec.has_prototypes and not detector._far_from_start
    per_root, least, most = (8, 50, 400) if few else (20, 100, 1000)
    return int(np.clip(per_root * math.sqrt(n_rows), least, most))


@dataclass(frozen=True)
class Plan:
    """All that training needs."""

    model: Model
    objective: Objective
    data: TrainingData
    settings: TrainingSettings

    def train(self, state: OptimizerState | None = None, on_step: StepHook | None = None) -> TrainingResult:
        """Train the model's network, in place, from the optimiser's `state` if there is one."""
        network = self.model.network.requires_grad_(True)
        return train(network, self.objective, self.data, self.settings, state=state, on_step=on_step)


def plan_of_fit(detector: Any, model: Model, rows: np.ndarray) -> Plan:
    """A whole schedule on encoded rows (N, D)."""
    call = detector._n_calls
    members, validation = rows_of_members(detector, len(rows), call)
    data = TrainingData(torch.from_numpy(rows).to(model.device)[None], members, validation)
    n_steps = steps_of_fit(detector, model.spec, len(rows))
    stopping = _early_stopping(detector, len(members[0]), n_steps) if validation else None
    settings = _settings(detector, n_steps, schedule="cosine", early_stopping=stopping)
    return Plan(model, detector._objective(model), data, settings)


def plan_of_pass(detector: Any, model: Model, rows: np.ndarray) -> Plan:
    """One pass over more rows at a constant rate."""
    n_steps = -(-len(rows) // detector.batch_size)
    data = TrainingData(torch.from_numpy(rows).to(model.device)[None], detector._samples(len(rows)))
    settings = _settings(detector, n_steps, schedule="constant", early_stopping=None)
    return Plan(model, detector._objective(model), data, settings)


def _settings(detector: Any, n_steps: int, **rest: Any) -> TrainingSettings:
    return TrainingSettings(
        keys=detector._keys,
        n_steps=n_steps,
        batch_size=detector.batch_size,
        learning_rate=detector._rates(),
        weight_decay=[detector.weight_decay] * detector._n_members,
        run_index=detector._n_calls,
        **rest,
    )


def rows_of_members(detector: Any, n_rows: int, call: int) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
    """Numbers of the rows that each member trains on, and of those that early stopping holds out of them."""
    samples = detector._samples(n_rows)
    if not detector.early_stopping:
        return samples, None
    n_sampled = len(samples[0])
    held_out = max(1, round(detector.validation_fraction * n_sampled))
    if held_out >= n_sampled:
        raise ValueError(
            f"validation_fraction={detector.validation_fraction} holds out all {n_sampled} rows; lower it or pass more"
        )
    orders = [
        numpy_stream(key, "validation rows", call).permutation(sample)
        for key, sample in zip(detector._keys, samples, strict=True)
    ]
    return [np.sort(order[held_out:]) for order in orders], [order[:held_out] for order in orders]


def _early_stopping(detector: Any, n_rows: int, n_steps: int) -> EarlyStopping:
    epoch = -(-n_rows // detector.batch_size)
    every = int(np.clip(epoch, 10, max(10, n_steps // 20)))
    return EarlyStopping(every=every, patience=detector.n_iter_no_change, tol=detector.tol)


def check_result(result: TrainingResult, detector: Any) -> None:
    """Raise a FitError where a member came to nothing."""
    lost = [m for m, status in enumerate(result.status) if status == "diverged" and result.n_steps[m] == 0]
    if lost:
        raise FitError(
            f"training diverged before any step could be kept (learning_rate={detector.learning_rate}, "
            f"standardize={detector.standardize}); lower learning_rate, or standardize the columns"
        )
