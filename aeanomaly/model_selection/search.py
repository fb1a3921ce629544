"""scikit-learn's searches, at about the price of a few fits."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import joblib
import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, ParameterGrid, ParameterSampler, RandomizedSearchCV, check_cv
from sklearn.utils import indexable
from tqdm.auto import tqdm

from aeanomaly.model_selection._default import DEFAULT_SCORING
from aeanomaly.model_selection._trials import Outcome, Trial, Trials, folds_of
from aeanomaly.model_selection.comparison import check_enough
from aeanomaly.model_selection.likelihood import check_comparable

#: What scikit-learn calls a scorer that is the only one.
_ONLY = "score"
#: (hash of the candidate, bytes of the training rows' numbers) -> what came of it.
_Outcomes = Mapping[tuple[str, bytes], Outcome]


class _StackedSearch:
    """`fit` of both searches.

    Everything is fitted and scored first, in stacks. Then scikit-learn's own search keeps the books: it is given
    the numbers of rows in place of rows, and an estimator and scorers that look up what came of them.
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
        """Try all candidates on all folds, and fit the best one to all rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), optional
            Labels. Detectors ignore them; splitters and scorers that want them get them.
        groups : array-like of shape (n_samples,), optional
            For the splitter.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As scikit-learn's searches; and where a likelihood shall compare candidates that differ in
            what it is a likelihood of.
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
        self._keep_books(trials, outcomes)
        return self

    def _keep_books(self, trials: Trials, outcomes: dict[Trial, Outcome]) -> None:
        """Set the fitted attributes, by a search of row numbers in place of rows."""
        candidates, folds, scorers = trials.candidates, trials.folds, trials.scorers
        looked_up = {
            (joblib.hash(candidates[trial.candidate]), folds[trial.fold].train.tobytes()): outcome
            for trial, outcome in outcomes.items()
        }
        books = GridSearchCV(
            _LookUp(clone(self.estimator), (trials.X, trials.y), looked_up),
            [{name: [value] for name, value in candidate.items()} for candidate in candidates],
            scoring={name: _LookUpScore(name) for name in scorers} if self._is_multimetric else _LookUpScore(_ONLY),
            refit=self.refit,
            cv=folds,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
        ).fit(np.arange(trials.n_rows)[:, None], trials.y)
        for name, value in vars(books).items():
            if name.endswith("_") and not name.startswith("_"):
                setattr(self, name, value)
        self.cv_results_ = books.cv_results_ | _times(outcomes, len(candidates), len(folds))
        self.scorer_ = scorers if self._is_multimetric else scorers[_ONLY]
        if self.refit is not False:
            self.best_estimator_ = books.best_estimator_.found
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_

    @property
    def _is_multimetric(self) -> bool:
        return not (self.scoring is None or isinstance(self.scoring, str) or callable(self.scoring))

    def _scorers(self) -> dict[str, Callable[..., Any]]:
        """Scorers by name."""
        if not self._is_multimetric:
            return {_ONLY: self._scorer(self.scoring)}
        named = self.scoring if isinstance(self.scoring, Mapping) else {name: name for name in self.scoring}
        if isinstance(self.refit, (str, bool)) and self.refit is not False and self.refit not in named:
            raise ValueError(
                f"refit={self.refit!r} must be one of the scorers {sorted(named)}, by which the best candidate is "
                "chosen, or False, or a callable"
            )
        return {name: self._scorer(scoring) for name, scoring in named.items()}

    def _scorer(self, scoring: Any) -> Callable[..., Any]:
        return DEFAULT_SCORING if scoring is None else check_scoring(self.estimator, scoring)


def _times(outcomes: dict[Trial, Outcome], n_candidates: int, n_folds: int) -> dict[str, np.ndarray]:
    """Columns of `cv_results_` that only we know."""
    columns = {}
    for name in ("fit_time", "score_time"):
        seconds = [[getattr(outcomes[Trial(c, k)], name) for k in range(n_folds)] for c in range(n_candidates)]
        columns[f"mean_{name}"], columns[f"std_{name}"] = np.mean(seconds, axis=1), np.std(seconds, axis=1)
    return columns


class _LookUp(BaseEstimator):
    """Stands in for an estimator that is fitted already: rows are row numbers (n, 1).

    Parameters
    ----------
    estimator : estimator
    rows : (X, y)
        What row numbers are of, for the fit that has not been done: the last one.
    outcomes : mapping
    """

    def __init__(self, estimator: Any, rows: tuple[Any, Any], outcomes: _Outcomes):
        self.estimator = estimator
        self.rows = rows
        self.outcomes = outcomes
        self.parameters: dict[str, Any] = {}
        self.found: Any = None

    def __sklearn_clone__(self) -> "_LookUp":
        return _LookUp(clone(self.estimator), self.rows, self.outcomes)

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


class _LookUpScore:
    """Stands in for a scorer: what it answered."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, estimator: _LookUp, numbers: np.ndarray, y: Any = None) -> Any:
        score = estimator.found.scores[self.name, numbers.tobytes()]
        if isinstance(score, Exception):
            raise score
        return score


class StackedGridSearchCV(_StackedSearch, GridSearchCV):
    """Exhaustive search over parameters of a detector, all candidates and folds fitted as members of common stacks.

    The interface, the attributes and the results are those of :class:`sklearn.model_selection.GridSearchCV`;
    the numbers in `cv_results_`, times apart, are the same to the bit.

    Candidates share a stack where their networks have one shape: learning rates, decays, levels of
    corruption, penalties, seeds and folds may differ. Each size of the code or of a hidden layer has stacks of its
    own, and so has each number of steps or rows in a batch. In a pipeline the steps in front of the detector are
    fitted once for each fold and each of their own settings. An estimator that does not end in a
    detector of this package is fitted apart, as scikit-learn does it.

    Parameters
    ----------
    estimator : estimator
        A detector, or a pipeline that ends in one.
    param_grid : dict or list of dict
        Parameters' names and the values to try.
    scoring : str, callable, list, tuple or dict, default=None
        As for `GridSearchCV`, but None means ``aeanomaly.model_selection.DEFAULT_SCORING``.
    n_jobs : int, default=None
        Processes for what is fitted apart.
    refit : bool, str or callable, default=True
    cv : int, splitter or iterable, default=None
    verbose : int, default=0
        Above 0, a progress bar on standard error.
    pre_dispatch : int or str, default='2*n_jobs'
        Ignored.
    error_score : 'raise' or number, default=nan
    return_train_score : bool, default=False

    Attributes
    ----------
    cv_results_ : dict
        Fit times are each fit's share of the time of all.
    best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_, refit_time_, multimetric_
        As those of `GridSearchCV`.

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
    """Search over random parameters of a detector, fitted as members of common stacks.

    All of :class:`StackedGridSearchCV` holds, with the interface of
    :class:`sklearn.model_selection.RandomizedSearchCV`.

    Parameters
    ----------
    estimator : estimator
        A detector, or a pipeline that ends in one.
    param_distributions : dict or list of dict
        Parameters' names, and values or distributions (with `rvs`) to draw from.
    n_iter : int, default=10
        Candidates.
    random_state : int, RandomState or None, default=None
        Of the draws.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As for `StackedGridSearchCV`.

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
