"""Summary of scores in bounded memory."""

from dataclasses import dataclass

import numpy as np

#: Maximum number of scores in a summary.
MOST_SCORES = 100_000


@dataclass(frozen=True)
class ScoreSummary:
    """At most 100,000 scores, or order statistics of merged summaries.

    Parameters
    ----------
    values : ndarray (n,)
    n_rows : int
        Number of rows that the values represent, with equal weights.
    """

    values: np.ndarray
    n_rows: int

    def merge(self, other: "ScoreSummary") -> "ScoreSummary":
        """Merge with the summary of other rows."""
        weights = np.concatenate([np.full(len(s.values), s.n_rows / len(s.values)) for s in (self, other)])
        values = _thinned(np.concatenate([self.values, other.values]), weights)
        return ScoreSummary(values, self.n_rows + other.n_rows)


def _thinned(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the scores, or if they are more, 100,000 of them at even steps of the cumulative weight."""
    if len(scores) <= MOST_SCORES:
        return scores
    order = np.argsort(scores, kind="stable")
    cumulative = np.cumsum(weights[order])
    # The lowest and the highest score are always kept.
    steps = np.linspace(weights[order[0]], cumulative[-1], MOST_SCORES)
    return scores[order][np.searchsorted(cumulative, steps * (1 - 1e-12)).clip(0, len(scores) - 1)]
