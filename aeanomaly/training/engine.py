"""The training loop."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from aeanomaly.nn import workspace
from aeanomaly.objectives import Objective
from aeanomaly.threads import limit_threads
from aeanomaly.training.monitors import DivergenceMonitor, EarlyStoppingMonitor
from aeanomaly.training.optimizer import AdamW, FlatParameters, OptimizerState
from aeanomaly.training.result import Status, TrainingResult
from aeanomaly.training.settings import TrainingData, TrainingSettings
from aeanomaly.training.steps import Task, steps_of

#: Number of steps between two checks of the losses.
_CHECK_EVERY = 25

#: Number of multiplications in a forward pass from which multithreading pays off, even with busy cores.
_WORTH_THREADS = 1 << 22

StepHook = Callable[[int], bool]


def train(
    network: nn.Module,
    objective: Objective,
    data: TrainingData,
    settings: TrainingSettings,
    *,
    state: OptimizerState | None = None,
    on_step: StepHook | None = None,
) -> TrainingResult:
    """Train every member of a stack, in place.

    Members are independent: their losses are summed, and everything else is computed per member.

    Parameters
    ----------
    network : nn.Module
        Initialized stack of M networks on the device of ``data.rows``.
    objective : Objective
    data : TrainingData
    settings : TrainingSettings
    state : OptimizerState, optional
        Optimizer state of a previous training of this network, updated in place; a new one by default.
    on_step : callable(n_steps) -> bool, optional
        Function called after every step on a CPU, and after at most 25 steps on an accelerator; training stops if it
        returns True.

    Returns
    -------
    TrainingResult
    """
    n_threads = torch.get_num_threads() if is_worth_threads(network, settings) else 1
    with torch.enable_grad(), limit_threads(n_threads), workspace():
        parameters = FlatParameters(network)
        optimizer = AdamW(parameters, settings.learning_rate, settings.weight_decay, state)
        objective = objective.to(data.rows.device)
        steps = steps_of(Task(network, objective, data, settings, parameters.gradients, optimizer))
        divergence = DivergenceMonitor(parameters.values)
        stopping = (
            EarlyStoppingMonitor(settings.early_stopping, parameters.values, objective, data, settings.keys)
            if settings.early_stopping
            else None
        )
        asked_to_stop, n_steps, n_checked, ended = False, 0, 0, np.full(len(settings.keys), settings.n_steps)

        steps.start()
        while True:
            last = asked_to_stop or n_steps == settings.n_steps
            if last or n_steps % _CHECK_EVERY == 0:
                divergence.update(steps.loss[n_checked : n_steps + 1].cpu().numpy(), n_steps)
                n_checked = n_steps + 1
            if stopping and (last or stopping.due(n_steps)):
                stopping.update(network, n_steps)
                divergence.ignored = stopping.stopped
            over = divergence.diverged | divergence.ignored | last
            ended[over] = np.minimum(ended[over], n_steps)
            if over.all():
                break
            n_taken = min(steps.at_once, _steps_to_check(n_steps, settings))
            steps.advance(n_taken)
            n_steps += n_taken
            asked_to_stop = on_step is not None and on_step(n_steps)

        return _make_result(steps.loss[:n_steps], ended, asked_to_stop, divergence, stopping, optimizer.state)


def is_worth_threads(network: nn.Module, settings: TrainingSettings) -> bool:
    """Return True if a step is large enough for multithreading."""
    return settings.batch_size * sum(p.numel() for p in network.parameters()) >= _WORTH_THREADS


def _steps_to_check(n_steps: int, settings: TrainingSettings) -> int:
    """Return the number of steps to the next check of the losses, or to the end."""
    intervals = [_CHECK_EVERY] + ([settings.early_stopping.every] if settings.early_stopping else [])
    return min(settings.n_steps - n_steps, *(every - n_steps % every for every in intervals))


def _make_result(
    loss: torch.Tensor,
    ended: np.ndarray,
    asked_to_stop: bool,
    divergence: DivergenceMonitor,
    stopping: EarlyStoppingMonitor | None,
    state: OptimizerState,
) -> TrainingResult:
    """Restore the saved weights of diverged and early-stopped members, and build the result."""
    diverged = divergence.diverged
    converged = stopping.stopped if stopping else np.zeros_like(diverged)
    kept_steps = np.where(diverged, divergence.snapshot.n_steps, len(loss))
    divergence.snapshot.restore(diverged)
    if stopping:
        stopping.snapshot.restore(np.ones_like(diverged))
        kept_steps = stopping.snapshot.n_steps
    ending: Status = "stopped" if asked_to_stop else "finished"
    return TrainingResult(
        loss=loss.double().cpu().numpy(),
        validation_loss=np.array(stopping.history if stopping else []).reshape(-1, len(diverged)),
        n_steps=kept_steps,
        ended=ended,
        validated=np.array(stopping.checked if stopping else [], dtype=int),
        status=["diverged" if d else "converged" if c else ending for d, c in zip(diverged, converged, strict=True)],
        optimizer=state,
    )
