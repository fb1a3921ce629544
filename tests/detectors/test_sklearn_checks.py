"""Every detector is a scikit-learn estimator, without an expected failure."""

import pytest
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, parametrize_with_checks

from aeanomaly.detectors import REGISTRY


@parametrize_with_checks([cls() for cls in REGISTRY.values()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("word", REGISTRY)
def test_column_names_are_recorded_and_checked(word):
    check_dataframe_column_names_consistency(word, REGISTRY[word]())
