"""Windowed detectors are scikit-learn estimators; only the order of rows matters."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from aeanomaly import DenoisingAutoencoder
from aeanomaly.windows import WindowedDetector

#: Rows are ordered, so that a row has another score among other rows.
ORDERED = {
    "check_methods_sample_order_invariance": "the score of a row depends on the rows before it",
    "check_methods_subset_invariance": "the score of a row depends on the rows before it",
}


@parametrize_with_checks(
    [WindowedDetector(DenoisingAutoencoder(random_state=0, max_iter=20))],
    expected_failed_checks=lambda _: ORDERED,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
