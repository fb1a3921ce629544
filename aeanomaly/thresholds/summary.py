"""Scores seen so far, in bounded memory."""

from dataclasses import dataclass

import numpy as np

#: Scores that are kept at most.
MOST_SCORES = 100_000


@dataclass(frozen=True)
class ScoreSummary:
    """Scores of rows, at most 100,000, or order statistics of several such.

    Parameters
    ----------
    values : ndarray (n,)
    n_rows : int
        Rows that they stand for, each for an equal share.
    """

    values: np.ndarray
    n_rows: int

    def merge(self, other: "ScoreSummary") -> "ScoreSummary":
        """Summary of these rows and of others."""
        weights = np.concatenate([np.full(len(s.values), s.n_rows / len(s.values)) for s in (self, other)])
        values = _thinned(np.concatenate([self.values, other.values]), weights)
        return ScoreSummary(values, self.n_rows + other.n_rows)


def _thinned(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The scores themselves if few, else 100,000 of them at even steps of their cumulative weight."""
    if len(scores) <= MOST_SCORES:
        return scores
    order = np.argsort(scores, kind="stable")
    cumulative = np.cumsum(weights[order])
    # The ends are kept, so that the worst and the best score survive every merge.
    steps = np.linspace(weights[order[0]], cumulative[-1], MOST_SCORES)
    return scores[order][np.searchsorted(cumulative, steps * (1 - 1e-12)).clip(0, len(scores) - 1)]
