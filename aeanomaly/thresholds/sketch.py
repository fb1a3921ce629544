"""Mergeable quantile sketch of scores in bounded memory."""

from dataclasses import dataclass

import numpy as np

from aeanomaly.thresholds._checks import check_scores
from aeanomaly.thresholds.summary import MOST_SCORES

#: Maximum relative error of a quantile.
ERROR = 1e-3
_BASE = np.log1p(ERROR) - np.log1p(-ERROR)
#: Scores with a smaller absolute value count as 0.
_SMALLEST = 1e-200


@dataclass(frozen=True)
class ScoreSketch:
    """Counts of scores in logarithmic buckets of 0.2% width, for positive and negative scores.

    The relative error of a quantile is at most 0.1%. Counts are additive, so that the sketch does not depend on how
    the scores are split. It has a few thousand buckets, for any number of scores.

    Attributes
    ----------
    buckets : ndarray of int64 (B,)
        Bucket indices, ascending with the scores.
    counts : ndarray of int64 (B,)
        Number of scores in each bucket.

    References
    ----------
    Masson, Rim & Lee (2019), DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees,
    Proceedings of the VLDB Endowment 12.

    Examples
    --------
    >>> import numpy as np
    >>> scores = -np.random.default_rng(0).exponential(size=(2, 50_000))
    >>> sketch = ScoreSketch.from_scores(scores[0]).merge(ScoreSketch.from_scores(scores[1]))
    >>> bool(abs(np.median(sketch.scores()) / np.median(scores) - 1) < 2e-3)
    True
    """

    buckets: np.ndarray
    counts: np.ndarray

    @classmethod
    def from_scores(cls, scores: np.ndarray) -> "ScoreSketch":
        """Build the sketch of scores (n,)."""
        if len(scores) == 0:
            return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        scores = check_scores(scores)
        size = np.log(np.maximum(np.abs(scores), _SMALLEST)) - np.log(_SMALLEST)
        # Indices start at 1, so that buckets have the sign of their scores, and 0 is the bucket of 0.
        steps = np.ceil(size / _BASE).astype(np.int64)
        return cls(*np.unique(np.where(scores < 0, -steps, steps), return_counts=True))

    def merge(self, other: "ScoreSketch") -> "ScoreSketch":
        """Merge with the sketch of other scores."""
        buckets, places = np.unique(np.concatenate([self.buckets, other.buckets]), return_inverse=True)
        counts = np.zeros(len(buckets), dtype=np.int64)
        np.add.at(counts, places, np.concatenate([self.counts, other.counts]))
        return ScoreSketch(buckets, counts)

    @property
    def n_scores(self) -> int:
        """Total number of scores."""
        return int(self.counts.sum())

    def scores(self) -> np.ndarray:
        """Return the scores, ascending, with an error of at most 0.1%; at most 100,000 order statistics."""
        middles = np.exp(np.log(_SMALLEST) + (np.abs(self.buckets) - 0.5) * _BASE)
        values = np.where(self.buckets == 0, 0.0, np.sign(self.buckets) * middles)
        if self.n_scores <= MOST_SCORES:
            return np.repeat(values, self.counts)
        ranks = np.linspace(1, self.n_scores, MOST_SCORES)
        return values[np.searchsorted(np.cumsum(self.counts), ranks)]
