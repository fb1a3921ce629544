"""Automatic choice of a detector for a table without labels."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import KFold
from sklearn.utils import _safe_indexing

from aeanomaly._counts import counted
from aeanomaly.detectors import AutoencoderEnsemble
from aeanomaly.model_selection.pseudo import DEFAULT_SCORING
from aeanomaly.model_selection.search import StackedGridSearchCV
from aeanomaly.preprocessing import Ignored, InferenceOptions, check_table, labels_of
from aeanomaly.streams import draw_seed

#: Candidates: factors of the code size and of the noise.
_CONFIGS = [{"code": code, "noise": noise} for code, noise in product((1.0, 1 / 2, 1 / 4, 1 / 8), (1 / 2, 1.0, 2.0))]
#: Number of folds, and maximum number of rows in the trials.
_FOLDS, _ROWS = 3, 2000
#: Parameters of the trials: one network for each candidate, without companions.
_TRIAL = {
    "n_estimators": 1,
    "max_samples": 1.0,
    "variational_member": False,
    "kernel_member": False,
    "marginal_member": False,
}
#: Minimum number of networks in the detector.
_MEMBERS = 4


@dataclass(frozen=True)
class Recommendation:
    """Candidates and choice of `recommend`; `str` formats them as a report.

    Attributes
    ----------
    n_samples, n_features : int
        Shape of the table.
    n_binary, n_constant : int
        Numbers of columns with two values and with one value.
    n_tried_on : int
        Number of rows in the trials.
    candidates : DataFrame
        Candidates, best first: `code` (number of units), `noise` (factor), `mean` and `standard_error` of the criterion
        over the folds, and `chosen`.
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
                f"Table: {counted(self.n_samples, 'row')} x {counted(self.n_features, 'column')}, "
                f"{self.n_binary:,} with two values, {self.n_constant:,} constant.",
                f"Candidates: {counted(len(table), 'setting')} of a denoising autoencoder, on {_FOLDS} folds "
                f"of {counted(self.n_tried_on, 'row')}, without labels.",
                f"Criterion: {DEFAULT_SCORING.__name__}, mean log ratio of the errors of synthetic anomalies with "
                "independent columns to those of held-out rows; higher = better.",
                "",
                table.to_string(index=False, float_format="{:.3f}".format),
                "",
                "Chosen: the best candidate, which exceeds all others by more than its standard error."
                if n_chosen == 1
                else f"Chosen: an ensemble of the {n_chosen} candidates within one standard error of the best one.",
                "Not compared: detectors of other kinds, for which this criterion is not reliable; compare them by "
                "roc_auc if some rows have labels.",
            ]
        )


def recommend(X: Any, *, random_state: Any = None, verbose: int = 0, **settings: Any) -> AutoencoderEnsemble:
    """Choose a detector for a table without labels, and fit it.

    Code sizes and noise levels of a denoising autoencoder are compared by `DEFAULT_SCORING` on three folds of at most
    2,000 rows. The best candidate and those within one standard error of it [1]_ become the members of an
    `AutoencoderEnsemble`, which is fitted to all rows.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        At least six rows, mostly normal ones, with finite numbers.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the trials and of the detector.
    verbose : int, default=0
        If above 0, show a progress bar on standard error.
    **settings
        Other parameters of `AutoencoderEnsemble`, such as ``contamination=0.05`` or ``robust=True``, except
        `member_configs` and `n_estimators`, which this function chooses.

    Returns
    -------
    detector : AutoencoderEnsemble
        Fitted detector. Its attribute `recommendation_`, a `Recommendation`, can be printed as a report.

    Raises
    ------
    TypeError
        If `AutoencoderEnsemble` does not have a setting, or if this function chooses it.
    ValueError
        If the rows or a setting are invalid.

    References
    ----------
    .. [1] Breiman, Friedman, Olshen & Stone (1984), Classification and regression trees, section 3.4.3.

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
    Table: 200 rows x 3 columns, 0 with two values, 0 constant.
    """
    for name in ("member_configs", "n_estimators"):
        if name in settings:
            raise TypeError(f"recommend() chooses {name}; omit it, or fit an AutoencoderEnsemble directly")
    seed = draw_seed(random_state)
    detector = AutoencoderEnsemble(**settings, random_state=seed, verbose=verbose)
    table, columns = check_table(
        clone(detector),
        X,
        options=InferenceOptions.from_parameters(detector),
        allow_nan=detector.missing != "error",
        least_rows=2 * _FOLDS,
    )
    tried = np.sort(np.random.default_rng(seed).permutation(len(table))[:_ROWS])
    # The trials leave out the same columns, also where their rows do not show why.
    ignored = [name for name, column in zip(labels_of(X), columns, strict=True) if type(column) is Ignored]
    trial = clone(detector).set_params(**_TRIAL, identifiers=ignored)
    values = _cross_validate(trial, _safe_indexing(X, tried), table.shape[1], seed)
    candidates = _ranked(detector, values, table.shape[1])
    chosen = tuple(_CONFIGS[number] for number in candidates.index[candidates["chosen"]])
    n_estimators = -(-_MEMBERS // len(chosen)) * len(chosen)
    detector.set_params(member_configs=chosen, n_estimators=n_estimators).fit(X)
    low, high = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
    two_valued = (low < high) & ((table == low) | (table == high) | np.isnan(table)).all(axis=0)
    detector.recommendation_ = Recommendation(
        n_samples=len(table),
        n_features=table.shape[1],
        n_binary=int(two_valued.sum()),
        n_constant=int((low == high).sum()),
        n_tried_on=len(tried),
        candidates=candidates.reset_index(drop=True),
    )
    return detector


def _cross_validate(detector: AutoencoderEnsemble, X: Any, n_columns: int, seed: int) -> np.ndarray:
    """Return the criterion of each candidate on each fold, (C, folds)."""
    # A separate network for each code size; part of a wide network would cost as much as all of it.
    grid = [
        {"latent_dim": [size], "member_configs": [({"noise": config["noise"]},)]}
        for size, config in zip(_sizes(detector, n_columns), _CONFIGS, strict=True)
    ]
    search = StackedGridSearchCV(
        detector,
        grid,
        cv=KFold(_FOLDS, shuffle=True, random_state=seed % (1 << 32)),
        refit=False,
        error_score="raise",
        verbose=detector.verbose,
    ).fit(X)
    return np.transpose([search.cv_results_[f"split{number}_test_score"] for number in range(_FOLDS)])


def _sizes(detector: AutoencoderEnsemble, n_columns: int) -> list[int]:
    """Return the code size of each candidate."""
    width = detector.auto_latent_dim(n_columns) if detector.latent_dim == "auto" else int(detector.latent_dim)
    return [max(1, round(config["code"] * width)) for config in _CONFIGS]


def _ranked(detector: AutoencoderEnsemble, values: np.ndarray, n_columns: int) -> pd.DataFrame:
    """Return the candidates, best first, indexed by their numbers."""
    mean, error = values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(_FOLDS)
    best = int(np.argmax(mean))
    return pd.DataFrame(
        {
            "code": _sizes(detector, n_columns),
            "noise": [config["noise"] for config in _CONFIGS],
            "mean": mean,
            "standard_error": error,
            "chosen": mean >= mean[best] - error[best],
        }
    ).sort_values("mean", ascending=False, kind="stable")
