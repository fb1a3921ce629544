"""Scores of rows by clones of a detector that are fitted without them."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from aeanomaly.fitting.calibration import CalibrationRequest
from aeanomaly.fitting.initializer import Initializer
from aeanomaly.fitting.job import Clone, FitJob
from aeanomaly.fitting.prepare import prepare_fit
from aeanomaly.fitting.recipe import Recipe
from aeanomaly.fitting.stacked import fit_stacked, train_together
from aeanomaly.streams import MemberKey, numpy_stream
from aeanomaly.training import StepHook, TrainingResult

#: Minimum number of rows for folds, and from which training scores are those of new rows after few epochs.
_LEAST_ROWS, _MANY_ROWS = 20, 25_000
#: Maximum number of times that a row is used in training, on average, for its score to be that of a new row.
_FEW_EPOCHS = 5
#: Maximum number of encoded cells of all clones that are trained together with their detector.
_MOST_CELLS = 1 << 27
#: Minimum number of rows to score, bounds of the number of folds, and number of rows of a fold between them.
_SCORED, _LEAST_FOLDS, _MOST_FOLDS, _ROWS_OF_FOLD = 500, 5, 10, 1000


class Folds(NamedTuple):
    """Number of folds, and number of folds that are scored."""

    n_splits: int
    n_scored: int

    @classmethod
    def for_rows(cls, n_splits: int | Literal["auto"], n_rows: int) -> "Folds | None":
        """Return the folds of `n_rows` rows; None if they are too few for folds by "auto"."""
        if not isinstance(n_splits, str):
            return cls(n_splits, n_splits)
        if n_rows < _LEAST_ROWS:
            return None
        n_folds = min(max(n_rows // _ROWS_OF_FOLD, _LEAST_FOLDS), _MOST_FOLDS)
        return cls(n_folds, min(n_folds, -(-_SCORED * n_folds // n_rows)))


def are_like_new(job: FitJob) -> bool:
    """Return True if the training rows of a job score like new rows, as they are many and each was used few times."""
    jobs = (job, *job.companions)
    n_used = max(part.settings.n_steps * part.settings.batch_size for part in jobs)
    return len(job.encoded) >= _MANY_ROWS and n_used <= _FEW_EPOCHS * len(job.encoded) * (1 + 1e-9)


def folds_for(recipe: Recipe, job: FitJob) -> Folds | None:
    """Return the folds whose rows are scored by clones for the threshold; None if it takes no such scores."""
    request = CalibrationRequest.from_threshold(recipe.threshold)
    if len(job.rows.held_out) or request.n_splits is None:
        return None
    if request.is_optional and (recipe.robust or are_like_new(job)):
        return None
    return Folds.for_rows(request.n_splits, len(job.rows.table))


def train_fit(recipe: Recipe, job: FitJob, on_step: StepHook | None = None) -> tuple[FitJob, TrainingResult]:
    """Train a job, and return it with the result.

    On an accelerator, a few clones for the threshold are trained in the same stack, unless there is a step hook:
    further members take little time there, but a second training takes as long as the first.
    """
    folds = None if job.device.type == "cpu" or on_step is not None else folds_for(recipe, job)
    if folds is None or folds.n_scored * job.encoded.numel() > _MOST_CELLS:
        return job, job.train(on_step)
    job = replace(job, clones=tuple(_clones(recipe, job, _parts(job, folds))))
    result, *of_clones = train_together([job, *(clone.job for clone in job.clones)])
    for clone, own in zip(job.clones, of_clones, strict=True):
        clone.job.check(own)
    return job, result


def scores_out_of_fold(recipe: Recipe, job: FitJob, folds: Folds) -> np.ndarray:
    """Return the scores of the rows of a job by clones that are fitted on the other folds.

    If all folds are scored, the scores have the order of the rows, (N,); otherwise, their order is random.
    """
    parts = [clone.left_out for clone in job.clones] or _parts(job, folds)
    scores = np.full(len(job.rows.table), np.nan)
    for number, found in _score_left_out(recipe, job, parts):
        scores[parts[number]] = found
    return scores if folds.n_scored == folds.n_splits else scores[np.concatenate(parts)]


def _score_left_out(recipe: Recipe, job: FitJob, parts: list[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the number of each part and the scores of its rows by a clone that leaves them out."""

    def score(clone: Clone, _: TrainingResult | None = None) -> np.ndarray:
        return -recipe.fitted_model(clone.job).errors(job.rows.table[clone.left_out])

    if job.clones:
        yield from enumerate(map(score, job.clones))
        return
    fits = ((clone.job, partial(score, clone)) for clone in _clones(recipe, job, parts))
    for number, found in fit_stacked(fits):
        if isinstance(found, Exception):
            raise found
        yield number, found


def _clones(recipe: Recipe, job: FitJob, parts: list[np.ndarray]) -> Iterator[Clone]:
    table = job.rows.table
    for part in parts:
        rows = replace(job.rows, table=np.delete(table, part, axis=0), held_out=table[:0], core=None)
        yield Clone(prepare_fit(recipe, rows, job.seed, Initializer()), part)


def _parts(job: FitJob, folds: Folds) -> list[np.ndarray]:
    """Return the ascending indices of the rows of each fold that is scored."""
    order = numpy_stream(MemberKey(job.seed), "folds").permutation(len(job.rows.table))
    return [np.sort(part) for part in np.array_split(order, folds.n_splits)][: folds.n_scored]
