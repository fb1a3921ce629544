"""Constraints on parameters: the values that each one allows, and its message."""

import numpy as np
import pytest

from aeanomaly import DenoisingAutoencoder
from aeanomaly._constraints import any_of, boolean, integer, layer_sizes, one_of, real
from aeanomaly.detectors._parameters import SHARED_CONSTRAINTS, check_parameters

NOT_NUMBERS = ["1", None, True, 1j, [1], np.nan, np.inf, -np.inf]
#: Constraint, its text, values it allows, values it refuses.
CASES = {
    "integer": (integer(1), "an integer of at least 1", [1, 10**9, np.int32(3)], [0, -1, 1.5, 2.0, *NOT_NUMBERS]),
    "integer in a range": (integer(0, 4), "an integer from 0 to 4", [0, 4], [-1, 5, *NOT_NUMBERS]),
    "positive": (real(0), "a number above 0", [1e-300, 3, np.float32(0.5)], [0, -1e-9, *NOT_NUMBERS]),
    "at least 0": (real(0, with_low=True), "a number of at least 0", [0, 0.0, 5], [-1e-9, *NOT_NUMBERS]),
    "open interval": (real(0, 1), "a number in (0, 1)", [0.1, 0.999], [0, 1, 2, *NOT_NUMBERS]),
    "closed interval": (
        real(0, 1, with_low=True, with_high=True),
        "a number in [0, 1]",
        [0, 1, 0.5],
        [-0.1, 1.1, *NOT_NUMBERS],
    ),
    "word": (one_of("a", "b"), "one of 'a', 'b'", ["a", "b"], ["c", "", 0, None, b"a", ["a"]]),
    "boolean": (boolean(), "True or False", [True, False, np.True_], [0, 1, None, "True"]),
    "either": (any_of(one_of("auto"), integer(1)), "one of 'auto', or an integer of at least 1", ["auto", 1], [0, "x"]),
    "layer sizes": (
        layer_sizes(),
        "a tuple of positive integers, () for none",
        [(), (1,), [3, 2], (np.int64(8),)],
        [0, 64, (0,), (1.5,), (True,), "64", None, ((1,),)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_values_are_allowed_or_refused_with_the_rule_and_the_value(case):
    constraint, text, allowed, refused = CASES[case]
    assert constraint.text == text
    for value in allowed:
        constraint.check("Detector", "name", value)
    for value in refused:
        with pytest.raises(ValueError, match=r"^Detector: name must be ") as raised:
            constraint.check("Detector", "name", value)
        assert str(raised.value) == f"Detector: name must be {text}; got {value!r}"


def test_the_first_parameter_that_breaks_its_constraint_is_named():
    check_parameters(DenoisingAutoencoder(), SHARED_CONSTRAINTS)
    with pytest.raises(ValueError, match="batch_size must be an integer of at least 1; got 0"):
        check_parameters(DenoisingAutoencoder(batch_size=0, tol=-1), SHARED_CONSTRAINTS)
    with pytest.raises(ValueError, match="DenoisingAutoencoder: contamination: a threshold must be 'auto'"):
        check_parameters(DenoisingAutoencoder(contamination=0.7), SHARED_CONSTRAINTS)
