"""Criteria that compare several fits with each other."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NoReturn

import numpy as np
from scipy.stats import rankdata


@dataclass(frozen=True)
class Comparison:
    """A criterion for the parameter `scoring` of the stacked searches, which run the fits that it compares.

    Parameters
    ----------
    name : str
    n_fits : int
        Number of fits of each candidate on each fold, with different seeds.
    n_candidates : int
        Minimum number of candidates.
    compare : callable
        Map from held-out scores (C candidates, S fits, n rows) to values (C,), higher = better.
    """

    name: str
    n_fits: int
    n_candidates: int
    compare: Callable[[np.ndarray], np.ndarray]

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> NoReturn:
        """Raise a TypeError, because a single fit cannot be compared."""
        raise TypeError(
            f"{self.name} compares several fits and cannot score a single one; pass it as scoring of "
            "StackedGridSearchCV or StackedRandomizedSearchCV"
        )


def check_enough(scorers: Iterable[Any], candidates: Sequence[Any]) -> None:
    """Raise a ValueError if there are too few candidates for a comparison."""
    for scorer in scorers:
        if isinstance(scorer, Comparison) and len(candidates) < scorer.n_candidates:
            raise ValueError(
                f"{scorer.name} needs at least {scorer.n_candidates} candidates; got {len(candidates)}; "
                f"extend the grid or choose another scorer"
            )


def _stability(scores: np.ndarray) -> np.ndarray:
    ranks = _standard_ranks(scores)
    pairs = combinations(range(scores.shape[1]), 2)
    return np.mean([_correlations(ranks[:, first], ranks[:, second]) for first, second in pairs], axis=0)


def _consensus(scores: np.ndarray) -> np.ndarray:
    if len(scores) < 2:  # the other candidates failed
        return np.full(len(scores), np.nan)
    ranks = rankdata(scores[:, 0], axis=1)
    others = (ranks.sum(axis=0) - ranks) / (len(ranks) - 1)
    return _correlations(_standard_ranks(ranks), _standard_ranks(others))


def _standard_ranks(scores: np.ndarray) -> np.ndarray:
    """Return ranks along the last axis with mean 0 and norm 1; zeros if all values are equal."""
    ranks = rankdata(scores, axis=-1)
    ranks -= ranks.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(ranks, axis=-1, keepdims=True)
    return np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0)


def _correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.sum(first * second, axis=-1)


#: Mean rank correlation of the held-out scores of three seeds, in [-1, 1].
stability = Comparison("stability", n_fits=3, n_candidates=1, compare=_stability)
#: Rank correlation of a candidate's held-out scores with the mean ranks of the other candidates, in [-1, 1].
consensus = Comparison("consensus", n_fits=1, n_candidates=2, compare=_consensus)
