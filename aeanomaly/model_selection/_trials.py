"""Candidates on folds, fitted together: what scikit-learn's searches do one by one."""

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed

from aeanomaly.detectors import BaseDetector, fit_detectors
from aeanomaly.model_selection._access import front_and_detector, scores_of
from aeanomaly.model_selection.comparison import Comparison
from aeanomaly.streams import draw_seed


class Fold(NamedTuple):
    """Row numbers of a split."""

    train: np.ndarray
    test: np.ndarray


class Trial(NamedTuple):
    """A candidate's number, a fold's, and that of a fit with a seed of its own."""

    candidate: int
    fold: int
    repeat: int = 0


@dataclass
class Outcome:
    """What became of a trial.

    Attributes
    ----------
    error : Exception or None
        What the fit raised.
    scores : dict
        (scorer's name, bytes of the rows' numbers) -> what the scorer answered, or the exception that it raised.
    compared : dict
        Bytes of the rows' numbers -> what the estimator says of these rows, for comparisons, or an exception.
    fit_time, score_time : float
        Seconds; of the fit its share, where many were fitted together.
    """

    error: Exception | None = None
    scores: dict[tuple[str, bytes], Any] = field(default_factory=dict)
    compared: dict[bytes, Any] = field(default_factory=dict)
    fit_time: float = 0.0
    score_time: float = 0.0


@dataclass(frozen=True)
class Trials:
    """Everything that a search tries.

    Parameters
    ----------
    estimator : estimator
        A detector of this package, alone or as the last step of a pipeline, is fitted in stacks; the steps in
        front of it once for each fold and each of their own settings. Any other is fitted apart.
    candidates : sequence of dict
        Parameters.
    X, y : array-like, array-like or None
    folds : sequence of Fold
    scorers : mapping of str to callable(estimator, X[, y]) or Comparison
    scores_train : bool
        Whether training rows are scored, too.
    raises : bool
        Whether the first error ends all.
    n_jobs : int or None
        Processes for what is fitted apart.
    """

    estimator: Any
    candidates: Sequence[Mapping[str, Any]]
    X: Any
    y: Any
    folds: Sequence[Fold]
    scorers: Mapping[str, Callable[..., Any]]
    scores_train: bool
    raises: bool
    n_jobs: int | None

    def __len__(self) -> int:
        return len(self.candidates) * len(self.folds) * self.n_repeats

    def run(self, on_done: Callable[[], Any]) -> dict[Trial, Outcome]:
        """Fit and score all; `on_done` is called after each. Gives the first fits, with what repeats said and took."""
        preparation, outcomes, seconds = _Preparation(self), dict[Trial, Outcome](), 0.0
        for trial, fitted, taken in self._stacked(preparation):
            outcomes[trial] = self._outcome(trial, fitted)
            seconds += taken
            on_done()
        for outcome in outcomes.values():
            outcome.fit_time = seconds / len(outcomes)
        for trial, fitted, taken in self._apart(preparation.apart):
            outcomes[trial] = self._outcome(trial, fitted)
            outcomes[trial].fit_time = taken
            on_done()
        for number in range(len(self.folds)):
            self._compare(number, outcomes)
        return {trial: outcome for trial, outcome in outcomes.items() if trial.repeat == 0}

    @property
    def n_rows(self) -> int:
        return _n_rows(self.X)

    @property
    def n_repeats(self) -> int:
        """Fits of each candidate on each fold."""
        return max((comparison.n_fits for comparison in self._comparisons.values()), default=1)

    @property
    def _comparisons(self) -> dict[str, Comparison]:
        return {name: scorer for name, scorer in self.scorers.items() if isinstance(scorer, Comparison)}

    def _scored(self, fold: Fold) -> list[np.ndarray]:
        """Numbers of the rows that are scored."""
        return [fold.test, fold.train] if self.scores_train else [fold.test]

    def rows(self, numbers: np.ndarray) -> tuple[Any, ...]:
        """Rows as a scorer takes them: X, and y if there is any."""
        parts = (self.X,) if self.y is None else (self.X, self.y)
        return tuple(_safe_indexing(part, numbers) for part in parts)

    def _outcome(self, trial: Trial, fitted: Any) -> Outcome:
        if isinstance(fitted, Exception):
            if self.raises:
                raise fitted
            return Outcome(error=fitted)
        outcome, clock, comparisons = Outcome(), time.perf_counter(), self._comparisons
        for numbers in self._scored(self.folds[trial.fold]):
            rows, key = self.rows(numbers), numbers.tobytes()
            if comparisons:
                outcome.compared[key] = self._score(scores_of, fitted, rows[:1])
            for name in self.scorers if trial.repeat == 0 else ():
                if name not in comparisons:
                    outcome.scores[name, key] = self._score(self.scorers[name], fitted, rows)
        outcome.score_time = time.perf_counter() - clock
        return outcome

    def _compare(self, fold: int, outcomes: dict[Trial, Outcome]) -> None:
        """Give the first fits of a fold what comparisons say, and their repeats' time."""
        fits = [[outcomes[Trial(c, fold, r)] for r in range(self.n_repeats)] for c in range(len(self.candidates))]
        for first, *others in fits:
            first.fit_time += sum(other.fit_time for other in others)
            first.score_time += sum(other.score_time for other in others)
        for name, comparison in self._comparisons.items():
            for key in [numbers.tobytes() for numbers in self._scored(self.folds[fold])]:
                values = _compared(comparison, [[fit.error or fit.compared[key] for fit in own] for own in fits])
                for (first, *_), value in zip(fits, values, strict=True):
                    first.scores[name, key] = value

    def _score(self, scorer: Callable[..., Any], fitted: Any, rows: tuple[Any, ...]) -> Any:
        try:
            return scorer(fitted, *rows)
        except Exception as error:
            if self.raises:
                raise
            return error

    def _stacked(self, preparation: "_Preparation") -> Iterator[tuple[Trial, Any, float]]:
        """Trials as they are done, each with its fitted estimator, or what the fit raised, and seconds."""
        stacks, clock = fit_detectors(preparation.detectors()), time.perf_counter()
        for number, fitted in stacks:
            trial, whole = preparation.stacked[number]
            yield trial, fitted if isinstance(fitted, Exception) else whole(fitted), time.perf_counter() - clock
            clock = time.perf_counter()
        for trial, error in preparation.failed:
            yield trial, error, 0.0

    def _apart(self, pairs: list[tuple[Trial, Any]]) -> Iterator[tuple[Trial, Any, float]]:
        """The same of estimators that cannot be stacked."""
        rows = [self.rows(fold.train) for fold in self.folds] if pairs else []
        calls = (delayed(_fit_apart)(estimator, rows[trial.fold]) for trial, estimator in pairs)
        for (trial, _), (fitted, seconds) in zip(pairs, Parallel(n_jobs=self.n_jobs)(calls), strict=True):
            yield trial, fitted, seconds


