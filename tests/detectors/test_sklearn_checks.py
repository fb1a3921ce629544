"""Every detector is a scikit-learn estimator, without an expected failure."""

import pytest
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, parametrize_with_checks

from aeanomaly.detectors import REGISTRY

WITH_CLONES = True

#: Small networks, since the checks are of the interface.
SMALL = {"hidden_layer_sizes": (16,), "max_iter": 50}
DETECTORS = {word: cls(**SMALL) for word, cls in REGISTRY.items()}
DETECTORS["ensemble"].set_params(n_estimators=2, latent_dim=16)


@parametrize_with_checks(list(DETECTORS.values()))
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks([cls() for cls in REGISTRY.values()])
def test_scikit_learn_checks_of_the_defaults(estimator, check):
    check(estimator)


@pytest.mark.parametrize("word", REGISTRY)
def test_column_names_are_recorded_and_checked(word):
    check_dataframe_column_names_consistency(word, REGISTRY[word]())
