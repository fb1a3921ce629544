"""Tables that are larger than memory: fitted in one pass, scored part by part."""

import copy
import os
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import torch
from tqdm import tqdm

from aeanomaly.detectors._rules import check_parameters, integer
from aeanomaly.detectors._seeds import draw_seed
from aeanomaly.detectors._starts import SurveyedStarts
from aeanomaly.exceptions import SourceError
from aeanomaly.streaming import Checkpoint, Source, TableSummary, as_source


class StreamingMethods:
    """The public methods that take a table in parts."""

    def fit_batches(
        self,
        source: Any,
        *,
        columns: Sequence[str] | None = None,
        sample_size: int = 100_000,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Learn from a table that is larger than memory, in one pass over it.

        Mean, deviation and range of numeric columns are those of all rows. Training, levels, times, and the threshold
        are of a uniform random sample: an "auto" fit draws 51,200 rows at most in any case, so that more would
        change nothing. The model is the same, to the bit, for any parts that the same rows come in.

        Parameters
        ----------
        source : path, sequence of paths, frame, array, Arrow object, or iterable of frames, arrays or record batches
            Files are .parquet, .csv or .arrow (pyarrow reads them, of the extra ``aeanomaly[parquet]``), and a
            folder stands for those in it. An iterator is read once; a function is called for one.
        columns : sequence of str, optional
            Columns to learn from; all by default.
        sample_size : int, default=100_000
            Rows in the sample; twice as many are held in memory.
        checkpoint : path-like, optional
            For files. What the pass has found is put there now and then, at least ten seconds apart; if the file is
            there, the pass goes on from it, and the fit ends as an unbroken one would have. It is deleted at the end.

        Returns
        -------
        self

        Raises
        ------
        SourceError
            If a file is damaged, or columns change on the way: it names file and row group.
        ValueError
            As `fit`, and for a checkpoint of another fit.
        TypeError
            If `source` is none of these.

        Examples
        --------
        >>> import numpy as np
        >>> from aeanomaly import DenoisingAutoencoder
        >>> rng = np.random.default_rng(0)
        >>> parts = (rng.normal(size=(1000, 3)) for _ in range(5))
        >>> detector = DenoisingAutoencoder(random_state=0).fit_batches(parts)
        >>> detector.n_samples_seen_
        5000
        """
        learner: Any = copy.copy(self)
        owner = type(self).__name__
        check_parameters(learner, learner._rules)
        integer(2).check(f"{owner}.fit_batches", "sample_size", sample_size)
        found = as_source(source, columns)
        survey = TableSummary(sample_size, draw_seed(learner.random_state), learner._takes_holes)
        place = None
        if checkpoint is not None:
            if found.fingerprint is None or learner.random_state is None:
                raise ValueError(
                    f"{owner}.fit_batches: a checkpoint needs files that can be read again, and an integer as "
                    "random_state; pass these, or no checkpoint"
                )
            place = Checkpoint(checkpoint, found.fingerprint)
            survey = place.load(survey)
        _pass_over(found, survey, place, owner, bool(learner.verbose))
        with torch.inference_mode(False):
            learner._fit_survey(survey)
        self.__dict__ = learner.__dict__
        if place is not None:
            place.remove()
        return self

    def _fit_survey(self: Any, survey: TableSummary) -> None:
        statistics = survey.statistics()
        if statistics is None:
            raise ValueError("the table has n_samples=0, and a fit needs at least 2 rows")
        rows, plan = self._prepare(survey.sample.rows(), starts=SurveyedStarts((survey.numeric_columns, statistics)))
        self._finish(plan.model, plan.train(), rows)
        self.n_samples_seen_ = survey.n_rows

    def score_batches(self: Any, source: Any) -> Iterator[np.ndarray]:
        """Scores of a table that is larger than memory, part by part, while the next one is read.

        Parameters
        ----------
        source : path, sequence of paths, frame, array, Arrow object, or iterable of frames, arrays or record batches
            As for `fit_batches`. Of files the columns that the detector knows are read, if it knows names.

        Yields
        ------
        scores : ndarray of shape (n_rows_of_part,)
            `score_samples` of the part, to the bit.

        Raises
        ------
        SourceError
            If a file is damaged, or rows cannot be scored: it names file and row group.

        Examples
        --------
        >>> import numpy as np
        >>> from aeanomaly import DenoisingAutoencoder
        >>> X = np.random.default_rng(0).normal(size=(1000, 3))
        >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
        >>> scores = np.concatenate(list(detector.score_batches([X[:600], X[600:]])))
        >>> bool((scores == detector.score_samples(X)).all())
        True
        """
        fitted = self._fitted()
        names = getattr(fitted, "feature_names_in_", None)
        return fitted._scores_of(as_source(source, None if names is None else list(names)))

    def _scores_of(self: Any, source: Source) -> Iterator[np.ndarray]:
        for part in source.parts():
            try:
                scores = self.score_samples(part.rows)
            except ValueError as error:
                raise SourceError(f"{part.where}: {error}") from None
            yield scores


def _pass_over(source: Source, survey: TableSummary, checkpoint: Checkpoint | None, owner: str, verbose: bool) -> None:
    """Survey what is left of a table."""
    bar = tqdm(total=source.n_rows, initial=survey.n_rows, desc=owner, unit="row", unit_scale=True, disable=not verbose)
    with bar:
        for part in source.parts(skip=survey.n_rows):
            survey.add(part.rows, part.where)
            bar.update(len(part.rows))
            if checkpoint is not None:
                checkpoint.save_if_due(survey)
