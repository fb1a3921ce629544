"""Detectors on an accelerator in several threads at the same time."""

import numpy as np
import pytest

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder
from tests.accelerators.tables import plane
from tests.conftest import at_the_same_time

X = plane()


def test_fits_in_threads_equal_fits_in_turn(build):
    def fitted(seed):
        return build(DenoisingAutoencoder, random_state=seed).fit(X).score_samples(X)

    in_turn = [fitted(seed) for seed in range(3)]
    np.testing.assert_array_equal(at_the_same_time([lambda seed=seed: fitted(seed) for seed in range(3)]), in_turn)


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, AutoencoderEnsemble])
def test_scores_in_threads_equal_scores_in_turn(build, cls):
    detector = build(cls).fit(X)
    parts = [X[:1], X[:50], X, X[::-1]]
    in_turn = [detector.score_samples(part) for part in parts]
    found = at_the_same_time([lambda part=part: detector.score_samples(part) for part in parts])
    for scores, expected in zip(found, in_turn, strict=True):
        np.testing.assert_array_equal(scores, expected)


def test_scores_during_a_fit_are_those_of_the_fitted_detector(build):
    detector = build(DenoisingAutoencoder).fit(X)
    expected = detector.score_samples(X)
    calls = [lambda: build(AutoencoderEnsemble).fit(X).score_samples(X)]
    calls += [lambda: [detector.score_samples(X) for _ in range(10)]] * 2
    for scores in at_the_same_time(calls)[1:]:
        np.testing.assert_array_equal(scores, [expected] * 10)
