"""Quantiles of any number of scores, in little memory, from parts that are merged in any order."""

from dataclasses import dataclass

import numpy as np

from aeanomaly.thresholds._checks import check_scores
from aeanomaly.thresholds.summary import MOST_SCORES

#: Relative error of a quantile.
ERROR = 1e-3
_BASE = np.log1p(ERROR) - np.log1p(-ERROR)
#: Scores nearer to 0 are 0.
_SMALLEST = 1e-200


@dataclass(frozen=True)
class ScoreSketch:
    """Counts of scores in buckets that are 0.2 % wide, on a logarithmic scale on either side of 0.

    A quantile of it is one of the scores, off by 0.1 % of its value at most. Counts add up, so that the sketch of all
    scores is the same, to the bit, however they were parted; it holds some thousand buckets, whatever their number.

    Attributes
    ----------
    buckets : ndarray of int64 (B,)
        Ascending, as scores are.
    counts : ndarray of int64 (B,)

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
        """Of scores (n,)."""
        if len(scores) == 0:
            return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        scores = check_scores(scores)
        size = np.log(np.maximum(np.abs(scores), _SMALLEST)) - np.log(_SMALLEST)
        # From 1 on, so that the sign of a bucket is that of its scores, and 0 is 0.
        steps = np.ceil(size / _BASE).astype(np.int64)
        return cls(*np.unique(np.where(scores < 0, -steps, steps), return_counts=True))

    def merge(self, other: "ScoreSketch") -> "ScoreSketch":
        """Of the scores of both."""
        buckets, places = np.unique(np.concatenate([self.buckets, other.buckets]), return_inverse=True)
        counts = np.zeros(len(buckets), dtype=np.int64)
        np.add.at(counts, places, np.concatenate([self.counts, other.counts]))
        return ScoreSketch(buckets, counts)

    @property
    def n_scores(self) -> int:
        """Scores in all."""
        return int(self.counts.sum())

    def scores(self) -> np.ndarray:
        """All scores, ascending, each off by 0.1 % at most; 100,000 order statistics of them where they are more."""
        middles = np.exp(np.log(_SMALLEST) + (np.abs(self.buckets) - 0.5) * _BASE)
        values = np.where(self.buckets == 0, 0.0, np.sign(self.buckets) * middles)
        if self.n_scores <= MOST_SCORES:
            return np.repeat(values, self.counts)
        ranks = np.linspace(1, self.n_scores, MOST_SCORES)
        return values[np.searchsorted(np.cumsum(self.counts), ranks)]
