"""Criteria that compare fits with each other, and so want more than one of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NoReturn

import numpy as np
from scipy.stats import rankdata


@dataclass(frozen=True)
class Comparison:
    """A criterion for `scoring` of the stacked searches, which fit what it compares.

    Parameters
    ----------
    name : str
    n_fits : int
        Fits of each candidate on each fold, with seeds of their own.
    n_candidates : int
        Candidates that it wants at least.
    compare : callable
        Held-out scores (C candidates, S fits, n rows) -> values (C,), higher = better.
    """

    name: str
    n_fits: int
    n_candidates: int
    compare: Callable[[np.ndarray], np.ndarray]

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> NoReturn:
        """Refuse to judge one fit alone, as scikit-learn's own searches would want it."""
        raise TypeError(
            f"{self.name} compares several fits, and one alone tells it nothing; pass it as scoring of "
            "StackedGridSearchCV or StackedRandomizedSearchCV"
        )


def check_enough(scorers: Iterable[Any], candidates: Sequence[Any]) -> None:
    """Raise a ValueError if there are too few candidates for a comparison."""
    for scorer in scorers:
        if isinstance(scorer, Comparison) and len(candidates) < scorer.n_candidates:
            raise ValueError(
                f"{scorer.name} compares at least {scorer.n_candidates} candidates, and there is "
                f"{len(candidates)}; widen the grid, or take another scorer"
            )


def _stability(scores: np.ndarray) -> np.ndarray:
    ranks = _standard_ranks(scores)
    pairs = combinations(range(scores.shape[1]), 2)
    return np.mean([_correlations(ranks[:, first], ranks[:, second]) for first, second in pairs], axis=0)


def _consensus(scores: np.ndarray) -> np.ndarray:
    if len(scores) < 2:  # the others failed
        return np.full(len(scores), np.nan)
    ranks = rankdata(scores[:, 0], axis=1)
    others = (ranks.sum(axis=0) - ranks) / (len(ranks) - 1)
    return _correlations(_standard_ranks(ranks), _standard_ranks(others))


def _standard_ranks(scores: np.ndarray) -> np.ndarray:
    """Ranks along the last axis with mean 0 and length 1; zeros where all are alike."""
    ranks = rankdata(scores, axis=-1)
    ranks -= ranks.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(ranks, axis=-1, keepdims=True)
    return np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0)


def _correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.sum(first * second, axis=-1)


#: Mean rank correlation of held-out scores between three seeds, in [-1, 1].
stability = Comparison("stability", n_fits=3, n_candidates=1, compare=_stability)
#: Rank correlation of a candidate's held-out scores with the other candidates' mean rank, in [-1, 1].
consensus = Comparison("consensus", n_fits=1, n_candidates=2, compare=_consensus)
