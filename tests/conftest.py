"""What all tests share."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from aeanomaly.detectors import REGISTRY


@pytest.fixture(params=sorted(REGISTRY))
def detector_class(request):
    """Each of the five classes in turn."""
    return REGISTRY[request.param]


def mixed_rows(n=200, seed=0):
    """Rows with a linear relation, and among them a column of two values, 3 and 7."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    return np.column_stack([a, np.where(a > 0, 7.0, 3.0), 1e6 + 10 * b, a + b + 0.1 * rng.normal(size=n)])


@pytest.fixture
def rows():
    return mixed_rows()


@pytest.fixture
def adbench():
    """Folder of the public benchmark tables; tests that want it are skipped where it is missing."""
    shared = Path(__file__).parents[2] / "shared" / "adbench"
    folder = Path(os.environ.get("AEANOMALY_DATA", shared))
    if not folder.is_dir():
        pytest.skip("the benchmark tables are not here; set AEANOMALY_DATA to their folder")
    return folder


@pytest.fixture
def two_threads():
    """Give torch two threads, for tests about threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
