"""Fit and score Dask DataFrames on their workers."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import accumulate, pairwise
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted

from aeanomaly.detectors import BaseDetector
from aeanomaly.streaming import PartSummary, TableSummary, merge_summaries, sample_indices, summarize_part
from aeanomaly.streams import draw_seed
from aeanomaly.threads import limit_threads
from aeanomaly.thresholds import ScoreSketch

try:
    import dask
    import dask.dataframe as dd
except ImportError as error:
    raise ImportError("aeanomaly.dask needs Dask; install it with: pip install 'aeanomaly[dask]'") from error

D = TypeVar("D", bound=BaseDetector)


def fit(detector: D, ddf: Any, *, sample_size: int = 100_000) -> D:
    """Fit a detector to a Dask DataFrame without collecting its partitions.

    Moments and ranges of numeric columns are computed from all rows. The workers draw a uniform sample, and one worker
    trains on it. The model is bitwise identical for any number of workers and any partition of the same rows. It equals
    that of ``detector.fit_batches``, except for a threshold that is set on training scores. This threshold uses the
    scores of all rows, from a sketch whose quantiles have a relative error of at most 0.1%.

    Parameters
    ----------
    detector : detector of this package
        Detector to fit in place.
    ddf : dask.dataframe.DataFrame
        Rows, read up to three times: for the lengths of partitions, for moments and the sample, and for scores if the
        threshold needs them. Call ``ddf.persist()`` first if the rows are expensive to compute and fit into memory.
    sample_size : int, default=100_000
        Number of rows in the sample.

    Returns
    -------
    detector : detector of this package
        The argument `detector`.

    Raises
    ------
    TypeError
        If `detector` is not a detector of this package, or `ddf` is not a Dask DataFrame.
    ValueError
        See `DenoisingAutoencoder.fit_batches`. On any error, the detector stays unchanged.

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
    seed, allow_nan = draw_seed(detector.random_state), detector.missing != "error"
    firsts = list(accumulate(lengths, initial=0))
    chosen = sample_indices(sample_size, seed, firsts[-1])
    edges = np.searchsorted(chosen, firsts)
    parts_found: Sequence[PartSummary] = dask.compute(
        *(
            dask.delayed(summarize_part)(part, first, chosen[start:end], allow_nan, f"partition {number}")
            for number, (part, first, (start, end)) in enumerate(zip(parts, firsts, pairwise(edges), strict=False))
        )
    )
    summary = merge_summaries(parts_found, chosen, sample_size, seed, allow_nan)
    learner = dask.delayed(_fitted)(detector, summary).compute()
    state = learner.state_
    if state.calibration.is_set_on_training_rows:
        sketches = dask.compute(*(dask.delayed(_sketch)(learner, part) for part in parts))
        sketch = reduce(ScoreSketch.merge, sketches)
        calibration = state.calibration.with_all_training_scores(
            learner.contamination, sketch, robust=bool(learner.robust)
        )
        learner.state_ = replace(state, calibration=calibration)
    detector.__dict__ = learner.__dict__
    return detector


def score_samples(detector: BaseDetector, ddf: Any) -> Any:
    """Return the lazy scores of a Dask DataFrame, computed partition by partition.

    Parameters
    ----------
    detector : fitted detector of this package
    ddf : dask.dataframe.DataFrame

    Returns
    -------
    scores : dask.dataframe.Series of float64
        Series "score" with the index of `ddf`; higher = more normal. The values are bitwise equal to those of the
        method `score_samples`.

    Raises
    ------
    TypeError
        If `detector` is not a detector of this package, or `ddf` is not a Dask DataFrame.
    NotFittedError
        If the detector is not fitted.
    """
    _check(detector, ddf)
    check_is_fitted(detector)
    return ddf.map_partitions(_scores, copy.copy(detector), meta=pd.Series(dtype=np.float64, name="score"))


def predict(detector: BaseDetector, ddf: Any) -> Any:
    """Return the lazy labels of a Dask DataFrame: +1 for normal rows, -1 for anomalies; see `score_samples`."""
    _check(detector, ddf)
    check_is_fitted(detector)
    return ddf.map_partitions(_labels, copy.copy(detector), meta=pd.Series(dtype=np.int64, name="label"))


def _check(detector: Any, ddf: Any) -> None:
    if not isinstance(detector, BaseDetector):
        raise TypeError(
            f"aeanomaly.dask takes a detector of this package; got {type(detector).__name__}; apply the transformers "
            "of a pipeline with ddf.map_partitions"
        )
    if not isinstance(ddf, dd.DataFrame):
        raise TypeError(
            f"aeanomaly.dask takes a dask.dataframe.DataFrame; got {type(ddf).__name__}; create one with "
            "dd.from_pandas, or call the methods of the detector"
        )


def _fitted(detector: BaseDetector, summary: TableSummary) -> BaseDetector:
    """Return a fitted copy; training uses one thread, so that the result does not depend on the worker."""
    with torch.inference_mode(False), limit_threads(1):
        return copy.copy(detector).fit_summary(summary)


def _scores(rows: pd.DataFrame, detector: BaseDetector) -> pd.Series:
    with limit_threads(1):  # Dask controls the number of parallel tasks, each with one thread
        scores = detector.score_samples(rows) if len(rows) else np.empty(0)
    return pd.Series(scores, index=rows.index, name="score")


def _labels(rows: pd.DataFrame, detector: BaseDetector) -> pd.Series:
    has_groups = detector.state_.calibration.groups is not None
    decision = _scores(rows, detector) - (detector.offsets(rows) if has_groups and len(rows) else detector.offset_)
    return pd.Series(np.where(decision >= 0, 1, -1), index=rows.index, name="label")


def _sketch(detector: BaseDetector, rows: pd.DataFrame) -> ScoreSketch:
    return ScoreSketch.from_scores(_scores(rows, detector).to_numpy())
