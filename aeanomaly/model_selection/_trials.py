"""Joint fit of candidates on folds, with results equal to those of scikit-learn's searches."""

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
from sklearn.utils.validation import _num_samples

from aeanomaly.detectors import BaseDetector, fit_detectors
from aeanomaly.model_selection.comparison import Comparison
from aeanomaly.model_selection.estimators import scores_of, transformers_and_detector
from aeanomaly.streams import draw_seed

#: Threshold in place of "auto", which fits clones, where no scorer uses it.
_CHEAP = 0.1


class Fold(NamedTuple):
    """Row numbers of a split."""

    train: np.ndarray
    test: np.ndarray


class Trial(NamedTuple):
    """Numbers of a candidate, a fold and a repeat; each repeat has a separate seed."""

    candidate: int
    fold: int
    repeat: int = 0


@dataclass
class Outcome:
    """Result of a trial.

    Attributes
    ----------
    error : Exception or None
        Exception raised by the fit.
    scores : dict
        (name of the scorer, bytes of the row numbers) -> score, or the exception raised by the scorer.
    compared : dict
        Bytes of the row numbers -> scores of these rows for comparisons, or an exception.
    fit_time, score_time : float
        Seconds; the time of a joint fit is divided equally among its trials.
    """

    error: Exception | None = None
    scores: dict[tuple[str, bytes], Any] = field(default_factory=dict)
    compared: dict[bytes, Any] = field(default_factory=dict)
    fit_time: float = 0.0
    score_time: float = 0.0


