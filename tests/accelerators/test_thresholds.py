"""The default threshold on an accelerator, which needs clones that are trained together."""

import numpy as np
import pytest

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder
from tests.accelerators.tables import plane

WITH_CLONES = True

X = plane()


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, AutoencoderEnsemble])
def test_the_default_threshold_has_equal_bits_twice(build, cls):
    first, second = (build(cls, contamination="auto").fit(X) for _ in range(2))
    np.testing.assert_array_equal(first.calibration_scores_, second.calibration_scores_)
    assert first.offset_ == second.offset_
    assert (first.predict(X) == -1).mean() < 0.3
