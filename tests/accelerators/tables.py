"""Tables of these tests, and the comparison of numbers of two devices."""

import numpy as np
import torch

from tests import bits
from tests.accelerators.models import moved

#: Relative difference between a CPU and an accelerator that compute with the same weights: both add float32 numbers,
#: each in its own order. Where numbers cancel, it is relative to the standard deviation of the column, at least 1e-3.
TOLERANCE = 1e-3
#: Relative difference between networks trained in stacks of different sizes: a product of another shape may be another
#: kernel, and training amplifies its rounding.
TRAINED_TOLERANCE = 0.05


def plane(n_rows=160, n_columns=7, seed=0):
    """Return rows near a plane, (n_rows, n_columns)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_rows, 2)) @ rng.normal(size=(2, n_columns)) + 0.1 * rng.normal(size=(n_rows, n_columns))


#: Table and value of the parameter `missing` for each kind of rows.
TABLES = {
    "numbers": (plane(), "error"),
    "missing values": (np.where(np.random.default_rng(1).random((160, 7)) < 0.1, np.nan, plane()), "model"),
    "mixed": (bits.mixed(), "error"),
    "mixed with missing values": (bits.with_missing(bits.mixed()), "informative"),
}


def on_cpu(detector):
    """Return a copy of a fitted detector with the same weights on the CPU."""
    return moved(detector, torch.device("cpu"))


def assert_close(found, expected, tolerance=TOLERANCE):
    """Require equal numbers within a tolerance, relative to each number and to its column; see `TOLERANCE`."""
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    size = np.maximum(np.nanstd(expected, axis=0), 1e-3)
    np.testing.assert_allclose(found / size, expected / size, rtol=tolerance, atol=tolerance)
