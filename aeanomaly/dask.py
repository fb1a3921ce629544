"""Tables that are larger than one machine: fitted and scored where their parts are."""

import copy
from collections.abc import Sequence
from functools import reduce
from itertools import accumulate, pairwise
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted

from aeanomaly.detectors import BaseDetector, draw_seed
from aeanomaly.streaming import PartSummary, merge_summaries, sample_indices, summarize_part
from aeanomaly.threads import limit_threads
from aeanomaly.thresholds import ScoreSketch

try:
    import dask
    import dask.dataframe as dd
except ImportError as error:
    raise ImportError("aeanomaly.dask needs Dask; install it with: pip install 'aeanomaly[dask]'") from error

D = TypeVar("D", bound=BaseDetector)


def fit(detector: D, ddf: Any, *, sample_size: int = 100_000) -> D:
    """Learn from a Dask frame whose parts stay where they are.

    Mean, deviation and range of numeric columns are those of all rows; a uniform sample, drawn by the workers, is
    brought together on one of them, which trains. The model is the same, to the bit, for any number of workers and for
    any partitions of the same rows, and is that of ``detector.fit_batches``, but for the threshold: one that is set on
    training scores is set on those of all rows, by a sketch whose quantiles are off by 0.1 % of a score at most.

    Parameters
    ----------
    detector : detector of this package
        It is fitted in place.
    ddf : dask.dataframe.DataFrame
        Read three times: for the lengths of its partitions; for moments and the sample; for scores, where the threshold
        wants them. Where it is costly to make and fits into the workers' memory, persist it before.
    sample_size : int, default=100_000
        Rows in the sample.

    Returns
    -------
    detector : the same

    Raises
    ------
    TypeError
        If it is no detector of this package, or no Dask frame.
    ValueError
        As `DenoisingAutoencoder.fit_batches`. On any error the detector is as it was.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import dask.dataframe as dd
    >>> import aeanomaly.dask
    >>> from aeanomaly import DenoisingAutoencoder
    >>> rows = pd.DataFrame(np.random.default_rng(0).normal(size=(500, 3)), columns=list("abc"))
    >>> ddf = dd.from_pandas(rows, npartitions=3)
    >>> detector = aeanomaly.dask.fit(DenoisingAutoencoder(random_state=0), ddf)
    >>> aeanomaly.dask.score_samples(detector, ddf).compute().shape
    (500,)
    """
    _check(detector, ddf)
    parts = ddf.to_delayed()
    lengths = [int(length) for length in dask.compute(*map(dask.delayed(len), parts))]
    seed = draw_seed(detector.random_state)
    firsts = list(accumulate(lengths, initial=0))
    chosen = sample_indices(sample_size, seed, firsts[-1])
    edges = np.searchsorted(chosen, firsts)
    surveyed: Sequence[PartSummary] = dask.compute(
        *(
            dask.delayed(summarize_part)(part, first, chosen[start:end], detector._takes_holes, f"partition {number}")
            for number, (part, first, (start, end)) in enumerate(zip(parts, firsts, pairwise(edges), strict=False))
        )
    )
    survey = merge_summaries(surveyed, chosen, sample_size, seed, detector._takes_holes)
    learner = dask.delayed(_fitted)(detector, survey).compute()
    if learner._scores_for(learner.contamination)[1] == "training rows" and not len(learner.calibration_scores_):
        sketches = dask.compute(*(dask.delayed(_sketch)(learner, part) for part in parts))
        learner._decide_on_all(reduce(ScoreSketch.merge, sketches))
    detector.__dict__ = learner.__dict__
    return detector


def score_samples(detector: BaseDetector, ddf: Any) -> Any:
    """Scores of a Dask frame, lazily, partition by partition.

    Parameters
    ----------
    detector : fitted detector of this package
    ddf : dask.dataframe.DataFrame

    Returns
    -------
    scores : dask.dataframe.Series of float64
        Named "score", indexed as `ddf`; higher = more normal. Each is that of `score_samples`, to the bit.

    Raises
    ------
    TypeError
        If it is no detector of this package, or no Dask frame.
    NotFittedError
        If it is not fitted.
    """
    _check(detector, ddf)
    check_is_fitted(detector)
    return ddf.map_partitions(_scores, copy.copy(detector), meta=pd.Series(dtype=np.float64, name="score"))


def predict(detector: BaseDetector, ddf: Any) -> Any:
    """Labels of a Dask frame, lazily: +1 for normal rows, -1 for anomalies; else as `score_samples`."""
    _check(detector, ddf)
    check_is_fitted(detector)
    return ddf.map_partitions(_labels, copy.copy(detector), meta=pd.Series(dtype=np.int64, name="label"))


def _check(detector: Any, ddf: Any) -> None:
    if not isinstance(detector, BaseDetector):
        raise TypeError(
            f"aeanomaly.dask takes a detector of this package; got {type(detector).__name__}; put what stands in front "
            "of it in a pipeline into ddf.map_partitions"
        )
    if not isinstance(ddf, dd.DataFrame):
        raise TypeError(
            f"aeanomaly.dask takes a dask.dataframe.DataFrame; got {type(ddf).__name__}; make one with dd.from_pandas, "
            "or call the detector itself"
        )


def _fitted(detector: Any, survey: Any) -> Any:
    """A fitted copy, on whichever worker this runs: on one thread, so that all workers learn the same."""
    learner = copy.copy(detector)
    with torch.inference_mode(False), limit_threads(1):
        learner._fit_survey(survey)
    return learner


def _scores(rows: pd.DataFrame, detector: Any) -> pd.Series:
    with limit_threads(1):  # a task is one thread; how many run at a time is for Dask to say
        scores = detector.score_samples(rows) if len(rows) else np.empty(0)
    return pd.Series(scores, index=rows.index, name="score")


def _labels(rows: pd.DataFrame, detector: Any) -> pd.Series:
    decision = _scores(rows, detector) - detector.offset_
    return pd.Series(np.where(decision >= 0, 1, -1), index=rows.index, name="label")


def _sketch(detector: Any, rows: pd.DataFrame) -> ScoreSketch:
    return ScoreSketch.from_scores(_scores(rows, detector).to_numpy())