def folds_of(X: Any, splits: Iterable[tuple[Any, Any]]) -> list[Fold]:
    """Splits of the rows of X, be they numbers or masks, as row numbers."""
    numbers = np.arange(_n_rows(X))
    return [Fold(numbers[train], numbers[test]) for train, test in splits]


def _compared(comparison: Comparison, said: list[list[Any]]) -> list[Any]:
    """A value for each candidate, or what one of its fits raised: scores or exceptions, (C, S) of them."""
    said = [own[: comparison.n_fits] for own in said]
    values: list[Any] = [next((scores for scores in own if isinstance(scores, Exception)), None) for own in said]
    sound = [number for number, error in enumerate(values) if error is None]
    if sound:
        compared = comparison.compare(np.array([said[number] for number in sound]))
        for number, value in zip(sound, compared, strict=True):
            values[number] = float(value)
    return values


def _n_rows(X: Any) -> int:
    return X.shape[0] if hasattr(X, "shape") else len(X)


class _Preparation:
    """Trials on their way to `fit_detectors`, fold after fold.

    Attributes
    ----------
    stacked : list of (Trial, callable)
        In the order of `detectors`; the callable puts a fitted detector behind the fitted steps in front of it.
    apart : list of (Trial, estimator)
        What cannot be stacked.
    failed : list of (Trial, Exception)
        Where a step in front could not be fitted.
    """

    def __init__(self, trials: Trials):
        self._trials = trials
        self.stacked: list[tuple[Trial, Callable[[Any], Any]]] = []
        self.apart: list[tuple[Trial, Any]] = []
        self.failed: list[tuple[Trial, Exception]] = []

    def detectors(self) -> Iterator[tuple[Any, Any]]:
        """Detectors that are not fitted, each with its table."""
        for number, fold in enumerate(self._trials.folds):
            fronts = _Fronts(self._trials.rows(fold.train))
            for candidate, repeat in product(range(len(self._trials.candidates)), range(self._trials.n_repeats)):
                trial, parameters = Trial(candidate, number, repeat), self._trials.candidates[candidate]
                estimator = clone(self._trials.estimator).set_params(**clone(parameters, safe=False))
                front, detector = front_and_detector(estimator)
                _reseed(detector, repeat)
                if not isinstance(detector, BaseDetector):
                    self.apart.append((trial, estimator))
                    continue
                try:
                    steps, table = fronts.fitted(front)
                except Exception as error:
                    self.failed.append((trial, error))
                    continue
                self.stacked.append((trial, partial(_whole, estimator, steps)))
                yield detector, table


class _Fronts:
    """The steps in front of detectors, fitted once on the training rows of a fold."""

    def __init__(self, rows: tuple[Any, ...]):
        self._rows = rows
        self._known: dict[str, tuple[list[Any], Any]] = {}

    def fitted(self, front: Pipeline | None) -> tuple[list[Any], Any]:
        """The fitted steps, and the table that comes out of them."""
        if front is None:
            return [], self._rows[0]
        key = joblib.hash(front)
        if key not in self._known:
            table = front.fit_transform(*self._rows)
            self._known[key] = (front.steps, table)
        return self._known[key]


def _reseed(detector: Any, repeat: int) -> None:
    """Give a repeat seeds of its own: others, but the same every time."""
    for name, state in detector.get_params().items() if repeat else ():
        if name.split("__")[-1] == "random_state" and state is not None:
            seed = np.random.SeedSequence((draw_seed(state), repeat)).generate_state(1)[0]
            detector.set_params(**{name: int(seed)})


def _whole(estimator: Any, steps: list[Any], detector: Any) -> Any:
    """The estimator with its fitted parts in place."""
    if not isinstance(estimator, Pipeline):
        return detector
    estimator = copy.copy(estimator)
    estimator.steps = [*steps, (estimator.steps[-1][0], detector)]
    return estimator


def _fit_apart(estimator: Any, rows: tuple[Any, ...]) -> tuple[Any, float]:
    """The fitted estimator, or what its fit raised, and seconds."""
    start = time.perf_counter()
    try:
        fitted = estimator.fit(*rows)
    except Exception as error:
        fitted = error
    return fitted, time.perf_counter() - start
