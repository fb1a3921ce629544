"""Scorers by likelihood: how well rows that were held out are explained."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone

from aeanomaly.detectors import AutoencoderEnsemble, BaseDetector, VariationalAutoencoder
from aeanomaly.model_selection._access import detector_and_rows, front_and_detector, snapshot

#: Parameters by which a likelihood is one of something else.
_UNITS = ("likelihood", "standardize", "missing", "column_types")


def log_likelihood(estimator: Any, X: Any, y: Any = None) -> float:
    """Mean over rows of log p(row | its reconstruction), in nats, of the encoded row.

    Gaussian columns have unit variance, so of numbers alone it is minus half of the reconstruction error, and a
    constant. Missing values have no part in it.

    Parameters
    ----------
    estimator : fitted detector, or pipeline that ends in one
        Not an ensemble, whose errors are on scales of its own.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows that were not trained on.
    y : Ignored

    Returns
    -------
    log_likelihood : float
        Higher = better reconstructed, which for anomaly detection need not be better: an
        identity reconstructs everything.

    Raises
    ------
    TypeError
        If it is no detector of this package, or an ensemble.
    """
    detector, rows = detector_and_rows(snapshot(estimator), X)
    if not isinstance(detector, BaseDetector) or isinstance(detector, AutoencoderEnsemble):
        raise TypeError(f"log_likelihood: {type(detector).__name__} has no likelihood; pass a single detector")
    model = detector.state_.model
    return float(np.mean(model.log_prob(model.validate(detector, rows))))


def elbo(estimator: Any, X: Any, y: Any = None) -> float:
    """Mean over rows of the evidence lower bound, in nats.

    Parameters
    ----------
    estimator : fitted VariationalAutoencoder, or pipeline that ends in one
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows that were not trained on.
    y : Ignored

    Returns
    -------
    elbo : float
        Higher = better.

    Raises
    ------
    TypeError
        If it is not a `VariationalAutoencoder`.
    """
    detector, rows = detector_and_rows(snapshot(estimator), X)
    if not isinstance(detector, VariationalAutoencoder):
        raise TypeError(f"elbo: {type(detector).__name__} has none; pass a VariationalAutoencoder")
    return float(np.mean(detector.elbo(rows)))


def check_comparable(scorers: Iterable[Any], estimator: Any, candidates: Sequence[Mapping[str, Any]]) -> None:
    """Refuse to compare likelihoods of different things.

    Raises
    ------
    ValueError
        If a scorer is a likelihood, and candidates differ in likelihood, standardisation, the rule for
        missing values, or the steps in front of the detector.
    """
    names = [scorer.__name__ for scorer in scorers if scorer in (log_likelihood, elbo)]
    if names and len({_units(clone(estimator).set_params(**clone(c, safe=False))) for c in candidates}) > 1:
        raise ValueError(
            f"{names[0]} cannot compare these candidates: they differ in one of {', '.join(_UNITS)}, or in a step in "
            "front of the detector, so their likelihoods are of different things; fix these, or take another scorer"
        )


def _units(estimator: Any) -> str:
    """What a likelihood of this estimator is a likelihood of."""
    front, detector = front_and_detector(estimator)
    return joblib.hash((front, [getattr(detector, name, None) for name in _UNITS]))
