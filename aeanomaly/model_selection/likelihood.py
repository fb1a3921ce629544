"""Scorers based on the likelihood of held-out rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone

from aeanomaly.detectors import AutoencoderEnsemble, BaseDetector, VariationalAutoencoder
from aeanomaly.model_selection.estimators import detector_and_rows, snapshot, transformers_and_detector

#: Parameters that define the random variables of a likelihood.
_DEFINING_PARAMETERS = ("likelihood", "standardize", "missing", "column_types")


def log_likelihood(estimator: Any, X: Any, y: Any = None) -> float:
    """Mean of log p(row | reconstruction), in nats, over the encoded rows.

    Gaussian columns have unit variance. For numeric tables the result is minus half the mean reconstruction error, up
    to a constant. Missing values are ignored.

    Parameters
    ----------
    estimator : fitted detector, or pipeline that ends with a detector
        Ensembles are not accepted, because their errors are rescaled.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows that were not used in training.
    y : Ignored

    Returns
    -------
    log_likelihood : float
        Higher = better reconstruction. This does not imply better detection: the identity reconstructs anomalies, too.

    Raises
    ------
    TypeError
        If the estimator does not end with a single detector of this package.
    """
    detector, rows = detector_and_rows(snapshot(estimator), X)
    if not isinstance(detector, BaseDetector) or isinstance(detector, AutoencoderEnsemble):
        raise TypeError(
            f"log_likelihood: {type(detector).__name__} has no likelihood; pass a detector of this package other than "
            "AutoencoderEnsemble"
        )
    model = detector.state_.model
    return float(np.mean(model.log_prob(model.validate(detector, rows))))


def elbo(estimator: Any, X: Any, y: Any = None) -> float:
    """Mean of the evidence lower bound, in nats, over the rows.

    Parameters
    ----------
    estimator : fitted VariationalAutoencoder, or pipeline that ends with one
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows that were not used in training.
    y : Ignored

    Returns
    -------
    elbo : float
        Higher = better.

    Raises
    ------
    TypeError
        If the estimator does not end with a `VariationalAutoencoder`.
    """
    detector, rows = detector_and_rows(snapshot(estimator), X)
    if not isinstance(detector, VariationalAutoencoder):
        raise TypeError(f"elbo: {type(detector).__name__} has no evidence lower bound; pass a VariationalAutoencoder")
    return float(np.mean(detector.elbo(rows)))


def check_comparable(scorers: Iterable[Any], estimator: Any, candidates: Sequence[Mapping[str, Any]]) -> None:
    """Check that the likelihoods of all candidates are comparable.

    Raises
    ------
    ValueError
        If a scorer is a likelihood and candidates differ in likelihood, standardization, handling of missing values,
        types of columns or transformers.
    """
    names = [scorer.__name__ for scorer in scorers if scorer in (log_likelihood, elbo)]
    if names and len({_likelihood_key(clone(estimator).set_params(**clone(c, safe=False))) for c in candidates}) > 1:
        raise ValueError(
            f"{names[0]} cannot compare these candidates, because they differ in one of "
            f"{', '.join(_DEFINING_PARAMETERS)} or in the transformers; use the same values for all "
            "candidates, or choose another scorer"
        )


def _likelihood_key(estimator: Any) -> str:
    """Return a hash of everything that defines the random variables of the likelihood."""
    transformers, detector = transformers_and_detector(estimator)
    return joblib.hash((transformers, [getattr(detector, name, None) for name in _DEFINING_PARAMETERS]))
