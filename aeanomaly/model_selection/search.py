"""Versions of scikit-learn's searches that fit all candidates together."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self

import joblib
import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, ParameterGrid, ParameterSampler, RandomizedSearchCV, check_cv
from sklearn.utils import indexable
from tqdm.auto import tqdm

from aeanomaly.model_selection._trials import Outcome, Trial, Trials, folds_of
from aeanomaly.model_selection.comparison import check_enough
from aeanomaly.model_selection.likelihood import check_comparable
from aeanomaly.model_selection.pseudo import DEFAULT_SCORING

#: Name that scikit-learn gives to a single scorer.
_ONLY = "score"
#: (hash of the candidate, bytes of the training row numbers) -> outcome of the trial.
_Outcomes = Mapping[tuple[str, bytes], Outcome]


class _StackedSearch:
    """Implementation of `fit` for both searches.

    All candidates are fitted and scored in stacks first. Then a search of scikit-learn computes the results from row
    numbers instead of rows, with an estimator and scorers that return the precomputed outcomes.
    """

    estimator: Any
    scoring: Any
    cv: Any
    refit: Any
    error_score: Any
    return_train_score: bool
    verbose: int
    n_jobs: int | None
    _candidates: Callable[[], list[dict[str, Any]]]
    cv_results_: dict[str, Any]
    best_estimator_: Any

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Fit all candidates on all folds, and fit the best one to all rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), optional
            Labels for the splitter and the scorers; detectors ignore them.
        groups : array-like of shape (n_samples,), optional
            Group labels for the splitter.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            See scikit-learn's searches. Also, if candidates with incomparable likelihoods are scored by a likelihood.
        """
        X, y, groups = indexable(X, y, groups)
        scorers, candidates = self._scorers(), self._candidates()
        check_comparable(scorers.values(), self.estimator, candidates)
        check_enough(scorers.values(), candidates)
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        trials = Trials(
            estimator=self.estimator,
            candidates=candidates,
            X=X,
            y=y,
            folds=folds_of(X, splitter.split(X, y, groups)),
            scorers=scorers,
            scores_train=self.return_train_score,
            raises=self.error_score == "raise",
            n_jobs=self.n_jobs,
        )
        with tqdm(total=len(trials), desc=type(self).__name__, unit="fit", disable=not self.verbose) as bar:
            outcomes = trials.run(bar.update)
        self._set_results(trials, outcomes)
        return self

    def _set_results(self, trials: Trials, outcomes: dict[Trial, Outcome]) -> None:
        """Set the fitted attributes from a search over row numbers."""
        candidates, folds, scorers = trials.candidates, trials.folds, trials.scorers
        by_key = {
            (joblib.hash(candidates[trial.candidate]), folds[trial.fold].train.tobytes()): outcome
            for trial, outcome in outcomes.items()
        }
        precomputed = {name: partial(_precomputed_score, name) for name in scorers}
        results = GridSearchCV(
            _PrecomputedEstimator(clone(self.estimator), (trials.X, trials.y), by_key),
            [{name: [value] for name, value in candidate.items()} for candidate in candidates],
            scoring=precomputed if self._is_multimetric else precomputed[_ONLY],
            refit=self.refit,
            cv=folds,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
        ).fit(np.arange(trials.n_rows)[:, None], trials.y)
        for name, value in vars(results).items():
            if name.endswith("_") and not name.startswith("_"):
                setattr(self, name, value)
        self.cv_results_ = results.cv_results_ | _times(outcomes, len(candidates), len(folds))
        self.scorer_ = scorers if self._is_multimetric else scorers[_ONLY]
        if self.refit is not False:
            self.best_estimator_ = results.best_estimator_.found
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_

    @property
    def _is_multimetric(self) -> bool:
        return not (self.scoring is None or isinstance(self.scoring, str) or callable(self.scoring))

    def _scorers(self) -> dict[str, Callable[..., Any]]:
        """Return the scorers by name."""
        if not self._is_multimetric:
            return {_ONLY: self._scorer(self.scoring)}
        named = self.scoring if isinstance(self.scoring, Mapping) else {name: name for name in self.scoring}
        if isinstance(self.refit, (str, bool)) and self.refit is not False and self.refit not in named:
            raise ValueError(
                f"refit must be False, a callable, or one of the scorers {sorted(named)}, which chooses the best "
                f"candidate; got {self.refit!r}"
            )
        return {name: self._scorer(scoring) for name, scoring in named.items()}

    def _scorer(self, scoring: Any) -> Callable[..., Any]:
        return DEFAULT_SCORING if scoring is None else check_scoring(self.estimator, scoring)


def _times(outcomes: dict[Trial, Outcome], n_candidates: int, n_folds: int) -> dict[str, np.ndarray]:
    """Return the columns of `cv_results_` with the times of the trials."""
    columns = {}
    for name in ("fit_time", "score_time"):
        seconds = [[getattr(outcomes[Trial(c, k)], name) for k in range(n_folds)] for c in range(n_candidates)]
        columns[f"mean_{name}"], columns[f"std_{name}"] = np.mean(seconds, axis=1), np.std(seconds, axis=1)
    return columns


