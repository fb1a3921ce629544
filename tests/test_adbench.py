"""Minimum accuracy of the defaults on real tables; the figures belong to the benchmarks."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

FLOORS = {"cardio": 0.7, "letter": 0.75, "shuttle": 0.95}


def one_class_split(path, seed=0, largest=10_000):
    """Return half of the normal rows for training; the others and all anomalies for tests."""
    with np.load(path) as data:
        X, y = data["X"], data["y"].ravel()
    rng = np.random.default_rng(seed)
    kept = np.sort(rng.permutation(len(X))[:largest])
    X, y = X[kept], y[kept]
    normal = rng.permutation(np.flatnonzero(y == 0))
    test = np.concatenate([normal[len(normal) // 2 :], np.flatnonzero(y == 1)])
    return X[normal[: len(normal) // 2]], X[test], y[test]


@pytest.mark.parametrize("name", FLOORS)
def test_defaults_find_real_anomalies(detector_class, adbench, name):
    train, test, y = one_class_split(adbench / f"{name}.npz")
    scores = detector_class(random_state=0).fit(train).score_samples(test)
    assert roc_auc_score(y, -scores) > FLOORS[name]
