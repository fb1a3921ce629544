"""Scores seen so far, in bounded memory."""

from dataclasses import dataclass

import numpy as np

#: Scores that are kept one by one; more are kept as this many order statistics.
MOST_SCORES = 100_000


@dataclass(frozen=True)
class ScoreSummary:
    """Training scores, or their order statistics where there are too many.

    Parameters
    ----------
    values : ndarray (n,)
        In row order up to 100,000 rows; above, sorted.
    n_rows : int
        Rows that they stand for, each for an equal share.
    """

    values: np.ndarray
    n_rows: int

    @classmethod
    def of(cls, scores: np.ndarray) -> "ScoreSummary":
        """Summary of scores (n,)."""
        return cls(_thinned(scores, np.ones(len(scores))), len(scores))

    def merged(self, scores: np.ndarray) -> "ScoreSummary":
        """Summary of these rows and of new scores (n,)."""
        old = np.full(len(self.values), self.n_rows / len(self.values))
        values = _thinned(np.concatenate([self.values, scores]), np.concatenate([old, np.ones(len(scores))]))
        return ScoreSummary(values, self.n_rows + len(scores))


def _thinned(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The scores themselves if few, else 100,000 of them at even steps of their cumulative weight."""
    if len(scores) <= MOST_SCORES:
        return scores
    order = np.argsort(scores, kind="stable")
    cumulative = np.cumsum(weights[order])
    # The ends are kept, so that the worst and the best score survive every merge.
    steps = np.linspace(weights[order[0]], cumulative[-1], MOST_SCORES)
    return scores[order][np.searchsorted(cumulative, steps * (1 - 1e-12)).clip(0, len(scores) - 1)]