class _PrecomputedEstimator(BaseEstimator):
    """An estimator that returns precomputed outcomes; its rows are row numbers (n, 1).

    Parameters
    ----------
    estimator : estimator
    rows : (X, y)
        Rows for the only fit that is not precomputed, that of the best candidate on all rows.
    outcomes : mapping
    """

    def __init__(self, estimator: Any, rows: tuple[Any, Any], outcomes: _Outcomes):
        self.estimator = estimator
        self.rows = rows
        self.outcomes = outcomes
        self.parameters: dict[str, Any] = {}
        self.found: Any = None

    def __sklearn_clone__(self) -> "_PrecomputedEstimator":
        return _PrecomputedEstimator(clone(self.estimator), self.rows, self.outcomes)

    def set_params(self, **parameters: Any) -> Self:
        self.parameters = parameters
        return self

    def fit(self, numbers: np.ndarray, y: Any = None) -> Self:
        self.found = self.outcomes.get((joblib.hash(self.parameters), numbers.tobytes()))
        if self.found is None:
            X, y = self.rows
            self.found = clone(self.estimator).set_params(**self.parameters).fit(X, y)
        elif self.found.error is not None:
            raise self.found.error
        return self


def _precomputed_score(name: str, estimator: _PrecomputedEstimator, numbers: np.ndarray, y: Any = None) -> Any:
    """Return the precomputed result of a scorer for rows with the given numbers (n, 1)."""
    score = estimator.found.scores[name, numbers.tobytes()]
    if isinstance(score, Exception):
        raise score
    return score


class StackedGridSearchCV(_StackedSearch, GridSearchCV):
    """Exhaustive search over parameters of a detector that fits all candidates and folds in stacks of networks.

    The interface and the attributes are those of :class:`sklearn.model_selection.GridSearchCV`. Except for times, the
    values in `cv_results_` are bitwise equal on a CPU, and equal except for rounding on an accelerator.

    Candidates share a stack if their networks have the same shape; their learning rates, weight decays, corruption
    levels, penalties, seeds and folds may differ. Different layer sizes, numbers of steps or batch sizes need separate
    stacks. The transformers of a pipeline are fitted once for each fold and each of their settings. An estimator that
    does not end with a detector of this package is fitted separately, as in scikit-learn.

    Parameters
    ----------
    estimator : estimator
        A detector, or a pipeline that ends with a detector.
    param_grid : dict or list of dict
        Names of parameters and lists of values.
    scoring : str, callable, list, tuple or dict, default=None
        See `GridSearchCV`; None means ``aeanomaly.model_selection.DEFAULT_SCORING``.
    n_jobs : int, default=None
        Number of processes for estimators that are fitted separately.
    refit : bool, str or callable, default=True
    cv : int, splitter or iterable, default=None
    verbose : int, default=0
        If above 0, show a progress bar on standard error.
    pre_dispatch : int or str, default='2*n_jobs'
        Ignored.
    error_score : 'raise' or number, default=nan
    return_train_score : bool, default=False

    Attributes
    ----------
    cv_results_ : dict
        The time of a joint fit is divided equally among its candidates.
    best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_, refit_time_, multimetric_
        See `GridSearchCV`.

    Examples
    --------
    >>> import numpy as np
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.model_selection import StackedGridSearchCV
    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> grid = {"learning_rate": [1e-3, 2e-3], "corruption_level": [0.1, 0.3]}
    >>> search = StackedGridSearchCV(DenoisingAutoencoder(max_iter=20, random_state=0), grid, cv=3).fit(X)
    >>> sorted(search.best_params_)
    ['corruption_level', 'learning_rate']
    >>> search.predict(X[:2])
    array([1, 1])
    """

    def _candidates(self) -> list[dict[str, Any]]:
        return list(ParameterGrid(self.param_grid))


class StackedRandomizedSearchCV(_StackedSearch, RandomizedSearchCV):
    """Randomized search over parameters of a detector that fits all candidates and folds in stacks of networks.

    The interface is that of :class:`sklearn.model_selection.RandomizedSearchCV`. See :class:`StackedGridSearchCV` for
    the rules of stacks.

    Parameters
    ----------
    estimator : estimator
        A detector, or a pipeline that ends with a detector.
    param_distributions : dict or list of dict
        Names of parameters, and lists of values or distributions with a method `rvs`.
    n_iter : int, default=10
        Number of candidates.
    random_state : int, RandomState or None, default=None
        Seed of the candidates.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        See `StackedGridSearchCV`.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.stats import loguniform
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.model_selection import StackedRandomizedSearchCV
    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> search = StackedRandomizedSearchCV(
    ...     DenoisingAutoencoder(max_iter=20, random_state=0),
    ...     {"corruption_level": loguniform(0.05, 1)},
    ...     n_iter=4,
    ...     cv=3,
    ...     random_state=0,
    ... ).fit(X)
    >>> len(search.cv_results_["params"])
    4
    """

    def _candidates(self) -> list[dict[str, Any]]:
        return list(ParameterSampler(self.param_distributions, self.n_iter, random_state=self.random_state))
