"""Conversion of a finished training to the fitted state."""

from dataclasses import replace

import numpy as np

from aeanomaly.fitting.calibration import HELD_OUT, LATEST, Calibration, CalibrationRequest, UnseenScores
from aeanomaly.fitting.folds import are_like_new, folds_for, scores_out_of_fold
from aeanomaly.fitting.job import FitJob
from aeanomaly.fitting.model import FittedModel
from aeanomaly.fitting.recipe import Recipe
from aeanomaly.fitting.rows import some_rows
from aeanomaly.fitting.state import FittedState
from aeanomaly.nn import copy_network
from aeanomaly.streams import MemberKey, numpy_stream
from aeanomaly.thresholds import MOST_SCORES, ScoreSummary
from aeanomaly.training import TrainingResult

#: Maximum number of training rows from which the reference of explanations is computed.
_REFERENCE = 2_000
#: Maximum number of training scores that are kept as scores of new rows.
_KEPT = 10_000


def finish_fit(recipe: Recipe, job: FitJob, result: TrainingResult) -> FittedState:
    """Return the state after a whole fit."""
    job.check(result)
    curves = result.loss.mean(axis=1), result.validation_loss.mean(axis=1)
    model = recipe.fitted_model(job)
    summary = _score_rows(job, model, job.run_index + 1)
    unseen = _score_unseen(recipe, job, model, summary)
    return _make_state(recipe, job, model, curves, job.run_index + 1, summary, unseen)


def finish_pass(recipe: Recipe, job: FitJob, result: TrainingResult, earlier: FittedState | None) -> FittedState:
    """Return the state after a pass over more rows; the other scorers remain those of the first pass."""
    job.check(result)
    curves = result.loss.mean(axis=1), np.empty(0)
    if earlier is None:
        model = recipe.fitted_model(job)
    else:
        others = [scorer.copied(job.device) for scorer in earlier.model.scorers[1:]]
        model = job.model(earlier.model.scorer.replaced(network=copy_network(job.network, job.device)), *others)
        curves = np.concatenate([earlier.loss_curve, curves[0]]), earlier.validation_loss_curve
    summary = _score_rows(job, model, job.run_index + 1)
    if earlier is not None:
        summary = earlier.calibration.summary.merge(summary)
    state = _make_state(recipe, job, model, curves, job.run_index + 1, summary, None)
    # After divergence, the restored weights are older than the moments.
    return replace(state, optimizer=None if "diverged" in result.status else result.optimizer.arrays())


def state_so_far(recipe: Recipe, job: FitJob) -> FittedState:
    """Return the state as if training ended now; rows are not scored out of fold."""
    model = recipe.fitted_model(job)
    unseen = _score_held_out(recipe, job, model) if len(job.rows.held_out) else None
    summary = _score_rows(job, model, job.run_index)
    return _make_state(recipe, job, model, (np.empty(0), np.empty(0)), job.run_index, summary, unseen)


def _score_rows(job: FitJob, model: FittedModel, n_runs: int) -> ScoreSummary:
    """Score the training rows, or a sample of them."""
    table = job.rows.table
    scored = some_rows(table, MOST_SCORES, numpy_stream(MemberKey(job.seed), "scored", n_runs))
    return ScoreSummary(-model.errors(scored), len(table))


def _score_unseen(recipe: Recipe, job: FitJob, model: FittedModel, summary: ScoreSummary) -> UnseenScores | None:
    """Return scores of rows that are like those of new rows, if the threshold takes them and the rows suffice."""
    if len(job.rows.held_out):
        return _score_held_out(recipe, job, model)
    if (folds := folds_for(recipe, job)) is None:
        request = CalibrationRequest.from_threshold(recipe.threshold)
        if not request.is_optional or recipe.robust or not are_like_new(job):
            return None
        kept = some_rows(summary.values, _KEPT, numpy_stream(MemberKey(job.seed), "kept scores", job.run_index))
        return UnseenScores(kept, "training rows, each used at most five times in training")
    return UnseenScores(scores_out_of_fold(recipe, job, folds), f"rows scored out of {folds.n_splits} folds")


def _score_held_out(recipe: Recipe, job: FitJob, model: FittedModel) -> UnseenScores:
    scores, groups = -model.errors(job.rows.held_out), job.rows.held_out_groups
    source = HELD_OUT if CalibrationRequest.from_threshold(recipe.threshold).order is None else LATEST
    return UnseenScores(scores, source, is_estimated=False, groups=groups)


def _make_state(
    recipe: Recipe,
    job: FitJob,
    model: FittedModel,
    curves: tuple[np.ndarray, np.ndarray],
    n_runs: int,
    summary: ScoreSummary,
    unseen: UnseenScores | None,
) -> FittedState:
    """Set the threshold, and return the state."""
    calibration = Calibration.from_fit(recipe.threshold, summary, unseen, robust=recipe.robust, labels=job.rows.labels)
    stream = numpy_stream(MemberKey(job.seed), "reference", n_runs)
    compared = some_rows(job.rows.core_table, _REFERENCE, stream).copy()  # the user may change the table
    return FittedState(
        model, calibration, compared, *curves, seed=job.seed, n_runs=n_runs, table_format=job.rows.table_format
    )
