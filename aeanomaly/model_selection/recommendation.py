"""A detector for a table without labels, in one call."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import KFold
from sklearn.utils import _safe_indexing

from aeanomaly.detectors import AutoencoderEnsemble, draw_seed
from aeanomaly.model_selection._default import DEFAULT_SCORING
from aeanomaly.model_selection.search import StackedGridSearchCV
from aeanomaly.preprocessing import check_table

#: What is tried: shares of the code, factors of the noise and of the learning rate.
_VARIETIES = [(code, noise, 1.0) for code, noise in product((1.0, 1 / 2, 1 / 4, 1 / 8), (1 / 2, 1.0, 2.0))]
#: Folds, and rows that trials see at most.
_FOLDS, _ROWS = 3, 2000
#: Networks in the detector at least.
_MEMBERS = 4


@dataclass(frozen=True)
class Recommendation:
    """What `recommend` tried and why it chose; as text, an account to read.

    Attributes
    ----------
    n_samples, n_features : int
        Of the table.
    n_binary, n_constant : int
        Columns of two values, and of one.
    n_tried_on : int
        Rows that the trials saw.
    candidates : DataFrame
        Best first: `code` (units), `noise` (as a factor), `mean` and `standard_error` of the criterion over the
        folds, and whether it was `chosen`.
    """

    n_samples: int
    n_features: int
    n_binary: int
    n_constant: int
    n_tried_on: int
    candidates: pd.DataFrame

    def __str__(self) -> str:
        n_chosen = int(self.candidates["chosen"].sum())
        table = self.candidates.assign(chosen=np.where(self.candidates["chosen"], "yes", ""))
        return "\n".join(
            [
                f"Table: {self.n_samples:,} rows x {self.n_features:,} columns, {self.n_binary:,} of two values, "
                f"{self.n_constant:,} constant.",
                f"Tried: {len(table)} settings of a denoising autoencoder, on {_FOLDS} folds of {self.n_tried_on:,} "
                "rows, without labels.",
                f"Criterion: {DEFAULT_SCORING.__name__}, the mean log of how many times larger errors are on held-out "
                "rows whose columns are drawn apart; higher = better.",
                "",
                table.to_string(index=False, float_format="{:.3f}".format),
                "",
                "Chosen: the best, which is ahead of all others by more than its standard error."
                if n_chosen == 1
                else f"Chosen: an ensemble of {n_chosen}, which the criterion cannot tell from the best: they are "
                "within its standard error.",
                "Not tried: detectors of other kinds, between which this criterion says next to nothing; with a few "
                "labelled rows, compare them by roc_auc.",
            ]
        )


def recommend(X: Any, *, random_state: Any = None, verbose: int = 0, **settings: Any) -> AutoencoderEnsemble:
    """Choose a detector for a table without labels, and fit it.

    Settings of a denoising autoencoder, code sizes and levels of noise, are tried on three folds of 2,000 rows at
    most by `DEFAULT_SCORING`. The best one and those that are within a standard error of it (the rule of Breiman et
    al. 1984) become the members of an `AutoencoderEnsemble`, which is fitted to all rows.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Finite numbers, at least six rows; mostly normal ones.
    random_state : int, RandomState, Generator or None, default=None
        Of the trials and of the detector.
    verbose : int, default=0
        Above 0, a progress bar on standard error.
    **settings
        Other parameters of `AutoencoderEnsemble`, such as ``contamination=0.05`` or ``robust=True``; all but
        `varieties` and `n_estimators`, which are what is chosen here.

    Returns
    -------
    detector : AutoencoderEnsemble
        Fitted. Its attribute `recommendation_`, a `Recommendation`, is the account: print it.

    Raises
    ------
    TypeError
        For a setting that `AutoencoderEnsemble` does not know, or that is chosen here.
    ValueError
        For bad rows or settings.

    References
    ----------
    Breiman, Friedman, Olshen & Stone (1984), Classification and regression trees, section 3.4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from aeanomaly.model_selection import recommend
    >>> t = np.random.default_rng(0).uniform(-1, 1, size=(200, 1))
    >>> X = np.hstack([t, t**2, np.sin(3 * t)]) + 0.05 * np.random.default_rng(1).normal(size=(200, 3))
    >>> detector = recommend(X, random_state=0)
    >>> detector.predict([[0.0, 0.0, 0.0], [0.9, -3.0, -3.0]])
    array([ 1, -1])
    >>> print(str(detector.recommendation_).splitlines()[0])
    Table: 200 rows x 3 columns, 0 of two values, 0 constant.
    """
    for name in ("varieties", "n_estimators"):
        if name in settings:
            raise TypeError(f"recommend chooses {name}; leave it out, or fit an AutoencoderEnsemble yourself")
    seed = draw_seed(random_state)
    detector = AutoencoderEnsemble(**settings, random_state=seed, verbose=verbose)
    table, _ = check_table(
        clone(detector),
        X,
        column_types=detector.column_types,
        allow_nan=detector.missing != "error",
        least_rows=2 * _FOLDS,
    )
    seen = np.sort(np.random.default_rng(seed).permutation(len(table))[:_ROWS])
    candidates = _judged(detector, _tried(detector, _safe_indexing(X, seen), table.shape[1], seed), table.shape[1])
    varieties = [_VARIETIES[number] for number in candidates.index[candidates["chosen"]]]
    n_estimators = -(-_MEMBERS // len(varieties)) * len(varieties)
    detector.set_params(varieties=tuple(varieties), n_estimators=n_estimators).fit(X)
    low, high = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
    two_valued = (low < high) & ((table == low) | (table == high) | np.isnan(table)).all(axis=0)
    detector.recommendation_ = Recommendation(
        n_samples=len(table),
        n_features=table.shape[1],
        n_binary=int(two_valued.sum()),
        n_constant=int((low == high).sum()),
        n_tried_on=len(seen),
        candidates=candidates.reset_index(drop=True),
    )
    return detector


def _tried(detector: AutoencoderEnsemble, X: Any, n_columns: int, seed: int) -> np.ndarray:
    """What the criterion says of each variety alone on each fold, (C, folds)."""
    # Each size of the code as a network of its own: a share of a wide one would cost as much as all of it.
    grid = [
        {"latent_dim": [size], "varieties": [((1.0, noise, rate),)]}
        for size, (_, noise, rate) in zip(_sizes(detector, n_columns), _VARIETIES, strict=True)
    ]
    search = StackedGridSearchCV(
        clone(detector).set_params(n_estimators=1, max_samples=1.0, kernel=False),
        grid,
        cv=KFold(_FOLDS, shuffle=True, random_state=seed % (1 << 32)),
        refit=False,
        error_score="raise",
        verbose=detector.verbose,
    ).fit(X)
    return np.transpose([search.cv_results_[f"split{number}_test_score"] for number in range(_FOLDS)])


def _sizes(detector: AutoencoderEnsemble, n_columns: int) -> list[int]:
    """Code units of each variety."""
    width = detector._network(n_columns).latent_dim
    return [max(1, round(code * width)) for code, _, _ in _VARIETIES]


def _judged(detector: AutoencoderEnsemble, values: np.ndarray, n_columns: int) -> pd.DataFrame:
    """Candidates by their number, best first."""
    mean, error = values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(_FOLDS)
    best = int(np.argmax(mean))
    return pd.DataFrame(
        {
            "code": _sizes(detector, n_columns),
            "noise": [noise for _, noise, _ in _VARIETIES],
            "mean": mean,
            "standard_error": error,
            "chosen": mean >= mean[best] - error[best],
        }
    ).sort_values("mean", ascending=False, kind="stable")