@dataclass(frozen=True)
class Trials:
    """All trials of a search.

    Parameters
    ----------
    estimator : estimator
        A detector of this package, alone or as the last step of a pipeline, is fitted in stacks. The transformers of
        the pipeline are fitted once for each fold and each of their settings. Other estimators are fitted separately.
    candidates : sequence of dict
        Parameters of each candidate.
    X, y : array-like, array-like or None
    folds : sequence of Fold
    scorers : mapping of str to callable(estimator, X[, y]) or Comparison
    scores_train : bool
        If True, also score the training rows.
    raises : bool
        If True, raise the first error.
    n_jobs : int or None
        Number of processes for estimators that are fitted separately.
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
        """Fit and score all trials, and call `on_done` after each.

        Return the outcomes of the first repeats, with the comparisons and the times of all repeats.
        """
        preparation, outcomes, seconds = _Preparation(self), dict[Trial, Outcome](), 0.0
        for trial, fitted, taken in self._stacked(preparation):
            outcomes[trial] = self._outcome(trial, fitted)
            seconds += taken
            on_done()
        for outcome in outcomes.values():
            outcome.fit_time = seconds / len(outcomes)
        for trial, fitted, taken in self._separate(preparation.separate):
            outcomes[trial] = self._outcome(trial, fitted)
            outcomes[trial].fit_time = taken
            on_done()
        for number in range(len(self.folds)):
            self._compare(number, outcomes)
        return {trial: outcome for trial, outcome in outcomes.items() if trial.repeat == 0}

    @property
    def n_rows(self) -> int:
        return _num_samples(self.X)

    @property
    def n_repeats(self) -> int:
        """Number of fits of each candidate on each fold."""
        return max((comparison.n_fits for comparison in self._comparisons.values()), default=1)

    @property
    def ignores_thresholds(self) -> bool:
        """True if all scorers are those of this package, none of which uses the threshold of a detector."""
        return all(_module_of(scorer).startswith("aeanomaly.") for scorer in self.scorers.values())

    @property
    def _comparisons(self) -> dict[str, Comparison]:
        return {name: scorer for name, scorer in self.scorers.items() if isinstance(scorer, Comparison)}

    def _scored(self, fold: Fold) -> list[np.ndarray]:
        """Return the numbers of the rows to score."""
        return [fold.test, fold.train] if self.scores_train else [fold.test]

    def rows(self, numbers: np.ndarray) -> tuple[Any, ...]:
        """Return rows as arguments of a scorer: X, and y if there is one."""
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
        """Add the comparisons and the times of the repeats to the first outcomes of a fold."""
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
        """Yield the trials of stacks: the trial, the fitted estimator or the exception, and seconds."""
        stacks, clock = fit_detectors(preparation.detectors()), time.perf_counter()
        for number, fitted in stacks:
            trial, assemble = preparation.stacked[number]
            yield trial, fitted if isinstance(fitted, Exception) else assemble(fitted), time.perf_counter() - clock
            clock = time.perf_counter()
        for trial, error in preparation.failed:
            yield trial, error, 0.0

    def _separate(self, pairs: list[tuple[Trial, Any]]) -> Iterator[tuple[Trial, Any, float]]:
        """Yield the trials of estimators that cannot be stacked, as `_stacked` does."""
        rows = [self.rows(fold.train) for fold in self.folds] if pairs else []
        calls = (delayed(_fit_separate)(estimator, rows[trial.fold]) for trial, estimator in pairs)
        for (trial, _), (fitted, seconds) in zip(pairs, Parallel(n_jobs=self.n_jobs)(calls), strict=True):
            yield trial, fitted, seconds


def folds_of(X: Any, splits: Iterable[tuple[Any, Any]]) -> list[Fold]:
    """Convert splits of the rows of X, indices or masks, to row numbers."""
    numbers = np.arange(_num_samples(X))
    return [Fold(numbers[train], numbers[test]) for train, test in splits]


def _module_of(scorer: Any) -> str:
    """Return the module of a scorer: of its function, or of its class."""
    scorer = scorer.func if isinstance(scorer, partial) else scorer
    return str(getattr(scorer, "__module__", ""))


def _compared(comparison: Comparison, scores_of_fits: list[list[Any]]) -> list[Any]:
    """Return a value for each candidate, or the exception of one of its fits, from (C, S) scores or exceptions."""
    scores_of_fits = [own[: comparison.n_fits] for own in scores_of_fits]
    values: list[Any] = [
        next((scores for scores in own if isinstance(scores, Exception)), None) for own in scores_of_fits
    ]
    sound = [number for number, error in enumerate(values) if error is None]
    if sound:
        compared = comparison.compare(np.array([scores_of_fits[number] for number in sound]))
        for number, value in zip(sound, compared, strict=True):
            values[number] = float(value)
    return values


class _Preparation:
    """Preparation of trials for `fit_detectors`, one fold after another.

    Attributes
    ----------
    stacked : list of (Trial, callable)
        Trials in the order of `detectors`; the callable combines a fitted detector with its fitted transformers.
    separate : list of (Trial, estimator)
        Trials that cannot be stacked.
    failed : list of (Trial, Exception)
        Trials whose transformers could not be fitted.
    """

    def __init__(self, trials: Trials):
        self._trials = trials
        self.stacked: list[tuple[Trial, Callable[[Any], Any]]] = []
        self.separate: list[tuple[Trial, Any]] = []
        self.failed: list[tuple[Trial, Exception]] = []

    def detectors(self) -> Iterator[tuple[Any, Any]]:
        """Yield unfitted detectors with their training tables."""
        for number, fold in enumerate(self._trials.folds):
            rows, known = self._trials.rows(fold.train), dict[str, tuple[list[Any], Any]]()
            for candidate, repeat in product(range(len(self._trials.candidates)), range(self._trials.n_repeats)):
                trial, parameters = Trial(candidate, number, repeat), self._trials.candidates[candidate]
                estimator = clone(self._trials.estimator).set_params(**clone(parameters, safe=False))
                transformers, detector = transformers_and_detector(estimator)
                _reseed(detector, repeat)
                if not isinstance(detector, BaseDetector):
                    self.separate.append((trial, estimator))
                    continue
                if self._trials.ignores_thresholds and isinstance(detector.contamination, str):
                    detector.contamination = _CHEAP
                try:
                    steps, table = _fit_transformers(transformers, rows, known)
                except Exception as error:
                    self.failed.append((trial, error))
                    continue
                self.stacked.append((trial, partial(_assemble, estimator, steps)))
                yield detector, table


def _fit_transformers(
    transformers: Pipeline | None, rows: tuple[Any, ...], known: dict[str, tuple[list[Any], Any]]
) -> tuple[list[Any], Any]:
    """Return the fitted steps and the transformed table; equal transformers are fitted once, and added to `known`."""
    if transformers is None:
        return [], rows[0]
    key = joblib.hash(transformers)
    if key not in known:
        table = transformers.fit_transform(*rows)
        known[key] = (transformers.steps, table)
    return known[key]


def _reseed(detector: Any, repeat: int) -> None:
    """Give a repeat reproducible seeds that differ from those of other repeats."""
    for name, state in detector.get_params().items() if repeat else ():
        if name.split("__")[-1] == "random_state" and state is not None:
            seed = np.random.SeedSequence((draw_seed(state), repeat)).generate_state(1)[0]
            detector.set_params(**{name: int(seed)})


def _assemble(estimator: Any, steps: list[Any], detector: Any) -> Any:
    """Combine fitted steps and a fitted detector into an estimator."""
    if not isinstance(estimator, Pipeline):
        return detector
    estimator = copy.copy(estimator)
    estimator.steps = [*steps, (estimator.steps[-1][0], detector)]
    return estimator


def _fit_separate(estimator: Any, rows: tuple[Any, ...]) -> tuple[Any, float]:
    """Return the fitted estimator, or the exception of its fit, and seconds."""
    start = time.perf_counter()
    try:
        fitted = estimator.fit(*rows)
    except Exception as error:
        fitted = error
    return fitted, time.perf_counter() - start
