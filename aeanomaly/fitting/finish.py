"""Conversion of a finished training to the fitted state."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from aeanomaly.fitting.calibration import Calibration
from aeanomaly.fitting.job import FitJob
from aeanomaly.fitting.model import FittedModel
from aeanomaly.fitting.recipe import Recipe
from aeanomaly.fitting.reference import TrainingReference
from aeanomaly.fitting.rows import some_rows
from aeanomaly.fitting.scorers import copy_network
from aeanomaly.fitting.state import FittedState
from aeanomaly.streams import MemberKey, numpy_stream
from aeanomaly.thresholds import MOST_SCORES, ScoreSummary
from aeanomaly.training import TrainingResult

#: Maximum number of training rows that are scored with added noise, for the threshold.
_JITTERED = 10_000
#: Maximum number of training rows from which the reference of explanations is computed.
_REFERENCE = 2_000

#: Function of the number of folds that returns the score of each row by a clone fitted without it, (n_rows,).
ScoreOutOfFold = Callable[[int], np.ndarray]


def finish_fit(recipe: Recipe, job: FitJob, result: TrainingResult, score_out_of_fold: ScoreOutOfFold) -> FittedState:
    """Return the state after a whole fit."""
    job.check(result)
    curves = result.loss.mean(axis=1), result.validation_loss.mean(axis=1)
    return _make_state(recipe, job, first_model(recipe, job), curves, job.run_index + 1, score_out_of_fold)


def finish_pass(recipe: Recipe, job: FitJob, result: TrainingResult, earlier: FittedState | None) -> FittedState:
    """Return the state after a pass over more rows; the other scorers remain those of the first pass."""
    job.check(result)
    curves = result.loss.mean(axis=1), np.empty(0)
    if earlier is None:
        model = first_model(recipe, job)
    else:
        others = [scorer.copied(job.device) for scorer in earlier.model.scorers[1:]]
        model = job.model(earlier.model.scorer.replaced(network=copy_network(job.network, job.device)), *others)
        curves = np.concatenate([earlier.loss_curve, curves[0]]), earlier.validation_loss_curve
    state = _make_state(recipe, job, model, curves, job.run_index + 1, None, earlier)
    # After divergence, the restored weights are older than the moments.
    return replace(state, optimizer=None if "diverged" in result.status else result.optimizer.arrays())


def state_so_far(recipe: Recipe, job: FitJob) -> FittedState:
    """Return the state as if training ended now."""
    return _make_state(recipe, job, first_model(recipe, job), (np.empty(0), np.empty(0)), job.run_index, None)


def first_model(recipe: Recipe, job: FitJob) -> FittedModel:
    """Return a model of the current network, with scales and typical errors measured on the training rows."""
    return job.model(*recipe.scorers(job, copy_network(job.network, job.device))).fit_typical_error(job.rows.core_table)


def _make_state(
    recipe: Recipe,
    job: FitJob,
    model: FittedModel,
    curves: tuple[np.ndarray, np.ndarray],
    n_runs: int,
    score_out_of_fold: ScoreOutOfFold | None,
    earlier: FittedState | None = None,
) -> FittedState:
    """Score the training rows, set the threshold, and return the state."""
    table, key = job.rows.table, MemberKey(job.seed)
    scored = some_rows(table, MOST_SCORES, numpy_stream(key, "scored", n_runs))
    summary = ScoreSummary(-model.errors(scored), len(table))
    compared = some_rows(job.rows.core_table, _REFERENCE, numpy_stream(key, "reference", n_runs))
    jitter = job.settings.schedule != "constant" and model.spec.has_prototypes
    calibration = Calibration.from_fit(
        recipe.threshold,
        summary if earlier is None else earlier.calibration.summary.merge(summary),
        _scores_of_jittered(job, model, n_runs) if jitter else np.empty(0),
        -model.errors(job.rows.held_out) if len(job.rows.held_out) else np.empty(0),
        robust=recipe.robust,
        labels=job.rows.labels,
        score_out_of_fold=score_out_of_fold,
    )
    reference = TrainingReference.from_rows(model.terms(compared)[:, : table.shape[1]], compared)
    return FittedState(model, calibration, reference, *curves, seed=job.seed, n_runs=n_runs)


def _scores_of_jittered(job: FitJob, model: FittedModel, n_runs: int) -> np.ndarray:
    """Score at most 10,000 training rows, each moved by about the distance to its neighbors."""
    stream = numpy_stream(MemberKey(job.seed), "jitter", n_runs)
    rows = some_rows(job.rows.core_table, _JITTERED, stream)
    steps = float(model.scorer.network.neighbor_distance.mean()) * stream.standard_normal(rows.shape)
    return -model.errors(model.schema.shift(rows, steps))
