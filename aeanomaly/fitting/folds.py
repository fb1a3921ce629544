"""Scores of rows by clones of a detector that are fitted without them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from aeanomaly.fitting.initializer import Initializer
from aeanomaly.fitting.job import FitJob, PreparedFit
from aeanomaly.fitting.prepare import prepare_fit
from aeanomaly.fitting.recipe import Recipe
from aeanomaly.fitting.stacked import fit_stacked
from aeanomaly.streams import MemberKey, numpy_stream
from aeanomaly.training import TrainingResult

#: Minimum number of rows for folds, and from which training scores are those of new rows after few epochs.
_LEAST_ROWS, _MANY_ROWS = 20, 25_000
#: Maximum number of times that a row is used in training, on average, for its score to be that of a new row.
_FEW_EPOCHS = 5
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


def scores_out_of_fold(recipe: Recipe, job: FitJob, folds: Folds) -> np.ndarray:
    """Return the scores of the rows of a job by clones that are fitted on the other folds.

    If all folds are scored, the scores have the order of the rows, (N,); otherwise, their order is random.
    """
    order = numpy_stream(MemberKey(job.seed), "folds").permutation(len(job.rows.table))
    parts = [np.sort(part) for part in np.array_split(order, folds.n_splits)][: folds.n_scored]
    scores = np.empty(len(order))
    for number, found in fit_stacked(_clones(recipe, job, parts)):
        if isinstance(found, Exception):
            raise found
        scores[parts[number]] = found
    return scores if folds.n_scored == folds.n_splits else scores[np.concatenate(parts)]


def _clones(recipe: Recipe, job: FitJob, parts: list[np.ndarray]) -> Iterator[PreparedFit]:
    table = job.rows.table
    for part in parts:
        rows = replace(job.rows, table=np.delete(table, part, axis=0), held_out=table[:0], core=None)
        yield _clone(recipe, prepare_fit(recipe, rows, job.seed, Initializer()), table[part])


def _clone(recipe: Recipe, job: FitJob, left_out: np.ndarray) -> PreparedFit:
    def finish(result: TrainingResult) -> np.ndarray:
        return -recipe.fitted_model(job).errors(left_out)

    return job, finish
